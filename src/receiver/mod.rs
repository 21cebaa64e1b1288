//! The receiver: finds the sender, decodes, looks, and returns coordinates.
//!
//! Only wiring. One loop owns all state; pictures do not pass through it: they go from the decoder's thread through a mailbox of
//! one to the detector's thread, and the coordinates from there straight onto the data channel.

mod progress;
mod session;
mod show;
mod start;
mod stats;
mod watch;

use std::time::Duration;

use anyhow::bail;
use tokio::sync::mpsc;

use crate::cli::{ExitCode, ReceiveConfig};
use crate::clock::RunClock;
use crate::feedback::{self, Message};
use crate::impair::Impaired;
use crate::pipeline::{Debugging, Texts};
use crate::signalling::client::{Client, ClientEvent};
use crate::signalling::gate::CandidatePolicy;
use crate::signalling::message::{
    Bye, DisplayName, ErrorCode, ErrorReport, FromReceiver, FromSender, Join, PROTOCOL_VERSION, Role, Sdp,
    TrickledCandidate, Welcome,
};
use crate::signals::Signals;
use crate::webrtc::{PeerError, PeerEvent, ReceivingPeer};
use progress::Fault;
use session::{Session, SessionId};
use watch::Show;

pub use start::run;

/// How often the loop looks at its deadlines.
const TICK: Duration = Duration::from_millis(100);

/// Events that wait for the loop; they are few, since no frame passes through it.
const QUEUE_EVENTS: usize = 1024;

/// One thing that happened.
enum Event {
    Client(Option<ClientEvent>),
    PeerStarted { session: SessionId, peer: Result<Box<ReceivingPeer>, PeerError> },
    Peer { session: SessionId, event: PeerEvent },
    Tick,
    Interrupted,
}

/// The sender will never serve this receiver: trying again is of no use.
#[derive(Debug, thiserror::Error)]
#[error("the sender refuses this receiver: {0}")]
pub struct Refused(String);

struct Receiver {
    config: ReceiveConfig,
    clock: RunClock,
    texts: Texts,
    debugging: Debugging,
    client: Client,
    events: mpsc::Sender<Event>,
    /// Whether the sender is on this machine.
    is_local: bool,
    ice: crate::webrtc::IceSettings,
    outbox: Option<mpsc::Sender<FromReceiver>>,
    session: Option<Session>,
    sessions: u64,
    /// How many sessions in a row did not get on with their connection.
    stalled: u32,
    /// The sender says that we can never be served.
    refused: Option<String>,
    show: Option<Show>,
    detected: u64,
    has_received: bool,
    unsent: u64,
}

impl Receiver {
    async fn run(&mut self, queue: &mut mpsc::Receiver<Event>) -> anyhow::Result<ExitCode> {
        let mut signals = Signals::listen()?;
        let mut tick = tokio::time::interval(TICK);
        loop {
            let event = tokio::select! {
                Some(event) = queue.recv() => event,
                event = self.client.next() => Event::Client(event),
                _ = tick.tick() => Event::Tick,
                () = signals.recv() => Event::Interrupted,
            };
            match event {
                Event::Client(Some(event)) => self.on_client(event)?,
                Event::Client(None) => bail!("the signalling client ended"),
                Event::PeerStarted { session, peer } => self.on_peer_started(session, peer),
                Event::Peer { session, event } => self.on_peer(session, event),
                Event::Tick => {
                    self.on_tick();
                    if self.config.duration.is_some_and(|duration| self.clock.now() >= duration) {
                        return Ok(if self.has_worked() { ExitCode::Ok } else { ExitCode::NothingMatched });
                    }
                }
                Event::Interrupted => return Ok(ExitCode::Ok),
            }
        }
    }

