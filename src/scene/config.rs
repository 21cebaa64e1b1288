//! What can be asked of a scene, and what is refused.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::units::{Fps, Size};
use crate::witness;

/// Which scene is played; named on the command line and in JSON in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SceneKind {
    /// One ball with an exact edge on a flat background, at constant speed off the edges of the frame.
    Ball,
    /// The same ball with a soft edge and noise of its own, on a gradient with noise.
    Hard,
    /// One ball that falls and bounces off the floor without loss.
    Gravity,
    /// Eight balls of different sizes and speeds that cross each other.
    Many,
}

impl SceneKind {
    /// Every scene.
    pub const ALL: [SceneKind; 4] = [SceneKind::Ball, SceneKind::Hard, SceneKind::Gravity, SceneKind::Many];

    /// As on the command line: `ball`, `hard`, …
    pub fn name(self) -> &'static str {
        match self {
            SceneKind::Ball => "ball",
            SceneKind::Hard => "hard",
            SceneKind::Gravity => "gravity",
            SceneKind::Many => "many",
        }
    }
}

impl fmt::Display for SceneKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name().fmt(f)
    }
}

/// Not the name of a scene.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown scene '{0}'; there are {names}", names = SceneKind::ALL.map(SceneKind::name).join(", "))]
pub struct UnknownScene(String);

impl FromStr for SceneKind {
    type Err = UnknownScene;

    fn from_str(text: &str) -> Result<SceneKind, UnknownScene> {
        let named = |kind: &SceneKind| kind.name() == text;
        SceneKind::ALL.into_iter().find(named).ok_or_else(|| UnknownScene(text.to_owned()))
    }
}

/// What a scene is made from. The same values give the same scene, bit for bit, on every machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SceneConfig {
    /// Which scene.
    pub kind: SceneKind,
    /// Size of the frames.
    pub size: Size,
    /// The number of each frame is drawn into its top left corner ([`crate::witness`]). The balls then move below the rows that
    /// the code needs: none is ever hidden by it, and the truth is of where they are.
    pub frame_code: bool,
    /// Frames per second: says when each frame is.
    pub fps: Fps,
    /// Radius of the ball, of the largest one in `many`: [`SceneConfig::MIN_RADIUS_PX`] to a quarter of the shorter side of
    /// where the balls may be, so that half of it stays free for them to move in.
    pub radius_px: f64,
    /// Speed, 0 to [`SceneConfig::MAX_SPEED_PX_PER_S`]. `gravity`: the mean speed, the floor is hit faster. `many`: each ball
    /// has its own, 0.5 to 1.5 times this.
    pub speed_px_per_s: f64,
    /// Chooses where the balls start, which way they go, and the noise.
    pub seed: u64,
}

/// Why a scene cannot be.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SceneError {
    /// Not within the range for this size, or not a number.
    #[error(
        "radius {radius_px} px does not fit a {size} scene: {} to {max_px} px, so that the ball has room to move; \
         choose another radius or a larger size",
        SceneConfig::MIN_RADIUS_PX
    )]
    Radius {
        /// As asked for.
        radius_px: f64,
        /// The size it has to fit.
        size: Size,
        /// The largest that fits.
        max_px: f64,
    },
    /// There is no room for the code.
    #[error("a {0} scene has no room for a frame code; choose 104x120 or larger, or no frame code")]
    FrameCode(Size),
    /// Not within the range, or not a number.
    #[error(
        "speed {speed_px_per_s} px/s is out of range: 0 to {} px/s; try {}",
        SceneConfig::MAX_SPEED_PX_PER_S,
        SceneConfig::DEFAULT_SPEED_PX_PER_S
    )]
    Speed {
        /// As asked for.
        speed_px_per_s: f64,
    },
}

impl SceneConfig {
    /// What the published measurements of other systems use, so that figures compare.
    pub const DEFAULT_RADIUS_PX: f64 = 20.0;
    /// Across a 640x480 frame and back in about six seconds; 4 px from one frame to the next at 60 fps, so that an answer
    /// joined to the wrong frame shows.
    pub const DEFAULT_SPEED_PX_PER_S: f64 = 240.0;
    /// Below it a ball is a dot of a dozen pixels, and its 8-bit edge no longer tells a hundredth of a pixel after coding.
    pub const MIN_RADIUS_PX: f64 = 2.0;
    /// Twelve widths of an 8K frame in a second: nothing is seen of a faster ball.
    pub const MAX_SPEED_PX_PER_S: f64 = 100_000.0;

