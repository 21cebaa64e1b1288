//! Which cells a benchmark has: a matrix as text, and what comes of it. Pure.

mod cell;
mod file;
mod name;

use std::collections::BTreeSet;

use crate::assertion::{Assertion, AssertionError, UnknownPath};

pub use cell::PlannedCell;
pub use file::{Axis, MatrixText};

/// More is a slip of the pen: at ten seconds each this takes eleven hours.
const MOST_CELLS: usize = 4000;

/// The matrices that come with the program: name, text, and what for.
pub const BUILT_IN: [(&str, &str); 5] = [
    ("quick", include_str!("matrices/quick.toml")),
    ("codecs", include_str!("matrices/codecs.toml")),
    ("network", include_str!("matrices/network.toml")),
    ("scale", include_str!("matrices/scale.toml")),
    ("full", include_str!("matrices/full.toml")),
];

/// All cells of a benchmark, in the order in which they are shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// A built-in one's name, its file, or `flags`.
    pub name: String,
    /// At least one, of different names and identities.
    pub cells: Vec<PlannedCell>,
}

/// Why a matrix cannot be run.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MatrixError {
    /// There is no such file, or none that can be read.
    #[error(
        "cannot read the matrix {path}: {why}; --matrix takes a TOML file as docs/benchmarks.md describes it, `rebound bench NAME` one of {}",
        BUILT_IN.map(|(name, _)| name).join(", ")
    )]
    Unreadable {
        /// As on the command line.
        path: String,
        /// What the system says.
        why: String,
    },
    /// The text is no matrix.
    #[error("{name}: {why}")]
    Syntax {
        /// Of the matrix.
        name: String,
        /// What and where.
        why: String,
    },
    /// A value that its setting does not have.
    #[error("{place}: {why}")]
    Value {
        /// The axis, and the cell if it is one's own.
        place: String,
        /// What is allowed.
        why: String,
    },
    /// Nothing to do.
    #[error("the matrix has no cells: give each axis a value and exclude less")]
    Empty,
    /// Far too much to do.
    #[error("the matrix has {0} cells, at most {MOST_CELLS} are possible; give fewer values or exclude some")]
    TooMany(usize),
    /// Cells that cannot be told apart.
    #[error("two cells are called '{0}'; give each [[cell]] a name of its own")]
    SameName(String),
    /// Settings that are in the matrix twice.
    #[error("the cells '{0}' and '{1}' have the same settings; leave one out")]
    SameSettings(String, String),
    /// An assertion about a cell that there is not.
    #[error("'{assertion}' is about the cell '{cell}', but there is none of this name; there are {known}")]
    NoSuchCell {
        /// As written.
        assertion: String,
        /// As written.
        cell: String,
        /// The names.
        known: String,
    },
    /// An assertion that is none.
    #[error(transparent)]
    Assertion(#[from] AssertionError),
    /// An assertion about what is not measured.
    #[error("cell '{cell}': {why}")]
    UnknownPath {
        /// Its name.
        cell: String,
        /// What.
        why: UnknownPath,
    },
}

impl Matrix {
    /// The cells of a text, and the assertions from the command line: `expression` for all cells, `cell: expression` for one.
    ///
    /// # Errors
    /// When text, values or assertions are wrong; nothing has been run then.
    pub fn new(name: &str, text: &MatrixText, assertions: &[String]) -> Result<Matrix, MatrixError> {
        let mut cells = text.cells()?;
        match cells.len() {
            0 => return Err(MatrixError::Empty),
            1..=MOST_CELLS => {}
            many => return Err(MatrixError::TooMany(many)),
        }
        refuse_twins(&cells)?;
        for assertion in assertions {
            attach(assertion, &mut cells)?;
        }
        for cell in &cells {
            cell.check_assertions()?;
        }
        Ok(Matrix { name: name.to_owned(), cells })
    }
}

fn refuse_twins(cells: &[PlannedCell]) -> Result<(), MatrixError> {
    let mut names = BTreeSet::new();
    let mut ids = std::collections::BTreeMap::new();
    for cell in cells {
        if !names.insert(&cell.name) {
            return Err(MatrixError::SameName(cell.name.clone()));
        }
        if let Some(other) = ids.insert(&cell.id, &cell.name) {
            return Err(MatrixError::SameSettings(other.clone(), cell.name.clone()));
        }
    }
    Ok(())
}

/// Gives an assertion to the cells that it is about. An expression has no colon, a cell's name may have one.
fn attach(text: &str, cells: &mut [PlannedCell]) -> Result<(), MatrixError> {
    let (name, expression) = text.rsplit_once(':').map_or((None, text), |(name, rest)| (Some(name.trim()), rest));
    let assertion: Assertion = expression.parse()?;
    let mut found = false;
    for cell in cells.iter_mut().filter(|cell| name.is_none_or(|name| cell.name == name)) {
        cell.assertions.push(assertion.clone());
        found = true;
    }
    if found {
        return Ok(());
    }
    let known = cells.iter().map(|cell| format!("'{}'", cell.name)).collect::<Vec<_>>().join(", ");
    Err(MatrixError::NoSuchCell { assertion: text.to_owned(), cell: name.unwrap_or_default().to_owned(), known })
}

#[cfg(test)]
mod tests;
