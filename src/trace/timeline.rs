//! A trace as tracks: what both Chrome and Perfetto show. A process for each receiver, in it a track for each stage.

use std::collections::{BTreeMap, VecDeque};

use super::line::{Answer, Frame, Line};
use crate::report::State;

/// Frames of one receiver that are in the same stage at the same time, each on a line of its own: slices of one line must not
/// overlap. A second of round trip at 60 frames/s; what exceeds it is drawn over the frame that is done first.
const MOST_LANES: usize = 64;

/// Bitrate is that of the last second.
const WINDOW_NS: u64 = 1_000_000_000;

/// The most frames in that second.
const MOST_IN_WINDOW: usize = 256;

/// The most receivers whose tracks are kept.
const MOST_RECEIVERS: usize = 1000;

/// A row of slices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Row {
    Loop,
    Encode,
    Send,
    There,
    Decode,
    Detect,
    Return,
}

impl Row {
    pub(super) const ALL: [Row; 7] = [Row::Loop, Row::Encode, Row::Send, Row::There, Row::Decode, Row::Detect, Row::Return];

    pub(super) fn name(self) -> &'static str {
        match self {
            Row::Loop => "frame",
            Row::Encode => "encode",
            Row::Send => "send",
            Row::There => "there",
            Row::Decode => "decode",
            Row::Detect => "detect",
            Row::Return => "return",
        }
    }
}

/// A figure over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counter {
    LatencyMs,
    ErrorPx,
    BitrateKbps,
}

impl Counter {
    pub(super) const ALL: [Counter; 3] = [Counter::LatencyMs, Counter::ErrorPx, Counter::BitrateKbps];

    pub(super) fn name(self) -> &'static str {
        match self {
            Counter::LatencyMs => "latency_ms",
            Counter::ErrorPx => "error_px",
            Counter::BitrateKbps => "bitrate_kbps",
        }
    }

    pub(super) fn unit(self) -> &'static str {
        match self {
            Counter::LatencyMs => "ms",
            Counter::ErrorPx => "px",
            Counter::BitrateKbps => "kbit/s",
        }
    }
}

/// Where a slice is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) receiver: u64,
    pub(super) row: Row,
    /// From 0, for frames that overlap.
    pub(super) lane: usize,
}

