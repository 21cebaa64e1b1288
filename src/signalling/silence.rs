//! Players ask for sound beside the picture and publishers offer it, and there is none: their m-lines for it are kept from the WebRTC
//! stack, and answered as `inactive`. They stay in the bundle: the first of its m-lines is the one whose transport all share (RFC 9143 section 7.3), which is often that
//! of the sound.

use super::gate::MAX_MEDIA;

/// What all m-lines of a bundle share, so that the m-line that follows has to say it.
const TRANSPORT: [&str; 4] = ["a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:", "a=setup:"];

/// An m-line for sound, and what is answered to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Silent {
    /// Which of the offer's m-lines it is, from 0.
    index: usize,
    /// As the offer names it.
    mid: String,
    /// Its lines in the answer, but for those of the transport.
    lines: Vec<String>,
}

/// A description in parts: what stands before the first m-line, then each m-line with what follows it.
fn parts(sdp: &str) -> (Vec<&str>, Vec<Vec<&str>>) {
    let (mut head, mut sections) = (Vec::new(), Vec::<Vec<&str>>::new());
    for line in sdp.lines() {
        if line.starts_with("m=") {
            sections.push(Vec::new());
        }
        sections.last_mut().unwrap_or(&mut head).push(line);
    }
    (head, sections)
}

fn mid<'a>(section: &[&'a str]) -> Option<&'a str> {
    section.iter().find_map(|line| line.strip_prefix("a=mid:"))
}

fn written(lines: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    lines.into_iter().flat_map(|line| [line.as_ref().to_owned(), "\r\n".to_owned()]).collect()
}

/// The offer without its sound, and what that was. Of more m-lines than are ever looked at none is taken out: the gate refuses them.
pub(crate) fn without_sound(offer: &str) -> (String, Vec<Silent>) {
    if offer.lines().filter(|line| line.starts_with("m=")).count() > MAX_MEDIA {
        return (offer.to_owned(), Vec::new());
    }
    let (mut head, mut sections): (Vec<String>, _) = {
        let (head, sections) = parts(offer);
        (head.into_iter().map(str::to_owned).collect(), sections)
    };
    let silent: Vec<Silent> = sections.iter().enumerate().filter_map(|(index, section)| silent(index, section)).collect();
    if silent.is_empty() {
        return (offer.to_owned(), silent);
    }
    let is_silent = |index: usize| silent.iter().any(|one| one.index == index);
    let shared: Vec<&str> = if is_silent(0) { shared_by(&sections[0]) } else { Vec::new() };
    for line in head.iter_mut().filter(|line| line.starts_with("a=group:BUNDLE")) {
        *line = line.split(' ').filter(|word| silent.iter().all(|one| one.mid != *word)).collect::<Vec<_>>().join(" ");
    }
    let mut index = 0;
    sections.retain(|_| {
        index += 1;
        !is_silent(index - 1)
    });
    let mut sections: Vec<Vec<String>> =
        sections.iter().map(|section| section.iter().map(|line| (*line).to_owned()).collect()).collect();
    if let Some(first) = sections.first_mut() {
        lead(first, &shared);
    }
    (written(head) + &sections.into_iter().map(written).collect::<String>(), silent)
}

/// Makes an m-line the one whose transport all share.
fn lead(section: &mut Vec<String>, shared: &[&str]) {
    let before = section.len();
    section.retain(|line| line != "a=bundle-only");
    if section.len() < before
        && let Some(line) = section.first_mut()
    {
        // It had no port of its own.
        *line = line.replacen(" 0 ", " 9 ", 1);
    }
    for line in shared {
        if !section.iter().any(|own| same_attribute(own, line)) {
            section.push((*line).to_owned());
        }
    }
}

/// What an m-line says for all of the bundle.
fn shared_by<'a>(section: &[&'a str]) -> Vec<&'a str> {
    let is_shared = |line: &&&str| line.starts_with("a=candidate:") || TRANSPORT.iter().any(|name| line.starts_with(name));
    section.iter().filter(is_shared).copied().collect()
}

/// Whether a line says the same as another, or in its place.
fn same_attribute(own: &str, other: &str) -> bool {
    own == other || TRANSPORT.iter().any(|name| own.starts_with(name) && other.starts_with(name))
}

/// What is answered to an m-line, if it is one for sound: the first of its formats, and that nothing flows.
fn silent(index: usize, section: &[&str]) -> Option<Silent> {
    let words: Vec<&str> = section.first()?.strip_prefix("m=audio ")?.split(' ').collect();
    let [_, protocol, format, ..] = words[..] else { return None };
    let mid = mid(section)?;
    let about = [format!("a=rtpmap:{format} "), format!("a=fmtp:{format} ")];
    let described = section.iter().filter(|line| about.iter().any(|about| line.starts_with(about.as_str())));
    let mut lines = vec![format!("m=audio 9 {protocol} {format}"), "c=IN IP4 0.0.0.0".into(), format!("a=mid:{mid}")];
    lines.extend(described.map(|line| (*line).to_owned()));
    lines.extend(["a=inactive", "a=rtcp-mux"].map(str::to_owned));
    Some(Silent { index, mid: mid.to_owned(), lines })
}

