//! The error in two parts: what is always the same, and what is chance.

use serde::Serialize;

use crate::random::Random;
use crate::units::Px;

/// Of so many offsets, evenly chosen from all, the quantile of the noise is taken: its standard error is then below half a percent
/// of a rank. They take 32 kB.
const MOST_KEPT: usize = 4096;

/// Where sightings lie from their objects: seen minus true.
#[derive(Debug, Default)]
pub(super) struct Offsets {
    count: u64,
    mean: Px,
    /// The sum of the squared distances from the mean (Welford 1962).
    squares: f64,
    /// Evenly chosen (Vitter 1985, algorithm R), since the mean is known only at the end.
    kept: Vec<[f32; 2]>,
    /// Random numbers used.
    drawn: u64,
}

/// The mean offset: what codec and detector do to every sighting alike.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bias {
    /// To the right, in pixels.
    pub x: Option<f64>,
    /// Downwards, in pixels.
    pub y: Option<f64>,
}

/// Distances of the sightings' offsets from their mean.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Noise {
    /// The root of their mean square, in pixels: with the bias it makes the mean square error.
    pub std: Option<f64>,
    /// Exceeded by one in twenty, in pixels.
    pub p95: Option<f64>,
}

impl Offsets {
    /// Takes in where something was seen, and where it was.
    pub(super) fn record(&mut self, seen: Px, truth: Px) {
        let offset = Px { x: seen.x - truth.x, y: seen.y - truth.y };
        self.count += 1;
        let from_old = Px { x: offset.x - self.mean.x, y: offset.y - self.mean.y };
        self.mean.x += from_old.x / self.count as f64;
        self.mean.y += from_old.y / self.count as f64;
        self.squares += from_old.x * (offset.x - self.mean.x) + from_old.y * (offset.y - self.mean.y);
        self.keep([offset.x as f32, offset.y as f32]);
    }

    fn keep(&mut self, offset: [f32; 2]) {
        if self.kept.len() < MOST_KEPT {
            return self.kept.push(offset);
        }
        let place = Random::new(0).bits(self.drawn) % self.count;
        self.drawn += 1;
        if let Some(kept) = usize::try_from(place).ok().and_then(|place| self.kept.get_mut(place)) {
            *kept = offset;
        }
    }

    pub(super) fn bias(&self) -> Bias {
        let measured = |value: f64| (self.count > 0).then_some(value);
        Bias { x: measured(self.mean.x), y: measured(self.mean.y) }
    }

    pub(super) fn noise(&self) -> Noise {
        let distance = |&[x, y]: &[f32; 2]| self.mean.distance(Px { x: x.into(), y: y.into() });
        let mut distances: Vec<f64> = self.kept.iter().map(distance).collect();
        let rank = (distances.len() * 95).div_ceil(100).checked_sub(1);
        let p95 = rank.map(|rank| *distances.select_nth_unstable_by(rank, f64::total_cmp).1);
        Noise { std: (self.count > 0).then(|| (self.squares / self.count as f64).sqrt()), p95 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bias_and_noise_are_told_apart_in_bounded_memory() {
        let mut offsets = Offsets::default();
        assert_eq!((offsets.bias().x, offsets.noise()), (None, Noise { std: None, p95: None }));
        // On a circle of radius 0.5 about (0.25, -1), and one in ten on a circle of radius 2.
        for step in 0..20_000u32 {
            let radius = if step % 10 == 0 { 2.0 } else { 0.5 };
            let (sin, cos) = (f64::from(step) * 0.7).sin_cos();
            let truth = Px { x: 300.0, y: 200.0 };
            offsets.record(Px { x: 300.25 + radius * cos, y: 199.0 + radius * sin }, truth);
        }
        let (bias, noise) = (offsets.bias(), offsets.noise());
        let near = |value: Option<f64>, expected: f64| (value.expect("measured") - expected).abs() < 0.01;
        assert!(near(bias.x, 0.25) && near(bias.y, -1.0), "{bias:?}");
        assert!(near(noise.std, 0.625f64.sqrt()) && near(noise.p95, 2.0), "{noise:?}");
        assert_eq!(offsets.kept.len(), MOST_KEPT);
        let old = offsets.kept.iter().zip(0..).filter(|([x, _], step)| {
            let radius = if step % 10 == 0 { 2.0 } else { 0.5 };
            (f64::from(*x) - 0.25 - radius * (f64::from(*step) * 0.7).cos()).abs() < 1e-4
        });
        assert!((600..1100).contains(&old.count()), "about 4096 of 20,000 are the first ones");
    }
}
