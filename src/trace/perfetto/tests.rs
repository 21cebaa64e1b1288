use std::collections::BTreeMap;

use prost::Message as _;

use super::proto::{Trace, packet_data};
use super::*;
use crate::trace::tests::run;

fn decoded() -> Trace {
    let (mut perfetto, mut bytes) = (Perfetto::default(), Vec::new());
    run().iter().for_each(|line| perfetto.encode(line, &mut bytes));
    Trace::decode(&bytes[..]).expect("one message")
}

#[test]
fn every_track_is_described_before_it_is_used_and_its_slices_close() {
    let mut described = BTreeMap::new();
    let mut open = BTreeMap::<u64, Vec<u64>>::new();
    let (mut slices, mut instants, mut counts) = (0, 0, 0);
    for packet in decoded().packet {
        assert_eq!(packet.trusted_packet_sequence_id, Some(SEQUENCE));
        match packet.data.expect("data") {
            packet_data::Data::TrackDescriptor(track) => {
                assert!(track.parent_uuid.is_none_or(|parent| described.contains_key(&parent)), "{track:?}");
                assert!(described.insert(track.uuid.expect("a number"), track).is_none(), "described twice");
            }
            packet_data::Data::TrackEvent(event) => {
                let (track, at_ns) = (event.track_uuid.expect("a track"), packet.timestamp.expect("a time"));
                assert!(described.contains_key(&track), "{event:?}");
                match event.r#type {
                    Some(TrackEvent::SLICE_BEGIN) => open.entry(track).or_default().push(at_ns),
                    Some(TrackEvent::SLICE_END) => {
                        let began_ns = open.get_mut(&track).and_then(Vec::pop).expect("begun");
                        assert!(began_ns <= at_ns);
                        slices += 1;
                    }
                    Some(TrackEvent::INSTANT) => instants += 1,
                    Some(TrackEvent::COUNTER) => counts += i32::from(event.counter_value.is_some()),
                    other => panic!("type {other:?}"),
                }
            }
        }
    }
    assert!(open.values().all(Vec::is_empty));
    // 119 matched frames with a whole and six stages, one that was lost on its way after encode and send; each frame has a bitrate,
    // the matched ones a latency and an error.
    assert_eq!((slices, instants, counts), (119 * 7 + 2, 1, 120 + 119 * 2));
    let names = |parent: u64| described.values().filter(|track| track.parent_uuid == Some(parent)).count();
    assert_eq!(names(uuid(0, 0)), Row::ALL.len() + Counter::ALL.len() + 1);
}

#[test]
fn receivers_tracks_are_apart() {
    let place = |receiver, row, lane| lane_uuid(Place { receiver, row, lane });
    fn lane_uuid(place: Place) -> u64 {
        lane(place)
    }
    assert!(place(0, Row::Return, 63) < COUNTERS + uuid(0, 0) && LOST < TRACKS);
    assert!(uuid(0, 0) > RUN && place(0, Row::Return, 63) < uuid(1, 0));
}
