//! How much one receiver is sent.

use std::time::Duration;

use super::Measured;

/// A queue that stands for longer than this comes from us: more than timers and Wi-Fi retries make, less than half a frame at 30
/// frames/s.
const QUEUE: Duration = Duration::from_millis(10);

/// Of what the bottleneck carries, when its queue is only just beginning. The rest is for headers (5 %) and what is sent again.
const OF_CAPACITY: f64 = 0.93;

/// A queue is to be gone after about this time: it is emptied by sending so much less.
const DRAIN: Duration = Duration::from_millis(500);

/// And never by sending less than this share of what the bottleneck carries: a picture must still come through.
const LEAST_OF_CAPACITY: f64 = 0.4;

/// Once the queue is gone, this share of what the bottleneck carries is sent again.
const AFTER_DRAIN: f64 = 0.85;

/// After a queue was seen, the rate is left as it is for so long: the next feedback still speaks of before.
const HOLD: Duration = Duration::from_millis(700);

/// How much a rate grows in a second: 1 to 4 Mbit/s in four seconds. rtpgccbwe by itself takes 8 % (draft-ietf-rmcat-gcc-02
/// section 5.5), which is 18 s.
const GROWTH: f64 = 1.4;

/// And how much near the rate at which a queue was last seen, so that the queue that tells of it stays short.
const CAREFUL_GROWTH: f64 = 1.06;

/// What is near: shares of the rate at which the queue was seen.
const NEAR: std::ops::Range<f64> = 0.75..1.05;

/// For so long it is worth knowing.
const KNOWN_FOR: Duration = Duration::from_secs(30);

/// A rate that is not made use of proves nothing and does not grow: the encoder may need less for its pictures.
const MADE_USE_OF: f64 = 0.5;

/// Encoders make less than they are asked for, for fear of making more: x264 on a noisy scene 60 to 80 % (measured). They are asked
/// for up to so much more than is wanted of them,
const MOST_BOOST: f64 = 1.5;

/// when what arrives is a smaller share than this of what is wanted, and
const TOO_LITTLE: f64 = 0.92;

/// so much more each second.
const BOOST_GROWTH: f64 = 0.2;

/// A greater share of losses means congestion, as in draft-ietf-rmcat-gcc-02 section 6.
const LOSS: f64 = 0.1;

/// Without feedback for so long, the path is taken to be blocked. Feedback comes with each frame.
const SILENCE: Duration = Duration::from_secs(1);

/// The longest step of growth, should feedback come rarely: after each keyframe, for whoever is sent nothing else.
const LONGEST_STEP: Duration = Duration::from_secs(1);

/// The rate for one receiver, in bits of payload a second.
///
/// It rests on two estimates. rtpgccbwe's tells of losses and of delays that grow; by itself it came down from 4 to 1 Mbit/s within
/// two seconds and took more than ten to come back to 2 (measured). So the queue is looked at as well: what leaves a bottleneck
/// while a queue stands in front of it is what it carries, and so much less is sent that the queue empties.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flow {
    bps: f64,
    boost: f64,
    least_bps: f64,
    most_bps: f64,
    known: Option<(Duration, f64)>,
    /// A queue is being emptied in front of a bottleneck that carries this.
    draining: Option<f64>,
    hold_until: Duration,
    last: Option<Duration>,
    is_blocked: bool,
}

impl Flow {
    pub(super) fn new(start_bps: f64, least_bps: f64, most_bps: f64) -> Flow {
        let (known, draining, hold_until, last, is_blocked) = (None, None, Duration::ZERO, None, false);
        Flow { bps: start_bps, boost: 1.0, least_bps, most_bps, known, draining, hold_until, last, is_blocked }
    }

    pub(super) fn bps(&self) -> f64 {
        self.bps
    }

    /// What to ask of the encoder so that it makes this.
    pub(super) fn asked_bps(&self) -> f64 {
        self.bps * self.boost
    }

    /// What the path carries for longer: less is sent while a queue is being emptied.
    pub(super) fn carries_bps(&self, at: Duration) -> f64 {
        let draining = self.known.filter(|_| at < self.hold_until);
        draining.map_or(self.bps, |(_, capacity_bps)| self.bps.max(OF_CAPACITY * capacity_bps).min(self.most_bps))
    }

    /// Feedback came. `estimate_bps` is rtpgccbwe's; `is_thinned` when this receiver is not sent everything.
    pub(super) fn on_feedback(&mut self, measured: &Measured, estimate_bps: f64, is_thinned: bool, at: Duration) {
        let step = at.saturating_sub(self.last.replace(at).unwrap_or(at)).min(LONGEST_STEP);
        self.is_blocked = false;
        self.compensate(measured, step);
        if let Some(capacity_bps) = measured.capacity_bps.filter(|_| measured.queue > QUEUE) {
            self.on_queue(measured.queue, capacity_bps, at);
        } else if let Some(capacity_bps) = self.draining.take_if(|_| measured.queue <= QUEUE) {
            self.set(self.bps.max(AFTER_DRAIN * capacity_bps));
        } else if measured.loss > LOSS {
            self.set(self.bps.min(estimate_bps));
            self.hold_until = at + HOLD;
        } else if at >= self.hold_until && (is_thinned || measured.received_bps > MADE_USE_OF * self.bps) {
            self.set(self.bps * self.growth(at).powf(step.as_secs_f64()));
        }
    }

    /// Time has passed: a path that has become blocked is tried again with half.
    pub(super) fn on_time(&mut self, at: Duration) {
        let is_silent = self.last.is_some_and(|last| at.saturating_sub(last) > SILENCE);
        if is_silent && !std::mem::replace(&mut self.is_blocked, true) {
            self.set(self.bps / 2.0);
        }
    }

    /// For what the encoder makes too much or too little.
    fn compensate(&mut self, measured: &Measured, step: Duration) {
        let share = measured.received_bps / self.bps;
        let change = if share > 1.0 {
            -BOOST_GROWTH
        } else if share < TOO_LITTLE && measured.queue < QUEUE && measured.loss < LOSS {
            BOOST_GROWTH
        } else {
            0.0
        };
        self.boost = (self.boost + change * step.as_secs_f64()).clamp(1.0, MOST_BOOST);
    }

    fn on_queue(&mut self, queue: Duration, capacity_bps: f64, at: Duration) {
        let share = OF_CAPACITY - (queue - QUEUE).as_secs_f64() / DRAIN.as_secs_f64();
        self.set(self.bps.min(capacity_bps * share.max(LEAST_OF_CAPACITY)));
        (self.known, self.draining) = (Some((at, capacity_bps)), Some(capacity_bps));
        self.hold_until = at + HOLD;
    }

    fn growth(&self, at: Duration) -> f64 {
        let known = self.known.filter(|(seen_at, _)| at.saturating_sub(*seen_at) < KNOWN_FOR);
        let is_near = known.is_some_and(|(_, capacity_bps)| NEAR.contains(&(self.bps / capacity_bps)));
        if is_near { CAREFUL_GROWTH } else { GROWTH }
    }

    fn set(&mut self, bps: f64) {
        self.bps = bps.clamp(self.least_bps, self.most_bps);
    }
}
