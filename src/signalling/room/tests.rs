use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::message::{Joined, Ticket};
use super::*;

const OFFER: &str = include_str!("../gate/testdata/offer.sdp");
const ANSWER: &str = include_str!("../gate/testdata/answer.sdp");
const HOST: &str = "candidate:1 1 UDP 2122260223 192.0.2.1 5000 typ host";
const LOOPBACK: &str = "candidate:1 1 UDP 2122260223 127.0.0.1 5000 typ host";
/// The first peer of the first member, and so on.
pub(super) const A: PeerId = PeerId(1);
const B: PeerId = PeerId(2);

pub(super) fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn room() -> Room {
    Room::new(RoomConfig { codecs: vec![Codec::H264, Codec::Vp8], max_members: 2, ice_tcp: false })
}

pub(super) fn actions(room: &mut Room) -> Vec<Action> {
    std::iter::from_fn(|| room.poll_action()).collect()
}

pub(super) fn member(name: &str) -> MemberId {
    name.parse().unwrap()
}

fn joined(name: &str, codecs: &[Codec]) -> Joined {
    let (ticket, codecs) = (Ticket::new(7), codecs.to_vec());
    Joined { member: member(name), ticket, role: Role::Receiver, name: None, codecs, loopback: false, offer: None }
}

fn answer(sdp: &str) -> From {
    From { member: member("a"), message: OfMember::Answer(Sdp { sdp: sdp.into(), offer: None }) }
}

fn candidate(text: &str, line: Option<u32>, mid: Option<&str>) -> From {
    let candidate = TrickledCandidate { candidate: text.into(), line, mid: mid.map(Into::into), offer: None };
    From { member: member("a"), message: OfMember::Candidate(candidate) }
}

/// A room in which the member `a` has come as far as `steps` tells: 2 joined, 3 offered, 4 answered, 5 connected.
pub(super) fn room_at(steps: u32) -> Room {
    let mut room = room();
    if steps >= 2 {
        room.on_joined(joined("a", &[Codec::H264]), false, at(0));
    }
    if steps >= 3 {
        room.on_described(A, OFFER, at(0));
    }
    if steps >= 4 {
        room.on_from(answer(ANSWER), at(0));
    }
    if steps >= 5 {
        room.on_peer_connected(A);
    }
    actions(&mut room);
    room
}

/// The error that was sent to `a`, whether it survives, and whether the peer was dropped.
fn outcome(room: &mut Room) -> (Option<ErrorCode>, Option<bool>, bool) {
    let mut outcome = (None, None, false);
    for action in actions(room) {
        match action {
            Action::Send(to, ForMember::Error(report)) if to.as_str() == "a" => {
                outcome.0 = Some(report.code);
                outcome.1 = Some(report.recoverable);
            }
            Action::DropPeer(A, _) => outcome.2 = true,
            _ => {}
        }
    }
    outcome
}

#[test]
fn a_receiver_joins_is_offered_answers_and_connects() {
    let mut room = room();
    room.on_joined(Joined { loopback: true, ..joined("a", &[Codec::Av1, Codec::Vp8, Codec::H264]) }, true, at(1));
    let codecs = vec![Codec::H264, Codec::Vp8];
    let peer = NewPeer { member: member("a"), receiver: 1, name: None, role: Role::Receiver, codecs, offered: None };
    assert_eq!(actions(&mut room), [Action::StartPeer(A, peer)]);

    room.on_local_candidate(A, 0, LOOPBACK);
    assert_eq!(actions(&mut room), [], "candidates wait for the offer");
    room.on_described(A, OFFER, at(2));
    let sent = actions(&mut room);
    let own = TrickledCandidate { candidate: LOOPBACK.into(), line: Some(0), mid: None, offer: Some(1) };
    assert!(matches!(&sent[0], Action::Send(to, ForMember::Offer(Sdp { offer: Some(1), .. })) if *to == member("a")));
    assert_eq!(sent[1..], [Action::Send(member("a"), ForMember::Candidate(own))]);

    room.on_from(candidate(HOST, None, Some("video0")), at(3));
    room.on_from(answer(ANSWER), at(3));
    room.on_from(candidate(LOOPBACK, Some(1), None), at(3));
    room.on_from(candidate("", Some(0), None), at(3));
    let sent = actions(&mut room);
    assert!(matches!(&sent[0], Action::AddCandidate(A, 0, used) if used.text() == HOST));
    assert!(matches!(&sent[1], Action::ApplyAnswer(A, applied) if applied.video().is_some()));
    assert!(matches!(&sent[2], Action::AddCandidate(A, 1, used) if used.text() == LOOPBACK));
    assert_eq!(sent.len(), 3);

    assert_eq!(room.connected(), [], "not yet");
    room.on_peer_connected(A);
    assert_eq!(room.poll_timeout(), None);
    assert_eq!(room.connected(), [KnownMember { id: member("a"), ticket: Ticket::new(7), role: Role::Receiver }]);
    room.on_left(&Left { member: member("a"), why: LeftWhy::Bye });
    assert_eq!(actions(&mut room), [Action::DropPeer(A, Departure::Bye)]);
    assert!(room.is_empty());
}

