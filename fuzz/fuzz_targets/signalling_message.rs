//! Messages from either side: no input panics, and what was read is written and read again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rebound::signalling::message::{FromReceiver, FromSender};

fuzz_target!(|text: &str| {
    if let Ok(message) = FromReceiver::read(text) {
        assert_eq!(FromReceiver::read(&message.to_json()), Ok(message));
    }
    if let Ok(message) = FromSender::read(text) {
        assert_eq!(FromSender::read(&message.to_json()), Ok(message));
    }
});
