//! How the program ends, told to the shell.

use std::fmt::Write as _;

/// What the process's exit status means. The numbers are a promise: scripts rely on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitCode {
    /// All went well.
    Ok = 0,
    /// Something failed while running.
    Failure = 1,
    /// Wrong flag, value or settings file; nothing was started.
    Usage = 2,
    /// The run ended well, but what was asserted of it does not hold.
    AssertionMissed = 3,
    /// No receiver came, or not one coordinate could be joined to its frame.
    NothingMatched = 4,
    /// Cannot listen or connect.
    Network = 5,
    /// No usable encoder, or GStreamer elements are missing.
    MissingElements = 6,
    /// Interrupted twice: left at once, nothing was finished.
    Interrupted = 130,
}

impl ExitCode {
    /// All of them.
    pub const ALL: [ExitCode; 8] = [
        ExitCode::Ok,
        ExitCode::Failure,
        ExitCode::Usage,
        ExitCode::AssertionMissed,
        ExitCode::NothingMatched,
        ExitCode::Network,
        ExitCode::MissingElements,
        ExitCode::Interrupted,
    ];

    /// For people.
    pub fn meaning(self) -> &'static str {
        match self {
            ExitCode::Ok => "success",
            ExitCode::Failure => "something failed while running",
            ExitCode::Usage => "wrong flag, value or settings file; nothing was started",
            ExitCode::AssertionMissed => "the run ended, but an assertion about it does not hold",
            ExitCode::NothingMatched => "no receiver came, or no coordinate could be joined to its frame",
            ExitCode::Network => "cannot listen or connect",
            ExitCode::MissingElements => "no usable encoder, or GStreamer elements are missing",
            ExitCode::Interrupted => "interrupted twice: left at once",
        }
    }

    /// The list for `--help`.
    pub(super) fn help() -> String {
        let mut text = "Exit codes:".to_owned();
        for code in ExitCode::ALL {
            // Writing to a String cannot fail.
            let _ = write!(text, "\n  {:>3}  {}", code as u8, code.meaning());
        }
        text
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> std::process::ExitCode {
        std::process::ExitCode::from(code as u8)
    }
}
