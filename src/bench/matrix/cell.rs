//! A cell, checked.

use std::collections::BTreeMap;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::MatrixError;
use super::file::{Axis, Conditions, Values};
use crate::assertion::{Assertion, Known};
use crate::bench::results::{CellSettings, Network, Phase};
use crate::impair::CLEAN;
use crate::units::{Fps, Size};

/// As long as a person waits; half of it would do for a median, not for a 99th percentile at 30 frames a second.
const DEFAULT_SECONDS: f64 = 10.0;

/// Encoders' rate controls and clock offsets have settled by then.
const DEFAULT_WARMUP_S: f64 = 2.0;

/// A run may take an hour; what is longer is a slip of the pen.
const MOST_SECONDS: f64 = 3600.0;

/// A run of a benchmark is a person's wait; a thousand of them are a slip of the pen.
const MOST_REPEATS: u32 = 1000;

/// As many as `rebound send --max-receivers` allows.
const MOST_RECEIVERS: u32 = 1000;

/// A cell that is to be run.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedCell {
    /// Follows from the settings.
    pub id: String,
    /// For people.
    pub name: String,
    /// With what.
    pub settings: CellSettings,
    /// How often.
    pub repeat: u32,
    /// Must hold in each run.
    pub assertions: Vec<Assertion>,
}

/// What a matrix or one of its own cells says beside the axes.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Details {
    pub(super) seconds: Option<f64>,
    pub(super) warmup: Option<f64>,
    pub(super) repeat: Option<u32>,
    #[serde(rename = "assert")]
    pub(super) assertions: Vec<String>,
    pub(super) light: Option<bool>,
    pub(super) send: Vec<String>,
    pub(super) receive: Vec<String>,
    #[serde(rename = "phase")]
    pub(super) phases: Vec<Phase>,
}

impl Details {
    /// What `self` leaves open is as in `other`; assertions hold together.
    pub(super) fn or(self, other: Details) -> Details {
        Details {
            seconds: self.seconds.or(other.seconds),
            warmup: self.warmup.or(other.warmup),
            repeat: self.repeat.or(other.repeat),
            assertions: [other.assertions, self.assertions].concat(),
            light: self.light.or(other.light),
            ..self
        }
    }
}

impl PlannedCell {
    pub(super) fn new(
        name: String,
        values: &Values,
        details: &Details,
        networks: &BTreeMap<String, Conditions>,
    ) -> Result<PlannedCell, MatrixError> {
        let settings = settings(values, details, networks).map_err(|(place, why)| {
            let place = format!("cell '{name}': {place}");
            MatrixError::Value { place, why }
        })?;
        let repeat = details.repeat.unwrap_or(1);
        if !(1..=MOST_REPEATS).contains(&repeat) {
            let why = format!("{repeat} is not from 1 to {MOST_REPEATS}");
            return Err(MatrixError::Value { place: format!("cell '{name}': repeat"), why });
        }
        let assertions = details.assertions.iter().map(|text| text.parse()).collect::<Result<Vec<_>, _>>()?;
        Ok(PlannedCell { id: identity(&settings), name, settings, repeat, assertions })
    }

    /// Whether all that is asserted is measured.
    pub(super) fn check_assertions(&self) -> Result<(), MatrixError> {
        let known = Known::of_report().with(own_figures(&self.settings));
        let why = |why| MatrixError::UnknownPath { cell: self.name.clone(), why };
        self.assertions.iter().try_for_each(|assertion| known.check(assertion)).map_err(why)
    }

    /// How long a run takes, without start and end.
    pub fn seconds(&self) -> f64 {
        self.settings.warmup_s + self.settings.seconds
    }
}

