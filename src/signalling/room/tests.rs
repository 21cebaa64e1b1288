use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::message::Role;
use super::*;

const OFFER: &str = include_str!("../gate/testdata/offer.sdp");
const ANSWER: &str = include_str!("../gate/testdata/answer.sdp");
const HOST: &str = "candidate:1 1 UDP 2122260223 192.0.2.1 5000 typ host";
const LOOPBACK: &str = "candidate:1 1 UDP 2122260223 127.0.0.1 5000 typ host";
const A: ConnectionId = ConnectionId(1);
const B: ConnectionId = ConnectionId(2);

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn room() -> Room {
    let codecs = vec![Codec::H264, Codec::Vp8];
    let config = RoomConfig { codecs, max_members: 2, ice_servers: Vec::new(), ice_tcp: false };
    let mut ids = 0;
    Room::new(config, move || {
        ids += 1;
        format!("r{ids}")
    })
}

fn actions(room: &mut Room) -> Vec<Action> {
    std::iter::from_fn(|| room.poll_action()).collect()
}

fn join(codecs: &[Codec]) -> FromReceiver {
    FromReceiver::Join(Join { version: 1, role: Role::Receiver, name: None, codecs: codecs.to_vec() })
}

fn answer(sdp: &str) -> FromReceiver {
    FromReceiver::Answer(Sdp { sdp: sdp.into() })
}

fn candidate(text: &str, line: Option<u32>, mid: Option<&str>) -> FromReceiver {
    FromReceiver::Candidate(TrickledCandidate { candidate: text.into(), line, mid: mid.map(Into::into) })
}

fn bye() -> FromReceiver {
    FromReceiver::Bye(Bye { reason: String::new() })
}

/// A room in which A has come as far as `steps` tells: 1 connected, 2 joined, 3 offered, 4 answered, 5 connected.
fn room_at(steps: u32) -> Room {
    let mut room = room();
    room.on_connected(A, false, at(0));
    if steps >= 2 {
        room.on_message(A, join(&[Codec::H264]), at(0));
    }
    if steps >= 3 {
        room.on_offer(A, OFFER, at(0));
    }
    if steps >= 4 {
        room.on_message(A, answer(ANSWER), at(0));
    }
    if steps >= 5 {
        room.on_peer_connected(A);
    }
    actions(&mut room);
    room
}

/// The error that was sent to `id`, whether it survives, and whether the peer was dropped and the connection closed.
fn outcome(room: &mut Room, id: ConnectionId) -> (Option<ErrorCode>, Option<bool>, bool, bool) {
    let mut outcome = (None, None, false, false);
    for action in actions(room) {
        match action {
            Action::Send(to, FromSender::Error(report)) if to == id => {
                outcome.0 = Some(report.code);
                outcome.1 = Some(report.recoverable);
            }
            Action::DropPeer(of, _) if of == id => outcome.2 = true,
            Action::Close(of) if of == id => outcome.3 = true,
            _ => {}
        }
    }
    outcome
}

#[test]
fn a_receiver_joins_is_offered_answers_and_connects() {
    let mut room = room();
    room.on_connected(A, true, at(0));
    room.on_message(A, join(&[Codec::Av1, Codec::Vp8, Codec::H264]), at(1));
    let welcome = Welcome { version: 1, id: "r1".into(), ice_servers: Vec::new() };
    let peer = NewPeer { id: "r1".into(), name: None, role: Role::Receiver, codecs: vec![Codec::H264, Codec::Vp8] };
    assert_eq!(actions(&mut room), [Action::Send(A, FromSender::Welcome(welcome)), Action::StartPeer(A, peer)]);

    room.on_local_candidate(A, 0, LOOPBACK);
    assert_eq!(actions(&mut room), [], "candidates wait for the offer");
    room.on_offer(A, OFFER, at(2));
    let sent = actions(&mut room);
    let own = TrickledCandidate { candidate: LOOPBACK.into(), line: Some(0), mid: None };
    assert!(matches!(&sent[0], Action::Send(A, FromSender::Offer(_))));
    assert_eq!(sent[1..], [Action::Send(A, FromSender::Candidate(own))]);

    room.on_message(A, candidate(HOST, None, Some("video0")), at(3));
    room.on_message(A, answer(ANSWER), at(3));
    room.on_message(A, candidate(LOOPBACK, Some(1), None), at(3));
    room.on_message(A, candidate("", Some(0), None), at(3));
    let sent = actions(&mut room);
    assert!(matches!(&sent[0], Action::AddCandidate(A, 0, used) if used.text() == HOST));
    assert!(matches!(&sent[1], Action::ApplyAnswer(A, applied) if applied.video().is_some()));
    assert!(matches!(&sent[2], Action::AddCandidate(A, 1, used) if used.text() == LOOPBACK));
    assert_eq!(sent.len(), 3);

    room.on_peer_connected(A);
    assert_eq!(room.poll_timeout(), None);
    room.on_message(A, bye(), at(9));
    assert_eq!(actions(&mut room), [Action::DropPeer(A, Departure::Bye), Action::Close(A)]);
    assert!(room.is_empty());
}

