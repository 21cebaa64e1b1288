use proptest::prelude::*;

use super::super::candidate::CandidatePolicy;
use super::*;
use crate::codec::Codec;

const OFFER: &str = include_str!("testdata/offer.sdp");
const ANSWER: &str = include_str!("testdata/answer.sdp");
const FINGERPRINT: &str = include_str!("testdata/certificate.sha-256");

fn gate() -> CandidateGate {
    CandidateGate::new(CandidatePolicy::default())
}

fn offer(text: &str) -> Result<CheckedSdp, SdpRefused> {
    check_sdp(text, SdpKind::Offer, &mut gate())
}

fn problem(text: &str) -> SdpProblem {
    offer(text).expect_err(text).problem
}

/// The offer with every occurrence of a text replaced; the text has to be there.
fn with(old: &str, new: &str) -> String {
    assert!(OFFER.contains(old), "{old}");
    OFFER.replace(old, new)
}

fn with_lines(lines: &str) -> String {
    with("a=rtcp-rsize\n", &format!("a=rtcp-rsize\n{lines}"))
}

#[test]
fn an_offer_is_understood_and_passes_unchanged() {
    let checked = offer(OFFER).expect("good");
    assert_eq!(checked.text(), OFFER.replace('\n', "\r\n"));
    assert_eq!(checked.setup(), Setup::ActPass);
    assert_eq!(checked.fingerprints().to_string(), format!("sha-256 {}", FINGERPRINT.trim()));
    let video = checked.video().expect("video");
    assert_eq!((video.mid.as_str(), video.direction, video.codecs()), ("video0", Direction::SendOnly, vec![Codec::H264]));
    assert_eq!(checked.application().map(|media| media.mid.as_str()), Some("application1"));
    assert_eq!(offer(checked.text()), Ok(checked));
}

/// Recorded from GStreamer 1.22 in Debian 12.
#[test]
fn what_webrtcbin_writes_passes_unchanged() {
    let offer = include_str!("testdata/webrtcbin-1.22-offer.sdp");
    let answer = include_str!("testdata/webrtcbin-1.22-answer.sdp");
    for (text, kind) in [(offer, SdpKind::Offer), (answer, SdpKind::Answer)] {
        let checked = check_sdp(text, kind, &mut gate()).expect("good");
        assert_eq!(checked.text(), text.replace('\n', "\r\n"));
        assert_eq!(checked.video().map(MediaLine::codecs), Some(vec![Codec::Vp8]));
    }
}

#[test]
fn an_answer_is_understood_and_loses_the_candidates_that_cannot_be_used() {
    let mut gate = gate();
    let checked = check_sdp(ANSWER, SdpKind::Answer, &mut gate).expect("good");
    let candidates: Vec<&str> = checked.text().lines().filter(|line| line.starts_with("a=candidate")).collect();
    assert_eq!(
        candidates,
        [
            "a=candidate:0 1 UDP 2122252543 192.168.7.2 54400 typ host",
            "a=candidate:4 1 UDP 1686052863 203.0.113.7 54400 typ srflx raddr 0.0.0.0 rport 0",
        ]
    );
    assert_eq!(checked.setup(), Setup::Active);
    assert_eq!(checked.video().map(MediaLine::codecs), Some(vec![Codec::H264]));
    let offered = check_sdp(ANSWER, SdpKind::Offer, &mut gate).expect("active is allowed in an offer");
    assert_eq!(offered.video().map(|video| video.direction), Some(Direction::RecvOnly));
}

#[test]
fn a_rejected_m_line_needs_no_transport_and_offers_no_video() {
    let rejected = "m=video 0 UDP/TLS/RTP/SAVPF 96\na=mid:video0\nm=application 9 ";
    let (head, rest) = ANSWER.split_once("m=video").expect("video");
    let (_, tail) = rest.split_once("m=application 9 ").expect("application");
    let text = format!("{head}{rejected}{tail}").replace("BUNDLE video0 application1", "BUNDLE application1");
    let checked = check_sdp(&text, SdpKind::Answer, &mut gate()).expect("good");
    assert_eq!(checked.video(), None);
    assert!(checked.application().is_some() && checked.media()[0].rejected);
}

#[test]
fn session_level_transport_attributes_count_for_every_m_line() {
    let transport: String = OFFER
        .lines()
        .filter(|line| line.contains(":actpass") || line.contains(":kN") || line.contains(":FB"))
        .take(3)
        .map(|line| format!("{line}\n"))
        .collect();
    let media: String = OFFER
        .lines()
        .filter(|line| !["a=setup", "a=ice-ufrag", "a=ice-pwd", "a=fingerprint"].iter().any(|start| line.starts_with(start)))
        .map(|line| format!("{line}\n"))
        .collect();
    let fingerprint = format!("a=fingerprint:SHA-256 {}\n", FINGERPRINT.trim().to_lowercase());
    let text = media.replace("a=group", &format!("{transport}{fingerprint}a=group"));
    assert_eq!(offer(&text).expect("good").fingerprints(), offer(OFFER).expect("good").fingerprints());
}

