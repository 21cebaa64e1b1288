//! What the receiver tells of itself.

use std::time::Duration;

use super::Receiver;
use super::session::Session;
use super::watch::micros;
use crate::feedback::{PacketStats, ReceiverStats};
use crate::usage::Usage;
use crate::webrtc::{ReceivingPeer, Reception};

/// How often: often enough for a live view, too rarely to cost anything.
const STATS_INTERVAL: Duration = Duration::from_secs(1);

impl Receiver {
    /// Tells the sender what this receiver costs and what became of what it was sent, when that is due.
    pub(super) fn tell_stats(&mut self, now: Duration) {
        let Some(session) = self.session.as_mut().filter(|session| session.is_open() && now >= session.next_stats) else {
            return;
        };
        session.next_stats = now + STATS_INTERVAL;
        let Some(session) = &self.session else { return };
        let mut text = String::new();
        if let (Ok(()), Some(peer)) = (self.stats(session, now).write(&mut text), &session.peer) {
            // What gets lost is told again with the next.
            let _ = peer.channel().send(&text);
        }
    }

    fn stats(&self, session: &Session, now: Duration) -> ReceiverStats {
        let usage = Usage::now();
        let reception = session.peer.as_ref().map(ReceivingPeer::reception);
        let packets = reception.and_then(Reception::path).map(|path| PacketStats {
            received: Some(path.received),
            lost: Some(path.lost),
            recovered: Some(path.recovered),
            retransmission_requests: Some(path.requests),
        });
        ReceiverStats {
            at_us: Some(micros(now)),
            cpu_us: usage.map(|usage| micros(usage.cpu)),
            max_rss_bytes: usage.map(|usage| usage.max_rss_bytes),
            threads: usage.and_then(|usage| usage.threads),
            // On another machine it says nothing, and is nobody's business.
            monotonic_zero_us: self.is_local.then(|| micros(self.clock.monotonic_zero())),
            jitter_ms: reception.map(|reception| reception.wait().as_secs_f64() * 1e3),
            packets: packets.unwrap_or_default(),
            pictures: session.decoded.with_fates(|fates| fates.pictures()),
        }
    }
}
