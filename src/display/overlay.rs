//! Sightings drawn into an I420 picture: a cross at the centre, a circle or a box around it.

use crate::detect::{Extent, Sighting};
use crate::frame::I420Layout;
use crate::units::Px;

/// Half the length of the cross.
const CROSS_PX: f64 = 6.0;

/// Magenta in BT.601, as Y, U, V: far from anything that is grey, and from grass, skin and sky.
const COLOUR: [u8; 3] = [106, 202, 222];

/// Draws the sightings into a picture. What lies outside of it, or nowhere (not a number), is left out.
pub fn draw(picture: &mut [u8], layout: &I420Layout, sightings: &[Sighting]) {
    let mut canvas = Canvas { picture, layout };
    for sighting in sightings {
        let Px { x, y } = sighting.centre_px;
        canvas.horizontal(x - CROSS_PX, x + CROSS_PX, y);
        canvas.vertical(x, y - CROSS_PX, y + CROSS_PX);
        match sighting.extent {
            Extent::Point => {}
            Extent::Radius(radius_px) => canvas.circle(sighting.centre_px, radius_px),
            Extent::Box(width_px, height_px) => canvas.rectangle(sighting.centre_px, width_px, height_px),
        }
    }
}

struct Canvas<'a> {
    picture: &'a mut [u8],
    layout: &'a I420Layout,
}

impl Canvas<'_> {
    /// Colours the pixel nearest to a point, and the chroma that it shares with its neighbours.
    fn dot(&mut self, x: f64, y: f64) {
        let (x, y) = (x.round(), y.round());
        let inside = |at: f64, side: u32| at >= 0.0 && at < f64::from(side);
        if !inside(x, self.layout.size.width()) || !inside(y, self.layout.size.height()) {
            return;
        }
        let (x, y) = (x as usize, y as usize);
        for (plane, (x, y)) in [(x, y), (x / 2, y / 2), (x / 2, y / 2)].into_iter().enumerate() {
            let at = self.layout.offsets[plane] + y * self.layout.strides[plane] + x;
            if let Some(sample) = self.picture.get_mut(at) {
                *sample = COLOUR[plane];
            }
        }
    }

    fn horizontal(&mut self, from_x: f64, to_x: f64, y: f64) {
        for x in pixels(from_x, to_x, self.layout.size.width()) {
            self.dot(x, y);
        }
    }

    fn vertical(&mut self, x: f64, from_y: f64, to_y: f64) {
        for y in pixels(from_y, to_y, self.layout.size.height()) {
            self.dot(x, y);
        }
    }

    /// Row by row where it is steep, column by column where it is flat; both give a line without gaps.
    fn circle(&mut self, centre: Px, radius_px: f64) {
        let reach = |from_centre: f64| (radius_px * radius_px - from_centre * from_centre).sqrt();
        for y in pixels(centre.y - radius_px, centre.y + radius_px, self.layout.size.height()) {
            self.dot(centre.x - reach(y - centre.y), y);
            self.dot(centre.x + reach(y - centre.y), y);
        }
        for x in pixels(centre.x - radius_px, centre.x + radius_px, self.layout.size.width()) {
            self.dot(x, centre.y - reach(x - centre.x));
            self.dot(x, centre.y + reach(x - centre.x));
        }
    }

    fn rectangle(&mut self, centre: Px, width_px: f64, height_px: f64) {
        let (left, right) = (centre.x - width_px / 2.0, centre.x + width_px / 2.0);
        let (top, bottom) = (centre.y - height_px / 2.0, centre.y + height_px / 2.0);
        self.horizontal(left, right, top);
        self.horizontal(left, right, bottom);
        self.vertical(left, top, bottom);
        self.vertical(right, top, bottom);
    }
}

/// The pixels from one coordinate to another that lie in the picture; none for what is not a number.
fn pixels(from: f64, to: f64, side: u32) -> impl Iterator<Item = f64> {
    let first = from.max(0.0).ceil() as u32;
    let end = (to.min(f64::from(side) - 1.0).floor() + 1.0).max(0.0) as u32;
    let range = if from.is_nan() || to.is_nan() { 0..0 } else { first..end };
    range.map(f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Size;
    use proptest::prelude::*;

    fn drawn(width: u32, height: u32, centre_px: Px, extent: Extent) -> (I420Layout, Vec<u8>) {
        let layout = I420Layout::new(Size::new(width, height).expect("valid"));
        let mut picture = vec![0; layout.len];
        draw(&mut picture, &layout, &[Sighting { label: "ball".into(), centre_px, extent, score: 1.0 }]);
        (layout, picture)
    }

    fn coloured(layout: &I420Layout, picture: &[u8]) -> Vec<Px> {
        let (width, height) = (layout.size.width() as usize, layout.size.height() as usize);
        let points = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        points
            .filter(|(x, y)| picture[y * layout.strides[0] + x] != 0)
            .map(|(x, y)| Px { x: x as f64, y: y as f64 })
            .collect()
    }

    #[test]
    fn the_circle_is_round_closed_and_where_the_ball_is() {
        let centre = Px { x: 50.3, y: 40.7 };
        let (layout, picture) = drawn(100, 80, centre, Extent::Radius(20.0));
        let ring: Vec<Px> = coloured(&layout, &picture).into_iter().filter(|p| p.distance(centre) > 10.0).collect();
        assert!(ring.iter().all(|p| (p.distance(centre) - 20.0).abs() < 0.75));
        let gap = |p: &Px| !ring.iter().any(|q| p != q && (p.x - q.x).abs() <= 1.0 && (p.y - q.y).abs() <= 1.0);
        assert!(ring.len() > 100 && !ring.iter().any(gap), "{}", ring.len());
    }

    #[test]
    fn the_box_and_the_cross_are_where_they_belong() {
        let (layout, picture) = drawn(64, 48, Px { x: 32.0, y: 24.0 }, Extent::Box(20.0, 10.0));
        let points = coloured(&layout, &picture);
        for (x, y, inside) in
            [(22.0, 19.0, true), (42.0, 29.0, true), (32.0, 24.0, true), (38.0, 24.0, true), (39.0, 24.0, false)]
        {
            assert_eq!(points.contains(&Px { x, y }), inside, "{x} {y}");
        }
        let chroma = layout.offsets[1] + 12 * layout.strides[1] + 16;
        assert_eq!(picture[chroma], COLOUR[1]);
    }

    proptest! {
        #[test]
        fn anything_can_be_drawn(x in any::<f64>(), y in any::<f64>(), a in any::<f64>(), b in any::<f64>()) {
            for extent in [Extent::Point, Extent::Radius(a), Extent::Box(a, b)] {
                drawn(16, 18, Px { x, y }, extent);
            }
        }

        #[test]
        fn what_is_partly_outside_is_cut(x in -50.0..150.0f64, y in -50.0..150.0f64, radius in 0.0..1e6f64) {
            drawn(100, 80, Px { x, y }, Extent::Radius(radius));
        }
    }
}