    /// A scene with the default radius and speed, and seed 1. Change the fields for others.
    pub fn new(kind: SceneKind, size: Size, fps: Fps) -> SceneConfig {
        let (radius_px, speed_px_per_s) = (SceneConfig::DEFAULT_RADIUS_PX, SceneConfig::DEFAULT_SPEED_PX_PER_S);
        SceneConfig { kind, size, fps, radius_px, speed_px_per_s, seed: 1, frame_code: false }
    }

    /// Rows at the top that the balls keep clear of.
    pub(super) fn reserved_rows(&self) -> u32 {
        if self.frame_code { witness::reserved_rows(self.size).unwrap_or(0) } else { 0 }
    }

    pub(super) fn max_radius_px(&self) -> f64 {
        f64::from(self.size.width().min(self.size.height() - self.reserved_rows())) / 4.0
    }

    pub(super) fn check(&self) -> Result<(), SceneError> {
        let SceneConfig { size, radius_px, speed_px_per_s, .. } = *self;
        if self.frame_code && self.reserved_rows() == 0 {
            return Err(SceneError::FrameCode(size));
        }
        let max_px = self.max_radius_px();
        if !(SceneConfig::MIN_RADIUS_PX..=max_px).contains(&radius_px) {
            return Err(SceneError::Radius { radius_px, size, max_px });
        }
        if !(0.0..=SceneConfig::MAX_SPEED_PX_PER_S).contains(&speed_px_per_s) {
            return Err(SceneError::Speed { speed_px_per_s });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(kind: SceneKind) -> SceneConfig {
        SceneConfig::new(kind, Size::new(640, 480).unwrap(), Fps::new(60).unwrap())
    }

    #[test]
    fn scenes_have_one_name_everywhere_and_an_unknown_one_lists_them() {
        for kind in SceneKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
        }
        let error = "bal".parse::<SceneKind>().unwrap_err().to_string();
        assert_eq!(error, "unknown scene 'bal'; there are ball, hard, gravity, many");
    }

    #[test]
    fn impossible_scenes_are_refused_with_what_is_allowed() {
        for radius_px in [0.0, -20.0, 1.9, 120.1, f64::NAN, f64::INFINITY] {
            let error = SceneConfig { radius_px, ..config(SceneKind::Ball) }.check().unwrap_err().to_string();
            assert!(error.starts_with(&format!("radius {radius_px} px")) && error.contains("2 to 120 px"), "{error}");
        }
        for speed_px_per_s in [-1.0, 100_001.0, f64::NAN, f64::INFINITY] {
            let error = SceneConfig { speed_px_per_s, ..config(SceneKind::Ball) }.check().unwrap_err().to_string();
            assert!(error.starts_with(&format!("speed {speed_px_per_s} px/s")) && error.contains("100000"), "{error}");
        }
    }

    #[test]
    fn a_code_needs_room_and_takes_it_from_the_ball() {
        let coded = |width, height| {
            let size = Size::new(width, height).unwrap();
            SceneConfig { frame_code: true, radius_px: 20.0, size, ..config(SceneKind::Ball) }.check()
        };
        let error = coded(102, 120).unwrap_err().to_string();
        assert!(error.contains("102x120") && error.contains("104x120"), "{error}");
        assert_eq!(coded(104, 120), Ok(()));
        let error = SceneConfig { frame_code: true, radius_px: 111.0, ..config(SceneKind::Ball) }.check().unwrap_err();
        assert!(error.to_string().contains("2 to 110 px"), "{error}");
    }

    #[test]
    fn the_extremes_are_allowed() {
        for (radius_px, speed_px_per_s) in [(2.0, 0.0), (120.0, 100_000.0)] {
            assert_eq!(SceneConfig { radius_px, speed_px_per_s, ..config(SceneKind::Hard) }.check(), Ok(()));
        }
    }
}
