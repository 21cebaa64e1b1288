//! A matrix as people write it.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use super::cell::{Details, PlannedCell};
use super::{MatrixError, name};

/// What can be varied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Axis {
    /// `send --encoder`
    Encoder,
    /// `send --size`
    Size,
    /// `send --fps`
    Fps,
    /// `send --bitrate`
    Bitrate,
    /// `send --scene`
    Scene,
    /// `receive --detector`
    Detector,
    /// `send --channel`
    Channel,
    /// `--impair` of both sides: `clean`, a name from `[networks]`, or what `--impair` takes.
    Network,
    /// `send --fec`
    Fec,
    /// `receive --jitter-ms`
    Jitter,
    /// How many.
    Receivers,
}

impl Axis {
    /// All, with the value that holds where a matrix says nothing; none leaves it to the program's default.
    pub(super) const ALL: [(Axis, Option<&str>); 11] = [
        (Axis::Encoder, Some("auto")),
        (Axis::Size, Some("640x480")),
        (Axis::Fps, Some("30")),
        (Axis::Bitrate, Some("1M")),
        (Axis::Scene, Some("ball")),
        (Axis::Detector, Some("ball")),
        (Axis::Channel, None),
        (Axis::Network, Some("clean")),
        (Axis::Fec, None),
        (Axis::Jitter, None),
        (Axis::Receivers, Some("1")),
    ];
}

impl fmt::Display for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("{self:?}").to_lowercase())
    }
}

/// One value for each axis that has one.
pub(super) type Values = BTreeMap<Axis, String>;

/// A matrix as it is written in TOML; flags change it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MatrixText {
    /// Measured in each run.
    pub seconds: Option<f64>,
    /// Not measured, before that.
    pub warmup: Option<f64>,
    /// Runs of each cell.
    pub repeat: Option<u32>,
    /// Must hold in every cell.
    #[serde(rename = "assert")]
    assertions: Vec<String>,
    /// Receivers after the first only decode.
    light: bool,
    /// Every combination is a cell.
    axes: BTreeMap<Axis, Vec<Text>>,
    /// Conditions that are not the same in both directions, by name.
    networks: BTreeMap<String, Conditions>,
    /// Combinations that are left out: those that have all these values.
    exclude: Vec<BTreeMap<Axis, OneOrMore>>,
    /// Further cells.
    #[serde(rename = "cell")]
    own: Vec<OwnCell>,
}

/// A value, written as text or as a number.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub(super) enum Text {
    Number(i64),
    Text(String),
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Text::Number(number) => number.fmt(f),
            Text::Text(text) => text.fmt(f),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(Text),
    More(Vec<Text>),
}

/// What each direction does to packets.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Conditions {
    pub(super) there: Option<String>,
    pub(super) back: Option<String>,
}

/// A cell that is not part of the combinations.
#[derive(Clone, Debug, PartialEq, Deserialize)]
struct OwnCell {
    name: String,
    #[serde(flatten)]
    details: Details,
    #[serde(flatten)]
    values: BTreeMap<String, Text>,
}

impl MatrixText {
    /// Reads TOML.
    ///
    /// # Errors
    /// When it is none, or has keys that mean nothing.
    pub fn parse(name: &str, text: &str) -> Result<MatrixText, MatrixError> {
        let why = |error: toml::de::Error| MatrixError::Syntax { name: name.to_owned(), why: error.to_string() };
        toml::from_str(text).map_err(why)
    }

    /// These values in the place of what the axis had.
    pub fn set(&mut self, axis: Axis, values: impl IntoIterator<Item = String>) {
        self.axes.insert(axis, values.into_iter().map(Text::Text).collect());
    }

    /// The combinations that are not excluded, then the further cells.
    pub(super) fn cells(&self) -> Result<Vec<PlannedCell>, MatrixError> {
        let mut cells = Vec::new();
        if !self.axes.is_empty() || self.own.is_empty() {
            let combinations = self.combinations()?;
            let names = name::tell_apart(&combinations);
            for (values, name) in combinations.iter().zip(names) {
                cells.push(PlannedCell::new(name, values, &self.details(), &self.networks)?);
            }
        }
        for own in &self.own {
            cells.push(self.own_cell(own)?);
        }
        Ok(cells)
    }

    fn details(&self) -> Details {
        Details {
            seconds: self.seconds,
            warmup: self.warmup,
            repeat: self.repeat,
            assertions: self.assertions.clone(),
            light: Some(self.light),
            ..Details::default()
        }
    }

    fn own_cell(&self, own: &OwnCell) -> Result<PlannedCell, MatrixError> {
        let mut values: Values = defaults();
        for (axis, candidates) in &self.axes {
            candidates.first().into_iter().for_each(|first| drop(values.insert(*axis, first.to_string())));
        }
        for (key, value) in &own.values {
            let axis = Axis::ALL.into_iter().map(|(axis, _)| axis).find(|axis| axis.to_string() == *key);
            let known = || Axis::ALL.map(|(axis, _)| axis.to_string()).join(", ");
            let why = || MatrixError::Value {
                place: format!("cell '{}': '{key}'", own.name),
                why: format!("axes are {}", known()),
            };
            values.insert(axis.ok_or_else(why)?, value.to_string());
        }
        PlannedCell::new(own.name.clone(), &values, &own.details.clone().or(self.details()), &self.networks)
    }

    /// The cross product of all axes; the first axis varies slowest.
    fn combinations(&self) -> Result<Vec<Values>, MatrixError> {
        let size: usize = self.axes.values().map(Vec::len).product();
        if size > super::MOST_CELLS * 10 {
            return Err(MatrixError::TooMany(size));
        }
        let mut combinations = vec![defaults()];
        for (axis, candidates) in &self.axes {
            let with = |values: &Values, candidate: &Text| {
                let mut values = values.clone();
                values.insert(*axis, candidate.to_string());
                values
            };
            let each = |values: &Values| candidates.iter().map(|candidate| with(values, candidate)).collect::<Vec<_>>();
            combinations = combinations.iter().flat_map(each).collect();
        }
        combinations.retain(|values| !self.exclude.iter().any(|exclude| is_excluded(values, exclude)));
        Ok(combinations)
    }
}

fn defaults() -> Values {
    Axis::ALL.into_iter().filter_map(|(axis, default)| Some((axis, default?.to_owned()))).collect()
}

fn is_excluded(values: &Values, exclude: &BTreeMap<Axis, OneOrMore>) -> bool {
    exclude.iter().all(|(axis, excluded)| {
        let is = |text: &Text| values.get(axis).is_some_and(|value| *value == text.to_string());
        match excluded {
            OneOrMore::One(text) => is(text),
            OneOrMore::More(texts) => texts.iter().any(is),
        }
    })
}
