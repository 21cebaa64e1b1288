//! How long the steps of setting up a connection may take: from `join` to the offer, the connection and the data channel.

use std::time::Duration;

/// How long is waited for the offer, for our own answer, and at most for each step after it: as long as the sender itself waits for us
/// in [`crate::signalling::room`].
const NEGOTIATE_WITHIN: Duration = Duration::from_secs(12);

/// How long each step after our answer may take the first time: that ICE finds a way, that DTLS encrypts it, that the channel opens. Each
/// takes two round trips, so that is enough for one of 0.8 s.
///
/// ICE repeats what was lost after 0.5, 1, 2 and 4 s, and the third time is within this. A new connection begins anew, and so is the better
/// bet: at 30 % loss one of five had found no way by then, one of ten none in 4 s, and some none in 12 s (measured).
pub(super) const FIRST_PATIENCE: Duration = Duration::from_millis(1800);

/// How long after our answer we may be without a candidate: they are there within milliseconds, even if those that STUN and TURN
/// servers give are not.
const GATHER_WITHIN: Duration = Duration::from_secs(1);

/// Why a session is of no more use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// ICE found no interface of ours: libnice passes over loopback, and over what the kernel does not say is running.
    #[error(
        "this machine has no network address but loopback that ICE can use; check that a network interface is up (ip address)"
    )]
    NoAddress,
    /// No offer, no connection or no data channel.
    #[error("the sender does not get on with the connection")]
    Stalled,
    /// Neither video nor messages.
    #[error("nothing was heard of the sender for too long")]
    Silent,
}

/// How far the setting up has come, and by when it must come further.
#[derive(Debug)]
pub(super) struct Progress {
    /// None once the data channel is open.
    deadline: Option<Duration>,
    /// How long each step after the answer may take.
    patience: Duration,
    way_found: bool,
    /// By when there must be a candidate of ours, once the answer is made; none when there is one.
    gather_by: Option<Duration>,
    has_candidate: bool,
}

impl Progress {
    /// Waits for an offer since `now`.
    pub(super) fn new(patience: Duration, now: Duration) -> Progress {
        Progress {
            deadline: Some(now + NEGOTIATE_WITHIN),
            patience,
            way_found: false,
            gather_by: None,
            has_candidate: false,
        }
    }

    /// There is an offer. Making the answer to it is no matter of the network.
    pub(super) fn on_offer(&mut self, now: Duration) {
        self.deadline = Some(now + NEGOTIATE_WITHIN);
    }

    /// Our answer is made.
    pub(super) fn on_answer(&mut self, now: Duration) {
        self.on_step(now);
        self.gather_by = (!self.has_candidate).then_some(now + GATHER_WITHIN);
    }

    /// We have a candidate.
    pub(super) fn on_own_candidate(&mut self) {
        self.has_candidate = true;
        self.gather_by = None;
    }

    /// ICE has found a way; only the first time counts.
    pub(super) fn on_way_found(&mut self, now: Duration) {
        if !self.is_open() && !std::mem::replace(&mut self.way_found, true) {
            self.on_step(now);
        }
    }

    /// The connection is encrypted.
    pub(super) fn on_connected(&mut self, now: Duration) {
        self.on_step(now);
    }

    /// The data channel can be used.
    pub(super) fn on_open(&mut self) {
        self.deadline = None;
        self.gather_by = None;
    }

    /// Whether the data channel can be used.
    pub(super) fn is_open(&self) -> bool {
        self.deadline.is_none()
    }

    fn on_step(&mut self, now: Duration) {
        self.deadline = Some(now + self.patience);
    }

    /// What does not get on, if anything.
    pub(super) fn fault(&self, now: Duration) -> Option<Fault> {
        let is_over = |deadline: Option<Duration>| deadline.is_some_and(|deadline| now >= deadline);
        if is_over(self.gather_by) {
            return Some(Fault::NoAddress);
        }
        is_over(self.deadline).then_some(Fault::Stalled)
    }
}

/// How long is waited the next time, when this was not enough: on a path of very long round trips nothing is ever there sooner.
pub(super) fn longer(patience: Duration) -> Duration {
    (patience * 3 / 2).min(NEGOTIATE_WITHIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    /// Whether it stalls at this moment, and not a millisecond before.
    fn stalls_at(progress: &Progress, ms: u64) -> bool {
        progress.fault(MS(ms - 1)).is_none() && progress.fault(MS(ms)) == Some(Fault::Stalled)
    }

    #[test]
    fn each_step_has_its_time_and_an_open_channel_has_no_end() {
        let mut progress = Progress::new(FIRST_PATIENCE, MS(1000));
        assert!(stalls_at(&progress, 13_000), "the offer");
        progress.on_offer(MS(5000));
        assert!(stalls_at(&progress, 17_000), "the answer");
        progress.on_own_candidate();
        progress.on_answer(MS(6000));
        assert!(stalls_at(&progress, 7800), "the way");
        progress.on_way_found(MS(7000));
        progress.on_way_found(MS(8000));
        assert!(stalls_at(&progress, 8800), "the encryption, from the first way on");
        progress.on_connected(MS(8000));
        assert!(stalls_at(&progress, 9800), "the channel");
        progress.on_open();
        progress.on_way_found(MS(9000));
        assert!(progress.is_open() && progress.fault(MS(1_000_000)).is_none());
    }

    #[test]
    fn a_machine_without_an_address_is_told_so_after_a_second() {
        let mut progress = Progress::new(FIRST_PATIENCE, MS(0));
        progress.on_answer(MS(1000));
        assert_eq!([1999, 2000].map(|ms| progress.fault(MS(ms))), [None, Some(Fault::NoAddress)]);
        progress.on_own_candidate();
        assert_eq!(progress.fault(MS(2000)), None);
    }

    #[test]
    fn who_waited_in_vain_waits_longer_but_not_for_ever() {
        let waits: Vec<_> =
            std::iter::successors(Some(FIRST_PATIENCE), |patience| Some(longer(*patience))).take(9).collect();
        assert_eq!(waits[..3], [1800, 2700, 4050].map(MS));
        assert_eq!(waits[7..], [NEGOTIATE_WITHIN; 2]);
        let within_10_s = waits[..3].iter().sum::<Duration>();
        assert!(within_10_s < MS(9000), "three connections are tried, and a fourth begun");
    }
}
