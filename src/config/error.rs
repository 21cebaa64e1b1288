//! Why settings are refused.

use std::io;
use std::path::PathBuf;

use crate::cli::{self, ExitCode};
use crate::units::Size;

/// Why settings are refused; the text says where the value stands, what is allowed and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The command line cannot be read, or asks for `--help` or `--version`.
    #[error("{}", cli::redact(&.0.to_string()))]
    Syntax(#[from] clap::Error),
    /// The settings file cannot be read.
    #[error("cannot read the settings file {}: {source}", path.display())]
    FileUnreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The settings file is no TOML.
    #[error("{}: {}", path.display(), cli::redact(&source.to_string()))]
    FileSyntax {
        /// Which.
        path: PathBuf,
        /// Why and where.
        source: Box<toml::de::Error>,
    },
    /// A key that is no setting.
    #[error("{}: '{key}' {place} is no setting; {hint}", path.display())]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// As written.
        key: String,
        /// Its table.
        place: String,
        /// Where it belongs or what may be meant.
        hint: String,
    },
    /// A value that does not fit its setting.
    #[error("{place} = {value}: {why}")]
    Value {
        /// The variable, or the key and its file.
        place: String,
        /// As written, without passwords.
        value: String,
        /// What is allowed.
        why: String,
    },
    /// A certificate for those who come from this very program.
    #[error("rebound demo talks to itself in the clear; --tls-cert and --tls-key are for rebound send and rebound serve")]
    DemoTls,
    /// A ball larger than its frame.
    #[error(
        "radius {radius_px} px does not fit into {size}: at most {limit_px} px; give a smaller --radius or a larger --size"
    )]
    Radius {
        /// As asked for.
        radius_px: f64,
        /// The frame.
        size: Size,
        /// The largest that fits.
        limit_px: f64,
    },
    /// webrtcbin knows one STUN server.
    #[error(
        "{0} STUN servers given, but one is all that can be used; give one --ice-server stun:… and any number of turn:…"
    )]
    SeveralStun(usize),
    /// The demo's receivers come to the demo's own sender.
    #[error("--whip does not fit a demo, which brings its own receivers; use 'rebound send --whip'")]
    DemoWhip,
    /// A flag that means nothing for this source.
    #[error("{flag} does not fit the source '{given}': {why}; leave it out or choose another --source")]
    Unfitting {
        /// The flag.
        flag: &'static str,
        /// As given, without passwords.
        given: String,
        /// Why.
        why: &'static str,
    },
    /// A file that is to be sent and cannot be read.
    #[error(
        "the source '{what}' cannot be read: {source}; write 'scene', a video file, rtsp://…, http://…, /dev/video0, or launch text"
    )]
    NoSource {
        /// As given.
        what: String,
        /// Why.
        source: io::Error,
    },
    /// Something to be written that cannot be.
    #[error("cannot write {what} {}: {source}", path.display())]
    Unwritable {
        /// What it is for.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file with a token.
    #[error("the token in {} cannot be read: {source}", path.display())]
    TokenUnreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What should be a token and is none; it is not shown.
    #[error("what stands in {0} is no token; make one with 'rebound token'")]
    Token(String),
    /// A hub that lets everybody in.
    #[error(
        "--host {0} lets other machines in, and with --auth none whoever reaches it may send and watch; use --auth token with \
         --secret-file FILE, or say --insecure"
    )]
    Insecure(String),
    /// A directory that is not there.
    #[error("--pipelines {} is not a directory", .0.display())]
    NoDirectory(PathBuf),
}

impl ConfigError {
    /// A value refused because of `why`.
    pub(super) fn value(place: &str, value: &str, why: String) -> ConfigError {
        ConfigError::Value { place: place.to_owned(), value: cli::redact(value), why: cli::redact(&why) }
    }

    /// 0 for `--help` and `--version`, else 2.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            ConfigError::Syntax(error) if !error.use_stderr() => ExitCode::Ok,
            _ => ExitCode::Usage,
        }
    }

    /// The text for standard output (`--help`, `--version`).
    pub fn answer(&self, coloured: bool) -> Option<String> {
        match self {
            ConfigError::Syntax(error) if !error.use_stderr() && coloured => Some(error.render().ansi().to_string()),
            ConfigError::Syntax(error) if !error.use_stderr() => Some(error.render().to_string()),
            _ => None,
        }
    }

    /// The text for standard error, with `error:` in front.
    pub fn complaint(&self) -> String {
        match self {
            ConfigError::Syntax(_) => self.to_string(),
            _ => format!("error: {self}\n"),
        }
    }
}
