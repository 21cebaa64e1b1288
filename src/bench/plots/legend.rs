//! Which look belongs to which series.

use plotters::backend::DrawingBackend;
use plotters::style::text_anchor::HPos;

use super::DrawError;
use super::canvas::{Canvas, Look, Point, TEXT_PX, shortened, width_of};

/// Height of a row of entries.
const ROW_PX: f64 = 20.0;
/// From the left of an entry's sample to the left of its text.
const SAMPLE_PX: f64 = 30.0;
/// Between entries.
const GAP_PX: f64 = 18.0;

/// How a legend shows a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sample {
    /// A piece of its line.
    Line,
    /// A piece of its line with its mark.
    Marked,
    /// A piece of its bar.
    Bar,
}

/// Entries in rows.
#[derive(Debug)]
pub(super) struct Legend {
    entries: Vec<(String, Look, Sample, Point)>,
    /// With the gap below it; zero without entries.
    pub(super) height_px: f64,
}

impl Legend {
    /// Laid out into a width.
    pub(super) fn new(entries: Vec<(String, Look, Sample)>, width_px: f64) -> Result<Legend, DrawError> {
        let (mut x, mut row) = (0.0, 0);
        let mut placed = Vec::with_capacity(entries.len());
        for (name, look, sample) in entries {
            let name = shortened(&name, width_px - SAMPLE_PX)?;
            let width = SAMPLE_PX + width_of(&name)?;
            if x > 0.0 && x + width > width_px {
                (x, row) = (0.0, row + 1);
            }
            placed.push((name, look, sample, (x, (f64::from(row) + 0.5) * ROW_PX)));
            x += width + GAP_PX;
        }
        let height_px = if placed.is_empty() { 0.0 } else { f64::from(row + 1) * ROW_PX + TEXT_PX };
        Ok(Legend { entries: placed, height_px })
    }

    /// Draws it with its upper left corner at a point.
    pub(super) fn draw<B: DrawingBackend>(&self, canvas: &mut Canvas<'_, B>, (left, top): Point) -> Result<(), DrawError> {
        for (name, look, sample, (x, y)) in &self.entries {
            let (x, y) = (left + x, top + y);
            if *sample == Sample::Bar {
                canvas.rectangle((x + 8.0, y - 6.0), (x + 22.0, y + 6.0), look.colour)?;
            } else {
                canvas.line(&[(x, y), (x + 24.0, y)], look.colour, 2.0, look.dash)?;
            }
            if *sample == Sample::Marked {
                canvas.marker((x + 12.0, y), *look)?;
            }
            canvas.text(name, (x + SAMPLE_PX, y), HPos::Left, false)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::canvas::look;
    use super::*;

    #[test]
    fn entries_wrap_into_rows_and_stay_inside() {
        let entries: Vec<_> = (0..6).map(|at| (format!("series number {at}"), look(at), Sample::Line)).collect();
        let legend = Legend::new(entries.clone(), 360.0).expect("font");
        let rows: Vec<f64> = legend.entries.iter().map(|(.., (_, y))| *y).collect();
        assert!(rows.is_sorted() && rows[0] < rows[5] && rows[0] == rows[1], "{rows:?}");
        assert_eq!(Legend::new(entries, 5000.0).expect("font").height_px, ROW_PX + TEXT_PX);
        assert_eq!(Legend::new(Vec::new(), 360.0).expect("font").height_px, 0.0);
    }
}
