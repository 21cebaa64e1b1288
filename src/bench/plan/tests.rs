use std::collections::BTreeSet;

use crate::bench::testing;

use super::*;

const TEXT: &str = "repeat = 3\n[axes]\nencoder = ['x264enc', 'vp8enc']\nbitrate = ['1M', '2M']\n";

#[test]
fn every_run_is_made_once_in_rounds_and_in_an_order_that_the_seed_gives() {
    let matrix = testing::matrix(TEXT);
    let results = testing::results(&matrix);
    let order = jobs(&matrix.cells, &results, 1);
    assert_eq!(order.iter().collect::<BTreeSet<_>>().len(), 12);
    assert!(order.chunks(4).enumerate().all(|(round, jobs)| jobs.iter().all(|job| job.repeat == round as u32 + 1)));
    assert_eq!(order, jobs(&matrix.cells, &results, 1));
    assert!((2..10).any(|seed| jobs(&matrix.cells, &results, seed) != order));
}

#[test]
fn what_is_there_is_kept_what_failed_is_made_again_and_the_order_stays() {
    let matrix = testing::matrix(TEXT);
    let mut results = testing::results(&matrix);
    let whole = jobs(&matrix.cells, &results, 1);
    for (job, failed) in whole[..5].iter().zip([None, None, Some("it hung"), None, None]) {
        results.cells[job.cell].runs.push(testing::run(job.repeat, failed));
    }
    let (results, found) = merge(&matrix, Some(results), testing::header());
    assert_eq!(found, Found { done: 4, failed: 1, others: 0 });
    let left: Vec<Job> = [&whole[2..3], &whole[5..]].concat();
    assert_eq!(jobs(&matrix.cells, &results, 1), left);
}

#[test]
fn a_changed_matrix_adds_its_cells_and_the_others_stay() {
    let old = testing::matrix(TEXT);
    let mut results = testing::results(&old);
    results.cells.iter_mut().for_each(|cell| cell.runs.push(testing::run(1, None)));
    let new = testing::matrix("[axes]\nencoder = ['vp8enc', 'vp9enc']\n");
    let (merged, found) = merge(&new, Some(results), testing::header());
    assert_eq!(found, Found { done: 1, failed: 0, others: 3 });
    let names: Vec<&str> = merged.cells.iter().map(|cell| cell.name.as_str()).collect();
    assert_eq!(names, ["vp8enc", "vp9enc", "x264enc 1M", "x264enc 2M", "vp8enc 2M"]);
    assert_eq!(jobs(&new.cells, &merged, 1), [Job { cell: 1, repeat: 1 }]);
}

#[test]
fn results_of_another_program_or_machine_are_not_continued() {
    let here = testing::header();
    assert_eq!(same_origin(&here, &here), Ok(()));
    let there = Header { rebound: "0.0.0".to_owned(), ..here.clone() };
    let error = same_origin(&there, &here).expect_err("refused").to_string();
    assert!(error.contains("rebound 0.0.0, this is 0.0.1") && error.contains("--out"), "{error}");
}
