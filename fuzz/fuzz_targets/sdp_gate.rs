//! SDP from outside: no input panics, and what passes the gate has a fingerprint, keeps the limits and passes again unchanged.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rebound::signalling::gate::{CandidateGate, CandidatePolicy, MAX_MEDIA, SdpKind, check_sdp};

fuzz_target!(|text: &str| {
    for kind in [SdpKind::Offer, SdpKind::Answer] {
        let gate = || CandidateGate::new(CandidatePolicy::default());
        let Ok(checked) = check_sdp(text, kind, &mut gate()) else { continue };
        assert!(!checked.fingerprints().is_empty());
        assert!((1..=MAX_MEDIA).contains(&checked.media().len()));
        let is_name = |line: &str| line.starts_with("a=candidate") && line.contains(".local");
        assert!(!checked.text().lines().any(is_name));
        assert_eq!(check_sdp(checked.text(), kind, &mut gate()), Ok(checked));
    }
});
