//! Publishers, and the receiver and the sender that the hub has for each.

use super::*;

const INTAKE: ConnectionId = ConnectionId(100);
const OWN_SENDER: ConnectionId = ConnectionId(101);

fn candidate(text: &str) -> TrickledCandidate {
    TrickledCandidate { candidate: text.into(), line: Some(0), mid: None, offer: None }
}

/// What is to be taken in, of what the hub wants done next.
fn taken_in(hub: &mut Hub) -> Published {
    let published = std::iter::from_fn(|| hub.poll_action()).find_map(|action| match action {
        HubAction::TakeIn(published) => Some(published),
        _ => None,
    });
    published.expect("something is to be taken in")
}

/// A hub where A publishes into session "one", with the hub's own receiver and sender there.
fn publishing() -> Hub {
    let mut hub = hub();
    hub.on_message(A, publish(Some("one")), at(0));
    let published = taken_in(&mut hub);
    assert_eq!((published.publisher, published.loopback, published.session.as_str()), (A, true, "one"));
    hub.on_intake(INTAKE, &published);
    let told = told(&mut hub);
    assert!(
        matches!(&told[&INTAKE][..], [Some(ToClient::Welcome(_)), Some(ToClient::Offer(offer))] if offer.sdp == "published")
    );
    assert!(say(&mut hub, INTAKE, join(None, None), at(0)).is_empty(), "it has its offer");
    hub.on_inside(OWN_SENDER, at(0));
    let told = say(&mut hub, OWN_SENDER, register(Some("one"), Some(published.ticket), Vec::new()), at(0));
    assert!(matches!(told[&OWN_SENDER][..], [Some(ToClient::Registered(_))]));
    hub
}

#[test]
fn what_is_published_is_negotiated_with_the_hubs_receiver_and_watched_at_its_sender() {
    let mut hub = publishing();
    assert_eq!(joined(&say(&mut hub, B, join(Some("one"), None), at(0)), OWN_SENDER), ["receiver-1"]);
    let expected = ToClient::Answer(Sdp { sdp: "a".into(), offer: None });
    let answer = FromClient::Answer(Sdp { sdp: "a".into(), offer: None });
    assert_eq!(say(&mut hub, INTAKE, answer, at(0))[&A], [Some(expected)]);
    let there = say(&mut hub, A, FromClient::Candidate(candidate("one")), at(0));
    assert_eq!(there[&INTAKE], [Some(ToClient::Candidate(candidate("one")))]);
    let back = say(&mut hub, INTAKE, FromClient::Candidate(candidate("two")), at(0));
    assert_eq!(back[&A], [Some(ToClient::Candidate(candidate("two")))]);
    assert!(hub.sessions()[0].has_sender);
}

#[test]
fn the_hubs_sender_that_comes_after_the_publisher_has_gone_does_not_keep_the_place() {
    let mut hub = hub();
    hub.on_message(A, publish(Some("one")), at(0));
    let published = taken_in(&mut hub);
    hub.on_message(A, bye(), at(1));
    hub.on_inside(OWN_SENDER, at(2));
    let late = say(&mut hub, OWN_SENDER, register(Some("one"), Some(published.ticket), Vec::new()), at(2));
    assert_eq!(error(&late, OWN_SENDER), (ErrorCode::PublishingEnded, false));
    hub.on_message(B, publish(Some("one")), at(3));
    assert_eq!(taken_in(&mut hub).publisher, B);
}

