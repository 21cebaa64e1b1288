//! Perfetto's packets. Each line's packets are a `Trace` message of their own: protobuf joins repeated fields that follow one
//! another, so a file can be written bit by bit and cut anywhere between.

mod proto;

use prost::Message as _;

use super::line::{Frame, Line};
use super::timeline::{Counter, Mark, Place, Row, Timeline};
use proto::{
    CHILDREN_AS_RANKED, CounterDescriptor, DebugAnnotation, ProcessDescriptor, Trace, TracePacket, TrackDescriptor,
    TrackEvent, annotation, counter_value, packet_data,
};

/// All packets come from one writer.
const SEQUENCE: u32 = 1;

/// A receiver's tracks have numbers below this.
const TRACKS: u64 = 1 << 12;

/// A row's lanes have numbers below this.
const LANES: u64 = 1 << 7;

/// The counters come after the rows.
const COUNTERS: u64 = (Row::ALL.len() as u64 + 1) * LANES;

/// For what is lost.
const LOST: u64 = COUNTERS + Counter::ALL.len() as u64;

#[derive(Debug, Default)]
pub(super) struct Perfetto {
    timeline: Timeline,
    packets: Vec<TracePacket>,
}

impl Perfetto {
    pub(super) fn encode(&mut self, line: &Line, out: &mut Vec<u8>) {
        let Perfetto { timeline, packets } = self;
        timeline.draw(line, &mut |mark| draw(&mark, packets));
        let trace = Trace { packet: std::mem::take(packets) };
        trace.encode(out).expect("memory takes everything");
        *packets = trace.packet;
        packets.clear();
    }
}

fn draw(mark: &Mark<'_>, packets: &mut Vec<TracePacket>) {
    match *mark {
        Mark::Run(header) => {
            let process_name = Some(format!("rebound {}", header.rebound));
            let process = ProcessDescriptor { pid: Some(i32::MAX), cmdline: header.command.clone(), process_name };
            packets.push(described(TrackDescriptor {
                uuid: Some(RUN),
                process: Some(process),
                ..TrackDescriptor::default()
            }));
        }
        Mark::Process { receiver, name } => process(receiver, name, packets),
        Mark::Lane(place) => {
            let (uuid, rank) = (lane(place), place.row as i32);
            packets.push(described(track(place.receiver, uuid, place.row.name(), rank)));
        }
        Mark::Slice { place, start_ns, end_ns, frame } => slice(place, (start_ns, end_ns), frame, packets),
        Mark::Lost { receiver, at_ns, frame } => {
            let name = Some(frame.state.name().to_owned());
            let event = event(TrackEvent::INSTANT, uuid(receiver, LOST), name, annotations(frame));
            packets.push(packet(at_ns, event));
        }
        Mark::Count { receiver, counter, at_ns, value } => {
            let track = uuid(receiver, COUNTERS + counter as u64);
            let mut event = event(TrackEvent::COUNTER, track, None, Vec::new());
            event.counter_value = Some(counter_value::Value::Double(value));
            packets.push(packet(at_ns, event));
        }
    }
}

/// The track of the run itself; receivers' begin after it.
const RUN: u64 = 1;

/// Track 0 of a receiver is its process.
fn uuid(receiver: u64, track: u64) -> u64 {
    receiver.wrapping_add(1).wrapping_mul(TRACKS).wrapping_add(track)
}

fn lane(Place { receiver, row, lane }: Place) -> u64 {
    uuid(receiver, (row as u64 + 1) * LANES + lane as u64)
}

fn process(receiver: u64, name: &str, packets: &mut Vec<TracePacket>) {
    let pid = i32::try_from(receiver.saturating_add(1)).unwrap_or(i32::MAX - 1);
    let process = ProcessDescriptor { pid: Some(pid), cmdline: Vec::new(), process_name: Some(name.to_owned()) };
    let child_ordering = Some(CHILDREN_AS_RANKED);
    let of_process = TrackDescriptor {
        uuid: Some(uuid(receiver, 0)),
        process: Some(process),
        child_ordering,
        ..TrackDescriptor::default()
    };
    packets.push(described(of_process));
    let mut rank = Row::ALL.len() as i32;
    packets.push(described(track(receiver, uuid(receiver, LOST), "unmatched", rank)));
    for counter in Counter::ALL {
        rank += 1;
        let track = track(receiver, uuid(receiver, COUNTERS + counter as u64), counter.name(), rank);
        let counter = Some(CounterDescriptor { unit_name: Some(counter.unit().to_owned()) });
        packets.push(described(TrackDescriptor { counter, ..track }));
    }
}

fn track(receiver: u64, uuid_of_track: u64, name: &str, rank: i32) -> TrackDescriptor {
    TrackDescriptor {
        uuid: Some(uuid_of_track),
        name: Some(name.to_owned()),
        parent_uuid: Some(uuid(receiver, 0)),
        sibling_order_rank: Some(rank),
        ..TrackDescriptor::default()
    }
}

fn slice(place: Place, (start_ns, end_ns): (u64, u64), frame: &Frame, packets: &mut Vec<TracePacket>) {
    let name = if place.row == Row::Loop { format!("frame {}", frame.frame) } else { place.row.name().to_owned() };
    let begin = event(TrackEvent::SLICE_BEGIN, lane(place), Some(name), annotations(frame));
    let end = event(TrackEvent::SLICE_END, lane(place), None, Vec::new());
    packets.extend([packet(start_ns, begin), packet(end_ns, end)]);
}

fn event(kind: i32, track: u64, name: Option<String>, debug_annotations: Vec<DebugAnnotation>) -> TrackEvent {
    TrackEvent { r#type: Some(kind), track_uuid: Some(track), name, counter_value: None, debug_annotations }
}

fn packet(at_ns: u64, event: TrackEvent) -> TracePacket {
    let data = Some(packet_data::Data::TrackEvent(event));
    TracePacket { timestamp: Some(at_ns), trusted_packet_sequence_id: Some(SEQUENCE), data }
}

fn described(track: TrackDescriptor) -> TracePacket {
    let data = Some(packet_data::Data::TrackDescriptor(track));
    TracePacket { timestamp: None, trusted_packet_sequence_id: Some(SEQUENCE), data }
}

fn annotations(frame: &Frame) -> Vec<DebugAnnotation> {
    use annotation::Value;
    let mut annotations = vec![
        ("frame", Value::Uint(frame.frame)),
        ("rtp", Value::Uint(frame.rtp.into())),
        ("bytes", Value::Uint(frame.bytes)),
        ("keyframe", Value::Bool(frame.keyframe)),
        ("state", Value::String(frame.state.name().to_owned())),
    ];
    let pairs = frame.answer.iter().flat_map(|answer| &answer.pairs);
    annotations.extend(pairs.map(|pair| ("error_px", Value::Double(pair.error_px))));
    let annotation = |(name, value): (&str, Value)| DebugAnnotation { name: Some(name.to_owned()), value: Some(value) };
    annotations.into_iter().map(annotation).collect()
}

#[cfg(test)]
mod tests;
