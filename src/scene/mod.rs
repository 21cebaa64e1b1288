//! Seeded scenes with exact truth.

use crate::units::Px;

/// The most objects a scene has.
pub const MAX_OBJECTS: usize = 8;

/// Where one object truly is.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct TrueObject {
    /// Its identity, the same in every frame.
    pub id: u32,
    /// Its centre.
    pub centre_px: Px,
    /// Its radius in pixels.
    pub radius_px: f64,
}

/// Where all objects of a scene truly are at one moment: at most [`MAX_OBJECTS`], no allocation.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Truth {
    objects: [TrueObject; MAX_OBJECTS],
    len: usize,
}

impl Truth {
    /// The objects, by identity.
    pub fn objects(&self) -> &[TrueObject] {
        &self.objects[..self.len]
    }
}

impl FromIterator<TrueObject> for Truth {
    /// Takes the first [`MAX_OBJECTS`].
    fn from_iter<I: IntoIterator<Item = TrueObject>>(objects: I) -> Truth {
        let mut truth = Truth::default();
        for object in objects.into_iter().take(MAX_OBJECTS) {
            truth.objects[truth.len] = object;
            truth.len += 1;
        }
        truth
    }
}
