//! GStreamer's signalling protocol: whatever a peer says, in any order and whatever the hub answers, nothing panics, the hub hears
//! of it only between entering and leaving, and what is said back is JSON that the elements read.
//!
//! One line is one event: `>{…}` is a message of the hub, `#` ends its connection, everything else is a message of the peer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rebound::signalling::gst::{Step, Translator};
use rebound::signalling::message::ToClient;

fuzz_target!(|text: &str| {
    let (mut translator, mut is_in) = (Translator::new("peer-1".to_owned()), false);
    for line in text.lines() {
        match line.split_at_checked(1) {
            Some((">", message)) => match ToClient::read(message) {
                Ok(message) if is_in => translator.on_hub(message),
                _ => {}
            },
            Some(("#", _)) if is_in => {
                is_in = false;
                translator.on_hub_closed();
            }
            _ => translator.on_text(line),
        }
        while let Some(step) = translator.poll_step() {
            match step {
                Step::Enter(_) => assert!(!std::mem::replace(&mut is_in, true), "entered twice"),
                Step::Leave(_) => assert!(std::mem::replace(&mut is_in, false), "left twice"),
                Step::Tell(_) => assert!(is_in, "told without a connection"),
                Step::Say(message) => assert!(serde_json::to_string(&message).is_ok()),
                Step::List => translator.on_sessions(&[]),
                Step::Close => {}
            }
        }
    }
});
