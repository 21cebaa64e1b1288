//! One encoder for all receivers: what it is asked for, and who cannot be sent all of it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::flow::Flow;
use super::mitigation::{Ladder, Mitigation};
use super::record::{Record, Sample};
use super::{BitrateRule, Measured};
use crate::units::{Bitrate, Fps, Size};

/// How much faster than the encoder's rate packets leave: an encoder is not exact, and its surplus must not wait in the pacer.
const PACE: f64 = 1.15;

/// A smaller change than this share is not worth telling the encoder.
const NOTEWORTHY: f64 = 0.03;

/// Nor is more, more often than this; less is told at once.
const RAISE_INTERVAL: Duration = Duration::from_millis(200);

/// A receiver that is sent less than everything is sent everything again when its path carries so much more than the least.
const SPARE: f64 = 1.25;

/// The least that a path is thought to carry: for keyframes now and then.
const LEAST_BPS: f64 = 20_000.0;

/// What the encoder is to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Of the encoder.
    pub bitrate: Bitrate,
    /// What is left out.
    pub mitigation: Mitigation,
}

/// What a receiver's path is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fitness {
    /// It carries what the encoder makes.
    Fit,
    /// It does not even carry the least that the encoder makes: it is sent keyframes only.
    Starved,
}

/// What follows from a receiver's feedback.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// How fast its packets may leave.
    pub pace: Bitrate,
    /// Its fitness, if that has changed.
    pub became: Option<Fitness>,
}

struct Member {
    flow: Flow,
    fitness: Fitness,
    measured: Measured,
    estimate: Bitrate,
}

/// Decides the bitrate, and who is sent what. The encoder follows the slowest receiver that is fit; a receiver is fit whose path
/// carries the floor.
pub struct Controller {
    floor_bps: f64,
    ceiling_bps: f64,
    start_bps: f64,
    members: BTreeMap<u64, Member>,
    ladder: Ladder,
    target: Target,
    raised_at: Duration,
    record: Record,
}

impl Controller {
    /// None when the bitrate is fixed.
    pub fn new(rule: BitrateRule, size: Size, fps: Fps) -> Option<Controller> {
        let BitrateRule::Auto { floor, ceiling } = rule else { return None };
        let [floor_bps, ceiling_bps, start_bps] = [floor, ceiling, rule.start()].map(|rate| rate.as_bps() as f64);
        let target = Target { bitrate: rule.start(), mitigation: Mitigation::NONE };
        let (members, ladder, raised_at) = (BTreeMap::new(), Ladder::new(size, fps), Duration::ZERO);
        let record = Record::default();
        Some(Controller { floor_bps, ceiling_bps, start_bps, members, ladder, target, raised_at, record })
    }

    /// Feedback came from a receiver; the first one makes it known.
    pub fn on_feedback(&mut self, receiver: u64, measured: Measured, estimate: Bitrate, at: Duration) -> Verdict {
        let start_bps = self.target.bitrate.as_bps() as f64;
        let (floor_bps, ceiling_bps) = (self.floor_bps, self.ceiling_bps);
        let member = self.members.entry(receiver).or_insert_with(|| {
            let flow = Flow::new(start_bps, LEAST_BPS.min(ceiling_bps), ceiling_bps);
            Member { flow, fitness: Fitness::Fit, measured, estimate }
        });
        (member.measured, member.estimate) = (measured, estimate);
        let is_thinned = member.fitness == Fitness::Starved;
        member.flow.on_feedback(&measured, estimate.as_bps() as f64 / PACE, is_thinned, at);
        let fitness = match member.fitness {
            Fitness::Fit if member.flow.carries_bps(at) < floor_bps => Fitness::Starved,
            Fitness::Starved if member.flow.bps() >= (floor_bps * SPARE).min(ceiling_bps) => Fitness::Fit,
            same => same,
        };
        let became = (fitness != member.fitness).then_some(fitness);
        member.fitness = fitness;
        Verdict { pace: bitrate(member.flow.bps().max(floor_bps) * PACE), became }
    }

    /// A receiver is gone.
    pub fn on_left(&mut self, receiver: u64) {
        self.members.remove(&receiver);
    }

    /// Time has passed: what the encoder is to make from now on, if that is something else.
    pub fn on_time(&mut self, at: Duration) -> Option<Target> {
        self.members.values_mut().for_each(|member| member.flow.on_time(at));
        let fit = self.members.values().filter(|member| member.fitness == Fitness::Fit);
        let slowest = fit.min_by(|one, other| one.flow.bps().total_cmp(&other.flow.bps()));
        let watched = slowest.or(self.members.values().next());
        let sample = watched.map(|member| Sample::new(at, &member.measured, member.estimate));
        let (wanted_bps, carried_bps) = match slowest {
            Some(member) => (member.flow.asked_bps(), member.flow.carries_bps(at)),
            None if self.members.is_empty() => (self.start_bps, self.start_bps),
            None => (self.floor_bps, self.floor_bps),
        };
        self.ladder.on_bitrate(bitrate(carried_bps.max(self.floor_bps)), at);
        let target = self.follow(wanted_bps.clamp(self.floor_bps, self.ceiling_bps), at);
        if let Some(sample) = sample {
            self.record.note(sample, self.target);
        }
        target
    }

    fn follow(&mut self, wanted_bps: f64, at: Duration) -> Option<Target> {
        let change = wanted_bps / self.target.bitrate.as_bps() as f64 - 1.0;
        let may_raise = at.saturating_sub(self.raised_at) >= RAISE_INTERVAL;
        let is_noteworthy = change < -NOTEWORTHY || (change > NOTEWORTHY && may_raise);
        let bitrate = if is_noteworthy { bitrate(wanted_bps) } else { self.target.bitrate };
        if is_noteworthy && change > 0.0 {
            self.raised_at = at;
        }
        let target = Target { bitrate, mitigation: self.ladder.now() };
        (std::mem::replace(&mut self.target, target) != target).then_some(target)
    }

    /// What is asked of the encoder.
    pub fn target(&self) -> Target {
        self.target
    }

    /// How it went.
    pub fn record(&self) -> &Record {
        &self.record
    }
}

fn bitrate(bps: f64) -> Bitrate {
    Bitrate::bps(bps.round() as u64)
}
