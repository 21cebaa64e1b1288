//! Pictures in memory: planar 4:2:0 (I420) with strides, as GStreamer lays them out.

use crate::units::Size;

/// Where the planes of an I420 picture lie in one block of memory. The same as GStreamer's default for `I420`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct I420Layout {
    /// Size of the luma plane; the chroma planes have half of it in both directions.
    pub size: Size,
    /// Bytes from one row to the next: Y, U, V.
    pub strides: [usize; 3],
    /// Bytes from the start of the block to each plane: Y, U, V.
    pub offsets: [usize; 3],
    /// Bytes in all.
    pub len: usize,
}

impl I420Layout {
    /// The default layout for a size: rows padded to a multiple of 4 bytes.
    pub fn new(size: Size) -> I420Layout {
        let (width, height) = (size.width() as usize, size.height() as usize);
        let luma = width.next_multiple_of(4);
        let chroma = (width / 2).next_multiple_of(4);
        let u = luma * height;
        let v = u + chroma * (height / 2);
        I420Layout { size, strides: [luma, chroma, chroma], offsets: [0, u, v], len: v + chroma * (height / 2) }
    }
}

/// One plane of a picture: rows of `width` bytes, `stride` bytes apart.
#[derive(Clone, Copy, Debug)]
pub struct Plane<'a> {
    data: &'a [u8],
    stride: usize,
    width: usize,
    height: usize,
}

/// The memory given for a plane is too small for its size and stride.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{len} bytes cannot hold a plane of {width}x{height} with {stride} bytes a row")]
pub struct PlaneTooSmall {
    /// Bytes given.
    pub len: usize,
    /// Pixels a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Bytes a row.
    pub stride: usize,
}

impl<'a> Plane<'a> {
    /// A view of `data`; the last row may end after `width` bytes.
    pub fn new(data: &'a [u8], width: usize, height: usize, stride: usize) -> Result<Plane<'a>, PlaneTooSmall> {
        let error = PlaneTooSmall { len: data.len(), width, height, stride };
        if width == 0 || height == 0 || stride < width {
            return Err(error);
        }
        let needed = (height - 1).checked_mul(stride).and_then(|rows| rows.checked_add(width)).ok_or(error)?;
        if data.len() < needed {
            return Err(error);
        }
        Ok(Plane { data, stride, width, height })
    }

    /// What is below the first `rows`; none if nothing is.
    fn below(&self, rows: usize) -> Option<Plane<'a>> {
        let height = self.height.checked_sub(rows).filter(|height| *height > 0)?;
        Some(Plane { data: &self.data[rows * self.stride..], height, ..*self })
    }

    /// Pixels a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The pixels of row `y`.
    ///
    /// # Panics
    /// When `y` is not below [`Plane::height`].
    pub fn row(&self, y: usize) -> &'a [u8] {
        assert!(y < self.height, "row {y} of {}", self.height);
        &self.data[y * self.stride..][..self.width]
    }
}

/// A borrowed I420 picture: full-size luma, chroma halved in both directions.
#[derive(Clone, Copy, Debug)]
pub struct I420View<'a> {
    /// Luma.
    pub y: Plane<'a>,
    /// Blue difference.
    pub u: Plane<'a>,
    /// Red difference.
    pub v: Plane<'a>,
}

impl<'a> I420View<'a> {
    /// A view of one block of memory.
    pub fn new(data: &'a [u8], layout: &I420Layout) -> Result<I420View<'a>, PlaneTooSmall> {
        let (width, height) = (layout.size.width() as usize, layout.size.height() as usize);
        let plane = |index: usize, width: usize, height: usize| {
            let rest = data.get(layout.offsets[index]..).unwrap_or_default();
            Plane::new(rest, width, height, layout.strides[index])
        };
        let (half_width, half_height) = (width / 2, height / 2);
        Ok(I420View {
            y: plane(0, width, height)?,
            u: plane(1, half_width, half_height)?,
            v: plane(2, half_width, half_height)?,
        })
    }

    /// The picture below its first `rows`, an even number; none if nothing is left.
    pub fn below(&self, rows: usize) -> Option<I420View<'a>> {
        Some(I420View { y: self.y.below(rows)?, u: self.u.below(rows / 2)?, v: self.v.below(rows / 2)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_is_gstreamers() {
        gstreamer::init().expect("GStreamer starts");
        for (width, height) in [(16, 16), (18, 22), (640, 480), (854, 480), (1278, 722), (1920, 1080)] {
            let layout = I420Layout::new(Size::new(width, height).expect("valid"));
            let info = gstreamer_video::VideoInfo::builder(gstreamer_video::VideoFormat::I420, width, height)
                .build()
                .expect("valid");
            assert_eq!(layout.len, info.size(), "{width}x{height}");
            assert_eq!(layout.offsets, info.offset()[..3], "{width}x{height}");
            assert_eq!(layout.strides.map(|s| s as i32), info.stride()[..3], "{width}x{height}");
        }
    }

    #[test]
    fn a_picture_can_be_cut_off_at_the_top() {
        let layout = I420Layout::new(Size::new(16, 18).expect("valid"));
        let data: Vec<u8> = (0..layout.len).map(|index| index as u8).collect();
        let view = I420View::new(&data, &layout).expect("large enough");
        let below = view.below(6).expect("12 rows are left");
        assert_eq!((below.y.height(), below.u.height(), below.v.height()), (12, 6, 6));
        assert_eq!((below.y.row(11), below.u.row(0), below.v.row(5)), (view.y.row(17), view.u.row(3), view.v.row(8)));
        assert!(view.below(16).is_some() && view.below(18).is_none() && view.below(usize::MAX - 1).is_none());
    }

    #[test]
    fn a_short_plane_is_refused() {
        assert!(Plane::new(&[0; 11], 4, 3, 4).is_err());
        assert!(Plane::new(&[0; 12], 4, 3, 4).is_ok());
        assert!(Plane::new(&[0; 12], 4, 3, 3).is_err());
        assert!(Plane::new(&[0; 14], 4, 3, 5).is_ok());
        assert!(Plane::new(&[0; 14], 4, usize::MAX, 5).is_err());
        assert!(Plane::new(&[], 0, 0, 0).is_err());
    }
}
