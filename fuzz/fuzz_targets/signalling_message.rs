//! Messages from either side: no input panics, and what was read is written and read again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rebound::signalling::message::{FromClient, ToClient};

fuzz_target!(|text: &str| {
    if let Ok(message) = FromClient::read(text) {
        assert_eq!(FromClient::read(&message.to_json()), Ok(message));
    }
    if let Ok(message) = ToClient::read(text) {
        assert_eq!(ToClient::read(&message.to_json()), Ok(message));
    }
});
