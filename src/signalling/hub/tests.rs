use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::super::message::{
    ForMember, From, Join, Joined, KnownMember, Left, LeftWhy, MemberId, OfMember, Offer, Register, Resume, Role, Sdp,
    Ticket, To, TrickledCandidate,
};
use super::*;
use crate::codec::Codec;

const S: ConnectionId = ConnectionId(1);
const A: ConnectionId = ConnectionId(2);
const B: ConnectionId = ConnectionId(3);
const C: ConnectionId = ConnectionId(4);
const GRACE: Duration = Duration::from_secs(30);

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
    Hub::new(HubConfig { max_sessions, max_members, grace: GRACE, names: MemberNames::Counted }, Counting(first))
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
fn a_member_that_comes_back_within_the_grace_time_keeps_its_peer_connection_and_nobody_else_gets_it() {
    let mut hub = hub();
    say(&mut hub, S, register(Some("one"), None, Vec::new()), at(0));
    let (a, _) = welcome(&say(&mut hub, A, join(Some("one"), None), at(0)), A);
    hub.on_closed(A, at(10));
    assert_eq!(hub.poll_timeout(), Some(at(5)), "the silent connections' deadline comes first");

    let guessed = Resume { ticket: Ticket::new(999), ..a.clone() };
    assert_eq!(error(&say(&mut hub, B, join(Some("one"), Some(guessed)), at(11)), B), (ErrorCode::ResumeRefused, true));
    let back = say(&mut hub, B, join(Some("one"), Some(a.clone())), at(12));
    assert_eq!((welcome(&back, B), joined(&back, S)), ((a.clone(), true), Vec::new()));
    assert_eq!(say(&mut hub, S, offer(&a.id), at(12))[&B].len(), 1, "messages find the new connection");

    // Another connection with the same ticket takes the place of one that the hub believes to be there still.
    let again = say(&mut hub, C, join(Some("one"), Some(Resume { keep: false, ..a.clone() })), at(13));
    assert!(matches!(again[&B][..], [Some(ToClient::Bye(_)), None]));
    assert_eq!(
        (welcome(&again, C).1, joined(&again, S)),
        (false, vec!["receiver-1".to_owned()]),
        "a new peer was asked for"
    );

    hub.on_closed(C, at(20));
    hub.handle_timeout(at(50) - Duration::from_nanos(1));
    assert!(!told(&mut hub).contains_key(&S));
    hub.handle_timeout(at(50));
    assert_eq!(told(&mut hub)[&S], [Some(ToClient::Left(Left { member: a.id, why: LeftWhy::Lost }))]);
}

#[test]
fn whoever_joins_twice_on_one_connection_gets_a_new_peer_connection_as_the_same_member() {
    let mut hub = hub();
    say(&mut hub, S, register(Some("one"), None, Vec::new()), at(0));
    let (a, _) = welcome(&say(&mut hub, A, join(Some("one"), None), at(0)), A);
    let again = say(&mut hub, A, join(None, None), at(1));
    assert_eq!((welcome(&again, A), joined(&again, S)), ((a, false), vec!["receiver-1".to_owned()]));
    assert_eq!(error(&say(&mut hub, A, join(Some("two"), None), at(1)), A), (ErrorCode::ProtocolError, true));
}

#[test]
fn a_sender_that_comes_back_keeps_its_session_and_hears_of_those_it_lacks() {
    let mut hub = hub();
    let ticket = ticket_of_sender(&say(&mut hub, S, register(Some("one"), None, Vec::new()), at(0)), S);
    let (a, _) = welcome(&say(&mut hub, A, join(Some("one"), None), at(0)), A);
    hub.on_closed(S, at(1));
    let told = say(&mut hub, B, join(Some("one"), None), at(2));
    assert!(has_waiting(&told, B) && !has_waiting(&told, A), "video of those who have it goes on");

    hub.on_connected(S, false, Access::everything(), at(3));
    let known = KnownMember { id: a.id, ticket: a.ticket, role: Role::Receiver };
    let back = say(&mut hub, S, register(Some("one"), Some(ticket.clone()), vec![known]), at(3));
    assert_eq!((ticket_of_sender(&back, S), joined(&back, S)), (ticket, vec!["receiver-2".to_owned()]));
}

