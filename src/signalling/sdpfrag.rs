//! Pieces of SDP that bring candidates after an offer, as WHIP and WHEP clients PATCH them: RFC 8840 section 9, RFC 9725 section 4.3.
//!
//! Strict in what could be misunderstood, tolerant of lines that have no meaning here.

use super::gate::MAX_CANDIDATES;
use super::message::{END_OF_CANDIDATES, TrickledCandidate};

/// The longest fragment in bytes: 64 candidates of a hundred and some.
pub const MAX_FRAGMENT_BYTES: usize = 16 * 1024;

/// The user name and password of an ICE session, RFC 8839 section 5.4.
#[derive(Clone, PartialEq, Eq)]
pub struct IceCredentials {
    ufrag: String,
    pwd: String,
}

impl IceCredentials {
    /// The first in a description or a fragment, if it has any.
    pub fn of(sdp: &str) -> Option<IceCredentials> {
        let first = |name: &str| sdp.lines().find_map(|line| line.trim_end().strip_prefix(name)).map(str::to_owned);
        Some(IceCredentials { ufrag: first("a=ice-ufrag:")?, pwd: first("a=ice-pwd:")? })
    }
}

/// What a fragment says.
#[derive(Clone, PartialEq, Eq)]
pub struct Fragment {
    /// Whose candidates these are; others than the offer's ask for an ICE restart.
    pub credentials: Option<IceCredentials>,
    /// In their order; at the end perhaps the end of candidates.
    pub candidates: Vec<TrickledCandidate>,
}

impl Fragment {
    /// Whether it belongs to another ICE session than this one.
    pub fn restarts(&self, credentials: Option<&IceCredentials>) -> bool {
        self.credentials.is_some() && self.credentials.as_ref() != credentials
    }
}

/// Why a fragment cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFragment {
    /// Longer than [`MAX_FRAGMENT_BYTES`].
    #[error("a fragment of {0} bytes is too long; at most {MAX_FRAGMENT_BYTES} bytes are read")]
    TooLong(usize),
    /// Nothing in it.
    #[error("the fragment is empty")]
    Empty,
    /// This line is not as it must be.
    #[error("line {line} of the fragment {problem}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        problem: &'static str,
    },
    /// More than the session may have.
    #[error("more than {MAX_CANDIDATES} candidates")]
    TooManyCandidates,
}

/// Reads a fragment.
pub fn read_fragment(text: &str) -> Result<Fragment, BadFragment> {
    if text.len() > MAX_FRAGMENT_BYTES {
        return Err(BadFragment::TooLong(text.len()));
    }
    let mut reader = Reader::default();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
        reader.read(line).map_err(|problem| BadFragment::Line { line: index + 1, problem })?;
    }
    reader.finish()
}

#[derive(Default)]
struct Reader<'a> {
    has_lines: bool,
    ufrag: Option<&'a str>,
    pwd: Option<&'a str>,
    /// Of the section that is being read.
    mid: Option<&'a str>,
    candidates: Vec<(Option<&'a str>, &'a str)>,
    is_end: bool,
}

