//! What a machine sees in a picture. Pure: a detector knows the picture and nothing else, least of all the scene.

use std::borrow::Cow;

use crate::frame::I420View;
use crate::units::Px;

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
