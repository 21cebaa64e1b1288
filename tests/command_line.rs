//! The command line as people and scripts use it.

use std::fs::{self, File};
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;
use rebound::cli;

use crate::support::beside_others;
use crate::support::process::{Process, rebound, run};
use crate::support::roles::Sender;

/// Runs the program, which must end well, and gives its output.
fn answer(arguments: &[&str]) -> String {
    let ended = run(arguments);
    assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
    ended.stdout
}

/// The words of every command there is, as `pipeline send`.
fn commands(command: &clap::Command, path: &[String]) -> Vec<Vec<String>> {
    let inner = command.get_subcommands().filter(|inner| inner.get_name() != "help");
    let deeper = inner.flat_map(|inner| commands(inner, &[path, &[inner.get_name().to_owned()]].concat()));
    std::iter::once(path.to_vec()).chain(deeper).collect()
}

#[test]
fn help_is_an_answer_on_stdout_for_every_command() {
    let commands = commands(&cli::command(None), &[]);
    assert!(commands.len() >= 10, "{commands:?}");
    for command in commands {
        let words: Vec<&str> = command.iter().map(String::as_str).chain(["--help"]).collect();
        let ended = run(&words);
        let usage = format!("Usage: rebound {}", command.join(" "));
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{words:?}");
        assert!(ended.stdout.contains(usage.trim_end()), "{words:?}:\n{}", ended.stdout);
    }
    assert_eq!(answer(&["help", "pipeline", "send"]), answer(&["pipeline", "send", "--help"]));
}

#[test]
fn the_version_names_ours_and_gstreamers() {
    let version = answer(&["--version"]);
    assert!(version.starts_with(&format!("rebound {} (GStreamer 1.", env!("CARGO_PKG_VERSION"))), "{version}");
    let ended = run(&[]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "nothing asked for is a mistake");
    assert!(ended.stderr.contains("rebound demo"), "{}", ended.stderr);
}

#[test]
fn completions_are_scripts_that_their_shell_reads() {
    let script = answer(&["completions", "bash"]);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("rebound.bash");
    fs::write(&file, &script).unwrap();
    let complete = format!(
        ". {} && COMP_WORDS=(rebound send --enc) COMP_CWORD=2 && _rebound rebound --enc send && echo ${{COMPREPLY[@]}}",
        file.display()
    );
    let output = Command::new("bash").args(["--norc", "-c", &complete]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "--encoder", "{output:?}");
    for shell in ["elvish", "fish", "powershell", "zsh"] {
        assert!(answer(&["completions", shell]).contains("max-receivers"), "{shell}");
    }
}

#[test]
fn the_list_of_encoders_is_json_for_scripts() {
    let listing: serde_json::Value =
        serde_json::from_str(&answer(&["encoders", "--json", "--size", "320x240", "--fps", "25"])).expect("JSON");
    assert_eq!((&listing["size"], &listing["fps"]), (&"320x240".into(), &25.into()));
    let encoders = listing["encoders"].as_array().expect("a list");
    let x264 = encoders.iter().find(|encoder| encoder["name"] == "x264enc").expect("in the list");
    assert_eq!((&x264["available"], &x264["hardware"], &x264["codec"]), (&true.into(), &false.into(), &"H264".into()));
    for encoder in encoders {
        let available = encoder["available"].as_bool().expect("known");
        assert_eq!(encoder["ms_per_frame"].as_f64().is_some_and(|ms| ms > 0.0), available, "{encoder}");
        assert_eq!(encoder["reason"].is_null(), available, "{encoder}");
    }
}

