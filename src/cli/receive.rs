//! `rebound receive`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, RangedU64ValueParser};
use url::Url;

use super::ice::{self, IceServer};
use super::ice_policy::IcePolicyArgs;
use super::impair::ImpairConfig;
use super::recovery::ReceiveRecovery;
use super::session::SessionArgs;
use super::whip::WhepArgs;
use super::{send, values};

/// The detectors there are.
pub(super) const DETECTORS: [&str; 2] = ["ball", "naive"];

/// Nothing is looked at.
const NO_DETECTOR: &str = "none";

const EXAMPLES: &str = "\
Examples:
  rebound receive                    the sender here; waits until it is there
  rebound receive ws://192.168.1.7:8080 --window     see what is detected
  rebound receive --host sender --duration 10 --snapshot seen.png
  rebound receive --whep https://media.example:8889/court-1/whep";

/// What `rebound receive` does. `config::load` hands it out checked: every value alone and against the others.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ReceiveConfig {
    /// The sender's address, for example ws://192.168.1.7:8080; --host and --port do not count then
    #[arg(value_parser = values::signalling_url)]
    pub url: Option<Url>,
    /// The sender's host
    #[arg(long, default_value = "127.0.0.1", value_parser = values::host, help_heading = "Sender")]
    pub host: String,
    /// The sender's port
    #[arg(long, value_name = "N", default_value_t = send::DEFAULT_PORT, value_parser = clap::value_parser!(u16).range(1..),
        help_heading = "Sender")]
    pub port: u16,
    /// The hub and the session there.
    #[command(flatten)]
    pub session: SessionArgs,
    /// Somebody else's server.
    #[command(flatten)]
    pub whep: WhepArgs,
    /// Name under which the sender lists this receiver [default: one the sender gives]
    #[arg(long, value_parser = values::name, help_heading = "Sender")]
    pub name: Option<String>,
    /// Give up when there is no connection after this time: 10 (seconds), 500ms, 2m [default: never]
    #[arg(long, value_name = "TIME", value_parser = values::duration, help_heading = "Sender")]
    pub connect_timeout: Option<Duration>,
    /// STUN and TURN servers, at most one of STUN.
    #[arg(long = "ice-server", value_name = "URL", help = ice::HELP, help_heading = "Sender")]
    pub ice_servers: Vec<IceServer>,
    /// Also offer ICE candidates over TCP, for networks without UDP
    #[arg(long, help_heading = "Sender")]
    pub ice_tcp: bool,
    /// The ways to the other side.
    #[command(flatten, next_help_heading = "Sender")]
    pub ice_policy: IcePolicyArgs,

    /// The network, made bad.
    #[command(flatten)]
    pub network: ImpairConfig,

    /// How to look for the objects; none only receives: it answers nothing, and decodes only what it shows
    #[arg(long, value_name = "NAME", default_value = "ball", help_heading = "Video",
        value_parser = PossibleValuesParser::new(DETECTORS.into_iter().chain([NO_DETECTOR])))]
    pub detector: String,
    /// How lost packets are dealt with.
    #[command(flatten)]
    pub recovery: ReceiveRecovery,
    /// Pipelines from this directory instead of the built-in ones
    #[arg(long, value_name = "DIR", help_heading = "Video")]
    pub pipelines: Option<PathBuf>,
    /// Write the pipelines as Graphviz files on start, connect, error and end
    #[arg(long, value_name = "DIR", help_heading = "Video")]
    pub dot: Option<PathBuf>,

    /// Show the video and what is detected in a window
    #[arg(long, help_heading = "Show and end")]
    pub window: bool,
    /// Width of the window
    #[arg(long, value_name = "PX", default_value = "800", value_parser = RangedU64ValueParser::<u32>::new().range(16..=8192),
        help_heading = "Show and end")]
    pub window_width: u32,
    /// Height of the window
    #[arg(long, value_name = "PX", default_value = "600", value_parser = RangedU64ValueParser::<u32>::new().range(16..=8192),
        help_heading = "Show and end")]
    pub window_height: u32,
    /// Save one frame with what is detected in it as PNG; needs no display
    #[arg(long, value_name = "FILE", help_heading = "Show and end")]
    pub snapshot: Option<PathBuf>,
    /// End after this time: 10 (seconds), 500ms, 2m [default: never]
    #[arg(long, value_name = "TIME", value_parser = values::duration, help_heading = "Show and end")]
    pub duration: Option<Duration>,
}

impl ReceiveConfig {
    /// Whether frames are looked at and answered.
    pub fn looks(&self) -> bool {
        self.detector != NO_DETECTOR
    }

    /// Whether anybody, machine or person, is to see pictures.
    pub fn decodes(&self) -> bool {
        self.looks() || self.window || self.snapshot.is_some()
    }

    /// Where the sender's signalling is.
    ///
    /// # Errors
    /// When host and port make no URL; not after the checks of `config::load`.
    pub fn signalling_url(&self) -> Result<Url, String> {
        let given = self.session.hub.clone().or_else(|| self.url.clone());
        given.map_or_else(|| values::signalling_at(&self.host, self.port), Ok)
    }
}
