//! GStreamer's own signalling protocol, which its `webrtcsrc` and `webrtcsink` speak, translated to the hub's messages.
//!
//! One [`Translator`] stands between one connection and the hub. A *producer* (it says `setPeerStatus` with that role) is the sender
//! of a session, a *consumer* (it says `startSession`) is a viewer of one: to both, a producer's peer id is the session's id. The
//! connection to the hub lasts as long as that; whoever only lists or listens has none.
//!
//! A *session* of that protocol is one peer connection with one consumer. A new offer of the same sender is a new session, announced
//! by the end of the one before.
//!
//! The types of the messages are those of the crate that `webrtcsink` itself is made with. Its `error` ends these elements, so
//! what our hub complains about but survives is not passed on.

mod consumer;
mod meta;
mod producer;

use std::collections::{BTreeSet, VecDeque};

use gst_plugin_webrtc_signalling_protocol as protocol;
pub use protocol::OutgoingMessage;
use protocol::{EndSessionMessage, IncomingMessage, Peer, PeerMessage, PeerMessageInner, PeerRole, PeerStatus};
use protocol::{SdpMessage, StartSessionMessage};

use self::consumer::Consumer;
use self::producer::Producer;
use super::hub::{MAX_MISTAKES, SessionInfo};
use super::message::{Bye, FromClient, Offer, SessionId, ToClient, TrickledCandidate};

/// What the edge has to do, in this order.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// Tell the peer.
    Say(OutgoingMessage),
    /// Open a connection to the hub and say this there.
    Enter(FromClient),
    /// Tell the hub, on that connection.
    Tell(FromClient),
    /// Say this to the hub, and end that connection.
    Leave(Bye),
    /// Ask the hub for the sessions that this peer may see, for [`Translator::on_sessions`].
    List,
    /// Close the connection of the peer.
    Close,
}

/// One connection of that protocol.
pub struct Translator {
    seat: Seat,
    /// What a listener was told of.
    heard_of: Option<BTreeSet<SessionId>>,
    is_listing: bool,
    mistakes: u32,
    steps: Steps,
}

/// What it is to the hub.
enum Seat {
    Nobody,
    Consumer(Consumer),
    Producer(Producer),
}

/// What is to be done, and a number for each session.
#[derive(Default)]
struct Steps {
    queue: VecDeque<Step>,
    sessions: u64,
}

impl Translator {
    /// Of a peer that has just connected and is called that.
    pub fn new(peer_id: String) -> Translator {
        let mut steps = Steps::default();
        steps.say(OutgoingMessage::Welcome { peer_id });
        Translator { seat: Seat::Nobody, heard_of: None, is_listing: false, mistakes: 0, steps }
    }

    /// The next thing to do; call until `None` after every other call.
    pub fn poll_step(&mut self) -> Option<Step> {
        self.steps.queue.pop_front()
    }

    /// Whether it wants to hear of sessions that come and go: list them for it from time to time.
    pub fn is_listening(&self) -> bool {
        self.heard_of.is_some()
    }

    /// The peer said something.
    pub fn on_text(&mut self, text: &str) {
        match serde_json::from_str(text) {
            Ok(message) => self.on_message(message),
            Err(error) => self.complain(&format!("not a message of GStreamer's signalling protocol: {error}")),
        }
    }

    /// The peer said something that is no text.
    pub fn on_binary(&mut self) {
        self.complain("a binary message; every message is JSON text");
    }

    /// The hub said something.
    pub fn on_hub(&mut self, message: ToClient) {
        match &mut self.seat {
            Seat::Nobody => {}
            Seat::Consumer(consumer) => consumer.on_hub(message, &mut self.steps),
            Seat::Producer(producer) => producer.on_hub(message, &mut self.steps),
        }
    }

    /// The hub ended its connection, and said why before.
    pub fn on_hub_closed(&mut self) {
        self.end_sessions();
        self.seat = Seat::Nobody;
        self.steps.push(Step::Close);
    }

    /// The peer's connection ended. These peers do not come back, so nobody waits for them.
    pub fn on_closed(&mut self) {
        self.leave("its connection closed");
    }

    /// What was asked for by [`Step::List`] or because [`Translator::is_listening`].
    pub fn on_sessions(&mut self, sessions: &[SessionInfo]) {
        let open: BTreeSet<SessionId> =
            sessions.iter().filter(|session| session.has_sender).map(|session| session.id.clone()).collect();
        if std::mem::take(&mut self.is_listing) {
            let producer = |id: &SessionId| Peer { id: id.to_string(), meta: Some(meta::named(id)) };
            self.steps.say(OutgoingMessage::List { producers: open.iter().map(producer).collect() });
        }
        if let Some(heard_of) = &mut self.heard_of {
            let status = |id: &SessionId, roles| {
                let (meta, peer_id) = (Some(meta::named(id)), Some(id.to_string()));
                OutgoingMessage::PeerStatusChanged(PeerStatus { roles, meta, peer_id })
            };
            open.difference(heard_of).for_each(|id| self.steps.say(status(id, vec![PeerRole::Producer])));
            heard_of.difference(&open).for_each(|id| self.steps.say(status(id, Vec::new())));
            *heard_of = open;
        }
    }

