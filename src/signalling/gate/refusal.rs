//! Why an SDP is refused.

use super::candidate::CandidateRefused;
use super::sdp::{MAX_FORMATS, MAX_LINE_BYTES, MAX_LINES, MAX_MEDIA, MAX_SDP_BYTES};

/// What is wrong, and in which line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SdpRefused {
    /// Counted from 1; `None` when it is the whole that is wrong.
    pub line: Option<usize>,
    /// What is wrong.
    pub problem: SdpProblem,
}

impl std::error::Error for SdpRefused {}

impl std::fmt::Display for SdpRefused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "the SDP was refused, line {line}: {}", self.problem),
            None => write!(f, "the SDP was refused: {}", self.problem),
        }
    }
}

impl From<SdpProblem> for SdpRefused {
    fn from(problem: SdpProblem) -> SdpRefused {
        SdpRefused { line: None, problem }
    }
}

impl SdpProblem {
    pub(super) fn at(self, line: usize) -> SdpRefused {
        SdpRefused { line: Some(line), problem: self }
    }
}

/// What can be wrong with an SDP.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SdpProblem {
    /// Longer than any real one.
    #[error("{0} bytes; at most {MAX_SDP_BYTES} are read")]
    TooLong(usize),
    /// More lines than any real one.
    #[error("{0} lines; at most {MAX_LINES} are read")]
    TooManyLines(usize),
    /// A line longer than any real one.
    #[error("a line of {0} bytes; at most {MAX_LINE_BYTES} are read")]
    LineTooLong(usize),
    /// Old Macintosh line ends: one parser would see one line, another many.
    #[error("lines end with CR alone; RFC 8866 wants CR LF")]
    CrOnly,
    /// NUL or another control character.
    #[error("a control character")]
    Control,
    /// Not RFC 8866.
    #[error("not SDP: {0}")]
    Syntax(&'static str),
    /// A number out of range.
    #[error("{0} is not a number in range")]
    Number(&'static str),
    /// Given twice: one parser would take the first, another the last.
    #[error("{0} is there twice")]
    Duplicate(&'static str),
    /// Each m-line costs the stack about 8 descriptors and 3 threads before it is bundled.
    #[error("more than {MAX_MEDIA} m-lines")]
    TooManyMedia,
    /// No m-line.
    #[error("no m-line that is not rejected")]
    NoMedia,
    /// More payload types than there are.
    #[error("more than {MAX_FORMATS} formats in one m-line")]
    TooManyFormats,
    /// Sound, text, images.
    #[error("an m-line that is neither video nor application; nothing else is sent or received here")]
    MediaKind,
    /// Not secure RTP over DTLS, or not SCTP over DTLS.
    #[error("a transport other than UDP/TLS/RTP/SAVPF for video and UDP/DTLS/SCTP for application")]
    Transport,
    /// Transports that nobody uses.
    #[error("BUNDLE: {0}")]
    Bundle(&'static str),
    /// Something without which no session is made.
    #[error("no {0}")]
    Missing(&'static str),
    /// RFC 8839 section 5.4.
    #[error("an ice-ufrag must be 4 to 256, an ice-pwd 22 to 256 of A-Z a-z 0-9 + /")]
    IceCredentials,
    /// RFC 8842 section 5.
    #[error(
        "setup must be actpass, active or passive in an offer, active or passive in an answer, and the same in every m-line"
    )]
    Setup,
    /// MD5, SHA-1 and their like do not bind a certificate.
    #[error("the hash function of a fingerprint must be sha-256, sha-384 or sha-512")]
    HashFunction,
    /// Not hexadecimal, or not of the length that the hash function has.
    #[error("a fingerprint that is not AB:CD:… of the right length")]
    Fingerprint,
    /// Two certificates.
    #[error("two fingerprints that contradict each other")]
    ConflictingFingerprints,
    /// Too many embedded candidates.
    #[error(transparent)]
    Candidates(CandidateRefused),
}
