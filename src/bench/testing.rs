//! Results made up for tests.

use super::matrix::{Matrix, MatrixText};
use super::results::{Cost, FORMAT, Header, Machine, Results, Run};

pub(super) fn header() -> Header {
    Header {
        command: vec!["rebound".to_owned(), "bench".to_owned()],
        matrix: "test".to_owned(),
        rebound: "0.0.1".to_owned(),
        started: "2026-01-01T00:00:00Z".to_owned(),
        seed: 1,
        machine: Machine { cpu: "one".to_owned(), cores: 2, ..Machine::default() },
        gstreamer: "1.22".to_owned(),
        elements: Vec::new(),
    }
}

pub(super) fn matrix(text: &str) -> Matrix {
    Matrix::new("test", &MatrixText::parse("test", text).expect(text), &[]).expect(text)
}

pub(super) fn run(repeat: u32, failed: Option<&str>) -> Run {
    Run {
        repeat,
        started: "2026-01-01T00:00:00Z".to_owned(),
        exit_code: Some(0),
        failed: failed.map(str::to_owned),
        report: None,
        cost: Cost::default(),
        digest: None,
        files: Vec::new(),
        assertions: Vec::new(),
    }
}

pub(super) fn results(matrix: &Matrix) -> Results {
    let results = super::plan::merge(matrix, None, header()).0;
    assert_eq!(results.format, FORMAT);
    results
}
