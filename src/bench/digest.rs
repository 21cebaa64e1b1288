//! What became of a run's frames, in brief. Pure.

use super::results::{Block, Digest, Phase, PhaseFigures, Point, StageFigures};

/// A cumulative distribution is drawn with so many steps: half a percent each, finer than a line on a screen is wide.
const QUANTILE_STEPS: usize = 200;

/// Half a second: 15 frames at 30 a second, enough for a median, and short against what congestion control takes.
const POINT_S: f64 = 0.5;

/// Frames closer together than this are alike (one slow moment of the machine, one burst of losses, delays many of them); those
/// of different seconds hardly.
const BLOCK_S: f64 = 1.0;

/// What a benchmark needs to know of one frame for one receiver. Times are in seconds on the sender's clock.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// For whom.
    pub receiver: u64,
    /// When it was made.
    pub produced_s: f64,
    /// Encoded.
    pub bytes: u64,
    /// Its answer, if it came in time.
    pub answer: Option<SampleAnswer>,
}

/// The answer to a frame.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SampleAnswer {
    /// When it came.
    pub at_s: f64,
    /// From the frame's production to the answer.
    pub latency_ms: f64,
    /// Its parts.
    pub stages_ms: StageFigures,
    /// Seen minus true of each object that was found, to the right and downwards.
    pub errors_px: Vec<[f64; 2]>,
}

/// The times of a run, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Span {
    /// When the first receiver was connected, on the sender's clock.
    pub began_s: f64,
    /// Left out from then on, where the digest says so.
    pub warmup_s: f64,
    /// Measured after that.
    pub measured_s: f64,
}

impl Span {
    /// Half seconds that are wholly in the run: what is left over has too few frames to speak for half a second.
    fn points(&self) -> usize {
        ((self.warmup_s + self.measured_s) / POINT_S) as usize
    }
}

/// Sums up a run. Phases count from `phases_from_s`.
pub fn digest(samples: &[Sample], span: Span, phases: &[Phase], phases_from_s: f64) -> Digest {
    let Span { began_s, warmup_s, .. } = span;
    let measured: Vec<&Sample> = samples.iter().filter(|sample| sample.produced_s >= began_s + warmup_s).collect();
    let figures = Figures::of(&measured);
    let (bias_px, noise_px) = figures.bias_and_noise_px();
    let points = stretches(samples, began_s, POINT_S);
    Digest {
        frames: measured.len() as u64,
        matched: figures.latency_ms.len() as u64,
        latency_quantiles_ms: steps(&figures.latency_ms, QUANTILE_STEPS),
        error_quantiles_px: steps(&figures.error_px, QUANTILE_STEPS),
        stages_p50_ms: stages(&measured, |values| quantile(values, 0.5)),
        stages_mean_ms: stages(&measured, mean),
        bias_px,
        noise_px,
        series: points.iter().take(span.points()).enumerate().map(|(index, part)| point(index, part)).collect(),
        blocks: stretches(samples, began_s + warmup_s, BLOCK_S).iter().map(|part| block(part)).collect(),
        phases: phases.iter().map(|phase| phase_figures(phase, samples, phases_from_s)).collect(),
    }
}

/// The value that a share of `share` (0 to 1) of the ascending values does not exceed.
pub fn quantile(ascending: &[f64], share: f64) -> Option<f64> {
    let rank = (share * ascending.len() as f64).ceil().max(1.0) as usize;
    ascending.get(rank - 1).copied()
}

/// Values at evenly spaced ranks, the smallest and the largest among them.
fn steps(ascending: &[f64], steps: usize) -> Vec<f64> {
    let Some(last) = ascending.len().checked_sub(1) else { return Vec::new() };
    (0..=steps).map(|step| rounded(ascending[step * last / steps])).collect()
}

/// To a ten-thousandth: 0.1 us of a ms and 0.0001 px are below what is measured, and the file stays small.
fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The figures of some frames, in ascending order.
struct Figures<'a> {
    latency_ms: Vec<f64>,
    error_px: Vec<f64>,
    answers: Vec<&'a SampleAnswer>,
}

