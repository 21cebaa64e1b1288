//! What is wrong is refused with the documented exit code and a text that helps; what is disturbed goes on.

mod signalling;

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Stdio;

use crate::support::process::{Ended, Process, rebound, run};

/// Runs the program and checks that it refuses: with this code, with all of this on stderr, and with nothing on stdout.
fn refused(arguments: &[&str], code: i32, needed: &[&str]) -> Ended {
    let ended = run(arguments);
    assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
    for part in needed {
        assert!(ended.stderr.contains(part), "{arguments:?} does not say '{part}':\n{}", ended.stderr);
    }
    assert_eq!(ended.stdout, "", "{arguments:?}");
    assert!(!ended.stderr.contains("receivers may come"), "{arguments:?} started:\n{}", ended.stderr);
    ended
}

#[test]
fn values_out_of_range_say_what_is_allowed() {
    for (arguments, needed) in [
        ("send --size 0x0", ["size 0x0", "16 to 8192"]),
        ("send --size 641x480", ["641x480 is odd", "try 642x480"]),
        ("send --size 100000x100000", ["100000x100000", "16 to 8192"]),
        ("send --fps 0", ["'0'", "1 to 240"]),
        ("encoders --fps 0", ["'0'", "1 to 240"]),
        ("send --scene cube", ["'cube'", "ball, hard, gravity, many"]),
        ("send --codec mp4", ["'mp4'", "h264, vp8, vp9, av1 and h265"]),
        ("receive --detector best", ["'best'", "ball, naive"]),
        ("demo --tls-cert hub.crt", ["talks to itself in the clear", "rebound serve"]),
        ("demo --size 0x0", ["size 0x0", "16 to 8192"]),
        ("send --sise 640x480", ["--sise", "--size"]),
        ("sned", ["'sned'", "send"]),
    ] {
        let words: Vec<&str> = arguments.split(' ').collect();
        let ended = refused(&words, 2, &needed);
        assert!(ended.stderr.starts_with("error: "), "{}", ended.stderr);
    }
}

#[test]
fn an_unknown_encoder_is_answered_with_the_known_ones() {
    let text = refused(&["send", "--port", "0", "--encoder", "h264"], 2, &["unknown encoder 'h264'"]).stderr;
    let table: toml::Table = include_str!("../pipelines/encoders.toml").parse().unwrap();
    for entry in table["encoder"].as_array().unwrap() {
        let name = entry["name"].as_str().unwrap();
        assert!(text.contains(&format!(" {name},")), "{name} is not named:\n{text}");
    }
}

#[test]
fn launch_text_with_a_missing_element_names_it_and_its_debian_package() {
    let text = "avdec_nosuch ! x264enc";
    refused(
        &["send", "--port", "0", "--encoder", text],
        6,
        &["avdec_nosuch (Debian package gstreamer1.0-libav)", "apt install"],
    );
    refused(&["send", "--port", "0", "--encoder", "nosuchenc ! h264parse"], 6, &["nosuchenc", "is the name right?"]);
    refused(&["send", "--port", "0", "--encoder", "x264enc bitrat=1"], 6, &["\"bitrat\"", "x264enc bitrat=1"]);
}

#[test]
fn launch_text_with_a_syntax_error_shows_the_place() {
    let ended = refused(&["send", "--port", "0", "--encoder", "x264enc ! ! h264parse"], 6, &["syntax error"]);
    let lines: Vec<&str> = ended.stderr.lines().collect();
    let text = lines.iter().position(|line| line.ends_with("x264enc ! ! h264parse")).expect("the text is shown");
    let column = lines[text + 1].find("^ here").expect("an arrow below it");
    assert_eq!(&lines[text][column..], "! h264parse");
}

/// A machine on which GStreamer finds no plugins at all.
fn without_plugins(arguments: &[&str]) -> Ended {
    let empty = tempfile::tempdir().unwrap();
    let mut command = rebound(arguments);
    for variable in ["GST_PLUGIN_SYSTEM_PATH_1_0", "GST_PLUGIN_SYSTEM_PATH", "GST_PLUGIN_PATH_1_0", "GST_PLUGIN_PATH"] {
        command.env(variable, empty.path());
    }
    Process::start(command.env("GST_REGISTRY", empty.path().join("registry"))).ended()
}

