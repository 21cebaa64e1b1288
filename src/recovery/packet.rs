//! What the first bytes of an RTP packet say.

use crate::codec::Codec;
use crate::units::RtpTime;

/// So many bytes are enough to read any packet's head: the header with a few extensions, and what describes the payload.
pub const HEAD_BYTES: usize = 64;

/// What the first bytes of an RTP packet say of its place in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketHead {
    /// Sequence number.
    pub seq: u16,
    /// Key of the frame.
    pub rtp: RtpTime,
    /// The last packet of its frame.
    pub ends_frame: bool,
    /// Known to be the first packet of its frame. False may also mean that this cannot be seen; in a keyframe it can.
    pub begins_frame: bool,
}

impl PacketHead {
    /// Reads the beginning of a packet (RFC 3550 section 5.1); `None` if it is no RTP.
    pub fn read(packet: &[u8], codec: Codec) -> Option<PacketHead> {
        let fixed = packet.first_chunk::<12>()?;
        if fixed[0] >> 6 != 2 {
            return None;
        }
        let extension = fixed[0] & 0x10 != 0;
        let mut payload = packet.get(12 + 4 * usize::from(fixed[0] & 0x0f)..).unwrap_or_default();
        if extension {
            let words = payload.get(2..4).map_or(usize::MAX >> 3, |len| usize::from(u16::from_be_bytes([len[0], len[1]])));
            payload = payload.get(4 + 4 * words..).unwrap_or_default();
        }
        Some(PacketHead {
            seq: u16::from_be_bytes([fixed[2], fixed[3]]),
            rtp: RtpTime(u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]])),
            ends_frame: fixed[1] & 0x80 != 0,
            begins_frame: begins_frame(payload, codec),
        })
    }
}

fn begins_frame(payload: &[u8], codec: Codec) -> bool {
    let byte = |at: usize| payload.get(at).copied().unwrap_or_default();
    match codec {
        // RFC 6184 section 5.4: a sequence parameter set (7) or delimiter (9), alone or first in an aggregate (24).
        Codec::H264 => matches!((byte(0) & 0x1f, byte(3) & 0x1f), (7 | 9, _) | (24, 7 | 9)),
        // RFC 7798 section 4.4: a video parameter set (32) or delimiter (35), alone or first in an aggregate (48).
        Codec::H265 => matches!(((byte(0) >> 1) & 0x3f, (byte(4) >> 1) & 0x3f), (32 | 35, _) | (48, 32 | 35)),
        // RFC 7741 section 4.2: the start of the first partition.
        Codec::Vp8 => byte(0) & 0x17 == 0x10,
        // RFC 9628 section 4.2: the start of a frame.
        Codec::Vp9 => byte(0) & 0x08 != 0,
        // AV1 RTP specification section 4.4: the first packet of a coded video sequence.
        Codec::Av1 => byte(0) & 0x08 != 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_head_is_read_behind_sources_and_extensions() {
        let mut packet = vec![0x91, 0xe0, 0x12, 0x34, 0, 0, 0, 7, 1, 2, 3, 4, 9, 9, 9, 9, 0xbe, 0xde, 0, 1, 5, 5, 5, 5];
        packet.extend([0x67, 0x42]);
        let head = PacketHead { seq: 0x1234, rtp: RtpTime(7), ends_frame: true, begins_frame: true };
        assert_eq!(PacketHead::read(&packet, Codec::H264), Some(head));
        assert_eq!(PacketHead::read(&packet, Codec::Vp8), Some(PacketHead { begins_frame: false, ..head }));
        assert_eq!(PacketHead::read(&packet[..11], Codec::H264), None);
    }

    #[test]
    fn each_codec_shows_the_beginning_of_a_frame() {
        let starts = |payload: &[u8], codec| {
            let packet = [&[0x80, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], payload].concat();
            PacketHead::read(&packet, codec).is_some_and(|head| head.begins_frame)
        };
        assert!(starts(&[24, 0, 9, 0x67], Codec::H264) && !starts(&[0x7c, 0x85], Codec::H264) && !starts(&[], Codec::H264));
        assert!(starts(&[0x40, 1], Codec::H265) && starts(&[0x60, 1, 0, 9, 0x40], Codec::H265));
        assert!(starts(&[0x90, 0x80], Codec::Vp8) && !starts(&[0x80], Codec::Vp8) && !starts(&[0x91], Codec::Vp8));
        assert!(starts(&[0x08], Codec::Vp9) && starts(&[0x08], Codec::Av1) && !starts(&[0x10], Codec::Av1));
    }

    proptest! {
        #[test]
        fn no_packet_makes_it_panic(packet in proptest::collection::vec(any::<u8>(), 0..80)) {
            for codec in Codec::ALL {
                let _ = PacketHead::read(&packet, codec);
            }
        }
    }
}
