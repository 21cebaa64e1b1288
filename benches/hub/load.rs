//! What a hub costs and how fast it is: `hub_load ws://HOST:PORT/ws PID`. The hub runs elsewhere (`scripts/hub-targets.sh`).

use std::error::Error;
use std::fs;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;
type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const SESSIONS: usize = 1000;
/// So many of them talk, while the others stay as they are.
const TALKING: usize = 50;
/// Of all who talk together: a round trip is two.
const MESSAGES_PER_SECOND: usize = 500;
const SECONDS: usize = 20;

/// A session: its sender and one viewer.
struct Session {
    sender: Socket,
    viewer: Socket,
    member: Value,
}

async fn say(socket: &mut Socket, message: &Value) -> Result<()> {
    Ok(socket.send(Message::text(message.to_string())).await?)
}

/// The next message of this type.
async fn hear(socket: &mut Socket, kind: &str) -> Result<Value> {
    while let Some(message) = socket.next().await {
        if let Message::Text(text) = message? {
            let message: Value = serde_json::from_str(&text)?;
            if message["type"] == kind {
                return Ok(message);
            }
        }
    }
    Err(format!("the hub closed before it said {kind}").into())
}

impl Session {
    async fn open(url: &str, number: usize) -> Result<Session> {
        let (mut sender, _) = connect_async(url).await?;
        let (mut viewer, _) = connect_async(url).await?;
        let session = format!("load-{number}");
        say(&mut sender, &json!({"type": "register", "version": 1, "session": session})).await?;
        hear(&mut sender, "registered").await?;
        say(&mut viewer, &json!({"type": "join", "version": 1, "role": "viewer", "session": session, "codecs": ["H264"]}))
            .await?;
        let member = hear(&mut sender, "joined").await?["member"].take();
        Ok(Session { sender, viewer, member })
    }

    /// From the viewer to the sender and back: through the hub twice.
    async fn round_trip(&mut self) -> Result<Duration> {
        let candidate = json!({"type": "candidate", "candidate": "candidate:1 1 UDP 2122260223 192.0.2.7 50000 typ host", "sdpMLineIndex": 0});
        let since = Instant::now();
        say(&mut self.viewer, &candidate).await?;
        hear(&mut self.sender, "from").await?;
        say(&mut self.sender, &json!({"type": "to", "member": self.member, "message": candidate})).await?;
        hear(&mut self.viewer, "candidate").await?;
        Ok(since.elapsed())
    }

    /// Not all at the same moment.
    async fn talk(mut self, index: usize) -> Result<Vec<Duration>> {
        let per_second = MESSAGES_PER_SECOND / 2 / TALKING;
        let period = Duration::from_secs(1) / per_second as u32;
        let mut pace = interval_at(Instant::now() + period * index as u32 / TALKING as u32, period);
        pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut times = Vec::new();
        for _ in 0..per_second * SECONDS {
            pace.tick().await;
            times.push(self.round_trip().await?);
        }
        Ok(times)
    }
}

/// Memory of a process that is its own, in megabytes.
fn resident_mb(pid: &str) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let kb = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(kb.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, pid] = &arguments[..] else { return Err("usage: hub_load ws://HOST:PORT/ws PID".into()) };
    let empty_mb = resident_mb(pid)?;
    let mut sessions = Vec::new();
    for number in 0..SESSIONS {
        sessions.push(Session::open(url, number).await?);
    }
    let full_mb = resident_mb(pid)?;
    println!("{SESSIONS} sessions of a sender and a viewer: {:.1} MB more than {empty_mb:.1} MB", full_mb - empty_mb);

    let mut talking = JoinSet::new();
    for (index, session) in sessions.drain(..TALKING).enumerate() {
        talking.spawn(session.talk(index));
    }
    // Whoever is silent has to answer pings all the same.
    for mut session in sessions {
        tokio::spawn(async move {
            tokio::join!(async { while session.sender.next().await.is_some() {} }, async {
                while session.viewer.next().await.is_some() {}
            });
        });
    }
    let mut times = Vec::new();
    for of_session in talking.join_all().await {
        times.extend(of_session?);
    }
    times.sort();
    let percentile = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1000.0;
    let (median, p99, most) = (percentile(50), percentile(99), percentile(100));
    println!(
        "{MESSAGES_PER_SECOND} messages/s: round trip p50 {median:.2} ms, p99 {p99:.2} ms, at most {most:.2} ms ({} of them)",
        times.len()
    );
    Ok(())
}
