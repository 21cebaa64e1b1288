//! Whether an assertion holds of a report.

use serde_json::Value;

use super::{Assertion, Expression, Path, Step};

/// Whether an assertion holds, and what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it holds.
    pub holds: bool,
    /// For people: what was found, and by how much it misses.
    pub found: String,
}

/// Why there is no number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum NoNumber {
    #[error("{0} was not measured")]
    Null(String),
    #[error("there is no {0} in the report")]
    Missing(String),
    #[error("{0} is no number")]
    OtherType(String),
    #[error("the result is no finite number")]
    Infinite,
}

impl Assertion {
    /// Whether it holds of a report.
    pub fn check(&self, report: &Value) -> Verdict {
        let mut lists = self.paths().into_iter().filter_map(|path| path.first_list(report));
        let Some(list) = lists.next() else { return self.check_one(report, None) };
        if let Some(other) = lists.find(|other| other.len != list.len) {
            let lengths = format!("{} has {} and {} has {} entries", list.name, list.len, other.name, other.len);
            return Verdict { holds: false, found: format!("{lengths}: [*] means the entry of the same place in both") };
        }
        let mut verdicts = (0..list.len).map(|index| (index, self.check_one(report, Some(index))));
        let missed = verdicts.clone().find(|(_, verdict)| !verdict.holds);
        match missed.or_else(|| verdicts.next_back()) {
            None => Verdict { holds: false, found: format!("{} has no entry", list.name) },
            Some((_, verdict)) if verdict.holds => verdict,
            Some((index, Verdict { holds, found })) => Verdict { holds, found: format!("{}[{index}]: {found}", list.name) },
        }
    }

    fn check_one(&self, report: &Value, each: Option<usize>) -> Verdict {
        let values = self.left.value(report, each).and_then(|left| Ok((left, self.right.value(report, each)?)));
        match values {
            Err(why) => Verdict { holds: false, found: why.to_string() },
            Ok((left, right)) if self.comparison.holds(left, right) => Verdict { holds: true, found: shown(left) },
            Ok((left, right)) => Verdict { holds: false, found: miss(left, right) },
        }
    }
}

/// By how much, in the figure's own unit and in percent of what was asked.
fn miss(left: f64, right: f64) -> String {
    let by = (left - right).abs();
    let part = (by / right.abs() * 100.0).is_finite().then(|| format!(" ({:.1} %)", by / right.abs() * 100.0));
    format!("{}, misses {} by {}{}", shown(left), shown(right), shown(by), part.unwrap_or_default())
}

