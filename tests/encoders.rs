//! Encoders that die while running, and hardware that is there, is not, or breaks: the loop goes on.

use std::path::Path;

use clap::FromArgMatches;
use rebound::cli::{self, Cli, Command, ExitCode};
use rebound::{logging, sender};

use crate::support::process::rebound;
use crate::support::report::Report;
use crate::support::roles::{Receiver, Sender};
use crate::support::standin::{self, Behaviour, RUNNING_PICTURES};
use crate::support::{beside_others, free_port};

/// An encoder that passes its trial and dies after these pictures.
const MORTAL_PICTURES: u64 = 60;

fn settings_with_mortal_encoder() -> tempfile::NamedTempFile {
    let settings = format!(
        r#"
[[encoder]]
name = "mortal"
codec = "h264"
hardware = true
elements = ["x264enc", "h264parse", "identity"]
launch = """identity error-after={MORTAL_PICTURES} ! x264enc name=encoder tune=zerolatency speed-preset=ultrafast
  bitrate={{bitrate_kbps}} ! video/x-h264,profile=constrained-baseline ! h264parse"""
"#
    );
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), settings).expect("is written");
    file
}

#[test]
fn an_encoder_that_dies_is_replaced_without_ending_the_session() {
    let _machine = beside_others();
    let settings = settings_with_mortal_encoder();
    let mut command = rebound(["send", "--frames", "180", "--config"]);
    let mut sender = Sender::spawn(command.arg(settings.path()), 0);
    let receiver = sender.receiver("one");
    sender.wait_for("encoder chosen encoder=\"mortal\"");
    let report = sender.report();
    sender.wait_for("the encoder failed, the next one takes over");
    assert_eq!(report.text("/encoder/name"), "x264enc");
    assert_eq!(report.0["encoder"]["hardware"], false);
    assert_goes_on(&report, MORTAL_PICTURES);
    assert_eq!(receiver.said_times("connected: the sender's certificate"), 1, "one session\n{}", receiver.said());
}

/// More was matched than the encoder made before it died, all of it right, in one session.
fn assert_goes_on(report: &Report, before: u64) {
    report.assert_sound();
    assert_eq!(report.receivers().len(), 1, "one session: {:#}", report.0);
    assert!(report.count("/frames/matched") >= before + 20, "{:#}", report.0);
    assert!(report.number("/error_px/max") < 1.0, "{:#}", report.0);
}

#[test]
fn an_encoder_of_another_codec_takes_over_if_there_is_none_of_the_same() {
    let _machine = beside_others();
    let settings = settings_with_mortal_encoder();
    // Nothing else makes H.264 here.
    let pipelines = tempfile::tempdir().expect("a directory");
    let only_vp8 = "[[encoder]]\nname = \"vp8enc\"\ncodec = \"vp8\"\nhardware = false\nelements = [\"vp8enc\"]\n\
        launch = \"vp8enc name=encoder deadline=1 target-bitrate={bitrate_bps} keyframe-max-dist={gop}\"\n";
    std::fs::write(pipelines.path().join("encoders.toml"), only_vp8).expect("is written");
    let mut command = rebound(["send", "--frames", "180", "--config"]);
    let mut sender = Sender::spawn(command.arg(settings.path()).arg("--pipelines").arg(pipelines.path()), 0);
    let _receiver = sender.receiver("one");
    sender.wait_for("encoder chosen encoder=\"mortal\"");
    let report = sender.report();
    assert_eq!(report.text("/encoder/codec"), "VP8");
    report.assert_sound();
    assert!(report.count("/frames/matched") >= MORTAL_PICTURES, "{:#}", report.0);
}

/// Runs a sender in this process, where the stand-ins are.
fn send_here(log: &logging::Log, frames: u64) -> Report {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("report.json");
    let port = free_port();
    let (settings, common) = settings(port, frames, &file);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let _receiver = Receiver::start(&format!("ws://127.0.0.1:{port}/ws"), "one", &[]);
    let code = runtime.block_on(sender::run(&settings, &toml::Table::new(), &common, log, Vec::new()));
    assert_eq!(code.expect("it runs"), ExitCode::Ok);
    Report::read(&file)
}

fn settings(port: u16, frames: u64, report: &Path) -> (cli::SendConfig, cli::Common) {
    let (port, frames, report) = (port.to_string(), frames.to_string(), report.to_string_lossy());
    let words = ["rebound", "send", "--port", &port, "--frames", &frames, "--report", &report, "--quiet"];
    let matches = cli::command(None).try_get_matches_from(words).expect("options");
    let Cli { command, common } = Cli::from_arg_matches(&matches).expect("options");
    let Command::Send(config) = command else { panic!("send") };
    (*config, common)
}

/// One test for all, because what is registered is registered for the whole process.
#[test]
fn hardware_is_chosen_first_passed_over_when_its_trial_fails_and_replaced_when_it_fails_while_running() {
    let _machine = beside_others();
    standin::register("nvcudah264enc", Behaviour::FailsInTrial);
    standin::register("nvh264enc", Behaviour::FailsWhileRunning);
    standin::register("vah264enc", Behaviour::DoesNotStart);
    let (_, common) = settings(0, 1, Path::new("unused.json"));
    let log = logging::start(&common, "send").expect("the only log of the tests");

    let before_it_fails = send_here(&log, 30);
    assert_eq!(before_it_fails.text("/encoder/name"), "nvh264enc");
    assert_eq!(before_it_fails.0["encoder"]["hardware"], true);
    before_it_fails.assert_sound();
    before_it_fails.assert_closed();

    let after_it_failed = send_here(&log, 180);
    assert_eq!(after_it_failed.text("/encoder/name"), "x264enc");
    assert_goes_on(&after_it_failed, u64::try_from(RUNNING_PICTURES).expect("is positive"));
}
