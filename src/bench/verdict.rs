//! How a benchmark ends: what failed, what does not hold, what has become worse.

use serde_json::{Map, Value, json};

use super::matrix::Matrix;
use super::regression::{self, Judgement};
use super::results::{Checked, Results, Run};
use crate::assertion::{Assertion, Verdict};
use crate::cli::{BenchConfig, ExitCode};
use crate::junit;

/// Which assertions hold of a run; none are checked of one that left no report.
pub(super) fn check(run: &Run, assertions: &[Assertion]) -> Vec<Checked> {
    let Some(Value::Object(report)) = &run.report else { return Vec::new() };
    let mut all = report.clone();
    let phases = run.digest.iter().flat_map(|digest| &digest.phases);
    let phases: Map<String, Value> = phases.map(|phase| (phase.name.clone(), json!(phase))).collect();
    all.insert("phases".to_owned(), phases.into());
    all.insert("processes".to_owned(), json!(run.cost));
    let all = Value::Object(all);
    let checked = |assertion: &Assertion| {
        let Verdict { holds, found } = assertion.check(&all);
        Checked { expression: assertion.text().to_owned(), holds, found }
    };
    assertions.iter().map(checked).collect()
}

/// Says it, on stderr and as JUnit XML where it is wanted, and gives the exit code. Only the cells of the matrix count.
pub(super) fn judge(
    config: &BenchConfig,
    matrix: &Matrix,
    results: &Results,
    baseline: Option<&Results>,
) -> anyhow::Result<ExitCode> {
    let cells = &results.cells[..matrix.cells.len()];
    let mut suites = Vec::new();
    let mut failures = 0;
    for cell in cells {
        let mut suite = junit::Suite::new(&cell.name);
        for run in &cell.runs {
            let failed = run.failed.clone();
            failures += usize::from(failed.is_some());
            suite
                .add(&format!("run {}", run.repeat), Verdict { holds: failed.is_none(), found: failed.unwrap_or_default() });
            for Checked { expression, holds, found } in &run.assertions {
                suite.add(&format!("run {}: {expression}", run.repeat), Verdict { holds: *holds, found: found.clone() });
                if !holds {
                    eprintln!("missed {}, run {}: {expression}: {found}", cell.name, run.repeat);
                }
            }
        }
        suites.push(suite);
    }
    if let Some(baseline) = baseline {
        suites.push(compared(config, results, baseline));
    }
    if let Some(path) = &config.junit {
        junit::write(path, &suites)?;
    }
    Ok(match failures {
        0 if suites.iter().all(junit::Suite::all_hold) => ExitCode::Ok,
        0 => ExitCode::AssertionMissed,
        _ => {
            eprintln!("{failures} runs failed; the same command with --out makes them again");
            ExitCode::Failure
        }
    })
}

fn compared(config: &BenchConfig, results: &Results, baseline: &Results) -> junit::Suite {
    let mut suite = junit::Suite::new("against the baseline");
    let regressions = regression::compare(baseline, results, 1.0 + config.max_regression, config.seed);
    for comparison in &regressions.comparisons {
        let holds = comparison.judgement != Judgement::Regression;
        match comparison.judgement {
            Judgement::Fine => {}
            Judgement::Regression => eprintln!("worse  {comparison}"),
            Judgement::TooFewRuns => {
                eprintln!("may be worse, but there are too few runs to tell (--repeat 5): {comparison}")
            }
        }
        suite.add(
            &format!("{}: {}", comparison.cell, comparison.figure.name()),
            Verdict { holds, found: comparison.to_string() },
        );
    }
    for name in &regressions.unpaired {
        eprintln!("not compared, since only one of both has it: {name}");
    }
    eprintln!(
        "{} figures compared with the baseline, {} alarms",
        regressions.comparisons.len(),
        regressions.alarms().count()
    );
    suite
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::results::{Cost, Digest, PhaseFigures, ProcessCost};
    use crate::bench::testing;

    #[test]
    fn report_phases_and_processes_can_be_asserted() {
        let phase = PhaseFigures { name: "low".to_owned(), matched: Some(0.9), ..PhaseFigures::default() };
        let cost = ProcessCost { cores: 0.5, cpu_s_per_1000_frames: 8.0, max_rss_mb: 70.0 };
        let run = Run {
            report: Some(json!({"frames": {"matched": 3}})),
            digest: Some(Digest { phases: vec![phase], ..Digest::default() }),
            cost: Cost { sender: Some(cost), receivers: vec![cost] },
            ..testing::run(1, None)
        };
        let texts =
            ["frames.matched == 3", "phases.low.matched >= 95 %", "processes.receivers[*].cores < 1", "phases.low.kbps > 1"];
        let assertions = texts.map(|text| text.parse().expect(text));
        let holds: Vec<bool> = check(&run, &assertions).iter().map(|checked| checked.holds).collect();
        assert_eq!(holds, [true, false, true, false]);
        assert_eq!(check(&testing::run(1, None), &assertions), []);
    }
}