/// Short, but exact enough to see which side of a limit it is on.
fn shown(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl Expression {
    fn value(&self, report: &Value, each: Option<usize>) -> Result<f64, NoNumber> {
        let value = match self {
            Expression::Number(number) | Expression::Share(number) => *number,
            Expression::Path(path) => path.value(report, each)?,
            Expression::Both(left, operator, right) => operator.apply(left.value(report, each)?, right.value(report, each)?),
        };
        if value.is_finite() { Ok(value) } else { Err(NoNumber::Infinite) }
    }
}

/// A list that an assertion must hold for each entry of.
struct List {
    name: String,
    len: usize,
}

impl Path {
    fn first_list(&self, report: &Value) -> Option<List> {
        let at = self.0.iter().position(|step| *step == Step::Each)?;
        let before = Path(self.0[..at].to_vec());
        let len = before.find(report, None).and_then(Value::as_array).map_or(0, Vec::len);
        Some(List { name: before.to_string(), len })
    }

    fn find<'a>(&self, report: &'a Value, each: Option<usize>) -> Option<&'a Value> {
        self.0.iter().try_fold(report, |value, step| match step {
            Step::Name(name) => value.get(name),
            Step::Index(index) => value.get(index),
            Step::Each => value.get(each?),
        })
    }

    fn value(&self, report: &Value, each: Option<usize>) -> Result<f64, NoNumber> {
        match self.find(report, each) {
            None => Err(NoNumber::Missing(self.to_string())),
            Some(Value::Null) => Err(NoNumber::Null(self.to_string())),
            Some(value) => value.as_f64().ok_or_else(|| NoNumber::OtherType(self.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;
    use serde_json::json;

    use super::*;

    fn check(text: &str) -> Verdict {
        let receivers = json!([{"p95": 3.0, "name": "a"}, {"p95": 9.0, "name": "b"}]);
        let report = json!({"latency_ms": {"p95": 8.0, "p99": null}, "n": 98, "of": 100, "zero": 0, "receivers": receivers,
            "none": [], "processes": [{"cores": 1}, {"cores": 2}], "phases": [{"kbps": 1}]});
        text.parse::<Assertion>().expect(text).check(&report)
    }

    #[test]
    fn figures_are_compared_and_computed_with() {
        for holding in [
            "latency_ms.p95 < 8.1",
            "latency_ms.p95<=8",
            "8 >= latency_ms.p95",
            "latency_ms.p95 == 8",
            "latency_ms.p95 != 7",
            "n / of >= 98 %",
            "n/of*2 > 1.95",
            "2 + 3 * 4 == 14",
            "(2 + 3) * 4 == 20",
            "10 - 3 - 2 == 5",
            "-1 < latency_ms.p95",
            "1e1 == 10",
            "receivers[1].p95 == 9",
            "receivers[*].p95 <= 9",
            "receivers[*].p95 <= 2 * latency_ms.p95",
            "receivers[*].p95 / processes[*].cores > 2.9",
        ] {
            assert!(check(holding).holds, "{holding}: {}", check(holding).found);
        }
    }

    #[test]
    fn a_miss_says_by_how_much() {
        for (text, found) in [
            ("latency_ms.p95 < 5", "8, misses 5 by 3 (60.0 %)"),
            ("n / of >= 99 %", "0.98, misses 0.99 by 0.01 (1.0 %)"),
            ("zero > 0", "0, misses 0 by 0"),
            ("latency_ms.p99 < 100", "latency_ms.p99 was not measured"),
            ("latency_ms.p99 != 1", "latency_ms.p99 was not measured"),
            ("n / zero > 1", "the result is no finite number"),
            ("receivers[*].p95 < 5", "receivers[1]: 9, misses 5 by 4 (80.0 %)"),
            ("receivers[7].p95 < 5", "there is no receivers[7].p95 in the report"),
            ("receivers[0].name < 5", "receivers[0].name is no number"),
            ("none[*].p95 < 5", "none has no entry"),
            ("receivers[*].p95 / processes[*].cores > 4", "receivers[0]: 3, misses 4 by 1 (25.0 %)"),
            (
                "phases[*].kbps < receivers[*].p95",
                "phases has 1 and receivers has 2 entries: [*] means the entry of the same place in both",
            ),
        ] {
            let verdict = check(text);
            assert_eq!((verdict.holds, verdict.found.as_str()), (false, found), "{text}");
        }
    }

    #[test]
    fn what_is_no_assertion_is_refused_with_the_place() {
        for (text, why) in [
            ("", "at character 1 a number"),
            ("latency_ms.p95", "at character 15 one of < <="),
            ("latency_ms.p95 < ", "a number, a name"),
            ("a < 1 < 2", "at character 7 it should end"),
            ("a = 1", "at character 3 one of"),
            ("(a < 1", "at character 4 ')' is needed"),
            ("a. < 1", "a name is needed after the dot"),
            ("a[x] < 1", "an index or *"),
            ("a[99999999999999999999] < 1", "an index or *"),
            ("1.2.3 < a", "no finite number"),
            ("1e999 < a", "no finite number"),
            ("ä < 1", "at character 1 a number"),
            (&("(".repeat(40) + "1"), "nested more than 32"),
            (&"1".repeat(1001), "longer than 1000"),
        ] {
            let error = text.parse::<Assertion>().expect_err(text).to_string();
            assert!(error.contains(why) && error.contains("write for example"), "{text}: {error}");
        }
    }

    /// An expression as text, and its value.
    fn expression() -> impl Strategy<Value = (String, f64)> {
        let number = (0..1000u32).prop_map(|number| (format!("{number}"), f64::from(number)));
        number.prop_recursive(5, 40, 2, |inner| {
            (inner.clone(), 0..3usize, inner).prop_map(|((left, l), operator, (right, r))| {
                let sign = ["+", "-", "*"][operator];
                (format!("({left}{sign} {right})"), [l + r, l - r, l * r][operator])
            })
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

        #[test]
        fn any_text_is_read_or_refused(text in "[a-c0-9.<=>!+*/()\\[\\]% -]{0,40}") {
            let _ = text.parse::<Assertion>().map(|assertion| assertion.check(&json!({"a": 1, "b": [{"c": 2}]})));
        }

        #[test]
        fn every_expression_has_its_value((left, value) in expression(), limit in -1e6..1e6f64) {
            let below = format!("{left} < {limit}").parse::<Assertion>().expect("written by the rules");
            prop_assert_eq!(below.check(&Value::Null).holds, value < limit);
            let same = format!("{left} == {value}").parse::<Assertion>().expect("written by the rules");
            prop_assert!(same.check(&Value::Null).holds);
        }
    }
}