/// Recorded from GStreamer 1.22 in Debian 12.
#[test]
fn two_webrtcbins_get_through() {
    let mut room = room_at(1);
    room.on_message(A, join(&[Codec::Vp8]), at(0));
    room.on_offer(A, include_str!("../gate/testdata/webrtcbin-1.22-offer.sdp"), at(0));
    room.on_message(A, answer(include_str!("../gate/testdata/webrtcbin-1.22-answer.sdp")), at(0));
    assert!(matches!(actions(&mut room).last(), Some(Action::ApplyAnswer(A, _))));
}

#[test]
fn each_state_has_its_deadline_and_the_late_one_is_told_and_freed() {
    for (steps, deadline) in [(1, JOIN_WITHIN), (2, OFFER_WITHIN), (3, ANSWER_WITHIN), (4, CONNECT_WITHIN)] {
        let mut room = room_at(steps);
        assert_eq!(room.poll_timeout(), Some(deadline), "{steps}");
        room.handle_timeout(deadline - Duration::from_nanos(1));
        assert_eq!(actions(&mut room), [], "{steps}");
        room.handle_timeout(deadline);
        assert_eq!(outcome(&mut room, A), (Some(ErrorCode::Timeout), Some(false), steps > 1, true), "{steps}");
        assert!(room.is_empty() && room.poll_timeout().is_none());
    }
    assert_eq!(room_at(5).poll_timeout(), None);
}

#[test]
fn messages_at_the_wrong_time_are_answered_with_an_error_and_survived() {
    let wrong = [
        (1, answer(ANSWER)),
        (1, candidate(HOST, Some(0), None)),
        (2, join(&[Codec::H264])),
        (2, answer(ANSWER)),
        (2, candidate(HOST, Some(0), None)),
        (3, join(&[Codec::H264])),
        (4, join(&[Codec::H264])),
        (4, answer(ANSWER)),
        (5, answer(ANSWER)),
    ];
    for (steps, message) in wrong {
        let mut room = room_at(steps);
        room.on_message(A, message.clone(), at(0));
        let expected = (Some(ErrorCode::ProtocolError), Some(true), false, false);
        assert_eq!(outcome(&mut room, A), expected, "{steps} {message:?}");
    }
}

#[test]
fn without_a_common_codec_both_sides_codecs_are_named() {
    let mut room = room_at(1);
    room.on_message(A, join(&[Codec::Av1, Codec::H265]), at(0));
    let text = "no common codec: the sender has H264, VP8; the receiver has AV1, H265".to_owned();
    let report = ErrorReport { code: ErrorCode::NoCommonCodec, message: text, recoverable: false };
    assert_eq!(actions(&mut room), [Action::Send(A, FromSender::Error(report)), Action::Close(A)]);

    let mut room = room_at(3);
    room.on_message(A, answer(&ANSWER.replace("H264/90000", "AV1/90000")), at(0));
    assert_eq!(outcome(&mut room, A), (Some(ErrorCode::NoCommonCodec), Some(false), true, true));
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
        room.on_message(A, answer(sdp), at(0));
        assert_eq!(outcome(&mut room, A), (Some(ErrorCode::SdpRefused), Some(false), true, true), "{sdp}");
    }
}

#[test]
fn versions_crowds_and_endless_mistakes_are_refused() {
    let mut room = room_at(1);
    let version = Join { version: 2, role: Role::Receiver, name: None, codecs: vec![Codec::H264] };
    room.on_message(A, FromReceiver::Join(version), at(0));
    assert_eq!(outcome(&mut room, A), (Some(ErrorCode::UnsupportedVersion), Some(false), false, true));

    let mut room = room_at(2);
    for id in [B, ConnectionId(3)] {
        room.on_connected(id, false, at(0));
        room.on_message(id, join(&[Codec::Vp8]), at(0));
    }
    assert_eq!(outcome(&mut room, ConnectionId(3)), (Some(ErrorCode::TooMany), Some(false), false, true));

    let mut room = room_at(5);
    for _ in 0..MAX_MISTAKES {
        room.on_garbage(A, &InvalidMessage::Binary);
    }
    assert_eq!(outcome(&mut room, A), (Some(ErrorCode::InvalidMessage), Some(true), false, false));
    room.on_garbage(A, &InvalidMessage::Binary);
    assert_eq!(outcome(&mut room, A), (Some(ErrorCode::TooMany), Some(false), true, true));
}

