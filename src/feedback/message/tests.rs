use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;
use crate::detect::{Extent, Sighting};
use crate::units::{Px, RtpTime};

const EXAMPLE: &str = r#"{"type":"sightings","version":1,"seq":17,"rtp":3735928559,"width":1280,"height":720,"objects":[{"label":"ball","x":12.3,"y":45.6,"radius":20.0,"score":0.98}],"decode_us":812,"detect_us":95,"arrived_us":123456789,"recent":{"detected":[3735927059],"skipped":[3735925559]},"earlier":[{"rtp":3735927059,"places":[[7.3,45.6]],"decode_us":798,"detect_us":91,"arrived_us":123440020}]}"#;

const EARLIER: &str = r#"[{"rtp":3735927059,"places":[[7.3,45.6]],"decode_us":798,"detect_us":91,"arrived_us":123440020}]"#;

/// Numbers with six decimals read back exactly; with all of their seventeen digits the last one may differ.
fn micro(min: i64, max: i64) -> impl Strategy<Value = f64> {
    (min * 1_000_000..=max * 1_000_000).prop_map(|micro| micro as f64 / 1e6)
}

fn sighting() -> impl Strategy<Value = Sighting> {
    let extent = prop_oneof![
        Just(Extent::Point),
        micro(0, 2560).prop_map(Extent::Radius),
        (micro(0, 2560), micro(0, 2560)).prop_map(|(width, height)| Extent::Box(width, height)),
    ];
    ("\\PC{0,16}", micro(-1280, 2560), micro(-720, 1440), extent, micro(0, 1))
        .prop_map(|(label, x, y, extent, score)| Sighting { label: label.into(), centre_px: Px { x, y }, extent, score })
}

prop_compose! {
    fn earlier()(
        rtp: u32,
        places in prop::collection::vec((micro(-1280, 2560), micro(-720, 1440)), 0..=MAX_OBJECTS / MAX_EARLIER),
        [decode_us, detect_us] in prop::array::uniform2(prop::option::of(0..=MAX_STAGE_US)),
        arrived_us in prop::option::of(0..=MAX_INTEGER),
    ) -> Earlier {
        let places = places.into_iter().map(|(x, y)| Px { x, y }).collect();
        Earlier { rtp: Some(RtpTime(rtp)), ticks: None, code: None, places, decode_us, detect_us, arrived_us }
    }
}

prop_compose! {
    fn sightings()(
        seq in 0..=MAX_INTEGER,
        rtp in prop::option::of(any::<u32>()),
        ticks in prop::option::of(any::<u32>()),
        code: Option<u32>,
        objects in prop::collection::vec(sighting(), 0..=MAX_OBJECTS),
        decode_us in prop::option::of(0..=MAX_STAGE_US),
        detect_us in prop::option::of(0..=MAX_STAGE_US),
        arrived_us in prop::option::of(0..=MAX_INTEGER),
        recent in prop::collection::vec(any::<u32>(), 0..=MAX_RECENT),
        earlier in prop::collection::vec(earlier(), 0..=MAX_EARLIER),
    ) -> Sightings {
        let quarter = recent.len() / 4;
        let rtps = |keys: &[u32]| keys.iter().copied().map(RtpTime).collect();
        let recent = Recent {
            detected: rtps(&recent[..quarter]),
            skipped: rtps(&recent[quarter..2 * quarter]),
            undecoded: rtps(&recent[2 * quarter..3 * quarter]),
            damaged: rtps(&recent[3 * quarter..]),
        };
        let (width, height) = (1280, 720);
        // One of them, or else the code alone.
        let (rtp, ticks) = (rtp.map(RtpTime), ticks.filter(|_| rtp.is_none()).map(RtpTime));
        let code = if rtp.is_none() && ticks.is_none() { code.or(Some(5)) } else { code };
        Sightings { seq, rtp, ticks, code, width, height, objects, decode_us, detect_us, arrived_us, recent, earlier }
    }
}

prop_compose! {
    fn stats()(
        numbers in prop::array::uniform12(prop::option::of(0..=MAX_INTEGER)),
        jitter_ms in prop::option::of(micro(0, 60_000)),
    ) -> ReceiverStats {
        let [at_us, cpu_us, max_rss_bytes, threads, monotonic_zero_us, received, lost, recovered, ..] = numbers;
        let [.., retransmission_requests, decoded, skipped, damaged] = numbers;
        let packets = PacketStats { received, lost, recovered, retransmission_requests };
        let pictures = PictureStats { decoded, skipped, damaged };
        ReceiverStats { at_us, cpu_us, max_rss_bytes, threads, monotonic_zero_us, jitter_ms, packets, pictures }
    }
}

