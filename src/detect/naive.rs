//! The first bright pixel: the yardstick, wrong by about the radius.

use super::{Detector, Extent, Sighting};
use crate::frame::I420View;
use crate::units::Px;

/// Luma from here on is bright. White is 235 in video range (ITU-R BT.601) and a lossy codec rings by some steps around an
/// edge, so that the 255 one would look for in a drawn picture never arrives.
const BRIGHT: u8 = 200;

/// Finds the first pixel in row-major order whose luma is at least 200 and calls it the ball. Knows no centre and no radius:
/// on a disk it answers with a point of the upper edge. On a background that bright it answers with the background.
#[derive(Clone, Copy, Debug, Default)]
pub struct Naive;

impl Detector for Naive {
    fn detect(&mut self, frame: &I420View<'_>, found: &mut Vec<Sighting>) {
        let first = (0..frame.y.height()).find_map(|y| Some((first_bright(frame.y.row(y))?, y)));
        found.extend(first.map(|(x, y)| Sighting {
            label: "ball".into(),
            centre_px: Px { x: x as f64, y: y as f64 },
            extent: Extent::Point,
            score: 1.0,
        }));
    }
}

/// Looks at 64 pixels at once, which the compiler turns into vector comparisons, and only then at each.
fn first_bright(row: &[u8]) -> Option<usize> {
    let block = row.chunks(64).position(|block| block.iter().fold(0, |most, &luma| most.max(luma)) >= BRIGHT)?;
    row[block * 64..].iter().position(|&luma| luma >= BRIGHT).map(|x| block * 64 + x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::testing::{Picture, found_by};

    #[test]
    fn the_first_bright_pixel_in_reading_order_is_reported_and_darkness_is_not() {
        let mut picture = Picture::flat(130, 40, 199);
        assert_eq!(found_by(&mut Naive, &picture), []);
        for (x, y) in [(3, 30), (129, 20), (7, 21)] {
            picture.set(x, y, 200);
        }
        let found = found_by(&mut Naive, &picture);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].centre_px, Px { x: 129.0, y: 20.0 });
        assert_eq!(found[0].extent, Extent::Point);
    }
}
