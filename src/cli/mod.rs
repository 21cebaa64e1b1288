//! The command line: syntax only. Every setting is one field here, its type is its check, its default and its help stand beside
//! it. `crate::config` fills the settings that the command line leaves open from the environment and the file.

mod access;
mod assert;
mod bench;
mod budget;
mod exit;
mod ice;
mod ice_policy;
mod impair;
mod publish;
mod receive;
mod recovery;
mod redact;
mod replay;
mod send;
mod serve;
mod session;
mod source;
mod tls;
mod trace;
mod turn;
mod values;
mod whip;
mod witness;

use std::path::PathBuf;

use clap::builder::{Styles, styling::AnsiColor};
use clap::{ArgAction, Args, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::codec::Codec;
use crate::units::{Fps, Size};

pub use access::{AccessArgs, Auth, TokenConfig};
pub use assert::AssertConfig;
pub use bench::{AxesConfig, BenchConfig};
pub use budget::BudgetOptions;
pub use exit::ExitCode;
pub use ice::{IceServer, IceServerError, Secret, TurnTransport};
pub use ice_policy::{IcePolicy, IcePolicyArgs};
pub use impair::ImpairConfig;
pub use publish::PublishArgs;
pub use receive::ReceiveConfig;
pub use recovery::{JitterMs, ReceiveRecovery, SendRecovery};
pub use redact::{redact, redact_command};
pub use replay::{DiffConfig, ReplayConfig};
pub use send::{DEFAULT_PORT, DemoConfig, SendConfig};
pub use serve::ServeConfig;
pub use session::SessionArgs;
pub use source::SourceConfig;
pub use tls::{TlsArgs, TrustArgs};
pub use trace::TraceArgs;
pub use turn::{TurnArgs, TurnUrl};
pub use whip::{WhepArgs, WhipArgs};
pub use witness::{CalibrateConfig, WitnessConfig};

/// What stands before a setting's name in the environment: `--max-receivers` is `REBOUND_MAX_RECEIVERS`.
pub const ENVIRONMENT_PREFIX: &str = "REBOUND_";

const ABOUT: &str = "Closes the loop of video, detection and coordinates over WebRTC, and tells how wrong and how late every \
frame's answer is.";

const EXAMPLES: &str = "\
Examples:
  rebound demo                     both ends here for ten seconds, then a report
  rebound send --scene hard        wait for receivers on 127.0.0.1:8080
  rebound receive --port 8080      look at the video, send coordinates back
  rebound bench                    a matrix of runs, one minute, then a report
  rebound encoders                 what this machine can encode with, how fast
  rebound pipeline send            the pipeline as text for gst-launch-1.0

Settings: a flag wins over its environment variable (--max-receivers is
REBOUND_MAX_RECEIVERS), that over the file (rebound.toml in the working
directory, or --config FILE), that over the default. A switch cannot be taken
back by a flag. docs/configuration.md lists all settings.";

const COLOURS: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Everything on the command line.
#[derive(Clone, Debug, Parser)]
#[command(name = "rebound", about = ABOUT, styles = COLOURS, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What holds for all of them.
    #[command(flatten)]
    pub common: Common,
}

/// A role's settings where nobody gives any.
pub(crate) fn defaults<A: Args>() -> A {
    let matches = A::augment_args(clap::Command::new("defaults")).get_matches_from(["defaults"]);
    A::from_arg_matches(&matches).expect("what may be left out has a default")
}

/// The subcommands.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Make video of a scene, send it to every receiver, and join what comes back to the frame it was seen in
    Send(Box<SendConfig>),
    /// Receive the video, find the objects in it, and send their coordinates back
    Receive(Box<ReceiveConfig>),
    /// Where senders and receivers of many sessions find each other
    Serve(Box<ServeConfig>),
    /// Make a token for a hub that asks for one
    Token(TokenConfig),
    /// Sender and receivers as processes on this machine: live view, then the report
    Demo(Box<DemoConfig>),
    /// Measure every cell of a matrix of encoders, bitrates, networks and so on, each with processes of its own, and report
    Bench(Box<BenchConfig>),
    /// Score a traced run again: with another limit, or a recording with another detector
    Replay(ReplayConfig),
    /// Two reports or two traces side by side
    Diff(DiffConfig),
    /// The encoders, in the order they are tried: usable here or why not, hardware or software, how fast
    Encoders(EncodersConfig),
    /// What the instrument itself adds: clock, wake-ups, the loop without network and codec, renderer and detector
    Calibrate(CalibrateConfig),
    /// Print (or play) a pipeline as text for gst-launch-1.0
    #[command(subcommand)]
    Pipeline(PipelineCommand),
    /// Ask a sender whether it is well: exit code 0 if it is
    #[command(after_help = "Example:\n  rebound health http://sender:8080/health")]
    Health {
        /// Where it says so
        #[arg(default_value = "http://127.0.0.1:8080/health", value_parser = values::http_url)]
        url: url::Url,
        /// Whose certificate it may have.
        #[command(flatten)]
        trust: TrustArgs,
    },
    /// Print a completion script for a shell
    #[command(after_help = "Example:\n  rebound completions bash > ~/.local/share/bash-completion/completions/rebound")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

