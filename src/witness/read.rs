//! Finding the code in a picture, and reading it.

use super::grid::{self, COLUMNS, Cells, FIXED, ROWS};
use crate::frame::{I420View, Plane};

/// Between the code's black and white; a codec at its worst, or a washed-out display, leaves more of the 219 there were.
const MIN_CONTRAST: f64 = 64.0;

/// Below three pixels a cell has no pixel that is free of its neighbours.
const MIN_CELL_PX: f64 = 3.0;

/// A cell between these shares of the way from black to white could be either, and the code is not read.
const UNCLEAR: std::ops::Range<f64> = 0.35..0.65;

/// How far off the side of a cell may be as its first edge shows it; blur and noise move an edge by a third of a pixel.
/// A step of 2 % moves the last column by a quarter of a cell.
const WIDTHS: [f64; 9] = [1.0, 1.02, 0.98, 1.04, 0.96, 1.06, 0.94, 1.08, 0.92];

/// As [`WIDTHS`]; the last row is not as far away.
const HEIGHTS: [f64; 3] = [1.0, 1.06, 0.94];

/// What was read in a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The low 32 bits of the frame's number.
    pub number: u32,
    /// Rows at the top of the picture that the code reaches into.
    pub rows: usize,
}

/// Reads the code in the top left corner of a picture, at whatever scale; none if there is none, or not clearly.
///
/// A picture without a code is told by a few pixels of its corner.
pub fn read(picture: &I420View<'_>) -> Option<Reading> {
    let luma = &picture.y;
    let width = first_edge(luma.width().div_ceil(COLUMNS), |x| (0..3).map(|y| at(luma, x, y)).sum::<f64>() / 3.0)?;
    let height = first_edge(luma.height().div_ceil(ROWS), |y| (0..3).map(|x| at(luma, x, y)).sum::<f64>() / 3.0)?;
    let scales = HEIGHTS.into_iter().flat_map(|y| WIDTHS.into_iter().map(move |x| (width * x, height * y)));
    scales.into_iter().find_map(|(width, height)| {
        let number = grid::number(&cells(luma, width, height)?)?;
        Some(Reading { number, rows: (height * ROWS as f64).ceil() as usize })
    })
}

/// A pixel; beyond the border the last one.
fn at(luma: &Plane<'_>, x: usize, y: usize) -> f64 {
    f64::from(luma.row(y.min(luma.height() - 1))[x.min(luma.width() - 1)])
}

/// Where white first becomes black, up to `most` pixels from the corner; positions are those of pixels' edges.
fn first_edge(most: usize, luma: impl Fn(usize) -> f64) -> Option<f64> {
    let white = (luma(0) + luma(1)) / 2.0;
    let dark = (2..=most).find(|&at| luma(at) <= white - MIN_CONTRAST)?;
    // Black is as wide as white, so that its middle is half as far away again.
    let black = (dark..=dark + dark / 2).map(&luma).fold(f64::INFINITY, f64::min);
    let middle = (white + black) / 2.0;
    let after = (1..=dark + dark / 2).find(|&at| luma(at) <= middle)?;
    let (before, past) = (luma(after - 1), luma(after));
    let edge = after as f64 - 0.5 + (before - middle) / (before - past).max(1.0);
    (edge >= MIN_CELL_PX).then_some(edge)
}

/// The cells of a code whose cells have this size; none if one is unclear.
fn cells(luma: &Plane<'_>, width: f64, height: f64) -> Option<Cells> {
    let brightness = |row: usize, column: usize| mean(luma, (column as f64 * width, width), (row as f64 * height, height));
    let fixed = |white: bool| {
        let same = FIXED.iter().filter(move |(_, _, colour)| *colour == white);
        same.map(|&(row, column, _)| brightness(row, column)).sum::<f64>() / 2.0
    };
    let (white, black) = (fixed(true), fixed(false));
    if white - black < MIN_CONTRAST {
        return None;
    }
    let mut cells = [[false; COLUMNS]; ROWS];
    for (row, cells) in cells.iter_mut().enumerate() {
        for (column, cell) in cells.iter_mut().enumerate() {
            let share = (brightness(row, column) - black) / (white - black);
            if UNCLEAR.contains(&share) {
                return None;
            }
            *cell = share >= UNCLEAR.end;
        }
    }
    Some(cells)
}

