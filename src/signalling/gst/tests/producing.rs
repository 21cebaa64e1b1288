//! A producer and those who watch it.

use serde_json::{Value, json};

use super::*;

pub(super) fn joined(member: &str) -> ToClient {
    joined_with(member, None)
}

pub(super) fn joined_with(member: &str, offer: Option<&str>) -> ToClient {
    let offer = offer.map(|sdp| Offer::try_from(sdp.to_owned()).expect("an offer"));
    ToClient::Joined(Joined {
        offer,
        member: id(member),
        ticket: Ticket::new(2),
        role: Role::Receiver,
        name: None,
        codecs: vec![Codec::Vp8],
        loopback: true,
    })
}

/// One that has the session `court`, and was asked for session "1" by `receiver-1`.
fn producing() -> Translator {
    let mut translator = connected();
    let status = json!({"type": "setPeerStatus", "roles": ["producer"], "meta": {"name": "court"}, "peerId": "peer-1"});
    let [("enter", register)] = &hear(&mut translator, &status)[..] else { panic!("it enters") };
    let expected = Register { version: PROTOCOL_VERSION, session: Some(id("court")), ticket: None, members: Vec::new() };
    assert_eq!(FromClient::read(&register.to_string()), Ok(FromClient::Register(expected)));
    let asked = hear_hub(&mut translator, joined("receiver-1"));
    assert_eq!(asked, [say(json!({"type": "startSession", "peerId": "receiver-1", "sessionId": "1", "offer": null}))]);
    translator
}

pub(super) fn of_producer(session: &str, ice: Option<&str>) -> Value {
    match ice {
        Some(candidate) => {
            json!({"type": "peer", "sessionId": session, "ice": {"candidate": candidate, "sdpMLineIndex": 0}})
        }
        None => json!({"type": "peer", "sessionId": session, "sdp": {"type": "offer", "sdp": "v=0 o"}}),
    }
}

fn to(message: Value) -> (&'static str, Value) {
    ("tell", json!({"type": "to", "member": "receiver-1", "message": message}))
}

pub(super) fn from(message: OfMember) -> ToClient {
    ToClient::From(From { member: id("receiver-1"), message })
}

#[test]
fn a_producer_offers_and_hears_answers_and_its_candidates_wait_for_its_offer() {
    let mut translator = producing();
    assert_eq!(hear(&mut translator, &of_producer("1", Some("candidate:1"))), []);
    let candidate = |text: &str| json!({"type": "candidate", "candidate": text, "sdpMLineIndex": 0, "offer": 1});
    assert_eq!(
        hear(&mut translator, &of_producer("1", None)),
        [to(json!({"type": "offer", "sdp": "v=0 o", "offer": 1})), to(candidate("candidate:1"))]
    );
    assert_eq!(hear(&mut translator, &of_producer("1", Some("candidate:2"))), [to(candidate("candidate:2"))]);
    let answer = |offer| from(OfMember::Answer(Sdp { sdp: "v=0 a".to_owned(), offer }));
    assert_eq!(hear_hub(&mut translator, answer(Some(0))), [], "to an older offer");
    let answered = json!({"type": "peer", "sessionId": "1", "sdp": {"type": "answer", "sdp": "v=0 a"}});
    assert_eq!(hear_hub(&mut translator, answer(Some(1))), [say(answered)]);
    let found = hear_hub(&mut translator, from(OfMember::Candidate(trickled("candidate:3", None))));
    let expected = json!({"type": "peer", "sessionId": "1", "ice": {"candidate": "candidate:3", "sdpMLineIndex": 1}});
    assert_eq!(found, [say(expected)]);
    assert!(is_error(&hear(&mut translator, &of_producer("1", None)), "negotiated anew"));
    let left = Left { member: id("receiver-1"), why: LeftWhy::Bye };
    assert_eq!(hear_hub(&mut translator, ToClient::Left(left)), [end_session("1")]);
    assert_eq!(hear(&mut translator, &of_producer("1", Some("candidate:4"))), []);
}

#[test]
fn a_producer_answers_a_consumer_that_offers() {
    let mut translator = producing();
    let asked = hear_hub(&mut translator, joined_with("receiver-1", Some("v=0 o")));
    assert_eq!(asked[1], say(json!({"type": "startSession", "peerId": "receiver-1", "sessionId": "2", "offer": "v=0 o"})));
    assert!(is_error(&hear(&mut translator, &of_producer("2", None)), "is to be answered"));
    let answer = |session| json!({"type": "peer", "sessionId": session, "sdp": {"type": "answer", "sdp": "v=0 a"}});
    let told = hear(&mut translator, &answer("2"));
    assert_eq!(told, [to(json!({"type": "answer", "sdp": "v=0 a", "offer": 2}))]);
    hear_hub(&mut translator, joined("receiver-2"));
    assert!(is_error(&hear(&mut translator, &answer("3")), "a producer offers here"));
}

#[test]
fn a_producer_serves_many_each_by_its_newest_session_and_may_end_one_or_all() {
    let mut translator = producing();
    assert_eq!(hear_hub(&mut translator, joined("receiver-2"))[0].1["sessionId"], "2");
    let again = hear_hub(&mut translator, joined("receiver-1"));
    assert_eq!((&again[0], &again[1].1["sessionId"]), (&end_session("1"), &json!("3")));
    assert_eq!(hear(&mut translator, &of_producer("1", None)), [], "it was ended");
    let dismissed = hear(&mut translator, &json!({"type": "endSession", "sessionId": "3"}));
    assert_eq!(
        dismissed,
        [to(
            json!({"type": "error", "code": "PUBLISHING_ENDED", "message": "the producer ended this session", "recoverable": false})
        )]
    );
    let idle = json!({"type": "setPeerStatus", "roles": [], "meta": null});
    assert_eq!(hear(&mut translator, &idle), [end_session("2"), ("leave", json!(null))]);
}

#[test]
fn candidates_that_wait_for_an_offer_are_few() {
    let mut translator = producing();
    for _ in 0..MAX_CANDIDATES {
        assert_eq!(hear(&mut translator, &of_producer("1", Some("candidate:1"))), []);
    }
    assert!(is_error(&hear(&mut translator, &of_producer("1", Some("candidate:1"))), "too many"));
    assert_eq!(hear(&mut translator, &of_producer("1", None)).len(), 1 + MAX_CANDIDATES);
}
