//! The plots of a report: what is on them (`choose`), and how it is drawn, as SVG and as PNG from one drawing function.

mod axis;
mod bars;
mod canvas;
mod legend;
mod panels;

use plotters::backend::{BitMapBackend, DrawingBackend};
use plotters::prelude::SVGBackend;
use thiserror::Error;

pub use self::axis::Division;
pub use self::bars::{Bar, Bars};
use self::canvas::{Canvas, MARGIN_PX};
pub use self::panels::{Axis, Form, Line, Mark, Panel, Panels, Spot};

/// Pixels of the SVG's own in each logical one: plotters knows whole pixels only, and a curve needs tenths.
const SVG_SCALE: f64 = 10.0;
/// Pixels of the PNG in each logical one, sharp on screens of today.
const PNG_SCALE: usize = 2;
/// The PNG is drawn this many times larger and then averaged, because plotters' slanted lines have rough edges.
const OVERSAMPLING: usize = 2;

/// As seen: half of what plotters leaves below the middle of text in pictures and not in SVG.
const PNG_TEXT_DROP_PX: f64 = 2.0;

/// Why there is no plot.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum DrawError {
    /// The font in the program cannot be read.
    #[error("the font for the plots' text cannot be used: please report this as a bug of rebound")]
    Font,
    /// The library that draws gave up.
    #[error("a plot cannot be drawn: {0}")]
    Backend(String),
}

impl DrawError {
    fn backend(error: impl std::error::Error) -> DrawError {
        DrawError::Backend(error.to_string())
    }
}

/// A plot with what belongs around it.
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    /// File name without its ending, unique in a report.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// How to read it, in a sentence or two.
    pub caption: String,
    /// What is drawn.
    pub chart: Chart,
}

/// What is drawn.
#[derive(Clone, Debug, PartialEq)]
pub enum Chart {
    /// Lines over one or several pairs of axes.
    Panels(Panels),
    /// Stacked bars.
    Bars(Bars),
}

/// For how wide a screen, in logical pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// A desktop's, a sheet of paper's.
    Wide,
    /// A telephone's, upright.
    Narrow,
}

impl Width {
    /// Of what is inside the margins.
    fn px(self) -> f64 {
        match self {
            Width::Wide => 960.0,
            Width::Narrow => 336.0,
        }
    }
}

impl Plot {
    /// As an `svg` element, which is also a file of its own. It scales to the room that it is given.
    pub fn svg(&self, width: Width) -> Result<String, DrawError> {
        let (width_px, height_px) = self.chart.size_px(width)?;
        let mut svg = String::new();
        let size = ((width_px * SVG_SCALE) as u32, (height_px * SVG_SCALE) as u32);
        self.chart.draw(SVGBackend::with_string(&mut svg, size), (SVG_SCALE, 0.0), width)?;
        let body = svg.split_once('>').map_or("", |(_, body)| body);
        let label = escaped(&self.title);
        Ok(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-label=\"{label}\" width=\"{width_px}\" \
             height=\"{height_px}\" viewBox=\"0 0 {} {}\">{body}",
            size.0, size.1
        ))
    }

    /// As a PNG file.
    pub fn png(&self) -> Result<Vec<u8>, DrawError> {
        let fine = PNG_SCALE * OVERSAMPLING;
        let (width_px, height_px) = self.chart.size_px(Width::Wide)?;
        let (width_px, height_px) = (width_px as usize, height_px as usize);
        let (width, height) = (width_px * fine, height_px * fine);
        let mut pixels = vec![0; width * height * 3];
        let backend = BitMapBackend::with_buffer(&mut pixels, (width as u32, height as u32));
        self.chart.draw(backend, (fine as f64, PNG_TEXT_DROP_PX), Width::Wide)?;
        let pixels = averaged(&pixels, width, OVERSAMPLING);
        encoded(&pixels, (width_px * PNG_SCALE) as u32, (height_px * PNG_SCALE) as u32)
    }
}

impl Chart {
    /// With the margins; whole numbers.
    fn size_px(&self, width: Width) -> Result<(f64, f64), DrawError> {
        let height_px = match self {
            Chart::Panels(panels) => panels.height_px(width)?,
            Chart::Bars(bars) => bars.height_px(width)?,
        };
        Ok((width.px() + 2.0 * MARGIN_PX, height_px.ceil() + 2.0 * MARGIN_PX))
    }

    fn draw<B: DrawingBackend>(
        &self,
        mut backend: B,
        (scale, text_drop_px): (f64, f64),
        width: Width,
    ) -> Result<(), DrawError> {
        let mut canvas = Canvas::new(&mut backend, scale, text_drop_px)?;
        match self {
            Chart::Panels(panels) => panels.draw(&mut canvas, width)?,
            Chart::Bars(bars) => bars.draw(&mut canvas, width)?,
        }
        backend.present().map_err(DrawError::backend)
    }
}

/// Text for an attribute.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// An RGB picture of which each pixel is the mean of `factor` times `factor` ones.
fn averaged(pixels: &[u8], width: usize, factor: usize) -> Vec<u8> {
    let rows = pixels.chunks_exact(width * 3 * factor);
    rows.flat_map(|rows| {
        (0..width / factor * 3).map(move |at| {
            let (column, channel) = (at / 3 * factor, at % 3);
            let of = |dx: usize, dy: usize| usize::from(rows[(dy * width + column + dx) * 3 + channel]);
            let sum: usize = (0..factor * factor).map(|at| of(at % factor, at / factor)).sum();
            (sum / (factor * factor)) as u8
        })
    })
    .collect()
}

fn encoded(pixels: &[u8], width: u32, height: u32) -> Result<Vec<u8>, DrawError> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(DrawError::backend)?;
    writer.write_image_data(pixels).map_err(DrawError::backend)?;
    writer.finish().map_err(DrawError::backend)?;
    Ok(file)
}

#[cfg(test)]
mod tests;
