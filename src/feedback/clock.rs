//! The sender's estimate of a receiver's clock.

use std::collections::VecDeque;
use std::time::Duration;

use super::message::Pong;

/// How many exchanges are looked back on: half a minute of one every half second. RFC 5905's clock filter (section 10) has eight
/// stages; more of them find shorter delays on a busy path, and a drift can only be told over a longer time.
const EXCHANGES: usize = 64;

/// No two clocks are believed to drift apart faster: quartz is within 50 parts in a million of its frequency over temperature,
/// each (RFC 5905 section 4 reckons with 15 for a disciplined one).
const MAX_DRIFT: f64 = 100e-6;

/// Where the receiver's clock stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Offset {
    /// Receiver's clock minus sender's clock, in microseconds.
    pub offset_us: i64,
    /// The estimate is within this many microseconds of the truth, however the delays were split.
    pub uncertainty_us: i64,
    /// How fast the offset grows, as a part of the time that passes; 0 until that is known better than the most there can be.
    pub drift: f64,
}

/// Estimates the offset between two monotonic clocks from pings and pongs.
///
/// As in RFC 5905 section 8 each exchange bounds the offset: no packet arrives before it was sent, so that the offset is at most
/// what the ping seems to have taken and at least what the pong seems to have taken, negated. Of all exchanges remembered the
/// tightest bounds count, each by itself (Cristian 1989, "Probabilistic clock synchronization": delay only ever widens them), moved
/// on by the drift since and widened by what is not known of it. The estimate is their middle.
#[derive(Clone, Debug, Default)]
pub struct ClockOffset {
    exchanges: VecDeque<Exchange>,
    drift: Drift,
}

/// What one exchange says of the offset.
#[derive(Clone, Copy, Debug)]
struct Exchange {
    /// When it ended, in microseconds on the sender's clock.
    at_us: i64,
    least_us: i64,
    most_us: i64,
}

impl Exchange {
    fn delay_us(&self) -> i64 {
        self.most_us.saturating_sub(self.least_us)
    }
}

#[derive(Clone, Copy, Debug)]
struct Drift {
    rate: f64,
    uncertainty: f64,
}

impl Default for Drift {
    fn default() -> Drift {
        Drift { rate: 0.0, uncertainty: MAX_DRIFT }
    }
}

impl ClockOffset {
    /// Nothing is known yet.
    pub fn new() -> ClockOffset {
        ClockOffset::default()
    }

    /// Takes in an exchange that ended with this pong at `at` on the sender's clock. Says no to an impossible one: an answer
    /// from before the question, or one that took longer to make than the whole exchange lasted.
    pub fn note(&mut self, pong: &Pong, at: Duration) -> bool {
        let Some(exchange) = exchange(pong, at) else { return false };
        if self.exchanges.len() == EXCHANGES {
            self.exchanges.pop_front();
        }
        self.exchanges.push_back(exchange);
        self.drift = self.measured_drift().unwrap_or_default();
        true
    }

    /// Between the shortest exchange of the older third and that of the newer: what their delays leave open is uncertain.
    fn measured_drift(&self) -> Option<Drift> {
        let third = self.exchanges.len() / 3;
        let shortest = |exchanges: &mut dyn Iterator<Item = &Exchange>| exchanges.min_by_key(|one| one.delay_us()).copied();
        let old = shortest(&mut self.exchanges.iter().take(third))?;
        let new = shortest(&mut self.exchanges.iter().rev().take(third))?;
        let elapsed = Some((new.at_us - old.at_us) as f64).filter(|elapsed| *elapsed > 0.0)?;
        let middle = |one: Exchange| one.least_us as f64 + one.delay_us() as f64 / 2.0;
        let uncertainty = (old.delay_us() as f64 + new.delay_us() as f64) / 2.0 / elapsed;
        let rate = (middle(new) - middle(old)) / elapsed;
        (uncertainty < MAX_DRIFT && rate.abs() <= MAX_DRIFT).then_some(Drift { rate, uncertainty })
    }

    /// The best estimate for the moment `at` on the sender's clock, once there was an exchange.
    pub fn estimate(&self, at: Duration) -> Option<Offset> {
        let at_us = i64::try_from(at.as_micros()).ok()?;
        let (mut least, mut most) = (i64::MIN, i64::MAX);
        for exchange in &self.exchanges {
            let age = (at_us - exchange.at_us) as f64;
            let (moved, open) = (age * self.drift.rate, age.abs() * self.drift.uncertainty);
            least = least.max(exchange.least_us.saturating_add((moved - open).floor() as i64));
            most = most.min(exchange.most_us.saturating_add((moved + open).ceil() as i64));
        }
        if self.exchanges.is_empty() {
            return None;
        }
        // Bounds that cross are those of a clock that was set, or of an invented one: what they are apart is as uncertain.
        let width = most.checked_sub(least)?.unsigned_abs();
        let offset_us = least.checked_add((most - least) / 2)?;
        Some(Offset { offset_us, uncertainty_us: i64::try_from(width.div_ceil(2)).ok()?, drift: self.drift.rate })
    }

    /// When on the sender's clock the receiver's clock showed `receiver_us`, in microseconds, as far as is known at `at`; may lie
    /// before the sender's zero.
    pub fn to_sender_us(&self, receiver_us: u64, at: Duration) -> Option<i64> {
        i64::try_from(receiver_us).ok()?.checked_sub(self.estimate(at)?.offset_us)
    }
}

