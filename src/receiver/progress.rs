//! How long the steps of setting up a connection may take: from the offer to the connection and the data channel.

use std::time::Duration;

/// How long is waited for the hub's welcome, for our own answer, and at most for each step after it: as long as the sender itself waits
/// for us in [`crate::signalling::room`].
pub(super) const NEGOTIATE_WITHIN: Duration = Duration::from_secs(12);

/// How long ICE may at least take to find a way.
///
/// It repeats what was lost after 0.5, 1, 2 and 4 s, and the second time is within this. A new connection begins anew, and so is the better
/// bet: of 140 attempts at 30 % loss 54 % had found a way after 0.7 s, 71 % after 1.7 s, and some none in 12 s (measured).
const FIND_WITHIN: Duration = Duration::from_millis(800);

/// How long each step after that may at least take: that DTLS encrypts the connection, and that the data channel opens. Neither waits for
/// timers; this is enough for a round trip of 0.8 s that only media have, as with `--impair`.
const STEP_WITHIN: Duration = Duration::from_secs(2);

/// How many times what the sender took to answer over signalling, a round trip, each step may take at least. Each takes two.
const ROUND_TRIPS: u32 = 5;

/// How much longer is waited each time after it was not enough: media may have a longer way than signalling.
const LONGER_BY: f64 = 1.25;

/// How long after our answer we may be without a candidate: they are there within milliseconds, even if those that STUN and TURN
/// servers give are not.
const GATHER_WITHIN: Duration = Duration::from_millis(500);

/// Why a session is of no more use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// ICE found no interface of ours: libnice passes over loopback, and over what the kernel does not say is running.
    #[error(
        "this machine has no network address but loopback that ICE can use; check that a network interface is up (ip address)"
    )]
    NoAddress,
    /// No answer, no connection or no data channel.
    #[error("the sender does not get on with the connection")]
    Stalled,
    /// Neither video nor messages, or no video for long where there are no messages.
    #[error("nothing was heard of the sender for too long")]
    Silent,
}

/// How far the setting up has come, and by when it must come further.
#[derive(Debug)]
pub(super) struct Progress {
    stalled: u32,
    awaits_channel: bool,
    /// None once it is open.
    deadline: Option<Duration>,
    /// How long the hub took to answer over signalling.
    answered_in: Duration,
    way_found: bool,
    /// By when there must be a candidate of ours, once the answer is made; none when there is one.
    gather_by: Option<Duration>,
    has_candidate: bool,
}

impl Progress {
    /// An offer came `now`, after the hub had taken so long to answer `join`, and so many connections in a row have stalled. Making the
    /// answer to it is no matter of the network.
    pub(super) fn new(answered_in: Duration, stalled: u32, now: Duration) -> Progress {
        Progress {
            stalled,
            awaits_channel: true,
            deadline: Some(now + NEGOTIATE_WITHIN),
            answered_in,
            way_found: false,
            gather_by: None,
            has_candidate: false,
        }
    }

    /// As this, where the sender offers no data channel: the connection is all there is.
    pub(super) fn without_channel(self) -> Progress {
        Progress { awaits_channel: false, ..self }
    }

    /// The other side takes none.
    pub(super) fn give_up_channel(&mut self) {
        self.awaits_channel = false;
    }

    /// Whether there is to be a data channel.
    pub(super) fn awaits_channel(&self) -> bool {
        self.awaits_channel
    }

    /// Our answer is made.
    pub(super) fn on_answer(&mut self, now: Duration) {
        self.on_step(FIND_WITHIN, now);
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
            self.on_step(STEP_WITHIN, now);
        }
    }

    /// The connection is encrypted.
    pub(super) fn on_connected(&mut self, now: Duration) {
        self.on_step(STEP_WITHIN, now);
    }

    /// The data channel can be used, or where there is none, the connection.
    pub(super) fn on_open(&mut self) {
        self.deadline = None;
        self.gather_by = None;
    }

    /// Whether it is set up.
    pub(super) fn is_open(&self) -> bool {
        self.deadline.is_none()
    }

    fn on_step(&mut self, at_least: Duration, now: Duration) {
        self.deadline = Some(now + patience(at_least, self.answered_in, self.stalled));
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

/// How long a step may take when the sender answers in this time and so many connections in a row have stalled.
fn patience(at_least: Duration, answered_in: Duration, stalled: u32) -> Duration {
    let limit = NEGOTIATE_WITHIN.as_secs_f64();
    let once = at_least.max(answered_in.saturating_mul(ROUND_TRIPS)).as_secs_f64();
    Duration::from_secs_f64((once * LONGER_BY.powf(stalled.into())).min(limit))
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
        let mut progress = Progress::new(MS(200), 0, MS(5000));
        assert!(stalls_at(&progress, 17_000), "the answer");
        progress.on_own_candidate();
        progress.on_answer(MS(6000));
        assert!(stalls_at(&progress, 7000), "the way, five times as long as the welcome took");
        progress.on_way_found(MS(6500));
        progress.on_way_found(MS(7000));
        assert!(stalls_at(&progress, 8500), "the encryption, from the first way on");
        progress.on_connected(MS(7200));
        assert!(stalls_at(&progress, 9200), "the channel");
        progress.on_open();
        progress.on_way_found(MS(9000));
        assert!(progress.is_open() && progress.fault(MS(1_000_000)).is_none());
    }

    #[test]
    fn a_machine_without_an_address_is_told_so_soon() {
        let mut progress = Progress::new(Duration::ZERO, 0, MS(0));
        progress.on_answer(MS(1000));
        assert_eq!([1499, 1500].map(|ms| progress.fault(MS(ms))), [None, Some(Fault::NoAddress)]);
        progress.on_own_candidate();
        assert_eq!(progress.fault(MS(1500)), None);
    }

    #[test]
    fn who_waited_in_vain_waits_longer_but_not_for_ever() {
        let waits: Vec<_> = (0..20).map(|stalled| patience(FIND_WITHIN, MS(3), stalled)).collect();
        assert_eq!(waits[..3], [800, 1000, 1250].map(MS));
        assert_eq!(waits[19], NEGOTIATE_WITHIN);
        assert!(waits[..6].iter().sum::<Duration>() < MS(9500), "six connections within 10 s");
        assert_eq!(patience(FIND_WITHIN, MS(600), 0), MS(3000), "where a round trip is long, so are the steps");
        assert_eq!(patience(STEP_WITHIN, Duration::MAX, u32::MAX), NEGOTIATE_WITHIN);
    }
}
