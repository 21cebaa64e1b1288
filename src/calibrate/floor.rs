//! What renderer and detector get wrong on their own.

use serde::Serialize;

use super::STRIDE;
use crate::detect;
use crate::frame::{I420Layout, I420View};
use crate::report::{Distribution, Spread, raw_error_px};
use crate::scene::Scene;
use crate::units::FrameNumber;
use crate::witness;

/// The detector of a receiver that was not told otherwise.
pub const DETECTOR: &str = "ball";

/// The error of a scene's frames as they were drawn: no codec and no network can make it smaller.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SceneFloor {
    /// The scene.
    pub scene: &'static str,
    /// What looked.
    pub detector: &'static str,
    /// Frames that were looked at.
    pub frames: u64,
    /// Distance of a sighting from its object.
    pub error_px: Spread,
}

/// Draws frames from all over the scene's course, looks at each, and compares. No clock, no codec: the same on every machine.
pub fn scene_floor(scene: &Scene, frames: u64) -> SceneFloor {
    let config = scene.config();
    let (layout, mut canvas) = (I420Layout::new(config.size), scene.new_canvas());
    let (mut error_px, mut found) = (Distribution::new(), Vec::new());
    let (mut detector, mut codes) = (detect::Ball::default(), witness::Reader::default());
    for number in 0..frames {
        let truth = scene.draw(&mut canvas, FrameNumber(number * STRIDE));
        let Ok(view) = I420View::new(canvas.pixels(), &layout) else { continue };
        found.clear();
        detect::below_code(&mut detector, &mut codes, &view, &mut found);
        raw_error_px(&truth, &found).for_each(|error| error_px.record(error));
    }
    SceneFloor { scene: config.kind.name(), detector: DETECTOR, frames, error_px: error_px.spread() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{SceneConfig, SceneKind};
    use crate::units::{Fps, Size};

    #[test]
    fn the_floor_of_every_scene_is_far_below_a_pixel_with_and_without_codes() {
        for kind in SceneKind::ALL {
            for frame_code in [false, true] {
                let config = SceneConfig::new(kind, Size::new(640, 480).unwrap(), Fps::new(30).unwrap());
                let floor = scene_floor(&Scene::new(SceneConfig { frame_code, ..config }).unwrap(), 20);
                let p50 = floor.error_px.p50.expect("found");
                assert!(p50 < 0.05, "{kind}: {p50}");
            }
        }
    }
}
