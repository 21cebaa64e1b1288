//! How messages travel on the data channel.

use std::fmt;
use std::str::FromStr;

/// What the data channel does about lost and late messages, as people write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ChannelPolicy {
    /// `fresh`: unordered and never sent again. The newest coordinate is the one that counts, and each message carries the last two
    /// answers again.
    #[default]
    Fresh,
    /// `unordered`: sent again until it arrived, and given out as it comes.
    Unordered,
    /// `reliable`: sent again until it arrived, and given out in order: one that is late delays those behind it.
    Reliable,
    /// `lifetime:MS`: unordered, and sent again for so long.
    Lifetime {
        /// From 1: 0 would be [`ChannelPolicy::Fresh`]. WebRTC has 16 bits for it.
        ms: u16,
    },
}

/// A text that names no policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is no policy; write fresh, unordered, reliable or lifetime:MS with 1 to 65535 milliseconds, for example lifetime:100"
)]
pub struct ChannelPolicyError(String);

impl FromStr for ChannelPolicy {
    type Err = ChannelPolicyError;

    fn from_str(text: &str) -> Result<ChannelPolicy, ChannelPolicyError> {
        let lifetime = |ms: &str| ms.parse().ok().filter(|ms| *ms > 0).map(|ms| ChannelPolicy::Lifetime { ms });
        let policy = match text {
            "fresh" => Some(ChannelPolicy::Fresh),
            "unordered" => Some(ChannelPolicy::Unordered),
            "reliable" => Some(ChannelPolicy::Reliable),
            other => other.strip_prefix("lifetime:").and_then(lifetime),
        };
        policy.ok_or_else(|| ChannelPolicyError(text.chars().take(40).collect()))
    }
}

impl fmt::Display for ChannelPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChannelPolicy::Fresh => f.write_str("fresh"),
            ChannelPolicy::Unordered => f.write_str("unordered"),
            ChannelPolicy::Reliable => f.write_str("reliable"),
            ChannelPolicy::Lifetime { ms } => write!(f, "lifetime:{ms}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_read_as_they_are_written() {
        for text in ["fresh", "unordered", "reliable", "lifetime:1", "lifetime:65535"] {
            assert_eq!(text.parse::<ChannelPolicy>().map(|policy| policy.to_string()).as_deref(), Ok(text));
        }
        for bad in ["", "Fresh", "lifetime", "lifetime:", "lifetime:0", "lifetime:65536", "lifetime:-1", "lifetime:1.5"] {
            let error = bad.parse::<ChannelPolicy>().expect_err(bad);
            assert!(error.to_string().contains("lifetime:100"), "{error}");
        }
    }
}
