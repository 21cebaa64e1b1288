//! What a machine sees in a picture. Pure: a detector knows the picture and nothing else, least of all the scene.
//!
//! [`by_name`] makes the detectors of this crate:
//!
//! - `ball`: every bright disk with its sub-pixel centre and radius, for scenes clean and hard.
//! - `naive`: the first bright pixel, the yardstick.

mod ball;
mod naive;
#[cfg(test)]
mod testing;

use std::borrow::Cow;

pub use ball::Ball;
pub use naive::Naive;

use crate::frame::I420View;
use crate::units::Px;
use crate::witness;

/// What was seen, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Sighting {
    /// What it is, for example `ball`.
    pub label: Cow<'static, str>,
    /// Its centre.
    pub centre_px: Px,
    /// How far it reaches.
    pub extent: Extent,
    /// How sure the detector is, 0 to 1.
    pub score: f64,
}

/// How far a sighting reaches around its centre.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Extent {
    /// Only a point is known.
    Point,
    /// A disk.
    Radius(f64),
    /// A box of this width and height.
    Box(f64, f64),
}

/// Looks at pictures, one after the other, on one thread.
pub trait Detector: Send {
    /// Puts what is seen in `frame` into `found`, which comes empty. Keeps its own memory from frame to frame only as working
    /// space: the same picture gives the same sightings, whatever came before.
    fn detect(&mut self, frame: &I420View<'_>, found: &mut Vec<Sighting>);
}

/// Reads the frame code, if there is one, and lets the detector see what is below it; gives the number that was read. Sightings
/// are in pixels of the whole picture.
pub fn below_code(
    detector: &mut dyn Detector,
    codes: &mut witness::Reader,
    frame: &I420View<'_>,
    found: &mut Vec<Sighting>,
) -> Option<u32> {
    let (code, below, rows) = codes.read(frame);
    detector.detect(&below, found);
    found.iter_mut().for_each(|sighting| sighting.centre_px.y += rows as f64);
    code
}

/// The names [`by_name`] knows, the best first.
pub const NAMES: [&str; 2] = ["ball", "naive"];

/// No detector has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("detector '{0}' is unknown: choose one of {known}", known = NAMES.join(", "))]
pub struct UnknownDetector(pub String);

/// Makes the detector of this name; names are those of [`NAMES`].
pub fn by_name(name: &str) -> Result<Box<dyn Detector>, UnknownDetector> {
    match name {
        "ball" => Ok(Box::new(Ball::default())),
        "naive" => Ok(Box::new(Naive)),
        _ => Err(UnknownDetector(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_detector_exists_and_an_unknown_one_is_answered_with_the_list() {
        for name in NAMES {
            assert!(by_name(name).is_ok(), "{name}");
        }
        let error = by_name("Ball").err().expect("names are exact").to_string();
        assert!(error.contains("'Ball'") && error.contains("ball, naive"), "{error}");
    }
}
