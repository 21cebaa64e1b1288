//! From settings to a running receiver; the making and the ending of peers.

use std::sync::Arc;

use anyhow::Context as _;
use gstreamer as gst;
use tokio::sync::mpsc;

use super::progress::Progress;
use super::session::{Session, SessionId};
use super::watch::{Show, Watcher};
use super::{Event, QUEUE_EVENTS, Receiver, hub, show};
use crate::cli::{Common, ExitCode, ReceiveConfig};
use crate::clock::RunClock;
use crate::codec::Codec;
use crate::decode::{self, Decoded};
use crate::detect;
use crate::impair::Path;
use crate::pipeline::{self, Debugging, Texts};
use crate::signalling::client::{Client, ClientConfig, Endpoint, HubUrl, Place};
use crate::signalling::gate::{CandidateGate, CandidatePolicy, CheckedSdp, Direction, MediaKind, SdpKind, check_sdp};
use crate::signalling::message::{Bye, FromClient, Sdp};
use crate::signalling::silence::without_sound;
use crate::signals::Signals;
use crate::webrtc::{Begin, Certificate, PeerError, ReceiveSettings, ReceivingPeer, Report, Source, Trust};
use crate::witness;

/// Runs a receiver until it is done, interrupted or cannot go on.
pub async fn run(config: &ReceiveConfig, common: &Common) -> anyhow::Result<ExitCode> {
    let texts = Texts::load(config.pipelines.as_deref())?;
    let _certificate = Certificate::prepare();
    let place = place(config)?;
    let client_config =
        ClientConfig { give_up_after: config.connect_timeout, ..ClientConfig::new(&place, &config.session)? };
    let show = show::show(config)?;
    let signals = Signals::listen()?;
    let (is_local, client) = (place.is_loopback(), Client::connect(place, client_config));
    let (mut receiver, mut queue) = Receiver::new(config, texts, client, is_local, show);
    receiver.debugging.log_changes = common.verbose > 0;
    let code = receiver.run(&mut queue, signals).await;
    receiver.finish().await;
    code
}

/// Runs a receiver inside a hub until that closes the client's link. `is_local` tells whether the sender is on this machine.
pub(crate) async fn run_inside(config: &ReceiveConfig, client: Client, is_local: bool, show: Show) -> anyhow::Result<()> {
    let texts = Texts::load(config.pipelines.as_deref())?;
    let _certificate = Certificate::prepare();
    let (mut receiver, mut queue) = Receiver::new(config, texts, client, is_local, Some(show));
    receiver.is_inside = true;
    let code = receiver.run(&mut queue, Signals::none()).await;
    receiver.finish().await;
    code.map(drop)
}

fn place(config: &ReceiveConfig) -> anyhow::Result<Place> {
    if let Some(url) = &config.whep.whep {
        return Ok(Endpoint::whep(url.clone()).into());
    }
    let url: HubUrl = config.signalling_url().map_err(anyhow::Error::msg)?.as_str().parse()?;
    Ok(url.into())
}

/// Ends a peer, off the loop.
pub(super) fn close(peer: ReceivingPeer) {
    drop(crate::closing::off_the_loop(|| peer.close()));
}

impl Receiver {
    fn new(
        config: &ReceiveConfig,
        texts: Texts,
        client: Client,
        is_local: bool,
        show: Option<Show>,
    ) -> (Receiver, mpsc::Receiver<Event>) {
        let (events, queue) = mpsc::channel(QUEUE_EVENTS);
        let receiver = Receiver {
            clock: RunClock::start(),
            texts,
            is_inside: false,
            is_local,
            client,
            events,
            ice: crate::ice::settings(&config.ice_servers, config.ice_tcp, config.ice_policy),
            debugging: Debugging { dot_dir: config.dot.clone(), log_changes: false },
            config: config.clone(),
            hub: hub::Link::new(config.session.session.clone()),
            session: None,
            sessions: 0,
            stalled: 0,
            show,
            detected: 0,
            has_received: false,
            unsent: 0,
        };
        (receiver, queue)
    }

    /// Says goodbye and frees everything.
    async fn finish(mut self) {
        let outbox = self.hub.take_outbox();
        if let Some(outbox) = &outbox {
            // One that does not read needs no goodbye.
            let _ = outbox.try_send(FromClient::Bye(Bye { reason: "the receiver ends".to_owned() }));
        }
        self.end_session("the receiver ends");
        tracing::info!(detected = self.detected, unsent = self.unsent, "done");
        self.client.close(outbox).await;
    }

