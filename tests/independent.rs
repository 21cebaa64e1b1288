//! The proof of the two figures that everything rests on, with nothing of what is proved: the test draws its own counters into the
//! pixels, reads them in the decoded pictures with its own eyes, and reads its own clock beside the program's.
//!
//! What runs is real: encoder, RTP, ICE, DTLS, SRTP, data channel, decoder, the keys on their way through all of them, the ledger.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use gstreamer as gst;
use rebound::clock::RunClock;
use rebound::codec::Codec;
use rebound::decode::{self, Decoded};
use rebound::detect::{Extent, Sighting};
use rebound::encode::{EncoderEvent, RunningEncoder};
use rebound::feedback::{Message, Recent, Sightings, message};
use rebound::frame::Plane;
use rebound::pipeline::Debugging;
use rebound::report::{Ledger, LedgerConfig, Outcome, ReceiverId};
use rebound::scene::Truth;
use rebound::units::{Fps, FrameNumber, Px, RtpTime, Size};
use rebound::webrtc::{
    Begin, ChannelPolicy, IceSettings, Lanes, PeerEvent, ReceiveSettings, ReceivingPeer, Report, SendingPeer, Source,
    StreamSettings, Trust,
};

use crate::support::{PATIENCE, alone};

const WIDTH: usize = 320;
const HEIGHT: usize = 240;
/// Bits of the counter: bars of 20 by 80 pixels, and their opposites below them.
const BITS: usize = 16;
/// Of the stream; it wraps one second later.
const OFFSET: RtpTime = RtpTime(u32::MAX - 90_000);
const ENCODE: &str = "appsrc name=frames is-live=true format=time max-buffers=1 leaky-type=downstream \
    caps=video/x-raw,format=I420,width=320,height=240,framerate=30/1 \
    ! vp8enc deadline=1 cpu-used=8 target-bitrate=300000 ! appsink name=units sync=false max-buffers=8";
const SEND: &str = "appsrc name=units caps=video/x-vp8 is-live=true format=time max-buffers=8 leaky-type=upstream \
    ! rtpvp8pay name=pay mtu=1200 timestamp-offset=4294877295 perfect-rtptime=false pt=96 \
    ! application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000 ! webrtcbin name=peer bundle-policy=max-bundle";
const RECEIVE: &str = "webrtcbin name=peer bundle-policy=max-bundle latency=40";
const TAIL: &str = "rtpvp8depay name=depay ! vp8dec threads=1 ! video/x-raw,format=I420 \
    ! appsink name=pictures sync=false max-buffers=1 drop=true";
const FRAMES: u16 = 120;
/// Every so many answers name the frame after the one that was seen: a check that does not notice these checks nothing.
const LIE_EVERY: u16 = 20;

/// A picture with a counter in it.
fn picture(counter: u16) -> Vec<u8> {
    let mut pixels = vec![128; WIDTH * HEIGHT * 3 / 2];
    for (y, row) in pixels.chunks_exact_mut(WIDTH).take(HEIGHT).enumerate() {
        for (x, luma) in row.iter_mut().enumerate() {
            let bit = counter >> (x * BITS / WIDTH) & 1 == 1;
            *luma = if bit ^ (y >= HEIGHT / 2) { 220 } else { 30 };
        }
    }
    pixels
}

/// The counter in a picture; none if a bar and its opposite do not differ clearly.
fn counter(luma: &Plane<'_>) -> Option<u16> {
    let middle = |bit: usize, y: usize| {
        let x = bit * WIDTH / BITS + WIDTH / BITS / 2;
        (y - 8..y + 8).map(|y| luma.row(y)[x - 4..x + 4].iter().map(|&luma| i32::from(luma)).sum::<i32>()).sum::<i32>() / 128
    };
    (0..BITS).try_fold(0, |counter, bit| {
        let difference = middle(bit, HEIGHT / 4) - middle(bit, HEIGHT * 3 / 4);
        (difference.abs() > 60).then_some(counter | u16::from(difference > 0) << bit)
    })
}

/// Both ends in this process; signalling is a function call.
struct Ends {
    clock: RunClock,
    sending: SendingPeer,
    receiving: ReceivingPeer,
    decoded: Arc<Decoded>,
    /// What came back, when by the program's clock, and when by ours.
    answers: Receiver<(String, Duration, Instant)>,
}

