//! STUN and TURN servers, as each part of the program wants them.

use crate::cli;
use crate::signalling::message;
use crate::webrtc::IceSettings;

/// For our own peer. webrtcbin takes one STUN server, the first.
pub fn settings(servers: &[cli::IceServer], tcp: bool, policy: cli::IcePolicyArgs) -> IceSettings {
    let mut settings = IceSettings { tcp, relay_only: policy.is_relay_only(), ..IceSettings::default() };
    for server in servers {
        match server {
            cli::IceServer::Stun { .. } => {
                settings.stun_server.get_or_insert_with(|| server.to_gstreamer());
            }
            cli::IceServer::Turn { .. } => settings.turn_servers.push(server.to_gstreamer()),
        }
    }
    settings
}

/// For the other side, in the signalling.
pub fn announced(servers: &[cli::IceServer]) -> Vec<message::IceServer> {
    servers.iter().map(announce).collect()
}

/// What a hub announced, as ours; what cannot be read is left out.
pub fn readable(servers: &[message::IceServer]) -> Vec<cli::IceServer> {
    let read: Vec<_> = servers.iter().filter_map(read).collect();
    if read.len() < servers.len() {
        tracing::warn!("the hub names ICE servers that cannot be read");
    }
    read
}

fn read(server: &message::IceServer) -> Option<cli::IceServer> {
    match (&server.username, &server.credential) {
        (Some(user), Some(password)) => cli::IceServer::with_credential(&server.urls, user, password),
        _ => server.urls.parse().ok(),
    }
}

fn announce(server: &cli::IceServer) -> message::IceServer {
    match server {
        cli::IceServer::Stun { host, port } => {
            message::IceServer { urls: format!("stun:{host}:{port}"), username: None, credential: None }
        }
        cli::IceServer::Turn { host, port, user, password, transport } => {
            let (scheme, transport) = match transport {
                cli::TurnTransport::Udp => ("turn", "udp"),
                cli::TurnTransport::Tcp => ("turn", "tcp"),
                cli::TurnTransport::Tls => ("turns", "tcp"),
            };
            message::IceServer {
                urls: format!("{scheme}:{host}:{port}?transport={transport}"),
                username: Some(user.clone()),
                credential: Some(password.reveal().to_owned()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_reach_our_peer_and_the_other_side() {
        let servers: Vec<cli::IceServer> =
            ["stun:one.example", "stun:two.example", "turn:me:p%40ss@relay.example?transport=tcp"]
                .map(|text| text.parse().expect("valid"))
                .into();
        let settings = settings(&servers, true, cli::IcePolicyArgs { ice_policy: cli::IcePolicy::Relay });
        assert!(settings.tcp && settings.relay_only);
        assert_eq!(settings.stun_server.as_deref(), Some("stun://one.example:3478"));
        assert_eq!(settings.turn_servers, ["turn://me:p%40ss@relay.example:3478?transport=tcp"]);
        let announced = announced(&servers);
        assert_eq!(announced[2].urls, "turn:relay.example:3478?transport=tcp");
        assert_eq!(announced[2].credential.as_deref(), Some("p@ss"));
    }
}
