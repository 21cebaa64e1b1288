//! How long a lost packet is waited for.

use std::time::Duration;

/// The aim: of all packets this share may be missing for good. A picture of 640x480 at 1 Mbit/s has five packets, so that one
/// picture in 2,000 is damaged and costs a keyframe.
const LEFT_MISSING: f64 = 1e-4;

/// Requests for one packet: two in any case, since nobody knows the loss before it happens. With more than twelve it is not the
/// waiting that helps.
const REQUESTS: (f64, f64) = (2.0, 12.0);

/// The shortest wait. The machines take that long when they are busy.
const LEAST: Duration = Duration::from_millis(30);

/// The longest wait: nobody looks at an older picture.
const MOST: Duration = Duration::from_millis(800);

/// Before anything was sent again the round trip is not known: most usable paths are shorter.
const UNKNOWN_ROUND_TRIP: Duration = Duration::from_millis(100);

/// Between two requests for the same packet, at least: several requests are on their way within a frame interval, and the timers
/// of a busy machine are no more exact.
pub const RETRY_AFTER: Duration = Duration::from_millis(8);

/// How often loss is looked at: at 30 frames/s some hundred packets.
const WINDOW: Duration = Duration::from_secs(1);

/// What is left of the loss estimate and of the wait, window by window, when the path gets better.
const FADING: f64 = 0.9;

/// What is known of the path, counted since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Path {
    /// Packets that came, the first time or again.
    pub received: u64,
    /// Packets of these that came only when they were sent again.
    pub recovered: u64,
    /// Packets that were given up.
    pub lost: u64,
    /// Requests for packets to be sent again.
    pub requests: u64,
    /// From the request for a packet to its arrival, smoothed.
    pub round_trip: Option<Duration>,
    /// Mean deviation of the arrival times, RFC 3550 section 6.4.1.
    pub jitter: Duration,
}

/// Sizes the jitterbuffer: as long as it takes to ask for a lost packet so often that only one in ten thousand stays away. Complete
/// pictures never wait, so this bounds how long a gap holds up those behind it. Grows at once, shrinks by a tenth a second.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    window_start: Duration,
    before: Path,
    loss: f64,
    is_loss_known: bool,
    wait: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        let unknown = Path::default();
        Patience {
            window_start: Duration::ZERO,
            before: unknown,
            loss: 0.0,
            is_loss_known: false,
            wait: needed(&unknown, 0.0),
        }
    }
}

impl Patience {
    /// How long a lost packet is waited for.
    pub fn wait(&self) -> Duration {
        self.wait
    }

    /// The share of the packets that do not come at the first attempt: the worst of late. `None` until enough came to tell.
    pub fn loss(&self) -> Option<f64> {
        self.is_loss_known.then_some(self.loss)
    }

    /// Looks at the path; call it several times a second.
    pub fn on_path(&mut self, path: &Path, now: Duration) {
        let mut faded = self.wait;
        if now.saturating_sub(self.window_start) >= WINDOW {
            let loss = loss_between(&self.before, path);
            self.is_loss_known |= loss.is_some();
            self.loss = (self.loss * FADING).max(loss.unwrap_or(0.0));
            (self.window_start, self.before) = (now, *path);
            faded = self.wait.mul_f64(FADING);
        }
        self.wait = needed(path, self.loss).max(faded);
    }
}

fn needed(path: &Path, loss: f64) -> Duration {
    let round_trip = path.round_trip.unwrap_or(UNKNOWN_ROUND_TRIP);
    let retry = (round_trip + 2 * path.jitter).max(RETRY_AFTER);
    // The last request must have time to be answered, and its answer to be handed over: half as long again.
    (retry.mul_f64(requests(loss) + 0.5) + 2 * path.jitter).clamp(LEAST, MOST)
}

/// How often a packet must be asked for at this loss in either direction. Request and answer must both get through.
fn requests(loss: f64) -> f64 {
    let fails = 1.0 - (1.0 - loss).powi(2);
    if loss <= LEFT_MISSING {
        return REQUESTS.0;
    }
    ((LEFT_MISSING / loss).ln() / fails.ln()).ceil().clamp(REQUESTS.0, REQUESTS.1)
}

fn loss_between(before: &Path, path: &Path) -> Option<f64> {
    let since = |now: u64, before: u64| now.saturating_sub(before) as f64;
    let missing = since(path.recovered, before.recovered) + since(path.lost, before.lost);
    let all = since(path.received, before.received) + since(path.lost, before.lost);
    // A few packets are no sample.
    (all >= 20.0).then(|| (missing / all).min(0.9))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// The wait after `seconds` of 100 packets a second.
    fn after(patience: &mut Patience, path: &mut Path, seconds: u64, loss_percent: u64) -> Duration {
        for _ in 0..seconds {
            path.received += 100;
            path.recovered += loss_percent;
            let now = patience.window_start + WINDOW;
            patience.on_path(path, now);
        }
        patience.wait()
    }

    #[test]
    fn it_waits_for_as_many_requests_as_the_loss_takes() {
        let mut path = Path { round_trip: Some(2 * MS), ..Path::default() };
        let waits = [0, 2, 10, 20].map(|loss| after(&mut Patience::default(), &mut path, 40, loss));
        assert_eq!(waits, [30, 30, 44, 68].map(|ms| ms * MS));
        let mut far = Path { round_trip: Some(100 * MS), ..Path::default() };
        assert_eq!(after(&mut Patience::default(), &mut far, 1, 10), 550 * MS);
    }

    #[test]
    fn the_loss_is_not_known_before_there_is_a_sample() {
        let (mut patience, mut path) = (Patience::default(), Path::default());
        path.received = 10;
        patience.on_path(&path, WINDOW);
        assert_eq!(patience.loss(), None);
        after(&mut patience, &mut path, 1, 10);
        assert_eq!(patience.loss(), Some(0.1));
    }

    #[test]
    fn an_unknown_path_is_given_time_and_a_known_one_what_it_needs() {
        let mut patience = Patience::default();
        assert_eq!(patience.wait(), 250 * MS);
        let mut path = Path { round_trip: Some(MS), ..Path::default() };
        let shrinking: Vec<_> = (0..30).map(|_| after(&mut patience, &mut path, 1, 0)).collect();
        assert!(shrinking.windows(2).all(|pair| pair[1] <= pair[0] && pair[1] >= pair[0].mul_f64(0.89)), "slowly");
        assert_eq!(shrinking.last(), Some(&(30 * MS)));
        assert!(after(&mut patience, &mut path, 1, 20) >= 65 * MS, "at once");
    }

    proptest! {
        #[test]
        fn it_stays_within_its_bounds(counts: [u64; 3], round_trip in 0u64..100_000, jitter in 0u64..100_000, now in 0u64..100_000) {
            let [received, recovered, lost] = counts;
            let path = Path { received, recovered, lost, requests: 0, round_trip: Some(MS * round_trip as u32), jitter: MS * jitter as u32 };
            let mut patience = Patience::default();
            patience.on_path(&path, MS * now as u32);
            prop_assert!((LEAST..=MOST).contains(&patience.wait()));
        }
    }
}
