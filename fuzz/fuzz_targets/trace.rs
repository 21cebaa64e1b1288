//! Traces from files: no input panics, and what was read is read again when it is written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rebound::trace::{self, Encoder, Format, line::Line};

fuzz_target!(|bytes: &[u8]| {
    let Ok(trace) = trace::read(bytes) else { return };
    for format in Format::ALL.map(|(_, format)| format) {
        let (mut encoder, mut written) = (Encoder::new(format), Vec::new());
        encoder.encode(&Line::Header(Box::new(trace.header.clone())), &mut written);
        for frame in &trace.frames {
            encoder.encode(&Line::Frame(Box::new(frame.clone())), &mut written);
        }
        if format == Format::JsonLines {
            let again = trace::read(&written[..]).expect("what this program wrote");
            assert_eq!(again.frames.len(), trace.frames.len());
        }
    }
});