/// The times of an exchange; `None` if there can be no such.
fn exchange(pong: &Pong, at: Duration) -> Option<Exchange> {
    let signed = |us: u64| i64::try_from(us).ok();
    let (sent, received) = (signed(pong.sent_us)?, signed(pong.received_us)?);
    let (answered, at_us) = (signed(pong.answered_us)?, i64::try_from(at.as_micros()).ok()?);
    let (most_us, least_us) = (received - sent, answered - at_us);
    if sent > at_us || received > answered || least_us > most_us {
        return None;
    }
    // Both bounds are from before the end of the exchange.
    let drifted = ((at_us - sent) as f64 * MAX_DRIFT).ceil() as i64;
    Some(Exchange { at_us, least_us: least_us.saturating_sub(drifted), most_us: most_us.saturating_add(drifted) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    /// A receiver's clock: ahead by `offset` microseconds at the sender's zero, and by so much more for each million.
    #[derive(Clone, Copy, Debug)]
    struct Clock {
        offset: i64,
        drift_ppm: i64,
    }

    impl Clock {
        fn at(self, sender_us: u64) -> u64 {
            sender_us.checked_add_signed(self.ahead(sender_us)).expect("in range")
        }

        fn ahead(self, sender_us: u64) -> i64 {
            self.offset + sender_us as i64 * self.drift_ppm / 1_000_000
        }

        /// A ping at `sent`, with these delays there, at the receiver and back.
        fn pong(self, sent: u64, [there, inside, back]: [u64; 3]) -> (Pong, Duration) {
            let received_us = self.at(sent + there);
            let pong = Pong { id: 0, sent_us: sent, received_us, answered_us: self.at(sent + there + inside) };
            (pong, Duration::from_micros(sent + there + inside + back))
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

        #[test]
        fn the_true_offset_is_within_the_uncertainty_now_and_later(
            offset in -1_000_000i64..1_000_000_000,
            drift_ppm in -95i64..=95,
            exchanges in prop::collection::vec([0u64..50_000, 0u64..1000, 0u64..50_000], 1..200),
            later in 0u64..30_000_000,
        ) {
            let (mut clock, truth) = (ClockOffset::new(), Clock { offset, drift_ppm });
            for (step, delays) in (0..).zip(exchanges) {
                let (pong, at) = truth.pong(2_000_000 + step * 500_000, delays);
                prop_assert!(clock.note(&pong, at));
                for asked in [at, at + Duration::from_micros(later)] {
                    let estimate = clock.estimate(asked).expect("there was an exchange");
                    let error = (estimate.offset_us - truth.ahead(asked.as_micros() as u64)).abs();
                    // Times are whole microseconds, and the drift in this test is rounded to them.
                    prop_assert!(error <= estimate.uncertainty_us + 4, "{error} of {estimate:?}");
                }
            }
        }

        #[test]
        fn no_pong_panics(id: u64, pongs in prop::collection::vec(any::<[u64; 4]>(), 1..9), asked: u64) {
            let mut clock = ClockOffset::new();
            for [sent_us, received_us, answered_us, at] in pongs {
                for shift in [0, 11, 40] {
                    let pong = Pong { id, sent_us: sent_us >> shift, received_us: received_us >> shift, answered_us: answered_us >> shift };
                    clock.note(&pong, Duration::from_micros(at >> shift));
                }
                clock.to_sender_us(received_us, Duration::from_micros(asked));
            }
        }
    }

    #[test]
    fn the_fastest_ways_count_each_by_itself() {
        let (mut clock, truth) = (ClockOffset::new(), Clock { offset: 7_000, drift_ppm: 0 });
        for delays in [[9_000, 10, 9_000], [100, 10, 9_000], [9_000, 10, 102], [5_000, 10, 5_000]] {
            let (pong, at) = truth.pong(500_000, delays);
            assert!(clock.note(&pong, at));
        }
        let Offset { offset_us, uncertainty_us, .. } = clock.estimate(Duration::from_micros(510_000)).expect("known");
        assert!((offset_us - 7_000).abs() <= 3 && (101..=104).contains(&uncertainty_us), "{offset_us} {uncertainty_us}");
        assert_eq!(clock.to_sender_us(6_999, Duration::from_micros(510_000)), Some(6_999 - offset_us));
        let aged = clock.estimate(Duration::from_secs(10)).expect("known").uncertainty_us;
        assert!((101 + 940..=104 + 960).contains(&aged), "it has grown by 100 millionths of 9.5 s: {aged}");
    }

    #[test]
    fn a_drift_is_measured_and_followed() {
        let (mut clock, truth) = (ClockOffset::new(), Clock { offset: 0, drift_ppm: 60 });
        for step in 0..64 {
            let (pong, at) = truth.pong(step * 500_000, [200 + step % 7 * 300, 10, 250 + step % 5 * 400]);
            assert!(clock.note(&pong, at));
        }
        let asked = 42_000_000;
        let estimate = clock.estimate(Duration::from_micros(asked)).expect("known");
        assert!((estimate.drift - 60e-6).abs() < 20e-6, "{estimate:?}");
        assert!((estimate.offset_us - truth.ahead(asked)).abs() < 300 && estimate.uncertainty_us < 600, "{estimate:?}");
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
        assert_eq!(clock.estimate(at), None);
        assert_eq!(clock.to_sender_us(5, at), None);
    }
}
