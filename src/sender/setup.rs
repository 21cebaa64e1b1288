//! From settings to a running sender, and to its end.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use tokio::net::TcpListener;

use super::event::{Event, Events};
use super::film::{self, Film, Outlet};
use super::hub::{Link, Place};
use super::keep::Keeping;
use super::stream::{Plan, Stream};
use super::{Sender, outcome, view};
use crate::cli::{Common, ExitCode, SendConfig};
use crate::clock::{RunClock, since_1970};
use crate::closing::CLOSE_WITHIN;
use crate::congestion::{BitrateRule, Controller};
use crate::encode::{Catalogue, Choice, Shape, Wanted};
use crate::hub::{RunningHub, Sources};
use crate::live::Live;
use crate::logging::Log;
use crate::pipeline::{Debugging, Texts};
use crate::record::Recorder;
use crate::report::{Distribution, Ledger, LedgerConfig, SenderCost, Totals};
use crate::server::{self, ServerConfig};
use crate::signalling::client::{Client, ClientConfig, Endpoint, HubUrl};
use crate::signalling::hub::{Access, Hub, HubConfig, MemberNames};
use crate::signalling::message::{SessionId, Ticket};
use crate::signalling::room::{Room, RoomConfig};
use crate::signals::Signals;
use crate::tls::Identity;
use crate::units::RtpTime;
use crate::webrtc::Certificate;

/// Runs a sender until it is done or interrupted, and writes its report.
pub async fn run(
    config: &SendConfig,
    encoders: &toml::Table,
    common: &Common,
    log: &Log,
    command: Vec<String>,
) -> anyhow::Result<ExitCode> {
    let plan = plan(config, encoders)?;
    let film = Film::new(config, &plan.texts)?;
    let _certificate = Certificate::prepare();
    let choosing = plan.clone();
    let choice = tokio::task::spawn_blocking(move || choosing.choose(None, &[], None)).await??;
    let place = place(config).await?;
    let live = Live::start(common, log)?;
    let debugging = Debugging { dot_dir: config.dot.clone(), log_changes: common.verbose > 0 };
    let prepared = Prepared { film, plan, choice, live, command, debugging };
    let (mut sender, mut hub) = prepared.start(config, |clock| reach(config, place, clock))?;
    let mut signals = Signals::listen()?;
    let code = sender.run(&mut hub.client, &mut signals).await;
    if matches!(code, Ok(ExitCode::Interrupted)) {
        // At once: what would be freed one by one goes with the process.
        std::mem::forget(sender);
        return code;
    }
    let has_filmed = sender.frames > 0;
    let report = tokio::select! {
        report = sender.finish(hub) => report,
        () = signals.recv() => return Ok(ExitCode::Interrupted),
    };
    // What was measured before an error is true all the same; before the first frame nothing was.
    if code.is_err() && !has_filmed {
        return code;
    }
    outcome::write(&report, config.report.as_deref())?;
    // Judged in any case, so that a gate finds its file also after a run in which nothing came back.
    let judged = outcome::judge(&report, &config.assert)?;
    match code? {
        ExitCode::Ok => Ok(judged),
        code => Ok(code),
    }
}

/// Runs a sender inside a hub, at the place that is kept for it there, until the hub closes its link. It connects when it has an encoder.
pub(crate) async fn run_inside(
    config: SendConfig,
    encoders: &toml::Table,
    session: &SessionId,
    ticket: &Ticket,
    connect: impl Future<Output = Client>,
) -> anyhow::Result<()> {
    let plan = plan(&config, encoders)?;
    let film = Film::new(&config, &plan.texts)?;
    let choosing = plan.clone();
    let choice = tokio::task::spawn_blocking(move || choosing.choose(None, &[], None)).await??;
    let (live, command, debugging) = (Live::none(), Vec::new(), Debugging { dot_dir: None, log_changes: false });
    let hubs = Hubs { client: connect.await, own: None };
    let prepared = Prepared { film, plan, choice, live, command, debugging };
    let (mut sender, mut hubs) = prepared.start(&config, |_| (Link::inside(session, ticket), hubs))?;
    let ended = sender.run(&mut hubs.client, &mut Signals::none()).await;
    let report = sender.finish(hubs).await;
    tracing::debug!(%session, frames = report.totals.all.frames.produced, "what was published was sent on");
    ended.map(drop)
}

