//! Chrome's trace events as JSON: "Trace Event Format", Google 2016, docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU.
//! The array form: its closing bracket may be missing, so that what a killed program leaves can be opened.
//!
//! Processes (`pid`) are receivers, threads (`tid`) are stages, times are microseconds.

use serde_json::{Value, json};

use super::line::{Frame, Line};
use super::timeline::{Mark, Place, Row, Timeline};

/// More than the lanes of a row.
const LANES: usize = 100;

#[derive(Debug, Default)]
pub(super) struct Chrome {
    timeline: Timeline,
    has_begun: bool,
}

impl Chrome {
    pub(super) fn encode(&mut self, line: &Line, out: &mut Vec<u8>) {
        let Chrome { timeline, has_begun } = self;
        timeline.draw(line, &mut |mark| {
            for event in events(&mark) {
                out.extend_from_slice(if std::mem::replace(has_begun, true) { b",\n" } else { b"[\n" });
                serde_json::to_writer(&mut *out, &event).expect("memory takes everything, and keys are names");
            }
        });
        if matches!(line, Line::End(_)) {
            out.extend_from_slice(if *has_begun { b"\n]\n" } else { b"[]\n" });
        }
    }
}

fn events(mark: &Mark<'_>) -> Vec<Value> {
    match *mark {
        // Process 0 is none of the receivers, whose numbers are moved up by one.
        Mark::Run(header) => vec![
            json!({"ph": "M", "pid": 0, "tid": 0, "name": "process_name", "args": {"name": format!("rebound {}", header.rebound)}}),
            json!({"ph": "M", "pid": 0, "tid": 0, "name": "process_labels", "args": {"labels": header.command.join(" ")}}),
        ],
        Mark::Process { receiver, name } => vec![metadata(receiver, 0, "process_name", &json!({"name": name}))],
        Mark::Lane(place) => {
            let tid = tid(place);
            let name = match place.lane {
                0 => place.row.name().to_owned(),
                lane => format!("{} ({})", place.row.name(), lane + 1),
            };
            vec![
                metadata(place.receiver, tid, "thread_name", &json!({"name": name})),
                metadata(place.receiver, tid, "thread_sort_index", &json!({"sort_index": tid})),
            ]
        }
        Mark::Slice { place, start_ns, end_ns, frame } => {
            let name = if place.row == Row::Loop { format!("frame {}", frame.frame) } else { place.row.name().to_owned() };
            vec![json!({
                "ph": "X", "pid": pid(place.receiver), "tid": tid(place), "name": name, "cat": place.row.name(),
                "ts": us(start_ns), "dur": us(end_ns.saturating_sub(start_ns)), "args": args(frame),
            })]
        }
        Mark::Lost { receiver, at_ns, frame } => vec![json!({
            "ph": "i", "s": "p", "pid": pid(receiver), "tid": 0, "name": frame.state.name(), "cat": "unmatched",
            "ts": us(at_ns), "args": args(frame),
        })],
        Mark::Count { receiver, counter, at_ns, value } => vec![json!({
            "ph": "C", "pid": pid(receiver), "tid": 0, "name": counter.name(), "ts": us(at_ns), "args": {counter.unit(): value},
        })],
    }
}

fn metadata(receiver: u64, tid: usize, name: &str, args: &Value) -> Value {
    json!({"ph": "M", "pid": pid(receiver), "tid": tid, "name": name, "args": args})
}

fn pid(receiver: u64) -> u64 {
    receiver.saturating_add(1)
}

fn tid(place: Place) -> usize {
    (place.row as usize + 1) * LANES + place.lane
}

/// With the nanoseconds as decimals.
fn us(ns: u64) -> f64 {
    ns as f64 / 1e3
}

fn args(frame: &Frame) -> Value {
    let mut args = json!({
        "frame": frame.frame, "rtp": frame.rtp, "bytes": frame.bytes, "keyframe": frame.keyframe, "state": frame.state.name(),
    });
    if let Some(answer) = &frame.answer {
        let errors_px: Vec<f64> = answer.pairs.iter().map(|pair| pair.error_px).collect();
        args["error_px"] = json!(errors_px);
    }
    args
}
