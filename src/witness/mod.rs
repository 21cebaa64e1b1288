//! A frame's number, drawn into the picture itself: a witness of which frame a picture shows that no timestamp, buffer or
//! concealed loss can mislead. Pure; knows pictures and numbers only.
//!
//! The code is a grid of 13 by 4 black and white cells in the top left corner ([`draw`]). Three corners say how large a cell is
//! and how dark black is, so that [`read`] finds it in pictures of any size and brightness:
//!
//! ```text
//! W B n n n n n n n n n n n     W white, B black
//! B n n n n n n n n n n n n     n the number, 32 bits, highest first
//! n n n n n n n n n c c c c     c its CRC-16
//! c c c c c c c c c c c c W
//! ```
//!
//! **Invariant**: a picture whose code is not wholly clear, or fails its checksum, has none. Of codes that are half another
//! frame's one in 65,536 passes the checksum.

mod grid;
mod read;

pub use read::{Reader, Reading, read};

use crate::frame::I420Layout;
use crate::units::Size;
use grid::{COLUMNS, ROWS};

/// Black and white of video range, ITU-R BT.601 section 2.5.3: what every codec and converter leaves apart.
const BLACK: u8 = 16;
/// See [`BLACK`].
const WHITE: u8 = 235;

/// A cell is one transform block of H.264, VP8 and VP9 at the least: it costs a codec hardly more than its mean, and still has
/// four pixels on a side after the picture was halved.
const CELL_PX: u32 = 8;

/// Above this height cells grow, as what is shown full screen is scaled down by as much.
const HEIGHT_PER_CELL: u32 = 480;

/// See [`HEIGHT_PER_CELL`]: a tall narrow picture has no room for larger ones.
const WIDTH_PER_CELL: u32 = 320;

/// Between the code and anything else, in pixels: half a macroblock, in which codecs spread what they get wrong at its edge.
const QUIET_PX: u32 = 8;

/// Side of a cell in pixels.
fn cell_px(size: Size) -> u32 {
    CELL_PX * (size.width() / WIDTH_PER_CELL).min(size.height() / HEIGHT_PER_CELL).max(1)
}

/// Rows at the top of a frame that belong to the code, with the quiet rows below it; nothing else may be drawn there. None if
/// the frame is too small: the code may take a third of the height and all of the width.
pub fn reserved_rows(size: Size) -> Option<u32> {
    let rows = cell_px(size) * ROWS as u32 + QUIET_PX;
    (cell_px(size) * COLUMNS as u32 <= size.width() && rows * 3 <= size.height()).then_some(rows)
}

/// Draws the code into an I420 picture of this layout: luma only, about 3 kB at 640x480. Draws nothing where there is no room
/// for it ([`reserved_rows`]).
pub fn draw(pixels: &mut [u8], layout: &I420Layout, number: u32) {
    if reserved_rows(layout.size).is_none() {
        return;
    }
    let side = cell_px(layout.size) as usize;
    let cells = grid::cells(number);
    let rows = pixels.chunks_exact_mut(layout.strides[0]).take(side * ROWS);
    for (y, row) in rows.enumerate() {
        for (cell, pixels) in cells[y / side].iter().zip(row.chunks_exact_mut(side)) {
            pixels.fill(if *cell { WHITE } else { BLACK });
        }
    }
}

#[cfg(test)]
mod tests;