impl<'a> Reader<'a> {
    fn read(&mut self, line: &'a str) -> Result<(), &'static str> {
        self.has_lines = true;
        if line.chars().any(char::is_control) {
            return Err("has control characters");
        }
        let Some((kind, value)) = line.split_once('=').filter(|(kind, _)| kind.len() == 1) else {
            return Err("is not a letter, '=' and a value");
        };
        match kind {
            "m" => self.mid = None,
            "a" => return self.read_attribute(value),
            _ => {}
        }
        Ok(())
    }

    fn read_attribute(&mut self, attribute: &'a str) -> Result<(), &'static str> {
        match attribute.split_once(':').unwrap_or((attribute, "")) {
            ("ice-ufrag", ufrag) => set(&mut self.ufrag, ufrag),
            ("ice-pwd", pwd) => set(&mut self.pwd, pwd),
            ("mid", "") => Err("has no mid"),
            ("mid", mid) => {
                self.mid = Some(mid);
                Ok(())
            }
            ("candidate", _) if self.mid.is_none() => Err("is a candidate before a=mid, so that nobody knows for what"),
            ("candidate", _) => {
                self.candidates.push((self.mid, attribute));
                Ok(())
            }
            ("end-of-candidates", _) => {
                self.is_end = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn finish(self) -> Result<Fragment, BadFragment> {
        if !self.has_lines {
            return Err(BadFragment::Empty);
        }
        if self.candidates.len() > MAX_CANDIDATES {
            return Err(BadFragment::TooManyCandidates);
        }
        let told = |(mid, text): (Option<&str>, &str)| TrickledCandidate {
            candidate: text.to_owned(),
            line: None,
            mid: mid.map(str::to_owned),
            offer: None,
        };
        let end = self.is_end.then_some((self.mid, END_OF_CANDIDATES));
        let credentials = self.ufrag.zip(self.pwd);
        Ok(Fragment {
            credentials: credentials.map(|(ufrag, pwd)| IceCredentials { ufrag: ufrag.to_owned(), pwd: pwd.to_owned() }),
            candidates: self.candidates.into_iter().chain(end).map(told).collect(),
        })
    }
}

/// All sections share one transport, so they name the same.
fn set<'a>(slot: &mut Option<&'a str>, value: &'a str) -> Result<(), &'static str> {
    match slot.replace(value) {
        Some(before) if before != value => Err("names other ICE credentials than before"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 9725 section 4.3.1, figure 5, shortened.
    const EXAMPLE: &str = "a=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:EsAw\r\n\
        a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\na=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0\r\n\
        a=candidate:3471623853 1 udp 2122194687 198.51.100.2 61765 typ host generation 0\r\na=end-of-candidates\r\n";

    fn problem(text: &str) -> String {
        read_fragment(text).err().expect(text).to_string()
    }

    #[test]
    fn candidates_go_to_their_mid_and_end() {
        let fragment = read_fragment(EXAMPLE).unwrap_or_else(|error| panic!("{error}"));
        let found: Vec<_> = fragment.candidates.iter().map(|one| (one.mid.as_deref(), one.candidate.len())).collect();
        assert_eq!(found, [(Some("0"), 75), (Some("0"), 78), (Some("0"), 0)]);
        let offer = |ufrag: &str| format!("v=0\r\na=ice-ufrag:{ufrag}\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n");
        assert!(!fragment.restarts(IceCredentials::of(&offer("EsAw")).as_ref()));
        assert!(fragment.restarts(IceCredentials::of(&offer("other")).as_ref()));
        let nameless = read_fragment("m=video 9 X 0\na=mid:0").unwrap_or_else(|error| panic!("{error}"));
        assert!(!nameless.restarts(None) && nameless.candidates.is_empty());
    }

    #[test]
    fn what_cannot_be_understood_is_refused_in_words() {
        for (text, expected) in [
            ("", "empty"),
            ("\r\n\r\n", "empty"),
            ("hello", "line 1"),
            ("m=video 9 X 0\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host", "line 2"),
            ("a=mid:0\nm=video 9 X 0\na=candidate:1 1 udp 1 192.0.2.1 9 typ host", "line 3"),
            ("a=mid:", "no mid"),
            ("a=mid:\u{0}0", "control"),
            ("a=ice-ufrag:a\na=ice-ufrag:b", "other ICE credentials"),
        ] {
            assert!(problem(text).contains(expected), "{text:?}: {}", problem(text));
        }
        let many = format!("a=mid:0\n{}", "a=candidate:1\n".repeat(MAX_CANDIDATES + 1));
        assert_eq!(problem(&many), "more than 64 candidates");
        assert!(problem(&"a".repeat(MAX_FRAGMENT_BYTES + 1)).contains("too long"));
    }

    proptest! {
        #[test]
        fn no_text_panics_and_every_candidate_has_a_mid(
            lines in prop::collection::vec(prop_oneof![
                Just("m=video 9 X 0".to_owned()),
                "a=(mid|candidate|ice-ufrag|ice-pwd|end-of-candidates):?[ -~]{0,9}",
                "\\PC{0,12}",
            ], 0..40),
        ) {
            if let Ok(fragment) = read_fragment(&lines.join("\n")) {
                let named = |one: &TrickledCandidate| one.candidate.is_empty() || one.mid.is_some();
                prop_assert!(fragment.candidates.iter().all(named));
            }
        }
    }
}
