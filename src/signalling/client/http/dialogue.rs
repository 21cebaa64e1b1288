//! One session after the other with a server: offers are completed and posted, answers told, sessions ended.

use std::time::Duration;

use reqwest::header::{ETAG, HeaderValue};
use reqwest::{Method, StatusCode};
use tokio::sync::mpsc;
use tokio::time::timeout;
use url::Url;

use super::super::super::complete;
use super::super::super::gate::MAX_CANDIDATES;
use super::super::super::message::{
    END_OF_CANDIDATES, ErrorCode, ErrorReport, ForMember, From, FromClient, IceServer, Joined, MemberId, OfMember,
    PROTOCOL_VERSION, Registered, Role, Sdp, SessionId, Ticket, To, ToClient, TrickledCandidate, Welcome,
};
use super::super::{ClientEvent, Ended, NobodyListens};
use super::Endpoint;
use super::endpoint::Dialect;
use super::head::Answer;
use super::request::{Http, HttpProblem, Sent};
use crate::codec::Codec;

/// How long the next candidate is waited for: a STUN or TURN server that does not answer takes libnice more than a minute, those of this machine take
/// milliseconds. As the server of a hub does it.
const GATHER_WITHIN: Duration = Duration::from_secs(2);

/// What a server that plays a hub with one session and one member calls both.
const NAME: &str = "server";

/// One role's conversation with a server.
pub(in super::super) struct Dialogue {
    endpoint: Endpoint,
    http: Http,
    ice_servers: Vec<IceServer>,
    events: mpsc::Sender<ClientEvent>,
    /// What the role describes, and waits for its candidates.
    gathering: Option<Gathering>,
    session: Option<Session>,
}

/// A description whose candidates are still being found.
struct Gathering {
    sdp: Sdp,
    /// It answers the server's counter-offer.
    is_answer: bool,
    candidates: Vec<(u32, String)>,
}

/// What there is to do next.
enum Heard {
    Message(FromClient),
    /// No more candidates are waited for.
    Enough,
}

/// What the server made of an offer, until it is deleted there.
struct Session {
    /// None of a server that did not say where.
    url: Option<Url>,
    etag: Option<HeaderValue>,
}

impl Session {
    fn of(answer: &Answer) -> Session {
        Session { url: answer.location(), etag: answer.headers.get(ETAG).cloned() }
    }
}

/// How a message was taken: the conversation goes on, or it is over.
type Taken = Result<Option<Ended>, NobodyListens>;

impl Dialogue {
    /// Sees whether the server can be reached, and asks for its STUN and TURN servers (RFC 9725 section 4.6): webrtcbin wants them
    /// before it offers. What the server says of the question itself does not matter.
    pub(in super::super) async fn open(
        endpoint: Endpoint,
        http: Http,
        events: mpsc::Sender<ClientEvent>,
    ) -> Result<Dialogue, Ended> {
        let answer = http.ask(Method::OPTIONS, endpoint.url(), Sent::default()).await.map_err(ended)?;
        let ice_servers = if answer.status.is_success() { answer.ice_servers() } else { Vec::new() };
        Ok(Dialogue { endpoint, http, ice_servers, events, gathering: None, session: None })
    }

    /// Talks until the role leaves or the server refuses.
    pub(in super::super) async fn converse(
        mut self,
        mut outgoing: mpsc::Receiver<FromClient>,
    ) -> Result<Ended, NobodyListens> {
        if self.endpoint.dialect() == Dialect::Whep {
            self.welcome().await?;
        }
        let ended = loop {
            let taken = match self.next(&mut outgoing).await {
                Some(Heard::Message(message)) => self.on_message(message).await,
                Some(Heard::Enough) => self.on_gathered().await,
                None => break Ended::Unreachable("the session is over".to_owned()),
            };
            match taken {
                Ok(None) => {}
                Ok(Some(ended)) => break ended,
                Err(nobody) => {
                    self.end_session().await;
                    return Err(nobody);
                }
            }
        };
        self.end_session().await;
        Ok(ended)
    }

