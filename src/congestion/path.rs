//! What the feedback about single packets says of the path.

use std::collections::VecDeque;
use std::time::Duration;

/// Over this time the rate of arrivals and the share of losses are taken: some ten frames, and half of what a user notices.
const WINDOW: Duration = Duration::from_millis(500);

/// A queue counts as standing when not even one packet in this time found it empty, as in CoDel (RFC 8289 section 3.2: an
/// interval of 100 ms): three frames at 30 frames/s, so that the packets of one large picture are no queue.
const STANDING: Duration = Duration::from_millis(100);

/// Of this time is what the bottleneck carries: it may have carried more before.
const RECENTLY: Duration = Duration::from_millis(250);

/// A shorter time than this does not tell a rate: two packets of a burst can come as close as a microsecond.
const LEAST_SPAN: Duration = Duration::from_millis(40);

/// The path's delay without a queue is looked for in this many times of [`BASE_STEP`], 20 s: longer than a queue stands that is
/// being drained, short enough that clocks that drift apart by 100 ppm stay within 2 ms.
const BASE_STEPS: usize = 100;

/// Of each step the least delay counts.
const BASE_STEP: Duration = Duration::from_millis(200);

/// So many of the steps may have been quicker than the path is: in the first feedback some packets are (measured, webrtcbin 1.22).
const TOO_QUICK: f64 = 0.1;

/// A bound on memory: half a second at 40 Mbit/s.
const MOST_PACKETS: usize = 2048;

/// What the feedback says of one packet (draft-holmer-rmcat-transport-wide-cc-extensions-01).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// On the sender's clock.
    pub sent: Duration,
    /// On the receiver's clock, which may be any other; none if it did not arrive.
    pub arrived: Option<Duration>,
    /// Its payload.
    pub bytes: u32,
}

/// What is known of the path after a feedback.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Measured {
    /// Payload that arrives, bits a second, over the last half second.
    pub received_bps: f64,
    /// What the bottleneck carries, bits a second; known while a queue stands in front of it.
    pub capacity_bps: Option<f64>,
    /// The queue that even the luckiest packet of the last 100 ms met.
    pub queue: Duration,
    /// The share of packets that got lost in the last half second, 0 to 1.
    pub loss: f64,
}

/// The way to one receiver, seen from the feedback.
#[derive(Clone, Debug, Default)]
pub struct Path {
    /// Of the last [`WINDOW`], in the order in which they were sent.
    packets: VecDeque<Seen>,
    base: Base,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    sent: Duration,
    /// Arrival, and the delay between two clocks that have nothing in common, in microseconds.
    arrived: Option<(Duration, i64)>,
    bytes: u32,
}

/// A packet that arrived.
struct Arrival {
    sent: Duration,
    at: Duration,
    /// That it met.
    queue: Duration,
    bytes: u32,
}

impl Path {
    /// Takes what a feedback says of a packet. They come in the order in which they were sent.
    pub fn note(&mut self, packet: Packet) {
        let Packet { sent, arrived, bytes } = packet;
        let arrived = arrived.map(|arrived| (arrived, micros(arrived) - micros(sent)));
        if let Some((_, delay_us)) = arrived {
            self.base.note(sent, delay_us);
        }
        self.packets.push_back(Seen { sent, arrived, bytes });
        while self.packets.len() > MOST_PACKETS || self.packets.front().is_some_and(|first| first.sent + WINDOW < sent) {
            self.packets.pop_front();
        }
    }

    /// What is known now.
    pub fn measured(&self) -> Measured {
        let Some(newest) = self.arrivals().map(|arrival| arrival.at).max() else {
            return Measured { loss: self.loss(), ..Measured::default() };
        };
        let lately = |since: Duration| newest.saturating_sub(since);
        let standing = self.arrivals().filter(|arrival| arrival.at >= lately(STANDING)).map(|arrival| arrival.queue).min();
        let received = self.arrivals().filter(|arrival| arrival.at > lately(WINDOW));
        let received: u64 = received.map(|arrival| u64::from(arrival.bytes)).sum();
        Measured {
            received_bps: received as f64 * 8.0 / WINDOW.as_secs_f64(),
            capacity_bps: self.capacity_bps(lately(RECENTLY)),
            queue: standing.unwrap_or_default(),
            loss: self.loss(),
        }
    }

    fn arrivals(&self) -> impl Iterator<Item = Arrival> {
        let base_us = self.base.us;
        let queue = move |delay_us: i64| Duration::from_micros(u64::try_from(delay_us - base_us).unwrap_or_default());
        self.packets.iter().filter_map(move |&Seen { sent, arrived, bytes }| {
            arrived.map(|(at, delay_us)| Arrival { sent, at, queue: queue(delay_us), bytes })
        })
    }

    /// The rate at which packets left the bottleneck since one of them last found it free: a packet finds it busy that was sent
    /// before the one in front of it had left.
    fn capacity_bps(&self, since: Duration) -> Option<f64> {
        let (mut first, mut last, mut bytes, mut free_at) = (None, Duration::ZERO, 0, Duration::ZERO);
        for Arrival { sent, at, queue, bytes: size } in self.arrivals().filter(|arrival| arrival.at >= since) {
            if first.is_some() && sent <= free_at {
                (last, bytes) = (last.max(at), bytes + u64::from(size));
            } else {
                // It marks the beginning; its own bytes left before.
                (first, last, bytes) = (Some(at), at, 0);
            }
            free_at = sent + queue;
        }
        let span = last.checked_sub(first?).filter(|span| *span >= LEAST_SPAN)?;
        Some(bytes as f64 * 8.0 / span.as_secs_f64())
    }