fn connect() -> Ends {
    gst::init().unwrap();
    let clock = RunClock::start();
    let (tell, events) = sync_channel(1024);
    let (answered, answers) = sync_channel(1024);
    let rtp_caps = "application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000".parse().unwrap();
    let (channel, ice, debugging) = (ChannelPolicy::Fresh, IceSettings::default(), Debugging::default());
    let settings = StreamSettings {
        launch: SEND.to_owned(),
        offer: None,
        rtp_caps,
        channel,
        ice,
        path: None,
        fec_percent: 0,
        pacing: None,
        debugging,
    };
    let sending = SendingPeer::start("sending", &settings, &clock, report(tell.clone(), Some(answered))).unwrap();
    let decoded = Arc::new(Decoded::default());
    let mut receiving: Option<ReceivingPeer> = None;
    loop {
        let (ours, event) = events.recv_timeout(PATIENCE).expect("it connects");
        match (ours, event) {
            (true, PeerEvent::Described { sdp }) => {
                receiving = Some(receive(sdp, &clock, &decoded, report(tell.clone(), None)));
            }
            (false, PeerEvent::Described { sdp }) => sending.set_answer(&sdp, true, Trust::new(|_| true)).unwrap(),
            (true, PeerEvent::Candidate { mline, candidate }) => {
                receiving.as_ref().expect("offered before").add_candidate(mline, &candidate);
            }
            (false, PeerEvent::Candidate { mline, candidate }) => sending.add_candidate(mline, &candidate),
            (true, PeerEvent::ChannelOpen) => {
                return Ends { clock, sending, receiving: receiving.expect("answered"), decoded, answers };
            }
            _ => {}
        }
    }
}

fn receive(offer: String, clock: &RunClock, decoded: &Arc<Decoded>, report: Report) -> ReceivingPeer {
    let tail = gst::parse::bin_from_description(TAIL, true).unwrap();
    decode::attach(&tail, Codec::Vp8, || true, clock, decoded).unwrap();
    let (launch, trust) = (RECEIVE.to_owned(), Arc::new(Trust::new(|_| true)));
    let (ice, debugging) = (IceSettings::default(), Debugging::default());
    let begin = Begin::Theirs(Source { sdp: offer, trust, tail });
    ReceivingPeer::start(
        "receiving",
        &ReceiveSettings { launch, jitter_ms: 60, begin, ice, path: None, debugging },
        clock,
        report,
    )
    .unwrap()
}

/// The sending side's messages go to `answered`, with our clock's time; everything else to `tell`.
fn report(tell: SyncSender<(bool, PeerEvent)>, answered: Option<SyncSender<(String, Duration, Instant)>>) -> Report {
    Report::new(move |event| {
        let now = Instant::now();
        let _ = match (event, &answered) {
            (PeerEvent::Message { text, at }, Some(answered)) => answered.try_send((text, at, now)).is_ok(),
            (event, answered) => tell.try_send((answered.is_some(), event)).is_ok(),
        };
    })
}

/// Looks at every picture and answers with what it read; every so often names the wrong frame.
fn watch(decoded: &Decoded, answer: impl Fn(&str)) {
    let mut text = String::new();
    while let Some((picture, _)) = decoded.pictures.take() {
        let seen = counter(&picture.view().unwrap().y).expect("the counter is clear");
        let lie = if seen % LIE_EVERY == LIE_EVERY - 1 { 3000 } else { 0 };
        let label = seen.to_string().into();
        let object = Sighting { label, centre_px: Px::default(), extent: Extent::Point, score: 1.0 };
        let sightings = Sightings {
            seq: seen.into(),
            rtp: Some(RtpTime(picture.rtp.0.wrapping_add(lie))),
            ticks: None,
            code: None,
            width: WIDTH as u32,
            height: HEIGHT as u32,
            objects: vec![object],
            decode_us: None,
            detect_us: None,
            arrived_us: None,
            recent: Recent::default(),
            earlier: Vec::new(),
        };
        sightings.write(&mut text).unwrap();
        answer(&text);
    }
}

