//! What a plot is drawn on: plotters' surface in logical pixels, with the few forms that the plots are made of.

use std::sync::OnceLock;

use plotters::backend::DrawingBackend;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontStyle, IntoFont, RGBColor, ShapeStyle, TextStyle, register_font};

use super::DrawError;

/// Text and axes. The report's page redraws this colour, and those of [`SERIES`], for dark screens.
pub(super) const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
/// Lines of the grid, and whatever else must not shout.
pub(super) const FAINT: RGBColor = RGBColor(0xdd, 0xdd, 0xdd);
/// The paper.
const PAPER: RGBColor = RGBColor(0xff, 0xff, 0xff);

/// Told apart by every kind of colour blindness: Okabe and Ito, "Color Universal Design" (2008), without their yellow, which
/// is hardly seen on white, and with their black as grey, because black is the text.
const SERIES: [RGBColor; 7] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x56, 0xb4, 0xe9),
    RGBColor(0x77, 0x77, 0x77),
];

/// Around every plot.
pub(super) const MARGIN_PX: f64 = 12.0;

/// Height of text, a little less than that of a page around it.
pub(super) const TEXT_PX: f64 = 13.0;

/// plotters takes the height of a line for the size of a font; its SVG divides by this to find the size.
const LINE_OF_FONT: f64 = 1.24;

const FONT: &str = "sans-serif";

/// Points in logical pixels, from the left and from the top.
pub(super) type Point = (f64, f64);

/// How the members of a series are told from those of the others, also without colours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Look {
    pub(super) colour: RGBColor,
    /// Lengths of line and gap; `None` is a solid line.
    pub(super) dash: Option<(f64, f64)>,
    marker: usize,
}

/// The look of the series with this number. After seven the colours come again with other lines.
pub(super) fn look(series: usize) -> Look {
    let dash = [None, Some((7.0, 3.0)), Some((2.0, 2.5))][(series / SERIES.len()) % 3];
    Look { colour: SERIES[series % SERIES.len()], dash, marker: series }
}

/// A surface to draw on.
pub(super) struct Canvas<'a, B: DrawingBackend> {
    backend: &'a mut B,
    /// The surface's own pixels in each logical one.
    scale: f64,
    /// Lowers text to where it belongs: plotters centres it differently on each surface.
    text_drop_px: f64,
}

