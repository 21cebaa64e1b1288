//! What the user says of the bitrate.

use std::fmt;
use std::str::FromStr;

use crate::units::Bitrate;

/// `auto` alone begins here: below it a picture of 640x480 at 30 frames/s is no longer worth looking at, even when it is halved.
const DEFAULT_FLOOR: Bitrate = Bitrate::kbps(200);

/// `auto` alone ends here, as rtpgccbwe and webrtcsink do: enough for 1920x1080 at 30 frames/s.
const DEFAULT_CEILING: Bitrate = Bitrate::kbps(8000);

/// Where `auto` begins to look for what the path carries: most paths carry it, and from here 8 Mbit/s are five seconds away.
const START: Bitrate = Bitrate::kbps(2000);

/// How the encoder's bitrate comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BitrateRule {
    /// It stays as it is.
    Fixed(Bitrate),
    /// It follows what the paths to the receivers carry.
    Auto {
        /// Never less, whatever a receiver's path carries.
        floor: Bitrate,
        /// Never more.
        ceiling: Bitrate,
    },
}

/// Why a rule is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "bitrate '{0}' is not a rate from 10k to 1000M, nor auto:LEAST-MOST; write for example 800k, 3M, auto or auto:300k-4M"
)]
pub struct BitrateRuleError(String);

impl BitrateRule {
    /// What the encoder begins with.
    pub fn start(self) -> Bitrate {
        match self {
            BitrateRule::Fixed(bitrate) => bitrate,
            BitrateRule::Auto { floor, ceiling } => START.clamp(floor, ceiling),
        }
    }

    /// The most that the encoder is ever asked for.
    pub fn ceiling(self) -> Bitrate {
        match self {
            BitrateRule::Fixed(bitrate) => bitrate,
            BitrateRule::Auto { ceiling, .. } => ceiling,
        }
    }
}

impl FromStr for BitrateRule {
    type Err = BitrateRuleError;

    fn from_str(text: &str) -> Result<BitrateRule, BitrateRuleError> {
        let error = || BitrateRuleError(text.to_owned());
        let rate = |text: &str| text.parse::<Bitrate>().map_err(|_| error());
        if text == "auto" {
            return Ok(BitrateRule::Auto { floor: DEFAULT_FLOOR, ceiling: DEFAULT_CEILING });
        }
        let Some(range) = text.strip_prefix("auto:") else {
            return Ok(BitrateRule::Fixed(rate(text.strip_prefix("fixed:").unwrap_or(text))?));
        };
        let (floor, ceiling) = range.split_once('-').ok_or_else(error)?;
        let (floor, ceiling) = (rate(floor)?, rate(ceiling)?);
        if floor <= ceiling { Ok(BitrateRule::Auto { floor, ceiling }) } else { Err(error()) }
    }
}

impl fmt::Display for BitrateRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BitrateRule::Fixed(bitrate) => bitrate.fmt(f),
            BitrateRule::Auto { floor, ceiling } => write!(f, "auto, {floor} to {ceiling}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_read_as_people_write_them() {
        let auto = |floor, ceiling| Ok(BitrateRule::Auto { floor: Bitrate::kbps(floor), ceiling: Bitrate::kbps(ceiling) });
        assert_eq!("3M".parse(), Ok(BitrateRule::Fixed(Bitrate::kbps(3000))));
        assert_eq!("fixed:800k".parse(), Ok(BitrateRule::Fixed(Bitrate::kbps(800))));
        assert_eq!("auto:300k-4M".parse(), auto(300, 4000));
        assert_eq!("auto".parse(), auto(200, 8000));
        for bad in ["", "auto:", "auto:3M", "auto:4M-300k", "fixed:", "fixed:auto", "auto:1-2", "Auto", "3 M"] {
            let error = bad.parse::<BitrateRule>().expect_err(bad).to_string();
            assert!(error.contains("auto:300k-4M"), "{error}");
        }
    }

    #[test]
    fn auto_begins_within_its_range() {
        let start = |text: &str| text.parse::<BitrateRule>().expect("valid").start();
        assert_eq!(start("auto"), Bitrate::kbps(2000));
        assert_eq!(start("auto:300k-1M"), Bitrate::kbps(1000));
        assert_eq!(start("auto:5M-6M"), Bitrate::kbps(5000));
    }
}
