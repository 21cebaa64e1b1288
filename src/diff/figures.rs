//! The figures of two reports. They are compared by name, so that reports of other versions can be too.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

/// What of a distribution is compared.
const QUANTILES: [&str; 3] = ["p50", "p95", "p99"];

/// A figure of both.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// As in the report, with its unit: `latency_ms.p50`.
    pub name: String,
    /// In the first one.
    pub before: Option<f64>,
    /// In the second one.
    pub after: Option<f64>,
    /// How much more the second one has, in percent of the first one.
    pub change_percent: Option<f64>,
}

/// The figures that both have, and those that only one has.
pub(super) fn compare(before: &Value, after: &Value) -> Vec<Figure> {
    let mut figures = vec![
        figure("matched_percent".to_owned(), matched_percent(before), matched_percent(after)),
        of("frames.matched", before, after),
        of("frames.encoded", before, after),
    ];
    let stages =
        [before, after].into_iter().filter_map(|report| report["stages_ms"].as_object()).flat_map(|stages| stages.keys());
    let mut names = vec!["error_px".to_owned(), "staleness_px".to_owned(), "latency_ms".to_owned()];
    for stage in ["encode", "send", "there", "decode", "detect", "return"].into_iter().chain(stages.map(String::as_str)) {
        let name = format!("stages_ms.{stage}");
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let quantiles = names.iter().flat_map(|name| QUANTILES.map(|quantile| format!("{name}.{quantile}")));
    figures.extend(quantiles.map(|name| of(&name, before, after)));
    figures.push(of("bitrate_kbps", before, after));
    figures.retain(|figure| figure.before.is_some() || figure.after.is_some());
    figures
}

fn of(name: &str, before: &Value, after: &Value) -> Figure {
    let pointer = format!("/{}", name.replace('.', "/"));
    let value = |report: &Value| report.pointer(&pointer).and_then(Value::as_f64);
    figure(name.to_owned(), value(before), value(after))
}

fn figure(name: String, before: Option<f64>, after: Option<f64>) -> Figure {
    let change = before.zip(after).filter(|(before, _)| *before != 0.0);
    Figure { name, before, after, change_percent: change.map(|(before, after)| (after - before) / before * 100.0) }
}

fn matched_percent(report: &Value) -> Option<f64> {
    let count = |name: &str| report["frames"][name].as_f64();
    count("matched")
        .zip(count("encoded"))
        .filter(|(_, encoded)| *encoded > 0.0)
        .map(|(matched, encoded)| matched / encoded * 100.0)
}

/// Side by side, with a newline at the end of each line.
pub(super) fn table(figures: &[Figure]) -> String {
    let mut table = format!("{:<24}{:>14}{:>14}{:>11}\n", "", "A", "B", "change");
    for Figure { name, before, after, change_percent } in figures {
        let value = |value: &Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.3}"));
        let change = change_percent.map_or(String::new(), |change| format!("{change:+.1} %"));
        // Writing to a String cannot fail.
        let _ = writeln!(table, "{name:<24}{:>14}{:>14}{change:>11}", value(before), value(after));
    }
    table
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_both_reports_have_is_compared_in_percent() {
        let report =
            |p50: f64, matched: u64| json!({"frames": {"matched": matched, "encoded": 200}, "latency_ms": {"p50": p50}});
        let figures = compare(&report(4.0, 200), &report(5.0, 100));
        let named = |name: &str| figures.iter().find(|figure| figure.name == name).expect(name);
        assert_eq!(named("latency_ms.p50").change_percent, Some(25.0));
        assert_eq!((named("matched_percent").before, named("matched_percent").after), (Some(100.0), Some(50.0)));
        assert!(figures.iter().all(|figure| figure.name != "latency_ms.p95"), "in neither");
        assert!(
            table(&figures).contains("latency_ms.p50                   4.000         5.000    +25.0 %"),
            "{}",
            table(&figures)
        );
    }

    #[test]
    fn what_only_one_has_has_no_change() {
        let figures = compare(&json!({"stages_ms": {"new": {"p50": 1.0}}}), &json!({}));
        assert_eq!(figures.len(), 1);
        assert_eq!((figures[0].after, figures[0].change_percent), (None, None));
    }
}