#[test]
fn whoever_joins_again_gets_a_new_peer_and_stays_the_same_receiver() {
    let mut room = room_at(5);
    room.on_joined(joined("b", &[Codec::Vp8]), false, at(0));
    room.on_joined(joined("a", &[Codec::Vp8]), false, at(0));
    let told = actions(&mut room);
    assert_eq!(told[1], Action::DropPeer(A, Departure::Renewed));
    let receivers = told.iter().filter_map(|action| match action {
        Action::StartPeer(id, peer) => Some((id.0, peer.receiver)),
        _ => None,
    });
    assert_eq!(receivers.collect::<Vec<_>>(), [(2, 2), (3, 1)]);

    room.on_described(PeerId(3), OFFER, at(0));
    let late = From { member: member("a"), message: OfMember::Answer(Sdp { sdp: ANSWER.into(), offer: Some(1) }) };
    actions(&mut room);
    room.on_from(late, at(0));
    assert_eq!(actions(&mut room), [], "an answer to an offer that is not there any more");
}

/// Recorded from GStreamer 1.22 in Debian 12.
#[test]
fn two_webrtcbins_get_through() {
    let mut room = room();
    room.on_joined(joined("a", &[Codec::Vp8]), false, at(0));
    room.on_described(A, include_str!("../gate/testdata/webrtcbin-1.22-offer.sdp"), at(0));
    room.on_from(answer(include_str!("../gate/testdata/webrtcbin-1.22-answer.sdp")), at(0));
    assert!(matches!(actions(&mut room).last(), Some(Action::ApplyAnswer(A, _))));
}

#[test]
fn each_state_has_its_deadline_and_the_late_one_is_told_and_freed() {
    for (steps, deadline) in [(2, OFFER_WITHIN), (3, ANSWER_WITHIN), (4, CONNECT_WITHIN)] {
        let mut room = room_at(steps);
        assert_eq!(room.poll_timeout(), Some(deadline), "{steps}");
        room.handle_timeout(deadline - Duration::from_nanos(1));
        assert_eq!(actions(&mut room), [], "{steps}");
        room.handle_timeout(deadline);
        assert_eq!(outcome(&mut room), (Some(ErrorCode::Timeout), Some(false), true), "{steps}");
        assert!(room.is_empty() && room.poll_timeout().is_none());
    }
    assert_eq!(room_at(5).poll_timeout(), None);
}

#[test]
fn messages_at_the_wrong_time_are_answered_with_an_error_and_survived() {
    let wrong = [(2, answer(ANSWER)), (2, candidate(HOST, Some(0), None)), (4, answer(ANSWER)), (5, answer(ANSWER))];
    for (steps, message) in wrong {
        let mut room = room_at(steps);
        room.on_from(message.clone(), at(0));
        assert_eq!(outcome(&mut room), (Some(ErrorCode::ProtocolError), Some(true), false), "{steps} {message:?}");
    }
}

#[test]
fn without_a_common_codec_both_sides_codecs_are_named() {
    let mut room = room();
    room.on_joined(joined("a", &[Codec::Av1, Codec::H265]), false, at(0));
    let text = "no common codec: the sender has H264, VP8; the receiver has AV1, H265".to_owned();
    let report = ErrorReport { code: ErrorCode::NoCommonCodec, message: text, recoverable: false };
    assert_eq!(actions(&mut room), [Action::Send(member("a"), ForMember::Error(report))]);

    let mut room = room_at(3);
    room.on_from(answer(&ANSWER.replace("H264/90000", "AV1/90000")), at(0));
    assert_eq!(outcome(&mut room), (Some(ErrorCode::NoCommonCodec), Some(false), true));
}

#[test]
fn answers_that_do_not_fit_end_the_session() {
    let unfit = [
        "",
        OFFER,
        &ANSWER.replace("video0", "video1"),
        &ANSWER.replace("a=recvonly", "a=inactive"),
        &ANSWER.replace("sha-256", "md5"),
        &ANSWER.replace("m=application 9", "m=application 0"),
        &ANSWER.replace("a=recvonly", "a=sendonly"),
        &ANSWER[..ANSWER.find("m=application").expect("two m-lines")],
    ];
    for sdp in unfit {
        let mut room = room_at(3);
        room.on_from(answer(sdp), at(0));
        assert_eq!(outcome(&mut room), (Some(ErrorCode::SdpRefused), Some(false), true), "{sdp}");
    }
}

