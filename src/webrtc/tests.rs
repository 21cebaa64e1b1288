//! Two peers in one process over real ICE, DTLS, SRTP and SCTP; signalling is a function call.

use std::collections::HashSet;
use std::sync::mpsc::{Receiver, sync_channel};

use gstreamer as gst;
use gstreamer::prelude::*;

use super::*;
use crate::clock::RunClock;
use crate::codec::Codec;
use crate::decode::{self, Decoded, Picture};
use crate::encode::{EncoderEvent, RunningEncoder};
use crate::pipeline::Debugging;

const ENCODE: &str = "appsrc name=frames is-live=true format=time max-buffers=1 leaky-type=downstream \
    caps=video/x-raw,format=I420,width=64,height=64,framerate=30/1 \
    ! vp8enc deadline=1 cpu-used=8 ! appsink name=units sync=false max-buffers=8";
/// The offset is one second before the wrap.
const PEER: &str = "appsrc name=units caps=video/x-vp8 is-live=true format=time max-buffers=8 leaky-type=upstream \
    ! rtpvp8pay name=pay mtu=1200 timestamp-offset=4294877296 perfect-rtptime=false pt=96 \
    ! application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000 ! webrtcbin name=peer bundle-policy=max-bundle";
const TAIL: &str = "rtpvp8depay name=depay ! vp8dec threads=1 ! video/x-raw,format=I420 \
    ! appsink name=pictures sync=false max-buffers=1 drop=true";
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Side {
    Sending,
    Receiving,
}

struct Pair {
    clock: RunClock,
    events: Receiver<(Side, PeerEvent)>,
    tell: std::sync::mpsc::SyncSender<(Side, PeerEvent)>,
    sending: SendingPeer,
    receiving: Option<ReceivingPeer>,
    decoded: Arc<Decoded>,
    /// Whether each side believes the other's certificate.
    believes: fn(Side) -> bool,
    /// How long a lost packet is waited for.
    jitter_ms: u32,
}

impl Pair {
    fn new(believes: fn(Side) -> bool) -> Pair {
        Pair::with_jitter(60, believes)
    }

    fn with_jitter(jitter_ms: u32, believes: fn(Side) -> bool) -> Pair {
        gst::init().unwrap();
        let clock = RunClock::start();
        let (tell, events) = sync_channel(4096);
        let rtp_caps =
            "application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000,ssrc=(uint)7".parse().unwrap();
        let (channel, ice) = (ChannelPolicy::Fresh, IceSettings::default());
        let settings = StreamSettings {
            launch: PEER.to_owned(),
            offer: None,
            rtp_caps,
            channel,
            ice,
            path: None,
            fec_percent: 0,
            pacing: None,
            debugging: Debugging::default(),
        };
        let sending = SendingPeer::start("sending", &settings, &clock, report(&tell, Side::Sending)).unwrap();
        Pair { clock, events, tell, sending, receiving: None, decoded: Arc::default(), believes, jitter_ms }
    }