impl Command {
    /// The name of the subcommand; it names the log file too.
    pub fn name(&self) -> &'static str {
        match self {
            Command::Send(_) => "send",
            Command::Receive(_) => "receive",
            Command::Serve(_) => "serve",
            Command::Token(_) => "token",
            Command::Demo(_) => "demo",
            Command::Bench(_) => "bench",
            Command::Replay(_) => "replay",
            Command::Diff(_) => "diff",
            Command::Encoders(_) => "encoders",
            Command::Calibrate(_) => "calibrate",
            Command::Pipeline(_) => "pipeline",
            Command::Health { .. } => "health",
            Command::Completions { .. } => "completions",
        }
    }
}

/// `rebound encoders`
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Example:\n  rebound encoders --size 1920x1080 --fps 60 --json | jq '.encoders[] | select(.available)'"
)]
pub struct EncodersConfig {
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
    /// Frame size of the trial encode
    #[arg(long, value_name = "WxH", default_value = "640x480")]
    pub size: Size,
    /// Frame rate of the trial encode
    #[arg(long, value_name = "N", default_value = "30")]
    pub fps: Fps,
    /// Pipelines and encoder table from this directory instead of the built-in ones
    #[arg(long, value_name = "DIR")]
    pub pipelines: Option<PathBuf>,
}

/// `rebound pipeline`
#[derive(Clone, Debug, Subcommand)]
pub enum PipelineCommand {
    /// What `rebound send` would run with the same options
    Send {
        /// The sender's options.
        #[command(flatten)]
        config: Box<SendConfig>,
        /// Play it on this machine instead of printing it
        #[arg(long)]
        run: bool,
    },
    /// What `rebound receive` would run with the same options
    Receive {
        /// The receiver's options.
        #[command(flatten)]
        config: Box<ReceiveConfig>,
        /// The codec that `rebound pipeline send` chose: h264, vp8, vp9, av1, h265 [default: the first that can be decoded here]
        #[arg(long, value_name = "NAME", help_heading = "Video")]
        codec: Option<Codec>,
        /// Play it on this machine instead of printing it
        #[arg(long)]
        run: bool,
    },
}

/// Options of every subcommand.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Log and settings")]
pub struct Common {
    /// Say more: -v debug messages, caps and property changes as gst-launch-1.0 -v does; -vv every frame
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// No live view, and only warnings in the log; a report is still printed
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// How log lines on stderr look
    #[arg(long, global = true, value_name = "FORMAT", default_value = "human")]
    pub log_format: LogFormat,
    /// Also write the log to DIR/ROLE.log as JSON lines: 5 files of at most 10 MB are kept
    #[arg(long, global = true, value_name = "DIR")]
    pub log_dir: Option<PathBuf>,
    /// Colours; 'auto' means on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Colour,
    /// Settings file; without it rebound.toml in the working directory, if there is one
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What is worth logging, in tracing's syntax; from `REBOUND_LOG`, else from `RUST_LOG`.
    #[arg(skip)]
    pub log_filter: Option<String>,
}

/// `--log-format`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

/// `--color`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal.
    Auto,
    /// Also into files and pipes.
    Always,
    /// Not at all.
    Never,
}

/// The whole definition, with the environment variable of each setting in its help. `gstreamer_version` is what
/// `gstreamer::version_string()` says.
pub fn command(gstreamer_version: Option<&str>) -> clap::Command {
    let version = match gstreamer_version {
        Some(gstreamer) => format!("{} ({gstreamer})", env!("CARGO_PKG_VERSION")),
        None => env!("CARGO_PKG_VERSION").to_owned(),
    };
    let help = format!("{EXAMPLES}\n\n{}", ExitCode::help());
    let demo_beside_a_sender = |demo: clap::Command| demo.mut_arg("port", |port| port.default_value("0"));
    let mut command =
        Cli::command().bin_name("rebound").version(version).after_help(help).mut_subcommand("demo", demo_beside_a_sender);
    // As everywhere: of two equal flags the last one counts, so that a wrapper's or an alias's can be overridden.
    command = name_environment(command).mut_subcommands(|inner| inner.args_override_self(true));
    command.build();
    command
}

/// The environment variable of a setting; none for positional arguments and for what only prints something.
pub(crate) fn environment_name(arg: &clap::Arg) -> Option<String> {
    let prints_and_leaves = matches!(arg.get_action(), ArgAction::Help | ArgAction::Version);
    let long = arg.get_long().filter(|_| !prints_and_leaves)?;
    Some(format!("{ENVIRONMENT_PREFIX}{}", long.replace('-', "_").to_uppercase()))
}

fn name_environment(command: clap::Command) -> clap::Command {
    command.mut_subcommands(name_environment).mut_args(|arg| {
        let Some(variable) = environment_name(&arg) else { return arg };
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        arg.help(format!("{help} [env: {variable}]"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        command(None).debug_assert();
    }

    #[test]
    fn help_names_the_default_and_the_variable_of_every_setting() {
        fn check(command: &mut clap::Command) {
            let help = command.render_help().to_string().split_whitespace().collect::<Vec<_>>().join(" ");
            for variable in command.get_arguments().filter_map(environment_name) {
                assert!(help.contains(&format!("[env: {variable}]")), "{variable} in\n{help}");
            }
            command.get_subcommands_mut().for_each(check);
        }
        check(&mut command(None));
        let help = command(None).render_help().to_string();
        assert!(help.contains("130  "), "{help}");
    }

    #[test]
    fn the_version_names_gstreamer() {
        let version = command(Some("GStreamer 1.22.0")).render_version();
        assert_eq!(version, format!("rebound {} (GStreamer 1.22.0)\n", env!("CARGO_PKG_VERSION")));
    }
}