#[test]
fn fingerprints_that_are_missing_weak_garbled_or_contradictory_are_refused() {
    let line = format!("a=fingerprint:sha-256 {}\n", FINGERPRINT.trim());
    assert_eq!(problem(&with(&line, "")), SdpProblem::Missing("fingerprint"));
    for weak in ["a=fingerprint:md5 00:11\n", "a=fingerprint:sha-1 00:11\n", "a=fingerprint:md2 00:11\n"] {
        assert_eq!(problem(&with(&line, weak)), SdpProblem::HashFunction, "{weak}");
        assert_eq!(problem(&with_lines(weak)), SdpProblem::HashFunction, "{weak}");
    }
    for garbage in ["sha-256 ZZ", "sha-256", "sha-256 ", "", "sha-512 00:11", "sha-256  4D"] {
        let refused = problem(&with(&line, &format!("a=fingerprint:{garbage}\n")));
        assert!(matches!(refused, SdpProblem::Fingerprint | SdpProblem::HashFunction), "{garbage}: {refused:?}");
    }
    let other = line.replace("4D:86", "4D:87");
    assert_eq!(problem(&with_lines(&other)), SdpProblem::ConflictingFingerprints);
    assert_eq!(problem(&with("a=group", &format!("{other}a=group"))), SdpProblem::ConflictingFingerprints);
}

#[test]
fn what_would_cost_descriptors_is_refused_before_the_stack_sees_it() {
    let application = OFFER.find("m=application").expect("application");
    let (head, video) = OFFER[..application].split_at(OFFER.find("m=video").expect("video"));
    let unbundled = |n: usize| (0..n).map(|i| video.replace("mid:video0", &format!("mid:v{i}"))).collect::<String>();
    assert_eq!(problem(&format!("{head}{}", unbundled(5))), SdpProblem::TooManyMedia);
    let tiny: String = (0..290).map(|_| "m=video 9 UDP/TLS/RTP/SAVPF 96\n").collect();
    assert_eq!(problem(&format!("{head}{tiny}")), SdpProblem::TooManyMedia);
    let table = [
        ("a=group:BUNDLE video0 application1\n", "", "there is none; offer with bundle-policy max-bundle"),
        ("BUNDLE video0 application1", "BUNDLE video0", "an m-line is not in it"),
        ("BUNDLE video0 application1", "BUNDLE video0 application1 video2", "a mid is named that no m-line has"),
        ("BUNDLE video0 application1", "BUNDLE video0 video0 application1", "a mid is named twice"),
        ("BUNDLE video0 application1", "BUNDLE", "an m-line is not in it"),
        ("m=video 9", "m=video 0", "a rejected m-line is named"),
    ];
    for (old, new, why) in table {
        assert_eq!(problem(&with(old, new)), SdpProblem::Bundle(why), "{new}");
    }
}

#[test]
fn sizes_are_capped() {
    assert!(matches!(problem(&"v".repeat(1_000_000)), SdpProblem::TooLong(1_000_000)));
    assert!(matches!(problem(&"a\n".repeat(30_000)), SdpProblem::TooManyLines(30_000)));
    assert!(matches!(problem(&with_lines(&"a=x\n".repeat(300))), SdpProblem::TooManyLines(_)));
    assert!(matches!(problem(&with_lines(&format!("a=x:{}\n", "y".repeat(2048)))), SdpProblem::LineTooLong(2052)));
    let candidate = "a=candidate:1 1 UDP 1 192.0.2.1 5000 typ host\n";
    let refused = problem(&with_lines(&candidate.repeat(65)));
    assert_eq!(refused, SdpProblem::Candidates(CandidateRefused::TooMany));
}