    /// Signals until `enough` says that an event was the one waited for; gives everything that was reported up to it.
    fn until(&mut self, mut enough: impl FnMut(Side, &PeerEvent) -> bool) -> Vec<(Side, PeerEvent)> {
        let mut seen = Vec::new();
        loop {
            let (side, event) =
                self.events.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {seen:#?}"));
            self.signal(side, &event);
            let done = enough(side, &event);
            seen.push((side, event));
            if done {
                return seen;
            }
        }
    }

    fn signal(&mut self, side: Side, event: &PeerEvent) {
        match (side, event, &self.receiving) {
            (Side::Sending, PeerEvent::Described { sdp }, _) => self.receiving = Some(self.receive(sdp)),
            (Side::Receiving, PeerEvent::Described { sdp }, _) => {
                let believes = (self.believes)(Side::Sending);
                self.sending.set_answer(sdp, true, Trust::new(move |_| believes)).unwrap();
            }
            (Side::Sending, PeerEvent::Candidate { mline, candidate }, Some(receiving)) => {
                receiving.add_candidate(*mline, candidate);
            }
            (Side::Receiving, PeerEvent::Candidate { mline, candidate }, _) => self.sending.add_candidate(*mline, candidate),
            _ => {}
        }
    }

    fn receive(&self, offer: &str) -> ReceivingPeer {
        let tail = gst::parse::bin_from_description(TAIL, true).unwrap();
        let believes = (self.believes)(Side::Receiving);
        let trust = Arc::new(Trust::new(move |_| believes));
        let trusted = trust.clone();
        decode::attach(&tail, Codec::Vp8, move || trusted.is_trusted(), &self.clock, &self.decoded).unwrap();
        let launch = format!("webrtcbin name=peer bundle-policy=max-bundle latency={}", self.jitter_ms);
        let ice = IceSettings::default();
        let settings = ReceiveSettings {
            jitter_ms: self.jitter_ms,
            launch,
            begin: Begin::Theirs(Source { sdp: offer.to_owned(), trust, tail }),
            ice,
            path: None,
            debugging: Debugging::default(),
        };
        ReceivingPeer::start("receiving", &settings, &self.clock, report(&self.tell, Side::Receiving)).unwrap()
    }

    /// The next picture that the receiving side decodes.
    fn picture(&self) -> Picture {
        let (decoded, clock) = (self.decoded.clone(), self.clock.clone());
        let (tell, told) = sync_channel(1);
        let wait = move || {
            // The test may be over.
            let _ = tell.send(decoded.next_picture(&clock));
        };
        std::thread::Builder::new().name("picture".to_owned()).spawn(wait).unwrap();
        told.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no picture within {PATIENCE:?}")).expect("open")
    }

    /// Ends both and proves that nothing of them is left.
    fn close(self) {
        let Pair { sending, receiving, decoded, .. } = self;
        decoded.pictures.close();
        let mut left = vec![sending.pipeline().inner().downgrade()];
        sending.close();
        if let Some(receiving) = receiving {
            left.push(receiving.pipeline().inner().downgrade());
            receiving.close();
        }
        assert!(left.iter().all(|pipeline| pipeline.upgrade().is_none()), "a pipeline is still held by somebody");
    }
}

fn report(tell: &std::sync::mpsc::SyncSender<(Side, PeerEvent)>, side: Side) -> Report {
    let tell = tell.clone();
    Report::new(move |event| {
        // The test may be over.
        let _ = tell.try_send((side, event));
    })
}

/// A running encoder whose units go to the pair's lane.
fn encoder(pair: &Pair) -> RunningEncoder {
    let lanes = Arc::new(Lanes::default());
    lanes.add(pair.sending.lane().clone());
    lanes.open(pair.sending.lane());
    let hand = move |event| {
        if let EncoderEvent::Encoded { unit, .. } = event {
            lanes.hand(&unit);
        }
    };
    RunningEncoder::start(ENCODE, &pair.clock, &Debugging::default(), hand).unwrap()
}

fn push_frame(encoder: &RunningEncoder, clock: &RunClock) -> RtpTime {
    push_grey(encoder, clock, 0)
}

/// Pushes a frame of this grey.
fn push_grey(encoder: &RunningEncoder, clock: &RunClock, grey: u8) -> RtpTime {
    let mut frame = gst::Buffer::from_slice(vec![grey; 64 * 64 * 3 / 2]);
    let ns = clock.now().as_nanos() as u64;
    frame.make_mut().set_pts(gst::ClockTime::from_nseconds(ns));
    encoder.frames().push_buffer(frame).unwrap();
    RtpTime::from_running_time(RtpTime(4_294_877_296), ns)
}

#[test]
fn every_frame_that_arrives_has_the_key_it_was_produced_under_across_the_wrap() {
    let mut pair = Pair::new(|_| true);
    pair.until(|side, event| side == Side::Sending && matches!(event, PeerEvent::ChannelOpen));
    let encoder = encoder(&pair);
    let (mut produced, mut sent) = (HashSet::new(), HashSet::new());
    let mut pictures = Vec::new();
    while pictures.len() < 60 {
        produced.insert(push_frame(&encoder, &pair.clock));
        for (_, event) in pair.until(|_, event| matches!(event, PeerEvent::Sent { .. })) {
            if let PeerEvent::Sent { rtp, .. } = event {
                sent.insert(rtp);
            }
        }
        // The jitterbuffer holds the first packet back until the second one tells where the sequence goes.
        if produced.len() > 1 {
            pictures.push(pair.picture());
        }
    }
    for picture in &pictures {
        assert!(produced.contains(&picture.rtp) && sent.contains(&picture.rtp), "{} is nobody's key", picture.rtp);
        assert_eq!(picture.size(), (64, 64));
        assert!(picture.view().is_ok() && picture.arrived_at.is_some_and(|arrived| arrived <= picture.decoded_at));
    }
    let keys: HashSet<RtpTime> = pictures.iter().map(|picture| picture.rtp).collect();
    assert_eq!(keys.len(), 60, "no two pictures share a key");
    drop(pictures);
    encoder.stop();
    pair.close();
}

/// Drops one in ten of the datagrams that come in here, by a seed.
fn lose_a_tenth(pipeline: &gst::Pipeline, mut seed: u64) {
    for way_out in pipeline.iterate_recurse().into_iter().flatten() {
        let Some(pad) = way_out.static_pad("sink") else { continue };
        if way_out.factory().is_none_or(|factory| factory.name() != "nicesink") {
            continue;
        }
        let state = std::sync::Mutex::new(seed);
        seed = seed.wrapping_add(1);
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
            let mut state = state.lock().unwrap();
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            if (*state >> 33).is_multiple_of(10) { gst::PadProbeReturn::Handled } else { gst::PadProbeReturn::Ok }
        });
    }
}

