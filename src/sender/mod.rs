//! The sender: draws, encodes, sends to every receiver, and joins what comes back to the frame it was seen in.
//!
//! Only wiring. One loop owns all state; threads of GStreamer, the source and the server tell it events.

mod congestion;
mod event;
mod film;
mod hub;
mod keep;
mod member;
mod outcome;
mod peers;
mod setup;
mod stream;
mod truth;
mod view;
mod watching;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use anyhow::bail;
use tokio::task::JoinHandle;

use crate::cli::{ExitCode, SendConfig};
use crate::clock::RunClock;
use crate::codec::Codec;
use crate::congestion::Controller;
use crate::encode::{Choice, ChooseError};
use crate::impair::Impaired;
use crate::live::Live;
use crate::pipeline::Debugging;
use crate::report::{Distribution, LATE_AFTER, Ledger};
use crate::scene::Truth;
use crate::signalling::client::Client;
use crate::signalling::message::ErrorCode;
use crate::signalling::room::{NewPeer, PeerId, Room};
use crate::signals::Signals;
use crate::source::{Footage, MediaEnd, MediaError, MediaSource};
use crate::units::{FrameNumber, RtpTime};
use crate::usage::{self, ThreadUsage, Usage};
use event::{Event, Events};
use film::{Film, Outlet, Source};
use keep::Keeping;
use member::Member;
use stream::{Plan, Stream};

pub(crate) use outcome::write as write_report;
pub use setup::run;
pub(crate) use setup::run_inside;
pub(crate) use setup::{catalogue, plan};

/// How often the loop looks at its deadlines: often enough that a keyframe that waits for its time waits no frame longer.
const TICK: Duration = Duration::from_millis(20);

/// How long coordinates that are on their way are waited for at the end: as long as they count, or the last frames of a far
/// receiver would never be answered. When nothing is on its way any more, nothing is waited for.
const DRAIN: Duration = LATE_AFTER;

/// Why a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// As many frames or as much time as was asked for.
    Done,
    /// SIGINT or SIGTERM.
    Interrupted,
}

struct Sender {
    config: SendConfig,
    clock: RunClock,
    film: Film,
    outlet: Outlet,
    started: std::time::SystemTime,
    /// When the first frame that counts was made, and what this process had taken until then.
    measured_from: Option<(Duration, Usage, Vec<ThreadUsage>)>,
    command: Vec<String>,
    hub: hub::Link,
    plan: Plan,
    debugging: Debugging,
    stream: Stream,
    /// The encoder that ran last, for the report.
    last_choice: Option<Choice>,
    /// Asked for a codec that the running encoder does not make; an encoder for them is being looked for.
    waiting: Vec<(PeerId, NewPeer)>,
    is_choosing: bool,
    /// An encoder died while one was being looked for.
    must_choose_again: bool,
    source: Option<Source>,
    /// The footage has been played to its end.
    is_over: bool,
    /// Anything came over a data channel.
    has_heard: bool,
    ledger: Ledger,
    keeping: Keeping,
    frames: u64,
    /// When the first frame was made: nothing is filmed before somebody watches.
    watched_from: Option<Duration>,
    produced_late_ms: Distribution,
    room: Room,
    /// None when the bitrate is fixed.
    congestion: Option<Controller>,
    members: BTreeMap<PeerId, Member>,
    events: Events,
    live: Live,
    rates: view::MatchRates,
    closing: Vec<JoinHandle<()>>,
    /// What the bad network did to the receivers that are gone.
    impaired: Option<Impaired>,
}

impl Sender {
    /// Runs until it is done or interrupted, then waits for what is on its way. Interrupted twice, it does not wait.
    async fn run(&mut self, hub: &mut Client, signals: &mut Signals) -> anyhow::Result<ExitCode> {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut ending: Option<(Ending, Duration)> = None;
        let (events, mut batch) = (self.events.clone(), VecDeque::new());
        loop {
            let event = tokio::select! {
                () = events.urgent() => None,
                event = hub.next() => Some(Event::Hub(event)),
                _ = tick.tick() => Some(Event::Tick),
                () = signals.recv() => Some(Event::Interrupted),
            };
            let interrupted = matches!(event, Some(Event::Interrupted));
            events.take(&mut batch);
            match ending {
                Some((Ending::Interrupted, _)) if interrupted => return Ok(ExitCode::Interrupted),
                Some((Ending::Done, until)) if interrupted => ending = Some((Ending::Interrupted, until)),
                None => {
                    let why = if interrupted { Some(Ending::Interrupted) } else { self.is_done() };
                    if let Some(why) = why {
                        self.end_source();
                        ending = Some((why, self.clock.now() + DRAIN));
                    }
                }
                Some(_) => {}
            }
            batch.drain(..).chain(event).try_for_each(|event| self.on(event))?;
            if let Some((why, _)) = ending.filter(|(_, until)| self.clock.now() >= *until || self.is_quiet()) {
                return Ok(self.exit_code(why));
            }
        }
    }

