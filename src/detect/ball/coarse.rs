//! The sparse pass: where is an edge at all? Reads one picture row in four.

use crate::frame::Plane;

/// A cell is this many pixels wide and high. Its value is the mean of as many pixels of one of its rows: a disk of the smallest
/// radius, 4 px, always covers whole cells, and reading a quarter of the picture is what makes the search cheap.
pub(super) const CELL: usize = 4;
/// Which row of a cell is read.
const ROW: usize = 1;
/// Steps of luma over two cells that are an edge on a picture without noise. Half of the least contrast that is to be found:
/// a cell across an edge sees a part of the step only.
const MIN_STEP: u8 = 14;
/// Edges stand out from the median step by this factor: five deviations of normal noise, of which a million cells exceed less
/// than one.
const STEP_OVER_MEDIAN: u32 = 5;
/// One row of cells in so many is sampled for the median.
const MEDIAN_ROWS: usize = 16;
/// The most edge cells worked on: eight balls of 60 px radius have 2000. A busier picture keeps its strongest.
const MAX_EDGES: usize = 4096;

/// The picture in cells.
#[derive(Default)]
pub(super) struct Grid {
    means: Vec<u8>,
    width: usize,
    height: usize,
    /// Scratch: the steps of one row of cells.
    steps: Vec<u8>,
}

/// A cell on an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EdgeCell {
    pub(super) x: usize,
    pub(super) y: usize,
    step: u8,
}

impl Grid {
    /// Reads the picture. Up to three pixels at the right and lower border are in no cell.
    pub(super) fn read(&mut self, luma: &Plane<'_>) {
        (self.width, self.height) = (luma.width() / CELL, luma.height() / CELL);
        self.means.resize(self.width * self.height, 0);
        self.steps.resize(self.width.saturating_sub(2), 0);
        if self.width == 0 {
            return;
        }
        for (y, cells) in self.means.chunks_exact_mut(self.width).enumerate() {
            let (pixels, _) = luma.row(y * CELL + ROW).as_chunks::<CELL>();
            cells.iter_mut().zip(pixels).for_each(|(cell, &four)| *cell = mean(four));
        }
    }

    /// How much brighter the next cell is than the one before, to the right and downwards. Not for cells at the border.
    pub(super) fn steps_at(&self, x: usize, y: usize) -> (i32, i32) {
        let at = |x: usize, y: usize| i32::from(self.means[y * self.width + x]);
        (at(x + 1, y) - at(x - 1, y), at(x, y + 1) - at(x, y - 1))
    }

    /// Cells not at the border.
    pub(super) fn is_inner(&self, x: usize, y: usize) -> bool {
        x > 0 && y > 0 && x + 1 < self.width && y + 1 < self.height
    }

    /// Cells in all.
    pub(super) fn len(&self) -> usize {
        self.means.len()
    }

    /// The index of a cell.
    pub(super) fn index(&self, x: usize, y: usize) -> usize {
        y * self.width + x
    }

    /// Collects the cells on an edge, in reading order; tells the step from which on a cell counts.
    pub(super) fn edges(&mut self, edges: &mut Vec<EdgeCell>) -> u8 {
        edges.clear();
        if self.width < 3 || self.height < 3 {
            return u8::MAX;
        }
        let threshold = self.threshold();
        for y in 1..self.height - 1 {
            self.take_steps(y);
            collect_row(&self.steps, y, threshold, edges);
        }
        if edges.len() > MAX_EDGES { keep_strongest(edges) } else { threshold }
    }

    /// The larger of the absolute steps in both directions, for every inner cell of a row.
    fn take_steps(&mut self, y: usize) {
        let row = |y: usize| &self.means[y * self.width..][..self.width];
        let (above, here, below) = (&row(y - 1)[1..], row(y), &row(y + 1)[1..]);
        let across = here.iter().zip(&here[2..]);
        let down = above.iter().zip(below);
        for (step, ((left, right), (up, down))) in self.steps.iter_mut().zip(across.zip(down)) {
            *step = left.abs_diff(*right).max(up.abs_diff(*down));
        }
    }

