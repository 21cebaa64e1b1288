//! What no single value can tell: values against each other, and against the file system.

use std::fs::{self, OpenOptions};
use std::io;
use std::net::IpAddr;
use std::path::Path;

use super::ConfigError;
use crate::cli::{
    self, Auth, BenchConfig, Command, DemoConfig, IceServer, PipelineCommand, ReceiveConfig, SendConfig, ServeConfig,
    SourceConfig,
};
use crate::source::{Footage, MediaKind};

pub(super) fn command(command: &Command) -> Result<(), ConfigError> {
    match command {
        Command::Send(config) | Command::Pipeline(PipelineCommand::Send { config, .. }) => send(config),
        Command::Demo(config) => demo(config),
        Command::Receive(config) | Command::Pipeline(PipelineCommand::Receive { config, .. }) => receive(config),
        Command::Replay(config) => {
            directory_exists(config.pipelines.as_deref())?;
            file_is_writable("the report", config.report.as_deref().filter(|path| *path != Path::new("-")))
        }
        Command::Bench(config) => bench(config),
        Command::Serve(config) => serve(config),
        Command::Diff(_)
        | Command::Encoders(_)
        | Command::Calibrate(_)
        | Command::Token(_)
        | Command::Completions { .. }
        | Command::Health { .. } => Ok(()),
    }
}

fn send(config: &SendConfig) -> Result<(), ConfigError> {
    source(config)?;
    let limit_px = f64::from(config.size.width().min(config.size.height())) / 2.0 - 1.0;
    if config.radius_px > limit_px {
        return Err(ConfigError::Radius { radius_px: config.radius_px, size: config.size, limit_px });
    }
    one_stun(&config.ice_servers)?;
    directory_exists(config.pipelines.as_deref())?;
    directory_is_writable(config.dot.as_deref())?;
    file_is_writable("the trace", config.kept.trace.as_deref())?;
    file_is_writable("the recording", config.kept.record.as_deref())?;
    file_is_writable("JUnit results into", config.assert.junit.as_deref())?;
    file_is_writable("the report", config.report.as_deref().filter(|path| *path != Path::new("-")))
}

/// Its receivers are started to come to its sender in the clear, on this machine.
fn demo(config: &DemoConfig) -> Result<(), ConfigError> {
    if config.send.tls.tls_cert.is_some() || config.send.tls.tls_key.is_some() {
        return Err(ConfigError::DemoTls);
    }
    if config.send.whip.whip.is_some() {
        return Err(ConfigError::DemoWhip);
    }
    send(&config.send)
}

/// A scene's truth is known, only a scene is drawn, and only a file can begin again.
fn source(config: &SendConfig) -> Result<(), ConfigError> {
    let SourceConfig { source, repeat, reference, .. } = &config.source;
    let refused = |flag, why| Err(ConfigError::Unfitting { flag, given: cli::redact(&source.to_string()), why });
    match source {
        Footage::Scene if reference.is_some() => refused("--reference", "its truth is known"),
        Footage::Media { .. } | Footage::Launch(_) if config.witness.frame_code => {
            refused("--frame-code", "only a scene leaves room for the code")
        }
        Footage::Media { kind: MediaKind::File, location } => {
            let tried = fs::File::open(location).map(drop);
            tried.map_err(|source| ConfigError::NoSource { what: location.clone(), source })
        }
        _ if *repeat => refused("--loop", "it is no file"),
        _ => Ok(()),
    }
}

fn receive(config: &ReceiveConfig) -> Result<(), ConfigError> {
    one_stun(&config.ice_servers)?;
    directory_exists(config.pipelines.as_deref())?;
    directory_is_writable(config.dot.as_deref())?;
    file_is_writable("the snapshot", config.snapshot.as_deref())
}

/// A hub that other machines reach asks who they are.
fn serve(config: &ServeConfig) -> Result<(), ConfigError> {
    one_stun(&config.ice_servers)?;
    let loopback = |address: IpAddr| address.to_canonical().is_loopback();
    let is_loopback = config.host == "localhost" || config.host.parse().is_ok_and(loopback);
    if config.access.auth == Auth::None && !config.access.insecure && !is_loopback {
        return Err(ConfigError::Insecure(config.host.clone()));
    }
    Ok(())
}

fn bench(config: &BenchConfig) -> Result<(), ConfigError> {
    file_is_writable("JUnit results into", config.junit.as_deref())
}

/// webrtcbin has one `stun-server` property, but any number of relays.
fn one_stun(servers: &[IceServer]) -> Result<(), ConfigError> {
    match servers.iter().filter(|server| matches!(server, IceServer::Stun { .. })).count() {
        0 | 1 => Ok(()),
        several => Err(ConfigError::SeveralStun(several)),
    }
}

fn directory_exists(path: Option<&Path>) -> Result<(), ConfigError> {
    path.filter(|path| !path.is_dir()).map_or(Ok(()), |path| Err(ConfigError::NoDirectory(path.to_owned())))
}

fn directory_is_writable(path: Option<&Path>) -> Result<(), ConfigError> {
    let Some(path) = path else { return Ok(()) };
    let probe = path.join(".rebound-probe");
    let written = fs::create_dir_all(path).and_then(|()| probe_file(&probe));
    written.map_err(|source| ConfigError::Unwritable { what: "graphs into", path: path.to_owned(), source })
}

/// Better refused now than after an hour's run. Leaves what is there as it is.
fn file_is_writable(what: &'static str, path: Option<&Path>) -> Result<(), ConfigError> {
    let Some(path) = path else { return Ok(()) };
    let tried = match fs::metadata(path) {
        Ok(there) if there.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(there) if there.is_file() => OpenOptions::new().append(true).open(path).map(drop),
        // Opening a pipe would wait for its reader.
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => probe_file(path),
        Err(error) => Err(error),
    };
    tried.map_err(|source| ConfigError::Unwritable { what, path: path.to_owned(), source })
}

fn probe_file(path: &Path) -> io::Result<()> {
    OpenOptions::new().create(true).append(true).open(path)?;
    fs::remove_file(path)
}
