//! Messages on the data channel: no input panics, and sightings that were read are written and read again as the same but for
//! the last digit of their numbers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rebound::feedback::Sightings;
use rebound::feedback::message::{Message, MessageError, read};

fuzz_target!(|bytes: &[u8]| {
    let Ok(Message::Sightings(sightings)) = read(bytes) else { return };
    let mut text = String::new();
    // The same in other words may be too long.
    match sightings.write(&mut text).and_then(|()| read(text.as_bytes())) {
        Ok(Message::Sightings(again)) => assert_eq!(exact(&again), exact(&sightings)),
        Err(MessageError::TooLong(_)) => {}
        other => panic!("{other:?} of {text}"),
    }
});

fn exact(sightings: &Sightings) -> impl PartialEq + std::fmt::Debug + '_ {
    let Sightings { seq, rtp, ticks, code, width, height, objects, recent, earlier, .. } = sightings;
    let names: Vec<_> = objects.iter().map(|object| &object.label).collect();
    let again: Vec<_> = earlier.iter().map(|earlier| (earlier.rtp, earlier.ticks, earlier.code, earlier.places.len())).collect();
    ((seq, rtp, ticks, code, width, height), names, recent, again)
}