#[test]
fn all_of_a_publication_ends_with_its_first_part_and_the_members_wait() {
    let ways: [fn(&mut Hub); 7] = [
        |hub| hub.on_message(A, bye(), at(1)),
        |hub| hub.on_closed(A, at(1)),
        |hub| (0..=MAX_MISTAKES).for_each(|_| hub.on_garbage(A, &InvalidMessage::Binary)),
        |hub| hub.on_closed(INTAKE, at(1)),
        |hub| hub.on_message(INTAKE, bye(), at(1)),
        |hub| hub.on_message(OWN_SENDER, bye(), at(1)),
        |hub| hub.on_closed(OWN_SENDER, at(1)),
    ];
    for (way, end) in ways.into_iter().enumerate() {
        let mut hub = publishing();
        say(&mut hub, B, join(Some("one"), None), at(0));
        say(&mut hub, INTAKE, answer(), at(0));
        end(&mut hub);
        let told = told(&mut hub);
        let is_closed = |id| told.get(&id).is_some_and(|told| told.last() == Some(&None));
        let went_by_itself = [None, Some(A), None, Some(INTAKE), None, None, Some(OWN_SENDER)][way];
        assert!([A, INTAKE, OWN_SENDER].iter().all(|id| is_closed(*id) != (went_by_itself == Some(*id))), "{way}: {told:?}");
        assert!(matches!(told[&B][..], [Some(ToClient::Waiting(_))]), "{way}");
        if way > 2 {
            assert_eq!(error(&told, A), (ErrorCode::PublishingEnded, false), "{way}");
        }
        assert_eq!(hub.connections(), 3, "B, C and S: {way}");
        let next = say(&mut hub, S, register(Some("one"), None, Vec::new()), at(2));
        assert_eq!(joined(&next, S), ["receiver-1"], "{way}");
    }
}

#[test]
fn an_offer_that_the_hub_cannot_answer_is_refused_with_its_reason() {
    let mut hub = publishing();
    let reason = FromClient::Bye(Bye { reason: "no video".into() });
    let told = say(&mut hub, INTAKE, reason, at(0));
    let refused = ErrorReport { code: ErrorCode::SdpRefused, message: "no video".into(), recoverable: false };
    assert_eq!(told[&A], [Some(ToClient::Error(refused)), None]);
}

#[test]
fn a_session_has_one_sender_or_publisher() {
    let mut hub = publishing();
    for message in [register(Some("one"), None, Vec::new()), register(Some("one"), Some(Ticket::new(9)), Vec::new())] {
        hub.on_connected(S, false, Access::everything(), at(1));
        assert_eq!(error(&say(&mut hub, S, message, at(1)), S), (ErrorCode::SessionTaken, false));
    }
    assert_eq!(error(&say(&mut hub, C, publish(Some("two")), at(1)), C), (ErrorCode::TooMany, false), "one at once");

    let mut hub = self::hub();
    let ticket = ticket_of_sender(&say(&mut hub, S, register(Some("one"), None, Vec::new()), at(0)), S);
    say(&mut hub, B, join(Some("one"), None), at(0));
    assert_eq!(error(&say(&mut hub, A, publish(Some("one")), at(0)), A), (ErrorCode::SessionTaken, false));
    // A sender that is only expected back has lost its place, as to another sender.
    hub.on_closed(S, at(1));
    let told = say(&mut hub, C, publish(Some("one")), at(1));
    assert!(has_waiting(&told, B) && matches!(told[&C][..], [Some(ToClient::Welcome(_))]), "{told:?}");
    hub.on_connected(S, false, Access::everything(), at(2));
    let back = say(&mut hub, S, register(Some("one"), Some(ticket), Vec::new()), at(2));
    assert_eq!(error(&back, S), (ErrorCode::SessionTaken, false));
}

#[test]
fn only_who_may_send_may_publish() {
    let mut hub = hub_with(3, 3, 0);
    let receiver = Access { session: None, may_send: false, may_answer: true };
    let elsewhere = Access { session: Some(session("two")), ..Access::everything() };
    for (id, access) in [(A, receiver), (B, elsewhere)] {
        hub.on_connected(id, false, access, at(0));
        assert_eq!(error(&say(&mut hub, id, publish(Some("one")), at(0)), id), (ErrorCode::Forbidden, false));
    }
    assert_eq!((hub.sessions().len(), hub.connections()), (0, 0), "nothing is left");
}

#[test]
fn a_publisher_that_is_gone_before_the_hub_has_a_receiver_leaves_nothing() {
    let mut hub = hub();
    hub.on_message(A, publish(None), at(0));
    let published = taken_in(&mut hub);
    hub.on_closed(A, at(0));
    hub.on_intake(INTAKE, &published);
    assert_eq!(told(&mut hub)[&INTAKE], [None]);
    assert_eq!((hub.sessions().len(), hub.connections()), (0, 3));
}
