//! What sending and receiving peers share.

use std::sync::{Arc, Mutex, PoisonError};

use gstreamer_webrtc::{WebRTCDataChannel, WebRTCDataChannelState};

use super::repeater::Repeater;
use super::signals::WebrtcBin;
use super::{PeerEvent, Report};
use crate::pipeline::{BusEvent, Pipeline, PipelineError};

/// Why a peer cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// Its pipeline cannot be made or started.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// webrtcbin is not as expected.
    #[error("webrtcbin {0}; GStreamer 1.22 or later with plugins-bad and libnice is needed")]
    Webrtcbin(&'static str),
    /// A TURN server that webrtcbin does not take.
    #[error("webrtcbin does not take the TURN server; write turn:user:password@host:port")]
    TurnServer,
    /// The thread that makes its network bad.
    #[error("a thread cannot be started: {0}; leave --impair out, or have fewer receivers")]
    Thread(std::io::Error),
    /// The description passed the gate but cannot be read.
    #[error("the session description cannot be read")]
    Description,
    /// Nothing can be sent on the data channel now.
    #[error("the data channel is not open")]
    ChannelClosed,
    /// The data channel did not take a message.
    #[error("the data channel did not take a message: {0}")]
    Channel(#[from] glib::Error),
}

/// How long libnice tries a way to the other side: as long as anybody waits for the connection.
///
/// A check of it is repeated after 0.5 s, and always after twice as long (libnice 0.1.21 lets nobody change that), eight times: after
/// libnice's own three a way is given up in 4 s, and at 30 % loss half of what is asked or answered does not come through. The end that
/// does not choose the way waits idly meanwhile, and gave up after 5 s (measured).
const ICE_LIMITS: [(&str, u32); 2] = [("stun-max-retransmissions", 8), ("idle-timeout", 12_000)];

/// How to find a way to the other side.
#[derive(Clone, Debug, Default)]
pub struct IceSettings {
    /// `stun://host:port`.
    pub stun_server: Option<String>,
    /// `turn://user:password@host:port?transport=udp`.
    pub turn_servers: Vec<String>,
    /// Gather candidates over TCP too.
    pub tcp: bool,
    /// Use no way but TURN servers.
    pub relay_only: bool,
}

impl IceSettings {
    pub(super) fn apply(&self, webrtcbin: &WebrtcBin) -> Result<(), PeerError> {
        webrtcbin.set_ice_tcp(self.tcp);
        if self.relay_only {
            webrtcbin.set_relay_only();
        }
        for (limit, value) in ICE_LIMITS {
            webrtcbin.set_ice_limit(limit, value);
        }
        if let Some(url) = &self.stun_server {
            webrtcbin.set_stun_server(url);
        }
        for url in &self.turn_servers {
            if !webrtcbin.add_turn_server(url) {
                return Err(PeerError::TurnServer);
            }
        }
        Ok(())
    }
}

/// The data channel, to be written to from any thread.
#[derive(Clone, Debug, Default)]
pub struct Channel(Arc<Mutex<Option<WebRTCDataChannel>>>);

impl Channel {
    /// More unsent bytes than this and messages are refused: 64 KiB is a second of coordinates at 60 frames/s, and older
    /// than any use.
    const MAX_UNSENT_BYTES: u64 = 64 * 1024;

    pub(super) fn set(&self, channel: Option<WebRTCDataChannel>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = channel;
    }

    pub(super) fn get(&self) -> Option<WebRTCDataChannel> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether it sends again what is lost. Says no while there is none.
    pub fn retransmits(&self) -> bool {
        let is_sent_once =
            |channel: &WebRTCDataChannel| channel.max_retransmits() == 0 || channel.max_packet_lifetime() == 0;
        self.get().is_some_and(|channel| !is_sent_once(&channel))
    }

    /// Sends a message. It is refused while the channel is not open (1.22 would leak it) or does not take messages as fast as
    /// they come.
    pub fn send(&self, text: &str) -> Result<(), PeerError> {
        let usable = |channel: &WebRTCDataChannel| {
            channel.ready_state() == WebRTCDataChannelState::Open && channel.buffered_amount() < Channel::MAX_UNSENT_BYTES
        };
        let channel = self.get().filter(usable).ok_or(PeerError::ChannelClosed)?;
        Ok(channel.send_string_full(Some(text))?)
    }
}

/// Repeats what the connection is set up with, until the channel is open. Gives the report that tells it so.
pub(super) fn repeat_handshakes(repeater: &Repeater, report: Report) -> Report {
    let repeater = repeater.clone();
    Report::new(move |event| {
        if matches!(event, PeerEvent::ChannelOpen) {
            repeater.finish();
        }
        report.tell(event);
    })
}

/// Turns an error of the pipeline into the peer's end.
pub(super) fn watch_bus(pipeline: &Pipeline, report: &Report) {
    let report = report.clone();
    pipeline.watch(move |event| {
        if let BusEvent::Error(error) = event {
            report.tell(PeerEvent::Failed { reason: error.to_string() });
        }
    });
}
