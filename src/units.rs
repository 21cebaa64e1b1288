//! Quantities with their unit and space in the type.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The clock rate of RTP video, RFC 3551 section 5.
pub const RTP_CLOCK_HZ: u64 = 90_000;

/// An RTP timestamp: 32 bits, 90 kHz, random offset, wraps (RFC 3550 section 5.1).
///
/// It is the key of everything: each produced frame has one, and whoever saw the frame can name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct RtpTime(pub u32);

impl RtpTime {
    /// The timestamp a payloader with `timestamp-offset` = `offset` gives to a buffer of this running time.
    ///
    /// Rounds down, as GStreamer's `gst_util_uint64_scale_int` does.
    pub fn from_running_time(offset: RtpTime, running_time_ns: u64) -> RtpTime {
        let ticks = u128::from(running_time_ns) * u128::from(RTP_CLOCK_HZ) / 1_000_000_000;
        RtpTime(offset.0.wrapping_add(ticks as u32))
    }

    /// The timestamp in a packet that begins with this fixed header, RFC 3550 section 5.1; none if it is not RTP version 2.
    pub fn of_packet(header: [u8; 8]) -> Option<RtpTime> {
        let [version, _, _, _, timestamp @ ..] = header;
        (version >> 6 == 2).then_some(RtpTime(u32::from_be_bytes(timestamp)))
    }

    /// Signed distance in ticks from `other` to `self`, across the wrap; exact while both are within 6.6 hours.
    pub fn ticks_since(self, other: RtpTime) -> i32 {
        self.0.wrapping_sub(other.0) as i32
    }
}

impl fmt::Display for RtpTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of a produced frame: 0, 1, 2, … without gaps; a frame that is not produced in time is skipped in the scene,
/// not in this count of the scene's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FrameNumber(pub u64);

impl FrameNumber {
    /// The number as a picture carries it ([`crate::witness`]): its low 32 bits, which at 60 frames/s last for two years.
    pub fn code(self) -> u32 {
        self.0 as u32
    }
}

/// A point in the frame, in pixels. Integer coordinates are pixel centres: the top-left pixel covers
/// `-0.5..0.5` in both directions, its centre is `(0, 0)`.
#[derive(Clone, Copy, Debug, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct Px {
    /// To the right.
    pub x: f64,
    /// Downwards.
    pub y: f64,
}

impl Px {
    /// Euclidean distance in pixels.
    pub fn distance(self, other: Px) -> f64 {
        (self.x - other.x).hypot(self.y - other.y)
    }
}

/// The size of a frame in pixels, checked: both even (I420 halves them), each within [`Size::MIN`]`..=`[`Size::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    width: u32,
    height: u32,
}

/// Why a size is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// Not of the form `WIDTHxHEIGHT`.
    #[error("size '{0}' is not WIDTHxHEIGHT; write for example 1280x720")]
    Syntax(String),
    /// Out of range.
    #[error("size {width}x{height} is out of range: width and height must be {} to {}; try 1280x720", Size::MIN, Size::MAX)]
    Range {
        /// As asked for.
        width: u32,
        /// As asked for.
        height: u32,
    },
    /// Odd.
    #[error("size {width}x{height} is odd: I420 video needs even numbers; try {}x{}", width + width % 2, height + height % 2)]
    Odd {
        /// As asked for.
        width: u32,
        /// As asked for.
        height: u32,
    },
}

impl Size {
    /// The smallest side: below it encoders refuse (x264 and openh264 want at least one macroblock).
    pub const MIN: u32 = 16;
    /// The largest side: H.264 level 6.2 ends at 8192.
    pub const MAX: u32 = 8192;

    /// Checks and makes a size.
    pub fn new(width: u32, height: u32) -> Result<Size, SizeError> {
        let range = Size::MIN..=Size::MAX;
        if !range.contains(&width) || !range.contains(&height) {
            return Err(SizeError::Range { width, height });
        }
        if width % 2 == 1 || height % 2 == 1 {
            return Err(SizeError::Odd { width, height });
        }
        Ok(Size { width, height })
    }

    /// Width in pixels.
    pub fn width(self) -> u32 {
        self.width
    }

    /// Height in pixels.
    pub fn height(self) -> u32 {
        self.height
    }
}

impl FromStr for Size {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Size, SizeError> {
        let syntax = || SizeError::Syntax(text.to_owned());
        let (width, height) = text.split_once(['x', 'X']).ok_or_else(syntax)?;
        let number = |part: &str| part.parse::<u32>().map_err(|_| syntax());
        Size::new(number(width)?, number(height)?)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// Frames per second, 1 to [`Fps::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fps(u32);

/// Why a frame rate is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("frame rate '{0}' is not a whole number from 1 to {max}; try 30", max = Fps::MAX)]
pub struct FpsError(String);

impl Fps {
    /// The highest rate: above it a frame is shorter than the timers' jitter.
    pub const MAX: u32 = 240;

    /// Checks and makes a rate.
    pub fn new(fps: u32) -> Result<Fps, FpsError> {
        if (1..=Fps::MAX).contains(&fps) { Ok(Fps(fps)) } else { Err(FpsError(fps.to_string())) }
    }

