//! A sender's report, and what must hold of every one.

use std::path::Path;

use serde_json::Value;

/// A report, or the part of one receiver.
#[derive(Clone, Debug)]
pub struct Report(pub Value);

impl Report {
    /// # Panics
    /// When there is none, or it is not as `docs/report.schema.json` says.
    pub fn read(file: &Path) -> Report {
        let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let report: Value = serde_json::from_str(&text).expect("JSON");
        let schema: Value = serde_json::from_str(include_str!("../../docs/report.schema.json")).expect("JSON");
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        let errors: Vec<String> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{report:#}");
        Report(report)
    }

    /// A count, by a JSON pointer such as `/frames/matched`.
    pub fn count(&self, pointer: &str) -> u64 {
        self.at(pointer).as_u64().unwrap_or_else(|| panic!("{pointer} is no count: {:#}", self.0))
    }

    /// A measured number; panics where nothing was measured.
    pub fn number(&self, pointer: &str) -> f64 {
        self.at(pointer).as_f64().unwrap_or_else(|| panic!("{pointer} is no number: {:#}", self.0))
    }

    pub fn text(&self, pointer: &str) -> &str {
        self.at(pointer).as_str().unwrap_or_else(|| panic!("{pointer} is no text: {:#}", self.0))
    }

    fn at(&self, pointer: &str) -> &Value {
        self.0.pointer(pointer).unwrap_or_else(|| panic!("there is no {pointer} in {:#}", self.0))
    }

    pub fn receivers(&self) -> Vec<Report> {
        self.at("/receivers").as_array().expect("a list").iter().cloned().map(Report).collect()
    }

    pub fn receiver(&self, name: &str) -> Report {
        let receiver = self.receivers().into_iter().find(|receiver| receiver.text("/name") == name);
        receiver.unwrap_or_else(|| panic!("no receiver {name} in {:#}", self.0))
    }

    /// Matched frames, as a part of those encoded.
    fn matched_part(&self) -> f64 {
        self.count("/frames/matched") as f64 / self.count("/frames/encoded") as f64
    }

    /// Nothing got lost: every frame came back, but for those that a detector without a processor had no time to look at, and
    /// those still on their way at the end.
    pub fn assert_closed(&self) {
        self.assert_accounted(0.99);
    }

    /// At least this part of the encoded frames came back, or is known not to have been lost.
    pub fn assert_accounted(&self, part: f64) {
        let ended =
            ["matched", "skipped_by_detector", "in_flight"].map(|state| self.count(&format!("/frames/ended/{state}")));
        let accounted: u64 = ended.iter().sum();
        assert!(accounted as f64 >= part * self.count("/frames/encoded") as f64, "{:#}", self.0);
        assert!(self.matched_part() >= 0.5, "{:#}", self.0);
    }

    /// Every frame ended in one way, and no coordinate was joined to a frame that it does not belong to, as far as can be
    /// told from outside: none was joined to nothing, none twice.
    pub fn assert_sound(&self) {
        let ended = self.at("/frames/ended").as_object().expect("an object");
        let sum: u64 = ended.values().map(|count| count.as_u64().expect("a count")).sum();
        assert_eq!(sum, self.count("/frames/produced"), "{:#}", self.0);
        assert_eq!(self.count("/frames/ended/matched"), self.count("/frames/matched"), "{:#}", self.0);
        for never in ["unknown", "duplicate", "garbage"] {
            assert_eq!(self.count(&format!("/frames/{never}")), 0, "{never}: {:#}", self.0);
        }
    }
}