    /// Whether there was anything to look at, or for one that looks at nothing, whether there was anything.
    fn has_worked(&self) -> bool {
        let session = self.session.as_ref();
        if self.config.looks() {
            self.detected > 0 || session.is_some_and(|session| session.counts.detected() > 0)
        } else {
            self.has_received || session.is_some_and(Session::has_received)
        }
    }

    fn on_client(&mut self, event: ClientEvent) -> anyhow::Result<()> {
        match event {
            ClientEvent::Connected(outbox) => self.join(outbox),
            ClientEvent::Message(message) => self.on_message(message),
            ClientEvent::Lost { reason } => {
                self.outbox = None;
                self.end_session(&format!("signalling is lost: {reason}"));
            }
            ClientEvent::Failed(error) => return Err(error.into()),
        }
        match self.refused.take() {
            Some(why) => bail!(Refused(why)),
            None => Ok(()),
        }
    }

    fn join(&mut self, outbox: mpsc::Sender<FromReceiver>) {
        self.outbox = Some(outbox);
        self.sessions += 1;
        let policy = CandidatePolicy { loopback: self.is_local, tcp: self.config.ice_tcp };
        let (id, jitter_ms) = (SessionId(self.sessions), self.config.recovery.jitter_ms);
        self.session = Some(Session::new(id, policy, jitter_ms, self.stalled, self.clock.now()));
        let name = self.config.name.clone().and_then(|name| DisplayName::try_from(name).ok());
        let codecs = self.texts.decodable();
        let role = if self.config.looks() { Role::Receiver } else { Role::Viewer };
        self.tell(FromReceiver::Join(Join { version: PROTOCOL_VERSION, role, name, codecs }));
    }

    /// Tells the sender something; one that does not read any more is about to be lost.
    fn tell(&self, message: FromReceiver) {
        let _ = self.outbox.as_ref().map(|outbox| outbox.try_send(message));
    }

    fn on_message(&mut self, message: FromSender) {
        match message {
            FromSender::Welcome(welcome) => self.on_welcome(&welcome),
            FromSender::Offer(offer) => self.on_offer(&offer.sdp),
            FromSender::Candidate(candidate) => {
                if let Some(session) = &mut self.session {
                    // Our sender's media are bundled: any line names the one transport.
                    session.add_candidate(candidate.line.unwrap_or(0), &candidate.candidate);
                }
            }
            FromSender::Error(error) => self.on_error(&error),
            FromSender::Bye(bye) => self.leave(&format!("the sender says goodbye: {}", bye.reason)),
        }
    }

    fn on_welcome(&mut self, welcome: &Welcome) {
        tracing::info!(id = welcome.id, "the sender lets us in");
        if let Some(session) = &mut self.session {
            session.progress.on_welcome(self.clock.now());
        }
        let own = &self.config.ice_servers;
        let announced: Vec<_> = welcome.ice_servers.iter().filter_map(start::ice_server).collect();
        if announced.len() < welcome.ice_servers.len() {
            tracing::warn!("the sender names ICE servers that cannot be read");
        }
        // One's own are better known than the sender's.
        self.ice = crate::ice::settings(if own.is_empty() { &announced } else { own }, self.config.ice_tcp);
    }

    fn on_error(&mut self, error: &ErrorReport) {
        if error.recoverable {
            tracing::warn!(code = ?error.code, "the sender complains: {}", error.message);
        } else {
            tracing::error!(code = ?error.code, "the sender sends us away: {}", error.message);
            let hopeless = matches!(error.code, ErrorCode::NoCommonCodec | ErrorCode::UnsupportedVersion);
            self.refused = hopeless.then(|| error.message.clone());
            self.leave("sent away");
        }
    }

    fn on_peer_started(&mut self, id: SessionId, peer: Result<Box<ReceivingPeer>, PeerError>) {
        let current = self.session.as_mut().filter(|session| session.id == id);
        match (peer, current) {
            (Ok(peer), Some(session)) => {
                peer.pipeline().dump("start");
                for (line, candidate) in session.early.drain(..) {
                    peer.add_candidate(line, candidate.text());
                }
                session.peer = Some(*peer);
                self.watch();
            }
            (Ok(peer), None) => start::close(*peer),
            (Err(error), Some(_)) => self.leave(&error.to_string()),
            (Err(_), None) => {}
        }
    }