    /// What the role says next, or that its candidates were waited for long enough.
    async fn next(&self, outgoing: &mut mpsc::Receiver<FromClient>) -> Option<Heard> {
        if self.gathering.is_none() {
            return outgoing.recv().await.map(Heard::Message);
        }
        match timeout(GATHER_WITHIN, outgoing.recv()).await {
            Ok(message) => message.map(Heard::Message),
            Err(_) => Some(Heard::Enough),
        }
    }

    async fn on_message(&mut self, message: FromClient) -> Taken {
        match message {
            FromClient::Register(_) => self.on_register().await,
            FromClient::To(To { message, .. }) => self.on_sender(message).await,
            FromClient::Join(join) => {
                self.end_session().await;
                let offer = join.offer.map(|offer| Sdp { sdp: offer.into(), offer: None });
                Ok(offer.and_then(|sdp| self.describe(sdp, false)))
            }
            // What a role of ours has no use for here.
            FromClient::Publish(_) => Ok(None),
            FromClient::Answer(sdp) => Ok(self.describe(sdp, true)),
            FromClient::Candidate(candidate) => self.on_candidate(candidate).await,
            FromClient::Bye(_) => Ok(Some(Ended::Unreachable("the session is over".to_owned()))),
        }
    }

    /// The receiver hears what it may offer with. What it has of a connection, nobody here ends.
    async fn welcome(&self) -> Result<(), NobodyListens> {
        let ice_servers = self.ice_servers.clone();
        let (version, ticket, kept) = (PROTOCOL_VERSION, Ticket::new(0), true);
        self.tell(ToClient::Welcome(Welcome { version, session: name(), id: name(), ticket, kept, ice_servers })).await
    }

    /// The sender hears that somebody joined: the server, which can perhaps decode everything; what it can is in its answer.
    async fn on_register(&mut self) -> Taken {
        let (session, member): (SessionId, MemberId) = (name(), name());
        // Nobody asks for it: the server knows who we are by the session's address.
        let ticket = Ticket::new(0);
        let ice_servers = self.ice_servers.clone();
        let registered = Registered { version: PROTOCOL_VERSION, session, ticket: ticket.clone(), ice_servers };
        self.tell(ToClient::Registered(registered)).await?;
        let (name, loopback) = (Some(self.endpoint.name()), self.endpoint.is_loopback());
        let joined = Joined { member, ticket, role: Role::Receiver, name, codecs: Codec::ALL.into(), loopback, offer: None };
        self.tell(ToClient::Joined(joined)).await?;
        Ok(None)
    }

    async fn on_sender(&mut self, message: ForMember) -> Taken {
        match message {
            ForMember::Offer(sdp) => {
                self.end_session().await;
                Ok(self.describe(sdp, false))
            }
            ForMember::Candidate(candidate) => self.on_candidate(candidate).await,
            ForMember::Answer(_) | ForMember::Error(ErrorReport { recoverable: true, .. }) => Ok(None),
            ForMember::Error(ErrorReport { code, message, .. }) => Ok(Some(sent_away(code, message))),
            ForMember::Bye(bye) => Ok(Some(Ended::Unreachable(bye.reason))),
        }
    }

    fn describe(&mut self, sdp: Sdp, is_answer: bool) -> Option<Ended> {
        self.gathering = Some(Gathering { sdp, is_answer, candidates: Vec::new() });
        None
    }

    async fn on_candidate(&mut self, found: TrickledCandidate) -> Taken {
        let Some(gathering) = &mut self.gathering else { return Ok(None) };
        if found.candidate != END_OF_CANDIDATES {
            if gathering.candidates.len() < MAX_CANDIDATES {
                gathering.candidates.push((found.line.unwrap_or(0), found.candidate));
            }
            return Ok(None);
        }
        self.on_gathered().await
    }

    async fn on_gathered(&mut self) -> Taken {
        let Some(Gathering { sdp, is_answer, candidates }) = self.gathering.take() else { return Ok(None) };
        let complete = complete(&sdp.sdp, &candidates);
        if is_answer { Ok(self.patch(&complete).await) } else { self.post(&complete, sdp.offer).await }
    }

