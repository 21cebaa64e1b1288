use std::io::Cursor;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::Value;

use super::line::{Answer, End, Frame, Header, Object, Receiver, ReceiverLeft, Seen, StagesNs, VERSION};
use super::timeline::{Row, spans};
use super::*;
use crate::report::{EncoderInfo, SceneInfo, State};

const MS: u64 = 1_000_000;

pub(crate) fn header() -> Header {
    let scene = SceneInfo {
        name: "ball".into(),
        width: 640,
        height: 480,
        fps: 30,
        seed: Some(1),
        radius_px: Some(20.0),
        speed_px_per_s: Some(240.0),
        reference: None,
    };
    Header {
        trace: VERSION,
        rebound: "0.1.0".into(),
        command: vec!["rebound".into(), "send".into()],
        started: "2026-01-02T03:04:05Z".into(),
        scene,
        encoder: Some(EncoderInfo { name: "x264enc".into(), codec: "H264".into(), hardware: false }),
        timestamp_offset: 1000,
        late_after_ns: 1000 * MS,
        video: Some("run.mkv".into()),
    }
}

pub(crate) fn receiver(receiver: u64) -> Receiver {
    Receiver { receiver, name: format!("camera \"{receiver}\""), hello_ns: 5 * MS, joined_ns: 9 * MS }
}

/// A frame of 30 a second that took `latency_ms`, of which all but the first and last millisecond is the way there.
pub(crate) fn frame(receiver: u64, number: u64, latency_ms: u64) -> Frame {
    let produced_ns = 10 * MS + number * 1_000_000_000 / 30;
    let stages_ns = StagesNs {
        encode: Some(MS),
        send: Some(0),
        network: Some((latency_ms - 3) * MS),
        there: Some((latency_ms - 4) * MS),
        decode: Some(MS),
        detect: Some(MS),
        back: Some(MS),
    };
    let truth = Object { id: 0, x_px: 100.0 + number as f64, y_px: 50.0, radius_px: 20.0 };
    // Binary fractions: serde_json reads others to the last digit but one.
    let (x_px, y_px) = (truth.x_px + 0.1875, truth.y_px - 0.25);
    let (dx_px, dy_px) = (x_px - truth.x_px, y_px - truth.y_px);
    let now_px = [truth.x_px + 1.0, truth.y_px - 0.25];
    let staleness_px = Some((now_px[0] - x_px).hypot(now_px[1] - y_px));
    let error_px = dx_px.hypot(dy_px);
    let seen = Seen { id: 0, x_px, y_px, dx_px, dy_px, error_px, staleness_px, now_px: Some(now_px) };
    Frame {
        receiver,
        frame: number,
        rtp: 1000 + 900 + number as u32 * 3000,
        state: State::Matched,
        produced_ns,
        encoded_ns: Some(produced_ns + MS),
        sent_ns: Some(produced_ns + MS),
        bytes: 1000,
        keyframe: number == 0,
        unmatched_before: 0,
        truth: Some(vec![truth]),
        answer: Some(Answer {
            at_ns: produced_ns + latency_ms * MS,
            latency_ns: latency_ms * MS,
            stages_ns,
            over_budget: None,
            pairs: vec![seen],
            misses: 0,
            false_finds: 0,
            false_finds_px: Vec::new(),
        }),
    }
}

pub(crate) fn lost(receiver: u64, number: u64) -> Frame {
    Frame { state: State::LostInNetwork, answer: None, ..frame(receiver, number, 10) }
}

/// Two receivers, the second with a round trip of several frames, one of which is lost.
pub(crate) fn run() -> Vec<Line> {
    let mut lines = vec![Line::Header(Box::new(header())), Line::Receiver(receiver(0)), Line::Receiver(receiver(1))];
    for number in 0..60 {
        lines.push(Line::Frame(Box::new(frame(0, number, 10))));
        let far = if number == 30 { lost(1, number) } else { frame(1, number, 150) };
        lines.push(Line::Frame(Box::new(far)));
    }
    lines.push(Line::ReceiverLeft(ReceiverLeft { receiver: 1, left_ns: 3000 * MS }));
    lines.push(Line::End(End { frames: 120, dropped: 0, limit_reached: false }));
    lines
}

