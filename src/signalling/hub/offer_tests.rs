//! Members that offer.

use super::super::message::{ForMember, Join, MemberId, Offer, Register, Role, Sdp, To};
use super::*;

const SENDER: ConnectionId = ConnectionId(1);
const MEMBER: ConnectionId = ConnectionId(2);

struct Nothing;

impl Supplies for Nothing {
    fn random(&mut self) -> u128 {
        7
    }

    fn session_id(&mut self) -> SessionId {
        "made-up".parse().expect("an id")
    }

    fn ice_servers(&mut self, _: &str) -> Vec<IceServer> {
        Vec::new()
    }
}

/// What the sender is told of those who join: who, and with which offer.
fn offers(hub: &mut Hub) -> Vec<(MemberId, Option<String>)> {
    let actions = std::iter::from_fn(|| hub.poll_action());
    let joined = actions.filter_map(|action| match action {
        HubAction::Send(SENDER, ToClient::Joined(joined)) => Some(joined),
        _ => None,
    });
    joined.map(|joined| (joined.member, joined.offer.map(String::from))).collect()
}

#[test]
fn an_offer_waits_for_the_sender_and_is_good_for_one_answer() {
    let now = Duration::ZERO;
    let (max_wait, names) = (Duration::MAX, MemberNames::Counted);
    let config = HubConfig { max_sessions: 1, max_members: 1, max_publishers: 1, grace: now, max_wait, names };
    let mut hub = Hub::new(config, Nothing);
    let (version, session) = (PROTOCOL_VERSION, "s".parse().ok());
    let register =
        || FromClient::Register(Register { version, session: "s".parse().ok(), ticket: None, members: Vec::new() });
    hub.on_connected(SENDER, false, Access::everything(), now);
    hub.on_connected(MEMBER, false, Access::everything(), now);
    let (role, codecs, offer) = (Role::Viewer, Vec::new(), Offer::try_from("v=0".to_owned()).ok());
    hub.on_message(MEMBER, FromClient::Join(Join { version, role, session, name: None, codecs, resume: None, offer }), now);
    hub.on_message(SENDER, register(), now);
    let told = offers(&mut hub);
    let [(member, Some(sdp))] = &told[..] else { panic!("{told:?}") };
    assert_eq!(sdp, "v=0");

    let message = ForMember::Answer(Sdp { sdp: "a".into(), offer: None });
    hub.on_message(SENDER, FromClient::To(To { member: member.clone(), message }), now);
    let answered = |action| matches!(action, HubAction::Send(MEMBER, ToClient::Answer(answer)) if answer.sdp == "a");
    assert!(hub.poll_action().is_some_and(answered));

    hub.on_closed(SENDER, now);
    hub.handle_timeout(now);
    hub.on_connected(SENDER, false, Access::everything(), now);
    hub.on_message(SENDER, register(), now);
    assert_eq!(offers(&mut hub), [(member.clone(), None)], "the sender that comes later has to offer");
}

#[test]
fn an_offer_that_would_not_stay_a_message_is_refused() {
    for bad in ["a\0b".to_owned(), "\u{7f}".to_owned(), "x".repeat(24 * 1024 + 1)] {
        assert!(Offer::try_from(bad).is_err());
    }
    assert!(Offer::try_from("a\r\nb".to_owned()).is_ok());
}
