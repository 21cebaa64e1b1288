mod orders;
mod producing;

use serde_json::{Value, json};

use super::*;
use crate::codec::Codec;
use crate::signalling::gate::MAX_CANDIDATES;
use crate::signalling::message::{
    ErrorCode, ErrorReport, From, Join, Joined, Left, LeftWhy, OfMember, Offer, PROTOCOL_VERSION, Register, Role, Sdp,
    Ticket, Waiting, Welcome,
};

/// What is to be done, as short as it can be read: what the peer hears is JSON, what the hub hears is JSON after `hub`.
fn steps(translator: &mut Translator) -> Vec<(&'static str, Value)> {
    let value = |text: String| serde_json::from_str(&text).expect("JSON");
    let mut found = Vec::new();
    while let Some(step) = translator.poll_step() {
        found.push(match step {
            Step::Say(message) => ("say", serde_json::to_value(&message).expect("JSON")),
            Step::Enter(message) => ("enter", value(message.to_json())),
            Step::Tell(message) => ("tell", value(message.to_json())),
            Step::Leave(_) => ("leave", json!(null)),
            Step::List => ("list", json!(null)),
            Step::Close => ("close", json!(null)),
        });
    }
    found
}

fn connected() -> Translator {
    let mut translator = Translator::new("peer-1".to_owned());
    assert_eq!(steps(&mut translator), [("say", json!({"type": "welcome", "peerId": "peer-1"}))]);
    translator
}

fn hear(translator: &mut Translator, text: &Value) -> Vec<(&'static str, Value)> {
    translator.on_text(&text.to_string());
    steps(translator)
}

fn hear_hub(translator: &mut Translator, message: ToClient) -> Vec<(&'static str, Value)> {
    translator.on_hub(message);
    steps(translator)
}

