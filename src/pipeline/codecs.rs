//! What each codec needs around it: `payloaders.toml` and `decoders.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::codec::Codec;

use super::missing::{MissingElement, missing};
use super::texts::{Source, TextsError};

/// A table with one entry a codec.
#[derive(Clone, Debug)]
pub struct CodecTable<T> {
    origin: String,
    entries: Vec<(Codec, T)>,
}

/// How a codec goes into RTP.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payloading {
    /// Caps of the encoded pictures that go in.
    pub caps: String,
    /// What must be installed.
    pub elements: Vec<String>,
    /// Launch text that ends in the payloader.
    pub launch: String,
}

/// How a codec comes out of RTP and is decoded.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decoding {
    /// Launch text of the depayloader.
    pub depayloader: String,
    /// Launch text of what a file needs in front of a decoder and behind an encoder.
    #[serde(default = "no_parser")]
    pub parser: String,
    /// Launch texts of decoders, best first.
    pub decoders: Vec<String>,
}

fn no_parser() -> String {
    "identity".to_owned()
}

impl<T: DeserializeOwned> CodecTable<T> {
    pub(super) fn parse(source: &Source) -> Result<CodecTable<T>, TextsError> {
        let error = |what: String| TextsError::Table { origin: source.origin.clone(), what };
        let table: BTreeMap<String, T> = toml::from_str(&source.content).map_err(|cause| error(cause.to_string()))?;
        let by_codec =
            |(name, entry): (String, T)| Ok((name.parse::<Codec>().map_err(|cause| error(cause.to_string()))?, entry));
        let entries = table.into_iter().map(by_codec).collect::<Result<_, TextsError>>()?;
        Ok(CodecTable { origin: source.origin.clone(), entries })
    }

    /// The entry of a codec.
    pub fn of(&self, codec: Codec) -> Result<&T, TextsError> {
        let entry = self.entries.iter().find(|(known, _)| *known == codec).map(|(_, entry)| entry);
        entry.ok_or_else(|| TextsError::Table { origin: self.origin.clone(), what: format!("there is no entry [{codec}]") })
    }
}

impl Payloading {
    /// What is not installed.
    pub fn missing(&self) -> Vec<MissingElement> {
        missing(self.elements.iter().map(String::as_str))
    }
}

impl Decoding {
    /// The first decoder that is installed; the first of all if none is.
    pub fn decoder(&self) -> &str {
        let installed = |launch: &&String| missing([factory(launch)]).is_empty();
        let chosen = self.decoders.iter().find(installed).or(self.decoders.first());
        chosen.map_or("", String::as_str)
    }

    /// What is not installed of the depayloader and the decoder that would be taken.
    pub fn missing(&self) -> Vec<MissingElement> {
        missing([factory(&self.depayloader), factory(self.decoder())])
    }
}

/// The factory that launch text begins with.
fn factory(launch: &str) -> &str {
    launch.split_whitespace().next().unwrap_or_default()
}
