//! What goes wrong, in words and as a code.

use serde::{Deserialize, Serialize};

/// `error`: what was wrong with what the receiver sent, or with the sender.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorReport {
    /// For programs.
    pub code: ErrorCode,
    /// For people.
    pub message: String,
    /// Whether the connection lives on; if not, the sender closes it after this message.
    pub recoverable: bool,
}

/// Every way in which signalling goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ErrorCode {
    /// Not JSON, not text, an unknown type, a missing or malformed field.
    InvalidMessage,
    /// A good message at the wrong time.
    ProtocolError,
    /// `join` or `register` names a version that is not spoken here.
    UnsupportedVersion,
    /// This connection may not do that: its token is for another session or role.
    Forbidden,
    /// `join` names no session, and there is not exactly one.
    SessionNeeded,
    /// Another sender has this session.
    SessionTaken,
    /// The hub cannot receive or send on what is published any more.
    PublishingEnded,
    /// Nobody is remembered by this id and ticket; a `join` without `resume` helps.
    ResumeRefused,
    /// Nothing that the sender encodes can be decoded by the receiver.
    NoCommonCodec,
    /// The SDP did not pass the gate.
    SdpRefused,
    /// A candidate did not pass the gate; the others are used.
    CandidateRefused,
    /// The certificate of the DTLS handshake is not the one that the SDP names.
    FingerprintMismatch,
    /// `join`, the answer, the connection or a sign of life came too late.
    Timeout,
    /// The peer connection is gone: its way, or one side closed it.
    ConnectionLost,
    /// Too many sessions, receivers, candidates or mistakes.
    TooMany,
    /// More messages a second than anybody needs.
    TooFast,
    /// No sender came for so long that waiting on makes no sense.
    NoSender,
    /// The sender or the hub ends.
    ShuttingDown,
    /// The sender's own fault.
    InternalError,
    /// A code of a newer sender.
    #[serde(other)]
    Unknown,
}
