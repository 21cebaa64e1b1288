//! GStreamer's own WebRTC elements, which share no code with rebound, meet it by their own signalling protocol.

use std::path::Path;
use std::process::Command;

use nix::sys::signal::Signal;

use crate::support::beside_others;
use crate::support::process::{Process, rebound};
use crate::support::roles::{Hub, Sender};

/// Runs a launch line with these elements in a process of its own.
fn gst_peer(launch: &str) -> Process {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gst-peers/target/debug/gst-peers");
    let is_built = program.is_file();
    assert!(is_built, "build it first: cargo build --locked --manifest-path tests/gst-peers/Cargo.toml (make test does)");
    Process::start(Command::new(program).arg(launch))
}

#[test]
fn webrtcsrc_waits_for_a_sender_plays_it_and_leaves() {
    let _machine = beside_others();
    let hub = Hub::start();
    let source = format!("webrtcsrc stun-server=\"\" signaller::uri=ws://127.0.0.1:{}/gst", hub.port);
    let mut player = gst_peer(&format!("{source} signaller::producer-peer-id=court ! videoconvert ! fakesink name=out"));
    player.wait_for("playing");
    let mut sender = hub.sender("court");
    let first = player.wait_for("out: first buffer");
    assert!(first.contains("width=(int)320, height=(int)240"), "{first}");
    player.wait_for("out: 60 buffers");
    player.signal(Signal::SIGINT);
    let ended = player.ended();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    sender.wait_for("why=it said goodbye");
    let report = sender.interrupt();
    assert_eq!(report.receivers()[0].0["viewer"], true, "{:#}", report.0);
}

#[test]
fn what_webrtcsink_sends_is_detected_on_until_it_ends_whatever_its_own_data_channel() {
    let _machine = beside_others();
    let hub = Hub::start();
    for (session, option, expected) in [
        ("plain", "", "the sender offers no data channel"),
        ("steered", "enable-control-data-channel=true", "the sender's data channel is not for coordinates"),
    ] {
        let directory = tempfile::tempdir().expect("a directory");
        let snapshot = directory.path().join("seen.png").display().to_string();
        let url = format!("ws://127.0.0.1:{}", hub.port);
        let options = ["receive", "--session", session, "--hub", &url, "--snapshot", &snapshot];
        let mut receiver = Process::start(&mut rebound(options));
        receiver.wait_for("waiting for the sender");
        let ball = "videotestsrc pattern=ball is-live=true ! video/x-raw,width=320,height=240,framerate=30/1";
        let sink =
            format!("webrtcsink stun-server=\"\" congestion-control=disabled {option} meta=\"meta,session={session}\"");
        let mut producer = gst_peer(&format!("{ball} ! {sink} signaller::uri={url}/gst"));
        receiver.wait_for(expected);
        // One with something detected in it.
        receiver.wait_for("snapshot saved");
        producer.signal(Signal::SIGINT);
        assert_eq!(producer.ended().code, Some(0), "{}", producer.said());
        receiver.wait_for("session over: ");
        receiver.signal(Signal::SIGINT);
        let ended = receiver.ended();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(!ended.stderr.contains("detected=0"), "{}", ended.stderr);
    }
}

#[test]
fn players_of_either_protocol_come_to_the_hub_inside_a_sender() {
    let _machine = beside_others();
    let mut sender = Sender::start(&["--size", "320x240", "--fps", "30"]);
    let host = format!("127.0.0.1:{}", sender.port);
    let by_list = format!("webrtcsrc stun-server=\"\" signaller::uri=ws://{host}/gst connect-to-first-producer=true");
    let by_whep = format!("whepclientsrc stun-server=\"\" signaller::whep-endpoint=http://{host}/whep");
    let mut players = [by_list, by_whep].map(|source| gst_peer(&format!("{source} ! videoconvert ! fakesink name=out")));
    for player in &mut players {
        player.wait_for("out: 60 buffers");
        player.signal(Signal::SIGINT);
        assert_eq!(player.ended().code, Some(0), "{}", player.said());
    }
    sender.wait_for_nth("why=it said goodbye", 2);
    let report = sender.interrupt();
    assert!(report.receivers().iter().all(|receiver| receiver.0["viewer"] == true), "{:#}", report.0);
}

#[test]
fn whipclientsink_publishes_and_others_watch() {
    let _machine = beside_others();
    let hub = Hub::start();
    let ball = "videotestsrc pattern=ball is-live=true ! video/x-raw,width=320,height=240,framerate=30/1";
    let sink = "whipclientsink stun-server=\"\" congestion-control=disabled signaller::whip-endpoint";
    let mut publisher = gst_peer(&format!("{ball} ! {sink}=http://127.0.0.1:{}/whip/court", hub.port));
    hub.wait_for("what is published can be watched session=court");
    let _receiver = hub.receiver("court", "eye");
    hub.wait_for("first coordinates receiver=\"eye\"");
    publisher.signal(Signal::SIGINT);
    assert_eq!(publisher.ended().code, Some(0), "{}", publisher.said());
    hub.wait_for("publishing is over session=court");
    let looked = hub.wait_for("done detected=");
    assert!(!looked.contains("detected=0"), "{looked}");
}