#[test]
fn broken_lines_are_refused_with_their_number() {
    let table = [
        ("v=0", "v=1"),
        ("v=0\n", ""),
        ("s=-\n", ""),
        ("t=0 0", "t=0"),
        ("t=0 0", "t=0 99999999999"),
        ("t=0 0", "k=clear:x"),
        ("o=- 1846413453420873526", "o=- 18464134534208735260000"),
        ("o=- 1846413453420873526", "o=- -1"),
        ("m=video 9", "m=video 65536"),
        ("m=video 9", "m=video 9/2"),
        ("m=video 9", "m=audio 9"),
        ("m=video", "m=image"),
        ("SAVPF 96", "SAVPF 128"),
        ("SAVPF 96", "SAVPF 96 96"),
        ("SAVPF 96", "SAVPF"),
        ("SAVPF 96", "AVP 96"),
        ("SAVPF 96", "SAVPF  96"),
        ("UDP/DTLS/SCTP webrtc-datachannel", "DTLS/SCTP 5000"),
        ("rtpmap:96", "rtpmap:97"),
        ("rtpmap:96", "rtpmap:"),
        ("H264/90000", "H264/0"),
        ("H264/90000", "H264"),
        ("H264/90000", "/90000"),
        ("H264/90000", "H264/99999999999999999999"),
        ("fmtp:96", "fmtp:95"),
        ("rtcp-fb:96", "rtcp-fb:x"),
        ("extmap:1", "extmap:0"),
        ("extmap:1", "extmap:99999"),
        ("ssrc:2931270410", "ssrc:29312704100"),
        ("sctp-port:5000", "sctp-port:0"),
        ("sctp-port:5000", "sctp-port:65536"),
        ("c=IN IP4 0.0.0.0", "c=IN IP4 example.com"),
        ("c=IN IP4 0.0.0.0", "c=IN IP4 224.2.1.1/127"),
        ("a=mid:video0", "a=mid:vid eo0"),
        ("a=mid:video0", "a=mid:application1"),
        ("a=mid:video0", "a=mid:video0\na=mid:video0"),
        ("a=mid:video0\n", ""),
        ("ice-ufrag:kNtGc+2qbDOc1sqgSAgeG0jQ0MPqhnAD", "ice-ufrag:foo"),
        ("ice-ufrag:kNtGc+2qbDOc1sqgSAgeG0jQ0MPqhnAD", "ice-ufrag:ET$n"),
        ("ice-pwd:FBnMBFJDcVPzyP5g6VHYXbBVs5hXlCXO", "ice-pwd:short"),
        ("a=setup:actpass", "a=setup:holdconn"),
        ("a=setup:actpass", "a=setup:actpass\na=setup:active"),
        ("a=setup:actpass\n", ""),
        ("a=sendonly", "a=sendonly\na=recvonly"),
        ("a=rtcp-mux\n", "a=\n"),
        ("a=rtcp-mux\n", "a=\u{1f}\n"),
        ("a=rtcp-mux\n", "a=x\0\n"),
        ("a=rtcp-mux\n", "a=rtcp-mux\ra=evil\n"),
        ("a=rtcp-mux\n", "garbage\n"),
        ("a=rtcp-mux\n", "\n"),
        ("a=rtcp-mux\n", "aa=b\n"),
        ("m=application 0", "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\na=mid:x\nm=application 0"),
        ("s=-\n", "s=-\na=candidate:1 1 UDP 1 192.0.2.1 5000 typ host\n"),
        ("s=-\n", "s=-\na=mid:x\n"),
    ];
    for (old, new) in table {
        let refused = offer(&with(old, new)).expect_err(new);
        assert!(refused.line.is_some(), "{old:?} -> {new:?}: {refused}");
    }
}

#[test]
fn what_is_no_sdp_at_all_is_refused() {
    for text in ["", "\n", "v=0", "v=0\r\n", "v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\n", "{}", "\u{feff}v=0"] {
        assert!(offer(text).is_err(), "{text:?}");
    }
    assert_eq!(problem(&OFFER.replace('\n', "\r")), SdpProblem::CrOnly);
}

#[test]
fn an_answer_decides_who_begins_the_handshake_and_is_of_one_mind() {
    let answer = |text: &str| check_sdp(text, SdpKind::Answer, &mut gate()).map_err(|refused| refused.problem);
    assert_eq!(answer(OFFER), Err(SdpProblem::Setup));
    let two_minds = ANSWER.replacen("a=setup:active", "a=setup:passive", 1);
    assert_eq!(answer(&two_minds), Err(SdpProblem::Setup));
}

proptest! {
    /// Any byte of a good offer replaced, removed or doubled: no panic, and what still passes passes again unchanged.
    #[test]
    fn a_damaged_offer_is_refused_or_stable(at in 0..OFFER.len(), what in 0..3u8, byte in any::<u8>()) {
        let mut bytes = OFFER.as_bytes().to_vec();
        match what {
            0 => bytes[at] = byte,
            1 => { bytes.remove(at); }
            _ => bytes.insert(at, byte),
        }
        if let Ok(checked) = offer(&String::from_utf8_lossy(&bytes)) {
            prop_assert!(!checked.fingerprints().is_empty());
            prop_assert_eq!(offer(checked.text()), Ok(checked));
        }
    }

    /// Any lines of two good SDPs in any order.
    #[test]
    fn shuffled_lines_never_panic(picks in prop::collection::vec(0..70usize, 0..120)) {
        let lines: Vec<&str> = OFFER.lines().chain(ANSWER.lines()).collect();
        let text: String = ["v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\n".to_owned()].into_iter()
            .chain(picks.iter().map(|pick| format!("{}\n", lines[pick % lines.len()]))).collect();
        let _ = offer(&text);
        let _ = check_sdp(&text, SdpKind::Answer, &mut gate());
    }
}