/// What the settings say of encoding.
pub(crate) fn plan(config: &SendConfig, encoders: &toml::Table) -> anyhow::Result<Plan> {
    let texts = Arc::new(Texts::load(config.pipelines.as_deref())?);
    let catalogue = Arc::new(catalogue(&texts, encoders)?);
    let SendConfig { size, fps, bitrate, codec, .. } = *config;
    let is_adaptive = matches!(bitrate, BitrateRule::Auto { .. });
    let shape = Shape { size, fps, bitrate: bitrate.start(), gop_frames: config.gop, is_adaptive };
    Ok(Plan { wanted: Wanted::parse(&config.encoder), codec, shape, texts, catalogue })
}

/// The table of encoders, with what the settings file adds and orders.
pub(crate) fn catalogue(texts: &Texts, encoders: &toml::Table) -> anyhow::Result<Catalogue> {
    Ok(Catalogue::parse(&texts.encoders)?.configured(encoders)?)
}

/// All that a sender is made of, checked.
struct Prepared {
    film: Film,
    plan: Plan,
    choice: Choice,
    live: Live,
    command: Vec<String>,
    debugging: Debugging,
}

impl Prepared {
    fn start(self, config: &SendConfig, reach: impl FnOnce(&RunClock) -> (Link, Hubs)) -> anyhow::Result<(Sender, Hubs)> {
        let Prepared { mut film, plan, choice, live, command, debugging } = self;
        let events = Events::default();
        let clock = RunClock::start();
        let offset = RtpTime(config.timestamp_offset.unwrap_or_else(random));
        let codecs = plan.codecs(choice.codec);
        let recorder = config.kept.record.as_deref().map(|path| Arc::new(Recorder::new(path)));
        let mut stream = Stream::new(clock.clone(), offset, events.clone(), debugging.clone(), recorder.clone());
        stream.start(choice.clone(), &plan.texts, &plan.shape)?;
        let outlet = Outlet::new(&clock, &stream, &events, config.frames);
        let source = match &mut film {
            Film::Scene { scene, start } => {
                *start = clock.now();
                Some(outlet.draw(scene.clone(), *start)?)
            }
            Film::Footage { text, .. } => {
                film::open(text, &clock, &debugging, &events);
                None
            }
        };
        let (link, hubs) = reach(&clock);
        let ledger_config = LedgerConfig {
            history_size: config.history_size as usize,
            warmup: config.warmup.unwrap_or_default(),
            monotonic_zero: Some(clock.monotonic_zero()),
            budget: config.budget.budget,
            budget_drop: config.budget.budget_drop,
            frame_code: config.witness.frame_code && film.scene().is_some(),
            records: Keeping::wants_records(config),
            ..LedgerConfig::new(config.size, config.fps)
        };
        let mut sender = Sender {
            ledger: Ledger::new(ledger_config),
            keeping: Keeping::default(),
            room: Room::new(RoomConfig { codecs, max_members: config.max_receivers as usize, ice_tcp: config.ice_tcp }),
            congestion: Controller::new(config.bitrate, config.size, config.fps),
            config: config.clone(),
            clock,
            film,
            outlet,
            started: SystemTime::now(),
            measured_from: None,
            watched_from: None,
            command,
            hub: link,
            plan,
            debugging,
            stream,
            last_choice: Some(choice),
            waiting: Vec::new(),
            is_choosing: false,
            must_choose_again: false,
            source,
            is_over: false,
            has_heard: false,
            frames: 0,
            produced_late_ms: Distribution::new(),
            members: BTreeMap::new(),
            events,
            live,
            rates: view::MatchRates::default(),
            closing: Vec::new(),
            impaired: None,
        };
        let run = outcome::run_info(&sender, SenderCost::default());
        sender.keeping = Keeping::start(config, run, &ledger_config, offset, recorder)?;
        Ok((sender, hubs))
    }
}

/// How long a receiver that lost its signalling is waited for. Its peer connection is watched by itself: what is dead is noticed
/// long before.
const GRACE: Duration = Duration::from_secs(10);

/// Where the hub will be or is.
enum At {
    Here(TcpListener, SocketAddr, Option<Identity>),
    There(HubUrl, ClientConfig),
    Server(Endpoint, ClientConfig),
}