#[test]
fn at_ten_percent_loss_hardly_a_picture_is_missing_and_each_shows_the_frame_that_its_key_says() {
    const FRAMES: u8 = 120;
    // As long as the sender keeps packets: what is tested is that they are asked for and come, and not how fast this machine is.
    const JITTER_MS: u32 = 800;
    let mut pair = Pair::with_jitter(JITTER_MS, |_| true);
    pair.until(|side, event| side == Side::Sending && matches!(event, PeerEvent::ChannelOpen));
    lose_a_tenth(pair.sending.pipeline().inner(), 1);
    lose_a_tenth(pair.receiving.as_ref().unwrap().pipeline().inner(), 2);
    let encoder = encoder(&pair);
    let (decoded, clock) = (pair.decoded.clone(), pair.clock.clone());
    let looking = std::thread::Builder::new().spawn(move || {
        let mut seen = Vec::new();
        while let Some(picture) = decoded.next_picture(&clock) {
            let view = picture.view().unwrap();
            seen.push((picture.rtp, view.y.row(32)[32]));
        }
        seen
    });
    let looking = looking.expect("thread");
    let (mut drawn, mut sent) = (std::collections::HashMap::new(), HashSet::new());
    for number in 0..FRAMES {
        let grey = 16 + number.wrapping_mul(97) % 200;
        drawn.insert(push_grey(&encoder, &pair.clock, grey), grey);
        // The rate of a camera.
        std::thread::sleep(Duration::from_millis(33));
        while let Ok((side, event)) = pair.events.try_recv() {
            pair.signal(side, &event);
            if let PeerEvent::Sent { rtp, .. } = event {
                sent.insert(rtp);
            }
            if matches!(event, PeerEvent::KeyframeWanted) {
                let units: gst::Element = encoder.pipeline().element("units").unwrap();
                units.send_event(gstreamer_video::UpstreamForceKeyUnitEvent::builder().all_headers(true).build());
            }
        }
    }
    std::thread::sleep(Duration::from_millis(u64::from(JITTER_MS) + 300));
    pair.decoded.pictures.close();
    for (rtp, grey) in looking.join().unwrap() {
        assert!(drawn[&rtp].abs_diff(grey) <= 4, "{rtp} shows grey {grey}, drawn was {}", drawn[&rtp]);
    }
    // Decoded, not looked at: of pictures that come in one burst only the newest is.
    let pictures = pair.decoded.with_fates(|fates| fates.pictures());
    assert!(pictures.decoded >= Some(sent.len() as u64 * 95 / 100), "{pictures:?} of {} that were sent", sent.len());
    let path = pair.receiving.as_ref().and_then(|peer| peer.reception().path()).expect("packets came");
    assert!(path.recovered > 0, "nothing was sent again: {path:?}");
    encoder.stop();
    pair.close();
}

#[test]
fn messages_go_both_ways_and_nothing_is_left_afterwards() {
    let mut pair = Pair::new(|_| true);
    let mut open = HashSet::new();
    pair.until(|side, event| {
        if matches!(event, PeerEvent::ChannelOpen) {
            open.insert(side == Side::Sending);
        }
        open.len() == 2
    });
    pair.sending.channel().send("there").unwrap();
    pair.receiving.as_ref().unwrap().channel().send("back").unwrap();
    let mut came = HashSet::new();
    pair.until(|side, event| {
        if let PeerEvent::Message { text, .. } = event {
            came.insert((side == Side::Sending, text.clone()));
        }
        came.len() == 2
    });
    assert_eq!(came, HashSet::from([(true, "back".to_owned()), (false, "there".to_owned())]));
    pair.close();
}

#[test]
fn a_wrong_certificate_is_noticed_by_whichever_side_is_lied_to_and_lets_nothing_through() {
    let mut lied_to_sender = Pair::new(|side| side == Side::Receiving);
    let seen = lied_to_sender.until(|_, event| matches!(event, PeerEvent::Untrusted));
    assert!(matches!(seen.last(), Some((Side::Sending, _))));
    let passed = seen.iter().any(|(side, event)| *side == Side::Sending && matches!(event, PeerEvent::Connected));
    assert!(!passed);
    lied_to_sender.close();

    let mut lied_to_receiver = Pair::new(|side| side == Side::Sending);
    let mut events = lied_to_receiver.until(|_, event| matches!(event, PeerEvent::Untrusted));
    let encoder = encoder(&lied_to_receiver);
    while lied_to_receiver.sending.channel().send("secret").is_err() {
        events
            .extend(lied_to_receiver.until(|side, event| side == Side::Sending && matches!(event, PeerEvent::ChannelOpen)));
    }
    let mut more = 10;
    while more > 0 {
        push_frame(&encoder, &lied_to_receiver.clock);
        events.extend(lied_to_receiver.until(|_, event| matches!(event, PeerEvent::Sent { .. })));
        more -= u32::from(lied_to_receiver.decoded.last_arrival().is_some());
    }
    encoder.stop();
    assert!(lied_to_receiver.decoded.pictures.is_empty(), "packets came and no picture passed");
    let receiving = |event: &(Side, PeerEvent)| event.0 == Side::Receiving;
    assert!(
        !events.iter().any(|event| receiving(event) && matches!(event.1, PeerEvent::Message { .. } | PeerEvent::Connected))
    );
    lied_to_receiver.close();
}
