//! Two traces of the same scene, frame by frame: a frame of a number shows the same in both.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::trace::Trace;
use crate::trace::line::Frame;

/// How many of the largest changes are listed.
const LISTED: usize = 5;

/// What became of the same frames in two runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FrameChanges {
    /// Frames that both have, for receivers in the order in which they joined.
    pub in_both: u64,
    /// Only the first one has.
    pub only_before: u64,
    /// Only the second one has.
    pub only_after: u64,
    /// Of those in both: that ended in another way.
    pub state_differs: u64,
    /// Of those matched in both: the largest changes of latency, the largest first.
    pub latency: Vec<Change>,
    /// Of those matched in both: the largest changes of error.
    pub error: Vec<Change>,
}

/// A frame in both runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Its number.
    pub frame: u64,
    /// The receiver's place in the order of joining, from 0.
    pub receiver: usize,
    /// In the first one: in milliseconds or pixels.
    pub before: f64,
    /// In the second one.
    pub after: f64,
}

impl Change {
    fn size(&self) -> f64 {
        (self.after - self.before).abs()
    }
}

/// None for different scenes.
pub(super) fn compare(before: &Trace, after: &Trace) -> Option<FrameChanges> {
    if before.header.scene != after.header.scene {
        return None;
    }
    let (of_before, of_after) = (by_number(before), by_number(after));
    let both: Vec<_> = of_before.iter().filter_map(|(key, frame)| Some((*key, *frame, *of_after.get(key)?))).collect();
    let in_both = both.len() as u64;
    let changes = |value: fn(&Frame) -> Option<f64>| {
        let mut changes: Vec<Change> = both
            .iter()
            .filter_map(|((receiver, frame), before, after)| {
                let (receiver, frame) = (*receiver, *frame);
                Some(Change { frame, receiver, before: value(before)?, after: value(after)? })
            })
            .filter(|change| change.size() > 0.0)
            .collect();
        changes.sort_by(|one, other| other.size().total_cmp(&one.size()));
        changes.truncate(LISTED);
        changes
    };
    Some(FrameChanges {
        in_both,
        only_before: of_before.len() as u64 - in_both,
        only_after: of_after.len() as u64 - in_both,
        state_differs: both.iter().filter(|(_, before, after)| before.state != after.state).count() as u64,
        latency: changes(|frame| Some(frame.answer.as_ref()?.latency_ns as f64 / 1e6)),
        error: changes(|frame| frame.answer.as_ref()?.pairs.iter().map(|pair| pair.error_px).reduce(f64::max)),
    })
}

fn by_number(trace: &Trace) -> BTreeMap<(usize, u64), &Frame> {
    let mut known: Vec<u64> = Vec::new();
    for receiver in &trace.receivers {
        // One that was interrupted is there twice.
        if !known.contains(&receiver.receiver) {
            known.push(receiver.receiver);
        }
    }
    let place = |frame: &Frame| known.iter().position(|receiver| *receiver == frame.receiver);
    trace.frames.iter().filter_map(|frame| Some(((place(frame)?, frame.frame), frame))).collect()
}

impl fmt::Display for FrameChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\nframes       {} in both, {} of them end otherwise; {} only in A, {} only in B",
            self.in_both, self.state_differs, self.only_before, self.only_after
        )?;
        for (name, unit, changes) in [("latency", "ms", &self.latency), ("error", "px", &self.error)] {
            for (index, change) in changes.iter().enumerate() {
                let head = if index == 0 { name } else { "" };
                let Change { frame, receiver, before, after } = change;
                let difference = after - before;
                writeln!(
                    f,
                    "{head:<13}frame {frame} of receiver {receiver}: {before:.3} to {after:.3} {unit} ({difference:+.3})"
                )?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::tests as made;

    fn trace(frames: Vec<Frame>) -> Trace {
        let (receivers, left) = (vec![made::receiver(frames[0].receiver)], Vec::new());
        Trace { header: made::header(), receivers, left, frames, end: None, is_cut: false }
    }

    #[test]
    fn frames_are_compared_by_number_whatever_the_receivers_is() {
        let before = trace((0..10).map(|number| made::frame(3, number, 10)).collect());
        let mut frames: Vec<Frame> = (2..12).map(|number| made::frame(8, number, 10 + number)).collect();
        frames[0] = made::lost(8, 2);
        let changes = compare(&before, &trace(frames)).expect("the same scene");
        assert_eq!((changes.in_both, changes.only_before, changes.only_after, changes.state_differs), (8, 2, 2, 1));
        assert_eq!(changes.latency[0], Change { frame: 9, receiver: 0, before: 10.0, after: 19.0 });
        assert!(changes.to_string().contains("frame 9 of receiver 0: 10.000 to 19.000 ms (+9.000)"), "{changes}");
    }

    #[test]
    fn frames_of_other_scenes_are_not() {
        let (before, mut after) = (trace(vec![made::frame(0, 0, 10)]), trace(vec![made::frame(0, 0, 10)]));
        after.header.scene.seed = Some(2);
        assert_eq!(compare(&before, &after), None);
    }
}
