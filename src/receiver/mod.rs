//! The receiver: finds the sender, decodes, looks, and returns coordinates.
//!
//! Only wiring. One loop owns all state; pictures do not pass through it: they go from the decoder's thread through a mailbox of
//! one to the detector's thread, and the coordinates from there straight onto the data channel.

mod hub;
mod offering;
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
use crate::signalling::message::{END_OF_CANDIDATES, FromClient, Sdp};
use crate::signalling::silence::with_silence;
use crate::signals::Signals;
use crate::webrtc::{PeerError, PeerEvent, ReceivingPeer};
use progress::Fault;
use session::{Session, SessionId};

pub use start::run;
pub(crate) use start::run_inside;
pub(crate) use watch::Show;

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

struct Receiver {
    config: ReceiveConfig,
    clock: RunClock,
    texts: Texts,
    debugging: Debugging,
    client: Client,
    events: mpsc::Sender<Event>,
    /// Inside a hub, where whoever sends does not offer twice.
    is_inside: bool,
    /// Whether the sender is on this machine.
    is_local: bool,
    ice: crate::webrtc::IceSettings,
    hub: hub::Link,
    session: Option<Session>,
    sessions: u64,
    /// How many sessions in a row did not get on with their connection.
    stalled: u32,
    show: Option<Show>,
    detected: u64,
    has_received: bool,
    unsent: u64,
}

impl Receiver {
    async fn run(&mut self, queue: &mut mpsc::Receiver<Event>, mut signals: Signals) -> anyhow::Result<ExitCode> {
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
                // A hub that this receiver is inside of is done with it.
                Event::Client(None) if self.is_inside => return Ok(ExitCode::Ok),
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
            PeerEvent::Described { sdp } if session.awaits_answer() => {
                self.on_own_offer(sdp);
                self.tell_candidates();
            }
            PeerEvent::Described { sdp } => {
                let (sdp, offer) = (with_silence(&sdp, &session.silent), session.offer);
                session.progress.on_answer(now);
                self.hub.tell(FromClient::Answer(Sdp { sdp, offer }));
                self.tell_candidates();
            }
            PeerEvent::Candidate { mline, candidate } => {
                session.progress.on_own_candidate();
                let told = session.tell_candidate(mline, candidate);
                told.into_iter().for_each(|candidate| self.hub.tell(FromClient::Candidate(candidate)));
            }
            PeerEvent::Gathered => {
                let told = session.tell_candidate(0, END_OF_CANDIDATES.to_owned());
                told.into_iter().for_each(|candidate| self.hub.tell(FromClient::Candidate(candidate)));
            }
            PeerEvent::WayFound => session.progress.on_way_found(now),
            PeerEvent::Connected => {
                tracing::info!("connected: the sender's certificate is the one it promised");
                session.on_connected(now);
                if session.is_open() && session.channel().is_none() {
                    tracing::info!("the sender offers no data channel: it is looked at, and nothing is returned");
                }
                session.dump("connected");
            }
            PeerEvent::Untrusted => {
                tracing::error!("the sender's certificate is not the one that its offer names: somebody may be in between");
                self.walk_out("certificate and fingerprint differ");
            }
            PeerEvent::Message { text, at } => self.on_channel_message(&text, at),
            PeerEvent::Lost { reason } | PeerEvent::Failed { reason } => {
                session.dump("error");
                self.leave(&reason);
            }
            PeerEvent::OtherChannel => {
                tracing::info!(
                    "the sender's data channel is not for coordinates: it is looked at, and they are not returned"
                );
                session.on_other_channel(now);
            }
            PeerEvent::ChannelOpen => {
                session.on_open(now);
                self.hub.on_open();
            }
            // Only of peers that are sent to.
            PeerEvent::Sent { .. } | PeerEvent::Path { .. } | PeerEvent::Reported { .. } | PeerEvent::KeyframeWanted => {}
        }
    }

    /// Our description has gone.
    fn tell_candidates(&mut self) {
        let found = self.session.as_mut().map(Session::on_described).unwrap_or_default();
        found.into_iter().for_each(|candidate| self.hub.tell(FromClient::Candidate(candidate)));
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
        self.keep_joined(now);
        self.tell_stats(now);
    }

    /// Ends the session, and asks for another if there can be one.
    fn leave(&mut self, reason: &str) {
        if self.is_inside {
            return self.walk_out(reason);
        }
        self.end_session(reason);
        self.hub.ask_again(self.clock.now());
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
