//! See the architecture notes in the crate's documentation.