/// The mean luma of the inner half of a cell: what is next to its edge has some of the neighbour's. Each direction is given as
/// where the cell begins and how long it is.
fn mean(luma: &Plane<'_>, (left, width): (f64, f64), (top, height): (f64, f64)) -> f64 {
    let (columns, rows) = (inner_half(left, width, luma.width()), inner_half(top, height, luma.height()));
    let pixels = (columns.len() * rows.len()) as f64;
    let sum: u32 = rows.map(|y| luma.row(y)[columns.clone()].iter().map(|&luma| u32::from(luma)).sum::<u32>()).sum();
    f64::from(sum) / pixels
}

/// The pixels whose centres are in the inner half, and at least the one in the middle.
fn inner_half(start: f64, length: f64, end: usize) -> std::ops::Range<usize> {
    let first = (start + 0.25 * length - 0.5).ceil().max(0.0) as usize;
    let last = (start + 0.75 * length - 0.5).floor().max(0.0) as usize;
    let middle = (start + 0.5 * length).max(0.0) as usize;
    let (first, last) = if first <= last { (first, last) } else { (middle, middle) };
    first.min(end - 1)..(last + 1).min(end)
}

/// Reads the code of one picture after the other, and remembers where it was: also a picture whose code cannot be read has it.
///
/// A picture in which something is read is cut there at once. One reading says nothing of the pictures around it, since one in
/// many thousands of torn or hostile ones has a code by chance: only a place where several were read is remembered.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reader {
    place: Option<Place>,
}

/// Where codes are in the pictures of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    /// Of the pictures.
    width: usize,
    height: usize,
    /// That the code reaches into.
    rows: usize,
    /// Codes that were read there.
    codes: u32,
    /// Pictures since the last of them.
    missing: u32,
}

/// So many codes at the same place are no chance: each has a checksum that one in 65,536 wrong ones passes. A tenth of a second.
const AGREEING: u32 = 3;

/// A place without a code in so many pictures is none any more: two seconds at 30 a second, longer than losses blur a picture.
const FORGOTTEN_AFTER: u32 = 60;

/// How many rows the same place may differ by: the size of cells is measured in each picture anew.
const SAME_ROWS: usize = 2;

impl Reader {
    /// The number in this picture, and what is below the code: the picture for a detector, which would take the code for
    /// something to find. It begins at an even row, which is given too. In a stream without codes it is the whole picture.
    pub fn read<'a>(&mut self, picture: &I420View<'a>) -> (Option<u32>, I420View<'a>, usize) {
        let (width, height) = (picture.y.width(), picture.y.height());
        let reading = read(picture);
        let here = reading.map(|reading| reading.rows.next_multiple_of(2));
        self.place = self.place.filter(|place| (place.width, place.height) == (width, height));
        self.place = match (self.place, here) {
            (Some(place), rows) => place.after(rows),
            (None, rows) => rows.map(|rows| Place { width, height, rows, codes: 1, missing: 0 }),
        };
        let known = self.place.filter(|place| place.codes >= AGREEING).map(|place| place.rows);
        let rows = here.or(known).unwrap_or(0);
        let number = reading.map(|reading| reading.number);
        picture.below(rows).map_or((number, *picture, 0), |below| (number, below, rows))
    }
}

impl Place {
    /// After a picture with a code that reaches into these rows, or without one; none if there are no codes here any more.
    fn after(self, rows: Option<usize>) -> Option<Place> {
        match rows.filter(|rows| rows.abs_diff(self.rows) <= SAME_ROWS) {
            Some(rows) => {
                let (rows, codes) = (rows.max(self.rows), self.codes.saturating_add(1));
                Some(Place { rows, codes, missing: 0, ..self })
            }
            None => Some(Place { missing: self.missing + 1, ..self }).filter(|place| place.missing < FORGOTTEN_AFTER),
        }
    }
}
