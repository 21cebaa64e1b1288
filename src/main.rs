//! `rebound`: arguments to settings to a role to an exit code.

use std::process;
use std::time::Duration;

use rebound::cli::{Command, ExitCode};
use rebound::config::{self, Settings};
use rebound::{bench, calibrate, demo, diff, faults, logging, pipeline, receiver, replay, sender, serve, tls, tools};

/// How long an idle thread waits for work: everybody who comes or goes needs some for a moment.
const IDLE_THREADS: Duration = Duration::from_secs(2);

/// How long threads that are still at work may hold up the end of the process.
const END_WITHIN: Duration = Duration::from_millis(500);

fn main() {
    let code = match start() {
        Ok(code) => code,
        Err(error) => faults::tell(&error),
    };
    process::exit(code as i32);
}

fn start() -> anyhow::Result<ExitCode> {
    tls::install();
    let gstreamer = pipeline::init();
    let version = gstreamer.as_ref().ok().map(|()| gstreamer::version_string().to_string());
    let settings = match config::load(version) {
        Ok(settings) => settings,
        Err(error) => return Ok(tools::answer(&error)),
    };
    gstreamer?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_keep_alive(IDLE_THREADS).build()?;
    let code = runtime.block_on(run(&settings));
    runtime.shutdown_timeout(END_WITHIN);
    code
}

async fn run(settings: &Settings) -> anyhow::Result<ExitCode> {
    let Settings { command, common, encoders, .. } = settings;
    let log = logging::start(common, command.name())?;
    pipeline::forward_gst_log();
    settings.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    match command {
        Command::Send(config) => sender::run(config, encoders, common, &log, settings.shown_command.clone()).await,
        Command::Receive(config) => receiver::run(config, common).await,
        Command::Serve(config) => serve::run(config, encoders).await,
        Command::Token(config) => tools::token(config),
        Command::Demo(config) => demo::run(config, common, &settings.send_words).await,
        Command::Replay(config) => replay::run(config, settings.shown_command.clone()),
        Command::Diff(config) => diff::run(config),
        Command::Bench(config) => bench::run(config, common, settings.shown_command.clone()).await,
        Command::Encoders(config) => tools::encoders(config, encoders),
        Command::Calibrate(config) => calibrate::run(config),
        Command::Pipeline(command) => tools::pipeline(command, common, encoders).await,
        Command::Completions { shell } => tools::completions(*shell),
        Command::Health { url, trust } => tools::health(url, trust).await,
    }
}
