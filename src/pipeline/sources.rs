//! How footage is opened: `sources.toml` and `source.gst`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::missing::{MissingElement, missing};
use super::template::Value;
use super::texts::{Source, Texts, TextsError};
use crate::units::{Fps, Size};

/// The table of kinds of footage.
#[derive(Clone, Debug)]
pub struct SourceTable {
    origin: String,
    entries: BTreeMap<String, SourceEntry>,
}

/// How one kind of footage is opened.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceEntry {
    /// Launch text with an element `name=media`.
    pub launch: String,
    /// The property of `media` that is path or address.
    pub property: String,
    /// Whether pictures come whether or not anybody takes them.
    pub live: bool,
    /// What must be installed.
    pub elements: Vec<String>,
}

/// Footage, ready to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaText {
    /// The whole pipeline.
    pub launch: String,
    /// A property of the element `media`, and its value. Not part of the text, so that nothing in it is taken for syntax.
    pub location: Option<(String, String)>,
    /// Whether pictures come whether or not anybody takes them.
    pub live: bool,
    /// As given by the user, without passwords.
    pub shown: String,
}

impl SourceTable {
    pub(super) fn parse(source: &Source) -> Result<SourceTable, TextsError> {
        let error = |cause: toml::de::Error| TextsError::Table { origin: source.origin.clone(), what: cause.to_string() };
        Ok(SourceTable { origin: source.origin.clone(), entries: toml::from_str(&source.content).map_err(error)? })
    }

    /// The entry of this name.
    pub fn of(&self, name: &str) -> Result<&SourceEntry, TextsError> {
        let missing = || TextsError::Table { origin: self.origin.clone(), what: format!("there is no entry [{name}]") };
        self.entries.get(name).ok_or_else(missing)
    }
}

impl SourceEntry {
    /// What is not installed.
    pub fn missing(&self) -> Vec<MissingElement> {
        missing(self.elements.iter().map(String::as_str))
    }
}

impl Texts {
    /// The pipeline from `source` (launch text that ends in video) to pictures of this size and at most this rate.
    pub fn source(&self, source: &str, live: bool, size: Size, fps: Fps) -> Result<String, TextsError> {
        Ok(self.source.fill(&[
            ("source", Value::Launch(source.to_owned())),
            ("width", Value::Number(size.width().into())),
            ("height", Value::Number(size.height().into())),
            ("fps", Value::Number(fps.per_second().into())),
            ("sync", Value::Word((!live).to_string())),
        ])?)
    }
}
