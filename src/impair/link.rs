//! One direction of one path.

use std::time::Duration;

use super::{Impairment, Path, Segment};
use crate::random::Random;
use crate::units::Bitrate;

/// What IPv4 and UDP put around a packet: it takes time on the link like the rest.
pub(super) const HEADER_BYTES: usize = 20 + 8;

/// How long a packet is held back that is to be overtaken: one repetition of LTE's link layer (HARQ RTT timer of 8 subframes with FDD,
/// 3GPP TS 36.321).
const HELD_BACK: Duration = Duration::from_millis(8);

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is lost on its way.
    Lost,
    /// It finds the queue of the bottleneck full.
    QueueFull,
    /// It arrives at this time.
    Due(Duration),
}

/// One direction of one path: decides every packet's fate.
#[derive(Debug)]
pub struct Link {
    impairment: Impairment,
    chances: Chances,
    /// Packets that have passed the bottleneck.
    passed: u64,
    /// Packets that came.
    offered: u64,
    began: Option<Duration>,
    /// When the bottleneck has sent all that waits for it.
    free_at: Duration,
    last_due: Duration,
    is_in_burst: bool,
}

/// Each kind of chance has numbers of its own, so that changing one of them moves no other.
#[derive(Debug)]
struct Chances {
    loss: Random,
    jitter: Random,
    reorder: Random,
    duplicate: Random,
}

impl Link {
    /// A link on which nothing is on its way.
    pub fn new(path: Path) -> Link {
        let Path { impairment, number } = path;
        let random = Random::new(impairment.seed).table(number);
        let chances =
            Chances { loss: random.table(0), jitter: random.table(1), reorder: random.table(2), duplicate: random.table(3) };
        let (passed, offered, began, is_in_burst) = (0, 0, None, false);
        let (free_at, last_due) = (Duration::ZERO, Duration::ZERO);
        Link { impairment, chances, passed, offered, began, free_at, last_due, is_in_burst }
    }

    /// The times of the timeline count from now; only the first call does anything.
    pub fn begin_timeline(&mut self, now: Duration) {
        self.began.get_or_insert(now);
    }

    /// When the timeline began.
    pub fn began(&self) -> Option<Duration> {
        self.began
    }

    /// Decides about a packet of so many bytes (without UDP's and IP's headers), and about its copy if there is to be one. `now` never
    /// goes back.
    pub fn offer(&mut self, now: Duration, bytes: usize) -> (Fate, Option<Fate>) {
        let twice = self.chances.duplicate.unit(self.offered) < self.at(now).0.conditions.duplicate_percent / 100.0;
        self.offered += 1;
        let fate = self.pass(now, bytes);
        (fate, twice.then(|| self.pass(now, bytes)))
    }

    fn pass(&mut self, now: Duration, bytes: usize) -> Fate {
        let Some(departs) = self.pass_bottleneck(now, bytes) else { return Fate::QueueFull };
        let number = self.passed;
        self.passed += 1;
        let segment = *self.at(departs).0;
        if self.is_lost(number, &segment) {
            return Fate::Lost;
        }
        let conditions = &segment.conditions;
        let jitter = conditions.jitter.mul_f64(2.0 * self.chances.jitter.unit(number));
        let due = departs + conditions.delay - conditions.jitter + jitter;
        if self.chances.reorder.unit(number) < conditions.reorder_percent / 100.0 {
            return Fate::Due(due.max(self.last_due) + HELD_BACK);
        }
        self.last_due = due.max(self.last_due);
        Fate::Due(self.last_due)
    }

    /// When the bottleneck has sent the packet; none if too many wait already.
    fn pass_bottleneck(&mut self, now: Duration, bytes: usize) -> Option<Duration> {
        let conditions = self.at(now).0.conditions;
        let begins = self.free_at.max(now);
        if conditions.rate.is_some() && begins - now > conditions.queue {
            return None;
        }
        self.free_at = self.sent_at(begins, ((bytes + HEADER_BYTES) * 8) as f64);
        Some(self.free_at)
    }

    /// When so many bits have been sent that are begun at `time`, over all changes of the rate.
    fn sent_at(&self, mut time: Duration, mut bits: f64) -> Duration {
        loop {
            let (segment, ends) = self.at(time);
            let Some(rate) = segment.conditions.rate.map(Bitrate::as_bps) else { return time };
            // Rounded up, so that the rate is never exceeded.
            let sent = time + Duration::from_nanos((bits * 1e9 / rate as f64).ceil() as u64);
            match ends {
                Some(ends) if ends < sent => {
                    bits -= (ends - time).as_secs_f64() * rate as f64;
                    time = ends;
                }
                _ => return sent,
            }
        }
    }