async fn place(config: &SendConfig) -> anyhow::Result<At> {
    if let Some(url) = &config.whip.whip {
        let endpoint = Endpoint::whip(url.clone());
        let config = ClientConfig::new(&endpoint.clone().into(), &config.session)?;
        return Ok(At::Server(endpoint, config));
    }
    if let Some(url) = &config.session.hub {
        let url: HubUrl = url.as_str().parse()?;
        let config = ClientConfig::new(&url.clone().into(), &config.session)?;
        return Ok(At::There(url, config));
    }
    let identity = Identity::read(config.tls.tls_cert.as_deref(), config.tls.tls_key.as_deref(), since_1970())?;
    let listener = server::bind(&config.host, config.port).await?;
    let address = listener.local_addr().context("the listening socket has no address")?;
    Ok(At::Here(listener, address, identity))
}

/// The way to the hub, and the hub itself if it is our own.
struct Hubs {
    client: Client,
    own: Option<RunningHub>,
}

impl Hubs {
    /// What the sender said last is heard.
    async fn end(self, mut link: Link) {
        match self.own {
            Some(own) => own.stop().await,
            None => self.client.close(link.outbox()).await,
        }
    }
}

fn reach(config: &SendConfig, place: At, clock: &RunClock) -> (Link, Hubs) {
    let session = config.session.session.clone();
    match place {
        At::There(url, config) => {
            let client = Client::connect(url.clone(), config);
            (Link::new(Place::At(url), session), Hubs { client, own: None })
        }
        At::Server(endpoint, config) => {
            let client = Client::connect(endpoint.clone(), config);
            (Link::new(Place::Server(endpoint), None), Hubs { client, own: None })
        }
        At::Here(listener, address, identity) => {
            let is_secure = identity.is_some();
            let max_members = config.max_receivers as usize;
            let hub = HubConfig {
                max_sessions: 1,
                max_members,
                max_publishers: 0,
                grace: GRACE,
                max_wait: Duration::MAX,
                names: MemberNames::Counted,
            };
            let hub = Hub::new(hub, Sources { ice_servers: config.ice_servers.clone(), relays: None });
            // This hub has its sender.
            let everybody = Access { may_send: false, ..Access::everything() };
            let server = ServerConfig { everybody, identity, ..ServerConfig::default() };
            let (own, client) = crate::hub::start_with_sender(listener, hub, server, clock.clone());
            (Link::new(Place::Own { address, is_secure }, session), Hubs { client, own: Some(own) })
        }
    }
}

/// RFC 3550 section 5.1 wants the first timestamp to be random. The standard library's hasher keys are.
fn random() -> u32 {
    RandomState::new().hash_one(()) as u32
}

impl Sender {
    /// Says goodbye to everybody, frees everything and sums up.
    async fn finish(mut self, hubs: Hubs) -> crate::report::Report {
        // What the threads told before they stopped still counts.
        let mut batch = VecDeque::new();
        self.events.take(&mut batch);
        for event in batch {
            match event {
                Event::Peer { .. } | Event::Encoded { .. } | Event::Produced { .. } | Event::Entered { .. } => {
                    // Nothing of this can fail.
                    let _ = self.on(event);
                }
                Event::PeerStarted { peer: Ok(peer), .. } => self.close(*peer),
                Event::FootageOpened(Ok(media)) => drop(crate::closing::off_the_loop(|| drop(media))),
                _ => {}
            }
        }
        self.end_source();
        let elapsed = self.clock.now();
        let totals: Totals = self.ledger.finish(elapsed);
        let cost = outcome::cost(&self, elapsed, totals.all.frames.encoded);
        self.room.on_shutdown();
        self.act();
        self.hub.bye();
        self.stream.stop();
        let mut run = outcome::run_info(&self, cost);
        run.floors = outcome::floors(&self);
        for joined in self.ledger.history() {
            tracing::debug!(?joined, "one of the last joined frames");
        }
        let Sender { hub, closing, live, keeping, mut ledger, .. } = self;
        run.kept = tokio::task::spawn_blocking(move || keeping.finish(&mut ledger)).await.unwrap_or_default();
        drop(live);
        let ended = async {
            hubs.end(hub).await;
            for closing in closing {
                let _ = closing.await;
            }
        };
        if tokio::time::timeout(CLOSE_WITHIN, ended).await.is_err() {
            tracing::warn!("not everything ended in time");
        }
        crate::report::Report { run, totals }
    }
}
