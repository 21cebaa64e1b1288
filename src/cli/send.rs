//! `rebound send` and `rebound demo`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, RangedU64ValueParser};

use super::SourceConfig;
use super::assert::AssertConfig;
use super::budget::BudgetOptions;
use super::ice::{self, IceServer};
use super::ice_policy::IcePolicyArgs;
use super::impair::ImpairConfig;
use super::recovery::SendRecovery;
use super::session::SessionArgs;
use super::tls::TlsArgs;
use super::trace::TraceArgs;
use super::values;
use super::whip::WhipArgs;
use super::witness::WitnessConfig;
use crate::codec::Codec;
use crate::congestion::BitrateRule;
use crate::units::{Fps, Size};
use crate::webrtc::ChannelPolicy;

/// Where a sender listens unless told otherwise.
pub const DEFAULT_PORT: u16 = 8080;

const SEND_EXAMPLES: &str = "\
Examples:
  rebound send                               the best encoder that works here
  rebound send --size 1280x720 --fps 60 --bitrate 3M --codec h264
  rebound send --encoder 'vp8enc deadline=1 target-bitrate=1000000'
  rebound send --frames 1000 --report r.json     end after 1000 frames
  rebound send --duration 1m --report - | jq .error_px
  rebound send --frames 1000 --assert 'latency_ms.p99 < 16.7'    a gate for CI
  rebound send --source match.mp4 --loop --reference ball        your own video
  rebound send --bitrate auto --impair lte    as much as the network carries
  rebound send --host 0.0.0.0 --ice-server stun:stun.example.org
  rebound send --ice-server turn:me:secret@relay.example.org
  rebound send --whip https://media.example:8889/court-1/whip";

const DEMO_EXAMPLES: &str = "\
Examples:
  rebound demo
  rebound demo --seconds 30 --receivers 3 --scene many --report r.json
  rebound demo --detector naive      what a simple detector makes of it
  rebound demo --impair 'loss=5%,delay=20ms±5ms'     over a bad network
  rebound demo --trace run.pftrace   every frame, for ui.perfetto.dev
  rebound demo --trace run.jsonl --record run.mkv    to be replayed";

