//! Lines over axes: several panels that share their series, and if told so their axes.

use plotters::backend::DrawingBackend;
use plotters::style::text_anchor::HPos;

use super::axis::{Division, Scale};
use super::canvas::{Canvas, FAINT, INK, Point, TEXT_PX, look, shortened, width_of};
use super::legend::{Legend, Sample};
use super::{DrawError, Width};

/// Above a panel, for its title.
const TITLE_PX: f64 = 26.0;
/// Below a panel, for the labels of its ticks.
const TICKS_PX: f64 = 22.0;
/// Below those, for what the axis is.
const LABEL_PX: f64 = 22.0;
/// Between panels.
const GAP_PX: f64 = 18.0;
/// Right of the last tick, for the half of its label.
const EDGE_PX: f64 = 22.0;
/// An axis has a tick for so many pixels at most.
const PX_PER_TICK: (f64, f64) = (58.0, 30.0);
/// A mark's label with less room is left out: three letters tell nothing.
const LEAST_LABEL_PX: f64 = 36.0;

/// Panels beside or above each other, with one legend.
#[derive(Clone, Debug, PartialEq)]
pub struct Panels {
    /// Names of the series; a line says its series by the index.
    pub series: Vec<String>,
    /// In reading order.
    pub panels: Vec<Panel>,
    /// So many beside each other, if the page is wide.
    pub columns: usize,
    /// All have the same horizontal axis, which is then labelled at the last of a column only.
    pub share_x: bool,
    /// All have the same vertical axis.
    pub share_y: bool,
    /// Height of the part with lines, logical pixels.
    pub height_px: f64,
}

/// A pair of axes and what is between them.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis; its title stands above the panel, where it can be read without turning the head.
    pub y: Axis,
    /// The lines.
    pub lines: Vec<Line>,
    /// Events on the horizontal axis.
    pub marks: Vec<Mark>,
}

/// An axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What it measures, with the unit.
    pub title: String,
    /// How it is divided.
    pub division: Division,
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Through its points.
    Curve,
    /// Through its points, which are marked: each was measured by itself.
    Marked,
    /// From each point level to the next.
    Steps,
}

/// A line of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Index into the names.
    pub series: usize,
    /// How it is drawn.
    pub form: Form,
    /// In the order in which they are joined.
    pub spots: Vec<Spot>,
}

/// A point of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spot {
    /// On the horizontal axis.
    pub x: f64,
    /// On the vertical axis.
    pub y: f64,
    /// Lowest and highest of what was measured, if more than once.
    pub range: Option<(f64, f64)>,
}

impl Spot {
    /// Measured once.
    pub fn at(x: f64, y: f64) -> Spot {
        Spot { x, y, range: None }
    }
}

/// An event.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// On the horizontal axis.
    pub x: f64,
    /// What happened.
    pub label: String,
}

/// Where a panel lies and how its values become points.
struct Frame {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
    x: Scale,
    y: Scale,
}

impl Frame {
    fn point(&self, x: f64, y: f64) -> Option<Point> {
        let (x, y) = (self.x.share(x)?, self.y.share(y)?);
        Some((self.left + x * self.width, self.top + (1.0 - y) * self.height))
    }

    fn ticks(&self) -> [usize; 2] {
        [(self.width / PX_PER_TICK.0) as usize, (self.height / PX_PER_TICK.1) as usize]
    }
}

impl Panels {
    fn columns(&self, width: Width) -> usize {
        if width == Width::Wide { self.columns.clamp(1, self.panels.len().max(1)) } else { 1 }
    }

    fn rows(&self, width: Width) -> usize {
        self.panels.len().div_ceil(self.columns(width))
    }

    /// Heights of what is below a panel's frame, in the last row and in those before.
    fn below_px(&self) -> (f64, f64) {
        let labelled = TICKS_PX + LABEL_PX;
        (labelled, if self.share_x { 6.0 } else { labelled })
    }

