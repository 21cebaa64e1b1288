//! Everything in any order.

use proptest::prelude::*;

use super::producing::{from, joined, joined_with, of_producer};
use super::*;

/// Things to hear, good and bad, from either side.
#[derive(Clone, Debug)]
enum Input {
    Text(String),
    Hub(ToClient),
    HubClosed,
    Sessions,
}

fn input() -> impl Strategy<Value = Input> {
    let texts = [
        json!({"type": "setPeerStatus", "roles": ["producer"], "meta": null}),
        json!({"type": "setPeerStatus", "roles": ["listener"], "meta": null}),
        json!({"type": "setPeerStatus", "roles": [], "meta": null}),
        json!({"type": "startSession", "peerId": "court"}),
        json!({"type": "startSession", "peerId": "court", "offer": "v=0"}),
        json!({"type": "endSession", "sessionId": "1"}),
        json!({"type": "endSession", "sessionId": "2"}),
        json!({"type": "list"}),
        of_producer("1", None),
        of_producer("2", None),
        of_producer("1", Some("candidate:1")),
        json!({"type": "peer", "sessionId": "1", "sdp": {"type": "answer", "sdp": "v=0"}}),
    ];
    let texts = texts.iter().map(Value::to_string).collect::<Vec<_>>();
    let hub = vec![
        welcome(),
        offer(1),
        offer(2),
        joined("receiver-1"),
        joined_with("receiver-2", Some("v=0")),
        ToClient::Answer(Sdp { sdp: String::new(), offer: Some(3) }),
        failure(true),
        failure(false),
        ToClient::Bye(bye("")),
        ToClient::Waiting(Waiting { reason: String::new() }),
        ToClient::Candidate(trickled("candidate:1", Some(1))),
        ToClient::Left(Left { member: id("receiver-1"), why: LeftWhy::Lost }),
        from(OfMember::Candidate(trickled("candidate:1", None))),
        from(OfMember::Answer(Sdp { sdp: String::new(), offer: Some(1) })),
    ];
    prop_oneof![
        4 => proptest::sample::select(texts).prop_map(Input::Text),
        4 => proptest::sample::select(hub).prop_map(Input::Hub),
        1 => any::<String>().prop_map(Input::Text),
        1 => Just(Input::HubClosed),
        1 => Just(Input::Sessions),
    ]
}

proptest! {
    /// Whatever is said: no panic, the hub is told things only between entering and leaving, and a session that was started is
    /// ended once.
    #[test]
    fn whatever_is_said_the_hub_and_the_peer_hear_it_in_order(inputs in proptest::collection::vec(input(), 0..60)) {
        let mut translator = Translator::new("peer-1".to_owned());
        let (mut is_in, mut open) = (false, BTreeSet::new());
        for input in inputs {
            match input {
                Input::Text(text) => translator.on_text(&text),
                // A hub says nothing to those who are not connected.
                Input::Hub(message) if is_in => translator.on_hub(message),
                Input::HubClosed if is_in => {
                    is_in = false;
                    translator.on_hub_closed();
                }
                Input::Sessions => translator.on_sessions(&[]),
                Input::Hub(_) | Input::HubClosed => {}
            }
            while let Some(step) = translator.poll_step() {
                match step {
                    Step::Enter(_) => prop_assert!(!std::mem::replace(&mut is_in, true)),
                    Step::Leave(_) => prop_assert!(std::mem::replace(&mut is_in, false)),
                    Step::Tell(_) => prop_assert!(is_in),
                    Step::Say(OutgoingMessage::SessionStarted { session_id, .. } | OutgoingMessage::StartSession { session_id, .. }) => {
                        prop_assert!(open.insert(session_id));
                    }
                    Step::Say(OutgoingMessage::EndSession(EndSessionMessage { session_id })) => {
                        prop_assert!(open.remove(&session_id));
                    }
                    Step::Say(OutgoingMessage::Peer(PeerMessage { session_id, .. })) => prop_assert!(open.contains(&session_id)),
                    Step::Say(_) | Step::List | Step::Close => {}
                }
            }
        }
    }
}