/// What `rebound send` does. `config::load` hands it out checked: every value alone and against the others.
#[derive(Clone, Debug, Args)]
#[command(after_help = SEND_EXAMPLES)]
pub struct SendConfig {
    /// Address to listen on; 0.0.0.0 lets other machines in
    #[arg(long, default_value = "127.0.0.1", value_parser = values::host, help_heading = "Receivers")]
    pub host: String,
    /// Port to listen on; 0 takes any free one and says which
    #[arg(long, value_name = "N", default_value_t = DEFAULT_PORT, help_heading = "Receivers")]
    pub port: u16,
    /// The certificate of its own hub.
    #[command(flatten, next_help_heading = "Receivers")]
    pub tls: TlsArgs,
    /// Somebody else's hub.
    #[command(flatten)]
    pub session: SessionArgs,
    /// Somebody else's server.
    #[command(flatten)]
    pub whip: WhipArgs,
    /// Most receivers at once; more are turned away
    #[arg(long, value_name = "N", default_value = "100", value_parser = RangedU64ValueParser::<u32>::new().range(1..=1000),
        help_heading = "Receivers")]
    pub max_receivers: u32,
    /// STUN and TURN servers, at most one of STUN.
    #[arg(long = "ice-server", value_name = "URL", help = ice::HELP, help_heading = "Receivers")]
    pub ice_servers: Vec<IceServer>,
    /// Also offer ICE candidates over TCP, for networks without UDP
    #[arg(long, help_heading = "Receivers")]
    pub ice_tcp: bool,
    /// The ways to the other side.
    #[command(flatten, next_help_heading = "Receivers")]
    pub ice_policy: IcePolicyArgs,
    /// How results travel: 'fresh' (newest first, never sent again), 'unordered' or 'reliable' (in order) until they arrived,
    /// 'lifetime:MS' for so long
    #[arg(long, value_name = "POLICY", default_value_t, help_heading = "Receivers")]
    pub channel: ChannelPolicy,

    /// Where the pictures come from.
    #[command(flatten)]
    pub source: SourceConfig,
    /// What is to be seen in the scene
    #[arg(long, value_name = "NAME", default_value = "ball", help_heading = "Scene",
        value_parser = PossibleValuesParser::new(["ball", "hard", "gravity", "many"]))]
    pub scene: String,
    /// Frame size: both sides even, 16 to 8192
    #[arg(long, value_name = "WxH", default_value = "640x480", help_heading = "Scene")]
    pub size: Size,
    /// Frames per second: 1 to 240
    #[arg(long, value_name = "N", default_value = "30", help_heading = "Scene")]
    pub fps: Fps,
    /// Radius of the ball in pixels; it must fit into the frame
    #[arg(long = "radius", value_name = "PX", default_value = "20", value_parser = values::pixels::<1, 4096>, help_heading = "Scene")]
    pub radius_px: f64,
    /// Speed of the ball in pixels per second
    #[arg(long = "speed", value_name = "PX", default_value = "240", value_parser = values::pixels::<0, 100_000>,
        help_heading = "Scene")]
    pub speed_px_per_s: f64,
    /// Start position, direction and noise follow from it: the same seed gives the same frames on every machine
    #[arg(long, value_name = "N", default_value = "1", help_heading = "Scene")]
    pub seed: u64,
    /// The frame code.
    #[command(flatten)]
    pub witness: WitnessConfig,

    /// Lost packets.
    #[command(flatten)]
    pub recovery: SendRecovery,
    /// The network, made bad.
    #[command(flatten)]
    pub network: ImpairConfig,

    /// 'auto' (the first of `rebound encoders` that works), a name from that list, or launch text
    #[arg(long, value_name = "NAME|TEXT", default_value = "auto", help_heading = "Encoder",
        value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub encoder: String,
    /// Only encoders of this codec: h264, vp8, vp9, av1, h265 [default: any]
    #[arg(long, value_name = "NAME", help_heading = "Encoder")]
    pub codec: Option<Codec>,
    /// Bits per second, k and M for thousands and millions: 10k to 1000M; 'auto' or 'auto:300k-4M' follows what the paths to the
    /// receivers carry
    #[arg(long, value_name = "RATE|auto:LEAST-MOST", default_value = "2M", help_heading = "Encoder")]
    pub bitrate: BitrateRule,
    /// Frames from one keyframe to the next; receivers that join or lose one get theirs at once in any case
    #[arg(long, value_name = "FRAMES", default_value = "2560", value_parser = RangedU64ValueParser::<u32>::new().range(1..=100_000),
        help_heading = "Encoder")]
    pub gop: u32,
    /// Pipelines and encoder table from this directory instead of the built-in ones
    #[arg(long, value_name = "DIR", help_heading = "Encoder")]
    pub pipelines: Option<PathBuf>,
    /// Write the pipelines as Graphviz files on start, connect, error and end
    #[arg(long, value_name = "DIR", help_heading = "Encoder")]
    pub dot: Option<PathBuf>,
    /// RTP timestamp of the run's start, 0 to 4294967295 [default: random]
    #[arg(long, value_name = "TICKS", help_heading = "Encoder")]
    pub timestamp_offset: Option<u32>,

    /// End after this time: 10 (seconds), 500ms, 2m [default: never]
    #[arg(long, value_name = "TIME", value_parser = values::duration, help_heading = "Run and report")]
    pub duration: Option<Duration>,
    /// End after this many frames, counted from the first connected receiver [default: never]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<u64>::new().range(1..), help_heading = "Run and report")]
    pub frames: Option<u64>,
    /// End after this time, counted from the first frame for a connected receiver [default: never]
    #[arg(long, value_name = "TIME", value_parser = values::duration, help_heading = "Run and report")]
    pub watched_for: Option<Duration>,
    /// Leave what happens in this time after the first receiver is connected out of the report [default: none]
    #[arg(long, value_name = "TIME", value_parser = values::duration, help_heading = "Run and report")]
    pub warmup: Option<Duration>,
    /// Write the report as JSON ('-': on stdout, instead of the table)
    #[arg(long, value_name = "FILE", help_heading = "Run and report")]
    pub report: Option<PathBuf>,
    /// How old coordinates may be.
    #[command(flatten)]
    pub budget: BudgetOptions,
    /// How many of the last joined frames are kept for the log
    #[arg(long, value_name = "N", default_value = "30", value_parser = RangedU64ValueParser::<u32>::new().range(0..=100_000),
        help_heading = "Run and report")]
    pub history_size: u32,
    /// What is kept of the run besides the report.
    #[command(flatten)]
    pub kept: TraceArgs,
    /// What must hold of the report.
    #[command(flatten)]
    pub assert: AssertConfig,
}

/// What `rebound demo` does.
#[derive(Clone, Debug, Args)]
#[command(after_help = DEMO_EXAMPLES)]
pub struct DemoConfig {
    /// How long it runs, unless --duration, --frames or --watched-for say so
    #[arg(long, value_name = "N", default_value = "10", value_parser = values::duration, help_heading = "Demo")]
    pub seconds: Duration,
    /// How many receivers look on
    #[arg(long, value_name = "N", default_value = "1", value_parser = RangedU64ValueParser::<u32>::new().range(1..=100),
        help_heading = "Demo")]
    pub receivers: u32,
    /// How the receivers look for the objects
    #[arg(long, value_name = "NAME", default_value = "ball", help_heading = "Demo",
        value_parser = PossibleValuesParser::new(super::receive::DETECTORS))]
    pub detector: String,
    /// The sender's options; `port` is 0 unless chosen, so that the demo runs beside a sender.
    #[command(flatten)]
    pub send: SendConfig,
}

impl DemoConfig {
    /// When the demo ends; `None` where a number of frames or the time for them decides.
    pub fn duration(&self) -> Option<Duration> {
        let SendConfig { duration, frames, watched_for, .. } = &self.send;
        duration.or((frames.is_none() && watched_for.is_none()).then_some(self.seconds))
    }
}