    fn loss(&self) -> f64 {
        let lost = self.packets.iter().filter(|seen| seen.arrived.is_none()).count();
        lost as f64 / self.packets.len().max(1) as f64
    }
}

/// The path's delay without a queue.
#[derive(Clone, Debug, Default)]
struct Base {
    /// When each step began, and its least delay.
    steps: VecDeque<(Duration, i64)>,
    us: i64,
}

impl Base {
    fn note(&mut self, at: Duration, delay_us: i64) {
        match self.steps.back_mut().filter(|(since, _)| at < *since + BASE_STEP) {
            Some((_, least_us)) if *least_us <= delay_us => return,
            Some((_, least_us)) => *least_us = delay_us,
            None => self.steps.push_back((at, delay_us)),
        }
        if self.steps.len() > BASE_STEPS {
            self.steps.pop_front();
        }
        let mut delays: Vec<i64> = self.steps.iter().map(|(_, least_us)| *least_us).collect();
        delays.sort_unstable();
        self.us = delays[(delays.len() as f64 * TOO_QUICK) as usize];
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// The receiver's clock is an hour ahead, the path takes 20 ms.
    const AWAY: Duration = Duration::from_secs(3600).saturating_add(ms(20));

    /// 1200 bytes every 4 ms (2.4 Mbit/s) through a bottleneck that takes `each` for one of them.
    fn through(each: Duration, packets: u64) -> Path {
        let (mut path, mut free_at) = (Path::default(), Duration::ZERO);
        for number in 0..packets {
            let sent = ms(4) * number as u32;
            free_at = free_at.max(sent) + each;
            path.note(Packet { sent, arrived: Some(AWAY + free_at), bytes: 1200 });
        }
        path
    }

    #[test]
    fn a_path_with_room_has_no_queue_and_tells_no_capacity() {
        let measured = through(ms(2), 250).measured();
        assert_eq!((measured.queue, measured.capacity_bps, measured.loss), (Duration::ZERO, None, 0.0));
        assert!((measured.received_bps / 2.4e6 - 1.0).abs() < 0.02, "{measured:?}");
    }

    #[test]
    fn a_full_path_tells_its_queue_and_what_it_carries() {
        // 1200 bytes in 8 ms are 1.2 Mbit/s. After 100 packets, 400 ms, the queue is 400 ms long.
        let measured = through(ms(8), 100).measured();
        let capacity_bps = measured.capacity_bps.expect("full");
        assert!((capacity_bps / 1.2e6 - 1.0).abs() < 0.01, "{measured:?}");
        assert!((ms(340)..ms(400)).contains(&measured.queue), "{measured:?}");
    }

    #[test]
    fn a_large_picture_is_no_standing_queue() {
        let mut path = through(ms(2), 250);
        // 30 packets at once, 2 ms each.
        for number in 0..30 {
            path.note(Packet { sent: ms(1000), arrived: Some(AWAY + ms(1000 + 2 * number)), bytes: 1200 });
        }
        assert!(path.measured().queue < ms(5), "{:?}", path.measured());
    }

    #[test]
    fn a_hiccup_on_a_path_with_room_tells_no_capacity() {
        // Two packets a frame; for a while the receiver reads 30 ms late.
        let mut path = Path::default();
        for number in 0..60 {
            let sent = ms(33) * (number / 2) + ms(2) * (number % 2);
            let late = if number > 40 { ms(30) } else { Duration::ZERO };
            path.note(Packet { sent, arrived: Some(AWAY + sent + late), bytes: 1200 });
        }
        assert_eq!((path.measured().queue, path.measured().capacity_bps), (ms(30), None));
    }

    #[test]
    fn losses_are_a_share_of_the_last_half_second() {
        let mut path = through(ms(2), 250);
        for number in 0..25 {
            path.note(Packet { sent: ms(1000 + 4 * number), arrived: None, bytes: 1200 });
        }
        assert!((path.measured().loss - 25.0 / 126.0).abs() < 0.01, "{:?}", path.measured());
        assert_eq!(Path::default().measured(), Measured::default());
    }

    #[test]
    fn a_path_that_becomes_longer_is_believed_after_a_while() {
        let mut path = Path::default();
        let mut queue = Vec::new();
        for number in 0..3500 {
            let longer = if number < 500 { Duration::ZERO } else { ms(50) };
            let sent = ms(10) * number;
            path.note(Packet { sent, arrived: Some(AWAY + sent + longer), bytes: 100 });
            queue.push(path.measured().queue);
        }
        assert_eq!([queue[499], queue[600], queue[1500], queue[3000]], [Duration::ZERO, ms(50), ms(50), Duration::ZERO]);
    }

    #[test]
    fn a_few_packets_that_seem_too_quick_are_not_believed() {
        let mut path = Path::default();
        for number in 0..500 {
            let sent = ms(10) * number;
            let early = if number < 20 { ms(26) } else { Duration::ZERO };
            path.note(Packet { sent, arrived: Some(AWAY + sent - early), bytes: 100 });
        }
        assert_eq!(path.measured().queue, Duration::ZERO);
    }
}
