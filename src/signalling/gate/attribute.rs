//! One line of SDP at a time: is it well-formed, and are its numbers in range?

use std::net::IpAddr;

use super::refusal::SdpProblem;
use super::sdp::{MAX_FORMATS, SdpKind};
use super::section::{MediaHead, MediaKind, RtpMap, Setup};
use super::text::{is_ice_chars, is_token, number};

/// `o=<username> <session id> <version> IN IP4|IP6 <address>`.
pub(super) fn origin(value: &str) -> Result<(), SdpProblem> {
    let words: Vec<&str> = value.split(' ').collect();
    let [_, session, version, "IN", "IP4" | "IP6", _] = words[..] else {
        return Err(SdpProblem::Syntax("o= does not have its six fields"));
    };
    // RFC 8866 section 5.2 has no limit; RFC 8829 section 5.2.1 wants 64 bits.
    let fits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u64>().is_ok();
    if fits(session) && fits(version) { Ok(()) } else { Err(SdpProblem::Number("the session id or version in o=")) }
}

/// `c=IN IP4|IP6 <address>`; ICE does not use it, but it has to be an address.
pub(super) fn connection(value: &str) -> Result<(), SdpProblem> {
    let words: Vec<&str> = value.split(' ').collect();
    match words[..] {
        ["IN", "IP4" | "IP6", address] if address.parse::<IpAddr>().is_ok() => Ok(()),
        _ => Err(SdpProblem::Syntax("c= is not IN IP4 or IP6 and an address")),
    }
}

/// `b=<type>:<number>`.
pub(super) fn bandwidth(value: &str) -> Result<(), SdpProblem> {
    let (kind, value) = value.split_once(':').ok_or(SdpProblem::Syntax("b= without ':'"))?;
    let good = is_token(kind) && number::<u32>(value, 0, u32::MAX.into()).is_some();
    if good { Ok(()) } else { Err(SdpProblem::Number("the bandwidth in b=")) }
}

/// `t=<start> <stop>`.
pub(super) fn timing(value: &str) -> Result<(), SdpProblem> {
    let fits = |text: &str| number::<u64>(text, 0, u64::MAX).is_some();
    match value.split_once(' ') {
        Some((start, stop)) if fits(start) && fits(stop) => Ok(()),
        _ => Err(SdpProblem::Number("a time in t=")),
    }
}

/// `m=<kind> <port> <transport> <format> …`.
pub(super) fn media(value: &str) -> Result<MediaHead, SdpProblem> {
    let mut words = value.split(' ');
    let mut next = || words.next().ok_or(SdpProblem::Syntax("m= does not have its fields"));
    let (kind, port, transport) = (next()?, next()?, next()?);
    let port = number(port, 0, 65535).ok_or(SdpProblem::Number("the port in m="))?;
    let formats: Vec<&str> = words.collect();
    match kind {
        "video" if transport == "UDP/TLS/RTP/SAVPF" => {
            Ok(MediaHead { kind: MediaKind::Video, port, payload_types: payload_types(&formats)? })
        }
        "application" if transport == "UDP/DTLS/SCTP" && formats == ["webrtc-datachannel"] => {
            Ok(MediaHead { kind: MediaKind::Application, port, payload_types: Vec::new() })
        }
        "video" | "application" => Err(SdpProblem::Transport),
        _ => Err(SdpProblem::MediaKind),
    }
}

fn payload_types(formats: &[&str]) -> Result<Vec<u8>, SdpProblem> {
    if formats.len() > MAX_FORMATS {
        return Err(SdpProblem::TooManyFormats);
    }
    let mut types = Vec::with_capacity(formats.len());
    for format in formats {
        let payload_type = number(format, 0, 127).ok_or(SdpProblem::Number("a payload type in m="))?;
        if types.contains(&payload_type) {
            return Err(SdpProblem::Duplicate("a payload type in m="));
        }
        types.push(payload_type);
    }
    if types.is_empty() { Err(SdpProblem::Syntax("m=video without a payload type")) } else { Ok(types) }
}