    /// The sender offers: a peer is made to answer, off the loop. One that was there is replaced.
    pub(super) fn on_offer(&mut self, offered: &Sdp) {
        self.end_session("the sender offers a new connection");
        self.hub.on_offer();
        let mut gate = CandidateGate::new(CandidatePolicy { loopback: self.is_local, tcp: self.config.ice_tcp });
        let (picture, silent) = without_sound(&offered.sdp);
        let offer = match check_offer(&picture, &mut gate) {
            Ok(offer) => offer,
            Err(why) => return self.walk_out(&format!("the offer is refused: {why}")),
        };
        self.sessions += 1;
        let (id, jitter_ms, now) = (SessionId(self.sessions), self.config.recovery.jitter_ms, self.clock.now());
        // Where there is no next connection, none is the better bet.
        let stalled = if self.is_inside { u32::MAX } else { self.stalled };
        let progress = Progress::new(self.hub.answered_in(), stalled, now);
        let progress = if offer.application().is_some() { progress } else { progress.without_channel() };
        let mut session = Session::new(id, offered.offer, gate, jitter_ms, progress, now);
        session.silent = silent;
        let decoded = session.decoded.clone();
        self.session = Some(session);
        match self.source(&offer, &decoded).and_then(|source| self.settings(Begin::Theirs(source))) {
            Ok(settings) => self.start_peer(id, settings),
            Err(error) => self.leave(&format!("{error:#}")),
        }
    }

    /// The other side, as it describes itself, and what decodes its video.
    pub(super) fn source(&self, theirs: &CheckedSdp, decoded: &Arc<Decoded>) -> anyhow::Result<Source> {
        let offered = theirs.video().context("there is no video in it")?.codecs();
        let decodable = self.texts.decodable();
        let codec = offered.iter().copied().find(|codec| decodable.contains(codec));
        let codec = codec.with_context(|| format!("the sender has {offered:?}, this receiver decodes {decodable:?}"))?;
        let trust = Arc::new(Trust::new(theirs.fingerprints().judge()));
        let tail = self.tail(codec, trust.clone(), decoded)?;
        Ok(Source { sdp: theirs.text().to_owned(), trust, tail })
    }

    pub(super) fn settings(&self, begin: Begin) -> anyhow::Result<ReceiveSettings> {
        let jitter_ms = self.config.recovery.jitter_ms.at_first();
        let name = self.config.name.as_deref().unwrap_or_default();
        Ok(ReceiveSettings {
            launch: self.texts.receive(jitter_ms)?,
            jitter_ms,
            begin,
            ice: self.ice.clone(),
            path: self.config.network.impair.clone().map(|impairment| Path::named(impairment, &format!("from {name}"))),
            debugging: self.debugging.clone(),
        })
    }

    /// What follows the connection: the decoder, if anybody wants to see pictures.
    fn tail(&self, codec: Codec, trust: Arc<Trust>, decoded: &Arc<Decoded>) -> anyhow::Result<gst::Bin> {
        if !self.config.decodes() {
            let tail = pipeline::parse_bin("discard", &self.texts.discard(codec)?)?;
            decode::note_arrivals(&tail, codec, &self.clock, decoded)?;
            return Ok(tail);
        }
        let tail = pipeline::parse_bin("decode", &self.texts.decode(codec)?)?;
        decode::attach(&tail, codec, move || trust.is_trusted(), &self.clock, decoded)?;
        Ok(tail)
    }

    pub(super) fn start_peer(&self, session: SessionId, settings: ReceiveSettings) {
        let (clock, events) = (self.clock.clone(), self.events.clone());
        tokio::task::spawn_blocking(move || {
            let told = events.clone();
            let report = Report::new(move |event| tell(&told, Event::Peer { session, event }));
            let peer: Result<ReceivingPeer, PeerError> = ReceivingPeer::start("receive", &settings, &clock, report);
            tell(&events, Event::PeerStarted { session, peer: peer.map(Box::new) });
        });
    }

    /// Starts the detector on what the peer decodes.
    pub(super) fn watch(&mut self) {
        let Some(session) = &mut self.session else { return };
        if session.peer.is_none() || session.awaits_answer() || !self.config.decodes() {
            return;
        }
        let detector = match self.config.looks().then(|| detect::by_name(&self.config.detector)).transpose() {
            Ok(detector) => detector,
            Err(error) => return self.leave(&error.to_string()),
        };
        let watcher = Watcher {
            decoded: session.decoded.clone(),
            codes: witness::Reader::default(),
            detector,
            channel: session.channel(),
            clock: self.clock.clone(),
            counts: session.counts.clone(),
            show: self.show.take(),
        };
        match watcher.start() {
            Ok(watcher) => session.watcher = Some(watcher),
            Err(error) => self.leave(&format!("the detector's thread cannot be started: {error}")),
        }
    }
}

/// Checks an offer of one video that is sent.
fn check_offer(offer: &str, gate: &mut CandidateGate) -> anyhow::Result<CheckedSdp> {
    let offer = check_sdp(offer, SdpKind::Offer, gate)?;
    let videos = offer.media().iter().filter(|media| media.kind == MediaKind::Video).count();
    anyhow::ensure!(videos == 1, "it has {videos} m=video; one is looked at");
    let video = offer.video().context("it rejects the video itself")?;
    let sends = matches!(video.direction, Direction::SendOnly | Direction::SendRecv);
    anyhow::ensure!(sends, "its video is not to be sent; it must say sendonly");
    Ok(offer)
}

fn tell(events: &mpsc::Sender<Event>, event: Event) {
    // After the loop has ended nobody listens, and nobody needs to.
    if let Err(mpsc::error::TrySendError::Full(_)) = events.try_send(event) {
        tracing::error!("the receiver's loop does not keep up with its own events");
    }
}
