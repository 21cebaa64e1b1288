//! Congestion control: how much may be sent to whom. Pure, time is an argument.
//!
//! What a receiver's transport-wide feedback says of each packet becomes a [`Measured`] ([`Path`]).

mod controller;
mod flow;
mod mitigation;
mod path;
mod record;
mod rule;

pub use controller::{Controller, Fitness, Target, Verdict};
pub use mitigation::Mitigation;
pub use path::{Measured, Packet, Path};
pub use record::{CongestionTotals, Record, Sample};
pub use rule::{BitrateRule, BitrateRuleError};

#[cfg(test)]
mod simulation;
