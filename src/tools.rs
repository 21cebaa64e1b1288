//! The subcommands beside the loop.

use std::time::Duration;

use anyhow::{Context as _, bail};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

use crate::access::Claims;
use crate::cli::{
    self, Common, EncodersConfig, ExitCode, PipelineCommand, ReceiveConfig, SendConfig, TokenConfig, TrustArgs,
};
use crate::clock;
use crate::codec::Codec;
use crate::config::ConfigError;
use crate::encode::{self, Chooser, DEFAULT_GOP_FRAMES, Shape};
use crate::logging::print_out;
use crate::pipeline::{self, Debugging, Pipeline, PipelineError, Stop, Texts};
use crate::secrets;
use crate::sender;
use crate::signals::Signals;
use crate::tls;
use crate::units::Bitrate;

/// How long a health check may take: shorter than the 3 s that container engines usually give it.
const HEALTH_WITHIN: Duration = Duration::from_secs(2);

/// Prints help, version or what is wrong with the command line.
pub fn answer(error: &ConfigError) -> ExitCode {
    match error.answer(std::io::IsTerminal::is_terminal(&std::io::stdout())) {
        // Help that nobody reads is no failure.
        Some(text) => drop(print_out(&text)),
        None => eprint!("{}", error.complaint()),
    }
    error.exit_code()
}

/// `rebound encoders`: the table on this machine.
pub fn encoders(config: &EncodersConfig, encoders: &toml::Table) -> anyhow::Result<ExitCode> {
    let texts = Texts::load(config.pipelines.as_deref())?;
    let catalogue = sender::catalogue(&texts, encoders)?;
    let chooser = Chooser { catalogue: &catalogue, texts: &texts };
    let shape = Shape {
        size: config.size,
        fps: config.fps,
        bitrate: Bitrate::kbps(2000),
        gop_frames: DEFAULT_GOP_FRAMES,
        is_adaptive: false,
    };
    let listing = encode::list(&chooser, &shape);
    let text = if config.json { serde_json::to_string_pretty(&listing)? + "\n" } else { listing.to_string() };
    print_out(&text)?;
    Ok(ExitCode::Ok)
}

/// `rebound pipeline`: prints what would run, or plays it.
pub async fn pipeline(command: &PipelineCommand, common: &Common, encoders: &toml::Table) -> anyhow::Result<ExitCode> {
    let (text, dot, run) = match command {
        PipelineCommand::Send { config, run } => (send_text(config, encoders)?, &config.dot, *run),
        PipelineCommand::Receive { config, codec, run } => (receive_text(config, *codec)?, &config.dot, *run),
    };
    if !run {
        print_out(&(pipeline::gst_launch(&text) + "\n"))?;
        return Ok(ExitCode::Ok);
    }
    let (stop, ending) = Stop::channel();
    let mut signals = Signals::listen()?;
    let stopper = stop.clone();
    tokio::spawn(async move {
        signals.recv().await;
        stopper.stop();
    });
    let mut pipeline = Pipeline::parse("pipeline", &text)?;
    pipeline.set_debugging(&Debugging { dot_dir: dot.clone(), log_changes: common.verbose > 0 });
    tokio::task::spawn_blocking(move || pipeline::play(pipeline, stop, &ending)).await??;
    Ok(ExitCode::Ok)
}

fn send_text(config: &SendConfig, encoders: &toml::Table) -> anyhow::Result<String> {
    let plan = sender::plan(config, encoders)?;
    let choice = plan.choose(None, &[], None)?;
    Ok(pipeline::send_text(&plan.texts, choice.codec, &choice.caps, &choice.printable)?)
}

fn receive_text(config: &ReceiveConfig, codec: Option<Codec>) -> anyhow::Result<String> {
    let texts = Texts::load(config.pipelines.as_deref())?;
    let codec = codec.or_else(|| texts.decodable().into_iter().next()).context("no codec can be decoded here")?;
    let elements = texts.decoders.of(codec)?.missing();
    if !elements.is_empty() {
        bail!(PipelineError::Missing { pipeline: "receive".to_owned(), elements });
    }
    Ok(pipeline::receive_text(&texts, codec, config.recovery.jitter_ms.at_first(), "autovideosink")?)
}

/// `rebound completions`.
pub fn completions(shell: clap_complete::Shell) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli::command(None), "rebound", &mut script);
    print_out(&String::from_utf8(script)?)?;
    Ok(ExitCode::Ok)
}

/// `rebound token`.
pub fn token(config: &TokenConfig) -> anyhow::Result<ExitCode> {
    let key = secrets::token_key(config.secret_file.as_deref())?;
    let expires_s = (clock::since_1970() + config.expires).as_secs();
    let claims = Claims { session: config.session.clone(), role: config.role, expires_s };
    print_out(&(key.sign(&claims) + "\n"))?;
    Ok(ExitCode::Ok)
}

/// `rebound health`: whether a sender answers there.
pub async fn health(url: &url::Url, trust: &TrustArgs) -> anyhow::Result<ExitCode> {
    let checked = timeout(HEALTH_WITHIN, check(url, trust)).await;
    checked.with_context(|| format!("{url} does not answer within {HEALTH_WITHIN:?}"))??;
    Ok(ExitCode::Ok)
}

async fn check(url: &url::Url, trust: &TrustArgs) -> anyhow::Result<()> {
    let host = url.host_str().context("the URL has no host")?;
    let port = url.port_or_known_default().context("the URL has no port")?;
    let stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await;
    let stream = stream.with_context(|| format!("no sender answers at {url}"))?;
    let mut stream = match url.scheme() {
        "https" => {
            Either::Right(shake_hands(stream, host, trust).await.with_context(|| format!("{url} is not to be trusted"))?)
        }
        _ => Either::Left(stream),
    };
    let request = format!("GET {} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n", url.path());
    stream.write_all(request.as_bytes()).await?;
    let mut reply = [0; 12];
    stream.read_exact(&mut reply).await.with_context(|| format!("{url} does not answer in HTTP"))?;
    if &reply[8..] != b" 200" {
        bail!("{url} answers '{}', not 200", String::from_utf8_lossy(&reply[9..]).escape_default());
    }
    Ok(())
}

async fn shake_hands(stream: TcpStream, host: &str, trust: &TrustArgs) -> anyhow::Result<TlsStream<TcpStream>> {
    let trusting = tls::trusting(trust.tls_ca.as_deref())?;
    let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())?;
    Ok(TlsConnector::from(trusting).connect(name, stream).await?)
}