/// `rtpmap:<payload type> <encoding>/<clock rate>[/<channels>]`; the payload type has to be one of the m-line's.
pub(super) fn rtp_map(value: &str, payload_types: &[u8]) -> Result<RtpMap, SdpProblem> {
    let (payload_type, rest) = value.split_once(' ').ok_or(SdpProblem::Syntax("rtpmap without its fields"))?;
    let payload_type = known_payload_type(payload_type, payload_types)?;
    let mut parts = rest.splitn(3, '/');
    let encoding = parts.next().filter(|name| is_token(name)).ok_or(SdpProblem::Syntax("rtpmap without a name"))?;
    let clock = parts.next().and_then(|clock| number(clock, 1, u32::MAX.into()));
    let clock_hz = clock.ok_or(SdpProblem::Number("the clock rate in rtpmap"))?;
    Ok(RtpMap { payload_type, encoding: encoding.to_owned(), clock_hz })
}

/// The payload type that begins `rtpmap`, `fmtp` and `rtcp-fb`.
pub(super) fn known_payload_type(text: &str, known: &[u8]) -> Result<u8, SdpProblem> {
    let in_media = number(text, 0, 127).filter(|number| known.contains(number));
    in_media.ok_or(SdpProblem::Number("a payload type that its m-line does not have"))
}

/// `ice-ufrag`, RFC 8839 section 5.4.
pub(super) fn ice_ufrag(value: &str) -> Result<&str, SdpProblem> {
    let good = (4..=256).contains(&value.len()) && is_ice_chars(value);
    if good { Ok(value) } else { Err(SdpProblem::IceCredentials) }
}

/// `ice-pwd`, RFC 8839 section 5.4.
pub(super) fn ice_pwd(value: &str) -> Result<&str, SdpProblem> {
    let good = (22..=256).contains(&value.len()) && is_ice_chars(value);
    if good { Ok(value) } else { Err(SdpProblem::IceCredentials) }
}

/// `setup`, fitting to the kind of SDP.
pub(super) fn setup(value: &str, kind: SdpKind) -> Result<Setup, SdpProblem> {
    match (value, kind) {
        ("actpass", SdpKind::Offer) => Ok(Setup::ActPass),
        ("active", _) => Ok(Setup::Active),
        ("passive", _) => Ok(Setup::Passive),
        _ => Err(SdpProblem::Setup),
    }
}

/// `mid`, RFC 5888; RFC 8843 adds no limit, browsers write one letter, webrtcbin twelve.
pub(super) fn mid(value: &str) -> Result<&str, SdpProblem> {
    let good = value.len() <= 64 && is_token(value);
    if good { Ok(value) } else { Err(SdpProblem::Syntax("a mid that is not a token of at most 64 characters")) }
}

/// The number that begins the value of `extmap`, RFC 8285 section 5: 1 to 255, and 4096 to 4351 provisionally.
pub(super) fn extension_id(value: &str) -> Result<u16, SdpProblem> {
    let digits = value.split([' ', '/']).next().unwrap_or_default();
    number(digits, 1, 4351).ok_or(SdpProblem::Number("the id in extmap"))
}

/// The number that begins the value of an attribute which is otherwise left to the WebRTC stack.
pub(super) fn leading_number(name: &str, value: &str) -> Result<(), SdpProblem> {
    let (min, max, what) = match name {
        "ssrc" => (0, u32::MAX.into(), "an ssrc"),
        "rtcp" => (0, 65535, "the port in rtcp"),
        "sctp-port" => (1, 65535, "the sctp-port"),
        "max-message-size" => (0, u64::MAX, "the max-message-size"),
        _ => return Ok(()),
    };
    let digits = value.split([' ', '/']).next().unwrap_or_default();
    if number::<u64>(digits, min, max).is_some() { Ok(()) } else { Err(SdpProblem::Number(what)) }
}