#[test]
fn crowds_are_refused() {
    let mut room = room_at(2);
    room.on_joined(joined("b", &[Codec::Vp8]), false, at(0));
    actions(&mut room);
    room.on_joined(joined("c", &[Codec::Vp8]), false, at(0));
    let refused = actions(&mut room);
    let [Action::Send(to, ForMember::Error(report))] = &refused[..] else { panic!("{refused:?}") };
    assert_eq!((to.as_str(), report.code, report.recoverable), ("c", ErrorCode::TooMany, false));
}

#[test]
fn bad_candidates_are_refused_and_never_reach_the_peer() {
    for message in [candidate(LOOPBACK, Some(0), None), candidate(HOST, Some(2), None), candidate(HOST, None, None)] {
        let mut room = room_at(4);
        room.on_from(message, at(0));
        assert_eq!(outcome(&mut room), (Some(ErrorCode::CandidateRefused), Some(true), false));
    }
    let mut room = room_at(4);
    (0..10_000).for_each(|_| room.on_from(candidate(HOST, Some(0), None), at(0)));
    let added = actions(&mut room).into_iter().filter(|action| matches!(action, Action::AddCandidate(..))).count();
    assert!(added < MAX_CANDIDATES && room.is_empty(), "{added}");
}

#[test]
fn a_failed_peer_is_told_and_at_the_end_all_peers_go() {
    let mut room = room_at(4);
    room.on_peer_failed(A, ErrorCode::FingerprintMismatch, "another certificate");
    assert_eq!(outcome(&mut room), (Some(ErrorCode::FingerprintMismatch), Some(false), true));

    let mut room = room_at(5);
    room.on_joined(joined("b", &[Codec::Vp8]), false, at(0));
    actions(&mut room);
    room.on_shutdown();
    let dropped = |id| Action::DropPeer(id, Departure::Error(ErrorCode::ShuttingDown));
    assert_eq!(actions(&mut room), [dropped(A), dropped(B)]);
    assert!(room.is_empty());
}

/// The peers that were dropped for another, and those that were started.
pub(super) fn renewals(room: &mut Room) -> (Vec<PeerId>, Vec<(PeerId, u64)>) {
    let (mut dropped, mut started) = (Vec::new(), Vec::new());
    for action in actions(room) {
        match action {
            Action::DropPeer(id, Departure::Renewed) => dropped.push(id),
            Action::StartPeer(id, peer) => started.push((id, peer.receiver)),
            _ => {}
        }
    }
    (dropped, started)
}

#[test]
fn who_was_connected_and_is_lost_gets_another_peer_as_the_same_receiver() {
    let mut room = room_at(5);
    for lost in 1..5 {
        room.on_peer_lost(PeerId(lost), ErrorCode::Timeout, "silence", at(10));
        assert_eq!(renewals(&mut room), (vec![PeerId(lost)], vec![(PeerId(lost + 1), 1)]));
        assert_eq!(room.connected(), []);
        room.on_described(PeerId(lost + 1), OFFER, at(10));
        room.on_from(answer(ANSWER), at(10));
        room.on_peer_connected(PeerId(lost + 1));
        actions(&mut room);
        assert_eq!(room.connected().len(), 1);
    }
}

#[test]
fn who_does_not_come_back_in_three_attempts_goes() {
    let mut room = room_at(5);
    let mut now = at(10);
    room.on_peer_lost(A, ErrorCode::Timeout, "silence", now);
    for attempt in 2..4 {
        assert_eq!(renewals(&mut room).1, [(PeerId(attempt), 1)]);
        room.on_described(PeerId(attempt), OFFER, now);
        now += ANSWER_WITHIN;
        room.handle_timeout(now);
    }
    assert_eq!(renewals(&mut room).1, [(PeerId(4), 1)]);
    room.on_peer_lost(PeerId(4), ErrorCode::InternalError, "no way", now);
    let told = actions(&mut room);
    assert_eq!(told[0], Action::DropPeer(PeerId(4), Departure::Error(ErrorCode::InternalError)));
    assert!(room.is_empty() && matches!(told[1], Action::Send(..)));
    room.on_joined(joined("a", &[Codec::H264]), false, now);
    assert_eq!(renewals(&mut room).1, [(PeerId(5), 2)], "another receiver");
}

