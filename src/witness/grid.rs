//! Which cell is white.

/// Cells in a row. Few columns, since an error in the size of a cell grows with their number.
pub(super) const COLUMNS: usize = 13;
/// Rows of cells: with [`COLUMNS`] just enough for four fixed cells, 32 bits and their checksum.
pub(super) const ROWS: usize = 4;

/// The cells of a code, `true` for white.
pub(super) type Cells = [[bool; COLUMNS]; ROWS];

/// Cells that are the same in every code: row, column, and whether it is white.
pub(super) const FIXED: [(usize, usize, bool); 4] =
    [(0, 0, true), (0, 1, false), (1, 0, false), (ROWS - 1, COLUMNS - 1, true)];

const BITS: u32 = 48;

/// The code of a number.
pub(super) fn cells(number: u32) -> Cells {
    let word = u64::from(number) << 16 | u64::from(checksum(number));
    let mut cells = [[false; COLUMNS]; ROWS];
    for (bit, (row, column)) in (0..BITS).rev().zip(places()) {
        cells[row][column] = word >> bit & 1 == 1;
    }
    for (row, column, white) in FIXED {
        cells[row][column] = white;
    }
    cells
}

/// The number of a code; none if a fixed cell or the checksum is wrong.
pub(super) fn number(cells: &Cells) -> Option<u32> {
    if FIXED.iter().any(|&(row, column, white)| cells[row][column] != white) {
        return None;
    }
    let word = places().fold(0u64, |word, (row, column)| word << 1 | u64::from(cells[row][column]));
    let number = (word >> 16) as u32;
    (word as u16 == checksum(number)).then_some(number)
}

/// Where the bits are, highest first.
fn places() -> impl Iterator<Item = (usize, usize)> {
    let all = (0..ROWS).flat_map(|row| (0..COLUMNS).map(move |column| (row, column)));
    all.filter(|&(row, column)| FIXED.iter().all(|&(fixed_row, fixed_column, _)| (row, column) != (fixed_row, fixed_column)))
}

/// CRC-16/CCITT-FALSE over the number, highest byte first: polynomial 0x1021, start 0xffff (ITU-T V.41). It tells every error
/// within 16 neighbouring cells.
fn checksum(number: u32) -> u16 {
    number.to_be_bytes().iter().fold(0xffff, |checksum, &byte| {
        (0..8).fold(checksum ^ u16::from(byte) << 8, |checksum, _| {
            let shifted = checksum << 1;
            if checksum & 0x8000 == 0 { shifted } else { shifted ^ 0x1021 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_standards() {
        // Of four zero bytes, and of "1234".
        assert_eq!([checksum(0), checksum(0x3132_3334)], [0x84c0, 0x5349]);
    }

    #[test]
    fn every_bit_has_a_cell_of_its_own() {
        assert_eq!(places().count(), BITS as usize);
        for number in [0, 1, 0xdead_beef, u32::MAX] {
            assert_eq!(super::number(&cells(number)), Some(number));
        }
    }

    #[test]
    fn no_code_with_up_to_three_wrong_cells_is_read() {
        let right = cells(0x0012_d687);
        let places: Vec<(usize, usize)> = (0..ROWS).flat_map(|row| (0..COLUMNS).map(move |column| (row, column))).collect();
        for (at, first) in places.iter().enumerate() {
            for (until, second) in places.iter().enumerate().skip(at) {
                for third in &places[until..] {
                    let mut wrong = right;
                    for &(row, column) in [first, second, third] {
                        wrong[row][column] = !wrong[row][column];
                    }
                    assert!(wrong == right || number(&wrong).is_none(), "{first:?} {second:?} {third:?}");
                }
            }
        }
    }
}
