//! From settings to a running sender, and to its end.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use super::event::{Event, Events};
use super::film::{self, Film, Outlet};
use super::keep::Keeping;
use super::stream::{Plan, Stream};
use super::{Sender, outcome, view};
use crate::cli::{Common, ExitCode, SendConfig};
use crate::clock::RunClock;
use crate::closing::CLOSE_WITHIN;
use crate::congestion::{BitrateRule, Controller};
use crate::encode::{Catalogue, Choice, Shape, Wanted};
use crate::live::Live;
use crate::logging::Log;
use crate::pipeline::{Debugging, Texts};
use crate::record::Recorder;
use crate::report::{Distribution, Ledger, LedgerConfig, SenderCost, Totals};
use crate::server::{self, HubEvent, ServerConfig};
use crate::signalling::room::{Room, RoomConfig};
use crate::signals::Signals;
use crate::units::RtpTime;
use crate::webrtc::Certificate;

/// Messages from all receivers that may wait for the loop; a full one slows the receivers' signalling down, nothing else.
const HUB_MESSAGES: usize = 256;

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
    let listener = server::bind(&config.host, config.port).await?;
    let address = listener.local_addr().context("the listening socket has no address")?;
    let live = Live::start(common, log)?;
    let debugging = Debugging { dot_dir: config.dot.clone(), log_changes: common.verbose > 0 };
    let prepared = Prepared { film, plan, choice, listener, port: address.port(), live, command, debugging };
    let (mut sender, mut hub) = prepared.start(config)?;
    tracing::info!("receivers may come to ws://{address}/ws");
    let mut signals = Signals::listen()?;
    let code = sender.run(&mut hub, &mut signals).await;
    if matches!(code, Ok(ExitCode::Interrupted)) {
        // At once: what would be freed one by one goes with the process.
        std::mem::forget(sender);
        return code;
    }
    let has_filmed = sender.frames > 0;
    let report = tokio::select! {
        report = sender.finish() => report,
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
    listener: TcpListener,
    port: u16,
    live: Live,
    command: Vec<String>,
    debugging: Debugging,
}

impl Prepared {
    fn start(self, config: &SendConfig) -> anyhow::Result<(Sender, mpsc::Receiver<HubEvent>)> {
        let Prepared { mut film, plan, choice, listener, port, live, command, debugging } = self;
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
        let (stop_server, stop) = oneshot::channel();
        let (hub_events, hub) = mpsc::channel(HUB_MESSAGES);
        let stop = async {
            // A sender that is gone has stopped too.
            let _ = stop.await;
        };
        let server = tokio::spawn(server::serve(listener, hub_events, ServerConfig::default(), stop));
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
            room: room(config, codecs),
            congestion: Controller::new(config.bitrate, config.size, config.fps),
            config: config.clone(),
            clock,
            film,
            outlet,
            started: SystemTime::now(),
            measured_from: None,
            watched_from: None,
            command,
            port,
            plan,
            debugging,
            stream,
            last_choice: Some(choice),
            waiting: Vec::new(),
            is_choosing: false,
            must_choose_again: false,
            source,
            is_over: false,
            frames: 0,
            produced_late_ms: Distribution::new(),
            members: BTreeMap::new(),
            events,
            live,
            rates: view::MatchRates::default(),
            stop_server,
            server,
            closing: Vec::new(),
            impaired: None,
        };
        let run = outcome::run_info(&sender, SenderCost::default());
        sender.keeping = Keeping::start(config, run, &ledger_config, offset, recorder)?;
        Ok((sender, hub))
    }
}

fn room(config: &SendConfig, codecs: Vec<crate::codec::Codec>) -> Room {
    let mut count = 0;
    let new_id = move || {
        count += 1;
        format!("receiver-{count}")
    };
    let ice_servers = crate::ice::announced(&config.ice_servers);
    let max_members = config.max_receivers as usize;
    Room::new(RoomConfig { codecs, max_members, ice_servers, ice_tcp: config.ice_tcp }, new_id)
}

/// RFC 3550 section 5.1 wants the first timestamp to be random. The standard library's hasher keys are.
fn random() -> u32 {
    RandomState::new().hash_one(()) as u32
}

impl Sender {
    /// Says goodbye to everybody, frees everything and sums up.
    async fn finish(mut self) -> crate::report::Report {
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
        self.stream.stop();
        let mut run = outcome::run_info(&self, cost);
        run.floors = outcome::floors(&self);
        for joined in self.ledger.history() {
            tracing::debug!(?joined, "one of the last joined frames");
        }
        let Sender { stop_server, server, closing, live, keeping, mut ledger, .. } = self;
        run.kept = tokio::task::spawn_blocking(move || keeping.finish(&mut ledger)).await.unwrap_or_default();
        drop(live);
        let _ = stop_server.send(());
        let ended = async {
            let _ = server.await;
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