#[test]
fn who_never_was_connected_gets_no_other_peer() {
    for steps in 2..5 {
        let mut room = room_at(steps);
        room.on_peer_lost(A, ErrorCode::InternalError, "no way", at(1));
        assert_eq!(outcome(&mut room), (Some(ErrorCode::InternalError), Some(false), true));
        assert!(room.is_empty());
    }
}

#[test]
fn who_asks_for_another_peer_and_cannot_have_it_is_gone_for_good() {
    let mut room = room_at(5);
    room.on_joined(joined("a", &[Codec::Av1]), false, at(1));
    assert_eq!(actions(&mut room)[0], Action::DropPeer(A, Departure::Error(ErrorCode::NoCommonCodec)));
    assert!(room.is_empty() && room.receivers.is_empty());
}

#[derive(Clone, Debug)]
enum Input {
    Joined(bool),
    Left,
    From(OfMember),
    Offer(String),
    LocalCandidate,
    PeerConnected,
    PeerFailed,
    PeerLost,
    Later(u64),
    Shutdown,
}

fn input() -> impl Strategy<Value = Input> {
    let said = prop_oneof![
        4 => Just(answer(ANSWER)), 1 => Just(answer("x")), 1 => Just(candidate(HOST, Some(0), None)),
        1 => Just(candidate(LOOPBACK, None, Some("video0"))),
    ];
    prop_oneof![
        6 => prop::bool::weighted(0.9).prop_map(Input::Joined), 1 => Just(Input::Left),
        8 => said.prop_map(|from| Input::From(from.message)),
        4 => Just(Input::Offer(OFFER.into())), 1 => Just(Input::Offer(String::new())), 1 => Just(Input::LocalCandidate),
        2 => Just(Input::PeerConnected), 1 => Just(Input::PeerFailed), 1 => Just(Input::PeerLost), 1 => (0..8u64).prop_map(Input::Later),
        1 => prop::bool::weighted(0.1).prop_map(|end| if end { Input::Shutdown } else { Input::Later(0) }),
    ]
}

/// What a correct role keeps: living peers. It panics on any action that names one that is not there.
#[derive(Default)]
struct World {
    peers: BTreeSet<PeerId>,
    ever: BTreeSet<PeerId>,
}

impl World {
    fn perform(&mut self, action: Action) {
        match action {
            Action::Send(..) => {}
            Action::StartPeer(id, _) => assert!(self.peers.insert(id) && self.ever.insert(id), "started twice"),
            Action::ApplyAnswer(id, _) | Action::AddCandidate(id, ..) => {
                assert!(self.peers.contains(&id), "asked of no peer")
            }
            Action::DropPeer(id, _) => assert!(self.peers.remove(&id), "dropped twice"),
        }
    }
}

proptest! {
    #[test]
    fn no_order_of_messages_panics_or_leaks_a_member_or_a_peer(
        inputs in prop::collection::vec((1..4u64, input()), 0..120),
    ) {
        let (mut room, mut world, mut now) = (room(), World::default(), Duration::ZERO);
        for (who, input) in inputs {
            let name = format!("m{who}");
            // The newest peer of this member, or one that is long gone.
            let id = room.peer_of(&member(&name)).unwrap_or(PeerId(who));
            match input {
                Input::Joined(able) => {
                    let codecs: &[Codec] = if able { &[Codec::H264] } else { &[] };
                    room.on_joined(joined(&name, codecs), false, now);
                }
                Input::Left => room.on_left(&Left { member: member(&name), why: LeftWhy::Lost }),
                Input::From(message) => room.on_from(From { member: member(&name), message }, now),
                Input::Offer(sdp) => room.on_described(id, &sdp, now),
                Input::LocalCandidate => room.on_local_candidate(id, 0, HOST),
                Input::PeerConnected => room.on_peer_connected(id),
                Input::PeerFailed => room.on_peer_failed(id, ErrorCode::InternalError, "x"),
                Input::PeerLost => room.on_peer_lost(id, ErrorCode::Timeout, "x", now),
                Input::Later(seconds) => { now += at(seconds); room.handle_timeout(now) }
                Input::Shutdown => room.on_shutdown(),
            }
            while let Some(action) = room.poll_action() { world.perform(action) }
            prop_assert_eq!(room.members.len(), world.peers.len());
            prop_assert_eq!(room.members.len(), room.receivers.len());
            prop_assert!(room.poll_timeout().is_none_or(|due| due <= now + CONNECT_WITHIN));
        }
        room.on_shutdown();
        while let Some(action) = room.poll_action() { world.perform(action) }
        prop_assert!(room.is_empty() && world.peers.is_empty());
    }
}
