//! Fragments of SDP that clients PATCH: no input panics, and every candidate that comes out is for some m-line and stays one line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rebound::signalling::sdpfrag::{IceCredentials, read_fragment};

fuzz_target!(|text: &str| {
    let credentials = IceCredentials::of(text);
    let Ok(fragment) = read_fragment(text) else { return };
    for candidate in &fragment.candidates {
        assert!(candidate.candidate.is_empty() || candidate.mid.is_some());
        assert!(!candidate.candidate.contains(['\r', '\n']));
    }
    let _ = fragment.restarts(credentials.as_ref());
});