/// Films [`FRAMES`] frames; gives the ledger that was told of them, and when each was made by our clock.
fn film(ends: &Ends) -> (Ledger, HashMap<u16, Instant>) {
    let size = Size::new(WIDTH as u32, HEIGHT as u32).unwrap();
    let mut ledger = Ledger::new(LedgerConfig { late_after: PATIENCE, ..LedgerConfig::new(size, Fps::new(30).unwrap()) });
    ledger.receiver_joined(ReceiverId(0), "independent", Duration::ZERO, ends.clock.now());
    let lanes = Arc::new(Lanes::default());
    lanes.add(ends.sending.lane().clone());
    lanes.open(ends.sending.lane());
    let hand = move |event| {
        if let EncoderEvent::Encoded { unit, .. } = event {
            lanes.hand(&unit);
        }
    };
    let encoder = RunningEncoder::start(ENCODE, &ends.clock, &Debugging::default(), hand).unwrap();
    let mut produced = HashMap::new();
    let start = ends.clock.now();
    for number in 0..FRAMES {
        let due = start + Fps::new(30).unwrap().time_of(FrameNumber(number.into()));
        std::thread::sleep(due.saturating_sub(ends.clock.now()));
        let mut buffer = gst::Buffer::from_mut_slice(picture(number));
        let due_ns = due.as_nanos() as u64;
        buffer.get_mut().unwrap().set_pts(gst::ClockTime::from_nseconds(due_ns));
        let (ours, theirs) = (Instant::now(), ends.clock.now());
        produced.insert(number, ours);
        let rtp = RtpTime::from_running_time(OFFSET, due_ns);
        ledger.produced(FrameNumber(number.into()), rtp, Truth::default(), theirs).unwrap();
        encoder.frames().push_buffer(buffer).unwrap();
    }
    // The last ones come back.
    std::thread::sleep(Duration::from_millis(500));
    encoder.stop();
    (ledger, produced)
}

#[test]
fn the_keys_agree_with_counters_in_the_pixels_on_every_frame_and_the_latency_with_another_clock() {
    let _machine = alone();
    let ends = connect();
    let channel = Mutex::new(ends.receiving.channel().clone());
    let (mut ledger, produced) = std::thread::scope(|scope| {
        scope.spawn(|| watch(&ends.decoded, |text| channel.lock().unwrap().send(text).unwrap()));
        let filmed = film(&ends);
        ends.decoded.pictures.close();
        filmed
    });
    let (mut honest, mut lies_found, mut apart_ms) = (0, 0, Vec::new());
    for (text, at, now) in ends.answers.try_iter() {
        let Ok(Message::Sightings(sightings)) = message::read(text.as_bytes()) else { panic!("{text}") };
        let seen: u16 = sightings.objects[0].label.parse().unwrap();
        let outcome = ledger.feedback(ReceiverId(0), &sightings, &Truth::default(), at);
        if seen % LIE_EVERY == LIE_EVERY - 1 {
            lies_found += u16::from(!matches!(outcome, Outcome::Matched(joined) if joined.frame.0 == u64::from(seen)));
            continue;
        }
        // The frame after a lie has been answered by the lie.
        if seen.is_multiple_of(LIE_EVERY) && seen > 0 {
            continue;
        }
        let Outcome::Matched(joined) = outcome else { panic!("frame {seen}: {outcome:?}") };
        assert_eq!(joined.frame.0, u64::from(seen), "the key names another frame than the pixels");
        honest += 1;
        let ours = now - produced[&seen];
        apart_ms.push((ours.as_secs_f64() - joined.latency.as_secs_f64()).abs() * 1e3);
    }
    assert!(honest >= FRAMES / 2 && lies_found >= 1, "{honest} checked, {lies_found} lies found");
    apart_ms.sort_unstable_by(f64::total_cmp);
    // The two clocks are read one after the other, and a busy machine may take the processor away in between.
    let quantile = |share: f64| apart_ms[(share * (apart_ms.len() - 1) as f64) as usize];
    assert!(quantile(0.5) < 0.02 && quantile(0.9) < 0.1, "the latencies differ by {} ms", quantile(0.9));
    ends.receiving.close();
    ends.sending.close();
}