    fn is_lost(&mut self, number: u64, segment: &Segment) -> bool {
        let chance = self.chances.loss.unit(number);
        match segment.conditions.burst_chances() {
            Some((begin, end)) => {
                self.is_in_burst = if self.is_in_burst { chance >= end } else { chance < begin };
            }
            None => self.is_in_burst = chance < segment.conditions.loss_percent / 100.0,
        }
        self.is_in_burst || segment.is_blackout
    }

    /// What holds at this time, and until when.
    fn at(&self, time: Duration) -> (&Segment, Option<Duration>) {
        let Some(began) = self.began else { return (&self.impairment.segments[0], None) };
        let (segment, ends) = self.impairment.at(time.saturating_sub(began));
        (segment, ends.map(|ends| began + ends))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn path(spec: &str, number: u64) -> Path {
        Path { impairment: spec.parse().unwrap(), number }
    }

    fn link(spec: &str) -> Link {
        let mut link = Link::new(path(spec, 0));
        link.begin_timeline(Duration::ZERO);
        link
    }

    /// The fates of packets of 1172 bytes (1200 with headers), one every millisecond.
    fn fates(link: &mut Link, count: u32) -> Vec<Fate> {
        (0..count).map(|index| link.offer(MS * index, 1172).0).collect()
    }

    fn lost(fates: &[Fate]) -> usize {
        fates.iter().filter(|fate| **fate == Fate::Lost).count()
    }

    #[test]
    fn independent_losses_come_as_often_as_asked_and_mostly_alone() {
        let fates = fates(&mut link("loss=5%"), 100_000);
        // Five standard deviations of a binomial distribution.
        assert!(lost(&fates).abs_diff(5000) < 345, "{}", lost(&fates));
        let runs = fates.chunk_by(|a, b| a == b).filter(|run| run[0] == Fate::Lost).count();
        let mean = lost(&fates) as f64 / runs as f64;
        assert!((1.0..1.1).contains(&mean), "{mean}");
    }

    #[test]
    fn bursts_are_as_long_as_asked_and_lose_no_more_than_asked() {
        let fates = fates(&mut link("loss=5%,burst=8"), 400_000);
        let runs =
            fates.chunk_by(|a, b| (*a == Fate::Lost) == (*b == Fate::Lost)).filter(|run| run[0] == Fate::Lost).count();
        let mean = lost(&fates) as f64 / runs as f64;
        assert!((7.5..8.5).contains(&mean), "{mean}");
        // Losses in bursts vary more: by (1 + r) / (1 - r) of the binomial variance, r = 1 - begin - end.
        assert!(lost(&fates).abs_diff(20_000) < 2700, "{}", lost(&fates));
    }

    #[test]
    fn the_same_seed_gives_the_same_fates_and_another_path_or_seed_gives_others() {
        let of = |spec, number| fates(&mut Link::new(path(spec, number)), 1000);
        assert_eq!(of("loss=20%,seed=3", 0), of("loss=20%,seed=3", 0));
        assert_ne!(of("loss=20%,seed=3", 0), of("loss=20%,seed=3", 1));
        assert_ne!(of("loss=20%,seed=3", 0), of("loss=20%,seed=4", 0));
        // The losses of one are those of the other, whatever else happens.
        let with_jitter = of("loss=20%,delay=5ms±5ms,seed=3", 0);
        let same = with_jitter.iter().zip(of("loss=20%,seed=3", 0)).all(|(a, b)| (*a == Fate::Lost) == (b == Fate::Lost));
        assert!(same);
    }

    #[test]
    fn a_bottleneck_queues_and_then_drops_the_newest() {
        // Each packet takes 9.6 ms: eleven wait for at most 100 ms behind the first.
        let mut link = link("rate=1mbit,queue=100ms");
        let fates: Vec<Fate> = (0..20).map(|_| link.offer(Duration::ZERO, 1172).0).collect();
        for (index, fate) in fates.iter().enumerate() {
            let due = Duration::from_micros(9600) * (index as u32 + 1);
            let expected = if index <= 10 { Fate::Due(due) } else { Fate::QueueFull };
            assert_eq!(*fate, expected, "{index}");
        }
    }

    #[test]
    fn what_waits_when_the_rate_drops_goes_out_at_the_new_rate() {
        let mut link = link("rate=4mbit; at=10ms rate=1mbit");
        // 2.4 ms each at 4 Mbit/s; the fifth has sent 0.4 of its 2.4 ms when the rate drops, the rest takes four times as long.
        let due: Vec<Fate> = (0..6).map(|_| link.offer(Duration::ZERO, 1172).0).collect();
        let us = |us| Fate::Due(Duration::from_micros(us));
        assert_eq!(due, [us(2400), us(4800), us(7200), us(9600), us(18_000), us(27_600)]);
    }

    #[test]
    fn a_blackout_begins_and_ends_on_time_and_the_timeline_waits_for_its_beginning() {
        let mut link = Link::new(path("at=5ms blackout; at=8ms", 0));
        assert_eq!(link.offer(MS * 6, 100).0, Fate::Due(MS * 6), "it has not begun");
        link.begin_timeline(MS * 10);
        link.begin_timeline(MS * 12);
        let passes: Vec<bool> = (14..=18).map(|ms| link.offer(MS * ms, 100).0 != Fate::Lost).collect();
        assert_eq!(passes, [true, false, false, false, true]);
    }

    #[test]
    fn a_packet_held_back_is_overtaken() {
        let mut link = link("delay=20ms,reorder=10%");
        let due: Vec<Duration> = fates(&mut link, 10_000)
            .iter()
            .map(|fate| match fate {
                Fate::Due(due) => *due,
                other => panic!("{other:?}"),
            })
            .collect();
        let overtaken = (0..due.len() - 1).filter(|index| due[index + 1] < due[*index]).count();
        // Two held back in a row do not overtake each other: 0.1 * 0.9 of all.
        assert!(overtaken.abs_diff(900) < 150, "{overtaken}");
    }

    fn spec() -> impl Strategy<Value = String> {
        let rate = proptest::option::of(100_u32..20_000);
        (0_u32..40, 0_u32..50, 0_u32..50, rate, 10_u32..400, 0_u32..20).prop_map(
            |(loss, delay, jitter, rate, queue, duplicate)| {
                let rate = rate.map_or("none".to_owned(), |kbit| format!("{kbit}kbit"));
                let jitter = jitter.min(delay);
                format!("loss={loss}%,delay={delay}ms±{jitter}ms,rate={rate},queue={queue}ms,duplicate={duplicate}%")
            },
        )
    }

    proptest! {
        #[test]
        fn no_packet_is_early_out_of_order_or_above_the_rate(
            spec in spec(),
            packets in proptest::collection::vec((0_u64..5000, 1_usize..1200), 1..300),
            seed in any::<u64>(),
        ) {
            let mut link = link(&format!("{spec},seed={seed}"));
            let conditions = link.impairment.segments[0].conditions;
            let mut now = Duration::ZERO;
            let mut last = Duration::ZERO;
            // When the bottleneck has sent each packet: bits up to there.
            let mut sent: Vec<(Duration, f64)> = Vec::new();
            for (gap_us, bytes) in packets {
                now += Duration::from_micros(gap_us);
                let before = link.passed;
                let (fate, copy) = link.offer(now, bytes);
                if link.passed > before {
                    sent.push((link.free_at, ((link.passed - before) as usize * (bytes + HEADER_BYTES) * 8) as f64));
                }
                for fate in [Some(fate), copy].into_iter().flatten() {
                    if let Fate::Due(due) = fate {
                        prop_assert!(due + Duration::from_nanos(1) >= now + conditions.delay - conditions.jitter);
                        prop_assert!(due >= last, "out of order");
                        let longest = if conditions.rate.is_some() { conditions.queue } else { Duration::ZERO };
                        // Two of the largest packets may be on the wire: it and its copy.
                        let on_wire = conditions.rate.map_or(0.0, |rate| 2.0 * 1228.0 * 8.0 / rate.as_bps() as f64);
                        let latest = now + longest + conditions.delay + conditions.jitter + Duration::from_secs_f64(on_wire);
                        prop_assert!(due <= latest.max(last), "{due:?} is late");
                        last = due;
                    }
                }
            }
            if let Some(rate) = conditions.rate {
                for from in 0..sent.len() {
                    let bits: f64 = sent[from + 1..].iter().map(|(_, bits)| bits).sum();
                    let window = sent.last().unwrap().0 - sent[from].0;
                    prop_assert!(bits <= window.as_secs_f64() * rate.as_bps() as f64 + 0.1, "{bits} bits in {window:?}");
                }
            }
        }
    }
}
