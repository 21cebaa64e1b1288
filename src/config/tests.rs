use std::fs;

use super::*;
use crate::cli::{PipelineCommand, SendConfig};
use crate::congestion::BitrateRule;
use crate::units::Bitrate;

struct Case {
    directory: tempfile::TempDir,
    environment: BTreeMap<String, String>,
}

impl Case {
    fn new(file: &str) -> Case {
        let directory = tempfile::tempdir().expect("a directory");
        if !file.is_empty() {
            fs::write(directory.path().join(DEFAULT_FILE), file).expect("written");
        }
        Case { directory, environment: BTreeMap::new() }
    }

    fn with(mut self, name: &str, value: &str) -> Case {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    fn run(&self, args: &str) -> Result<Settings, ConfigError> {
        settings(&World {
            args: format!("rebound {args}").split(' ').map(OsString::from).collect(),
            environment: self.environment.clone(),
            directory: self.directory.path().to_owned(),
            gstreamer_version: None,
        })
    }

    fn send(&self, args: &str) -> SendConfig {
        match self.run(args).expect("accepted").command {
            Command::Send(config) | Command::Pipeline(PipelineCommand::Send { config, .. }) => *config,
            Command::Demo(config) => config.send,
            other => panic!("{other:?}"),
        }
    }

    fn refused(&self, args: &str) -> String {
        let error = self.run(args).expect_err("refused");
        assert_ne!(error.exit_code(), cli::ExitCode::Ok);
        error.complaint()
    }
}

#[test]
fn flags_win_over_environment_over_file_over_defaults() {
    let file = "[send]\nfps = 50\nbitrate = '5M'\nport = 5000\nseed = 5\n";
    let case = Case::new(file).with("REBOUND_FPS", "40").with("REBOUND_BITRATE", "4M");
    for command in ["send", "pipeline send", "demo"] {
        let config = case.send(&format!("{command} --fps 60"));
        assert_eq!(config.fps.per_second(), 60, "{command}");
        assert_eq!(config.bitrate, BitrateRule::Fixed(Bitrate::kbps(4000)), "{command}");
        assert_eq!(config.port, 5000, "{command}");
        assert_eq!(config.size.to_string(), "640x480", "{command}");
    }
}

#[test]
fn a_flag_with_the_default_value_still_wins() {
    assert_eq!(Case::new("[send]\nfps = 50\n").with("REBOUND_FPS", "40").send("send --fps 30").fps.per_second(), 30);
}

#[test]
fn switches_lists_and_counts_come_from_everywhere() {
    let file = "verbose = 2\n[send]\nice-tcp = true\nice-server = ['turn:a:b@c', 'stun:d']\n";
    let config = Case::new(file).send("send");
    assert!(config.ice_tcp);
    assert_eq!(config.ice_servers.len(), 2);
    assert_eq!(Case::new(file).run("send").expect("accepted").common.verbose, 2);
    let case = Case::new(file).with("REBOUND_ICE_TCP", "no").with("REBOUND_ICE_SERVER", "turn:x:y@z  turn:u:v@w stun:q");
    assert!(!case.send("send").ice_tcp);
    assert_eq!(case.send("send").ice_servers.len(), 3);
    assert_eq!(case.send("send --ice-server stun:e").ice_servers.len(), 1);
}

#[test]
fn the_demo_has_its_own_port_and_length() {
    let Command::Demo(demo) =
        Case::new("[demo]\nreceivers = 3\n[receive]\nhost = 'other'\n").run("demo").expect("ok").command
    else {
        panic!("a demo")
    };
    assert_eq!((demo.send.port, demo.receivers, demo.send.host.as_str()), (0, 3, "127.0.0.1"));
    assert_eq!(demo.duration(), Some(std::time::Duration::from_secs(10)));
}

#[test]
fn unknown_keys_name_key_file_and_the_nearest() {
    for (file, needed) in [
        ("[send]\nmax_receivers = 3\n", ["'max_receivers' in [send]", "'max-receivers'"]),
        ("[receive]\nscene = 'ball'\n", ["'scene' in [receive]", "it belongs in [send]"]),
        ("[recieve]\nport = 1\n", ["'recieve' at the top", "'receive'"]),
        ("fps = 30\n", ["'fps' at the top", "it belongs in [send]"]),
        ("[send]\nlog-dir = 'x'\n", ["'log-dir' in [send]", "it belongs to the top"]),
        ("[send]\ncolour-of-the-sky = 'blue'\n", ["'colour-of-the-sky' in [send]", "docs/configuration.md"]),
        ("config = 'other.toml'\n", ["'config' at the top", "no setting"]),
        ("[send]\nhelp = true\n", ["'help' in [send]", "no setting"]),
    ] {
        let text = Case::new(file).refused("send");
        assert!(needed.iter().all(|part| text.contains(part)) && text.contains(DEFAULT_FILE), "{text}");
    }
}

#[test]
fn wrong_values_name_place_value_and_what_is_allowed() {
    for (file, needed) in [
        ("[send]\nfps = 'fast'\n", ["fps = \"fast\"", "1 to 240"]),
        ("[send]\nfps = [1]\n", ["fps = [1]", "a text or a number"]),
        ("[send]\nchannel = 'slow'\n", ["channel = \"slow\"", "fresh, unordered, reliable or lifetime:MS"]),
        ("[send]\nice-tcp = 'yes'\n", ["ice-tcp = \"yes\"", "true and false"]),
        ("[send]\nscene = 'cube'\n", ["scene = \"cube\"", "ball, hard, gravity, many"]),
        ("[send]\nport = 70000\n", ["port = 70000", "65535"]),
        ("[receive]\njitter-ms = -1\n", ["jitter-ms = -1", "invalid"]),
        ("verbose = 9\n", ["verbose = 9", "0 to 3"]),
        ("[send]\nice-server = ['turn:a:SECRET@']\n", ["ice-server", "or turn[s]:USER:PASSWORD@HOST"]),
        ("[send\n", ["line 1", "TOML"]),
    ] {
        let text = Case::new(file).refused("completions bash");
        assert!(needed.iter().all(|part| text.contains(part)) && text.contains(DEFAULT_FILE), "{text}");
        assert!(!text.contains("SECRET"), "{text}");
    }
    let text = Case::new("").with("REBOUND_PORT", "tcp://10.0.0.1:8080").refused("send");
    assert!(text.contains("REBOUND_PORT = tcp://10.0.0.1:8080"), "{text}");
}

#[test]
fn bad_flags_are_refused_before_anything_starts() {
    let directory = tempfile::tempdir().expect("a directory");
    let nowhere = directory.path().join("missing/report.json").display().to_string();
    for (args, needed) in [
        ("send --size 0x0".to_owned(), "16 to 8192"),
        ("send --size 641x480".to_owned(), "try 642x480"),
        ("send --size 100000x480".to_owned(), "16 to 8192"),
        ("send --fps 0".to_owned(), "1 to 240"),
        ("send --bitrate 3".to_owned(), "3M"),
        ("send --radius 239.5".to_owned(), "at most 239 px"),
        ("send --radius NaN".to_owned(), "from 1 to 4096"),
        ("send --port 65536".to_owned(), "65535"),
        ("send --duration 0".to_owned(), "500ms"),
        ("send --frames 0".to_owned(), "1"),
        ("send --codec mjpeg".to_owned(), "h264, vp8"),
        ("send --ice-server stun:a --ice-server stun:b".to_owned(), "2 STUN servers"),
        ("send --pipelines /nowhere/at/all".to_owned(), "not a directory"),
        ("send --dot /dev/null/x".to_owned(), "/dev/null/x"),
        ("send --report /".to_owned(), "cannot write the report /"),
        (format!("send --report {nowhere}"), "cannot write the report"),
        (format!("receive --snapshot {nowhere}"), "cannot write the snapshot"),
        ("receive ftp://x".to_owned(), "ws and wss"),
        ("receive --detector best".to_owned(), "naive"),
        ("send --ice-server turn:me:SECRET@".to_owned(), "or turn[s]:USER:PASSWORD@HOST"),
        ("send --config /nowhere/rebound.toml".to_owned(), "/nowhere/rebound.toml"),
    ] {
        let text = Case::new("").refused(&args);
        assert!(text.contains(needed) && text.starts_with("error: ") && !text.contains("SECRET"), "{args}: {text}");
    }
}

#[test]
fn checking_a_report_path_leaves_no_trace() {
    let case = Case::new("");
    let path = case.directory.path().join("report.json");
    let args = format!("send --report {}", path.display());
    case.send(&args);
    assert!(!path.exists());
    fs::write(&path, "old").expect("written");
    case.send(&args);
    assert_eq!(fs::read_to_string(&path).expect("there"), "old");
}

#[test]
fn the_encoder_catalogue_gets_its_part_untouched() {
    let settings = Case::new("[[encoder]]\nname = 'mine'\nanything = 1\n").run("encoders").expect("accepted");
    assert_eq!(settings.encoders.get("encoder").and_then(|list| list.get(0)?.get("anything")?.as_integer()), Some(1));
}

#[test]
fn surroundings_are_told_from_settings() {
    let case = Case::new("").with("REBOUND_BITRAET", "1M").with("REBOUND_SERVICE_HOST", "10.0.0.1").with("NO_COLOR", "1");
    let settings = case.with("RUST_LOG", "trace").run("receive -- ws://a").expect("accepted");
    assert_eq!(settings.warnings.len(), 1);
    assert!(settings.warnings[0].contains("REBOUND_BITRATE"), "{:?}", settings.warnings);
    assert_eq!(settings.common.color, Colour::Never);
    assert_eq!(settings.common.log_filter.as_deref(), Some("trace"));
}

#[test]
fn options_of_the_file_stay_options_behind_two_dashes() {
    let Command::Receive(config) = Case::new("[receive]\njitter-ms = 7\n").run("receive -- ws://a").expect("ok").command
    else {
        panic!("a receiver")
    };
    assert_eq!(config.recovery.jitter_ms, cli::JitterMs::Fixed(7));
    assert_eq!(config.signalling_url().map(String::from).as_deref(), Ok("ws://a/ws"));
}

#[test]
fn help_and_version_end_well() {
    for args in ["--help", "send --help", "--version", "pipeline receive -h"] {
        let error = Case::new("").run(args).expect_err("an answer");
        assert_eq!(error.exit_code(), cli::ExitCode::Ok);
        assert!(error.answer(false).is_some_and(|text| !text.contains('\u{1b}')));
    }
    assert_eq!(Case::new("").run("sned").expect_err("refused").exit_code(), cli::ExitCode::Usage);
}

/// The table of a command's own settings as it stands in the documentation.
fn documented(command: &clap::Command, global: bool) -> String {
    let mut table = "| Flag | Environment | File | Default | What |\n|---|---|---|---|---|\n".to_owned();
    for arg in command.get_arguments().filter(|arg| arg.is_global_set() == global) {
        let Some(variable) = cli::environment_name(arg) else { continue };
        let help = arg.get_help().expect("explained").to_string().replace(&format!(" [env: {variable}]"), "");
        let (help, told_default) = help.split_once(" [default: ").unwrap_or((&help, ""));
        let default = match arg.get_default_values() {
            [value] if arg.get_action().takes_values() => format!("`{}`", value.to_string_lossy()),
            _ => told_default.trim_end_matches(']').to_owned(),
        };
        let (long, key) = (arg.get_long().expect("named"), key(arg).map(|key| format!("`{key}`")).unwrap_or_default());
        table += &format!("| `--{long}` | `{variable}` | {key} | {default} | {} |\n", help.replace('|', "\\|"));
    }
    table
}

#[test]
fn the_documentation_lists_every_setting_as_it_is() {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/configuration.md")).expect("there");
    let definition = cli::command(None);
    let command = |name: &str| definition.find_subcommand(name).expect("known");
    let mut demo = command("demo").clone();
    let of_send: Vec<_> = command("send").get_arguments().map(Arg::get_id).cloned().collect();
    demo = demo.mut_args(|arg| if of_send.contains(arg.get_id()) { arg.long(None::<&str>) } else { arg });
    for table in [
        documented(&definition, true),
        documented(command("send"), false),
        documented(command("receive"), false),
        documented(&demo, false),
        documented(command("serve"), false),
    ] {
        assert!(text.contains(&table), "docs/configuration.md lacks this table:\n{table}");
    }
    for code in cli::ExitCode::ALL {
        let row = format!("| {} | {} |\n", code as u8, code.meaning());
        assert!(text.contains(&row), "docs/configuration.md lacks: {row}");
    }
}