    fn is_done(&self) -> Option<Ending> {
        let enough_frames = self.config.frames.is_some_and(|frames| self.frames >= frames);
        let enough_time = self.config.duration.is_some_and(|duration| self.clock.now() >= duration);
        let watched_for = self.watched_from.map(|from| self.clock.now().saturating_sub(from));
        let enough_watched = self.config.watched_for.zip(watched_for).is_some_and(|(wanted, watched)| watched >= wanted);
        (enough_frames || enough_time || enough_watched || self.is_over).then_some(Ending::Done)
    }

    /// Nothing is on its way any more.
    fn is_quiet(&mut self) -> bool {
        self.members.values().all(|member| member.active.is_none()) || self.ledger.in_flight() == 0
    }

    fn exit_code(&mut self, why: Ending) -> ExitCode {
        let matched = self.ledger.summary(self.clock.now()).matched;
        if matched > 0 || why != Ending::Done {
            return ExitCode::Ok;
        }
        // A server of others need not answer: that it was sent video is all that was wanted then.
        if self.hub.is_server() && self.watched_from.is_some() && !self.has_heard {
            tracing::warn!("nothing was matched: the server was sent video, and returned no coordinates");
            return ExitCode::Ok;
        }
        ExitCode::NothingMatched
    }

    fn on(&mut self, event: Event) -> anyhow::Result<()> {
        match event {
            Event::Produced { number, rtp, truth, due, at } => {
                self.on_produced(number, rtp, truth, at);
                if self.ledger.has_begun() {
                    self.produced_late_ms.record(at.saturating_sub(due).as_secs_f64() * 1e3);
                }
            }
            Event::FootageOpened(opened) => self.on_footage_opened(opened)?,
            Event::FootageEnded(end) => self.on_footage_ended(end)?,
            Event::Entered { rtp } => self.ledger.entered_encoder(rtp),
            Event::Encoded { rtp, at, bytes, keyframe } => self.ledger.encoded(rtp, at, bytes, keyframe),
            Event::LaneFull => self.stream.want_keyframe(),
            Event::EncoderFailed { serial, reason } => self.on_encoder_failed(serial, &reason),
            Event::EncoderChosen(chosen) => self.on_encoder_chosen(chosen)?,
            Event::PeerStarted { id, peer } => self.on_peer_started(id, peer),
            Event::Peer { id, event } => self.on_peer(id, event),
            Event::Hub(event) => self.on_hub(event)?,
            Event::Tick => self.on_tick()?,
            Event::Interrupted => tracing::info!("interrupted: finishing; once more ends at once"),
        }
        self.act();
        Ok(())
    }

    fn on_produced(&mut self, number: FrameNumber, rtp: RtpTime, truth: Truth, at: Duration) {
        tracing::trace!(number = number.0, %rtp, "produced");
        self.frames += 1;
        self.watched_from.get_or_insert(at);
        self.film.on_produced(truth);
        self.tell_truth(rtp, &truth, at);
        if let Err(error) = self.ledger.produced(number, rtp, truth, at) {
            tracing::debug!("{error}");
        }
        if self.measured_from.is_none() && self.ledger.has_begun() {
            self.measured_from = Usage::now().map(|usage| (at, usage, usage::threads_by_name()));
        }
    }

    fn on_footage_opened(&mut self, opened: Result<MediaSource, MediaError>) -> anyhow::Result<()> {
        let mut media = opened?;
        if let Footage::Fed(feed) = &self.config.source.source {
            media.take_from(feed)?;
        }
        let mut source = Source::opened(media, &self.outlet, &self.config)?;
        if self.members.values().any(|member| member.active.is_some()) {
            source.begin(&self.outlet, &self.config)?;
        }
        tracing::info!(source = self.film.name(), "the source is open");
        self.source = Some(source);
        Ok(())
    }

