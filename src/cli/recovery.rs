//! How lost packets are dealt with.

use std::fmt;
use std::str::FromStr;

use clap::Args;
use clap::builder::RangedU64ValueParser;

use crate::recovery::Patience;

/// What `rebound send` does against lost packets, besides sending them again.
#[derive(Clone, Copy, Debug, Args)]
pub struct SendRecovery {
    /// Forward error correction (ULPFEC in RED): so many percent more packets, from which some lost ones can be restored without
    /// asking for them; of use where a round trip takes longer than a coordinate may
    #[arg(long = "fec", value_name = "PERCENT", default_value = "0", value_parser = RangedU64ValueParser::<u32>::new().range(0..=100),
        help_heading = "Network")]
    pub fec_percent: u32,
}

/// How `rebound receive` deals with lost packets.
#[derive(Clone, Copy, Debug, Args)]
pub struct ReceiveRecovery {
    /// How long to wait for lost packets to be sent again, in ms, or 'auto': as the path needs it; complete frames never wait
    #[arg(long, value_name = "MS|auto", default_value = "auto", help_heading = "Video")]
    pub jitter_ms: JitterMs,
}

/// How long a lost packet is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JitterMs {
    /// As long as the path's round trip, jitter and loss make it worth.
    Auto,
    /// So many milliseconds.
    Fixed(u32),
}

impl JitterMs {
    /// More is of no use: nobody looks at an older picture.
    const MOST: u32 = 10_000;

    /// How long it is at first, in ms.
    pub fn at_first(self) -> u32 {
        match self {
            JitterMs::Auto => u32::try_from(Patience::default().wait().as_millis()).unwrap_or(JitterMs::MOST),
            JitterMs::Fixed(ms) => ms,
        }
    }
}

impl FromStr for JitterMs {
    type Err = String;

    fn from_str(text: &str) -> Result<JitterMs, String> {
        match text.parse() {
            _ if text == "auto" => Ok(JitterMs::Auto),
            Ok(ms) if ms <= JitterMs::MOST => Ok(JitterMs::Fixed(ms)),
            _ => Err(format!("'{text}' is invalid; write auto, or milliseconds from 0 to {}", JitterMs::MOST)),
        }
    }
}

impl fmt::Display for JitterMs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JitterMs::Auto => f.write_str("auto"),
            JitterMs::Fixed(ms) => ms.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_number_of_milliseconds_or_auto() {
        for good in ["auto", "0", "10000"] {
            assert_eq!(good.parse::<JitterMs>().map(|jitter| jitter.to_string()), Ok(good.to_owned()));
        }
        for bad in ["", "Auto", "-1", "10001", "5ms"] {
            assert!(bad.parse::<JitterMs>().is_err_and(|error| error.contains("write auto")), "{bad}");
        }
    }
}
