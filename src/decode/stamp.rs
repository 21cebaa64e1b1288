//! The key of a frame travels through depayloader and decoder as its presentation time.
//!
//! The times that the jitterbuffer gives are no key: in a burst several frames share one (measured). So the probe in front of
//! the depayloader replaces them by the RTP timestamp itself, extended beyond its wrap. Depayloaders and decoders keep the
//! presentation time of what they put together, also when the packet that ends a frame is lost.

use crate::units::RtpTime;

/// Extends RTP timestamps beyond their wrap: 64 bits that grow with time, whose low 32 bits are the timestamp.
#[derive(Debug, Default)]
pub(super) struct Unwrapped {
    newest: Option<u64>,
}

impl Unwrapped {
    /// The first timestamp is put one wrap above zero, so that frames that come out of order around it are above zero too.
    pub(super) fn extend(&mut self, rtp: RtpTime) -> u64 {
        let Some(newest) = self.newest else {
            let first = (1 << 32) + u64::from(rtp.0);
            self.newest = Some(first);
            return first;
        };
        let extended = newest.wrapping_add_signed(i64::from(rtp.ticks_since(RtpTime(newest as u32))));
        self.newest = Some(newest.max(extended));
        extended
    }
}

/// The presentation time that stands for extended ticks: the nearest nanosecond above, so that [`rtp_of_ns`] gives it back.
pub(super) fn ns_of_ticks(ticks: u64) -> u64 {
    u64::try_from((u128::from(ticks) * 100_000).div_ceil(9)).unwrap_or(u64::MAX - 1)
}

/// The RTP timestamp that a presentation time stands for.
pub(super) fn rtp_of_ns(ns: u64) -> RtpTime {
    RtpTime((u128::from(ns) * 9 / 100_000) as u32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_timestamp_survives_as_presentation_time(start: u32, steps in proptest::collection::vec(-90_000i32..900_000, 1..50)) {
            let mut unwrapped = Unwrapped::default();
            let mut rtp = RtpTime(start);
            for step in steps {
                rtp = RtpTime(rtp.0.wrapping_add_signed(step));
                let ns = ns_of_ticks(unwrapped.extend(rtp));
                prop_assert_eq!(rtp_of_ns(ns), rtp);
            }
        }
    }

    #[test]
    fn time_goes_on_across_the_wrap_and_back_for_latecomers() {
        let mut unwrapped = Unwrapped::default();
        let before = unwrapped.extend(RtpTime(u32::MAX - 10));
        let after = unwrapped.extend(RtpTime(20));
        let latecomer = unwrapped.extend(RtpTime(u32::MAX - 5));
        assert_eq!([after - before, latecomer - before], [31, 5]);
    }
}
