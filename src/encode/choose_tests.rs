use gstreamer as gst;

use crate::encode::{Control, Listing, list};
use crate::pipeline::{BusEvent, Source, gst_launch, receive_text, send_text};
use crate::units::{Bitrate, Fps, Size};

use super::*;

fn shape() -> Shape {
    let size = Size::new(320, 240).expect("valid");
    Shape { size, fps: Fps::new(30).expect("valid"), bitrate: Bitrate::kbps(800), gop_frames: 60, is_adaptive: false }
}

fn texts() -> Texts {
    gst::init().expect("GStreamer starts");
    Texts::load(None).expect("embedded")
}

/// The program's own entries of these names, in this order, and no others.
fn only(texts: &Texts, names: &[&str]) -> Catalogue {
    let table: toml::Table = toml::from_str(&texts.encoders.content).expect("valid");
    let all = table["encoder"].as_array().expect("a list");
    let named = |name: &&str| all.iter().find(|entry| entry["name"].as_str() == Some(name)).expect(name).clone();
    let kept: Vec<toml::Value> = names.iter().map(named).collect();
    let content = toml::to_string(&toml::Table::from_iter([("encoder".to_owned(), kept.into())])).expect("valid");
    Catalogue::parse(&Source { origin: "test.toml".to_owned(), content }).expect("valid")
}

fn request(wanted: &Wanted) -> Request<'_> {
    Request { wanted, codec: None, shape: shape(), allowed: None, excluded: &[], preferred: None }
}

fn choose(names: &[&str], request: &Request<'_>) -> Result<Choice, ChooseError> {
    let texts = texts();
    Chooser { catalogue: &only(&texts, names), texts: &texts }.choose(request)
}

#[test]
fn every_installed_software_encoder_of_the_table_works_without_delay() {
    let texts = texts();
    let table = only(&texts, &["x264enc", "openh264enc", "vp8enc", "vp9enc", "x265enc"]);
    let listing: Listing = list(&Chooser { catalogue: &table, texts: &texts }, &shape());
    let failed: Vec<_> = listing.encoders.iter().filter(|row| !row.available).collect();
    assert!(failed.is_empty(), "{listing}");
}

#[test]
fn the_codec_asked_for_and_what_the_other_side_decodes_decide() {
    let names = ["x264enc", "vp8enc"];
    let auto = request(&Wanted::Auto);
    assert_eq!(choose(&names, &auto).expect("works").name, "x264enc");
    assert_eq!(choose(&names, &Request { codec: Some(Codec::Vp8), ..auto }).expect("works").name, "vp8enc");
    let choice = choose(&names, &Request { allowed: Some(&[Codec::Vp8]), ..auto }).expect("works");
    assert_eq!(choice.passed_over[0].reason, Reason::NotDecodable(Codec::H264));
    let none = choose(&names, &Request { codec: Some(Codec::H264), allowed: Some(&[Codec::Vp8]), ..auto });
    assert!(
        none.expect_err("none is left").to_string().contains("x264enc: it makes h264, which the other side cannot decode")
    );
}

#[test]
fn an_encoder_that_died_is_followed_by_one_of_the_same_codec() {
    let dead = ["x264enc".to_owned()];
    let died = Request { excluded: &dead, preferred: Some(Codec::H264), ..request(&Wanted::Auto) };
    let choice = choose(&["x264enc", "vp8enc", "openh264enc"], &died).expect("works");
    assert_eq!(choice.name, "openh264enc");
    assert_eq!(choice.passed_over, [PassedOver { name: "x264enc".to_owned(), reason: Reason::Died }]);
}

