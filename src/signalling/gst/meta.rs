//! Which session a producer means, by what it says of itself.

use serde_json::{Value, json};

use crate::signalling::message::{BadId, SessionId};

/// The session that `meta` names: as `session`, which has to be an id, or as `name`, which is for people and may be one.
pub(super) fn session_in(meta: Option<&Value>) -> Result<Option<SessionId>, BadId> {
    let field = |name| match meta?.get(name)? {
        Value::String(text) => Some(text.clone()),
        // `meta,session=7` in a launch line is a number.
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    match field("session") {
        Some(session) => SessionId::try_from(session).map(Some),
        None => Ok(field("name").and_then(|name| SessionId::try_from(name).ok())),
    }
}

/// What is told of a session.
pub(super) fn named(session: &SessionId) -> Value {
    json!({ "name": session.as_str() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_named_by_meta_and_what_is_no_name_is_refused_or_for_people() {
        let session = |meta: Value| session_in(Some(&meta)).map(|session| session.map(String::from));
        let named = |text: &str| Ok(Some(text.to_owned()));
        assert_eq!(session(json!({"session": "court-1", "name": "lab"})), named("court-1"));
        assert_eq!(session(json!({"session": 7})), named("7"));
        assert_eq!(session(json!({"name": "gst-stream"})), named("gst-stream"));
        assert!(session(json!({"session": "../x", "name": "lab"})).is_err());
        for nameless in [json!({"name": "The camera in the lab"}), json!({"session": []}), json!(["session"]), json!(null)] {
            assert_eq!(session(nameless), Ok(None));
        }
        assert_eq!(session_in(None), Ok(None));
    }
}
