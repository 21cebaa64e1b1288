//! A sender that answers.

use std::sync::mpsc::sync_channel;
use std::time::Duration;

use super::*;
use crate::clock::RunClock;
use crate::pipeline::{Debugging, PeerOptions, Texts};
use crate::signalling::gate::{CandidateGate, CandidatePolicy, SdpKind, check_sdp};

const CHROMIUM: &str = include_str!("../signalling/gate/testdata/whep-offer.sdp");

/// What is answered to this offer with this codec and these caps.
fn answer_to(sdp: String, codec: crate::codec::Codec, payload_type: u8, caps: &str) -> String {
    gstreamer::init().expect("GStreamer starts");
    let texts = Texts::load(None).expect("embedded");
    let extensions = Some(format!(",extmap-4=(string)\"{TRANSPORT_WIDE_CC}\""));
    let options = PeerOptions { codec, h264_level: 31, payload_type, timestamp_offset: 0, extensions, jitter_ms: 0 };
    let settings = StreamSettings {
        launch: texts.peer(&options).expect("filled"),
        rtp_caps: caps.parse().expect("caps"),
        offer: Some(RemoteOffer { sdp, trust: Arc::new(Trust::new(|_| true)) }),
        channel: ChannelPolicy::Fresh,
        ice: IceSettings::default(),
        path: None,
        fec_percent: 0,
        pacing: None,
        debugging: Debugging::default(),
    };
    let (tell, told) = sync_channel(64);
    let report = Report::new(move |event| _ = tell.send(event));
    let peer = SendingPeer::start("answering", &settings, &RunClock::start(), report).expect("it starts");
    let sdp = loop {
        match told.recv_timeout(Duration::from_secs(10)).expect("an answer") {
            PeerEvent::Described { sdp } => break sdp,
            PeerEvent::Lost { reason } | PeerEvent::Failed { reason } => panic!("{reason}"),
            _ => {}
        }
    };
    peer.close();
    sdp
}

#[test]
fn a_browsers_offer_is_answered_with_its_own_numbers_and_what_repairs_loss() {
    let narrow = |line: &&str| {
        let of = ["a=rtpmap:", "a=fmtp:", "a=rtcp-fb:"].iter().find_map(|name| line.strip_prefix(name));
        of.is_none_or(|of| of.starts_with("108 ") || of.starts_with("109 "))
    };
    let lines = CHROMIUM.lines().filter(narrow).map(|line| match line.starts_with("m=video") {
        true => "m=video 9 UDP/TLS/RTP/SAVPF 108 109\r\n".to_owned(),
        false => format!("{line}\r\n"),
    });
    let caps = format!(
        "application/x-rtp,media=video,encoding-name=H264,payload=108,clock-rate=90000,ssrc=(uint)7,\
         packetization-mode=(string)1,extmap-4=(string)\"{TRANSPORT_WIDE_CC}\""
    );
    let answer = answer_to(lines.collect(), crate::codec::Codec::H264, 108, &caps);
    let mut gate = CandidateGate::new(CandidatePolicy::default());
    let checked = check_sdp(&answer, SdpKind::Answer, &mut gate).expect("good");
    assert_eq!(checked.media().len(), 2);
    for line in
        ["a=sendonly", "a=rtpmap:108 H264/90000", "a=rtpmap:109 rtx/90000", "a=fmtp:109 apt=108", "a=rtcp-fb:108 nack"]
    {
        assert!(answer.contains(line), "{line}: {answer}");
    }
}