/// An answer with what is answered to the sound.
pub(crate) fn with_silence(answer: &str, silent: &[Silent]) -> String {
    if silent.is_empty() {
        return answer.to_owned();
    }
    let (head, sections) = parts(answer);
    let shared: Vec<&str> = sections.first().map(|first| shared_by(first)).unwrap_or_default();
    let mut sections: Vec<String> = sections.iter().map(written).collect();
    let mut mids: Vec<&str> = parts(answer).1.iter().filter_map(|section| mid(section)).collect();
    for Silent { index, mid, lines } in silent {
        let shared = shared.iter().map(|line| (*line).to_owned());
        let at = (*index).min(sections.len());
        sections.insert(at, written(lines.iter().cloned().chain(shared)));
        mids.insert(at.min(mids.len()), mid);
    }
    let bundle = format!("a=group:BUNDLE {}", mids.join(" "));
    let head = head.into_iter().map(|line| if line.starts_with("a=group:BUNDLE") { bundle.as_str() } else { line });
    written(head) + &sections.concat()
}

/// The m-lines of an offer by their mids, each with its place without the sound. Candidates for the sound are for the transport of all.
pub(crate) fn lines(kept: &[String], silent: &[Silent]) -> Lines {
    let mut lines: Lines = (0..).zip(kept).map(|(line, mid)| (mid.clone(), line)).collect();
    for Silent { index, mid, .. } in silent {
        lines.insert((*index).min(lines.len()), (mid.clone(), 0));
    }
    lines
}

/// Mids, and the m-line of the WebRTC stack that each is.
pub(crate) type Lines = Vec<(String, u32)>;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEAD: &str = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n";
    const ICE: &str =
        "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=fingerprint:sha-256 AA\r\na=setup:actpass\r\n";
    const SOUND: &str =
        "m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\na=mid:0\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:0 PCMU/8000\r\n";
    const ADDRESS: &str = "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n";

    #[test]
    fn sound_is_taken_out_and_what_it_says_for_all_stays() {
        let offer =
            format!("{HEAD}a=group:BUNDLE 0 1\r\n{SOUND}{ICE}{ADDRESS}m=video 0 X 96\r\na=bundle-only\r\na=mid:1\r\n");
        let (picture, silent) = without_sound(&offer);
        let expected = format!("{HEAD}a=group:BUNDLE 1\r\nm=video 9 X 96\r\na=mid:1\r\n{ICE}{ADDRESS}");
        assert_eq!((picture, silent.len()), (expected, 1));
        let offer = format!("{HEAD}a=group:BUNDLE 1 0\r\nm=video 9 X 96\r\na=mid:1\r\n{ICE}{SOUND}{ICE}");
        let (picture, silent) = without_sound(&offer);
        assert_eq!(lines(&["1".to_owned()], &silent), [("1".to_owned(), 0), ("0".to_owned(), 0)]);
        assert_eq!(picture, format!("{HEAD}a=group:BUNDLE 1\r\nm=video 9 X 96\r\na=mid:1\r\n{ICE}"));
    }

    #[test]
    fn sound_is_answered_in_its_place_as_inactive_with_the_transport_of_all() {
        let (_, silent) = without_sound(&format!("{HEAD}a=group:BUNDLE 0 1\r\n{SOUND}m=video 9 X 96\r\na=mid:1\r\n"));
        let answer = format!("{HEAD}a=group:BUNDLE 1\r\nm=video 9 X 96\r\na=mid:1\r\n{ICE}");
        let said = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=rtpmap:111 opus/48000/2\r\na=inactive\r\na=rtcp-mux\r\n";
        let expected = format!("{HEAD}a=group:BUNDLE 0 1\r\n{said}{ICE}m=video 9 X 96\r\na=mid:1\r\n{ICE}");
        assert_eq!(with_silence(&answer, &silent), expected);
    }

    #[test]
    fn an_offer_of_hundreds_is_left_to_the_gate() {
        let offer = format!("{HEAD}{}", SOUND.repeat(300));
        assert_eq!(without_sound(&offer), (offer, Vec::new()));
    }

    proptest! {
        #[test]
        fn whatever_is_offered_nothing_is_lost_but_sound_and_it_is_answered_in_its_place(
            kinds in prop::collection::vec(any::<bool>(), 1..=MAX_MEDIA), noise in "[a-z=: 0-9]{0,12}",
        ) {
            let kind = |is_sound: bool| if is_sound { "audio" } else { "video" };
            let section = |(mid, is_sound): (usize, &bool)| format!("m={} 9 X 96\r\na=mid:{mid}\r\na=x{noise}\r\n", kind(*is_sound));
            let offer = format!("{HEAD}{}", kinds.iter().enumerate().map(section).collect::<String>());
            let (picture, silent) = without_sound(&offer);
            prop_assert!(!picture.contains("m=audio"));
            prop_assert_eq!(silent.len(), kinds.iter().filter(|is_sound| **is_sound).count());
            let answer = with_silence(&picture, &silent);
            let order = |sdp: &str| parts(sdp).1.iter().map(|section| (section[0][..7].to_owned(), mid(section).map(str::to_owned))).collect::<Vec<_>>();
            prop_assert_eq!(order(&answer), order(&offer));
        }
    }

    #[test]
    fn without_sound_nothing_is_changed() {
        for sdp in ["", "v=0", HEAD, "m=audio", "m=audio 9\r\na=mid:0", "m=video 9 X 96\na=mid:1"] {
            assert_eq!(without_sound(sdp), (sdp.to_owned(), Vec::new()), "{sdp}");
            assert_eq!(with_silence(sdp, &[]), sdp);
        }
    }
}
