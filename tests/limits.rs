//! What one client may cost a hub: nothing that stays, and nothing that others notice.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::support::process::{Process, rebound};
use crate::support::roles::Hub;
use crate::support::{PATIENCE, alone, poll};

/// A hub that wants tokens, and one of them.
struct Guarded {
    hub: Process,
    port: u16,
    token: String,
    _directory: TempDir,
}

impl Guarded {
    fn start() -> Guarded {
        let directory = tempfile::tempdir().expect("a directory");
        let secret = directory.path().join("secret");
        fs::write(&secret, "a secret that is long enough for HMAC\n").expect("written");
        let token = Process::start(rebound(["token", "--role", "sender", "--secret-file"]).arg(&secret)).first_line();
        let mut command = rebound(["serve", "--port", "0", "-v", "--auth", "token", "--secret-file"]);
        let hub = Process::start(command.arg(&secret));
        let line = hub.wait_for("senders and receivers may come to ws://");
        let port = line.rsplit(':').next().and_then(|port| port.trim().parse().ok()).expect("a port");
        Guarded { hub, port, token, _directory: directory }
    }

    /// A connection on which this was written.
    fn say(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time");
        // It may hang up before it has heard everything.
        let _ = stream.write_all(bytes);
        stream
    }

    /// All that it answers until it hangs up.
    fn answer(&self, bytes: &[u8]) -> String {
        rest(self.say(bytes))
    }

    fn upgrade(&self, header: &str, frames: &[u8]) -> String {
        let head = format!(
            "GET /ws HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{header}\r\n"
        );
        self.answer(&[head.as_bytes(), frames].concat())
    }

    fn inside(&self, frames: &[u8]) -> String {
        self.upgrade(&format!("authorization: Bearer {}\r\n", self.token), frames)
    }

