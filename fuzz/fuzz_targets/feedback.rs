//! Messages on the data channel: no input panics.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = rebound::feedback::message::read(bytes);
});