#[test]
fn an_unknown_name_lists_the_known_ones() {
    let wanted = Wanted::parse("x246enc");
    let error = choose(&["x264enc", "vp8enc"], &request(&wanted)).expect_err("unknown").to_string();
    for word in ["'x246enc'", "x264enc", "vp8enc", "auto"] {
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn launch_text_of_the_users_own_is_taken_and_its_codec_and_delay_found() {
    let wanted = Wanted::parse("x264enc name=encoder tune=zerolatency bitrate={bitrate_kbps}");
    let choice = choose(&["x264enc"], &request(&wanted)).expect("works");
    assert_eq!((choice.name.as_str(), choice.codec, choice.measured.delay_frames), ("custom", Codec::H264, 0));
    assert!(choice.launch.ends_with("bitrate=800") && choice.bitrate.is_some());

    let late = Wanted::parse("x264enc rc-lookahead=5 sync-lookahead=0 bframes=0 threads=1");
    assert!(choose(&["x264enc"], &request(&late)).expect("works").measured.delay_frames >= 5);
}

#[test]
fn launch_text_that_cannot_work_says_why() {
    for (launch, word) in [
        ("nosuchenc foo=1", "nosuchenc"),
        ("x264enc ! ! identity", "^ here"),
        ("x264enc bitrat=1", "bitrat"),
        ("x264enc bitrate={bitrat}", "{bitrat}"),
        ("identity sync=false", "video/x-raw"),
        ("fakesink num-buffers=3", "could not link"),
    ] {
        let error = choose(&["x264enc"], &request(&Wanted::parse(launch))).expect_err(launch).to_string();
        assert!(error.contains(word), "{launch}: {error}");
    }
}

#[test]
fn what_is_not_installed_is_passed_over_without_a_trial_and_named() {
    let choice = choose(&["mpph264enc", "vp8enc"], &request(&Wanted::Auto)).expect("works");
    assert!(choice.passed_over[0].reason.to_string().contains("gstreamer-rockchip"), "{:?}", choice.passed_over);
}

#[test]
fn bitrate_and_keyframes_reach_the_running_encoder() {
    use gstreamer::prelude::*;
    let choice = choose(&["x264enc"], &request(&Wanted::Auto)).expect("works");
    let pipeline = Pipeline::parse("encode", &choice.pipeline).expect("valid");
    let control = Control::new(&pipeline, &choice).expect("complete");
    control.set_bitrate(Bitrate::kbps(1234)).expect("taken");
    let encoder: gst::Element = pipeline.element("encoder").expect("named");
    assert_eq!(encoder.property::<u32>("bitrate"), 1234);
    control.set_bitrate(Bitrate::bps(u64::MAX)).expect("brought into range");

    let frames: gstreamer_app::AppSrc = pipeline.element("frames").expect("named");
    let units: gstreamer_app::AppSink = pipeline.element("units").expect("named");
    pipeline.watch(|event| assert!(!matches!(event, BusEvent::Error(_)), "{event:?}"));
    pipeline.play().expect("starts");
    let mut keyframes = Vec::new();
    for number in 0..6_u64 {
        if number == 4 {
            control.force_keyframe();
        }
        let mut picture = gst::Buffer::from_mut_slice(vec![100_u8; 320 * 240 * 3 / 2]);
        picture.get_mut().expect("unshared").set_pts(gst::ClockTime::from_mseconds(number * 33));
        frames.push_buffer(picture).expect("room");
        let unit = units.try_pull_sample(gst::ClockTime::from_seconds(10)).expect("a picture comes out");
        keyframes.push(!unit.buffer().expect("data").flags().contains(gst::BufferFlags::DELTA_UNIT));
    }
    pipeline.stop();
    assert_eq!(keyframes, [true, false, false, false, true, false]);
}

#[path = "../../tests/support/standin.rs"]
mod standin;

use standin::Behaviour;

#[test]
fn hardware_that_works_is_taken_first() {
    standin::register("nvh264enc", Behaviour::Works);
    let choice = choose(&["nvh264enc", "x264enc"], &request(&Wanted::Auto)).expect("works");
    assert_eq!((choice.name.as_str(), choice.hardware, choice.passed_over.len()), ("nvh264enc", true, 0));
}

#[test]
fn hardware_that_is_installed_but_fails_its_trial_is_passed_over_with_its_own_words() {
    standin::register("vah264enc", Behaviour::DoesNotStart);
    standin::register("qsvh264enc", Behaviour::FailsInTrial);
    let choice = choose(&["vah264enc", "qsvh264enc", "x264enc"], &request(&Wanted::Auto)).expect("works");
    assert_eq!(choice.name, "x264enc");
    let reasons: Vec<String> = choice.passed_over.iter().map(|other| other.reason.to_string()).collect();
    assert!(reasons[0].contains("no such device"), "{reasons:?}");
    assert!(reasons[1].contains("it fails"), "{reasons:?}");

    let wanted = Wanted::parse("vah264enc");
    let error = choose(&["vah264enc", "x264enc"], &request(&wanted)).expect_err("fails").to_string();
    assert!(error.contains("no such device"), "{error}");
}

/// Both printed command lines, as pasted into two terminals; only the number of pictures, the port and the window are changed.
#[test]
fn what_is_printed_plays_in_gst_launch() {
    use std::process::{Command, Stdio};
    let port = std::net::UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port();
    let texts = texts();
    for names in [["x264enc"], ["vp8enc"]] {
        let choice = choose(&names, &request(&Wanted::Auto)).expect("works");
        let send = send_text(&texts, choice.codec, &choice.caps, &choice.printable).expect("complete");
        let receive = receive_text(&texts, choice.codec, 60, "fakesink num-buffers=10").expect("complete");
        let line = |text: &str| gst_launch(&text.replace("port=5004", &format!("port={port}")));
        let run = |line: String| Command::new("sh").args(["-c", &line]).stdout(Stdio::null()).spawn().expect("sh runs");
        let mut sender = run(format!("exec {}", line(&send)));
        let received = run(format!("exec timeout 30 {}", line(&receive))).wait().expect("ends");
        sender.kill().and_then(|()| sender.wait()).expect("ends");
        assert!(received.success(), "{}: {received}", choice.name);
    }
}

#[test]
fn hardware_that_fails_while_running_is_chosen_first_and_then_replaced_by_the_same_codec() {
    standin::register("vaapih264enc", Behaviour::FailsWhileRunning);
    let names = ["vaapih264enc", "vp8enc", "x264enc"];
    let first = choose(&names, &request(&Wanted::Auto)).expect("works");
    assert_eq!(first.name, "vaapih264enc");
    let dead = [first.name];
    let next = Request { excluded: &dead, preferred: Some(first.codec), ..request(&Wanted::Auto) };
    assert_eq!(choose(&names, &next).expect("works").name, "x264enc");
}