prop_compose! {
    fn truth()(
        rtp: u32,
        places in prop::collection::vec((any::<u32>(), micro(-1280, 2560), micro(-720, 1440), micro(0, 2560)), 0..=MAX_OBJECTS),
    ) -> FrameTruth {
        let objects = places.into_iter().map(|(id, x, y, radius)| TruePlace { id, x, y, radius }).collect();
        FrameTruth { rtp: RtpTime(rtp), width: 1280, height: 720, objects }
    }
}

prop_compose! {
    fn percentiles()([p50, p95, p99] in prop::array::uniform3(prop::option::of(micro(0, 60_000)))) -> Percentiles {
        Percentiles { p50, p95, p99 }
    }
}

prop_compose! {
    fn result()(
        rtp: u32,
        [latency_us, misses, false_finds] in prop::array::uniform3(0..=MAX_STAGE_US),
        errors_px in prop::collection::vec(micro(0, 10_000), 0..=8),
        [encode, send, network, there, decode, detect, back] in prop::array::uniform7(prop::option::of(0..=MAX_STAGE_US)),
    ) -> FrameResult {
        let stages_us = StageTimes { encode, send, network, there, decode, detect, back };
        FrameResult { rtp: RtpTime(rtp), latency_us, errors_px, misses, false_finds, stages_us }
    }
}

prop_compose! {
    fn results()(
        results in prop::collection::vec(result(), 0..=MAX_RESULTS),
        totals in prop::option::of((0..=MAX_INTEGER, 0..=MAX_INTEGER, percentiles(), percentiles())),
    ) -> Results {
        let so_far = |(frames, matched, error_px, latency_ms)| ResultsSoFar { frames, matched, error_px, latency_ms };
        Results { results, totals: totals.map(so_far) }
    }
}

fn message() -> impl Strategy<Value = Message> {
    let number = 0..=MAX_INTEGER;
    let ping = (number.clone(), number.clone()).prop_map(|(id, sent_us)| Ping { id, sent_us });
    let pong = (ping.clone(), number.clone(), number).prop_map(|(ping, received, answered)| ping.answer(received, answered));
    let stats = stats().prop_map(Message::Stats);
    let watch = any::<(bool, bool)>().prop_map(|(truth, results)| Message::Watch(Watch { truth, results }));
    let (truth, results) = (truth().prop_map(Message::Truth), results().prop_map(Message::Results));
    let (sightings, ping, pong) =
        (sightings().prop_map(Message::Sightings), ping.prop_map(Message::Ping), pong.prop_map(Message::Pong));
    prop_oneof![sightings, ping, pong, stats, watch, truth, results]
}

