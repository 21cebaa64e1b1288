//! One annotated frame as a PNG file.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::overlay;
use crate::detect::Sighting;
use crate::frame::{I420Layout, I420View, Plane, PlaneTooSmall};

/// Why there is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The picture is smaller than it says.
    #[error("the frame is incomplete: {0}")]
    Frame(#[from] PlaneTooSmall),
    /// The file cannot be written.
    #[error("cannot write the snapshot {}: {source}; choose another --snapshot", path.display())]
    Unwritable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Writes a frame and what was seen in it as an RGB PNG file.
///
/// # Errors
/// When the frame is shorter than its layout says, or the file cannot be written.
pub fn save(path: &Path, frame: &[u8], layout: &I420Layout, sightings: &[Sighting]) -> Result<(), SnapshotError> {
    let mut picture = frame.to_owned();
    overlay::draw(&mut picture, layout, sightings);
    let rgb = rgb(&I420View::new(&picture, layout)?);
    let (width, height) = (layout.size.width(), layout.size.height());
    write_png(path, width, height, &rgb).map_err(|source| SnapshotError::Unwritable { path: path.to_owned(), source })
}

fn write_png(path: &Path, width: u32, height: u32, rgb: &[u8]) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(rgb)?;
    writer.finish()?;
    file.flush()
}

/// Shares of red and blue in luma. Frames of more than 576 lines are BT.709, others BT.601: GStreamer's rule for video that
/// does not say what it is (`gst_video_info_set_format`), also for encoders and players.
struct Matrix {
    red: f64,
    blue: f64,
}

impl Matrix {
    fn of_height(lines: usize) -> Matrix {
        if lines > 576 { Matrix { red: 0.2126, blue: 0.0722 } } else { Matrix { red: 0.299, blue: 0.114 } }
    }

    /// From limited range: luma 16 to 235, chroma 16 to 240 around 128.
    fn rgb(&self, y: u8, u: u8, v: u8) -> [u8; 3] {
        let luma = (f64::from(y) - 16.0) * 255.0 / 219.0;
        let (blue_difference, red_difference) = (chroma(u), chroma(v));
        let red = luma + 2.0 * (1.0 - self.red) * red_difference;
        let blue = luma + 2.0 * (1.0 - self.blue) * blue_difference;
        let green = (luma - self.red * red - self.blue * blue) / (1.0 - self.red - self.blue);
        // The cast saturates: what video cannot say in RGB is cut.
        [red, green, blue].map(|value| value.round() as u8)
    }
}

fn chroma(sample: u8) -> f64 {
    (f64::from(sample) - 128.0) * 255.0 / 224.0
}