    async fn post(&mut self, offer: &str, number: Option<u64>) -> Taken {
        let sent = Sent { sdp: Some(offer), etag: None };
        let answer = match self.http.ask(Method::POST, self.endpoint.url(), sent).await {
            Ok(answer) => answer,
            Err(problem) => return Ok(Some(ended(problem))),
        };
        let is_counter_offer = answer.status == StatusCode::NOT_ACCEPTABLE && self.endpoint.dialect() == Dialect::Whep;
        let is_answered = matches!(answer.status, StatusCode::CREATED | StatusCode::OK) || is_counter_offer;
        if is_answered {
            let session = Session::of(&answer);
            if session.url.is_none() {
                tracing::warn!("{} does not say where its session is: it cannot be told when we leave", self.endpoint);
            }
            self.session = Some(session);
        }
        let Some(sdp) = answer.sdp().filter(|_| is_answered) else { return Ok(Some(self.refused(&answer))) };
        let sdp = Sdp { sdp: sdp.to_owned(), offer: number };
        self.tell(self.answered(sdp, is_counter_offer)).await?;
        Ok(None)
    }

    fn answered(&self, sdp: Sdp, is_counter_offer: bool) -> ToClient {
        match self.endpoint.dialect() {
            Dialect::Whip => ToClient::From(From { member: name(), message: OfMember::Answer(sdp) }),
            Dialect::Whep if is_counter_offer => ToClient::Offer(sdp),
            Dialect::Whep => ToClient::Answer(sdp),
        }
    }

    /// Answers the server's counter-offer.
    async fn patch(&mut self, answer: &str) -> Option<Ended> {
        let Some(Session { url: Some(url), etag }) = &self.session else {
            return Some(Ended::Refused("a counter-offer without a place for the answer".to_owned()));
        };
        match self.http.ask(Method::PATCH, url, Sent { sdp: Some(answer), etag: etag.as_ref() }).await {
            Ok(reply) if reply.status.is_success() => None,
            Ok(reply) => Some(self.refused(&reply)),
            Err(problem) => Some(ended(problem)),
        }
    }

    /// What a refusal means. Who wants to watch waits for what is not there yet.
    fn refused(&self, answer: &Answer) -> Ended {
        let (status, reason) = (answer.status, answer.in_words());
        let is_receiver = self.endpoint.dialect() == Dialect::Whep;
        match status {
            StatusCode::UNAUTHORIZED => Ended::Unauthorised,
            StatusCode::NOT_FOUND | StatusCode::CONFLICT if is_receiver => Ended::Busy(reason, answer.retry_after()),
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
                Ended::Busy(reason, answer.retry_after())
            }
            _ if status.is_server_error() => Ended::Busy(reason, answer.retry_after()),
            _ if status.is_success() => Ended::Refused(format!("{reason}, without an SDP answer")),
            _ => Ended::Refused(reason),
        }
    }

    /// The server may forget what it was asked for. One that cannot be reached finds out by itself.
    async fn end_session(&mut self) {
        self.gathering = None;
        let Some(Session { url: Some(url), .. }) = self.session.take() else { return };
        match self.http.ask(Method::DELETE, &url, Sent::default()).await {
            Ok(answer) if answer.status.is_success() => tracing::debug!("the session is ended"),
            Ok(answer) => tracing::debug!("the server does not end the session: {}", answer.in_words()),
            Err(problem) => tracing::debug!("the session cannot be ended: {problem}"),
        }
    }

    async fn tell(&self, message: ToClient) -> Result<(), NobodyListens> {
        self.events.send(ClientEvent::Message(message)).await.map_err(|_| NobodyListens)
    }
}

fn name<T: std::str::FromStr<Err: std::fmt::Debug>>() -> T {
    NAME.parse().expect("letters")
}

fn ended(problem: HttpProblem) -> Ended {
    match problem {
        HttpProblem::Unanswered(reason) => Ended::Unreachable(reason),
        HttpProblem::Untrusted(why) => Ended::Untrusted(why),
        problem @ (HttpProblem::TooLong | HttpProblem::Setup(_)) => Ended::Refused(problem.to_string()),
    }
}

/// What the server's answer was worth, in the sender's judgement: what is refused once is refused always.
fn sent_away(code: ErrorCode, message: String) -> Ended {
    match code {
        ErrorCode::SdpRefused | ErrorCode::NoCommonCodec | ErrorCode::FingerprintMismatch => Ended::Refused(message),
        _ => Ended::Unreachable(message),
    }
}