    /// How many tasks the hub has when a connection that said goodbye was the last.
    fn tasks(&self) -> usize {
        let before = self.hub.said_times(" closed connection=");
        self.inside(&text(r#"{"type":"bye","reason":"a probe"}"#));
        let line = self.hub.wait_for_nth(" closed connection=", before + 1);
        let tasks = line.split_whitespace().find_map(|word| word.strip_prefix("tasks="));
        tasks.and_then(|tasks| tasks.parse().ok()).unwrap_or_else(|| panic!("no tasks in {line}"))
    }
}

fn rest(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    // Whoever is thrown out may see a reset.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// A WebSocket frame as clients send them (RFC 6455 section 5.2), masked with zeros.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first, 0x80 | 127];
    frame.extend((payload.len() as u64).to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

fn text(message: &str) -> Vec<u8> {
    frame(0x81, message.as_bytes())
}

#[test]
fn whoever_is_refused_or_abuses_the_hub_leaves_nothing_behind() {
    let guarded = Guarded::start();
    let tasks = (0..3).map(|_| guarded.tasks()).max().expect("three");
    let before = guarded.hub.uses_at_rest();

    let half_open: Vec<TcpStream> =
        (0..40).map(|nth| guarded.say(if nth % 2 == 0 { b"" } else { b"GET /ws HTTP/1.1\r\nhost:" })).collect();
    poll("connections cost descriptors", PATIENCE, || {
        (guarded.hub.uses().descriptors >= before.descriptors + half_open.len()).then_some(())
    });

    let good = format!("authorization: Bearer {}\r\n", guarded.token);
    for (header, status) in [("", "401"), ("authorization: Bearer x.y.z\r\n", "401")] {
        assert!(guarded.upgrade(&format!("connection: close\r\n{header}"), b"").contains(status));
    }
    assert!(guarded.upgrade(&format!("{good}origin: https://evil.example\r\nconnection: close\r\n"), b"").contains("403"));
    for path in ["/s/../../etc/passwd", "/s/..%2f..%2fx", "/assets/../../Cargo.toml", "/assets/%2e%2e/%2e%2e/Cargo.toml"] {
        let answer = guarded.answer(format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").as_bytes());
        assert!(answer.starts_with("HTTP/1.1 4"), "{path}: {answer}");
    }
    assert!(!guarded.answer(&[b"GET / HTTP/1.1\r\nx: ".as_slice(), &[b'x'; 64 * 1024]].concat()).contains(" 200 "));

    let register = text(r#"{"type":"register","version":1,"session":"one"}"#);
    let away = r#"{"type":"to","member":"nobody","message":{"type":"bye","reason":""}}"#;
    let traversing = text(r#"{"type":"register","version":1,"session":"../../one"}"#);
    for (what, frames, expected) in [
        ("too long", text(&"x".repeat(70_000)), "too long"),
        ("not masked", vec![0x81, 2, b'{', b'}'], ""),
        ("garbage", text("{").repeat(40), "mistakes"),
        ("binary", frame(0x82, b"\0").repeat(40), "mistakes"),
        ("traversal", [traversing, text(r#"{"type":"bye","reason":""}"#)].concat(), "INVALID_MESSAGE"),
        ("too fast", [register, text(away).repeat(500)].concat(), "TOO_FAST"),
    ] {
        let answer = guarded.inside(&frames);
        assert!(answer.starts_with("HTTP/1.1 101") && answer.contains(expected), "{what}: {answer}");
    }
    // In the middle of everything: they just go.
    for bytes in [&b""[..], &[0x81, 0xff], &text("{")[..4]] {
        let head =
            "GET /ws HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n";
        drop(guarded.say(
            &[head.as_bytes(), b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n", good.as_bytes(), b"\r\n", bytes].concat(),
        ));
    }

    let asked = Instant::now();
    half_open.into_iter().for_each(|stream| assert!(!rest(stream).contains("200")));
    assert!(asked.elapsed() < Duration::from_secs(15), "5 s are promised");
    guarded.hub.wait_until_it_uses_at_most(before, PATIENCE);
    poll("as many tasks as before", PATIENCE, || (guarded.tasks() <= tasks).then_some(()));
}

type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

/// A sender and its only member.
struct Pair {
    sender: Socket,
    member: Socket,
    id: String,
}

async fn say(socket: &mut Socket, message: Value) {
    socket.send(Message::text(message.to_string())).await.expect("it listens");
}

async fn hear(socket: &mut Socket, kind: &str) -> Value {
    loop {
        let message = socket.next().await.expect("open").expect("a message");
        let Ok(text) = message.to_text() else { continue };
        match serde_json::from_str::<Value>(text) {
            Ok(message) if message["type"] == kind => return message,
            _ => {}
        }
    }
}

impl Pair {
    async fn meet(port: u16, session: &str) -> Pair {
        let connect = async || connect_async(format!("ws://127.0.0.1:{port}/ws")).await.expect("it listens").0;
        let (mut sender, mut member) = (connect().await, connect().await);
        say(&mut sender, json!({"type": "register", "version": 1, "session": session})).await;
        hear(&mut sender, "registered").await;
        say(&mut member, json!({"type": "join", "version": 1, "role": "viewer", "session": session, "codecs": ["H264"]}))
            .await;
        let id = hear(&mut sender, "joined").await["member"].as_str().expect("an id").to_owned();
        Pair { sender, member, id }
    }

    /// How long it takes from the member to the sender and back.
    async fn round_trip(&mut self) -> Duration {
        let since = Instant::now();
        let candidate = json!({"type": "candidate", "candidate": "", "sdpMLineIndex": 0});
        say(&mut self.member, candidate.clone()).await;
        hear(&mut self.sender, "from").await;
        say(&mut self.sender, json!({"type": "to", "member": self.id, "message": candidate})).await;
        hear(&mut self.member, "candidate").await;
        since.elapsed()
    }
}

/// The slowest but one of a hundred, of all of them at the same time.
async fn slow_round_trip(pairs: &mut Vec<Pair>) -> Duration {
    let mut talking = JoinSet::new();
    for mut pair in pairs.drain(..) {
        talking.spawn(async move {
            let mut times = Vec::new();
            for _ in 0..10 {
                times.push(pair.round_trip().await);
            }
            (pair, times)
        });
    }
    let mut times = Vec::new();
    for (pair, of_pair) in talking.join_all().await {
        pairs.push(pair);
        times.extend(of_pair);
    }
    times.sort();
    times[times.len() * 99 / 100]
}

#[test]
fn a_client_that_never_reads_is_cut_off_and_fifty_other_sessions_do_not_notice() {
    let _machine = alone();
    let hub = Hub::with(&["-v"]);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let mut pairs = Vec::new();
        for nth in 0..50 {
            pairs.push(Pair::meet(hub.port, &format!("session-{nth}")).await);
        }
        let before = slow_round_trip(&mut pairs).await;
        let Pair { mut sender, member: _never_reads, id } = Pair::meet(hub.port, "stuck").await;
        let flood = tokio::spawn(async move {
            let sdp = "x".repeat(60_000);
            // More than the kernel's buffers and the outbox take.
            for _ in 0..600 {
                say(&mut sender, json!({"type": "to", "member": id, "message": {"type": "offer", "sdp": sdp}})).await;
            }
            sender
        });
        let meanwhile = slow_round_trip(&mut pairs).await;
        let limit = (before * 10).max(Duration::from_millis(250));
        assert!(meanwhile < limit, "{meanwhile:?} instead of {before:?}");
        flood.await.expect("no panic");
    });
    hub.wait_for("why=TooSlow");
}