    fn legend(&self, width: Width) -> Result<Legend, DrawError> {
        let sample = |series: usize| {
            let mut lines = self.panels.iter().flat_map(|panel| &panel.lines);
            let marked = lines.any(|line| line.series == series && line.form == Form::Marked);
            if marked { Sample::Marked } else { Sample::Line }
        };
        // A single series needs no name: the title says it.
        let named = if self.series.len() > 1 { self.series.as_slice() } else { &[] };
        let entries = named.iter().enumerate().map(|(at, name)| (name.clone(), look(at), sample(at))).collect();
        Legend::new(entries, width.px())
    }

    pub(super) fn height_px(&self, width: Width) -> Result<f64, DrawError> {
        let (last, others) = self.below_px();
        let rows = self.rows(width) as f64;
        let gaps = (rows - 1.0).max(0.0) * (others + GAP_PX);
        Ok(self.legend(width)?.height_px + rows * (TITLE_PX + self.height_px) + gaps + last)
    }

    /// The scale of one panel's axis, or of all together if they share it.
    fn scale(&self, panel: &Panel, shared: bool, ticks: usize, axis: fn(&Panel) -> (&Axis, Vec<f64>)) -> Scale {
        let own = std::slice::from_ref(panel);
        let panels = if shared { self.panels.as_slice() } else { own };
        let values = panels.iter().flat_map(|panel| axis(panel).1);
        Scale::over(values, axis(panel).0.division, ticks).unwrap_or(Scale::between(0.0, 1.0))
    }

    pub(super) fn draw<B: DrawingBackend>(&self, canvas: &mut Canvas<'_, B>, width: Width) -> Result<(), DrawError> {
        let legend = self.legend(width)?;
        legend.draw(canvas, (0.0, 0.0))?;
        let columns = self.columns(width);
        let column_px = (width.px() - (columns - 1) as f64 * GAP_PX) / columns as f64;
        let row_px = TITLE_PX + self.height_px + self.below_px().1 + GAP_PX;
        for (at, panel) in self.panels.iter().enumerate() {
            let (row, column) = (at / columns, at % columns);
            let left = column as f64 * (column_px + GAP_PX);
            let top = legend.height_px + row as f64 * row_px;
            let frame = self.frame(panel, (left, top), column_px)?;
            let last = at + columns >= self.panels.len();
            panel.draw(canvas, &frame, last || !self.share_x)?;
        }
        Ok(())
    }

    fn frame(&self, panel: &Panel, (left, top): Point, width_px: f64) -> Result<Frame, DrawError> {
        let ticks = (self.height_px / PX_PER_TICK.1) as usize;
        let y = self.scale(panel, self.share_y, ticks, Panel::on_y);
        // All in a column begin at the same place if they share the axis.
        let mut labels_px = 0f64;
        for other in self.panels.iter().filter(|other| self.share_x || *other == panel) {
            for (_, label) in self.scale(other, self.share_y, ticks, Panel::on_y).ticks(ticks) {
                labels_px = labels_px.max(width_of(&label)?);
            }
        }
        let indent = labels_px + 10.0;
        let width = width_px - indent - EDGE_PX;
        let x = self.scale(panel, self.share_x, (width / PX_PER_TICK.0) as usize, Panel::on_x);
        Ok(Frame { left: left + indent, top: top + TITLE_PX, width, height: self.height_px, x, y })
    }
}

impl Panel {
    fn on_x(&self) -> (&Axis, Vec<f64>) {
        (&self.x, self.lines.iter().flat_map(|line| line.spots.iter().map(|spot| spot.x)).collect())
    }

    fn on_y(&self) -> (&Axis, Vec<f64>) {
        let spots = self.lines.iter().flat_map(|line| &line.spots);
        (
            &self.y,
            spots.flat_map(|spot| [Some(spot.y), spot.range.map(|r| r.0), spot.range.map(|r| r.1)]).flatten().collect(),
        )
    }