#[test]
fn without_a_usable_encoder_each_says_why_it_is_passed_over() {
    let ended = without_plugins(&["send", "--port", "0", "--codec", "av1"]);
    assert_eq!(ended.code, Some(6), "{ended:?}");
    assert!(ended.stderr.contains("no encoder for av1 can be used here"), "{}", ended.stderr);
    for name in ["nvav1enc", "vaav1enc", "svtav1enc", "av1enc"] {
        assert!(ended.stderr.contains(&format!("\n  {name}: not installed: ")), "{name}:\n{}", ended.stderr);
    }
    let ended = without_plugins(&["send", "--port", "0"]);
    assert_eq!(ended.code, Some(6), "{ended:?}");
    assert!(ended.stderr.contains("x264enc (Debian package gstreamer1.0-plugins-ugly)"), "{}", ended.stderr);
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let needed = [&format!("port {port} on 127.0.0.1 is in use"), "--port"];
    refused(&["send", "--port", &port], 5, &needed);
    refused(&["demo", "--port", &port, "--seconds", "1"], 5, &needed);
    refused(&["send", "--host", "no such host"], 2, &["'no such host'"]);
    refused(&["send", "--host", "192.0.2.1"], 5, &["192.0.2.1 is not an address of this machine"]);
}

#[test]
fn a_sender_that_cannot_be_reached_is_given_up_when_asked_to() {
    let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("ws://{}", free.local_addr().unwrap());
    // It takes connections, and never answers.
    refused(&["receive", &url, "--connect-timeout", "500ms"], 5, &[&format!("no sender at {url}/ws within 500ms")]);
    drop(free);
    let needed = [&format!("no sender at {url}/ws within 500ms"), "rebound send"];
    refused(&["receive", &url, "--connect-timeout", "500ms"], 5, &needed);
}

#[test]
fn a_server_that_is_no_sender_is_named() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let serve = move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    };
    std::thread::Builder::new().name("no sender".to_owned()).spawn(serve).unwrap();
    refused(&["receive", &url], 5, &[&format!("{url}/ws is not a rebound sender"), "404", "check the host and the port"]);
}

#[test]
fn paths_that_cannot_be_written_are_refused_before_anything_starts() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a file");
    std::fs::write(&file, "").unwrap();
    let below_a_file = file.join("x").display().to_string();
    let missing = directory.path().join("missing/x").display().to_string();
    for (arguments, needed) in [
        (["send", "--report", &missing], "cannot write the report"),
        (["send", "--report", "/"], "cannot write the report /"),
        (["send", "--log-dir", &below_a_file], "cannot write the log"),
        (["send", "--dot", &below_a_file], "cannot write graphs into"),
        (["receive", "--snapshot", &missing], "cannot write the snapshot"),
        (["receive", "--log-dir", &below_a_file], "cannot write the log"),
        (["demo", "--report", &missing], "cannot write the report"),
    ] {
        let text = refused(&arguments, 2, &[needed, arguments[2]]).stderr;
        assert_eq!(text.matches("(os error").count(), usize::from(arguments[2] != "/"), "{text}");
    }
}

#[test]
fn a_report_on_a_full_disk_is_an_error_and_the_table_is_still_there() {
    let ended = run(&["send", "--port", "0", "--duration", "100ms", "--report", "/dev/full"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("error: the report cannot be written to /dev/full: No space left"), "{}", ended.stderr);
    assert!(ended.stdout.starts_with("rebound ") && ended.stdout.contains("matched"), "{}", ended.stdout);
}

#[test]
fn a_full_disk_behind_stdout_is_an_error() {
    let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    for arguments in [&["completions", "bash"][..], &["send", "--port", "0", "--duration", "100ms"]] {
        let output = rebound(arguments).stdout(full()).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains("error: cannot write to standard output: No space left"), "{stderr}");
    }
}

#[test]
fn readers_that_leave_end_nothing_badly() {
    for arguments in [
        &["encoders"][..],
        &["encoders", "--json"],
        &["demo", "--help"],
        &["completions", "bash"],
        &["send", "--port", "0", "--quiet", "--duration", "100ms"],
    ] {
        let mut command = rebound(arguments);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        let expected = if arguments[0] == "send" { 4 } else { 0 };
        assert_eq!(output.status.code(), Some(expected), "{arguments:?}: {stderr}");
        assert!(!stderr.contains("panicked") && !stderr.contains("error"), "{arguments:?}: {stderr}");
    }
}

#[test]
fn a_settings_file_that_is_wrong_is_named_with_the_key() {
    for (content, needed) in [
        ("[send]\nsizee = '640x480'\n", ["'sizee' in [send]", "did you mean 'size'?"]),
        ("[send]\nfps = 'fast'\n", ["fps = \"fast\"", "1 to 240"]),
        ("[send]\nice-tcp = 1\n", ["ice-tcp = 1", "true and false"]),
        ("[receive]\njitter-ms = [1]\n", ["jitter-ms = [1]", "a text or a number"]),
        ("fps = 30\n", ["'fps' at the top", "it belongs in [send]"]),
        ("[send\n", ["line 1", "[send"]),
    ] {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("rebound.toml"), content).unwrap();
        let ended = Process::start(rebound(["send"]).current_dir(directory.path())).ended();
        assert_eq!(ended.code, Some(2), "{ended:?}");
        for part in needed.iter().chain([&"rebound.toml"]) {
            assert!(ended.stderr.contains(part), "'{part}' is not said:\n{}", ended.stderr);
        }
    }
}