/// Three bytes a pixel, row by row; each chroma sample colours its four pixels.
fn rgb(frame: &I420View<'_>) -> Vec<u8> {
    let matrix = Matrix::of_height(frame.y.height());
    let sample =
        |plane: &Plane<'_>, x: usize, y: usize| plane.row((y / 2).min(plane.height() - 1))[(x / 2).min(plane.width() - 1)];
    let pixel = |x, y, luma| matrix.rgb(luma, sample(&frame.u, x, y), sample(&frame.v, x, y));
    (0..frame.y.height())
        .flat_map(|y| frame.y.row(y).iter().enumerate().flat_map(move |(x, luma)| pixel(x, y, *luma)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::Extent;
    use crate::units::{Px, Size};
    use gstreamer_video::prelude::*;
    use gstreamer_video::{VideoConverter, VideoFormat, VideoFrame, VideoInfo};

    /// Every chroma block has one colour, so that filters between blocks play no role.
    fn flat_colours(layout: &I420Layout) -> Vec<u8> {
        let mut picture = vec![0; layout.len];
        for (plane, (base, step)) in [(30u8, 23u8), (100, 3), (90, 5)].into_iter().enumerate() {
            let rows = picture[layout.offsets[plane]..].chunks_mut(layout.strides[plane]);
            let block_rows = if plane == 0 { 16 } else { 8 };
            for (y, row) in rows.take(layout.size.height() as usize / if plane == 0 { 1 } else { 2 }).enumerate() {
                row.fill(base + step * ((y / block_rows) % 9) as u8);
            }
        }
        picture
    }

    /// To 16 bits: its short cut to 8 bits is up to 6 off, as much as the wrong matrix.
    fn converted_by_gstreamer(picture: Vec<u8>, size: Size) -> VideoFrame<gstreamer_video::video_frame::Readable> {
        let info = |format| VideoInfo::builder(format, size.width(), size.height()).build().expect("valid");
        let (from, to) = (info(VideoFormat::I420), info(VideoFormat::Argb64Be));
        let from_frame =
            VideoFrame::from_buffer_readable(gstreamer::Buffer::from_slice(picture), &from).expect("large enough");
        let to_buffer = gstreamer::Buffer::with_size(to.size()).expect("memory");
        let mut to_frame = VideoFrame::from_buffer_writable(to_buffer, &to).expect("large enough");
        VideoConverter::new(&from, &to, None).expect("possible").frame(&from_frame, &mut to_frame);
        VideoFrame::from_buffer_readable(to_frame.into_buffer(), &to).expect("large enough")
    }

    #[test]
    fn colours_are_gstreamers() {
        gstreamer::init().expect("GStreamer starts");
        for (width, height) in [(64, 144), (64, 720)] {
            let layout = I420Layout::new(Size::new(width, height).expect("valid"));
            let picture = flat_colours(&layout);
            let ours = rgb(&I420View::new(&picture, &layout).expect("whole"));
            let theirs = converted_by_gstreamer(picture.clone(), layout.size);
            let stride = theirs.plane_stride()[0] as usize;
            let data = theirs.plane_data(0).expect("one plane");
            for y in (8..height as usize).step_by(16) {
                let (ours, theirs) = (&ours[y * width as usize * 3..][..3], &data[y * stride..][..8]);
                let high_bytes = [theirs[2], theirs[4], theirs[6]];
                assert!(
                    ours.iter().zip(high_bytes).all(|(a, b)| a.abs_diff(b) <= 2),
                    "{height} {y}: {ours:?} {high_bytes:?}"
                );
            }
        }
    }

    #[test]
    fn the_file_reads_back_with_the_sighting_in_it() {
        let layout = I420Layout::new(Size::new(64, 48).expect("valid"));
        let mut grey = vec![128; layout.len];
        grey[..layout.offsets[1]].fill(16);
        let ball =
            Sighting { label: "ball".into(), centre_px: Px { x: 30.0, y: 20.0 }, extent: Extent::Radius(9.0), score: 1.0 };
        let file = tempfile::NamedTempFile::new().expect("a file");
        save(file.path(), &grey, &layout, &[ball]).expect("saved");
        let reader = png::Decoder::new(io::BufReader::new(File::open(file.path()).expect("there"))).read_info();
        let mut reader = reader.expect("a PNG file");
        let mut rgb = vec![0; reader.output_buffer_size().expect("small")];
        let info = reader.next_frame(&mut rgb).expect("a picture");
        assert_eq!((info.width, info.height), (64, 48));
        let pixel = |x: usize, y: usize| &rgb[(y * 64 + x) * 3..][..3];
        assert_eq!(pixel(0, 0), [0, 0, 0]);
        let [red, green, blue] = pixel(30, 20) else { panic!("three bytes") };
        assert!(*red > 200 && *blue > 200 && *green < 60, "{red} {green} {blue}");
        assert_eq!(pixel(39, 20), pixel(30, 20));
    }

    #[test]
    fn bad_frames_and_paths_are_refused() {
        let layout = I420Layout::new(Size::new(64, 48).expect("valid"));
        let error = save(Path::new("/dev/null"), &[0; 10], &layout, &[]).expect_err("short");
        assert!(error.to_string().contains("incomplete"), "{error}");
        let error = save(Path::new("/nowhere/a.png"), &vec![0; layout.len], &layout, &[]).expect_err("no directory");
        assert!(error.to_string().contains("/nowhere/a.png"), "{error}");
        assert!(save(Path::new("/dev/full"), &vec![0; layout.len], &layout, &[]).is_err());
    }
}
