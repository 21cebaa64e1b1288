//! Candidates from outside: no input panics, and what passes points to no forbidden place and passes again unchanged.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rebound::signalling::gate::{CandidatePolicy, CandidateVerdict, check_candidate};

fuzz_target!(|text: &str| {
    for (loopback, tcp) in [(false, false), (true, true)] {
        let policy = CandidatePolicy { loopback, tcp };
        let Ok(CandidateVerdict::Use(candidate)) = check_candidate(text, policy) else { continue };
        let address = candidate.address().to_canonical();
        assert!(loopback || !address.is_loopback());
        assert!(!address.is_unspecified() && !address.is_multicast());
        assert_eq!(check_candidate(candidate.text(), policy), Ok(CandidateVerdict::Use(candidate)));
    }
});