/// A port that no other test plays to.
fn free_udp_port() -> u16 {
    UdpSocket::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// What `rebound pipeline` printed, run by a shell; `exec` so that a signal reaches gst-launch, whose words go to stderr.
fn pasted(line: &str) -> Process {
    assert!(line.starts_with("gst-launch-1.0 -v ") && !line.contains('\n'), "{line}");
    Process::start(Command::new("sh").args(["-c", &format!("exec {line} >&2")]))
}

#[test]
fn printed_pipelines_play_pasted_into_two_shells() {
    let _machine = beside_others();
    for codec in ["h264", "vp8"] {
        let port = format!("port={}", free_udp_port());
        let there = answer(&["pipeline", "send", "--codec", codec, "--size", "320x240"]).replace("port=5004", &port);
        let here = answer(&["pipeline", "receive", "--codec", codec]).replace("port=5004", &port);
        assert!(there.contains(&port) && here.contains(&port) && here.contains(" autovideosink "), "{there}\n{here}");
        let mut sender = pasted(&there);
        // The receiver comes late: the first keyframe is gone by then.
        sender.wait_for("caps = application/x-rtp");
        let ended = pasted(&here.replace(" autovideosink ", " fakesink num-buffers=10 ")).ended();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(
            ended.stderr.contains("GstFakeSink:sink.GstPad:sink: caps = video/x-raw, format=(string)I420, width=(int)320"),
            "{}",
            ended.stderr
        );
        sender.signal(Signal::SIGINT);
        sender.ended();
    }
}

/// The moments of which a graph lies in a directory, sorted; each must be one that `dot` reads.
fn graphs(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut moments: Vec<String> = entries
        .map(|path| {
            assert!(fs::read_to_string(&path).unwrap().starts_with("digraph pipeline"), "{}", path.display());
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            name.split_once('-').expect("time and pipeline").1.trim_end_matches(".dot").to_owned()
        })
        .collect();
    moments.sort();
    moments
}

#[test]
fn a_pipeline_played_here_tells_its_caps_draws_its_graphs_and_ends_well() {
    let directory = tempfile::tempdir().unwrap();
    let dot = directory.path().join("graphs");
    let mut command = rebound(["pipeline", "send", "--run", "-v", "--size", "320x240", "--dot"]);
    let mut playing = Process::start(command.arg(&dot));
    playing.wait_for("GstX264Enc:encoder.GstPad:src: caps = video/x-h264");
    playing.wait_for("GstUDPSink:sink.GstPad:sink: caps = application/x-rtp");
    playing.signal(Signal::SIGINT);
    let ended = playing.ended();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(graphs(&dot), ["pipeline.end", "pipeline.start"]);
}

#[test]
fn graphs_are_written_on_start_connect_and_end() {
    let _machine = beside_others();
    let directory = tempfile::tempdir().unwrap();
    let (there, here) = (directory.path().join("there"), directory.path().join("here"));
    let mut sender = Sender::start(&["--frames", "10", "--codec", "h264", "--dot", there.to_str().unwrap()]);
    let mut receiver = sender.receiver_with("drawn", &["--dot", here.to_str().unwrap()]);
    sender.report();
    receiver.signal(Signal::SIGINT);
    assert_eq!(receiver.ended().code, Some(0));
    let expected = ["encode.end", "encode.start", "peer-1.connected", "peer-1.end", "peer-1.start"];
    assert_eq!(graphs(&there), expected);
    assert_eq!(graphs(&here), ["receive.connected", "receive.end", "receive.start"]);
}

/// The objects of a log in JSON lines; every line must be one.
fn json_lines(text: &str) -> Vec<serde_json::Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

#[test]
fn gstreamers_log_arrives_in_ours() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = rebound(["send", "--port", "0", "--duration", "100ms", "--log-format", "json", "--log-dir"]);
    let command = command.arg(directory.path()).env("GST_DEBUG", "GST_STATES:5").env("GST_DEBUG_FILE", "/dev/null");
    let ended = Process::start(command).ended();
    assert_eq!(ended.code, Some(4), "{ended:?}");
    let file = fs::read_to_string(directory.path().join("send.log")).unwrap();
    for log in [json_lines(&ended.stderr), json_lines(&file)] {
        let is_from_gstreamer = |line: &&serde_json::Value| line["target"] == "gst" && line["category"] == "GST_STATES";
        let from_gstreamer: Vec<_> = log.iter().filter(is_from_gstreamer).collect();
        assert!(from_gstreamer.iter().any(|line| line["level"] == "DEBUG"), "{} lines", log.len());
        let ours =
            |line: &serde_json::Value| line["message"].as_str().is_some_and(|text| text.contains("receivers may come"));
        assert!(log.iter().any(ours), "{} lines", log.len());
    }
}

#[test]
fn quiet_means_the_report_alone() {
    let ended = run(&["send", "--port", "0", "--duration", "100ms", "--quiet"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(4), ""), "nobody came, and nothing is said about it");
    assert!(ended.stdout.contains("matched"), "{}", ended.stdout);
    let ended = run(&["send", "--port", "0", "--duration", "100ms"]);
    assert!(ended.stderr.contains("frames 0"), "the live line is said without --quiet: {}", ended.stderr);
}

#[test]
fn health_tells_a_sender_from_none() {
    let sender = Sender::start(&[]);
    let url = format!("http://127.0.0.1:{}/health", sender.port);
    assert_eq!(answer(&["health", &url]), "");
    let ended = run(&["health", &format!("{url}/of/nothing")]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("404"), "{}", ended.stderr);
    drop(sender);
    let ended = run(&["health", &url]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains(&format!("no sender answers at {url}")), "{}", ended.stderr);
}

#[test]
fn a_flag_wins_over_the_environment_over_the_file_over_the_default() {
    let directory = tempfile::tempdir().unwrap();
    let rate = |flag: &[&str], variable: Option<&str>| {
        let mut command = rebound(["pipeline", "send", "--codec", "h264"]);
        command.args(flag).current_dir(directory.path()).envs(variable.map(|fps| ("REBOUND_FPS", fps)));
        let ended = Process::start(&mut command).ended();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended.stdout.split("framerate=").nth(1).and_then(|rest| rest.split('/').next()).map(str::to_owned)
    };
    assert_eq!(rate(&[], None).as_deref(), Some("30"));
    fs::write(directory.path().join("rebound.toml"), "[send]\nfps = 25\n").unwrap();
    assert_eq!(rate(&[], None).as_deref(), Some("25"));
    assert_eq!(rate(&[], Some("50")).as_deref(), Some("50"));
    assert_eq!(rate(&["--fps", "60"], Some("50")).as_deref(), Some("60"));
}

#[test]
fn a_report_on_stdout_is_nothing_but_json() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut command = rebound(["send", "--port", "0", "--duration", "100ms", "--report", "-"]);
    let stdout = File::create(file.path()).unwrap();
    let status = command.stdin(Stdio::null()).stdout(stdout).stderr(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(4));
    let report = crate::support::report::Report::read(file.path());
    assert_eq!(report.count("/frames/matched"), 0);
}

#[test]
fn verbose_tells_caps_and_properties_as_gst_launch_does() {
    let _machine = beside_others();
    let mut sender = Sender::start(&["-v", "--frames", "5", "--codec", "h264"]);
    let mut receiver = sender.receiver_with("watched", &["-v"]);
    sender.wait_for("GstX264Enc:encoder.GstPad:src: caps = video/x-h264");
    receiver.wait_for("GstPad:src: caps = video/x-raw, format=(string)I420, width=(int)640");
    sender.report();
    receiver.signal(Signal::SIGINT);
    let ended = receiver.ended();
    assert_eq!(ended.code, Some(0), "{ended:?}");
}