    /// Frames per second.
    pub fn per_second(self) -> u32 {
        self.0
    }

    /// When the `number`th frame is due after the first one; no error accumulates.
    pub fn time_of(self, number: FrameNumber) -> Duration {
        let ns = u128::from(number.0) * 1_000_000_000 / u128::from(self.0);
        Duration::from_nanos(ns as u64)
    }

    /// The length of one frame in RTP ticks, rounded down.
    pub fn interval_ticks(self) -> u32 {
        RTP_CLOCK_HZ as u32 / self.0
    }
}

impl FromStr for Fps {
    type Err = FpsError;

    fn from_str(text: &str) -> Result<Fps, FpsError> {
        let fps = text.parse().map_err(|_| FpsError(text.to_owned()))?;
        Fps::new(fps).map_err(|_| FpsError(text.to_owned()))
    }
}

impl fmt::Display for Fps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A bitrate. On the command line bits per second, with `k` and `M` for thousands and millions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bitrate {
    bits_per_second: u64,
}

/// Why a bitrate is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("bitrate '{0}' is not a number of bits per second from 10k to 1000M; write for example 800k or 3M")]
pub struct BitrateError(String);

impl Bitrate {
    /// From bits per second.
    pub const fn bps(bits_per_second: u64) -> Bitrate {
        Bitrate { bits_per_second }
    }

    /// From kilobits (1000 bits) per second.
    pub const fn kbps(kilobits: u64) -> Bitrate {
        Bitrate { bits_per_second: kilobits * 1000 }
    }

    /// In bits per second.
    pub fn as_bps(self) -> u64 {
        self.bits_per_second
    }

    /// In kilobits per second, rounded down.
    pub fn as_kbps(self) -> u64 {
        self.bits_per_second / 1000
    }
}

impl FromStr for Bitrate {
    type Err = BitrateError;

    fn from_str(text: &str) -> Result<Bitrate, BitrateError> {
        let error = || BitrateError(text.to_owned());
        let (digits, scale) = match text.char_indices().last() {
            Some((at, 'k' | 'K')) => (&text[..at], 1e3),
            Some((at, 'm' | 'M')) => (&text[..at], 1e6),
            _ => (text, 1.0),
        };
        let value: f64 = digits.parse().map_err(|_| error())?;
        let bps = value * scale;
        if (1e4..=1e9).contains(&bps) { Ok(Bitrate::bps(bps.round() as u64)) } else { Err(error()) }
    }
}

impl fmt::Display for Bitrate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kbps = self.bits_per_second as f64 / 1e3;
        if kbps >= 1e3 { write!(f, "{} Mbit/s", kbps / 1e3) } else { write!(f, "{kbps} kbit/s") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rtp_time_wraps_and_measures_across_the_wrap() {
        let offset = RtpTime(u32::MAX - 89_999);
        let before = RtpTime::from_running_time(offset, 0);
        let after = RtpTime::from_running_time(offset, 1_500_000_000);
        assert_eq!(after, RtpTime(45_000));
        assert_eq!(after.ticks_since(before), 135_000);
        assert_eq!(before.ticks_since(after), -135_000);
    }

    #[test]
    fn a_packet_tells_its_timestamp() {
        assert_eq!(RtpTime::of_packet([0x80, 96, 0, 1, 0xde, 0xad, 0xbe, 0xef]), Some(RtpTime(0xdead_beef)));
        assert_eq!(RtpTime::of_packet([0x40, 96, 0, 1, 0, 0, 0, 0]), None);
    }

    #[test]
    fn sizes_are_checked() {
        assert_eq!("640x480".parse(), Size::new(640, 480));
        for bad in ["", "640", "0x0", "640x", "x480", "-4x4", "641x480", "640x100000", "4294967297x480", "8x8"] {
            let error = bad.parse::<Size>().expect_err(bad).to_string();
            assert!(error.contains("x"), "{error}");
        }
    }

    #[test]
    fn bitrates_read_as_people_write_them() {
        assert_eq!("3M".parse(), Ok(Bitrate::kbps(3000)));
        assert_eq!("2.5M".parse(), Ok(Bitrate::kbps(2500)));
        assert_eq!("800k".parse(), Ok(Bitrate::kbps(800)));
        assert_eq!("64000".parse(), Ok(Bitrate::bps(64_000)));
        for bad in ["", "k", "0", "-3M", "9", "1e99M", "NaN", "inf", "3 M", "3Mbit", "ß"] {
            assert!(bad.parse::<Bitrate>().is_err(), "{bad}");
        }
        assert_eq!(Bitrate::kbps(2500).to_string(), "2.5 Mbit/s");
    }

    #[test]
    fn frame_rates_are_checked_and_frame_times_do_not_drift() {
        assert!("0".parse::<Fps>().is_err());
        assert!("241".parse::<Fps>().is_err());
        assert!("29.97".parse::<Fps>().is_err());
        let fps: Fps = "60".parse().expect("valid");
        assert_eq!(fps.time_of(FrameNumber(60 * 3600)), Duration::from_secs(3600));
    }
}