    fn on_peer(&mut self, id: SessionId, event: PeerEvent) {
        let now = self.clock.now();
        let Some(session) = self.session.as_mut().filter(|session| session.id == id) else { return };
        match event {
            PeerEvent::Described { sdp } => {
                session.progress.on_answer(now);
                self.tell(FromReceiver::Answer(Sdp { sdp }));
            }
            PeerEvent::Candidate { mline, candidate } => {
                session.progress.on_own_candidate();
                self.tell(FromReceiver::Candidate(TrickledCandidate { candidate, line: Some(mline), mid: None }));
            }
            PeerEvent::WayFound => session.progress.on_way_found(now),
            PeerEvent::Connected => {
                tracing::info!("connected: the sender's certificate is the one it promised");
                session.progress.on_connected(now);
                session.dump("connected");
            }
            PeerEvent::Untrusted => {
                tracing::error!("the sender's certificate is not the one that its offer names: somebody may be in between");
                self.leave("certificate and fingerprint differ");
            }
            PeerEvent::Message { text, at } => self.on_channel_message(&text, at),
            PeerEvent::Failed { reason } => {
                session.dump("error");
                self.leave(&reason);
            }
            PeerEvent::ChannelOpen => session.on_open(now),
            PeerEvent::Sent { .. } | PeerEvent::Path { .. } | PeerEvent::KeyframeWanted => {}
        }
    }

    fn on_channel_message(&mut self, text: &str, at: Duration) {
        let Some(session) = &mut self.session else { return };
        match feedback::message::read(text.as_bytes()) {
            Ok(Message::Ping(ping)) => {
                session.on_open(at);
                let mut text = String::new();
                let pong = ping.answer(watch::micros(at), watch::micros(self.clock.now()));
                if let (Ok(()), Some(peer)) = (pong.write(&mut text), &session.peer) {
                    // Lost pongs are part of the protocol.
                    let _ = peer.channel().send(&text);
                }
            }
            Ok(other) => tracing::debug!(?other, "a message that is for senders"),
            Err(error) => tracing::debug!("a message of the sender cannot be read: {error}"),
        }
    }

    fn on_tick(&mut self) {
        let now = self.clock.now();
        if let Some(session) = &mut self.session {
            session.steer(now);
        }
        if let Some(fault) = self.session.as_ref().and_then(|session| session.fault(now)) {
            if fault == Fault::Stalled {
                self.stalled = self.stalled.saturating_add(1);
            }
            return self.leave(&fault.to_string());
        }
        self.tell_stats(now);
    }

    /// Ends the session and the signalling connection; the client comes back with a new one.
    fn leave(&mut self, reason: &str) {
        self.tell(FromReceiver::Bye(Bye { reason: reason.to_owned() }));
        self.outbox = None;
        self.end_session(reason);
    }

    fn end_session(&mut self, reason: &str) {
        let Some(session) = self.session.take() else { return };
        tracing::info!("session over: {reason}");
        if session.is_open() {
            self.stalled = 0;
        }
        self.detected += session.counts.detected();
        self.unsent += session.counts.unsent();
        self.has_received |= session.has_received();
        session.decoded.pictures.close();
        if let Some(watcher) = session.watcher {
            // The detector is asked to stop and is done within one picture; a panic in it has been reported.
            self.show = watcher.join().ok().flatten();
        }
        if let Some(peer) = session.peer {
            peer.pipeline().dump("end");
            if let Some(Impaired { counters, .. }) = peer.impaired() {
                tracing::info!(?counters, "what was sent met a bad network");
            }
            start::close(peer);
        }
    }
}
