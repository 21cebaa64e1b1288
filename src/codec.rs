//! The video codecs the loop can run over.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::units::{Bitrate, Fps, Size};

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

/// The limits of H.264's levels, Rec. ITU-T H.264 table A-1: `level_idc`, macroblocks a second, macroblocks a frame, kbit/s.
///
/// From 3.1 on: it is what every browser takes (RFC 7742 section 6.2), so that a lower one would gain nothing.
const H264_LEVELS: [(u8, u64, u64, u64); 11] = [
    (31, 108_000, 3_600, 14_000),
    (32, 216_000, 5_120, 20_000),
    (40, 245_760, 8_192, 20_000),
    (41, 245_760, 8_192, 50_000),
    (42, 522_240, 8_704, 50_000),
    (50, 589_824, 22_080, 135_000),
    (51, 983_040, 36_864, 240_000),
    (52, 2_073_600, 36_864, 240_000),
    (60, 4_177_920, 139_264, 240_000),
    (61, 8_355_840, 139_264, 480_000),
    (62, 16_711_680, 139_264, 800_000),
];

/// The lowest level from 3.1 on that holds such a stream; the highest, if none does.
pub fn h264_level(size: Size, fps: Fps, bitrate: Bitrate) -> u8 {
    let macroblocks = u64::from(size.width().div_ceil(16)) * u64::from(size.height().div_ceil(16));
    let a_second = macroblocks * u64::from(fps.per_second());
    let holds = |&&(_, most_a_second, most, most_kbps): &&(u8, u64, u64, u64)| {
        a_second <= most_a_second && macroblocks <= most && bitrate.as_kbps() <= most_kbps
    };
    H264_LEVELS.iter().find(holds).map_or(62, |level| level.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_holds_the_stream() {
        let level = |size: &str, fps, bitrate: &str| {
            let bitrate = bitrate.parse().expect("valid");
            h264_level(size.parse().expect("valid"), Fps::new(fps).expect("valid"), bitrate)
        };
        assert_eq!(level("640x480", 30, "1M"), 31);
        assert_eq!(level("1280x720", 30, "3M"), 31);
        assert_eq!(level("1280x720", 60, "3M"), 32);
        assert_eq!(level("1920x1080", 30, "8M"), 40);
        assert_eq!(level("1920x1080", 30, "40M"), 41);
        assert_eq!(level("1920x1080", 60, "8M"), 42);
        assert_eq!(level("8192x8192", 240, "1000M"), 62);
    }

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
