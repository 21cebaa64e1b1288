//! `rebound serve`: a hub for many sessions.

use anyhow::Context as _;

use crate::access::TokenKey;
use crate::cli::{AccessArgs, Auth, ExitCode, ServeConfig, TurnArgs};
use crate::clock::{RunClock, since_1970};
use crate::hub::{self, Relays, Sources};
use crate::secrets::{self, SecretError};
use crate::server::{self, ServerConfig};
use crate::signalling::hub::{Access, Hub, HubConfig, MemberNames};
use crate::signals::Signals;
use crate::tls::Identity;

/// Serves until it is interrupted, and then as long as members are there and `--drain` allows.
pub async fn run(config: &ServeConfig, encoders: &toml::Table) -> anyhow::Result<ExitCode> {
    let tokens = tokens(&config.access)?;
    let relays = relays(&config.turn)?;
    let identity = Identity::read(config.tls.tls_cert.as_deref(), config.tls.tls_key.as_deref(), since_1970())?;
    let scheme = if identity.is_some() { "wss" } else { "ws" };
    let listener = server::bind(&config.host, config.port).await?;
    let address = listener.local_addr().context("the listening socket has no address")?;
    let hub_config = HubConfig {
        max_sessions: config.max_sessions as usize,
        max_members: config.max_receivers as usize,
        max_publishers: config.publish.max_publishers as usize,
        grace: config.grace,
        max_wait: config.max_wait,
        names: MemberNames::Random,
    };
    let hub = Hub::new(hub_config, Sources { ice_servers: config.ice_servers.clone(), relays });
    let server_config = ServerConfig {
        identity,
        allowed_origins: config.allow_origins.clone(),
        max_connections: config.max_connections as usize,
        max_members: config.max_receivers as usize,
        everybody: Access::everything(),
        tokens,
        lists_sessions: true,
        ..ServerConfig::default()
    };
    let mut signals = Signals::listen()?;
    let running = hub::start(listener, hub, server_config, RunClock::start(), encoders);
    tracing::info!("senders and receivers may come to {scheme}://{address}");
    signals.recv().await;
    tracing::info!("nobody new is let in; ending when all have left, or in {:?}", config.drain);
    tokio::select! {
        () = running.drain(config.drain) => Ok(ExitCode::Ok),
        () = signals.recv() => Ok(ExitCode::Interrupted),
    }
}

/// What tells good tokens from bad ones, if they are wanted.
fn tokens(access: &AccessArgs) -> Result<Option<TokenKey>, SecretError> {
    match access.auth {
        Auth::None => Ok(None),
        Auth::Token => secrets::token_key(access.secret_file.as_deref()).map(Some),
    }
}

/// The TURN servers, if there are any.
fn relays(turn: &TurnArgs) -> Result<Option<Relays>, SecretError> {
    if turn.turn_urls.is_empty() {
        return Ok(None);
    }
    let key = secrets::turn_key(turn.turn_secret_file.as_deref())?;
    Ok(Some(Relays { urls: turn.turn_urls.clone(), key, ttl: turn.turn_ttl }))
}
