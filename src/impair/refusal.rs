//! Why an impairment is refused.

use super::{CLEAN, PRESETS};

/// Why an impairment is refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SpecError {
    /// Nothing in it.
    #[error("the impairment is empty; write for example loss=5%,delay=20ms, or leave it out")]
    Empty,
    /// No key and no network.
    #[error(
        "'{0}' is no impairment; known are, each with a value, loss, burst, delay, rate, queue, reorder, duplicate, seed and at; \
        without one, blackout, {CLEAN} and the networks {networks}", networks = PRESETS.map(|preset| preset.name).join(", ")
    )]
    Unknown(String),
    /// A value that the key does not take.
    #[error("{key}={value} is not possible; {key} takes {allowed}")]
    Value {
        /// What was to be set.
        key: &'static str,
        /// What to.
        value: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// A key twice between two semicolons.
    #[error("{0} is given twice; a later value begins after a semicolon: rate=4mbit; at=10s rate=1mbit")]
    Twice(&'static str),
    /// It would undo what stands before it.
    #[error("'{0}' sets everything: it must stand before what changes it, for example lte,loss=3%")]
    NotFirst(String),
    /// A time inside a part.
    #[error("'{0}' must begin a part, after a semicolon: loss=1%; at=10s loss=2%")]
    TimeInside(String),
    /// The timeline goes backwards.
    #[error("at={0} is not after what stands before it; the times of a timeline rise: at=10s …; at=20s …")]
    Order(String),
    /// A part after a semicolon without a time.
    #[error("'{0}' has no time; each part after a semicolon begins with one: at=10s …")]
    NoTime(String),
    /// Chances do not begin anew in a later part.
    #[error("'{0}' holds for the whole time; it must stand before the first semicolon")]
    LateSeed(String),
    /// A time at which nothing begins.
    #[error(
        "'{0}' changes nothing; say what begins then, for example at=10s rate=1mbit (without more it only ends a blackout)"
    )]
    NoChange(String),
    /// How long losses are, where there are none.
    #[error("burst={0} is the length of losses, but nothing is lost: loss=1%,burst={0}")]
    NoLoss(f64),
    /// Losses so many cannot come in bursts so short.
    #[error(
        "a loss of {loss_percent} % needs bursts of at least {least} packets on average; burst={burst} is too short, and burst=none \
        makes each loss one by itself"
    )]
    Burst {
        /// Asked for.
        loss_percent: f64,
        /// Asked for.
        burst: f64,
        /// The shortest that make this loss, rounded up to a tenth.
        least: f64,
    },
}
