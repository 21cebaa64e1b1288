use std::time::Instant;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::*;
use crate::codec::Codec;
use crate::signalling::client::{Client, ClientEvent};
use crate::signalling::hub::{Hub, HubConfig, MemberNames, Supplies};
use crate::signalling::message::{
    Bye, ErrorCode, ErrorReport, FromClient, IceServer, InvalidMessage, Register, SessionId, To, ToClient,
};
use crate::signalling::room::{Action, Room, RoomConfig};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Everything a test waits for comes in milliseconds; this is how long a broken build waits.
const PATIENCE: Duration = Duration::from_secs(10);

fn quick() -> ServerConfig {
    ServerConfig {
        max_connections: 4,
        head_within: Duration::from_millis(200),
        ping_every: Duration::from_millis(100),
        stop_within: Duration::from_millis(300),
        ..ServerConfig::default()
    }
}

struct Fixture {
    address: SocketAddr,
    hub: mpsc::Receiver<HubEvent>,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl Fixture {
    async fn new(config: ServerConfig) -> Fixture {
        let listener = bind("127.0.0.1", 0).await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let (events, hub) = mpsc::channel(16);
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(serve(listener, events, config, async move {
            let _ = stopped.await;
        }));
        Fixture { address, hub, stop, server }
    }

    async fn connect(&mut self) -> (Socket, Outbox) {
        let (socket, response) = connect_async(format!("ws://{}/ws", self.address)).await.expect("connects");
        assert!(!response.headers().contains_key("sec-websocket-extensions"));
        match self.event().await {
            HubEvent::Connected { outbox, .. } => (socket, outbox),
            other => panic!("{other:?}"),
        }
    }

    async fn event(&mut self) -> HubEvent {
        timeout(PATIENCE, self.hub.recv()).await.expect("in time").expect("hub open")
    }

    async fn closed(&mut self) -> CloseReason {
        loop {
            if let HubEvent::Closed { why, .. } = self.event().await {
                return why;
            }
        }
    }

    async fn get(&self, head: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.expect("connects");
        stream.write_all(head.as_bytes()).await.expect("written");
        read_to_end(&mut stream).await
    }
}

async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("closed in time");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The next message that is not a ping.
async fn next(socket: &mut Socket) -> Message {
    loop {
        match timeout(PATIENCE, socket.next()).await.expect("in time") {
            Some(Ok(Message::Ping(_))) => {}
            Some(Ok(message)) => return message,
            other => panic!("{other:?}"),
        }
    }
}

fn close_code(message: &Message) -> Option<CloseCode> {
    if let Message::Close(Some(frame)) = message { Some(frame.code) } else { None }
}

fn bye(reason: String) -> ToClient {
    ToClient::Bye(Bye { reason })
}

#[tokio::test]
async fn the_pages_say_what_this_is_and_that_it_lives() {
    let fixture = Fixture::new(quick()).await;
    assert!(fixture.get("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.contains("rebound receive"));
    assert!(fixture.get("GET /health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.ends_with("ok\n"));
    assert!(fixture.get("GET /x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.contains("404"));
    assert!(fixture.get("GET /ws HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.starts_with("HTTP/1.1 4"));
}

#[tokio::test]
async fn messages_go_both_ways_and_garbage_is_reported_without_ending_the_connection() {
    let mut fixture = Fixture::new(quick()).await;
    let (mut socket, outbox) = fixture.connect().await;
    socket.send("nonsense".into()).await.expect("sent");
    assert!(matches!(fixture.event().await, HubEvent::Garbage { why: InvalidMessage::Json(_), .. }));
    socket.send(Message::binary(vec![0, 159, 146])).await.expect("sent");
    assert!(matches!(fixture.event().await, HubEvent::Garbage { why: InvalidMessage::Binary, .. }));
    let report = ErrorReport { code: ErrorCode::InvalidMessage, message: "m".into(), recoverable: true };
    outbox.send(ToClient::Error(report.clone())).expect("open");
    let text = next(&mut socket).await.into_text().expect("text");
    assert_eq!(ToClient::read(&text), Ok(ToClient::Error(report)));
    socket.send(r#"{"type":"bye"}"#.into()).await.expect("sent");
    assert!(matches!(fixture.event().await, HubEvent::Message { message: FromClient::Bye(_), .. }));
    outbox.close();
    assert_eq!(close_code(&next(&mut socket).await), Some(CloseCode::Normal));
    assert_eq!(fixture.closed().await, CloseReason::ByUs);
}

/// What a sender does with its hub and a room, but for the peers.
async fn host(mut client: Client, mut room: Room) {
    let (mut outbox, now) = (None, Duration::ZERO);
    while let Some(event) = client.next().await {
        match event {
            ClientEvent::Connected(hub) => {
                let register = Register { version: 1, session: None, ticket: None, members: Vec::new() };
                hub.try_send(FromClient::Register(register)).expect("open");
                outbox = Some(hub);
            }
            ClientEvent::Message(ToClient::Joined(joined)) => room.on_joined(joined, true, now),
            ClientEvent::Message(ToClient::From(from)) => room.on_from(from, now),
            ClientEvent::Message(ToClient::Left(left)) => room.on_left(&left),
            _ => {}
        }
        while let (Some(action), Some(hub)) = (room.poll_action(), &outbox) {
            if let Action::Send(member, message) = action {
                hub.try_send(FromClient::To(To { member, message })).expect("open");
            }
        }
    }
}

struct NoServers;

impl Supplies for NoServers {
    fn random(&mut self) -> u128 {
        1
    }

    fn session_id(&mut self) -> SessionId {
        "only".parse().expect("an id")
    }

    fn ice_servers(&mut self, _user: &str) -> Vec<IceServer> {
        Vec::new()
    }
}

#[tokio::test]
async fn whoever_talks_nonsense_is_told_and_may_still_join_and_whoever_has_no_codec_is_told_and_closed() {
    gstreamer::init().expect("GStreamer is there");
    let listener = bind("127.0.0.1", 0).await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let grace = Duration::from_secs(1);
    let (max_wait, names) = (Duration::MAX, MemberNames::Counted);
    let config = HubConfig { max_sessions: 1, max_members: 1, max_publishers: 0, grace, max_wait, names };
    let (running, client) =
        crate::hub::start_with_sender(listener, Hub::new(config, NoServers), quick(), crate::clock::RunClock::start());
    let room = Room::new(RoomConfig { codecs: vec![Codec::H264], max_members: 1, ice_tcp: false });
    let hosting = tokio::spawn(host(client, room));
    let table = [
        ("\u{202e}{", "INVALID_MESSAGE", true),
        (r#"{"type":"answer","sdp":"v=0"}"#, "PROTOCOL_ERROR", true),
        (
            r#"{"type":"join","version":1,"role":"receiver","codecs":["VP8"]}"#,
            "the sender has H264; the receiver has VP8",
            false,
        ),
    ];
    for (text, expected, lives) in table {
        let (mut socket, _) = connect_async(format!("ws://{address}/ws")).await.expect("connects");
        socket.send(text.into()).await.expect("sent");
        let mut reply = next(&mut socket).await.into_text().expect("text");
        if !lives {
            assert!(reply.contains("welcome"), "the hub lets it in, the sender does not: {reply}");
            reply = next(&mut socket).await.into_text().expect("text");
        }
        assert!(reply.contains(expected), "{reply}");
        if lives {
            socket.send(r#"{"type":"join","version":1,"role":"receiver","codecs":["H264"]}"#.into()).await.expect("sent");
            assert!(next(&mut socket).await.into_text().expect("text").contains("welcome"));
            socket.send(r#"{"type":"bye"}"#.into()).await.expect("sent");
        }
        assert_eq!(close_code(&next(&mut socket).await), Some(CloseCode::Normal));
    }
    running.stop().await;
    hosting.await.expect("no panic");
}

#[tokio::test]
async fn a_message_over_the_limit_ends_the_connection_and_one_at_the_limit_does_not() {
    let mut fixture = Fixture::new(quick()).await;
    let (mut socket, _outbox) = fixture.connect().await;
    socket.send(Message::text(" ".repeat(MAX_MESSAGE_BYTES))).await.expect("sent");
    assert!(matches!(fixture.event().await, HubEvent::Garbage { .. }));
    socket.send(Message::text(" ".repeat(MAX_MESSAGE_BYTES + 1))).await.expect("sent");
    assert_eq!(close_code(&next(&mut socket).await), Some(CloseCode::Size));
    assert_eq!(fixture.closed().await, CloseReason::TooLong);
}

#[tokio::test]
async fn frames_that_are_none_end_the_connection() {
    let unmasked: &[u8] = &[0x81, 0x01, b'x'];
    let reserved_bits: &[u8] = &[0xf1, 0x80, 0, 0, 0, 0];
    let huge_length: &[u8] = &[0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];
    let long_control = &[&[0x89, 0xfe, 0x00, 0xff][..], &[0; 4 + 255]].concat();
    let not_utf8: &[u8] = &[0x81, 0x81, 0, 0, 0, 0, 0xff];
    let stray_continuation: &[u8] = &[0x80, 0x80, 0, 0, 0, 0];
    for bytes in [unmasked, reserved_bits, huge_length, long_control, not_utf8, stray_continuation] {
        let mut fixture = Fixture::new(quick()).await;
        let (mut socket, _outbox) = fixture.connect().await;
        let MaybeTlsStream::Plain(stream) = socket.get_mut() else { panic!("plain") };
        stream.write_all(bytes).await.expect("sent");
        let why = fixture.closed().await;
        assert!(matches!(why, CloseReason::BadFrame | CloseReason::TooLong), "{bytes:x?}: {why:?}");
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off_and_the_others_do_not_notice() {
    let mut fixture = Fixture::new(ServerConfig { ping_every: PATIENCE, ..quick() }).await;
    let (_slow, slow_outbox) = fixture.connect().await;
    let (mut quick, outbox) = fixture.connect().await;
    let started = Instant::now();
    // The kernel buffers a few megabytes; after that the queue fills.
    while slow_outbox.send(bye("x".repeat(MAX_MESSAGE_BYTES))).is_ok() {
        tokio::task::yield_now().await;
    }
    outbox.send(bye("still here".into())).expect("open");
    assert!(next(&mut quick).await.into_text().expect("text").contains("still here"));
    assert_eq!(fixture.closed().await, CloseReason::TooSlow);
    assert!(started.elapsed() < PATIENCE);
}

#[tokio::test]
async fn a_client_that_does_not_answer_pings_is_gone_and_one_that_does_stays() {
    let mut fixture = Fixture::new(quick()).await;
    let (_silent, _outbox) = fixture.connect().await;
    assert_eq!(fixture.closed().await, CloseReason::Silent);
    let (mut alive, _outbox) = fixture.connect().await;
    let reading =
        timeout(Duration::from_secs(1), async { while alive.next().await.is_some_and(|read| read.is_ok()) {} }).await;
    assert!(reading.is_err(), "the connection ended");
}

#[tokio::test]
async fn half_a_head_and_no_head_at_all_are_cut() {
    let fixture = Fixture::new(quick()).await;
    for head in ["", "GET /ws HTTP/1.1\r\nhost: a\r\nupgra"] {
        let started = Instant::now();
        fixture.get(head).await;
        assert!(started.elapsed() < Duration::from_secs(2), "{head:?}");
    }
}

#[tokio::test]
async fn connections_over_the_limit_are_told_so_and_places_become_free_again() {
    let mut fixture = Fixture::new(ServerConfig { max_connections: 1, ..quick() }).await;
    let (socket, _outbox) = fixture.connect().await;
    assert!(fixture.get("").await.starts_with("HTTP/1.1 503"));
    drop(socket);
    assert_eq!(fixture.closed().await, CloseReason::ByClient);
    let health = "GET /health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let freed = timeout(PATIENCE, async { while !fixture.get(health).await.ends_with("ok\n") {} });
    freed.await.expect("freed");
}

#[tokio::test]
async fn a_page_of_another_origin_is_refused() {
    let mut fixture = Fixture::new(quick()).await;
    let request = |origin: String| {
        let mut request = format!("ws://{}/ws", fixture.address).into_client_request().expect("url");
        request.headers_mut().insert("origin", origin.parse().expect("header"));
        request
    };
    let refused = connect_async(request("http://evil.example".into())).await.expect_err("refused").to_string();
    assert!(refused.contains("403"), "{refused}");
    let own = request(format!("http://{}", fixture.address));
    connect_async(own).await.expect("own page");
    assert!(matches!(fixture.event().await, HubEvent::Connected { .. }));
}

#[tokio::test]
async fn stopping_says_goodbye_and_waits_for_nobody_long() {
    let mut fixture = Fixture::new(ServerConfig { head_within: PATIENCE, ..quick() }).await;
    let (mut socket, outbox) = fixture.connect().await;
    let (_never_reads, _kept) = fixture.connect().await;
    let mut half_open = TcpStream::connect(fixture.address).await.expect("connects");
    half_open.write_all(b"GET / HT").await.expect("written");
    outbox.send(bye("last words".into())).expect("open");
    let started = Instant::now();
    fixture.stop.send(()).expect("running");
    assert!(next(&mut socket).await.into_text().expect("text").contains("last words"));
    assert_eq!(close_code(&next(&mut socket).await), Some(CloseCode::Away));
    timeout(PATIENCE, fixture.server).await.expect("stops").expect("no panic");
    assert!(started.elapsed() < Duration::from_secs(2));
    read_to_end(&mut half_open).await;
}

#[tokio::test]
async fn a_port_in_use_is_named_together_with_what_to_do() {
    let taken = bind("127.0.0.1", 0).await.expect("a free port");
    let port = taken.local_addr().expect("bound").port();
    let error = bind("127.0.0.1", port).await.expect_err("in use").to_string();
    assert_eq!(
        error,
        format!(
            "port {port} on 127.0.0.1 is in use; stop the program that has it, or choose another with --port (0 takes a free one)"
        )
    );
    let error = bind("203.0.113.1", port).await.expect_err("not ours").to_string();
    assert!(error.contains("--host 0.0.0.0"), "{error}");
}