#[test]
fn a_sender_that_is_started_again_offers_to_everybody_and_one_that_is_not_gone_is_not_replaced() {
    let mut hub = hub();
    say(&mut hub, S, register(Some("one"), None, Vec::new()), at(0));
    let (a, _) = welcome(&say(&mut hub, A, join(Some("one"), None), at(0)), A);
    let stranger = say(&mut hub, C, register(Some("one"), None, Vec::new()), at(1));
    assert_eq!(error(&stranger, C), (ErrorCode::SessionTaken, false));

    hub.on_closed(S, at(2));
    let claimed = KnownMember { id: a.id, ticket: a.ticket, role: Role::Receiver };
    let started = say(&mut hub, B, register(Some("one"), None, vec![claimed]), at(3));
    assert_eq!(joined(&started, B), ["receiver-1"], "it cannot have what it says");
}

#[test]
fn when_a_sender_ends_or_does_not_come_back_its_members_wait_and_the_next_one_finds_them() {
    for ends in [true, false] {
        let mut hub = hub();
        say(&mut hub, S, register(Some("one"), None, Vec::new()), at(0));
        welcome(&say(&mut hub, A, join(Some("one"), None), at(0)), A);
        let told = if ends {
            say(&mut hub, S, bye(), at(1))
        } else {
            hub.on_closed(S, at(1));
            hub.handle_timeout(at(31));
            told(&mut hub)
        };
        let Some(ToClient::Waiting(waiting)) = &told[&A][0] else { panic!("{told:?}") };
        assert!(waiting.reason.is_ascii(), "{waiting:?}");
        hub.on_connected(S, false, Access::everything(), at(32));
        assert_eq!(joined(&say(&mut hub, S, register(Some("one"), None, Vec::new()), at(32)), S), ["receiver-1"]);
    }
}