fn example_with(from: &str, to: &str) -> Result<Message, MessageError> {
    assert!(EXAMPLE.contains(from), "{from}");
    read(EXAMPLE.replace(from, to).as_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_back(message in message()) {
        let mut text = String::from("left over from the message before");
        message.write(&mut text).expect("valid");
        prop_assert_eq!(read(text.as_bytes()), Ok(message));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(read(&bytes).is_err());
    }

    #[test]
    fn a_mutated_message_is_refused_or_valid(message in message(), edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut text = String::new();
        message.write(&mut text).expect("valid");
        let mut bytes = text.into_bytes();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(message) = read(&bytes) {
            let mut text = String::new();
            prop_assert_eq!(message.write(&mut text), Ok(()));
        }
    }
}

#[test]
fn the_documented_example_is_what_is_written() {
    let message = read(EXAMPLE.as_bytes()).expect("valid");
    let mut text = String::new();
    message.write(&mut text).expect("valid");
    assert_eq!(text, EXAMPLE);
    assert!(include_str!("../../../docs/protocol.md").contains(EXAMPLE), "docs/protocol.md shows this message");
}

#[test]
fn the_least_a_client_can_send_is_enough() {
    let least = r#"{"version":1,"type":"sightings","seq":0,"rtp":0,"width":1,"height":1,"objects":[{"x":0,"y":-1}]}"#;
    let Ok(Message::Sightings(sightings)) = read(least.as_bytes()) else { panic!("refused") };
    assert_eq!(sightings.objects[0].label, "object");
    assert_eq!(sightings.objects[0].score, 1.0);
    assert_eq!(sightings.objects[0].extent, Extent::Point);
    assert!(sightings.recent.is_empty());
}

#[test]
fn a_receiver_tells_of_itself_what_it_likes() {
    let documentation = include_str!("../../../docs/protocol.md");
    let example = documentation.lines().find(|line| line.starts_with(r#"{"type":"stats""#)).expect("an example");
    let Ok(Message::Stats(stats)) = read(example.as_bytes()) else { panic!("refused") };
    assert_eq!((stats.cpu_us, stats.packets.lost, stats.pictures.damaged), (Some(1_812_000), Some(2), Some(1)));
    assert_eq!(read(br#"{"type":"stats","version":1}"#), Ok(Message::Stats(ReceiverStats::default())));
    for hostile in
        [r#""cpu_us":-1"#, r#""threads":9007199254740993"#, r#""jitter_ms":60000.5"#, r#""packets":7"#, r#""at_us":0.5"#]
    {
        assert!(read(format!(r#"{{"type":"stats","version":1,{hostile}}}"#).as_bytes()).is_err(), "{hostile}");
    }
}

#[test]
fn a_receiver_that_asks_is_told_truth_and_results() {
    let documentation = include_str!("../../../docs/protocol.md");
    let example = |kind: &str| {
        let example = documentation.lines().find(|line| line.starts_with(&format!(r#"{{"type":"{kind}""#)));
        example.unwrap_or_else(|| panic!("an example of {kind}"))
    };
    assert_eq!(read(example("watch").as_bytes()), Ok(Message::Watch(Watch { truth: true, results: true })));
    assert_eq!(read(br#"{"type":"watch","version":1}"#), Ok(Message::Watch(Watch::default())));
    for kind in ["truth", "results"] {
        let message = read(example(kind).as_bytes()).expect("valid");
        let mut text = String::new();
        message.write(&mut text).expect("valid");
        assert_eq!(text, example(kind));
    }
    for (kind, from, to) in [
        ("truth", r#""x":320.25"#, r#""x":1281"#),
        ("truth", r#""radius":20.0"#, r#""radius":-1"#),
        ("results", r#""latency_us":3600"#, r#""latency_us":60000001"#),
        ("results", "[0.014]", "[-0.1]"),
        ("results", r#""p99":0.03"#, r#""p99":-1"#),
    ] {
        let hostile = example(kind).replace(from, to);
        assert_ne!(hostile, example(kind), "{from}");
        assert!(read(hostile.as_bytes()).is_err(), "{to}");
    }
}

#[test]
fn the_longest_results_fit() {
    let (p50, p95, p99) = (Some(0.123_456_7), Some(0.123_456_7), Some(0.123_456_7));
    let percentiles = Percentiles { p50, p95, p99 };
    let stage = Some(MAX_STAGE_US);
    let result = FrameResult {
        rtp: RtpTime(u32::MAX),
        latency_us: MAX_STAGE_US,
        errors_px: vec![1234.1234; 8],
        misses: 8,
        false_finds: 64,
        stages_us: StageTimes {
            encode: stage,
            send: stage,
            network: stage,
            there: stage,
            decode: stage,
            detect: stage,
            back: stage,
        },
    };
    let totals = ResultsSoFar { frames: MAX_INTEGER, matched: MAX_INTEGER, error_px: percentiles, latency_ms: percentiles };
    let longest = Results { results: vec![result; MAX_RESULTS], totals: Some(totals) };
    assert_eq!(longest.write(&mut String::new()), Ok(()));
}

#[test]
fn unknown_fields_are_ignored() {
    assert_eq!(example_with("\"seq\"", "\"mood\":{\"good\":[1,2]},\"seq\""), read(EXAMPLE.as_bytes()));
    assert_eq!(example_with("\"x\"", "\"z\":3,\"x\""), read(EXAMPLE.as_bytes()));
}

#[test]
fn every_fault_is_named() {
    let too_many_objects = format!("[{}]", vec![r#"{"x":1,"y":1}"#; MAX_OBJECTS + 1].join(","));
    let too_many_places = format!("[{}]", vec!["[1,1]"; MAX_OBJECTS + 1].join(","));
    let too_many_earlier = format!("[{}]", [r#"{"rtp":1,"places":[]}"#; MAX_EARLIER + 1].join(","));
    let too_many_recent = format!("[{}]", vec!["1"; MAX_RECENT + 1].join(","));
    for (from, to, fault) in [
        ("sightings", "sight", "type 'sight' is unknown"),
        ("\"version\":1", "\"version\":2", "version 2 is not supported"),
        ("\"version\":1,", "", "missing field `version`"),
        ("3735928559", "4294967296", "expected u32"),
        ("3735928559", "-1", "expected u32"),
        ("\"rtp\"", "\"rtp\":1,\"rtp\"", "duplicate field `rtp`"),
        ("\"rtp\"", "\"ticks\":1,\"rtp\"", "both 'rtp' and 'ticks'"),
        ("\"rtp\"", "\"pts\"", "names its frame by nothing"),
        ("12.3", "2560.1", "x 2560.1 is out of range; allowed is -1280 to 2560"),
        ("12.3", "1e999", "number out of range"),
        ("12.3", "null", "invalid type"),
        ("45.6", "-720.5", "y -720.5 is out of range"),
        ("1280", "0", "width 0 is out of range; allowed is 1 to 65535"),
        ("20.0", "-0.1", "radius -0.1 is out of range"),
        ("20.0", "1,\"box\":[1,1]", "both radius and box"),
        ("0.98", "1.01", "score 1.01 is out of range"),
        ("812", "60000001", "decode_us 60000001 is out of range"),
        ("[{\"label\":\"ball\",\"x\":12.3,\"y\":45.6,\"radius\":20.0,\"score\":0.98}]", &too_many_objects, "65 objects"),
        ("[[7.3,45.6]]", &too_many_places, "65 earlier places"),
        ("[[7.3,45.6]]", "[[7.3,1441]]", "y 1441 is out of range"),
        ("[[7.3,45.6]]", "[[7.3]]", "invalid length 1"),
        ("798", "60000001", "decode_us 60000001 is out of range"),
        (EARLIER, &too_many_earlier, "3 earlier answers"),
        ("[3735927059]", &too_many_recent, "66 recent frames"),
        ("ball", &"b".repeat(MAX_LABEL_BYTES + 1), "65 bytes of label"),
    ] {
        let error = example_with(from, to).expect_err(fault).to_string();
        assert!(error.contains(fault), "{error}");
        assert!(error.len() < 200, "{error}");
    }
    assert_eq!(read(&[b' '; MAX_MESSAGE_BYTES + 1]), Err(MessageError::TooLong(MAX_MESSAGE_BYTES + 1)));
}

#[test]
fn deep_nesting_does_not_exhaust_the_stack() {
    for depth in [200, 7_900] {
        let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let ignored = example_with("\"seq\"", &format!("\"mood\":{nested},\"seq\""));
        assert!(ignored.is_ok() || matches!(ignored, Err(MessageError::Syntax(_))), "{ignored:?}");
        assert!(read(nested.as_bytes()).is_err());
    }
}

#[test]
fn the_last_two_answers_are_carried_on() {
    let Ok(Message::Sightings(mut message)) = read(EXAMPLE.as_bytes()) else { panic!("refused") };
    message.earlier.clear();
    for rtp in 1..5 {
        message.rtp = Some(RtpTime(rtp));
        message.arrived_us = Some(rtp.into());
        message.objects[0].centre_px.x = rtp.into();
        message.carry_on();
    }
    let carried: Vec<_> =
        message.earlier.iter().map(|one| (one.rtp.map_or(0, |rtp| rtp.0), one.places[0].x, one.arrived_us)).collect();
    assert_eq!(carried, [(4, 4.0, Some(4)), (3, 3.0, Some(3))]);
}

#[test]
fn an_answer_that_cannot_be_sent_does_not_keep_the_next_from_being_sent() {
    let Ok(Message::Sightings(mut message)) = read(EXAMPLE.as_bytes()) else { panic!("refused") };
    let good = message.objects[0].centre_px;
    message.objects[0].centre_px.x = f64::NAN;
    assert!(message.write(&mut String::new()).is_err());
    message.carry_on();
    message.objects[0].centre_px = good;
    assert_eq!(message.write(&mut String::new()), Ok(()));
}

#[test]
fn nothing_is_written_that_would_not_be_read() {
    let Ok(Message::Sightings(good)) = read(EXAMPLE.as_bytes()) else { panic!("refused") };
    for x in [f64::NAN, f64::INFINITY, 1e6] {
        let mut bad = good.clone();
        bad.objects[0].centre_px.x = x;
        assert!(bad.write(&mut String::new()).is_err());
    }
    let ping = Ping { id: 0, sent_us: u64::MAX };
    assert!(ping.write(&mut String::new()).is_err());
}

#[test]
fn the_largest_message_fits() {
    let Ok(Message::Sightings(mut largest)) = read(EXAMPLE.as_bytes()) else { panic!("refused") };
    let precise = Px { x: -1_234.567_890_123_456_7, y: -0.123_456_789_012_345_67 };
    let extent = Extent::Box(1_234.567_890_123_456_7, 0.123_456_789_012_345_67);
    let object = Sighting { label: "b".repeat(40).into(), centre_px: precise, extent, score: 0.123_456_789_012_345_67 };
    largest.objects = vec![object; MAX_OBJECTS];
    largest.recent.detected = vec![RtpTime(u32::MAX); MAX_RECENT - largest.recent.skipped.len()];
    largest.carry_on();
    assert_eq!((largest.earlier.len(), largest.earlier[0].places.len()), (1, MAX_OBJECTS));
    assert_eq!(largest.write(&mut String::new()), Ok(()));
}
