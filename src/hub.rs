//! The hub as a running thing: the state machine, the server before it, what takes in what is published and, in a sender, the sender's
//! own link to it.

mod intake;
mod links;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::access::{TurnCredential, TurnKey};
use crate::cli;
use crate::clock::{self, RunClock};
use crate::server::{self, HubEvent, ServerConfig};
use crate::signalling::client::Client;
use crate::signalling::hub::{Access, ConnectionId, Hub, HubAction, SessionInfo, Supplies};
use crate::signalling::message::{FromClient, IceServer, SessionId};
use intake::Intakes;
use links::{Door, Inside, Links};

/// Messages of all connections that may wait for the hub; a full queue slows the connections down, nothing else.
const EVENTS: usize = 256;

/// The connection of a sender to the hub inside it; those of the server count from 1.
const OWN_SENDER: ConnectionId = ConnectionId(0);

/// How often the hub looks at its deadlines, which are seconds.
const TICK: Duration = Duration::from_millis(100);

/// What the state machine cannot make up by itself.
#[derive(Default)]
pub struct Sources {
    /// STUN and TURN servers for everybody.
    pub ice_servers: Vec<cli::IceServer>,
    /// TURN servers with a password for each.
    pub relays: Option<Relays>,
}

/// TURN servers that share a secret with this hub.
pub struct Relays {
    /// As browsers write them: `turn:HOST:PORT?transport=udp`.
    pub urls: Vec<cli::TurnUrl>,
    /// The secret.
    pub key: TurnKey,
    /// How long a password is good for.
    pub ttl: Duration,
}

impl Relays {
    fn servers(&self, user: &str, now: Duration) -> Vec<IceServer> {
        let TurnCredential { username, password } = self.key.credential(user, now + self.ttl);
        let server = |url: &cli::TurnUrl| IceServer {
            urls: url.to_string(),
            username: Some(username.clone()),
            credential: Some(password.clone()),
        };
        self.urls.iter().map(server).collect()
    }
}

impl Supplies for Sources {
    fn random(&mut self) -> u128 {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).expect("the kernel has random numbers");
        u128::from_ne_bytes(bytes)
    }

    fn session_id(&mut self) -> SessionId {
        session_id(SystemTime::now(), self.random() as u32)
    }

    fn ice_servers(&mut self, user: &str) -> Vec<IceServer> {
        let relays = self.relays.iter().flat_map(|relays| relays.servers(user, clock::since_1970()));
        crate::ice::announced(&self.ice_servers).into_iter().chain(relays).collect()
    }
}

/// `session-20241220-143052-a1b2c3d4`, in UTC.
fn session_id(now: SystemTime, random: u32) -> SessionId {
    // 2024-12-20T14:30:52Z
    let stamp = humantime::format_rfc3339_seconds(now.max(UNIX_EPOCH)).to_string();
    let digits: String = stamp.chars().filter(char::is_ascii_digit).collect();
    let (date, time) = digits.split_at(8.min(digits.len()));
    format!("session-{date}-{time}-{random:08x}").parse().expect("letters, digits and dashes")
}

/// A hub that serves until it is stopped.
pub struct RunningHub {
    stop: oneshot::Sender<Duration>,
    task: JoinHandle<()>,
}

impl RunningHub {
    /// Tells everybody, and ends within [`ServerConfig::stop_within`].
    pub async fn stop(self) {
        self.drain(Duration::ZERO).await;
    }

    /// Lets nobody in any more, waits until nobody is left or the time is over, and stops.
    pub async fn drain(self, within: Duration) {
        let _ = self.stop.send(within);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the hub broke");
        }
    }
}

/// Starts a hub on this socket, which takes in what is published.
pub fn start(listener: TcpListener, hub: Hub, config: ServerConfig, clock: RunClock, encoders: &toml::Table) -> RunningHub {
    let (_, said) = mpsc::channel(1);
    spawn(listener, config, Desk::new(hub, clock, encoders.clone()), said)
}

/// Starts a hub on this socket in a sender, which speaks to it through the client that is returned.
pub fn start_with_sender(listener: TcpListener, hub: Hub, config: ServerConfig, clock: RunClock) -> (RunningHub, Client) {
    let (told, said, client) = links::link();
    let mut desk = Desk::new(hub, clock, toml::Table::default());
    desk.links.add_inside(OWN_SENDER, told);
    desk.hub.on_connected(OWN_SENDER, true, Access::everything(), desk.clock.now());
    (spawn(listener, config, desk, said), client)
}

