//! What the connection is set up with is sent more than once.

use std::collections::VecDeque;
use std::time::Duration;

/// When a datagram is sent again, in milliseconds since the first time. OpenSSL and usrsctp wait one and three seconds, and double that:
/// at 30 % loss a handshake of some twenty datagrams did not end within 25 s (measured). Sent five times each, one in 400 is lost; and
/// since one end may begin some time before the other one hears it, they go on until they meet those of the first timer's.
const AFTER_MS: [u64; 7] = [40, 120, 280, 600, 1000, 1500, 2000];

/// The most datagrams that wait for each repetition: a handshake has about twenty.
const MAX_WAITING: usize = 64;

/// Remembers datagrams and tells when to send them again. To the layers above it is a network that duplicates.
#[derive(Debug)]
pub struct Repeats<T> {
    /// By repetition, each in the order of the time of first sending.
    waiting: [VecDeque<(Duration, T)>; AFTER_MS.len()],
}

impl<T> Default for Repeats<T> {
    fn default() -> Repeats<T> {
        Repeats { waiting: Default::default() }
    }
}

impl<T: Clone> Repeats<T> {
    /// A datagram was sent for the first time. When there are too many, the oldest is not repeated any more.
    pub fn on_sent(&mut self, datagram: T, at: Duration) {
        self.wait(0, at, datagram);
    }

    /// When the next one is due.
    pub fn due(&self) -> Option<Duration> {
        (0..AFTER_MS.len()).filter_map(|step| self.due_at(step)).min()
    }

    /// The next one to be sent again now.
    pub fn take(&mut self, now: Duration) -> Option<T> {
        for step in 0..AFTER_MS.len() {
            if self.due_at(step).is_some_and(|due| due <= now) {
                let (at, datagram) = self.waiting[step].pop_front()?;
                self.wait(step + 1, at, datagram.clone());
                return Some(datagram);
            }
        }
        None
    }

    fn due_at(&self, step: usize) -> Option<Duration> {
        self.waiting[step].front().map(|(at, _)| *at + Duration::from_millis(AFTER_MS[step]))
    }

    fn wait(&mut self, step: usize, at: Duration, datagram: T) {
        let Some(waiting) = self.waiting.get_mut(step) else { return };
        if waiting.len() == MAX_WAITING {
            waiting.pop_front();
        }
        waiting.push_back((at, datagram));
    }
}

/// Whether a datagram of the connection belongs to its encryption (RFC 7983 section 7) and not to its media or its candidates.
pub fn is_dtls(first_byte: u8) -> bool {
    (20..=63).contains(&first_byte)
}

/// Whether a datagram that begins so carries the data channel or RTCP, and not media: RFC 7983 section 7, RFC 5761 section 4.
pub fn is_control(first: [u8; 2]) -> bool {
    is_dtls(first[0]) || (first[0] >> 6 == 2 && (192..=223).contains(&first[1]))
}

/// Of what controls the connection, at most this share is to be lost. SCTP takes a loss for congestion: at 20 % it sent next to nothing,
/// and waited for up to a second for its timers, while coordinates queued (measured: p95 of the return 138 ms, p99 610 ms).
const CONTROL_LOST: f64 = 0.01;

/// Copies beside the first: more than three times the coordinates is not worth what it costs.
const MOST_COPIES: f64 = 3.0;

/// How often what controls the connection is to be sent again at once, at this loss. Receivers know copies by their numbers
/// (RFC 6347 section 4.1.2.6, RFC 3711 section 3.3.2) and leave them out.
pub fn copies(loss: f64) -> u32 {
    if loss <= CONTROL_LOST {
        return 0;
    }
    ((CONTROL_LOST.ln() / loss.min(0.9).ln()).ceil() - 1.0).clamp(1.0, MOST_COPIES) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worse_the_path_the_more_copies() {
        assert_eq!([0.0, 0.01, 0.02, 0.1, 0.2, 0.3, 1.0].map(copies), [0, 0, 1, 1, 2, 3, 3]);
    }

    #[test]
    fn control_is_told_from_media_by_two_bytes() {
        let pli = [0x81, 206];
        let video_with_marker = [0x80, 0xe0];
        let stun = [0, 1];
        assert_eq!([[23, 254], pli, video_with_marker, stun].map(is_control), [true, true, false, false]);
    }

    #[test]
    fn each_datagram_is_sent_again_and_again_at_growing_intervals() {
        let ms = Duration::from_millis;
        let mut repeats = Repeats::default();
        let mut sent = Vec::new();
        for now in 0..3000 {
            if now == 0 || now == 100 {
                repeats.on_sent(now, ms(now));
            }
            while let Some(first) = repeats.take(ms(now)) {
                sent.push((first, now));
            }
        }
        let (first, other): (Vec<_>, Vec<_>) = sent.into_iter().partition(|(first, _)| *first == 0);
        assert_eq!(first.iter().map(|(_, at)| *at).collect::<Vec<_>>(), AFTER_MS);
        assert_eq!(other.iter().map(|(_, at)| at - 100).collect::<Vec<_>>(), AFTER_MS);
        assert_eq!(repeats.due(), None);
    }

    #[test]
    fn it_knows_when_it_is_next_wanted_and_stays_bounded() {
        let ms = Duration::from_millis;
        let mut repeats = Repeats::default();
        (0..10_000).for_each(|at| repeats.on_sent(at, ms(at)));
        assert_eq!(repeats.due(), Some(ms(10_000 - 64 + 40)));
        let at_once = std::iter::from_fn(|| repeats.take(ms(100_000))).count();
        assert_eq!(at_once, AFTER_MS.len() * 64);
    }
}
