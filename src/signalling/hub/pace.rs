//! How fast a connection may speak.

use std::time::Duration;

/// Messages a second, in the long run. A member says some twenty when it connects, and next to nothing afterwards.
pub const MESSAGES_PER_SECOND: u32 = 50;

/// Messages at once: an answer and the 64 candidates of a peer connection three times over.
pub const BURST_MESSAGES: u32 = 200;

const INTERVAL: Duration = Duration::from_millis(1000 / MESSAGES_PER_SECOND as u64);
const AHEAD: Duration = Duration::from_millis(1000 / MESSAGES_PER_SECOND as u64 * BURST_MESSAGES as u64);

/// The generic cell rate algorithm (ITU-T I.371): when all that was said would have been said, at the pace that is allowed.
#[derive(Debug, Default)]
pub struct Pace {
    said_by: Duration,
}

impl Pace {
    /// Counts a message, and tells whether it is one too many. A sender's connection speaks for all its members and may be as much
    /// faster: `voices` says for how many.
    pub fn is_kept(&mut self, voices: u32, now: Duration) -> bool {
        let said_by = self.said_by.max(now);
        self.said_by = said_by + INTERVAL / voices.max(1);
        said_by <= now + AHEAD
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many messages in a row are allowed at this moment.
    fn at_once(pace: &mut Pace, voices: u32, now: Duration) -> u32 {
        let mut said = 0;
        while pace.is_kept(voices, now) {
            said += 1;
        }
        said
    }

    #[test]
    fn a_burst_is_allowed_then_so_many_a_second_and_for_others_as_many_times_as_there_are_of_them() {
        for voices in [1, 51] {
            let mut pace = Pace::default();
            let now = Duration::from_secs(7);
            let burst = at_once(&mut pace, voices, now);
            assert!((BURST_MESSAGES * voices..=BURST_MESSAGES * voices + voices).contains(&burst), "{burst}");
            let per_second = at_once(&mut pace, voices, now + Duration::from_secs(1));
            let allowed = MESSAGES_PER_SECOND * voices;
            assert!((allowed - voices..=allowed + voices).contains(&per_second), "{per_second}");
        }
    }

    #[test]
    fn who_keeps_the_pace_is_never_stopped() {
        let mut pace = Pace::default();
        assert!((0..10_000u32).all(|nth| pace.is_kept(1, INTERVAL * nth)));
    }
}
