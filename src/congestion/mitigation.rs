//! What is done when the bitrate is too small for the pictures.

use std::time::Duration;

use serde::Serialize;

use crate::units::{Bitrate, Fps, Size};

/// Fewer bits a pixel than this, and the encoder makes more than it is asked for, or mud: x264 at its coarsest needs about this
/// for the hard scene.
const LEAST_BITS_PER_PIXEL: f64 = 0.02;

/// The step back is taken when it would leave so much more than the least, so that one rate never goes both ways.
const SPARE: f64 = 1.6;

/// And when that has been so for this long: each step costs a keyframe.
const PATIENCE: Duration = Duration::from_secs(3);

/// A smaller picture than this is not made: a ball of 20 pixels would be 5.
const LEAST_HEIGHT: u32 = 120;

/// And no lower rate.
const LEAST_FPS: u32 = 5;

/// What is left out of the video so that its bitrate suffices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Mitigation {
    /// Every so many frames one is made.
    pub fps_divisor: u32,
    /// Width and height are divided by this.
    pub scale: u32,
}

impl Mitigation {
    /// Nothing is left out.
    pub const NONE: Mitigation = Mitigation { fps_divisor: 1, scale: 1 };

    /// First every other frame, then half the width and height, then both again (webrtcsink's order).
    const LADDER: [Mitigation; 5] = [
        Mitigation::NONE,
        Mitigation { fps_divisor: 2, scale: 1 },
        Mitigation { fps_divisor: 2, scale: 2 },
        Mitigation { fps_divisor: 4, scale: 2 },
        Mitigation { fps_divisor: 4, scale: 4 },
    ];

    /// The size of the pictures; encoders want even sides.
    pub fn size(self, full: Size) -> Size {
        let side = |side: u32| (side / self.scale / 2 * 2).max(Size::MIN);
        Size::new(side(full.width()), side(full.height())).unwrap_or(full)
    }

    /// The rate of the frames, rounded up.
    pub fn fps(self, full: Fps) -> Fps {
        Fps::new(full.per_second().div_ceil(self.fps_divisor)).unwrap_or(full)
    }

    fn is_possible(self, size: Size, fps: Fps) -> bool {
        let size_is = self.scale == 1 || self.size(size).height() >= LEAST_HEIGHT;
        size_is && (self.fps_divisor == 1 || self.fps(fps).per_second() >= LEAST_FPS)
    }
}

/// Where on the ladder the video is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ladder {
    size: Size,
    fps: Fps,
    step: usize,
    better_since: Option<Duration>,
}

impl Ladder {
    pub(super) fn new(size: Size, fps: Fps) -> Ladder {
        Ladder { size, fps, step: 0, better_since: None }
    }

    pub(super) fn now(&self) -> Mitigation {
        Mitigation::LADDER[self.step]
    }

    /// Down at once as far as needed, up step by step.
    pub(super) fn on_bitrate(&mut self, bitrate: Bitrate, at: Duration) {
        let steps = (self.step + 1..Mitigation::LADDER.len()).take_while(|step| self.is_possible(*step));
        let needed: Vec<usize> = steps.collect();
        let mut down = needed.into_iter();
        while self.bits_per_pixel(self.step, bitrate) < LEAST_BITS_PER_PIXEL
            && let Some(step) = down.next()
        {
            self.step = step;
        }
        let is_better = self.step > 0 && self.bits_per_pixel(self.step - 1, bitrate) >= LEAST_BITS_PER_PIXEL * SPARE;
        self.better_since = is_better.then(|| self.better_since.unwrap_or(at));
        if self.better_since.is_some_and(|since| at.saturating_sub(since) >= PATIENCE) {
            self.step -= 1;
            self.better_since = None;
        }
    }

    fn is_possible(&self, step: usize) -> bool {
        Mitigation::LADDER[step].is_possible(self.size, self.fps)
    }

    fn bits_per_pixel(&self, step: usize, bitrate: Bitrate) -> f64 {
        let (size, fps) = (Mitigation::LADDER[step].size(self.size), Mitigation::LADDER[step].fps(self.fps));
        bitrate.as_bps() as f64 / (f64::from(size.width()) * f64::from(size.height()) * f64::from(fps.per_second()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ladder() -> Ladder {
        Ladder::new(Size::new(640, 480).expect("valid"), Fps::new(30).expect("valid"))
    }

    #[test]
    fn less_is_made_at_once_and_more_after_a_while() {
        let mut ladder = ladder();
        let mut at = |seconds: u64, kbps: u64| {
            ladder.on_bitrate(Bitrate::kbps(kbps), Duration::from_secs(seconds));
            (ladder.now().fps_divisor, ladder.now().scale)
        };
        assert_eq!(at(0, 1000), (1, 1));
        assert_eq!(at(1, 150), (2, 1));
        assert_eq!(at(2, 20), (4, 2), "120 lines are the least");
        assert_eq!([at(3, 1000), at(5, 1000), at(6, 1000)], [(4, 2), (4, 2), (2, 2)]);
        assert_eq!([at(7, 1000), at(9, 20)], [(2, 2), (4, 2)], "it has become worse meanwhile");
        assert_eq!(
            [at(10, 1000), at(13, 1000), at(14, 1000), at(17, 1000), at(18, 1000), at(21, 1000)].last(),
            Some(&(1, 1))
        );
    }

    #[test]
    fn no_bitrate_makes_it_go_to_and_fro() {
        for kbps in (20..1000).step_by(7) {
            let mut ladder = ladder();
            let steps: Vec<usize> = (0..100)
                .map(|second| {
                    ladder.on_bitrate(Bitrate::kbps(kbps), Duration::from_secs(second));
                    ladder.step
                })
                .collect();
            assert!(steps.iter().all(|step| *step == steps[0]), "{kbps} kbit/s: {steps:?}");
        }
    }

    #[test]
    fn sizes_stay_even_and_rates_whole() {
        let quarter = Mitigation { fps_divisor: 4, scale: 4 };
        assert_eq!(quarter.size(Size::new(1000, 502).expect("valid")), Size::new(250, 124).expect("valid"));
        assert_eq!(quarter.fps(Fps::new(25).expect("valid")).per_second(), 7);
    }
}
