//! A link, the packets that are on it, and what became of all of them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::AddAssign;
use std::time::Duration;

use serde::Serialize;

use super::link::HEADER_BYTES;
use super::{Fate, Link, Path};

/// Packets on their way at once, more are dropped as by a full queue: 10 s of delay at 20 Mbit/s, some 25 MB.
const MAX_PACKETS: usize = 20_480;

/// What became of the packets. `offered + duplicated = lost + queue_dropped + delivered`, but for those still on their way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Packets that left the peer.
    pub offered: u64,
    /// Copies made.
    pub duplicated: u64,
    /// Lost by chance or in a blackout.
    pub lost: u64,
    /// Dropped by the full queue of the bottleneck.
    pub queue_dropped: u64,
    /// Came out.
    pub delivered: u64,
    /// Of these, came out after one that had left later (RFC 4737 section 3).
    pub reordered: u64,
    /// Came out, with the headers of UDP and IP.
    pub delivered_bytes: u64,
}

impl AddAssign for Counters {
    fn add_assign(&mut self, other: Counters) {
        let Counters { offered, duplicated, lost, queue_dropped, delivered, reordered, delivered_bytes } = other;
        self.offered += offered;
        self.duplicated += duplicated;
        self.lost += lost;
        self.queue_dropped += queue_dropped;
        self.delivered += delivered;
        self.reordered += reordered;
        self.delivered_bytes += delivered_bytes;
    }
}

/// What a bad network did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Impaired {
    /// What became of the packets.
    pub counters: Counters,
    /// When the timeline began; of several paths, the earliest.
    pub began: Option<Duration>,
}

impl Impaired {
    /// What two of them did together.
    pub fn both(one: Option<Impaired>, other: Option<Impaired>) -> Option<Impaired> {
        let (Some(one), Some(other)) = (one, other) else { return one.or(other) };
        let mut counters = one.counters;
        counters += other.counters;
        let began = [one.began, other.began].into_iter().flatten().min();
        Some(Impaired { counters, began })
    }
}

/// A link with the packets on it.
#[derive(Debug)]
pub struct Emulator<T> {
    link: Link,
    on_their_way: BinaryHeap<Reverse<OnItsWay<T>>>,
    counters: Counters,
    /// Numbers packets in the order in which they left.
    numbered: u64,
    newest_delivered: Option<u64>,
}

#[derive(Debug)]
struct OnItsWay<T> {
    due: Duration,
    number: u64,
    bytes: usize,
    packet: T,
}

impl<T> OnItsWay<T> {
    fn key(&self) -> (Duration, u64) {
        (self.due, self.number)
    }
}

impl<T> PartialEq for OnItsWay<T> {
    fn eq(&self, other: &OnItsWay<T>) -> bool {
        self.key() == other.key()
    }
}

impl<T> Eq for OnItsWay<T> {}

impl<T> PartialOrd for OnItsWay<T> {
    fn partial_cmp(&self, other: &OnItsWay<T>) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for OnItsWay<T> {
    fn cmp(&self, other: &OnItsWay<T>) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl<T: Clone> Emulator<T> {
    /// A path on which nothing is on its way.
    pub fn new(path: Path) -> Emulator<T> {
        let link = Link::new(path);
        let on_their_way = BinaryHeap::with_capacity(256);
        Emulator { link, on_their_way, counters: Counters::default(), numbered: 0, newest_delivered: None }
    }

    /// See [`Link::begin_timeline`].
    pub fn begin_timeline(&mut self, now: Duration) {
        self.link.begin_timeline(now);
    }

    /// A packet of so many bytes leaves the peer. `now` never goes back.
    pub fn offer(&mut self, now: Duration, bytes: usize, packet: T) {
        self.counters.offered += 1;
        let (fate, copy) = self.link.offer(now, bytes);
        if let Some(copy) = copy {
            self.counters.duplicated += 1;
            self.send(fate, bytes, packet.clone());
            self.send(copy, bytes, packet);
        } else {
            self.send(fate, bytes, packet);
        }
    }

    fn send(&mut self, fate: Fate, bytes: usize, packet: T) {
        match fate {
            Fate::Lost => self.counters.lost += 1,
            Fate::QueueFull => self.counters.queue_dropped += 1,
            Fate::Due(_) if self.on_their_way.len() >= MAX_PACKETS => self.counters.queue_dropped += 1,
            Fate::Due(due) => {
                self.on_their_way.push(Reverse(OnItsWay { due, number: self.numbered, bytes, packet }));
                self.numbered += 1;
            }
        }
    }

    /// When the next packet comes out.
    pub fn next_due(&self) -> Option<Duration> {
        self.on_their_way.peek().map(|Reverse(next)| next.due)
    }

    /// The next packet that is due by `now`.
    pub fn poll(&mut self, now: Duration) -> Option<T> {
        self.next_due().filter(|due| *due <= now)?;
        let Reverse(OnItsWay { number, bytes, packet, .. }) = self.on_their_way.pop()?;
        self.counters.delivered += 1;
        self.counters.delivered_bytes += (bytes + HEADER_BYTES) as u64;
        self.counters.reordered += u64::from(self.newest_delivered.is_some_and(|newest| number < newest));
        self.newest_delivered = self.newest_delivered.max(Some(number));
        Some(packet)
    }

    /// What became of the packets so far.
    pub fn impaired(&self) -> Impaired {
        Impaired { counters: self.counters, began: self.link.began() }
    }

    /// Forgets the packets that are on their way.
    pub fn clear(&mut self) {
        self.on_their_way.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn path(spec: &str) -> Path {
        Path { impairment: spec.parse().unwrap(), number: 0 }
    }

    #[test]
    fn every_packet_is_counted_once_and_comes_out_in_time() {
        let spec = "loss=3%,delay=20ms±5ms,rate=2mbit,queue=50ms,reorder=2%,duplicate=4%,seed=9";
        let mut emulator = Emulator::new(path(spec));
        emulator.begin_timeline(Duration::ZERO);
        let mut came: Vec<u32> = Vec::new();
        for number in 0..20_000_u32 {
            let now = MS * 4 * number;
            emulator.offer(now, 1000, number);
            while let Some(packet) = emulator.poll(now) {
                came.push(packet);
            }
        }
        while let Some(due) = emulator.next_due() {
            assert_eq!(emulator.poll(due - Duration::from_nanos(1)), None);
            came.extend(emulator.poll(due));
        }
        let counters = emulator.impaired().counters;
        let Counters { offered, duplicated, lost, queue_dropped, delivered, reordered, delivered_bytes } = counters;
        assert_eq!(offered, 20_000);
        assert_eq!(offered + duplicated, lost + queue_dropped + delivered, "{counters:?}");
        assert_eq!(delivered, came.len() as u64);
        assert_eq!(delivered_bytes, delivered * 1028);
        // 2.08 Mbit/s with the copies into 2 Mbit/s.
        assert!(duplicated.abs_diff(800) < 150 && queue_dropped > 200, "{counters:?}");
        assert!(lost.abs_diff((offered + duplicated - queue_dropped) * 3 / 100) < 125, "{counters:?}");
        assert!(reordered.abs_diff(delivered * 2 / 100) < 110, "{counters:?}");
    }

    #[test]
    fn what_is_on_its_way_is_bounded() {
        let mut emulator = Emulator::new(path("delay=10s"));
        for _ in 0..MAX_PACKETS + 7 {
            emulator.offer(Duration::ZERO, 100, ());
        }
        assert_eq!(emulator.impaired().counters.queue_dropped, 7);
        emulator.clear();
        assert_eq!(emulator.next_due(), None);
    }
}
