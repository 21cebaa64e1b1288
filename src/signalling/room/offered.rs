//! A member that offers, instead of being offered to: what of its offer can be sent.

use super::member::mids_of;
use super::no_common_codec;
use crate::codec::Codec;
use crate::signalling::gate::{CandidateGate, CheckedSdp, Direction, MediaKind, MediaLine, RtpMap, SdpKind, check_sdp};
use crate::signalling::message::ErrorCode;
use crate::signalling::silence::{Lines, Silent, lines, with_silence, without_sound};

/// The RTP clock of all video.
const VIDEO_CLOCK_HZ: u32 = 90_000;

/// The header extension that numbers packets for congestion control.
const TRANSPORT_WIDE_CC: &str = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

/// An offer from outside that can be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    /// Without sound; it passed the gate.
    pub sdp: CheckedSdp,
    silent: Vec<Silent>,
    /// How each codec is to be sent that both sides have, in the sender's order; not empty.
    pub formats: Vec<Format>,
    /// The number that packets carry for congestion control, if the other side gives feedback about them.
    pub transport_cc_id: Option<u8>,
    /// Whether it can restore packets from others (RFC 5109 in RFC 2198).
    pub takes_fec: bool,
}

/// One of the offer's payload types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// What it carries.
    pub codec: Codec,
    /// 0 to 127.
    pub payload_type: u8,
}

impl Offered {
    /// Whether it wants a data channel.
    pub fn has_channel(&self) -> bool {
        self.sdp.application().is_some()
    }

    /// The payload type that carries this codec.
    pub fn payload_type(&self, codec: Codec) -> Option<u8> {
        self.formats.iter().find(|format| format.codec == codec).map(|format| format.payload_type)
    }

    pub(super) fn lines(&self) -> Lines {
        lines(&mids_of(&self.sdp), &self.silent)
    }

    /// What the WebRTC stack answers as the member has to hear it.
    pub(super) fn answered(&self, answer: &str) -> String {
        with_silence(&self.with_parameters(answer), &self.silent)
    }

    /// An answer with the parameters of the payload types as they were offered: webrtcbin 1.22 leaves the profile of H.264 out
    /// (measured), without which Firefox and Safari take it for another.
    fn with_parameters(&self, answer: &str) -> String {
        let offered = |line: &str| {
            let payload_type: u8 = line.strip_prefix("a=fmtp:")?.split(' ').next()?.parse().ok()?;
            let parameters = parameters(self.sdp.video()?, payload_type);
            (!parameters.is_empty()).then(|| format!("a=fmtp:{payload_type} {parameters}\r\n"))
        };
        answer.lines().map(|line| offered(line).unwrap_or_else(|| format!("{line}\r\n"))).collect()
    }

    /// The offer as if it had only this payload type, and what repairs it: webrtcbin 1.22 confuses those of several codecs.
    pub fn narrowed_to(&self, payload_type: u8) -> String {
        let Some(video) = self.sdp.video() else { return String::new() };
        let is_repair = |map: &RtpMap| match map.encoding.to_ascii_lowercase().as_str() {
            "rtx" => parameter(parameters(video, map.payload_type), "apt") == Some(payload_type.to_string().as_str()),
            "red" | "ulpfec" => self.takes_fec,
            _ => map.payload_type == payload_type,
        };
        let kept: Vec<&RtpMap> = video.rtp_maps.iter().filter(|map| is_repair(map)).collect();
        let is_kept = |text: &str| kept.iter().any(|map| map.payload_type.to_string() == text);
        let mut narrowed = String::new();
        for line in self.sdp.text().lines() {
            if let Some(head) = line.strip_prefix("m=video ") {
                let words = head.split(' ').enumerate().filter(|(at, word)| *at < 2 || is_kept(word)).map(|(_, word)| word);
                narrowed.extend(["m=video", &words.map(|word| format!(" {word}")).collect::<String>(), "\r\n"]);
            } else if payload_type_of(line).is_none_or(|of| of == "*" || is_kept(of)) {
                narrowed.extend([line, "\r\n"]);
            }
        }
        narrowed
    }
}

/// Checks an offer from outside against what the sender has, best first.
pub(super) fn check_offer(
    sdp: &str,
    codecs: &[Codec],
    candidates: &mut CandidateGate,
) -> Result<Offered, (ErrorCode, String)> {
    let refuse = |why: &str| (ErrorCode::SdpRefused, format!("the offer cannot be answered: {why}"));
    let (sdp, silent) = without_sound(sdp);
    let sdp = check_sdp(&sdp, SdpKind::Offer, candidates).map_err(|why| (ErrorCode::SdpRefused, why.to_string()))?;
    if sdp.media().iter().filter(|media| media.kind == MediaKind::Video).count() != 1 {
        return Err(refuse("it must have exactly one m=video, which is all there is here"));
    }
    let video = sdp.video().ok_or_else(|| refuse("it rejects the video itself"))?;
    if !matches!(video.direction, Direction::RecvOnly | Direction::SendRecv) {
        return Err(refuse("its video is not to be received; it must say recvonly"));
    }
    let format = |codec: &Codec| payload_type(video, *codec).map(|payload_type| Format { codec: *codec, payload_type });
    let formats: Vec<Format> = codecs.iter().filter_map(format).collect();
    if formats.is_empty() {
        return Err((ErrorCode::NoCommonCodec, no_common_codec(codecs, &video.codecs())));
    }
    let number = video.extensions.iter().find(|extension| extension.uri == TRANSPORT_WIDE_CC);
    let transport_cc_id = number.and_then(|extension| u8::try_from(extension.id).ok());
    let names = |name: &str| video.rtp_maps.iter().any(|map| map.encoding.eq_ignore_ascii_case(name));
    let takes_fec = names("red") && names("ulpfec");
    Ok(Offered { formats, transport_cc_id, takes_fec, sdp, silent })
}

