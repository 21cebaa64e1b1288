//! The numbers that a report can have, so that a slip of the pen is found before the run.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Assertion;
use crate::spelling::distance;

/// The schema of a sender's report.
const SCHEMA: &str = include_str!("../../docs/report.schema.json");

/// A bound on the walk, should a schema ever refer to itself.
const DEEPEST: usize = 16;

/// How many names are proposed for one that is unknown.
const PROPOSED: usize = 4;

/// The paths to all numbers that a report can have, with `[]` for the entries of lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known(BTreeSet<String>);

/// A path that leads to no number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{assertion}' asks for {path}, but no report has such a number; near to it are {}", near.join(", "))]
pub struct UnknownPath {
    assertion: String,
    path: String,
    near: Vec<String>,
}

impl Known {
    /// The numbers in a sender's report.
    pub fn of_report() -> Known {
        let schema = serde_json::from_str(SCHEMA).unwrap_or_default();
        let mut paths = BTreeSet::new();
        walk(&schema, &schema, "", DEEPEST, &mut paths);
        Known(paths)
    }

    /// And these.
    #[must_use]
    pub fn with(mut self, paths: impl IntoIterator<Item = String>) -> Known {
        self.0.extend(paths);
        self
    }

    /// Whether all that the assertion asks for can be in a report.
    ///
    /// # Errors
    /// When it asks for something else, with the names that are most like it.
    pub fn check(&self, assertion: &Assertion) -> Result<(), UnknownPath> {
        let unknown = assertion.paths().into_iter().find(|path| !self.0.contains(&path.pattern()));
        let Some(path) = unknown else { return Ok(()) };
        let near = self.near(&path.pattern());
        Err(UnknownPath { assertion: assertion.text().to_owned(), path: path.to_string(), near })
    }

    fn near(&self, pattern: &str) -> Vec<String> {
        let mut by_distance: Vec<_> = self.0.iter().map(|known| (unlikeness(pattern, known), known)).collect();
        by_distance.sort_unstable();
        by_distance.into_iter().take(PROPOSED).map(|(_, known)| known.clone()).collect()
    }
}

/// People forget the beginning of a path more often than its end: what is left out there counts little.
fn unlikeness(pattern: &str, known: &str) -> usize {
    let beginnings = known.match_indices('.').map(|(at, _)| &known[at + 1..]);
    let tails = beginnings.map(|tail| distance(pattern, tail) * 4 + 2);
    tails.chain([distance(pattern, known) * 4]).min().unwrap_or(usize::MAX)
}

/// Collects the numbers below this part of a schema. Understands as much of JSON Schema as the report's has.
fn walk(root: &Value, part: &Value, path: &str, depth: usize, paths: &mut BTreeSet<String>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    if let Some(pointer) = part.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix('#')) {
        root.pointer(pointer).into_iter().for_each(|part| walk(root, part, path, depth, paths));
    }
    for all in ["allOf", "anyOf", "oneOf"].iter().filter_map(|key| part.get(key)?.as_array()) {
        all.iter().for_each(|part| walk(root, part, path, depth, paths));
    }
    for (name, part) in part.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        walk(root, part, &path, depth, paths);
    }
    part.get("items").into_iter().for_each(|part| walk(root, part, &format!("{path}[]"), depth, paths));
    if is_number(part.get("type")) {
        paths.insert(path.to_owned());
    }
}

fn is_number(kind: Option<&Value>) -> bool {
    let names = |kind: &Value| matches!(kind.as_str(), Some("number" | "integer"));
    kind.is_some_and(|kind| names(kind) || kind.as_array().is_some_and(|kinds| kinds.iter().any(names)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), UnknownPath> {
        Known::of_report().with(["phases.low.matched".to_owned()]).check(&text.parse().expect(text))
    }

    #[test]
    fn every_number_of_a_report_is_known() {
        for text in [
            "latency_ms.p99 < 1",
            "stages_ms.return.p50 < 1",
            "frames.ended.lost_in_network == 0",
            "receivers[*].frames.matched / receivers[*].frames.encoded > 90 %",
            "receivers[0].clock_offset.offset_ms < 1",
            "phases.low.matched >= 90 %",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_no_report_has_is_refused_with_what_it_may_mean() {
        for (text, near) in [
            ("latency_ms.p90 < 1", "latency_ms.p95"),
            ("latencyms.p50 < 1", "latency_ms.p50"),
            ("matched > 5", "frames.matched"),
            ("1 < frames.ended.lost", "frames.ended.late"),
            ("receivers.latency_ms.p50 < 1", "receivers[].latency_ms.p50"),
            ("scene.name == 1", "scene.seed"),
        ] {
            let error = check(text).expect_err(text).to_string();
            assert!(error.contains(near), "{text}: {error}");
        }
    }
}
