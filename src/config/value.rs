//! Values of the environment and the file, put into words of the command line.

use std::error::Error as _;

use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgAction};
use toml::Value;

/// The words for a value from the environment: flags are `true` or `false`, lists are separated by spaces.
pub(super) fn words_of_text(arg: &Arg, text: &str) -> Result<Vec<String>, String> {
    let value = match arg.get_action() {
        ArgAction::SetTrue => Value::Boolean(switch(text)?),
        ArgAction::Count => Value::Integer(text.parse().map_err(|_| COUNT.to_owned())?),
        ArgAction::Append => text.split_whitespace().map(Value::from).collect::<Vec<_>>().into(),
        _ => Value::from(text),
    };
    words(arg, &value)
}

const SWITCH: &str = "allowed are true and false";
const COUNT: &str = "allowed are the numbers 0 to 3";

fn switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" | "" => Ok(false),
        _ => Err(SWITCH.to_owned()),
    }
}

/// The words for a value from the file, or what is allowed instead.
pub(super) fn words(arg: &Arg, value: &Value) -> Result<Vec<String>, String> {
    let flag = format!("--{}", arg.get_long().unwrap_or_default());
    let words = match (arg.get_action(), value) {
        (ArgAction::SetTrue, Value::Boolean(on)) => return Ok(on.then_some(flag).into_iter().collect()),
        (ArgAction::SetTrue, _) => return Err(SWITCH.to_owned()),
        (ArgAction::Count, Value::Integer(count @ 0..=3)) => return Ok((0..*count).map(|_| flag.clone()).collect()),
        (ArgAction::Count, _) => return Err(COUNT.to_owned()),
        (ArgAction::Append, Value::Array(values)) => {
            values.iter().map(|value| Some(format!("{flag}={}", plain(value)?))).collect::<Option<Vec<_>>>()
        }
        _ => plain(value).map(|text| vec![format!("{flag}={text}")]),
    };
    let words = words.ok_or_else(|| "allowed is a text or a number".to_owned())?;
    allowed(arg, &words)?;
    Ok(words)
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Reads the words with the setting's own parser, alone, so that an error is about nothing else.
fn allowed(arg: &Arg, words: &[String]) -> Result<(), String> {
    let alone = clap::Command::new("setting").no_binary_name(true).disable_help_flag(true).arg(arg.clone());
    alone.try_get_matches_from(words).map(drop).map_err(|error| why(&error))
}

fn why(error: &clap::Error) -> String {
    match (error.source(), error.get(ContextKind::ValidValue)) {
        (Some(source), _) => source.to_string(),
        (None, Some(ContextValue::Strings(known))) if !known.is_empty() => format!("allowed are {}", known.join(", ")),
        _ => error.kind().to_string(),
    }
}