fn encoded(format: Format, lines: &[Line]) -> Vec<u8> {
    let (mut encoder, mut bytes) = (Encoder::new(format), Vec::new());
    lines.iter().for_each(|line| encoder.encode(line, &mut bytes));
    bytes
}

#[test]
fn every_line_is_as_the_schema_says() {
    let schema: Value = serde_json::from_str(include_str!("../../docs/trace.schema.json")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let of_footage = Line::Frame(Box::new(Frame { truth: None, ..frame(0, 60, 10) }));
    let text = String::from_utf8(encoded(Format::JsonLines, &[run(), vec![of_footage]].concat())).expect("UTF-8");
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let errors: Vec<String> = validator.iter_errors(&line).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{line:#}");
    }
    for bad in [r#"{"type":"frame"}"#, r#"{"type":"end","frames":-1,"dropped":0,"limit_reached":false}"#, r#"{"type":"x"}"#]
    {
        assert!(!validator.is_valid(&serde_json::from_str(bad).expect("JSON")), "{bad}");
    }
}

#[test]
fn what_is_written_is_read() {
    let lines = run();
    let trace = read(Cursor::new(encoded(Format::JsonLines, &lines))).expect("a trace");
    let frames: Vec<Frame> =
        lines.iter().filter_map(|line| if let Line::Frame(frame) = line { Some((**frame).clone()) } else { None }).collect();
    assert_eq!((trace.header.clone(), trace.receivers.len(), trace.left.len()), (header(), 2, 1));
    assert_eq!(trace.frames, frames);
    assert_eq!((trace.gaps(), trace.is_cut), (None, false));
}

#[test]
fn a_trace_that_was_cut_anywhere_is_read_up_to_there() {
    let bytes = encoded(Format::JsonLines, &run());
    let first_line = bytes.iter().position(|byte| *byte == b'\n').expect("lines");
    for cut in (first_line + 1..bytes.len()).step_by(97) {
        let trace = read(Cursor::new(&bytes[..cut])).expect("a trace");
        let is_whole = bytes[cut - 1] == b'\n' || bytes[cut] == b'\n';
        assert_eq!(trace.is_cut, !is_whole, "{cut}");
        assert!(trace.gaps().is_some(), "{cut}");
    }
}

#[test]
fn another_file_a_later_version_and_a_broken_line_are_refused_in_words() {
    let error = |text: &str| read(Cursor::new(text)).expect_err(text).to_string();
    for foreign in [
        "",
        "\n",
        "{}\n",
        "PK\u{3}\u{4}",
        "{\"type\":\"end\",\"frames\":0,\"dropped\":0,\"limit_reached\":false}\n",
        "[\n{\"ph\":\"M\"}\n]",
    ] {
        assert!(error(foreign).contains("no trace of rebound"), "{foreign}");
    }
    assert!(error("{\"type\":\"header\",\"trace\":2}\n").contains("version 2"), "a later version");
    let header = String::from_utf8(encoded(Format::JsonLines, &run()[..1])).expect("UTF-8");
    for begun in ["", &header[..40]] {
        assert!(error(begun).contains("killed as it began, or the disk was full"), "{begun}");
    }
    assert!(error(&format!("{header}broken\n{{\"type\":\"new\"}}\n")).contains("line 2 is broken"));
    assert!(error(&format!("{header}{header}")).contains("second header"));
    assert!(read(Cursor::new(format!("{header}{{\"type\":\"from the future\",\"x\":[1]}}\n"))).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), behind_header: bool) {
        let mut file = if behind_header { encoded(Format::JsonLines, &run()[..2]) } else { Vec::new() };
        file.extend(bytes);
        let _ = read(Cursor::new(file));
    }

    #[test]
    fn any_frame_comes_back_as_it_was(
        numbers: (u64, u64, u32, u64, u64),
        times: (u64, Option<u64>, Option<u64>),
        state in prop::sample::select(State::ALL.to_vec()),
        stages: (Option<u64>, Option<u64>, Option<u64>),
        seen in prop::collection::vec((any::<u32>(), any::<i32>(), any::<i32>()), 0..9),
        over_budget: Option<bool>,
        has_answer: bool,
        is_known: bool,
    ) {
        let (receiver, number, rtp, bytes, unmatched_before) = numbers;
        let (produced_ns, encoded_ns, sent_ns) = times;
        let seen: Vec<(u32, f64, f64)> =
            seen.into_iter().map(|(id, x, y)| (id, f64::from(x) / 64.0, f64::from(y) / 64.0)).collect();
        let stages_ns = StagesNs { encode: stages.0, there: stages.1, back: stages.2, ..StagesNs::default() };
        let pairs = seen.iter().map(|&(id, x_px, y_px)| Seen {
            id, x_px, y_px, dx_px: x_px / 4.0, dy_px: y_px / 8.0, error_px: x_px.abs(), staleness_px: None, now_px: Some([y_px, x_px]),
        });
        let answer = Answer {
            at_ns: bytes, latency_ns: receiver, stages_ns, over_budget, pairs: pairs.collect(), misses: 1, false_finds: 1,
            false_finds_px: vec![[0.5, 0.25]],
        };
        let objects = seen.iter().map(|&(id, x_px, y_px)| Object { id, x_px, y_px, radius_px: 0.5 });
        let truth = is_known.then(|| objects.collect());
        let frame = Frame {
            receiver, frame: number, rtp, state, produced_ns, encoded_ns, sent_ns, bytes, keyframe: has_answer, unmatched_before,
            truth, answer: has_answer.then_some(answer),
        };
        let lines = [Line::Header(Box::new(header())), Line::Frame(Box::new(frame.clone()))];
        let trace = read(Cursor::new(encoded(Format::JsonLines, &lines))).expect("a trace");
        prop_assert_eq!(&trace.frames, &[frame]);
        for format in [Format::Chrome, Format::Perfetto] {
            encoded(format, &lines);
        }
    }
}

#[test]
fn stages_follow_one_another_and_fill_the_latency() {
    let spans = spans(&frame(0, 3, 10));
    let (row, start_ns, end_ns) = spans[0];
    assert_eq!((row, end_ns - start_ns, spans.len()), (Row::Loop, 10 * MS, Row::ALL.len()));
    assert_eq!((spans[1].1, spans[spans.len() - 1].2), (start_ns, end_ns));
    assert!(spans[1..].windows(2).all(|pair| pair[0].2 == pair[1].1), "{spans:?}");
}

/// The rules of the format that viewers rely on: events with the fields of their phase, slices of a thread that do not overlap
/// but where one is in the other.
#[test]
fn chromes_events_are_as_its_format_wants_them() {
    let events: Vec<Value> = serde_json::from_slice(&encoded(Format::Chrome, &run())).expect("a JSON array");
    let mut threads = std::collections::BTreeMap::<(u64, u64), Vec<(f64, f64)>>::new();
    for event in &events {
        let number = |name: &str| event[name].as_f64().unwrap_or_else(|| panic!("no {name} in {event}"));
        let thread = (number("pid") as u64, number("tid") as u64);
        assert!(event["name"].is_string(), "{event}");
        match event["ph"].as_str().expect("a phase") {
            "M" => assert!(event["args"].is_object(), "{event}"),
            "X" => threads.entry(thread).or_default().push((number("ts"), number("ts") + number("dur"))),
            "i" => assert_eq!((event["name"].as_str(), event["s"].as_str()), (Some("lost_in_network"), Some("p"))),
            "C" => assert!(event["args"].as_object().is_some_and(|args| args.values().all(Value::is_number)), "{event}"),
            other => panic!("phase {other}"),
        }
    }
    for (thread, slices) in &threads {
        assert!(slices.windows(2).all(|pair| pair[1].0 >= pair[0].1 - 0.001), "thread {thread:?} overlaps");
    }
    let of_second = threads.keys().filter(|(pid, tid)| *pid == 2 && (400..500).contains(tid)).count();
    assert_eq!(of_second, 5, "lanes for 146 ms on the way at 30 frames/s");
    let cut = encoded(Format::Chrome, &run()[..20]);
    assert!(
        serde_json::from_slice::<Value>(&[&cut[..], b"]"].concat()).is_ok(),
        "only the bracket is missing in a cut file"
    );
}
