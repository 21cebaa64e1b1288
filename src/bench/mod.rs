//! Benchmarks: a matrix of runs, each with sender and receivers as processes of their own, and what was measured in them.

pub mod page;
pub mod plots;
pub mod results;