#[test]
fn bad_candidates_are_refused_and_never_reach_the_peer() {
    for message in [candidate(LOOPBACK, Some(0), None), candidate(HOST, Some(2), None), candidate(HOST, None, None)] {
        let mut room = room_at(4);
        room.on_message(A, message, at(0));
        assert_eq!(outcome(&mut room, A), (Some(ErrorCode::CandidateRefused), Some(true), false, false));
    }
    let mut room = room_at(4);
    (0..10_000).for_each(|_| room.on_message(A, candidate(HOST, Some(0), None), at(0)));
    let added = actions(&mut room).into_iter().filter(|action| matches!(action, Action::AddCandidate(..))).count();
    assert!(added < MAX_CANDIDATES && room.is_empty(), "{added}");
}

#[test]
fn a_failed_peer_and_the_end_of_the_sender_are_told() {
    let mut room = room_at(4);
    room.on_peer_failed(A, ErrorCode::FingerprintMismatch, "another certificate");
    assert_eq!(outcome(&mut room, A), (Some(ErrorCode::FingerprintMismatch), Some(false), true, true));

    let mut room = room_at(5);
    room.on_connected(B, false, at(0));
    room.on_shutdown();
    let sent = actions(&mut room);
    assert_eq!(sent[0], Action::DropPeer(A, Departure::Error(ErrorCode::ShuttingDown)));
    assert!(matches!(sent[1], Action::Send(A, FromSender::Bye(_))) && sent[2] == Action::Close(A));
    assert!(room.is_empty());
    room.on_connected(ConnectionId(3), false, at(0));
    assert_eq!(outcome(&mut room, ConnectionId(3)), (Some(ErrorCode::ShuttingDown), Some(false), false, true));
}

#[derive(Clone, Debug)]
enum Input {
    Connected,
    Closed,
    Garbage,
    Message(FromReceiver),
    Offer(String),
    LocalCandidate,
    PeerConnected,
    PeerFailed,
    Later(u64),
    Shutdown,
}

fn input() -> impl Strategy<Value = Input> {
    let message = prop_oneof![
        4 => Just(join(&[Codec::H264])), 1 => Just(join(&[])), 4 => Just(answer(ANSWER)), 1 => Just(answer("x")),
        1 => Just(candidate(HOST, Some(0), None)), 1 => Just(candidate(LOOPBACK, None, Some("video0"))), 1 => Just(bye()),
    ];
    prop_oneof![
        4 => Just(Input::Connected), 1 => Just(Input::Closed), 1 => Just(Input::Garbage), 12 => message.prop_map(Input::Message),
        4 => Just(Input::Offer(OFFER.into())), 1 => Just(Input::Offer(String::new())), 1 => Just(Input::LocalCandidate),
        2 => Just(Input::PeerConnected), 1 => Just(Input::PeerFailed), 1 => (0..8u64).prop_map(Input::Later),
        1 => prop::bool::weighted(0.1).prop_map(|end| if end { Input::Shutdown } else { Input::Later(0) }),
    ]
}

/// What a correct role keeps: open connections and living peers. It panics on any action that names one that is not there.
#[derive(Default)]
struct World {
    open: BTreeSet<ConnectionId>,
    peers: BTreeSet<ConnectionId>,
}

impl World {
    fn perform(&mut self, action: Action) {
        match action {
            Action::Send(id, _) => assert!(self.open.contains(&id), "sent after close"),
            Action::Close(id) => assert!(self.open.remove(&id), "closed twice"),
            Action::StartPeer(id, _) => assert!(self.peers.insert(id), "started twice"),
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
        for (id, input) in inputs {
            let id = ConnectionId(id);
            match input {
                Input::Connected => { if world.open.insert(id) { room.on_connected(id, false, now) } }
                Input::Closed => { world.open.remove(&id); room.on_closed(id) }
                Input::Garbage => room.on_garbage(id, &InvalidMessage::Binary),
                Input::Message(message) => room.on_message(id, message, now),
                Input::Offer(sdp) => room.on_offer(id, &sdp, now),
                Input::LocalCandidate => room.on_local_candidate(id, 0, HOST),
                Input::PeerConnected => room.on_peer_connected(id),
                Input::PeerFailed => room.on_peer_failed(id, ErrorCode::InternalError, "x"),
                Input::Later(seconds) => { now += at(seconds); room.handle_timeout(now) }
                Input::Shutdown => room.on_shutdown(),
            }
            while let Some(action) = room.poll_action() { world.perform(action) }
            prop_assert_eq!(room.members.len(), world.open.len());
            prop_assert!(room.poll_timeout().is_none_or(|due| due <= now + CONNECT_WITHIN));
        }
        room.on_shutdown();
        while let Some(action) = room.poll_action() { world.perform(action) }
        prop_assert!(room.is_empty() && world.open.is_empty() && world.peers.is_empty());
    }
}
