use crate::bench::results::{Cost, Digest, ProcessCost};
use crate::bench::testing;

use super::*;

/// About normal, by the sum of twelve uniform ones.
fn normal(random: &mut Draws) -> f64 {
    (0..12).map(|_| random.below(1_000_000) as f64 / 1e6).sum::<f64>() - 6.0
}

/// A benchmark of one cell. Runs differ by `between` (a standard deviation of the logarithm), a run's seconds by as much again, and
/// frames by three times that; all are `factor` times as slow.
fn benchmark(runs: u32, between: f64, factor: f64, random: &mut Draws) -> Results {
    let matrix = testing::matrix("[axes]\nencoder = ['x264enc']\n");
    let mut results = testing::results(&matrix);
    for repeat in 1..=runs {
        let of_run = between * normal(random);
        let block = |random: &mut Draws| {
            let of_block = of_run + between * normal(random);
            let mut latency_ms: Vec<f64> =
                (0..10).map(|_| 5.0 * factor * (of_block + 3.0 * between * normal(random)).exp()).collect();
            latency_ms.sort_unstable_by(f64::total_cmp);
            let error_px = latency_ms.iter().map(|ms| ms / 500.0).collect();
            Block { frames: 10, matched: 10, latency_ms, error_px }
        };
        let blocks = (0..8).map(|_| block(random)).collect();
        let cost = ProcessCost { cores: 0.2, cpu_s_per_1000_frames: 6.0 * of_run.exp(), max_rss_mb: 70.0 };
        results.cells[0].runs.push(Run {
            digest: Some(Digest { blocks, ..Digest::default() }),
            cost: Cost { sender: Some(cost), receivers: vec![cost] },
            ..testing::run(repeat, None)
        });
    }
    results
}

fn alarms(old: &Results, new: &Results, seed: u64) -> Vec<Figure> {
    compare(old, new, 1.1, seed).alarms().map(|alarm| alarm.figure).collect()
}

#[test]
fn an_unchanged_program_raises_no_alarm_however_noisy_the_machine() {
    let mut random = Draws::new(7);
    for (round, between) in [0.01, 0.05, 0.1, 0.2, 0.4].into_iter().cycle().take(20).enumerate() {
        let (old, new) = (benchmark(5, between, 1.0, &mut random), benchmark(5, between, 1.0, &mut random));
        assert_eq!(alarms(&old, &new, round as u64), [], "round {round}, noise {between}");
    }
}

#[test]
fn what_is_clearly_slower_raises_an_alarm_and_what_is_allowed_does_not() {
    let mut random = Draws::new(8);
    let old = benchmark(5, 0.03, 1.0, &mut random);
    let slower = compare(&old, &benchmark(5, 0.03, 1.4, &mut random), 1.1, 1);
    let found: Vec<Figure> = slower.alarms().map(|alarm| alarm.figure).collect();
    assert_eq!(found, [Figure::LatencyP50, Figure::LatencyP95, Figure::ErrorP95]);
    let text = slower.alarms().next().expect("one").to_string();
    assert!(text.contains("latency p50 ms") && text.contains("% worse"), "{text}");
    assert_eq!(alarms(&old, &benchmark(5, 0.03, 1.05, &mut random), 1), []);
    assert_eq!(alarms(&old, &benchmark(5, 0.03, 0.5, &mut random), 1), []);
}

#[test]
fn two_runs_are_too_few_for_an_alarm() {
    let mut random = Draws::new(9);
    let (old, new) = (benchmark(2, 0.03, 1.0, &mut random), benchmark(2, 0.03, 2.0, &mut random));
    let judgements: Vec<Judgement> = compare(&old, &new, 1.1, 1).comparisons.iter().map(|one| one.judgement).collect();
    assert_eq!(judgements[0], Judgement::TooFewRuns);
    assert!(!judgements.contains(&Judgement::Regression));
}

#[test]
fn frames_that_no_longer_come_back_raise_an_alarm() {
    let mut random = Draws::new(10);
    let old = benchmark(5, 0.03, 1.0, &mut random);
    let mut new = benchmark(5, 0.03, 1.0, &mut random);
    let blocks = new.cells[0].runs.iter_mut().filter_map(|run| run.digest.as_mut()).flat_map(|digest| &mut digest.blocks);
    blocks.for_each(|block| block.matched = 8);
    assert_eq!(alarms(&old, &new, 1), [Figure::Matched]);
}

#[test]
fn cells_are_paired_by_their_settings_and_the_rest_is_named() {
    let mut random = Draws::new(11);
    let old = benchmark(5, 0.03, 1.0, &mut random);
    let mut new = old.clone();
    new.cells[0].name = "renamed".to_owned();
    assert_eq!(compare(&old, &new, 1.1, 1).unpaired, Vec::<String>::new());
    new.cells[0].id = "other".to_owned();
    let found = compare(&old, &new, 1.1, 1);
    assert_eq!((found.unpaired.len(), found.comparisons.len()), (2, 0));
    assert!((chance(5, 5) - 1.0 / 252.0).abs() < 1e-12);
}