fn is_error(steps: &[(&'static str, Value)], word: &str) -> bool {
    matches!(steps, [("say", error)] if error["type"] == "error" && error["details"].as_str().is_some_and(|text| text.contains(word)))
}

fn id<T: TryFrom<String, Error: std::fmt::Debug>>(text: &str) -> T {
    T::try_from(text.to_owned()).expect("an id")
}

fn welcome() -> ToClient {
    ToClient::Welcome(Welcome {
        version: PROTOCOL_VERSION,
        session: id("court"),
        id: id("receiver-1"),
        ticket: Ticket::new(1),
        kept: false,
        ice_servers: Vec::new(),
    })
}

fn offer(number: u64) -> ToClient {
    ToClient::Offer(Sdp { sdp: "v=0".to_owned(), offer: Some(number) })
}

fn trickled(candidate: &str, offer: Option<u64>) -> TrickledCandidate {
    TrickledCandidate { candidate: candidate.to_owned(), line: Some(1), mid: None, offer }
}

fn failure(recoverable: bool) -> ToClient {
    ToClient::Error(ErrorReport { code: ErrorCode::NoCommonCodec, message: "no codec".to_owned(), recoverable })
}

fn say(message: Value) -> (&'static str, Value) {
    ("say", message)
}

fn end_session(session: &str) -> (&'static str, Value) {
    say(json!({"type": "endSession", "sessionId": session}))
}

fn consumer() -> Translator {
    let mut translator = connected();
    let [("enter", join)] = &hear(&mut translator, &json!({"type": "startSession", "peerId": "court"}))[..] else {
        panic!("it enters")
    };
    let expected = Join {
        version: PROTOCOL_VERSION,
        role: Role::Viewer,
        session: Some(id("court")),
        name: None,
        codecs: Codec::ALL.to_vec(),
        resume: None,
        offer: None,
    };
    assert_eq!(FromClient::read(&join.to_string()), Ok(FromClient::Join(expected)));
    translator
}

/// One that is watching; its session is "1", the sender's offer 7.
fn watching() -> Translator {
    let mut translator = consumer();
    let started = hear_hub(&mut translator, welcome());
    assert_eq!(started, [say(json!({"type": "sessionStarted", "peerId": "court", "sessionId": "1"}))]);
    let offered = hear_hub(&mut translator, offer(7));
    assert_eq!(offered, [say(json!({"type": "peer", "sessionId": "1", "sdp": {"type": "offer", "sdp": "v=0"}}))]);
    translator
}

#[test]
fn a_consumer_watches_answers_and_leaves() {
    let mut translator = watching();
    let answer = json!({"type": "peer", "sessionId": "1", "sdp": {"type": "answer", "sdp": "v=0 a"}});
    assert_eq!(hear(&mut translator, &answer), [("tell", json!({"type": "answer", "sdp": "v=0 a", "offer": 7}))]);
    let candidate = json!({"type": "peer", "sessionId": "1", "ice": {"candidate": "candidate:1", "sdpMLineIndex": 0}});
    assert_eq!(
        hear(&mut translator, &candidate),
        [("tell", json!({"type": "candidate", "candidate": "candidate:1", "sdpMLineIndex": 0, "offer": 7}))]
    );
    let heard = hear_hub(&mut translator, ToClient::Candidate(trickled("candidate:2", Some(7))));
    let expected = json!({"type": "peer", "sessionId": "1", "ice": {"candidate": "candidate:2", "sdpMLineIndex": 1}});
    assert_eq!(heard, [say(expected)]);
    // Of an older offer, and the end, for which there is no word.
    assert_eq!(hear_hub(&mut translator, ToClient::Candidate(trickled("candidate:3", Some(6)))), []);
    assert_eq!(hear_hub(&mut translator, ToClient::Candidate(trickled("", Some(7)))), []);
    assert_eq!(hear(&mut translator, &json!({"type": "endSession", "sessionId": "1"})), [("leave", json!(null))]);
    assert_eq!(hear(&mut translator, &answer), [], "what crossed the end on its way is passed over");
    // The connection may be used again.
    assert_eq!(hear(&mut translator, &json!({"type": "startSession", "peerId": "court"}))[0].0, "enter");
}

#[test]
fn a_new_offer_is_a_new_session_and_a_sender_that_goes_ends_the_one_there_is() {
    let mut translator = watching();
    let renewed = hear_hub(&mut translator, offer(8));
    let started = say(json!({"type": "sessionStarted", "peerId": "court", "sessionId": "2"}));
    assert_eq!(renewed[..2], [end_session("1"), started]);
    assert_eq!(renewed[2].1["sessionId"], "2");
    let waiting = || ToClient::Waiting(Waiting { reason: String::new() });
    assert_eq!(hear_hub(&mut translator, waiting()), [end_session("2")]);
    assert_eq!(hear_hub(&mut translator, waiting()), []);
    assert_eq!(hear_hub(&mut translator, offer(9))[0].1["sessionId"], "3");
    translator.on_closed();
    assert_eq!(steps(&mut translator), [end_session("3"), ("leave", json!(null))]);
}

#[test]
fn only_what_the_connection_does_not_survive_is_an_error_of_the_elements() {
    let mut translator = watching();
    assert_eq!(hear_hub(&mut translator, failure(true)), []);
    assert!(is_error(&hear_hub(&mut translator, failure(false)), "no codec"));
    translator.on_hub_closed();
    assert_eq!(steps(&mut translator), [end_session("1"), ("close", json!(null))]);
    translator.on_closed();
    assert_eq!(steps(&mut translator), []);
}

#[test]
fn mistakes_are_told_and_too_many_end_the_connection() {
    let mut translator = connected();
    let table = [
        (json!({"type": "newPeer"}), "newPeer"),
        (json!({"type": "nonsense"}), "not a message"),
        (json!({"type": "startSession", "peerId": "../x"}), "an id must be"),
        (json!({"type": "startSession", "peerId": "court", "offer": "\u{0}"}), "control characters"),
        (json!({"type": "setPeerStatus", "roles": ["consumer"], "meta": null}), "producer-peer-id"),
        (json!({"type": "setPeerStatus", "roles": ["producer"], "meta": {"session": ""}}), "meta names no session"),
    ];
    for (message, word) in &table {
        let heard = hear(&mut translator, message);
        assert!(is_error(&heard, word), "{message}: {heard:?}");
    }
    let mut translator = consumer();
    assert!(is_error(&hear(&mut translator, &json!({"type": "startSession", "peerId": "court"})), "one session at a time"));
    let produce = json!({"type": "setPeerStatus", "roles": ["producer"], "meta": null});
    assert!(is_error(&hear(&mut translator, &produce), "one session at a time"));
    hear_hub(&mut translator, welcome());
    let answer = json!({"type": "peer", "sessionId": "1", "sdp": {"type": "answer", "sdp": "v=0"}});
    assert!(is_error(&hear(&mut translator, &answer), "no offer yet"));
    let mut translator = watching();
    let offer = json!({"type": "peer", "sessionId": "1", "sdp": {"type": "offer", "sdp": "v=0"}});
    assert!(is_error(&hear(&mut translator, &offer), "in startSession"));
    for _ in 1..MAX_MISTAKES {
        translator.on_binary();
    }
    steps(&mut translator);
    translator.on_text("{");
    let kinds: Vec<_> = steps(&mut translator).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["say", "say", "leave", "close"]);
}

#[test]
fn a_consumer_may_offer_and_waits_with_that_for_a_sender_which_may_offer_later() {
    let mut translator = connected();
    let start = json!({"type": "startSession", "peerId": "court", "offer": "v=0 o"});
    assert_eq!(hear(&mut translator, &start)[0].1["offer"], "v=0 o");
    hear_hub(&mut translator, welcome());
    assert_eq!(hear_hub(&mut translator, ToClient::Waiting(Waiting { reason: String::new() })), []);
    let candidate = json!({"type": "peer", "sessionId": "1", "ice": {"candidate": "candidate:1", "sdpMLineIndex": 0}});
    assert_eq!(hear(&mut translator, &candidate)[0].0, "tell");
    let answer = |number| ToClient::Answer(Sdp { sdp: "v=0 a".to_owned(), offer: Some(number) });
    let answered = json!({"type": "peer", "sessionId": "1", "sdp": {"type": "answer", "sdp": "v=0 a"}});
    assert_eq!(hear_hub(&mut translator, answer(4)), [say(answered)]);
    assert_eq!(hear_hub(&mut translator, answer(4)), [], "once");
    assert_eq!(hear_hub(&mut translator, ToClient::Candidate(trickled("candidate:2", Some(4)))).len(), 1);
    assert_eq!(hear_hub(&mut translator, offer(5))[0], end_session("1"));
}

#[test]
fn sessions_with_a_sender_are_listed_and_a_listener_hears_of_changes() {
    let session = |name: &str, has_sender| SessionInfo {
        id: id(name),
        has_sender,
        receivers: 0,
        viewers: 0,
        since: std::time::Duration::ZERO,
    };
    let mut translator = connected();
    assert_eq!(hear(&mut translator, &json!({"type": "list"})), [("list", json!(null))]);
    translator.on_sessions(&[session("a", true), session("b", false)]);
    let listed = json!({"type": "list", "producers": [{"id": "a", "meta": {"name": "a"}}]});
    assert_eq!(steps(&mut translator), [say(listed)]);
    assert_eq!(hear(&mut translator, &json!({"type": "listConsumers"}))[0].1["consumers"], json!([]));
    assert!(!translator.is_listening());
    hear(&mut translator, &json!({"type": "setPeerStatus", "roles": ["listener"], "meta": null}));
    assert!(translator.is_listening());
    let mut change = |sessions: &[SessionInfo]| {
        translator.on_sessions(sessions);
        let changes = steps(&mut translator);
        changes.iter().map(|(_, change)| format!("{} {}", change["peerId"], change["roles"])).collect::<Vec<_>>()
    };
    assert_eq!(change(&[session("a", true)]), [r#""a" ["producer"]"#]);
    assert_eq!(change(&[session("a", true)]), Vec::<String>::new());
    assert_eq!(change(&[session("b", true), session("a", false)]), [r#""b" ["producer"]"#, r#""a" []"#]);
}
