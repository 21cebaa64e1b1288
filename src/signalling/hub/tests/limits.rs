//! Who is not let in, and who is sent away.

use super::*;
use crate::signalling::message::MAX_MESSAGE_BYTES;

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

#[test]
fn who_waits_too_long_for_a_sender_is_sent_away_and_who_has_one_is_not() {
    let mut hub = hub();
    say(&mut hub, A, join(Some("one"), None), at(1));
    say(&mut hub, S, register(Some("one"), None, Vec::new()), at(2));
    hub.handle_timeout(at(1000));
    assert!(!told(&mut hub).contains_key(&A), "it has one");
    say(&mut hub, S, bye(), at(1000));
    assert_eq!(hub.poll_timeout(), Some(at(1000) + MAX_WAIT));
    hub.handle_timeout(at(1000) + MAX_WAIT);
    let told = told(&mut hub);
    assert_eq!((error(&told, A), &told[&A][1..]), ((ErrorCode::NoSender, false), &[None][..]));
    assert_eq!((hub.connections(), hub.sessions().len()), (0, 0), "nothing is left");
}

#[test]
fn who_speaks_too_fast_is_sent_away_and_a_sender_may_speak_for_all_its_members() {
    let mut hub = hub();
    say(&mut hub, S, register(Some("one"), None, Vec::new()), at(0));
    let (a, _) = welcome(&say(&mut hub, A, join(Some("one"), None), at(0)), A);
    let until_stopped = |hub: &mut Hub, id: ConnectionId, message: &FromClient| {
        (1..).find(|_| say(hub, id, message.clone(), at(1)).contains_key(&id)).expect("a limit")
    };
    // The session has one member.
    let of_sender = until_stopped(&mut hub, S, &offer(&a.id));
    assert!((2 * BURST_MESSAGES..2 * BURST_MESSAGES + 4).contains(&of_sender), "{of_sender}");
    let candidate = TrickledCandidate { candidate: "c".into(), line: Some(0), mid: None, offer: None };
    let of_member = until_stopped(&mut hub, A, &FromClient::Candidate(candidate));
    assert!((BURST_MESSAGES..BURST_MESSAGES + 3).contains(&of_member), "{of_member}");
    assert_eq!(hub.connections(), 2, "only those that never spoke");
}

#[test]
fn what_is_too_long_to_be_passed_on_ends_nobody() {
    let mut hub = hub();
    say(&mut hub, S, register(Some("one"), None, Vec::new()), at(0));
    say(&mut hub, A, join(Some("one"), None), at(0));
    let answer = |bytes: usize| FromClient::Answer(Sdp { sdp: "x".repeat(bytes), offer: None });
    let long = say(&mut hub, A, answer(MAX_MESSAGE_BYTES - 50), at(1));
    assert_eq!((error(&long, A), long.get(&S)), ((ErrorCode::InvalidMessage, true), None));
    assert_eq!(say(&mut hub, A, answer(MAX_MESSAGE_BYTES - 200), at(1))[&S].len(), 1);
}