/// The payload type of this codec that fits best to what is sent.
fn payload_type(video: &MediaLine, codec: Codec) -> Option<u8> {
    let is_codec = |encoding: &str| encoding.eq_ignore_ascii_case(codec.encoding_name());
    let maps = video.rtp_maps.iter().filter(|map| is_codec(&map.encoding) && map.clock_hz == VIDEO_CLOCK_HZ);
    let ranked = maps.filter_map(|map| Some((rank(codec, parameters(video, map.payload_type))?, map.payload_type)));
    // The first of the best: an offer has them in the order of preference.
    ranked.min_by_key(|(rank, _)| *rank).map(|(_, payload_type)| payload_type)
}

/// How well a payload type fits, lower is better; none if what is sent cannot be sent as that.
///
/// H.264 is sent as constrained baseline in fragments (RFC 6184, packetization mode 1), which a decoder of any of these profiles takes.
/// One that names no mode means mode 0 by the letter; but so GStreamer's `whepclientsrc` offers, which takes every mode.
fn rank(codec: Codec, parameters: &str) -> Option<u8> {
    match codec {
        Codec::H264 => {
            let unsure = match parameter(parameters, "packetization-mode") {
                Some("1") => 0,
                None => 4,
                Some(_) => return None,
            };
            match profile(parameter(parameters, "profile-level-id"))? {
                // constraint_set1: the constrained one.
                (0x42, constraints) if constraints & 0x40 != 0 => Some(unsure),
                (0x42, _) => Some(unsure + 1),
                (0x4d, _) => Some(unsure + 2),
                (0x64, _) => Some(unsure + 3),
                _ => None,
            }
        }
        Codec::Vp9 => matches!(parameter(parameters, "profile-id"), None | Some("0")).then_some(0),
        Codec::Av1 => matches!(parameter(parameters, "profile"), None | Some("0")).then_some(0),
        Codec::Vp8 | Codec::H265 => Some(0),
    }
}

/// `profile_idc` and the constraints; baseline where nothing is said (RFC 6184 section 8.1).
fn profile(profile_level_id: Option<&str>) -> Option<(u8, u8)> {
    let Some(text) = profile_level_id else { return Some((0x42, 0)) };
    let byte = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    if text.len() == 6 { Some((byte(0)?, byte(2)?)) } else { None }
}

fn parameters(video: &MediaLine, payload_type: u8) -> &str {
    video.parameters.iter().find(|(of, _)| *of == payload_type).map_or("", |(_, text)| text)
}

/// The payload type that a line is about, if it is about one.
fn payload_type_of(line: &str) -> Option<&str> {
    let about = ["a=rtpmap:", "a=fmtp:", "a=rtcp-fb:"].iter().find_map(|name| line.strip_prefix(name))?;
    about.split(' ').next()
}