/// The hub was killed; a new one hears from both sides, in either order.
#[test]
fn a_new_hub_learns_from_the_sender_whom_it_has() {
    let known = |id: &str, ticket| KnownMember { id: id.parse().unwrap(), ticket, role: Role::Receiver };
    let mine = Ticket::new(77);
    let kept = Resume { id: "receiver-7".parse().unwrap(), ticket: mine.clone(), keep: true };
    for sender_first in [true, false] {
        let mut hub = hub();
        let registering = register(Some("one"), Some(Ticket::new(5)), vec![known("receiver-7", mine.clone())]);
        let rejoining = join(Some("one"), Some(kept.clone()));
        let inputs = if sender_first { [(S, registering), (A, rejoining)] } else { [(A, rejoining), (S, registering)] };
        let told: Vec<_> = inputs.into_iter().map(|(id, message)| say(&mut hub, id, message, at(0))).collect();
        let (resumed, is_kept) = welcome(&told[usize::from(sender_first)], A);
        assert!(is_kept && resumed == kept, "{sender_first}");
        assert!(told.iter().all(|told| joined(told, S).is_empty()), "the peer connection lives on: {told:?}");
    }

    // It says so, and the sender does not: a new one is made.
    let mut hub = hub();
    assert!(welcome(&say(&mut hub, A, join(Some("one"), Some(kept.clone())), at(0)), A).1);
    assert_eq!(joined(&say(&mut hub, S, register(Some("one"), None, Vec::new()), at(0)), S), ["receiver-7"]);

    // The sender is here and knows nobody of that name.
    let refused = say(&mut hub, B, join(Some("one"), Some(Resume { id: "receiver-8".parse().unwrap(), ..kept })), at(0));
    assert_eq!(error(&refused, B), (ErrorCode::ResumeRefused, true));

    // Nobody comes for the place that the sender keeps.
    let mut hub = hub_with(2, 2, 50);
    hub.on_connected(S, false, Access::everything(), at(0));
    say(&mut hub, S, register(Some("one"), None, vec![known("receiver-7", mine)]), at(0));
    hub.handle_timeout(at(30));
    let left = Left { member: "receiver-7".parse().unwrap(), why: LeftWhy::Lost };
    assert_eq!(told(&mut hub)[&S], [Some(ToClient::Left(left))]);
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
fn tokens_bind_to_session_and_role() {
    let mut hub = hub_with(3, 3, 0);
    let viewer = Access { session: Some(session("one")), may_send: false, may_answer: false };
    for id in [A, B, C, S] {
        hub.on_connected(id, false, viewer.clone(), at(0));
    }
    assert_eq!(error(&say(&mut hub, S, register(Some("one"), None, Vec::new()), at(0)), S), (ErrorCode::Forbidden, false));
    assert_eq!(error(&say(&mut hub, A, join(Some("two"), None), at(0)), A), (ErrorCode::Forbidden, false));
    assert_eq!(error(&say(&mut hub, B, join(None, None), at(0)), B), (ErrorCode::Forbidden, false), "a receiver");
    let FromClient::Join(receiver) = join(None, None) else { panic!() };
    let told = say(&mut hub, C, FromClient::Join(Join { role: Role::Viewer, ..receiver }), at(0));
    assert_eq!(welcome(&told, C).0.id.as_str(), "receiver-1", "the token's own session is meant");
    let again = say(&mut hub, C, join(None, None), at(0));
    assert_eq!(error(&again, C), (ErrorCode::Forbidden, false), "a viewer does not become a receiver");
}

#[test]
fn silence_crowds_versions_and_endless_mistakes_end_a_connection() {
    let mut hub = hub();
    hub.handle_timeout(JOIN_WITHIN);
    let late = told(&mut hub);
    for id in [S, A, B, C] {
        assert_eq!((error(&late, id), &late[&id][1..]), ((ErrorCode::Timeout, false), &[None][..]));
    }

    let mut hub = hub_with(1, 1, 0);
    for id in [S, A, B, C] {
        hub.on_connected(id, false, Access::everything(), at(0));
    }
    say(&mut hub, A, join(Some("one"), None), at(0));
    assert_eq!(error(&say(&mut hub, B, join(Some("one"), None), at(0)), B), (ErrorCode::TooMany, false));
    assert_eq!(error(&say(&mut hub, C, join(Some("two"), None), at(0)), C), (ErrorCode::TooMany, false));
    let old = FromClient::Register(Register { version: 9, session: None, ticket: None, members: Vec::new() });
    assert_eq!(error(&say(&mut hub, S, old, at(0)), S), (ErrorCode::UnsupportedVersion, false));

    for _ in 0..MAX_MISTAKES {
        hub.on_garbage(A, &InvalidMessage::Binary);
    }
    assert_eq!(error(&told(&mut hub), A), (ErrorCode::InvalidMessage, true));
    hub.on_garbage(A, &InvalidMessage::Binary);
    assert_eq!(error(&told(&mut hub), A), (ErrorCode::TooMany, false));
    assert_eq!((hub.connections(), hub.sessions().len()), (0, 0), "nothing is left");
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

#[test]
fn a_hub_that_drains_lets_nobody_in_and_one_that_ends_tells_everybody() {
    let mut hub = hub();
    say(&mut hub, S, register(Some("one"), None, Vec::new()), at(0));
    hub.on_drain();
    hub.on_connected(ConnectionId(9), false, Access::everything(), at(0));
    assert_eq!(error(&told(&mut hub), ConnectionId(9)), (ErrorCode::ShuttingDown, false));
    hub.on_shutdown();
    let told = told(&mut hub);
    assert!([S, A, B, C].iter().all(|id| matches!(told[id][..], [Some(ToClient::Bye(_)), None])));
    assert_eq!((hub.connections(), hub.sessions().len(), hub.poll_timeout()), (0, 0, None));
}

#[derive(Clone, Debug)]
enum Input {
    Connected,
    Closed,
    Garbage,
    Join { resume: bool, keep: bool },
    Register { proven: bool, claims: bool },
    Say(FromClient),
    To(bool),
    Later(u64),
}

fn input() -> impl Strategy<Value = Input> {
    prop_oneof![
        6 => Just(Input::Connected), 3 => Just(Input::Closed), 1 => Just(Input::Garbage),
        6 => (any::<bool>(), any::<bool>()).prop_map(|(resume, keep)| Input::Join { resume, keep }),
        4 => (any::<bool>(), any::<bool>()).prop_map(|(proven, claims)| Input::Register { proven, claims }),
        2 => prop_oneof![Just(answer()), Just(bye())].prop_map(Input::Say),
        3 => any::<bool>().prop_map(Input::To), 2 => (0..40u64).prop_map(Input::Later),
    ]
}

/// What the outside keeps: open connections, and the last proof that each was given.
#[derive(Default)]
struct World {
    open: BTreeSet<ConnectionId>,
    members: Vec<Resume>,
    tickets: Vec<Ticket>,
}

impl World {
    fn perform(&mut self, action: HubAction) {
        match action {
            HubAction::Send(id, message) => {
                assert!(self.open.contains(&id), "sent after close: {message:?}");
                match message {
                    ToClient::Welcome(welcome) => {
                        self.members.push(Resume { id: welcome.id, ticket: welcome.ticket, keep: false });
                    }
                    ToClient::Registered(registered) => self.tickets.push(registered.ticket),
                    _ => {}
                }
            }
            HubAction::Close(id) => assert!(self.open.remove(&id), "closed twice"),
        }
    }
}

proptest! {
    #[test]
    fn no_order_of_messages_panics_or_leaves_anything_behind(
        inputs in prop::collection::vec((1..6u64, 0..2usize, input()), 0..150),
    ) {
        let (mut hub, mut world, mut now) = (hub_with(2, 3, 0), World::default(), Duration::ZERO);
        for (id, which, input) in inputs {
            let id = ConnectionId(id);
            let name = Some(["one", "two"][which]);
            match input {
                Input::Connected => {
                    if world.open.insert(id) { hub.on_connected(id, false, Access::everything(), now) }
                }
                Input::Closed => { world.open.remove(&id); hub.on_closed(id, now) }
                Input::Garbage => hub.on_garbage(id, &InvalidMessage::Binary),
                Input::Join { resume, keep } => {
                    let resume = world.members.last().filter(|_| resume).map(|last| Resume { keep, ..last.clone() });
                    let mut message = join(name, resume);
                    if let FromClient::Join(join) = &mut message { join.offer = Offer::try_from("v=0".to_owned()).ok().filter(|_| keep) }
                    hub.on_message(id, message, now);
                }
                Input::Register { proven, claims } => {
                    let ticket = world.tickets.last().filter(|_| proven).cloned();
                    let known = |one: &Resume| KnownMember { id: one.id.clone(), ticket: one.ticket.clone(), role: Role::Viewer };
                    let members = world.members.iter().filter(|_| claims).map(known).collect();
                    hub.on_message(id, register(name, ticket, members), now);
                }
                Input::Say(message) => hub.on_message(id, message, now),
                Input::To(last) => {
                    if let Some(member) = world.members.last().map(|one| one.id.clone()) {
                        let away = ForMember::Bye(Bye { reason: String::new() });
                        let message = if last { FromClient::To(To { member, message: away }) } else { offer(&member) };
                        hub.on_message(id, message, now);
                    }
                }
                Input::Later(seconds) => { now += at(seconds); hub.handle_timeout(now) }
            }
            while let Some(action) = hub.poll_action() { world.perform(action) }
            prop_assert_eq!(hub.connections(), world.open.len());
            prop_assert!(hub.sessions().len() <= 2 && hub.sessions().iter().all(|one| one.receivers + one.viewers <= 3));
            prop_assert!(hub.poll_timeout().is_none_or(|due| due <= now + GRACE));
        }
        for id in std::mem::take(&mut world.open) { hub.on_closed(id, now) }
        hub.handle_timeout(now + GRACE);
        hub.handle_timeout(now + GRACE);
        prop_assert_eq!((hub.connections(), hub.sessions().len(), hub.poll_timeout()), (0, 0, None));
    }
}
