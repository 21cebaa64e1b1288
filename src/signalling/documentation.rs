//! `docs/signalling.md` and its JSON Schema say what the code does.

use serde_json::{Value, json};

use super::message::{ErrorCode, FromClient, ToClient};

const PAGE: &str = include_str!("../../docs/signalling.md");
const SCHEMA: &str = include_str!("../../docs/signalling.schema.json");

/// The JSON examples between two headings of the page.
fn examples(heading: &str, next_heading: &str) -> Vec<&'static str> {
    let (_, section) = PAGE.split_once(heading).expect(heading);
    let (section, _) = section.split_once(next_heading).expect(next_heading);
    section.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

fn validator(direction: &str) -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    let wanted = json!({"$schema": schema["$schema"], "$defs": schema["$defs"], "$ref": format!("#/$defs/{direction}")});
    jsonschema::validator_for(&wanted).expect("the schema is a schema")
}

/// Each example is valid by the schema, is read by the code, and what the code writes is valid again and means the same.
fn check<M: PartialEq + std::fmt::Debug>(examples: &[&str], direction: &str, read: fn(&str) -> M, write: fn(&M) -> String) {
    let validator = validator(direction);
    for example in examples {
        let message = read(example);
        let written = write(&message);
        for text in [*example, &written] {
            let value = serde_json::from_str(text).expect("JSON");
            assert!(validator.is_valid(&value), "{direction}: {text}");
        }
        assert_eq!(read(&written), message);
    }
}

#[test]
fn every_example_is_what_the_schema_and_the_code_take() {
    let said = examples("## From receivers and viewers", "## From the hub");
    let heard = examples("## From the hub", "## The gate");
    assert_eq!((said.len(), heard.len()), (11, 14));
    check(&said, "fromClient", |text| FromClient::read(text).expect(text), FromClient::to_json);
    check(&heard, "toClient", |text| ToClient::read(text).expect(text), ToClient::to_json);
}

#[test]
fn what_the_code_refuses_the_schema_refuses_too() {
    let validator = validator("fromClient");
    for text in [
        r#"{}"#,
        r#"[]"#,
        r#"{"type":"offer","sdp":""}"#,
        r#"{"type":"answer"}"#,
        r#"{"type":"answer","sdp":1}"#,
        r#"{"type":"candidate","candidate":"","sdpMLineIndex":-1}"#,
        r#"{"type":"join","version":1,"codecs":[]}"#,
        r#"{"type":"join","version":1,"role":"sender","codecs":[]}"#,
        r#"{"type":"join","version":1,"role":"receiver","codecs":[1]}"#,
        r#"{"type":"join","version":1,"role":"receiver","codecs":[],"name":" a"}"#,
        r#"{"type":"join","version":1,"role":"receiver","codecs":[],"name":""}"#,
        r#"{"type":"join","version":1,"role":"receiver","codecs":[],"offer":"a\u0000"}"#,
        r#"{"type":"bye","reason":7}"#,
        r#"{"type":"register","version":1,"session":"a/b"}"#,
        r#"{"type":"register","version":1,"ticket":"short"}"#,
        r#"{"type":"register","version":1,"members":[{"id":"a","ticket":"00112233445566778899aabbccddeeff"}]}"#,
        r#"{"type":"to","member":"a","message":{"type":"join","sdp":""}}"#,
    ] {
        assert!(FromClient::read(text).is_err(), "{text}");
        assert!(!validator.is_valid(&serde_json::from_str(text).expect("JSON")), "{text}");
    }
}

#[test]
fn every_error_code_is_in_the_schema_and_in_the_table_and_there_are_no_others() {
    let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    let listed = schema["$defs"]["errorCode"]["enum"].as_array().expect("a list");
    for name in listed {
        let code: ErrorCode = serde_json::from_value(name.clone()).expect("an error code");
        assert_ne!(code, ErrorCode::Unknown, "{name}");
        assert!(PAGE.contains(&format!("| `{}` |", name.as_str().expect("text"))), "{name}");
    }
    let in_code =
        include_str!("message/error.rs").split("pub enum ErrorCode {").nth(1).and_then(|rest| rest.split('}').next());
    let variants = in_code.expect("the enum").lines().filter(|line| line.trim().ends_with(',')).count();
    assert_eq!(listed.len(), variants - 1, "all but Unknown");
    assert_eq!(PAGE.lines().filter(|line| line.starts_with("| `")).count(), listed.len());
}