    fn on_footage_ended(&mut self, end: MediaEnd) -> anyhow::Result<()> {
        self.end_source();
        match (end, &self.film) {
            (MediaEnd::Failed(reason), _) => bail!("the source '{}' failed: {reason}", self.film.name()),
            (MediaEnd::Over, Film::Footage { text, .. }) if self.config.source.repeat => {
                film::open(text, &self.clock, &self.debugging, &self.events);
            }
            (MediaEnd::Over, _) => self.is_over = true,
        }
        Ok(())
    }

    /// Somebody watches.
    fn begin_source(&mut self) {
        let Some(source) = &mut self.source else { return };
        if let Err(error) = source.begin(&self.outlet, &self.config) {
            self.events.tell(Event::FootageEnded(MediaEnd::Failed(format!("{error:#}"))));
        }
    }

    fn end_source(&mut self) {
        if let Some(source) = self.source.take() {
            source.end();
        }
    }

    fn on_tick(&mut self) -> anyhow::Result<()> {
        if self.events.has_overflowed() {
            bail!(
                "the sender does not keep up with its own events, so its figures would be wrong; use fewer receivers or frames"
            );
        }
        let now = self.clock.now();
        self.ledger.tick(now);
        self.keep_records();
        self.room.handle_timeout(now);
        self.follow_paths(now);
        self.stream.on_time();
        self.keep_alive(now);
        self.tell_results(now);
        if self.live.is_due(now) {
            let view = self.view(now);
            self.live.show(view);
        }
        Ok(())
    }

    fn on_encoder_failed(&mut self, serial: u32, reason: &str) {
        let Some(choice) = self.stream.choice().cloned() else { return };
        if self.stream.on_failed(serial) {
            tracing::warn!(encoder = choice.name, "the encoder failed, the next one takes over: {reason}");
            self.look_for_encoder(None, Some(choice.codec));
        }
    }

    /// Looks for an encoder, off the loop: trials take time.
    fn look_for_encoder(&mut self, allowed: Option<Vec<Codec>>, preferred: Option<Codec>) {
        if std::mem::replace(&mut self.is_choosing, true) {
            self.must_choose_again = true;
            return;
        }
        let (plan, died, events) = (self.plan.clone(), self.stream.died().to_vec(), self.events.clone());
        tokio::task::spawn_blocking(move || {
            events.tell(Event::EncoderChosen(plan.choose(allowed.as_deref(), &died, preferred)));
        });
    }

    fn on_encoder_chosen(&mut self, chosen: Result<Choice, ChooseError>) -> anyhow::Result<()> {
        self.is_choosing = false;
        let last_codec = self.last_choice.as_ref().map(|choice| choice.codec);
        if std::mem::take(&mut self.must_choose_again) {
            // What was found is from before an encoder died.
            self.look_for_encoder(None, last_codec);
            return Ok(());
        }
        match chosen {
            Ok(choice) => {
                if let Err(error) = self.switch_to(choice) {
                    tracing::warn!("{error:#}");
                    self.look_for_encoder(None, last_codec);
                    return Ok(());
                }
            }
            // One is running, and goes on for whoever can decode it.
            Err(error) if self.stream.choice().is_some() => self.refuse_waiting(&error),
            Err(error) => return Err(error.into()),
        }
        for (id, peer) in std::mem::take(&mut self.waiting) {
            self.start_peer(id, peer);
        }
        Ok(())
    }

    /// There is no encoder for those who cannot decode what is running.
    fn refuse_waiting(&mut self, error: &ChooseError) {
        let Some(codec) = self.stream.choice().map(|choice| choice.codec) else { return };
        let (served, refused) =
            std::mem::take(&mut self.waiting).into_iter().partition(|(_, new)| new.codecs.contains(&codec));
        self.waiting = served;
        let refused: Vec<(PeerId, NewPeer)> = refused;
        for (id, _) in refused {
            self.room.on_peer_failed(id, ErrorCode::NoCommonCodec, &error.to_string());
        }
    }

    fn switch_to(&mut self, choice: Choice) -> anyhow::Result<()> {
        let codec = choice.codec;
        self.stream.start(choice.clone(), &self.plan.texts, &self.plan.shape)?;
        self.last_choice = Some(choice);
        self.stream.want_keyframe();
        self.dismiss_peers_of_other_codec(codec);
        self.room.set_codecs(self.plan.codecs(codec));
        Ok(())
    }
}
