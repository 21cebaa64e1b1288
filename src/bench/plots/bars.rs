//! Stacked bars that lie, so that their names can be read.

use plotters::backend::DrawingBackend;
use plotters::style::text_anchor::HPos;

use super::axis::{Division, Scale};
use super::canvas::{Canvas, FAINT, INK, TEXT_PX, look, shortened, width_of};
use super::legend::{Legend, Sample};
use super::{DrawError, Width};

/// Height of a bar.
const BAR_PX: f64 = 15.0;
/// From a bar to the next, if the names are beside them and if they are above them.
const PITCH_PX: (f64, f64) = (26.0, 44.0);
/// Below the bars, for the ticks and what they measure.
const AXIS_PX: f64 = 46.0;
/// Names get this share of the width at most.
const MOST_NAME: f64 = 0.45;
/// A tick for so many pixels at most.
const PX_PER_TICK: f64 = 50.0;

/// Bars of parts that are stacked.
#[derive(Clone, Debug, PartialEq)]
pub struct Bars {
    /// What the length measures, with the unit.
    pub title: String,
    /// The unit alone, behind the whole at the end of a bar.
    pub unit: String,
    /// Names of the parts.
    pub parts: Vec<String>,
    /// From the top.
    pub bars: Vec<Bar>,
}

/// A bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// Its name.
    pub name: String,
    /// As long as the names of the parts; what was not measured is zero long.
    pub parts: Vec<f64>,
}

impl Bar {
    fn whole(&self) -> f64 {
        self.parts.iter().sum()
    }
}

/// Where the bars lie.
struct Layout {
    legend: Legend,
    /// Left end of the bars.
    left: f64,
    /// Length of the axis.
    length: f64,
    pitch: f64,
    scale: Scale,
}

impl Bars {
    fn layout(&self, width: Width) -> Result<Layout, DrawError> {
        let entries = self.parts.iter().enumerate().map(|(at, name)| (name.clone(), look(at), Sample::Bar));
        let legend = Legend::new(entries.filter(|_| self.parts.len() > 1).collect(), width.px())?;
        let (mut names_px, mut wholes_px) = (0f64, 0f64);
        for bar in &self.bars {
            names_px = names_px.max(width_of(&bar.name)?);
            wholes_px = wholes_px.max(width_of(&self.whole(bar))?);
        }
        let (left, pitch) = match width {
            Width::Wide => (names_px.min(width.px() * MOST_NAME) + 12.0, PITCH_PX.0),
            Width::Narrow => (8.0, PITCH_PX.1),
        };
        let length = width.px() - left - wholes_px - 12.0;
        let wholes = self.bars.iter().map(Bar::whole);
        let scale = Scale::over(wholes, Division::FromZero, (length / PX_PER_TICK) as usize);
        Ok(Layout { legend, left, length, pitch, scale: scale.unwrap_or(Scale::between(0.0, 1.0)) })
    }

    fn whole(&self, bar: &Bar) -> String {
        let whole = bar.whole();
        let decimals = if whole < 10.0 { 2 } else { usize::from(whole < 100.0) };
        format!("{whole:.decimals$} {}", self.unit)
    }

    pub(super) fn height_px(&self, width: Width) -> Result<f64, DrawError> {
        let layout = self.layout(width)?;
        Ok(layout.legend.height_px + layout.pitch * self.bars.len() as f64 + AXIS_PX)
    }

    pub(super) fn draw<B: DrawingBackend>(&self, canvas: &mut Canvas<'_, B>, width: Width) -> Result<(), DrawError> {
        let layout = self.layout(width)?;
        layout.legend.draw(canvas, (0.0, 0.0))?;
        self.draw_axis(canvas, &layout)?;
        for (at, bar) in self.bars.iter().enumerate() {
            let bottom = layout.legend.height_px + layout.pitch * (at + 1) as f64;
            let middle = bottom - PITCH_PX.0 / 2.0;
            if width == Width::Wide {
                let name = shortened(&bar.name, layout.left - 12.0)?;
                canvas.text(&name, (layout.left - 8.0, middle), HPos::Right, false)?;
            } else {
                let name = shortened(&bar.name, width.px() - layout.left - 4.0)?;
                canvas.text(&name, (layout.left + 4.0, middle - BAR_PX / 2.0 - TEXT_PX / 2.0 - 3.0), HPos::Left, false)?;
            }
            self.draw_bar(canvas, &layout, bar, middle)?;
        }
        Ok(())
    }

    fn draw_bar<B: DrawingBackend>(
        &self,
        canvas: &mut Canvas<'_, B>,
        layout: &Layout,
        bar: &Bar,
        middle: f64,
    ) -> Result<(), DrawError> {
        let place = |value: f64| layout.left + layout.scale.share(value).unwrap_or_default() * layout.length;
        let mut sum = 0.0;
        for (at, part) in bar.parts.iter().enumerate().filter(|(_, part)| **part > 0.0) {
            let (from, to) = (place(sum), place(sum + part));
            canvas.rectangle((from, middle - BAR_PX / 2.0), (to, middle + BAR_PX / 2.0), look(at).colour)?;
            sum += part;
        }
        canvas.text(&self.whole(bar), (place(sum) + 6.0, middle), HPos::Left, false)
    }

    fn draw_axis<B: DrawingBackend>(&self, canvas: &mut Canvas<'_, B>, layout: &Layout) -> Result<(), DrawError> {
        let (top, left) = (layout.legend.height_px, layout.left);
        let bottom = top + layout.pitch * self.bars.len() as f64;
        for (value, label) in layout.scale.ticks((layout.length / PX_PER_TICK) as usize) {
            let x = left + layout.scale.share(value).unwrap_or_default() * layout.length;
            canvas.line(&[(x, top), (x, bottom)], FAINT, 1.0, None)?;
            canvas.text(&label, (x, bottom + 12.0), HPos::Center, false)?;
        }
        canvas.line(&[(left, top), (left, bottom)], INK, 1.0, None)?;
        canvas.text(&self.title, (left + layout.length / 2.0, bottom + 34.0), HPos::Center, false)
    }
}
