//! Whoever is gone for a while.

use super::*;

#[test]
fn a_member_that_comes_back_within_the_grace_time_keeps_its_peer_connection_and_nobody_else_gets_it() {
    let mut hub = hub();
    say(&mut hub, S, register(Some("one"), None, Vec::new()), at(0));
    let (a, _) = welcome(&say(&mut hub, A, join(Some("one"), None), at(0)), A);
    hub.on_closed(A, at(10));
    let absence = Absence { member: a.id.clone() };
    assert_eq!(told(&mut hub)[&S], [Some(ToClient::Away(absence.clone()))]);
    assert_eq!(hub.poll_timeout(), Some(at(5)), "the silent connections' deadline comes first");

    let guessed = Resume { ticket: Ticket::new(999), ..a.clone() };
    assert_eq!(error(&say(&mut hub, B, join(Some("one"), Some(guessed)), at(11)), B), (ErrorCode::ResumeRefused, true));
    let back = say(&mut hub, B, join(Some("one"), Some(a.clone())), at(12));
    assert_eq!((welcome(&back, B), &back[&S][..]), ((a.clone(), true), &[Some(ToClient::Back(absence))][..]));
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
    told(&mut hub);
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
        let absence = Absence { member: kept.id.clone() };
        let expected = [ToClient::Away(absence.clone()), ToClient::Back(absence)].map(Some);
        let said: Vec<_> = told.iter().flat_map(|told| told.get(&S)).flatten().skip(1).cloned().collect();
        assert_eq!(said, if sender_first { &expected[..] } else { &[] }, "{sender_first}");
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
