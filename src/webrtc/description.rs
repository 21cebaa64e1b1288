//! Session descriptions, as webrtcbin wants them.

use gstreamer_sdp::{SDPMediaRef, SDPMessage};
use gstreamer_webrtc::{WebRTCSDPType, WebRTCSessionDescription};

/// What an m-line says of its transport. webrtcbin 1.22 refuses an answer where one says nothing ("No fingerprint lines in sdp"), also one
/// that is rejected and has no transport (RFC 9143 section 7.3.3): data channels are rejected like that.
const OF_TRANSPORT: [&str; 4] = ["fingerprint", "ice-ufrag", "ice-pwd", "setup"];

/// Reads a description that has passed the gate.
pub(super) fn parse_description(kind: WebRTCSDPType, sdp: &str) -> Option<WebRTCSessionDescription> {
    let mut message = SDPMessage::parse_buffer(sdp.as_bytes()).ok()?;
    if kind == WebRTCSDPType::Answer {
        complete_rejected(&mut message);
    }
    Some(WebRTCSessionDescription::new(kind, message))
}

/// Gives rejected m-lines the transport of the others, whose BUNDLE has one for all.
fn complete_rejected(message: &mut SDPMessage) {
    let is_rejected = |media: &SDPMediaRef| media.port() == 0;
    let value = |name: &'static str| {
        let of = message.medias().filter(|media| !is_rejected(media)).find_map(|media| media.attribute_val(name));
        of.map(|value| (name, value.to_owned()))
    };
    let transport: Vec<(&str, String)> = OF_TRANSPORT.into_iter().filter_map(value).collect();
    for media in message.medias_mut().filter(|media| is_rejected(media)) {
        for (name, value) in &transport {
            if media.attribute_val(name).is_none() {
                media.add_attribute(name, Some(value));
            }
        }
    }
}