    fn on_message(&mut self, message: IncomingMessage) {
        match message {
            IncomingMessage::NewPeer => self.complain("newPeer is a word of servers among themselves"),
            IncomingMessage::SetPeerStatus(status) => self.on_status(&status),
            IncomingMessage::StartSession(start) => self.on_start(start),
            IncomingMessage::EndSession(EndSessionMessage { session_id }) => self.on_end(&session_id),
            IncomingMessage::Peer(message) => self.on_peer(message),
            IncomingMessage::List => {
                self.is_listing = true;
                self.steps.push(Step::List);
            }
            // Nobody waits here for a producer that calls.
            IncomingMessage::ListConsumers => self.steps.say(OutgoingMessage::ListConsumers { consumers: Vec::new() }),
        }
    }

    fn on_status(&mut self, status: &PeerStatus) {
        if status.consuming() {
            return self.complain(
                "a consumer starts its session itself here: set signaller::producer-peer-id to the id of a session, or \
                 connect-to-first-producer=true",
            );
        }
        match (status.listening(), self.is_listening()) {
            (true, false) => self.heard_of = Some(BTreeSet::new()),
            (false, _) => self.heard_of = None,
            (true, true) => {}
        }
        match (status.producing(), &self.seat) {
            (true, Seat::Nobody) => match Producer::new(status.meta.as_ref(), &mut self.steps) {
                Ok(producer) => self.seat = Seat::Producer(producer),
                Err(bad) => self.complain(&format!("meta names no session: {bad}")),
            },
            (true, Seat::Consumer(_)) => self.complain(ONE_SEAT),
            (false, Seat::Producer(_)) => self.leave("it produces no more"),
            (true, Seat::Producer(_)) | (false, _) => {}
        }
    }

    fn on_start(&mut self, start: StartSessionMessage) {
        if !matches!(self.seat, Seat::Nobody) {
            return self.complain(ONE_SEAT);
        }
        match (start.peer_id.parse(), start.offer.map(Offer::try_from).transpose()) {
            (Ok(session), Ok(offer)) => self.seat = Seat::Consumer(Consumer::new(session, offer, &mut self.steps)),
            (Err(bad), _) => self.complain(&format!("the peer id of a producer is the id of its session: {bad}")),
            (_, Err(bad)) => self.complain(&bad.to_string()),
        }
    }

    /// What is said to or of a session that has just ended crossed its end on the way, and is passed over.
    fn on_end(&mut self, session: &str) {
        match &mut self.seat {
            Seat::Nobody => {}
            Seat::Consumer(consumer) if consumer.is_in(session) => {
                self.seat = Seat::Nobody;
                self.steps.push(Step::Leave(bye("the consumer ended its session")));
            }
            Seat::Consumer(_) => {}
            Seat::Producer(producer) => producer.dismiss(session, &mut self.steps),
        }
    }

    fn on_peer(&mut self, PeerMessage { session_id, peer_message }: PeerMessage) {
        let taken = match &mut self.seat {
            Seat::Nobody => Ok(()),
            Seat::Consumer(consumer) => consumer.on_peer(&session_id, peer_message, &mut self.steps),
            Seat::Producer(producer) => producer.on_peer(&session_id, peer_message, &mut self.steps),
        };
        if let Err(why) = taken {
            self.complain(why);
        }
    }

    fn end_sessions(&mut self) {
        match &mut self.seat {
            Seat::Nobody => {}
            Seat::Consumer(consumer) => consumer.end(&mut self.steps),
            Seat::Producer(producer) => producer.end(&mut self.steps),
        }
    }

    fn leave(&mut self, reason: &str) {
        self.end_sessions();
        if !matches!(std::mem::replace(&mut self.seat, Seat::Nobody), Seat::Nobody) {
            self.steps.push(Step::Leave(bye(reason)));
        }
    }

    fn complain(&mut self, why: &str) {
        self.mistakes += 1;
        self.steps.error(why.to_owned());
        if self.mistakes > MAX_MISTAKES {
            self.leave("it made too many mistakes");
            self.steps.push(Step::Close);
        }
    }
}

const ONE_SEAT: &str = "one connection is a producer or has one session at a time here: open another connection for this";

impl Steps {
    fn push(&mut self, step: Step) {
        self.queue.push_back(step);
    }

    fn say(&mut self, message: OutgoingMessage) {
        self.push(Step::Say(message));
    }

    fn tell(&mut self, message: FromClient) {
        self.push(Step::Tell(message));
    }

    fn error(&mut self, details: String) {
        self.say(OutgoingMessage::Error { details });
    }

    /// Ids of sessions mean something on their connection only.
    fn next_session(&mut self) -> u64 {
        self.sessions += 1;
        self.sessions
    }

    fn end_session(&mut self, session: u64) {
        self.say(OutgoingMessage::EndSession(EndSessionMessage { session_id: session.to_string() }));
    }

    fn description(&mut self, session: u64, description: SdpMessage) {
        let peer_message = PeerMessageInner::Sdp(description);
        self.say(OutgoingMessage::Peer(PeerMessage { session_id: session.to_string(), peer_message }));
    }

    /// Passes over the end of candidates, for which that protocol has no word. All media share one transport: any line names it.
    fn candidate(&mut self, session: u64, TrickledCandidate { candidate, line, .. }: TrickledCandidate) {
        if !candidate.is_empty() {
            let peer_message = PeerMessageInner::Ice { candidate, sdp_m_line_index: line.unwrap_or(0) };
            self.say(OutgoingMessage::Peer(PeerMessage { session_id: session.to_string(), peer_message }));
        }
    }
}

fn bye(reason: &str) -> Bye {
    Bye { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests;