    /// What is an edge here and what is noise, told by the median step: edges of objects are few.
    fn threshold(&mut self) -> u8 {
        let mut counts = [0u32; 256];
        for y in (1..self.height - 1).step_by(MEDIAN_ROWS) {
            self.take_steps(y);
            self.steps.iter().for_each(|&step| counts[usize::from(step)] += 1);
        }
        let half = counts.iter().sum::<u32>() / 2;
        let median = quantile(&counts, half);
        (median * STEP_OVER_MEDIAN).clamp(u32::from(MIN_STEP), 255) as u8
    }
}

/// The mean of four bytes, in one register: the compiler makes vectors of it.
fn mean(four: [u8; 4]) -> u8 {
    let packed = u32::from_le_bytes(four);
    let pairs = (packed & 0x00ff_00ff) + ((packed >> 8) & 0x00ff_00ff);
    ((((pairs & 0xffff) + (pairs >> 16)) + 2) >> 2) as u8
}

/// Blocks without an edge, nearly all, cost one comparison.
fn collect_row(steps: &[u8], y: usize, threshold: u8, edges: &mut Vec<EdgeCell>) {
    for (block, steps) in steps.chunks(64).enumerate() {
        if steps.iter().fold(0, |most, &step| most.max(step)) < threshold {
            continue;
        }
        let cells = steps.iter().enumerate().filter(|&(_, &step)| step >= threshold);
        edges.extend(cells.map(|(x, &step)| EdgeCell { x: block * 64 + x + 1, y, step }));
    }
}

fn keep_strongest(edges: &mut Vec<EdgeCell>) -> u8 {
    let mut counts = [0u32; 256];
    edges.iter().for_each(|edge| counts[usize::from(edge.step)] += 1);
    let weakest = quantile(&counts, (edges.len() - MAX_EDGES) as u32) as u8;
    edges.retain(|edge| edge.step > weakest);
    weakest.saturating_add(1)
}

/// The lowest value that has more than `rank` counts up to it.
fn quantile(counts: &[u32; 256], rank: u32) -> u32 {
    let mut below = 0;
    let reached = counts.iter().position(|count| {
        below += count;
        below > rank
    });
    reached.unwrap_or(255) as u32
}

/// Parts the edge cells into groups that hang together, corners included.
#[derive(Default)]
pub(super) struct Groups {
    /// For every cell of the grid: 0, or 1 + the index of its edge cell while that is in no group yet.
    unvisited: Vec<u16>,
    /// All edge cells, group by group.
    members: Vec<EdgeCell>,
    /// Where each group ends in `members`.
    ends: Vec<usize>,
}

impl Groups {
    /// Groups the cells.
    pub(super) fn group(&mut self, grid: &Grid, edges: &[EdgeCell]) {
        self.members.clear();
        self.ends.clear();
        self.unvisited.resize(grid.len(), 0);
        for (index, edge) in edges.iter().enumerate() {
            self.unvisited[grid.index(edge.x, edge.y)] = index as u16 + 1;
        }
        for &edge in edges {
            self.grow_from(edge, grid, edges);
        }
    }

    /// The groups.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[EdgeCell]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.members[start..end])
    }

    fn grow_from(&mut self, seed: EdgeCell, grid: &Grid, edges: &[EdgeCell]) {
        let mut next = self.members.len();
        self.visit(grid.index(seed.x, seed.y), edges);
        if next == self.members.len() {
            return;
        }
        while let Some(&cell) = self.members.get(next) {
            next += 1;
            // Edge cells are inner cells, so that all eight neighbours exist.
            for y in cell.y - 1..=cell.y + 1 {
                for x in cell.x - 1..=cell.x + 1 {
                    self.visit(grid.index(x, y), edges);
                }
            }
        }
        self.ends.push(self.members.len());
    }

    fn visit(&mut self, cell: usize, edges: &[EdgeCell]) {
        if let Some(index) = std::mem::take(&mut self.unvisited[cell]).checked_sub(1) {
            self.members.push(edges[usize::from(index)]);
        }
    }
}
