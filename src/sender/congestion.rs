//! Congestion control, wired: from the peers' feedback to the pacers, the encoder, the source and the lanes.

use std::time::Duration;

use super::Sender;
use crate::congestion::{BitrateRule, Fitness, Measured, Target, Verdict};
use crate::signalling::room::PeerId;
use crate::units::Bitrate;
use crate::webrtc::{LaneState, PacingSettings};

/// A pacer is never slower: keyframes for whoever is sent nothing else still pass within a second.
const SLOWEST_PACE: Bitrate = Bitrate::kbps(50);

/// A pacer's rate that is off by less than this share is left as it is: rtpgccbwe may move by itself meanwhile.
const PACE_OFF: f64 = 0.02;

/// How a peer is paced, if the bitrate is to follow its path.
pub(super) fn pacing(rule: BitrateRule) -> Option<PacingSettings> {
    match rule {
        BitrateRule::Fixed(_) => None,
        // rtpgccbwe starts above what the encoder makes, and may go beyond its most: the rest is for what is sent again.
        BitrateRule::Auto { ceiling, .. } => {
            let most = Bitrate::bps(ceiling.as_bps() * 2);
            Some(PacingSettings { start: rule.start(), least: SLOWEST_PACE.min(most), most })
        }
    }
}

impl Sender {
    /// Feedback came from a receiver.
    pub(super) fn on_path(&mut self, id: PeerId, measured: Measured, estimate: Bitrate, at: Duration) {
        let Some(congestion) = &mut self.congestion else { return };
        let Some(member) = self.members.get(&id).filter(|member| member.active.is_some()) else { return };
        let Some(peer) = &member.peer else { return };
        let Verdict { pace, became } = congestion.on_feedback(id.0, measured, estimate, at);
        tracing::trace!(receiver = member.name, ?at, %estimate, %pace, ?measured, "path");
        if (pace.as_bps() as f64 / estimate.as_bps() as f64 - 1.0).abs() > PACE_OFF {
            peer.pacer().inspect(|pacer| pacer.set_estimate(pace));
        }
        match became {
            Some(Fitness::Starved) => {
                tracing::warn!(
                    receiver = member.name,
                    "its path does not carry the least bitrate: it is sent keyframes only, about one a second"
                );
                peer.lane().set(LaneState::Rationed);
            }
            Some(Fitness::Fit) => {
                tracing::info!(receiver = member.name, "its path carries the video again");
                self.stream.lanes().open(peer.lane());
                self.stream.want_keyframe();
            }
            None => {}
        }
    }

    /// Has made what the paths carry.
    pub(super) fn follow_paths(&mut self, now: Duration) {
        let Some(congestion) = &mut self.congestion else { return };
        let before = congestion.target();
        let Some(target) = congestion.on_time(now) else { return };
        let Target { bitrate, mitigation } = target;
        tracing::debug!(%bitrate, "the encoder's bitrate follows the paths");
        if mitigation != before.mitigation {
            let (size, fps) = (mitigation.size(self.plan.shape.size), mitigation.fps(self.plan.shape.fps));
            tracing::info!(%bitrate, "the video is made at {size}, {fps} fps");
        }
        self.stream.set_target(target, &self.plan.shape);
    }
}