/// What a benchmark knows of a run beside the sender's report.
fn own_figures(settings: &CellSettings) -> Vec<String> {
    let costs = ["cores", "cpu_s_per_1000_frames", "max_rss_mb"];
    let of_processes = costs.iter().flat_map(|cost| ["sender", "receivers[]"].map(|who| format!("processes.{who}.{cost}")));
    let figures = ["matched", "latency_p50_ms", "latency_p95_ms", "error_p95_px", "kbps", "first_coordinate_ms"];
    let of_phases = settings.phases.iter().flat_map(|phase| figures.map(|figure| format!("phases.{}.{figure}", phase.name)));
    of_processes.chain(of_phases).collect()
}

/// The first twelve digits of a digest: among a million cells two are the same by chance once in 500 times.
fn identity(settings: &CellSettings) -> String {
    let text = serde_json::to_string(settings).unwrap_or_default();
    Sha256::digest(text).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// What is wrong with which value.
type Wrong = (String, String);

fn settings(values: &Values, details: &Details, networks: &BTreeMap<String, Conditions>) -> Result<CellSettings, Wrong> {
    let optional = |axis: Axis| values.get(&axis).cloned();
    let text = |axis: Axis| optional(axis).unwrap_or_default();
    let wrong = |axis: Axis, why: String| (axis.to_string(), why);
    let size: Size = text(Axis::Size).parse().map_err(|why| wrong(Axis::Size, format!("{why}")))?;
    let fps: Fps = text(Axis::Fps).parse().map_err(|why| wrong(Axis::Fps, format!("{why}")))?;
    let receivers = text(Axis::Receivers).parse().ok().filter(|count| (1..=MOST_RECEIVERS).contains(count));
    let receivers = receivers
        .ok_or_else(|| wrong(Axis::Receivers, format!("'{}' is not from 1 to {MOST_RECEIVERS}", text(Axis::Receivers))))?;
    let settings = CellSettings {
        encoder: text(Axis::Encoder),
        width: size.width(),
        height: size.height(),
        fps: fps.per_second(),
        bitrate: text(Axis::Bitrate),
        scene: text(Axis::Scene),
        detector: text(Axis::Detector),
        channel: optional(Axis::Channel),
        network: network(&text(Axis::Network), networks),
        fec: optional(Axis::Fec),
        jitter: optional(Axis::Jitter),
        receivers,
        light: details.light.unwrap_or(false) && receivers > 1,
        send: details.send.clone(),
        receive: details.receive.clone(),
        warmup_s: details.warmup.unwrap_or(DEFAULT_WARMUP_S),
        seconds: details.seconds.unwrap_or(DEFAULT_SECONDS),
        phases: details.phases.clone(),
    };
    check_times(&settings)?;
    Ok(settings)
}

fn check_times(settings: &CellSettings) -> Result<(), Wrong> {
    let wrong = |place: &str, why: String| Err((place.to_owned(), why));
    if !(settings.seconds > 0.0 && settings.seconds <= MOST_SECONDS) {
        return wrong("seconds", format!("{} is not more than 0 and at most {MOST_SECONDS}", settings.seconds));
    }
    if !(0.0..=MOST_SECONDS).contains(&settings.warmup_s) {
        return wrong("warmup", format!("{} is not from 0 to {MOST_SECONDS}", settings.warmup_s));
    }
    for phase in &settings.phases {
        let mut letters = phase.name.chars();
        let is_name = letters.next().is_some_and(|first| first.is_ascii_alphabetic())
            && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        if !is_name {
            return wrong(
                "phase",
                format!("'{}' is no name that an assertion can write: use a to z, 0 to 9 and _", phase.name),
            );
        }
        if !(phase.from_s >= 0.0 && phase.to_s > phase.from_s && phase.to_s <= settings.warmup_s + settings.seconds) {
            return wrong("phase", format!("'{}' does not lie within the run", phase.name));
        }
    }
    Ok(())
}

fn network(name: &str, networks: &BTreeMap<String, Conditions>) -> Network {
    let conditions = match networks.get(name) {
        Some(conditions) => conditions.clone(),
        None if name == CLEAN => Conditions::default(),
        None => Conditions { there: Some(name.to_owned()), back: Some(name.to_owned()) },
    };
    Network { name: name.to_owned(), there: conditions.there, back: conditions.back }
}
