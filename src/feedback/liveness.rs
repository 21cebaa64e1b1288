//! When to ping, and when a silent peer is dead. webrtcbin 1.22 never notices by itself.

use std::time::Duration;

use super::message::Ping;

/// How often a peer is pinged: nine pings fit into [`SILENCE`], so that eight in a row may get lost.
pub const PING_INTERVAL: Duration = Duration::from_millis(500);

/// At first there are more: the clocks must be known before the first frames are measured.
const QUICK_PINGS: u64 = 8;

/// Eight of them take less than half a second, and no two share a burst of the network.
const QUICK_INTERVAL: Duration = Duration::from_millis(50);

/// How long a peer may say nothing. A path that carries nothing for 3 s (a handover, a lift) is to be survived, and one more second
/// may pass until the first message comes through again. A killed process is noticed sooner, by
/// [`SILENCE_WHEN_AWAY`].
pub const SILENCE: Duration = Duration::from_millis(4500);

/// How long a peer may say nothing whose signalling connection is closed: a path that is interrupted for so long does not close it, so
/// the process is gone. Three pings in a row may get lost.
pub const SILENCE_WHEN_AWAY: Duration = Duration::from_secs(2);

/// Decides whether a peer is alive, from when it was heard. Both sides use it: the sender pings, the receiver is pinged.
#[derive(Clone, Debug)]
pub struct Liveness {
    silence: Duration,
    last_heard: Duration,
    next_ping: Duration,
    next_id: u64,
    promised: bool,
}

impl Liveness {
    /// A peer that was met at `at` and may then be silent for `silence` at a time.
    pub fn new(at: Duration, silence: Duration) -> Liveness {
        Liveness { silence, last_heard: at, next_ping: at, next_id: 0, promised: false }
    }

    /// Something came from the peer: a message, a packet.
    pub fn heard(&mut self, at: Duration) {
        self.last_heard = self.last_heard.max(at);
    }

    /// A ping or a pong came from the peer: it keeps up a heartbeat, and from now on its silence means something. One that
    /// never did is a simpler client, which may have nothing to say for a while.
    pub fn heartbeat(&mut self, at: Duration) {
        self.promised = true;
        self.heard(at);
    }

    /// The ping to send now, if one is due. After a pause there is one, not all that were missed.
    pub fn ping_due(&mut self, now: Duration) -> Option<Ping> {
        if now < self.next_ping {
            return None;
        }
        let id = self.next_id;
        self.next_id += 1;
        let interval = if self.next_id < QUICK_PINGS { QUICK_INTERVAL } else { PING_INTERVAL };
        let due = self.next_ping + interval;
        self.next_ping = if due > now { due } else { now + interval };
        Some(Ping { id, sent_us: now.as_micros().try_into().unwrap_or(u64::MAX) })
    }

    /// Whether the peer has broken off its heartbeat.
    pub fn is_dead(&self, now: Duration) -> bool {
        self.is_silent(now, self.silence)
    }

    /// Whether the peer keeps up a heartbeat, and has been silent for longer than this.
    pub fn is_silent(&self, now: Duration, limit: Duration) -> bool {
        self.promised && now.saturating_sub(self.last_heard) > limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_peer_dies_of_silence_only_after_it_kept_up_a_heartbeat() {
        let mut peer = Liveness::new(Duration::ZERO, SILENCE);
        assert!(!peer.is_dead(1000 * SILENCE));
        peer.heartbeat(100 * MS);
        assert!(!peer.is_dead(100 * MS + SILENCE));
        assert!(peer.is_dead(101 * MS + SILENCE));
        assert_eq!([2100, 2101].map(|ms| peer.is_silent(ms * MS, SILENCE_WHEN_AWAY)), [false, true]);
        peer.heard(2600 * MS);
        peer.heard(50 * MS);
        assert!(!peer.is_dead(2600 * MS + SILENCE));
        assert!(peer.is_dead(2601 * MS + SILENCE));
    }

    #[test]
    fn pings_are_regular_and_not_made_up_for() {
        let mut peer = Liveness::new(1000 * MS, SILENCE);
        assert_eq!(peer.ping_due(999 * MS), None);
        assert_eq!(peer.ping_due(1010 * MS), Some(Ping { id: 0, sent_us: 1_010_000 }));
        assert_eq!(peer.ping_due(1049 * MS), None);
        let quick = (1050..1500).filter_map(|ms| peer.ping_due(ms * MS)).map(|ping| (ping.id, ping.sent_us / 1000));
        assert_eq!(quick.collect::<Vec<_>>(), (1..8).map(|id| (id, 1000 + 50 * id)).collect::<Vec<_>>());
        assert_eq!(peer.ping_due(1849 * MS), None);
        assert_eq!(peer.ping_due(1850 * MS), Some(Ping { id: 8, sent_us: 1_850_000 }));
        assert_eq!(peer.ping_due(9700 * MS), Some(Ping { id: 9, sent_us: 9_700_000 }));
        assert_eq!(peer.ping_due(10_199 * MS), None);
        assert!(peer.ping_due(10_200 * MS).is_some());
    }
}