    fn draw<B: DrawingBackend>(&self, canvas: &mut Canvas<'_, B>, frame: &Frame, label_x: bool) -> Result<(), DrawError> {
        self.draw_axes(canvas, frame, label_x)?;
        self.draw_marks(canvas, frame)?;
        self.lines.iter().try_for_each(|line| line.draw(canvas, frame))
    }

    fn draw_axes<B: DrawingBackend>(
        &self,
        canvas: &mut Canvas<'_, B>,
        frame: &Frame,
        label_x: bool,
    ) -> Result<(), DrawError> {
        let Frame { left, top, width, height, .. } = *frame;
        let (right, bottom) = (left + width, top + height);
        let [x_ticks, y_ticks] = frame.ticks();
        canvas.text(&shortened(&self.y.title, width + left)?, (left, top - TITLE_PX / 2.0), HPos::Left, true)?;
        for (value, label) in frame.y.ticks(y_ticks) {
            let y = bottom - frame.y.share(value).unwrap_or_default() * height;
            canvas.line(&[(left, y), (right, y)], FAINT, 1.0, None)?;
            canvas.text(&label, (left - 6.0, y), HPos::Right, false)?;
        }
        for (value, label) in frame.x.ticks(x_ticks) {
            let x = left + frame.x.share(value).unwrap_or_default() * width;
            canvas.line(&[(x, bottom), (x, bottom + 4.0)], INK, 1.0, None)?;
            if label_x {
                canvas.text(&label, (x, bottom + TICKS_PX / 2.0 + 2.0), HPos::Center, false)?;
            }
        }
        canvas.line(&[(left, bottom), (right, bottom)], INK, 1.0, None)?;
        if label_x {
            canvas.text(&self.x.title, (left + width / 2.0, bottom + TICKS_PX + LABEL_PX / 2.0), HPos::Center, false)?;
        }
        Ok(())
    }

    fn draw_marks<B: DrawingBackend>(&self, canvas: &mut Canvas<'_, B>, frame: &Frame) -> Result<(), DrawError> {
        let places: Vec<_> = self.marks.iter().filter_map(|mark| frame.x.share(mark.x)).collect();
        for (at, (mark, share)) in self.marks.iter().zip(&places).enumerate() {
            let x = frame.left + share * frame.width;
            canvas.line(&[(x, frame.top), (x, frame.top + frame.height)], INK, 1.0, Some((3.0, 3.0)))?;
            let room = (places.get(at + 1).unwrap_or(&1.0) - share) * frame.width - 10.0;
            if room >= LEAST_LABEL_PX {
                canvas.text(
                    &shortened(&mark.label, room)?,
                    (x + 5.0, frame.top + TEXT_PX / 2.0 + 2.0),
                    HPos::Left,
                    false,
                )?;
            }
        }
        Ok(())
    }
}

impl Line {
    fn draw<B: DrawingBackend>(&self, canvas: &mut Canvas<'_, B>, frame: &Frame) -> Result<(), DrawError> {
        let look = look(self.series);
        let points: Vec<Point> = self.spots.iter().filter_map(|spot| frame.point(spot.x, spot.y)).collect();
        let path = if self.form == Form::Steps { stairs(&points) } else { points.clone() };
        if path.len() > 1 {
            canvas.line(&path, look.colour, 2.0, look.dash)?;
        }
        for spot in self.spots.iter().filter(|_| self.form == Form::Marked) {
            if let Some((low, high)) = spot.range
                && let (Some(low), Some(high)) = (frame.point(spot.x, low), frame.point(spot.x, high))
            {
                canvas.line(&[low, high], look.colour, 1.0, None)?;
            }
            if let Some(point) = frame.point(spot.x, spot.y) {
                canvas.marker(point, look)?;
            }
        }
        Ok(())
    }
}

/// Level from each point to the next.
fn stairs(points: &[Point]) -> Vec<Point> {
    let corners = points.windows(2).flat_map(|pair| [pair[0], (pair[1].0, pair[0].1)]);
    corners.chain(points.last().copied()).collect()
}
