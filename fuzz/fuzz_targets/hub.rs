//! The hub: whatever is said on whichever connection, in any order, it does not panic, tells only those who are connected, and
//! forgets everybody once they are gone.
//!
//! One line is one event: `+N` connects, `-N` disconnects, `@N` waits for N seconds, `N{…}` is a message on connection N.
#![no_main]

use std::collections::BTreeSet;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use rebound::signalling::hub::{Access, ConnectionId, Hub, HubAction, HubConfig, MemberNames, Supplies};
use rebound::signalling::message::{FromClient, IceServer, SessionId};

const GRACE: Duration = Duration::from_secs(30);

/// Tickets that a corpus can know.
struct Counting(u128);

impl Supplies for Counting {
    fn random(&mut self) -> u128 {
        self.0 += 1;
        self.0
    }

    fn session_id(&mut self) -> SessionId {
        "made-up".parse().expect("an id")
    }

    fn ice_servers(&mut self, _user: &str) -> Vec<IceServer> {
        Vec::new()
    }
}

fn obey(hub: &mut Hub, open: &mut BTreeSet<ConnectionId>) {
    while let Some(action) = hub.poll_action() {
        match action {
            HubAction::Send(id, message) => {
                assert!(open.contains(&id), "sent after close");
                assert!(message.to_json().len() < 200_000);
            }
            HubAction::Close(id) => assert!(open.remove(&id), "closed twice"),
            HubAction::TakeIn(published) => {
                let intake = ConnectionId(1000 + published.publisher.0);
                assert!(open.insert(intake), "a publisher has one receiver");
                hub.on_intake(intake, &published);
            }
        }
    }
}

fuzz_target!(|text: &str| {
    let names = MemberNames::Counted;
    let config = HubConfig { max_sessions: 2, max_members: 3, max_publishers: 1, grace: GRACE, max_wait: GRACE, names };
    let (mut hub, mut open, mut now) = (Hub::new(config, Counting(0)), BTreeSet::new(), Duration::ZERO);
    for line in text.lines() {
        let Some((first, rest)) = line.split_at_checked(1) else { continue };
        let number = |text: &str| text.bytes().next().map_or(0, |byte| u64::from(byte % 8));
        let id = ConnectionId(number(if matches!(first, "+" | "-") { rest } else { first }));
        match first {
            "+" => {
                if open.insert(id) {
                    hub.on_connected(id, false, Access::everything(), now);
                }
            }
            "-" => {
                open.remove(&id);
                hub.on_closed(id, now);
            }
            "@" => {
                now += Duration::from_secs(rest.parse::<u16>().unwrap_or(1).into());
                hub.handle_timeout(now);
            }
            _ => match FromClient::read(rest) {
                Ok(message) => hub.on_message(id, message, now),
                Err(why) => hub.on_garbage(id, &why),
            },
        }
        obey(&mut hub, &mut open);
        assert_eq!(hub.connections(), open.len());
    }
    for id in std::mem::take(&mut open) {
        hub.on_closed(id, now);
    }
    hub.handle_timeout(now + GRACE);
    hub.handle_timeout(now + GRACE);
    assert_eq!((hub.sessions().len(), hub.poll_timeout()), (0, None));
});
