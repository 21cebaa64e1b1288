//! Why encoders are not taken, in words.

use crate::codec::Codec;
use crate::pipeline::{MissingElement, advice};
use crate::units::Fps;

use super::trial::TrialError;

/// An encoder that is not taken.
#[derive(Clone, Debug, PartialEq)]
pub struct PassedOver {
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: Reason,
}

/// Why an encoder is not taken.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Reason {
    /// Elements are not installed.
    #[error("not installed: {}", advice(.0))]
    NotInstalled(Vec<MissingElement>),
    /// Its trial failed.
    #[error("{0}")]
    Trial(TrialError),
    /// It keeps pictures back.
    #[error("it keeps back {0} pictures before the first comes out")]
    Delays(usize),
    /// It does not keep up.
    #[error("too slow: {ms_per_frame:.1} ms a picture, {budget_ms:.1} ms is one picture's time at {fps} fps")]
    TooSlow {
        /// Measured.
        ms_per_frame: f64,
        /// Available.
        budget_ms: f64,
        /// Asked for.
        fps: Fps,
    },
    /// It makes another codec than the table says.
    #[error("it makes {found}, not {wanted}")]
    WrongCodec {
        /// What came out.
        found: Codec,
        /// What the table says.
        wanted: Codec,
    },
    /// Another codec is asked for.
    #[error("it makes {0}, which is not asked for")]
    NotAskedFor(Codec),
    /// The other side cannot decode it.
    #[error("it makes {0}, which the other side cannot decode")]
    NotDecodable(Codec),
    /// It died before.
    #[error("it failed while running")]
    Died,
    /// Its text cannot be filled.
    #[error("{0}")]
    Text(String),
}

/// Why no encoder is taken.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ChooseError {
    /// No such name.
    #[error("unknown encoder '{name}'; there are auto, {}, or launch text as 'x264enc tune=zerolatency'", known.join(", "))]
    UnknownName {
        /// As given.
        name: String,
        /// All names.
        known: Vec<String>,
    },
    /// The one asked for does not work.
    #[error("encoder '{name}' cannot be used: {reason}")]
    Unusable {
        /// Its name, or `custom`.
        name: String,
        /// Why.
        reason: Box<Reason>,
    },
    /// None works.
    #[error("no encoder{} can be used here:{}", of_codec(*codec), reasons(passed_over))]
    None {
        /// Asked for.
        codec: Option<Codec>,
        /// All of that codec, and why not.
        passed_over: Vec<PassedOver>,
    },
}

fn of_codec(codec: Option<Codec>) -> String {
    codec.map_or_else(String::new, |codec| format!(" for {codec}"))
}

fn reasons(passed_over: &[PassedOver]) -> String {
    passed_over.iter().map(|PassedOver { name, reason }| format!("\n  {name}: {reason}")).collect()
}