/// Something to be drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Mark<'a> {
    /// What was run.
    Run(&'a super::line::Header),
    /// A receiver and its name.
    Process { receiver: u64, name: &'a str },
    /// A place that is used from now on.
    Lane(Place),
    /// A frame is in a stage.
    Slice { place: Place, start_ns: u64, end_ns: u64, frame: &'a Frame },
    /// A frame that was not matched ends.
    Lost { receiver: u64, at_ns: u64, frame: &'a Frame },
    /// A figure changes.
    Count { receiver: u64, counter: Counter, at_ns: u64, value: f64 },
}

/// Places the frames of all receivers.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    receivers: BTreeMap<u64, Lanes>,
}

#[derive(Debug, Default)]
struct Lanes {
    /// When each lane of each row is free.
    free_ns: [Vec<u64>; Row::ALL.len()],
    /// Encoded frames of the last second: when, and how many bytes.
    window: VecDeque<(u64, u64)>,
}

impl Timeline {
    /// Gives what a line is drawn as.
    pub(super) fn draw(&mut self, line: &Line, give: &mut impl FnMut(Mark<'_>)) {
        match line {
            Line::Header(header) => give(Mark::Run(header)),
            Line::Receiver(receiver) => give(Mark::Process { receiver: receiver.receiver, name: &receiver.name }),
            Line::Frame(frame) => self.frame(frame, give),
            Line::ReceiverLeft(_) | Line::End(_) | Line::Unknown => {}
        }
    }

    fn frame(&mut self, frame: &Frame, give: &mut impl FnMut(Mark<'_>)) {
        if self.receivers.len() > MOST_RECEIVERS {
            self.receivers.pop_first();
        }
        let receiver = frame.receiver;
        let lanes = self.receivers.entry(receiver).or_default();
        for (row, start_ns, end_ns) in spans(frame) {
            let (lane, is_new) = lanes.place(row, start_ns, end_ns);
            let place = Place { receiver, row, lane };
            if is_new {
                give(Mark::Lane(place));
            }
            give(Mark::Slice { place, start_ns, end_ns, frame });
        }
        let mut count = |counter, at_ns, value| give(Mark::Count { receiver, counter, at_ns, value });
        if let Some(encoded_ns) = frame.encoded_ns {
            count(Counter::BitrateKbps, encoded_ns, lanes.kbps(encoded_ns, frame.bytes));
        }
        if let Some(answer) = &frame.answer {
            count(Counter::LatencyMs, answer.at_ns, answer.latency_ns as f64 / 1e6);
            let worst = answer.pairs.iter().map(|pair| pair.error_px).reduce(f64::max);
            worst.into_iter().for_each(|error_px| count(Counter::ErrorPx, answer.at_ns, error_px));
        }
        if frame.state != State::Matched {
            let at_ns = frame.sent_ns.or(frame.encoded_ns).unwrap_or(frame.produced_ns);
            give(Mark::Lost { receiver, at_ns, frame });
        }
    }
}

impl Lanes {
    /// The first lane that is free, and whether it is new.
    fn place(&mut self, row: Row, start_ns: u64, end_ns: u64) -> (usize, bool) {
        let lanes = &mut self.free_ns[row as usize];
        let free = lanes.iter().position(|free_ns| *free_ns <= start_ns);
        let lane = free.unwrap_or_else(|| {
            let soonest = lanes.iter().enumerate().min_by_key(|(_, free_ns)| **free_ns).map_or(0, |(lane, _)| lane);
            if lanes.len() < MOST_LANES { lanes.len() } else { soonest }
        });
        let is_new = lane == lanes.len();
        if is_new {
            lanes.push(end_ns);
        }
        lanes[lane] = end_ns;
        (lane, is_new)
    }

    /// The bitrate of the last second, with this frame.
    fn kbps(&mut self, at_ns: u64, bytes: u64) -> f64 {
        let is_old = |(then_ns, _): &(u64, u64)| then_ns.saturating_add(WINDOW_NS) <= at_ns;
        while self.window.len() == MOST_IN_WINDOW || self.window.front().is_some_and(is_old) {
            self.window.pop_front();
        }
        self.window.push_back((at_ns, bytes));
        self.window.iter().map(|(_, bytes)| *bytes as f64).sum::<f64>() * 8.0 / 1e3
    }
}

/// The stages of a frame that are known, with their begin and end. Each begins where the one before ends.
pub(super) fn spans(frame: &Frame) -> Vec<(Row, u64, u64)> {
    let Some(answer) = &frame.answer else { return spans_until_sent(frame) };
    let stages = answer.stages_ns;
    let way = [
        (Row::Encode, stages.encode),
        (Row::Send, stages.send),
        (Row::There, stages.there),
        (Row::Decode, stages.decode),
        (Row::Detect, stages.detect),
        (Row::Return, stages.back),
    ];
    let mut spans = vec![(Row::Loop, frame.produced_ns, end(answer, frame))];
    let mut at_ns = frame.produced_ns;
    for (row, duration_ns) in way {
        // What comes after an unknown stage has no known place.
        let Some(duration_ns) = duration_ns else { break };
        let end_ns = at_ns.saturating_add(duration_ns);
        spans.push((row, at_ns, end_ns));
        at_ns = end_ns;
    }
    spans
}

fn end(answer: &Answer, frame: &Frame) -> u64 {
    frame.produced_ns.saturating_add(answer.latency_ns)
}

fn spans_until_sent(frame: &Frame) -> Vec<(Row, u64, u64)> {
    let Some(encoded_ns) = frame.encoded_ns else { return Vec::new() };
    let sent = frame.sent_ns.map(|sent_ns| (Row::Send, encoded_ns, sent_ns.max(encoded_ns)));
    let encoded = (Row::Encode, frame.produced_ns, encoded_ns.max(frame.produced_ns));
    std::iter::once(encoded).chain(sent).collect()
}