fn parameter<'a>(parameters: &'a str, name: &str) -> Option<&'a str> {
    let pairs = parameters.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Action, CONNECT_WITHIN, Departure, Room, RoomConfig};
    use super::*;
    use crate::signalling::gate::CandidatePolicy;
    use crate::signalling::message::{
        END_OF_CANDIDATES, ForMember, From, Joined, MemberId, OfMember, Offer, Role, Ticket, TrickledCandidate,
    };

    const CHROMIUM: &str = include_str!("../gate/testdata/whep-offer.sdp");

    fn offered(sdp: &str, codecs: &[Codec]) -> Result<Offered, (ErrorCode, String)> {
        check_offer(sdp, codecs, &mut CandidateGate::new(CandidatePolicy { loopback: true, tcp: false }))
    }

    #[test]
    fn the_constrained_baseline_in_fragments_is_chosen_among_a_browsers_payload_types() {
        let offered = offered(CHROMIUM, &[Codec::H264, Codec::Vp8, Codec::H265]).expect("good");
        let formats: Vec<_> = offered.formats.iter().map(|format| (format.codec, format.payload_type)).collect();
        assert_eq!(formats, [(Codec::H264, 108), (Codec::Vp8, 96)]);
        assert_eq!((offered.transport_cc_id, offered.takes_fec, offered.has_channel()), (Some(4), true, true));
    }

    #[test]
    fn a_narrowed_offer_has_one_codec_and_what_repairs_it_and_passes_the_gate() {
        let narrowed = offered(CHROMIUM, &[Codec::H264]).expect("good").narrowed_to(108);
        assert!(narrowed.contains("m=video 9 UDP/TLS/RTP/SAVPF 108 109 ") && narrowed.contains("a=fmtp:109 apt=108\r\n"));
        assert!(!narrowed.contains("VP8") && !narrowed.contains("a=fmtp:102"));
        let again = offered(&narrowed, &[Codec::H264, Codec::Vp8]).expect("good");
        assert_eq!(again.formats, [Format { codec: Codec::H264, payload_type: 108 }]);
        assert_eq!(again.sdp.media().len(), 2);
    }

    #[test]
    fn an_answer_names_the_profile_that_was_offered() {
        let offered = offered(CHROMIUM, &[Codec::H264]).expect("good");
        let answer = "a=fmtp:108 packetization-mode=1\r\na=fmtp:109 apt=108\r\na=sendonly\r\n";
        let parameters = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f";
        let expected = format!("a=fmtp:108 {parameters}\r\na=fmtp:109 apt=108\r\na=sendonly\r\n");
        assert_eq!(offered.with_parameters(answer), expected);
    }

    #[test]
    fn a_member_that_offers_is_answered_and_is_not_offered_to_when_its_peer_is_lost() {
        let mut room = Room::new(RoomConfig { codecs: vec![Codec::Vp8], max_members: 2, ice_tcp: false });
        let actions = |room: &mut Room| std::iter::from_fn(|| room.poll_action()).collect::<Vec<_>>();
        let member: MemberId = "a".parse().expect("an id");
        let offer = Some(Offer::try_from(CHROMIUM.to_owned()).expect("short"));
        let (role, ticket) = (Role::Viewer, Ticket::new(7));
        let joined = |offer| Joined {
            member: member.clone(),
            ticket: ticket.clone(),
            role,
            name: None,
            codecs: Vec::new(),
            loopback: false,
            offer,
        };
        room.on_joined(joined(offer), false, Duration::ZERO);
        let [Action::StartPeer(id, new)] = &actions(&mut room)[..] else { panic!("no peer") };
        assert_eq!(new.offered.as_ref().and_then(|offered| offered.payload_type(Codec::Vp8)), Some(96));

        // Its candidates may come while the answer is being made.
        let candidate = "candidate:1 1 UDP 2122260223 192.0.2.1 5000 typ host".to_owned();
        let found = TrickledCandidate { candidate, line: None, mid: Some("0".into()), offer: None };
        room.on_from(From { member: member.clone(), message: OfMember::Candidate(found) }, Duration::ZERO);
        assert!(matches!(&actions(&mut room)[..], [Action::AddCandidate(to, 0, _)] if to == id));
        room.on_gathered(*id);
        let answer = include_str!("../gate/testdata/answer.sdp");
        room.on_described(*id, answer, Duration::ZERO);
        let told = actions(&mut room);
        let [Action::Send(_, ForMember::Answer(_)), Action::Send(_, ForMember::Candidate(end))] = &told[..] else {
            panic!("{told:?}")
        };
        assert_eq!(end.candidate, END_OF_CANDIDATES);
        assert_eq!(room.poll_timeout(), Some(CONNECT_WITHIN));
        room.on_peer_connected(*id);
        room.on_peer_lost(*id, ErrorCode::Timeout, "gone", Duration::ZERO);
        let told = actions(&mut room);
        assert!(matches!(&told[0], Action::DropPeer(gone, Departure::Error(_)) if gone == id), "{told:?}");
        assert!(matches!(&told[1], Action::Send(_, ForMember::Error(report)) if !report.recoverable), "{told:?}");

        // Without its offer, which was good for one answer, there is nothing that it can decode.
        room.on_joined(joined(None), false, Duration::ZERO);
        assert!(matches!(&actions(&mut room)[..], [Action::Send(_, ForMember::Error(_))]));
    }

    #[test]
    fn h264_without_a_packetization_mode_is_the_last_choice() {
        let rank = |parameters: &str| rank(Codec::H264, parameters);
        assert_eq!((rank("profile-level-id=42e016"), rank("")), (Some(4), Some(5)));
        assert_eq!(rank("packetization-mode=1;profile-level-id=640c1f"), Some(3));
        assert_eq!(rank("packetization-mode=0;profile-level-id=42e016"), None);
    }

    #[test]
    fn what_cannot_be_sent_is_refused_in_words() {
        let only_whole = CHROMIUM.replace("packetization-mode=1", "packetization-mode=0");
        assert_eq!(offered(&only_whole, &[Codec::H264]).map_err(|(code, _)| code), Err(ErrorCode::NoCommonCodec));
        for (from, to) in [("a=recvonly", "a=sendonly"), ("a=recvonly", "a=inactive"), ("m=video 9", "m=video 0")] {
            let (code, why) = offered(&CHROMIUM.replace(from, to), &[Codec::Vp8]).expect_err(to);
            assert_eq!(code, ErrorCode::SdpRefused, "{why}");
        }
    }
}