fn spawn(listener: TcpListener, config: ServerConfig, mut desk: Desk, said: mpsc::Receiver<FromClient>) -> RunningHub {
    let (events, heard) = mpsc::channel(EVENTS);
    let (stop, stopped) = oneshot::channel();
    let (stop_server, server_stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(server::serve(listener, events, config, async {
        // A hub that is gone has stopped too.
        let _ = server_stopped.await;
    }));
    let task = tokio::spawn(async move {
        desk.run(heard, said, stopped).await;
        let _ = stop_server.send(());
        let _ = server.await;
        desk.intakes.end().await;
    });
    RunningHub { stop, task }
}

/// The loop that owns the state machine.
struct Desk {
    hub: Hub,
    links: Links,
    clock: RunClock,
    inside: mpsc::Receiver<Inside>,
    intakes: Intakes,
}

impl Desk {
    fn new(hub: Hub, clock: RunClock, encoders: toml::Table) -> Desk {
        let (door, inside) = Door::new();
        Desk { hub, links: Links::default(), clock, inside, intakes: Intakes::new(door, encoders) }
    }

    async fn run(
        &mut self,
        mut heard: mpsc::Receiver<HubEvent>,
        mut said: mpsc::Receiver<FromClient>,
        mut stopped: oneshot::Receiver<Duration>,
    ) {
        // Whoever comes to a hub with a sender of its own finds the session open.
        if let Some(first) = said.recv().await {
            self.hub.on_message(OWN_SENDER, first, self.clock.now());
            self.act();
        }
        let mut tick = tokio::time::interval(TICK);
        let mut ends_at = None;
        while ends_at.is_none_or(|at| self.hub.connections() > 0 && self.clock.now() < at) {
            tokio::select! {
                Some(event) = heard.recv() => self.on_event(event),
                Some(message) = said.recv() => self.hub.on_message(OWN_SENDER, message, self.clock.now()),
                Some(event) = self.inside.recv() => self.on_inside(event),
                _ = tick.tick() => self.on_tick(),
                drain = &mut stopped, if ends_at.is_none() => {
                    self.hub.on_drain();
                    // Whoever dropped the handle does not wait.
                    ends_at = Some(self.clock.now() + drain.unwrap_or_default());
                }
            }
            self.act();
        }
        // What the sender said last comes before the end.
        while let Ok(message) = said.try_recv() {
            self.hub.on_message(OWN_SENDER, message, self.clock.now());
        }
        self.hub.on_shutdown();
        self.act();
    }

    fn on_tick(&mut self) {
        let now = self.clock.now();
        if self.hub.poll_timeout().is_some_and(|due| due <= now) {
            self.hub.handle_timeout(now);
        }
    }

    fn on_event(&mut self, event: HubEvent) {
        let now = self.clock.now();
        match event {
            HubEvent::Connected { id, remote, access, outbox } => {
                self.links.add_socket(id, outbox);
                self.hub.on_connected(id, remote.ip().to_canonical().is_loopback(), access, now);
            }
            HubEvent::Message { id, message } => self.hub.on_message(id, message, now),
            HubEvent::Garbage { id, why } => self.hub.on_garbage(id, &why),
            HubEvent::Closed { id, why } => {
                self.links.remove(id);
                let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
                tracing::debug!(connection = id.0, ?why, open = self.links.open(), tasks, "closed");
                self.hub.on_closed(id, now);
            }
            HubEvent::Sessions(reply) => {
                let aged = |session: SessionInfo| {
                    let age = now.saturating_sub(session.since);
                    (session, age)
                };
                // Whoever asked may be gone.
                let _ = reply.send(self.hub.sessions().into_iter().map(aged).collect());
            }
            HubEvent::IceServers(reply) => {
                let _ = reply.send(self.hub.ice_servers());
            }
            HubEvent::Ready(reply) => {
                let _ = reply.send(!self.hub.is_closing());
            }
        }
    }

    fn on_inside(&mut self, event: Inside) {
        let now = self.clock.now();
        match event {
            Inside::Came { id, told } => {
                self.links.add_inside(id, told);
                self.hub.on_inside(id, now);
            }
            Inside::Said { id, message } => self.hub.on_message(id, message, now),
            Inside::Gone { id } => {
                self.links.remove(id);
                self.hub.on_closed(id, now);
            }
        }
    }

    fn act(&mut self) {
        while let Some(action) = self.hub.poll_action() {
            match action {
                HubAction::TakeIn(published) => {
                    let (id, told) = self.intakes.begin(&published);
                    self.links.add_inside(id, told);
                    self.hub.on_intake(id, &published);
                }
                HubAction::Send(id, message) => self.links.send(id, message),
                HubAction::Close(id) => self.links.close(id),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_gets_a_password_of_his_own_for_every_relay_that_expires() {
        let urls = ["turn:relay.example", "turn:relay.example:443?transport=tcp"].map(|url| url.parse().expect("a URL"));
        let relays = Relays { urls: urls.into(), key: TurnKey::new(b"north"), ttl: Duration::from_secs(3600) };
        let [udp, tcp] = &relays.servers("receiver-1", Duration::from_secs(1_433_892_318))[..] else { panic!("two") };
        assert_eq!((udp.urls.as_str(), tcp.urls.as_str()), ("turn:relay.example", "turn:relay.example:443?transport=tcp"));
        assert_eq!((udp.username.as_deref(), &udp.credential), (Some("1433895918:receiver-1"), &tcp.credential));
        let readable = crate::ice::readable(&[udp.clone(), tcp.clone()]);
        assert_eq!(readable[1].to_gstreamer().split('@').nth(1), Some("relay.example:443?transport=tcp"));
    }

    #[test]
    fn a_made_up_session_id_tells_when_it_was_made() {
        let at = UNIX_EPOCH + Duration::from_secs(1_734_705_052);
        assert_eq!(session_id(at, 0xa1b2_c3d4).as_str(), "session-20241220-143052-a1b2c3d4");
        assert_eq!(session_id(UNIX_EPOCH, 0).as_str(), "session-19700101-000000-00000000");
    }
}
