//! Assertions: no text panics, neither when it is read nor when it is checked, and what was read is read again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rebound::assertion::{Assertion, Known};

fuzz_target!(|text: &str| {
    let Ok(assertion) = text.parse::<Assertion>() else { return };
    assert_eq!(assertion.text().parse(), Ok(assertion.clone()));
    let _ = Known::of_report().check(&assertion);
    let report = serde_json::json!({"a": 1, "b": {"c": null}, "d": [{"e": 0}, {"e": 2.5}], "f": []});
    assert!(!assertion.check(&report).found.is_empty());
});
