//! Truth for footage: what a detector saw in the frame before it was encoded.

use crate::detect::{Detector, Extent, Sighting};
use crate::mapped::MappedPicture;
use crate::scene::{MAX_OBJECTS, TrueObject, Truth};
use crate::units::Px;

/// An object that went further than this many of its radii from one frame to the next is a new one.
const MOST_RADII: f64 = 4.0;

/// For sightings that are points: as far as a ball of the scenes' size may go.
const POINT_RADIUS_PX: f64 = 20.0;

/// A detector that is believed, and the identity of what it sees.
pub(super) struct Reference {
    detector: Box<dyn Detector>,
    seen: Vec<Sighting>,
    before: Truth,
    next_id: u32,
}

impl Reference {
    pub(super) fn new(detector: Box<dyn Detector>) -> Reference {
        Reference { detector, seen: Vec::new(), before: Truth::default(), next_id: 0 }
    }

    /// What is in this picture. A picture that cannot be read, or with more in it than a truth holds, has no known truth.
    pub(super) fn truth(&mut self, picture: Option<&MappedPicture>) -> Truth {
        self.seen.clear();
        let Some(view) = picture.and_then(|picture| picture.view().ok()) else { return Truth::unknown() };
        self.detector.detect(&view, &mut self.seen);
        if self.seen.len() > MAX_OBJECTS {
            // Some of them would have to be left out, and whoever sees those would be called wrong.
            return Truth::unknown();
        }
        self.before = identify(&self.before, &self.seen, &mut self.next_id);
        self.before
    }
}

/// Gives each sighting the identity of the nearest object of the frame before that is near enough and not taken, or a new one.
fn identify(before: &Truth, seen: &[Sighting], next_id: &mut u32) -> Truth {
    let mut free: Vec<TrueObject> = before.objects().to_vec();
    let object = |sighting: &Sighting| {
        let (centre_px, radius_px) = (sighting.centre_px, radius_px(sighting.extent));
        let distance = |object: &TrueObject| object.centre_px.distance(centre_px);
        let nearest = (0..free.len()).min_by(|&one, &other| distance(&free[one]).total_cmp(&distance(&free[other])));
        let known = nearest.filter(|&index| distance(&free[index]) <= MOST_RADII * radius_px.max(POINT_RADIUS_PX));
        let id = match known {
            Some(index) => free.swap_remove(index).id,
            None => {
                *next_id += 1;
                *next_id - 1
            }
        };
        TrueObject { id, centre_px, radius_px }
    };
    seen.iter().map(object).collect()
}

fn radius_px(extent: Extent) -> f64 {
    match extent {
        Extent::Point => 0.0,
        Extent::Radius(radius_px) => radius_px,
        Extent::Box(width, height) => Px { x: width / 2.0, y: height / 2.0 }.distance(Px::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sighting(x: f64, y: f64) -> Sighting {
        Sighting { label: "ball".into(), centre_px: Px { x, y }, extent: Extent::Radius(10.0), score: 1.0 }
    }

    #[test]
    fn objects_keep_their_identity_while_they_move_and_lose_it_when_they_jump() {
        let mut next_id = 0;
        let ids = |truth: &Truth| truth.objects().iter().map(|object| object.id).collect::<Vec<_>>();
        let first = identify(&Truth::default(), &[sighting(0.0, 0.0), sighting(100.0, 0.0)], &mut next_id);
        let moved = identify(&first, &[sighting(110.0, 5.0), sighting(5.0, 5.0)], &mut next_id);
        let jumped = identify(&moved, &[sighting(400.0, 0.0), sighting(7.0, 7.0)], &mut next_id);
        assert_eq!([ids(&first), ids(&moved), ids(&jumped)], [[0, 1], [1, 0], [2, 0]]);
    }
}
