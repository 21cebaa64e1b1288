mod limits;
mod orders;
mod publishing;
mod returning;

use std::collections::BTreeMap;

use super::super::message::{
    Absence, ForMember, From, Join, Joined, KnownMember, Left, LeftWhy, MemberId, OfMember, Offer, Publish, Register,
    Resume, Role, Sdp, Ticket, To, TrickledCandidate,
};
use super::*;
use crate::codec::Codec;

const S: ConnectionId = ConnectionId(1);
const A: ConnectionId = ConnectionId(2);
const B: ConnectionId = ConnectionId(3);
const C: ConnectionId = ConnectionId(4);
const GRACE: Duration = Duration::from_secs(30);
const MAX_WAIT: Duration = Duration::from_secs(100);

/// Numbers in the place of chance, each used once.
struct Counting(u128);

impl Supplies for Counting {
    fn random(&mut self) -> u128 {
        self.0 += 1;
        self.0
    }

    fn session_id(&mut self) -> SessionId {
        format!("made-up-{}", self.random()).parse().unwrap()
    }

    fn ice_servers(&mut self, user: &str) -> Vec<IceServer> {
        vec![IceServer { urls: "turn:t".into(), username: Some(user.into()), credential: None }]
    }
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn hub_with(max_sessions: usize, max_members: usize, first: u128) -> Hub {
    let names = MemberNames::Counted;
    Hub::new(
        HubConfig { max_sessions, max_members, max_publishers: 1, grace: GRACE, max_wait: MAX_WAIT, names },
        Counting(first),
    )
}

fn hub() -> Hub {
    let mut hub = hub_with(2, 2, 0);
    for id in [S, A, B, C] {
        hub.on_connected(id, id == A, Access::everything(), at(0));
    }
    hub
}

fn session(name: &str) -> SessionId {
    name.parse().unwrap()
}

fn join(name: Option<&str>, resume: Option<Resume>) -> FromClient {
    let (version, role, codecs) = (PROTOCOL_VERSION, Role::Receiver, vec![Codec::Vp8]);
    FromClient::Join(Join { version, role, session: name.map(session), name: None, codecs, resume, offer: None })
}

fn register(name: Option<&str>, ticket: Option<Ticket>, members: Vec<KnownMember>) -> FromClient {
    FromClient::Register(Register { version: PROTOCOL_VERSION, session: name.map(session), ticket, members })
}

fn publish(name: Option<&str>) -> FromClient {
    let (version, offer) = (PROTOCOL_VERSION, Offer::try_from("published".to_owned()).unwrap());
    FromClient::Publish(Publish { version, session: name.map(session), name: None, offer })
}

fn offer(member: &MemberId) -> FromClient {
    let message = ForMember::Offer(Sdp { sdp: "o".into(), offer: Some(1) });
    FromClient::To(To { member: member.clone(), message })
}

fn bye() -> FromClient {
    FromClient::Bye(Bye { reason: "\u{202e}tea".into() })
}

fn answer() -> FromClient {
    FromClient::Answer(Sdp { sdp: "a".into(), offer: None })
}

/// What each connection is told by this, in order; `Close` as none.
fn told(hub: &mut Hub) -> BTreeMap<ConnectionId, Vec<Option<ToClient>>> {
    let mut told = BTreeMap::<_, Vec<_>>::new();
    while let Some(action) = hub.poll_action() {
        match action {
            HubAction::Send(id, message) => told.entry(id).or_default().push(Some(message)),
            HubAction::Close(id) => told.entry(id).or_default().push(None),
            HubAction::TakeIn(_) => {}
        }
    }
    told
}

fn say(
    hub: &mut Hub,
    id: ConnectionId,
    message: FromClient,
    now: Duration,
) -> BTreeMap<ConnectionId, Vec<Option<ToClient>>> {
    hub.on_message(id, message, now);
    told(hub)
}

/// How this one is welcomed.
fn welcome(told: &BTreeMap<ConnectionId, Vec<Option<ToClient>>>, id: ConnectionId) -> (Resume, bool) {
    let found = told.get(&id).and_then(|all| {
        all.iter().find_map(|one| match one {
            Some(ToClient::Welcome(welcome)) => Some(welcome),
            _ => None,
        })
    });
    let found = found.unwrap_or_else(|| panic!("no welcome: {told:?}"));
    (Resume { id: found.id.clone(), ticket: found.ticket.clone(), keep: true }, found.kept)
}

fn ticket_of_sender(told: &BTreeMap<ConnectionId, Vec<Option<ToClient>>>, id: ConnectionId) -> Ticket {
    match &told[&id][0] {
        Some(ToClient::Registered(registered)) => registered.ticket.clone(),
        other => panic!("not registered: {other:?}"),
    }
}

fn error(told: &BTreeMap<ConnectionId, Vec<Option<ToClient>>>, id: ConnectionId) -> (ErrorCode, bool) {
    match told.get(&id).and_then(|all| all.first()) {
        Some(Some(ToClient::Error(report))) => (report.code, report.recoverable),
        other => panic!("no error: {other:?}"),
    }
}

/// Whom the sender is told of.
fn joined(told: &BTreeMap<ConnectionId, Vec<Option<ToClient>>>, id: ConnectionId) -> Vec<String> {
    let all = told.get(&id).into_iter().flatten().flatten();
    let names = all.filter_map(|message| match message {
        ToClient::Joined(Joined { member, .. }) => Some(member.to_string()),
        _ => None,
    });
    names.collect()
}

fn has_waiting(told: &BTreeMap<ConnectionId, Vec<Option<ToClient>>>, id: ConnectionId) -> bool {
    told.get(&id).into_iter().flatten().flatten().any(|message| matches!(message, ToClient::Waiting(_)))
}

#[test]
fn either_side_may_come_first_and_both_hear_of_each_other() {
    let mut hub = hub();
    let early = say(&mut hub, A, join(Some("one"), None), at(1));
    let (a, kept) = welcome(&early, A);
    assert!(!kept && has_waiting(&early, A), "there is no sender yet");
    let told = say(&mut hub, S, register(Some("one"), None, Vec::new()), at(2));
    assert_eq!(joined(&told, S), ["receiver-1"]);
    let late = say(&mut hub, B, join(Some("one"), None), at(3));
    assert_eq!((joined(&late, S), has_waiting(&late, B)), (vec!["receiver-2".to_owned()], false));

    let told = say(&mut hub, S, offer(&a.id), at(3));
    assert_eq!(told[&A], [Some(ToClient::Offer(Sdp { sdp: "o".into(), offer: Some(1) }))]);
    let told = say(&mut hub, A, answer(), at(3));
    let message = OfMember::Answer(Sdp { sdp: "a".into(), offer: None });
    assert_eq!(told[&S], [Some(ToClient::From(From { member: a.id.clone(), message }))]);
    let found = TrickledCandidate { candidate: "c".into(), line: Some(0), mid: None, offer: None };
    let told = say(&mut hub, A, FromClient::Candidate(found.clone()), at(3));
    assert_eq!(told[&S], [Some(ToClient::From(From { member: a.id.clone(), message: OfMember::Candidate(found) }))]);

    let seen = hub.sessions();
    assert_eq!((seen.len(), seen[0].has_sender, seen[0].receivers, seen[0].since), (1, true, 2, at(1)));
    let told = say(&mut hub, A, bye(), at(4));
    assert_eq!(told[&S], [Some(ToClient::Left(Left { member: a.id, why: LeftWhy::Bye }))]);
    assert_eq!(told[&A], [None]);
}

#[test]
fn everybody_is_given_ice_servers_of_their_own() {
    let mut hub = hub();
    let told = say(&mut hub, A, join(Some("one"), None), at(0));
    let Some(ToClient::Welcome(welcome)) = &told[&A][0] else { panic!("{told:?}") };
    assert_eq!(welcome.ice_servers[0].username.as_deref(), Some("receiver-1"));
}

#[test]
fn a_member_that_the_sender_sends_away_is_told_and_closed() {
    let mut hub = hub();
    say(&mut hub, S, register(Some("one"), None, Vec::new()), at(0));
    let (a, _) = welcome(&say(&mut hub, A, join(Some("one"), None), at(0)), A);
    let error = |recoverable| ErrorReport { code: ErrorCode::NoCommonCodec, message: "m".into(), recoverable };
    let to = |recoverable| FromClient::To(To { member: a.id.clone(), message: ForMember::Error(error(recoverable)) });
    assert_eq!(say(&mut hub, S, to(true), at(0))[&A], [Some(ToClient::Error(error(true)))]);
    assert_eq!(say(&mut hub, S, to(false), at(0))[&A], [Some(ToClient::Error(error(false))), None]);
    assert!(say(&mut hub, S, to(false), at(0)).is_empty(), "it is gone");
}

#[test]
fn without_a_name_the_only_session_is_meant_and_a_sender_gets_one_made_up() {
    let mut hub = hub();
    assert_eq!(error(&say(&mut hub, A, join(None, None), at(0)), A), (ErrorCode::SessionNeeded, false));
    let told = say(&mut hub, S, register(None, None, Vec::new()), at(0));
    let Some(ToClient::Registered(registered)) = &told[&S][0] else { panic!("{told:?}") };
    assert_eq!(registered.session.as_str(), "made-up-1");
    assert_eq!(joined(&say(&mut hub, B, join(None, None), at(0)), S), ["receiver-1"]);
}

#[test]
fn messages_at_the_wrong_time_are_answered_with_an_error_and_survived() {
    let member: MemberId = "receiver-1".parse().unwrap();
    for message in [answer(), offer(&member)] {
        let mut hub = hub();
        assert_eq!(error(&say(&mut hub, A, message, at(0)), A), (ErrorCode::ProtocolError, true));
    }
    let mut hub = hub();
    say(&mut hub, S, register(Some("one"), None, Vec::new()), at(0));
    say(&mut hub, A, join(Some("one"), None), at(0));
    for (id, message) in [(S, answer()), (S, register(None, None, Vec::new())), (A, offer(&member))] {
        assert_eq!(error(&say(&mut hub, id, message, at(0)), id), (ErrorCode::ProtocolError, true));
    }
}
