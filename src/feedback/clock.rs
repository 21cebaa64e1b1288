//! The sender's estimate of a receiver's clock.

use std::collections::VecDeque;
use std::time::Duration;

use super::message::Pong;

/// How many exchanges are looked back on: the eight stages of RFC 5905's clock filter (section 10). With a ping every half
/// second that is four seconds, in which two quartz clocks drift apart by less than 0.1 ms.
const EXCHANGES: usize = 8;

/// Where the receiver's clock stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offset {
    /// Receiver's clock minus sender's clock, in microseconds.
    pub offset_us: i64,
    /// The estimate is within this many microseconds of the truth: half of the round trip, however it was split.
    pub uncertainty_us: i64,
}

/// Estimates the offset between two monotonic clocks from pings and pongs, as RFC 5905 section 8 does: of the last few
/// exchanges it believes the one with the shortest round trip, since a delay can only hide in a long one.
#[derive(Clone, Debug, Default)]
pub struct ClockOffset {
    exchanges: VecDeque<Offset>,
}

impl ClockOffset {
    /// Nothing is known yet.
    pub fn new() -> ClockOffset {
        ClockOffset::default()
    }

    /// Takes in an exchange that ended with this pong at `at` on the sender's clock. Says no to an impossible one: an answer
    /// from before the question, or one that took longer to make than the whole exchange lasted.
    pub fn note(&mut self, pong: &Pong, at: Duration) -> bool {
        let Some(offset) = exchange(pong, at) else { return false };
        if self.exchanges.len() == EXCHANGES {
            self.exchanges.pop_front();
        }
        self.exchanges.push_back(offset);
        true
    }

    /// The best estimate, once there was an exchange.
    pub fn estimate(&self) -> Option<Offset> {
        self.exchanges.iter().rev().min_by_key(|offset| offset.uncertainty_us).copied()
    }

    /// When on the sender's clock the receiver's clock showed `receiver_us`, in microseconds; may lie before the sender's zero.
    pub fn to_sender_us(&self, receiver_us: u64) -> Option<i64> {
        i64::try_from(receiver_us).ok()?.checked_sub(self.estimate()?.offset_us)
    }
}

fn exchange(pong: &Pong, at: Duration) -> Option<Offset> {
    let signed = |us: u64| i64::try_from(us).ok();
    let (sent, received) = (signed(pong.sent_us)?, signed(pong.received_us)?);
    let (answered, returned) = (signed(pong.answered_us)?, i64::try_from(at.as_micros()).ok()?);
    let round_trip = returned - sent;
    let delay = round_trip.checked_sub(answered.checked_sub(received)?)?;
    if answered < received || delay < 0 {
        return None;
    }
    let offset_us = (received - sent).checked_add(answered - returned)? / 2;
    Some(Offset { offset_us, uncertainty_us: delay.div_euclid(2) + delay % 2 })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    /// A ping at `sent`, with these delays there, at the receiver and back; the receiver's clock is ahead by `offset`.
    fn pong(sent: u64, offset: i64, there: u64, inside: u64, back: u64) -> (Pong, Duration) {
        let received_us = (sent + there).checked_add_signed(offset).expect("in range");
        let pong = Pong { id: 0, sent_us: sent, received_us, answered_us: received_us + inside };
        (pong, Duration::from_micros(sent + there + inside + back))
    }

    proptest! {
        #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

        #[test]
        fn the_true_offset_is_within_the_uncertainty(
            offset in -1_000_000i64..1_000_000_000,
            exchanges in prop::collection::vec((0u64..50_000, 0u64..1000, 0u64..50_000), 1..30),
        ) {
            let mut clock = ClockOffset::new();
            for (step, (there, inside, back)) in (0..).zip(exchanges) {
                let (pong, at) = pong(2_000_000 + step * 500_000, offset, there, inside, back);
                prop_assert!(clock.note(&pong, at));
                let estimate = clock.estimate().expect("there was an exchange");
                prop_assert!((estimate.offset_us - offset).abs() <= estimate.uncertainty_us);
            }
        }

        #[test]
        fn no_pong_panics(id: u64, sent_us: u64, received_us: u64, answered_us: u64, at: u64) {
            let mut clock = ClockOffset::new();
            clock.note(&Pong { id, sent_us, received_us, answered_us }, Duration::from_micros(at));
            clock.to_sender_us(received_us);
        }
    }

    #[test]
    fn the_shortest_round_trip_is_believed_until_it_is_old() {
        let mut clock = ClockOffset::new();
        let note = |clock: &mut ClockOffset, step: u64, there| {
            let (pong, at) = pong(step * 500_000, 7_000, there, 10, 100);
            assert!(clock.note(&pong, at));
        };
        note(&mut clock, 0, 100);
        (1..8).for_each(|step| note(&mut clock, step, 9_000));
        assert_eq!(clock.estimate(), Some(Offset { offset_us: 7_000, uncertainty_us: 100 }));
        assert_eq!(clock.to_sender_us(6_999), Some(-1));
        note(&mut clock, 8, 9_000);
        assert_eq!(clock.estimate(), Some(Offset { offset_us: 11_450, uncertainty_us: 4_550 }));
    }

    #[test]
    fn impossible_exchanges_are_refused() {
        let mut clock = ClockOffset::new();
        let at = Duration::from_micros(1000);
        for (sent_us, received_us, answered_us) in
            [(1001, 5, 5), (0, 5, 4), (0, 0, 1001), (u64::MAX, 0, 0), (0, u64::MAX, 0)]
        {
            assert!(!clock.note(&Pong { id: 1, sent_us, received_us, answered_us }, at));
        }
        assert_eq!(clock.estimate(), None);
        assert_eq!(clock.to_sender_us(5), None);
    }
}