impl<'a> Figures<'a> {
    fn of(samples: &[&'a Sample]) -> Figures<'a> {
        let answers: Vec<&SampleAnswer> = samples.iter().filter_map(|sample| sample.answer.as_ref()).collect();
        let mut latency_ms: Vec<f64> = answers.iter().map(|answer| answer.latency_ms).collect();
        let mut error_px: Vec<f64> = errors(&answers).map(|[x, y]| x.hypot(y)).collect();
        latency_ms.sort_unstable_by(f64::total_cmp);
        error_px.sort_unstable_by(f64::total_cmp);
        Figures { latency_ms, error_px, answers }
    }

    /// Mean of the errors, and their standard deviation about it, to the right and downwards.
    fn bias_and_noise_px(&self) -> (Option<[f64; 2]>, Option<[f64; 2]>) {
        let count = errors(&self.answers).count() as f64;
        if count == 0.0 {
            return (None, None);
        }
        let sum = |of: &dyn Fn(usize, f64) -> f64| {
            [0, 1].map(|axis| errors(&self.answers).map(|error| of(axis, error[axis])).sum::<f64>() / count)
        };
        let bias = sum(&|_, error| error);
        let noise = sum(&|axis, error| (error - bias[axis]).powi(2)).map(f64::sqrt);
        (Some(bias), Some(noise))
    }
}

fn errors(answers: &[&SampleAnswer]) -> impl Iterator<Item = [f64; 2]> {
    answers.iter().flat_map(|answer| answer.errors_px.iter().copied())
}

/// One figure for each stage, of the frames that know it.
fn stages(samples: &[&Sample], figure: fn(&[f64]) -> Option<f64>) -> StageFigures {
    let of = |stage: fn(&StageFigures) -> Option<f64>| {
        let answers = samples.iter().filter_map(|sample| sample.answer.as_ref());
        let mut values: Vec<f64> = answers.filter_map(|answer| stage(&answer.stages_ms)).collect();
        values.sort_unstable_by(f64::total_cmp);
        figure(&values).map(rounded)
    };
    StageFigures {
        encode: of(|stages| stages.encode),
        send: of(|stages| stages.send),
        there: of(|stages| stages.there),
        decode: of(|stages| stages.decode),
        detect: of(|stages| stages.detect),
        back: of(|stages| stages.back),
    }
}

/// The samples of each stretch of time from `from_s` on.
fn stretches(samples: &[Sample], from_s: f64, length_s: f64) -> Vec<Vec<&Sample>> {
    let mut stretches: Vec<Vec<&Sample>> = Vec::new();
    for sample in samples.iter().filter(|sample| sample.produced_s >= from_s) {
        let index = ((sample.produced_s - from_s) / length_s) as usize;
        if stretches.len() <= index {
            stretches.resize_with(index + 1, Vec::new);
        }
        stretches[index].push(sample);
    }
    stretches
}

fn point(index: usize, samples: &[&Sample]) -> Point {
    let figures = Figures::of(samples);
    Point {
        at_s: index as f64 * POINT_S,
        frames: samples.len() as u64,
        matched: figures.latency_ms.len() as u64,
        latency_p50_ms: quantile(&figures.latency_ms, 0.5).map(rounded),
        latency_p95_ms: quantile(&figures.latency_ms, 0.95).map(rounded),
        error_p50_px: quantile(&figures.error_px, 0.5).map(rounded),
        kbps: rounded(kbps(samples, POINT_S)),
    }
}

/// Of the receiver that most was encoded for: the others joined later or left.
fn kbps(samples: &[&Sample], length_s: f64) -> f64 {
    let mut bytes = std::collections::BTreeMap::<u64, u64>::new();
    samples.iter().for_each(|sample| *bytes.entry(sample.receiver).or_default() += sample.bytes);
    bytes.into_values().max().unwrap_or_default() as f64 * 8.0 / 1e3 / length_s
}

fn block(samples: &[&Sample]) -> Block {
    let figures = Figures::of(samples);
    let thinned = |ascending: &[f64]| match ascending.len() {
        0..=Block::MOST => ascending.iter().copied().map(rounded).collect(),
        _ => steps(ascending, Block::MOST - 1),
    };
    Block {
        frames: samples.len() as u64,
        matched: figures.latency_ms.len() as u64,
        latency_ms: thinned(&figures.latency_ms),
        error_px: thinned(&figures.error_px),
    }
}

fn phase_figures(phase: &Phase, samples: &[Sample], phases_from_s: f64) -> PhaseFigures {
    let (from_s, to_s) = (phases_from_s + phase.from_s, phases_from_s + phase.to_s);
    let within: Vec<&Sample> = samples.iter().filter(|sample| (from_s..to_s).contains(&sample.produced_s)).collect();
    let figures = Figures::of(&within);
    let first_s = figures.answers.iter().map(|answer| answer.at_s).min_by(f64::total_cmp);
    let measured = !within.is_empty();
    PhaseFigures {
        name: phase.name.clone(),
        matched: measured.then(|| figures.latency_ms.len() as f64 / within.len() as f64),
        latency_p50_ms: quantile(&figures.latency_ms, 0.5),
        latency_p95_ms: quantile(&figures.latency_ms, 0.95),
        error_p95_px: quantile(&figures.error_px, 0.95),
        kbps: measured.then(|| kbps(&within, phase.to_s - phase.from_s)),
        first_coordinate_ms: first_s.map(|first_s| (first_s - from_s) * 1e3),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    /// Ten seconds at ten frames a second from second 100 on; a frame's latency in ms is its number, but for every tenth frame,
    /// which is lost. Always 0.3 px too far right, and 0.1 px up or down in turn.
    fn samples() -> Vec<Sample> {
        let sample = |number: u64| {
            let produced_s = 100.0 + number as f64 / 10.0;
            let latency_ms = number as f64;
            let stages_ms = StageFigures { encode: Some(1.0), back: Some(latency_ms), ..StageFigures::default() };
            let errors_px = vec![[0.3, if number.is_multiple_of(2) { 0.1 } else { -0.1 }]];
            let answer = SampleAnswer { at_s: produced_s + latency_ms / 1e3, latency_ms, stages_ms, errors_px };
            let answer = (number % 10 != 9).then_some(answer);
            Sample { receiver: 1, produced_s, bytes: 1250, answer }
        };
        (0..100).map(sample).collect()
    }

    fn span(began_s: f64, warmup_s: f64, measured_s: f64) -> Span {
        Span { began_s, warmup_s, measured_s }
    }

    #[test]
    fn warm_up_counts_for_nothing_but_the_series() {
        let digest = digest(&samples(), span(100.0, 5.0, 5.0), &[], 100.0);
        assert_eq!((digest.frames, digest.matched), (50, 45));
        assert_eq!((digest.latency_quantiles_ms[0], digest.latency_quantiles_ms[200]), (50.0, 98.0));
        assert_eq!(digest.latency_quantiles_ms.len(), 201);
        assert_eq!((digest.series.len(), digest.blocks.len()), (20, 5));
        let point = digest.series[1];
        assert_eq!((point.at_s, point.frames, point.matched, point.latency_p50_ms), (0.5, 5, 4, Some(6.0)));
        assert!((point.kbps - 100.0).abs() < 1e-9, "{}", point.kbps);
        assert_eq!((digest.blocks[4].frames, digest.blocks[4].latency_ms.len()), (10, 9));
        assert_eq!((digest.stages_p50_ms.encode, digest.stages_p50_ms.there), (Some(1.0), None));
    }

    #[test]
    fn what_is_always_wrong_is_bias_and_the_rest_is_noise() {
        let digest = digest(&samples()[..8], span(100.0, 0.0, 0.8), &[], 100.0);
        assert_eq!(digest.series.len(), 1, "a part of half a second has no bitrate");
        let (bias, noise) = (digest.bias_px.expect("paired"), digest.noise_px.expect("paired"));
        for (found, expected) in [(bias[0], 0.3), (bias[1], 0.0), (noise[0], 0.0), (noise[1], 0.1)] {
            assert!((found - expected).abs() < 1e-6, "{bias:?} {noise:?}");
        }
        assert_eq!(super::digest(&[], Span::default(), &[], 0.0), Digest::default());
    }

    #[test]
    fn a_phase_has_its_own_figures_and_tells_when_its_first_coordinate_came() {
        let phase = |name: &str, from_s, to_s| Phase { name: name.to_owned(), from_s, to_s };
        let phases = digest(
            &samples(),
            span(99.5, 5.0, 5.5),
            &[phase("early", 0.0, 1.0), phase("lost", 1.85, 1.95), phase("none", 50.0, 60.0)],
            100.0,
        )
        .phases;
        assert_eq!((phases[0].matched, phases[0].latency_p95_ms), (Some(0.9), Some(8.0)));
        assert!(
            phases[0].first_coordinate_ms.is_some_and(|ms| ms.abs() < 1e-6)
                && phases[0].kbps.is_some_and(|kbps| (kbps - 100.0).abs() < 1e-6)
        );
        assert_eq!((phases[1].matched, phases[1].latency_p50_ms, phases[1].first_coordinate_ms), (Some(0.0), None, None));
        assert_eq!((phases[2].matched, phases[2].kbps), (None, None));
    }

    proptest! {
        #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

        #[test]
        fn every_measured_frame_is_in_one_block_and_one_point(times in prop::collection::vec(0.0..60.0f64, 0..300), warmup_s in 0.0..5.0f64) {
            let sample = |produced_s| Sample { produced_s, bytes: 1, answer: Some(SampleAnswer::default()), receiver: 1 };
            let samples: Vec<Sample> = times.into_iter().map(sample).collect();
            let digest = digest(&samples, span(0.0, warmup_s, 60.5 - warmup_s), &[], 0.0);
            prop_assert_eq!(digest.blocks.iter().map(|block| block.frames).sum::<u64>(), digest.frames);
            prop_assert_eq!(digest.series.iter().map(|point| point.frames).sum::<u64>(), samples.len() as u64);
            prop_assert!(digest.blocks.iter().all(|block| block.latency_ms.len() <= Block::MOST));
        }
    }
}
