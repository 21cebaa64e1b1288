//! A description with all of its candidates, for those who cannot be told of candidates later: WHIP and WHEP servers.

/// Writes candidates (`candidate:…`, each with the index of its m-line) into a description and ends their list.
///
/// What the description has of candidates already stays, unless it is named again. A candidate for an m-line that is not there is left out.
/// `a=end-of-candidates` (RFC 8838 section 8.2) follows in every m-line that has any; all m-lines of a bundle share those of the first.
pub fn complete(sdp: &str, candidates: &[(u32, String)]) -> String {
    let mut written =
        String::with_capacity(sdp.len() + candidates.iter().map(|(_, text)| text.len() + 4).sum::<usize>() + 32);
    let sections = sdp.split_inclusive('\n').fold(Vec::new(), |mut sections: Vec<Vec<&str>>, line| {
        if sections.is_empty() || line.starts_with("m=") {
            sections.push(Vec::new());
        }
        if let Some(section) = sections.last_mut() {
            section.push(line.trim_end_matches(['\r', '\n']));
        }
        sections
    });
    for (index, section) in sections.iter().enumerate() {
        // What stands before the first m-line is no section of its own.
        let line = index.checked_sub(1).and_then(|line| u32::try_from(line).ok());
        write_section(
            &mut written,
            section,
            candidates.iter().filter(|(of, _)| Some(*of) == line).map(|(_, text)| text.as_str()),
        );
    }
    written
}

fn write_section<'a>(written: &mut String, lines: &[&str], candidates: impl Iterator<Item = &'a str>) {
    let mut put = |parts: [&str; 2]| parts.iter().chain(&["\r\n"]).for_each(|part| written.push_str(part));
    let known = |line: &&&str| line.starts_with("a=candidate:");
    let mut has_any = lines.iter().any(|line| known(&line));
    lines.iter().filter(|line| **line != "a=end-of-candidates").for_each(|line| put([line, ""]));
    for candidate in candidates {
        if !lines.iter().any(|line| line.strip_prefix("a=") == Some(candidate)) {
            put(["a=", candidate]);
        }
        has_any = true;
    }
    if has_any {
        put(["a=end-of-candidates", ""]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n";
    const ONE: &str = "candidate:1 1 UDP 2122260223 192.0.2.1 40000 typ host";
    const OTHER: &str = "candidate:2 1 UDP 2122260223 192.0.2.2 40000 typ host";

    #[test]
    fn candidates_stand_at_the_end_of_their_section_each_once_and_are_ended() {
        let sdp = format!("{HEAD}m=video 9 X 96\r\na=mid:0\r\na={ONE}\r\nm=application 9 Y z\na=mid:1\n");
        let candidates = [ONE, OTHER].map(|text| (0, text.to_owned()));
        let expected = format!(
            "{HEAD}m=video 9 X 96\r\na=mid:0\r\na={ONE}\r\na={OTHER}\r\na=end-of-candidates\r\nm=application 9 Y z\r\na=mid:1\r\n"
        );
        let completed = complete(&sdp, &candidates);
        assert_eq!(completed, expected);
        assert_eq!(complete(&completed, &candidates), expected, "again changes nothing");
    }

    #[test]
    fn what_has_no_place_is_left_out() {
        let candidates = [(7, ONE.to_owned())];
        assert_eq!(complete(HEAD, &candidates), HEAD);
        assert_eq!(complete("", &candidates), "");
    }
}
