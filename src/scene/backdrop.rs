//! What is behind the balls. It stands still: noise that changed in every frame would have every frame painted anew.

use crate::frame::I420Layout;

use super::config::{SceneConfig, SceneKind};
use crate::random::Random;

/// Luma of a flat background. Dark, and far enough above 16 (black in video range, ITU-R BT.601 section 2.5.3) that what an encoder
/// rings below it is not cut off.
pub(super) const FLAT_LUMA: u8 = 32;
/// Luma of the gradient where it is darkest, at the top left.
const GRADIENT_DARK: f64 = 40.0;
/// Luma of the gradient where it is brightest, at the bottom right: with its noise well below a ball.
const GRADIENT_BRIGHT: f64 = 104.0;
/// No colour.
const NEUTRAL_CHROMA: u8 = 128;
/// The most that noise adds or takes away; its standard deviation is 5, as a small camera's in room light.
pub(super) const NOISE_LUMA: u8 = 12;

/// The whole picture without balls, in one block of this layout.
pub(super) fn render(config: &SceneConfig, layout: &I420Layout, random: Random) -> Vec<u8> {
    let mut pixels = vec![NEUTRAL_CHROMA; layout.len];
    let luma = &mut pixels[..layout.offsets[1]];
    match config.kind {
        SceneKind::Hard => render_gradient(luma, layout, random),
        SceneKind::Ball | SceneKind::Gravity | SceneKind::Many => luma.fill(FLAT_LUMA),
    }
    pixels
}

fn render_gradient(luma: &mut [u8], layout: &I420Layout, random: Random) {
    let (width, height) = (f64::from(layout.size.width()), f64::from(layout.size.height()));
    for (y, row) in luma.chunks_exact_mut(layout.strides[0]).enumerate() {
        for (x, pixel) in row.iter_mut().enumerate() {
            let share = (x as f64 / width + y as f64 / height) / 2.0;
            let smooth = GRADIENT_DARK + (GRADIENT_BRIGHT - GRADIENT_DARK) * share;
            *pixel = (smooth + noise(random, x, y)) as u8;
        }
    }
}

/// The noise of one pixel: a whole number, triangularly distributed within [`NOISE_LUMA`] around 0.
pub(super) fn noise(random: Random, x: usize, y: usize) -> f64 {
    let bits = random.bits((y as u64) << 32 | x as u64);
    // Two uniform numbers of 0 to NOISE_LUMA from 32 bits each.
    let uniform = |bits: u32| (u64::from(bits) * (u64::from(NOISE_LUMA) + 1)) >> 32;
    (uniform(bits as u32) + uniform((bits >> 32) as u32)) as f64 - f64::from(NOISE_LUMA)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_centred_and_as_strong_as_it_says() {
        let values: Vec<f64> = (0..40_000).map(|i| noise(Random::new(7), i % 200, i / 200)).collect();
        let mean = values.iter().sum::<f64>() / 4e4;
        let deviation = (values.iter().map(|v| v * v).sum::<f64>() / 4e4).sqrt();
        assert!(mean.abs() < 0.1 && (deviation - 5.3).abs() < 0.1, "{mean} {deviation}");
        assert!(values.contains(&12.0) && values.contains(&-12.0));
    }
}
