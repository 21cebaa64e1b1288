//! The video codecs the loop can run over.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A video codec, named in JSON as in SDP (`a=rtpmap`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Codec {
    /// H.264 / AVC, payloaded by RFC 6184.
    H264,
    /// VP8, payloaded by RFC 7741.
    #[serde(rename = "VP8")]
    Vp8,
    /// VP9, payloaded by RFC 9628.
    #[serde(rename = "VP9")]
    Vp9,
    /// AV1, payloaded by the Alliance for Open Media's RTP specification.
    #[serde(rename = "AV1")]
    Av1,
    /// H.265 / HEVC, payloaded by RFC 7798.
    H265,
}

impl Codec {
    /// Every codec.
    pub const ALL: [Codec; 5] = [Codec::H264, Codec::Vp8, Codec::Vp9, Codec::Av1, Codec::H265];

    /// As in SDP: `H264`, `VP8`, …
    pub fn encoding_name(self) -> &'static str {
        match self {
            Codec::H264 => "H264",
            Codec::Vp8 => "VP8",
            Codec::Vp9 => "VP9",
            Codec::Av1 => "AV1",
            Codec::H265 => "H265",
        }
    }

    /// As on the command line: `h264`, `vp8`, …
    pub fn name(self) -> &'static str {
        match self {
            Codec::H264 => "h264",
            Codec::Vp8 => "vp8",
            Codec::Vp9 => "vp9",
            Codec::Av1 => "av1",
            Codec::H265 => "h265",
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name().fmt(f)
    }
}

/// Not the name of a codec.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown codec '{0}'; known are h264, vp8, vp9, av1 and h265")]
pub struct UnknownCodec(String);

impl FromStr for Codec {
    type Err = UnknownCodec;

    fn from_str(text: &str) -> Result<Codec, UnknownCodec> {
        let known = |codec: &&Codec| codec.name().eq_ignore_ascii_case(text);
        Codec::ALL.iter().find(known).copied().ok_or_else(|| UnknownCodec(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for codec in Codec::ALL {
            assert_eq!(codec.name().parse(), Ok(codec));
            assert_eq!(codec.encoding_name().parse(), Ok(codec));
            assert_eq!(serde_json::to_value(codec).ok(), Some(codec.encoding_name().into()));
        }
        assert!("mjpeg".parse::<Codec>().is_err());
    }
}