impl<'a, B: DrawingBackend> Canvas<'a, B> {
    /// An empty sheet of paper.
    pub(super) fn new(backend: &'a mut B, scale: f64, text_drop_px: f64) -> Result<Canvas<'a, B>, DrawError> {
        register()?;
        let (width, height) = backend.get_size();
        backend.draw_rect((0, 0), (width as i32, height as i32), &PAPER.filled(), true).map_err(DrawError::backend)?;
        Ok(Canvas { backend, scale, text_drop_px })
    }

    /// Where a point of the plot, which has a margin around it, is on the surface.
    fn place(&self, (x, y): Point) -> (i32, i32) {
        let place = |along: f64| ((along + MARGIN_PX) * self.scale).round() as i32;
        (place(x), place(y))
    }

    fn stroke(&self, colour: RGBColor, width: f64) -> ShapeStyle {
        colour.stroke_width((width * self.scale).round().max(1.0) as u32)
    }

    /// A line through points, dashed if asked for.
    pub(super) fn line(
        &mut self,
        points: &[Point],
        colour: RGBColor,
        width: f64,
        dash: Option<(f64, f64)>,
    ) -> Result<(), DrawError> {
        let style = self.stroke(colour, width);
        for piece in dash.map_or_else(|| vec![points.to_vec()], |dash| dashes(points, dash)) {
            let piece: Vec<_> = piece.into_iter().map(|point| self.place(point)).collect();
            self.backend.draw_path(piece, &style).map_err(DrawError::backend)?;
        }
        Ok(())
    }

    /// A filled rectangle.
    pub(super) fn rectangle(&mut self, from: Point, to: Point, colour: RGBColor) -> Result<(), DrawError> {
        let (from, to) = (self.place(from), self.place(to));
        self.backend.draw_rect(from, to, &colour.filled(), true).map_err(DrawError::backend)
    }

    /// The mark of a point of a series: each series has its form.
    pub(super) fn marker(&mut self, (x, y): Point, look: Look) -> Result<(), DrawError> {
        let outline: &[Point] = match look.marker % 4 {
            0 => {
                let radius = (4.0 * self.scale).round() as u32;
                let place = self.place((x, y));
                return self.backend.draw_circle(place, radius, &look.colour.filled(), true).map_err(DrawError::backend);
            }
            1 => &[(-3.6, -3.6), (3.6, -3.6), (3.6, 3.6), (-3.6, 3.6)],
            2 => &[(0.0, -5.0), (4.8, 3.8), (-4.8, 3.8)],
            _ => &[(0.0, -5.2), (5.2, 0.0), (0.0, 5.2), (-5.2, 0.0)],
        };
        let outline: Vec<_> = outline.iter().map(|(dx, dy)| self.place((x + dx, y + dy))).collect();
        self.backend.fill_polygon(outline, &look.colour.filled()).map_err(DrawError::backend)
    }

    /// Text that begins, is centred or ends at a point, which is at half its height.
    pub(super) fn text(&mut self, text: &str, at: Point, side: HPos, bold: bool) -> Result<(), DrawError> {
        let style = if bold { FontStyle::Bold } else { FontStyle::Normal };
        let font = (FONT, TEXT_PX * LINE_OF_FONT * self.scale, style).into_font();
        let style = TextStyle::from(font).color(&INK).pos(Pos::new(side, VPos::Center));
        let at = self.place((at.0, at.1 + self.text_drop_px));
        self.backend.draw_text(text, &style, at).map_err(DrawError::backend)
    }
}

/// The room that text takes, on a generous estimate: readers may have a narrower font.
pub(super) fn width_of(text: &str) -> Result<f64, DrawError> {
    register()?;
    // Measured large, because plotters rounds to whole pixels.
    let (width, _) = (FONT, TEXT_PX * LINE_OF_FONT * 10.0).into_font().box_size(text).map_err(|_| DrawError::Font)?;
    Ok(f64::from(width) / 10.0)
}

/// As much of the text as has room, and a sign if that is not all.
pub(super) fn shortened(text: &str, room: f64) -> Result<String, DrawError> {
    if width_of(text)? <= room {
        return Ok(text.to_string());
    }
    let mut kept: Vec<char> = text.chars().collect();
    while kept.pop().is_some() {
        let shorter = kept.iter().collect::<String>().trim_end().to_string() + "\u{2026}";
        if width_of(&shorter)? <= room {
            return Ok(shorter);
        }
    }
    Ok(String::new())
}

/// Makes the font known to plotters, once.
fn register() -> Result<(), DrawError> {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    let font = include_bytes!("DejaVuSans.ttf");
    let registered = REGISTERED.get_or_init(|| register_font(FONT, FontStyle::Normal, font).is_ok());
    registered.then_some(()).ok_or(DrawError::Font)
}

/// The pieces of a dashed line.
fn dashes(points: &[Point], (on, off): (f64, f64)) -> Vec<Vec<Point>> {
    let mut pieces = Vec::new();
    let mut piece: Vec<Point> = points.first().copied().into_iter().collect();
    let (mut drawing, mut left) = (true, on);
    for pair in points.windows(2) {
        let ((mut x, mut y), (to_x, to_y)) = (pair[0], pair[1]);
        let mut length = (to_x - x).hypot(to_y - y);
        while length > left {
            (x, y) = (x + (to_x - x) * left / length, y + (to_y - y) * left / length);
            length -= left;
            piece.push((x, y));
            if drawing {
                pieces.push(std::mem::take(&mut piece));
            }
            piece = vec![(x, y)];
            drawing = !drawing;
            left = if drawing { on } else { off };
        }
        left -= length;
        piece.push((to_x, to_y));
    }
    if drawing {
        pieces.push(piece);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_follow_the_line_around_its_corners() {
        let pieces = dashes(&[(0.0, 0.0), (5.0, 0.0), (5.0, 5.0)], (4.0, 2.0));
        assert_eq!(pieces, [vec![(0.0, 0.0), (4.0, 0.0)], vec![(5.0, 1.0), (5.0, 5.0)]]);
        assert_eq!(dashes(&[], (4.0, 2.0)), [Vec::new()]);
    }

    #[test]
    fn text_is_measured_and_shortened() {
        let whole = width_of("x264enc 640x480").expect("font");
        assert!((90.0..140.0).contains(&whole), "{whole}");
        assert_eq!(shortened("x264enc 640x480", whole).expect("font"), "x264enc 640x480");
        let short = shortened("x264enc 640x480", whole / 2.0).expect("font");
        assert!(short.starts_with("x26") && short.ends_with('\u{2026}') && short.len() < 13, "{short}");
    }

    #[test]
    fn the_series_look_different() {
        let looks: Vec<Look> = (0..21).map(look).collect();
        for (at, one) in looks.iter().enumerate() {
            assert!(looks[..at].iter().all(|other| (other.colour, other.dash) != (one.colour, one.dash)), "{at}");
        }
    }
}
