//! Which assertions hold, as JUnit XML, which CI systems show.

use std::io;
use std::path::Path;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::assertion::Verdict;

/// The assertions about one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suite {
    name: String,
    cases: Vec<(String, Verdict)>,
}

impl Suite {
    /// Without assertions yet.
    pub fn new(name: &str) -> Suite {
        Suite { name: name.to_owned(), cases: Vec::new() }
    }

    /// Takes note of an assertion and what came of it.
    pub fn add(&mut self, assertion: &str, verdict: Verdict) {
        self.cases.push((assertion.to_owned(), verdict));
    }

    /// Whether there is none that does not hold.
    pub fn all_hold(&self) -> bool {
        self.cases.iter().all(|(_, verdict)| verdict.holds)
    }

    fn xml(&self) -> TestSuite {
        let mut suite = TestSuite::new(self.name.as_str());
        suite.add_test_cases(self.cases.iter().map(|(assertion, verdict)| {
            let mut status = TestCaseStatus::success();
            if !verdict.holds {
                status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                status.set_message(verdict.found.as_str());
            }
            let mut case = TestCase::new(assertion.as_str(), status);
            case.set_classname(self.name.as_str());
            case
        }));
        suite
    }
}

/// Writes a file of all suites.
///
/// # Errors
/// When the file cannot be written.
pub fn write(path: &Path, suites: &[Suite]) -> io::Result<()> {
    let why = |error: &dyn std::fmt::Display| io::Error::other(format!("cannot write {}: {error}", path.display()));
    std::fs::write(path, text(suites).map_err(|error| why(&error))?).map_err(|error| why(&error))
}

fn text(suites: &[Suite]) -> Result<String, quick_junit::SerializeError> {
    let mut report = Report::new("rebound");
    report.add_test_suites(suites.iter().map(Suite::xml));
    report.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_assertion_is_a_failure_with_its_reason() {
        let mut suite = Suite::new("a < b & c");
        suite.add("x < 1", Verdict { holds: true, found: "0".to_owned() });
        assert!(suite.all_hold());
        suite.add("y < 1", Verdict { holds: false, found: "2, misses 1 by 1".to_owned() });
        assert!(!suite.all_hold());
        let xml = text(&[suite]).expect("serialised");
        assert!(xml.contains("tests=\"2\"") && xml.contains("failures=\"1\""), "{xml}");
        assert!(xml.contains("name=\"y &lt; 1\"") && xml.contains("message=\"2, misses 1 by 1\""), "{xml}");
        assert!(xml.contains("name=\"a &lt; b &amp; c\""), "{xml}");
    }
}
