use serde_json::{Value, json};

use super::*;

/// A cell of one encoder, bitrate and network, with a run for each factor on its latency.
fn cell(name: &str, (encoder, bitrate, network): (&str, &str, &str), latency_ms: f64, runs: &[f64]) -> Value {
    let run = |(at, factor): (usize, &f64)| {
        let latency = latency_ms * factor;
        json!({
            "repeat": at + 1, "started": "2026-01-01T00:00:00Z", "exit_code": 0, "failed": null,
            "report": {
                "latency_ms": {"p50": latency, "p95": latency * 1.5, "p99": latency * 2.0},
                "error_px": {"p50": 0.01, "p95": 0.02, "max": 0.1}, "objects": {"paired": 100, "misses": 0},
            },
            "cost": {"sender": {"cores": 0.2, "cpu_s_per_1000_frames": 5.0, "max_rss_mb": 70.0}, "receivers": []},
            "digest": {
                "frames": 100, "matched": 97, "latency_quantiles_ms": [latency / 2.0, latency, latency * 2.0],
                "error_quantiles_px": [], "stages_p50_ms": stages(), "stages_mean_ms": stages(),
                "bias_px": [0.003, 0.004], "noise_px": [0.01, 0.0], "series": [], "blocks": [], "phases": [],
            },
            "files": [format!("raw/{at}.jsonl")],
            "assertions": [{"expression": "latency_ms.p99 < 16.7", "holds": latency * 2.0 < 16.7, "found": "it is"}],
        })
    };
    let there = (network != "clean").then_some("loss=5%");
    json!({
        "id": name, "name": name, "runs": runs.iter().enumerate().map(run).collect::<Vec<_>>(),
        "settings": {
            "encoder": encoder, "width": 640, "height": 480, "fps": 30, "bitrate": bitrate, "scene": "ball", "detector": "ball",
            "channel": null, "network": {"name": network, "there": there, "back": null}, "fec": null, "jitter": null,
            "receivers": 1, "light": false, "send": [], "receive": [], "warmup_s": 1.0, "seconds": 5.0, "phases": [],
        },
    })
}

fn stages() -> Value {
    json!({"encode": 2.0, "send": 0.1, "there": 1.0, "decode": 0.5, "detect": 0.2, "return": null})
}

fn results(cells: Vec<Value>) -> Results {
    let header = json!({
        "command": ["rebound", "bench", "--assert", "latency_ms.p99 < 16.7"], "matrix": "quick", "rebound": "0.1.0",
        "started": "2026-01-01T00:00:00Z", "seed": 7, "gstreamer": "GStreamer 1.22.0",
        "elements": [{"name": "x264enc", "plugin": "x264", "version": "1.22.0"}],
        "machine": {"host": "here", "cpu": "some", "cores": 2, "memory_mb": 8000, "kernel": "Linux", "os": "Debian"},
    });
    serde_json::from_value(json!({"format": 1, "header": header, "cells": cells})).expect("as results are stored")
}

const EVIL: &str = "<script>alert('1')</script> & \"more\"";

fn several() -> Results {
    let runs = [1.0, 1.02, 0.98];
    let mut failed = cell(EVIL, ("vp8enc", "250k", EVIL), 9.0, &[1.0]);
    failed["runs"][0]["failed"] = json!("no receiver <connected>");
    results(vec![
        cell("x264enc 1M", ("x264enc", "1M", "clean"), 4.0, &runs),
        cell("x264enc 250k", ("x264enc", "250k", "clean"), 4.0, &runs),
        cell("vp8enc 1M", ("vp8enc", "1M", "clean"), 6.0, &runs),
        cell("x264enc 1M loss", ("x264enc", "1M", "loss 5 %"), 9.0, &runs),
        failed,
    ])
}

/// Fails unless each element is closed in the right order; `void` elements are not closed.
fn check_nesting(page: &str) {
    let body = page.split_once("<script>\n").map_or(page, |(before, _)| before);
    let mut open: Vec<&str> = Vec::new();
    for tag in body.split('<').skip(1) {
        let tag = tag.split_once('>').expect("a tag ends").0;
        let name = tag.split([' ', '/']).find(|word| !word.is_empty()).expect("a tag has a name");
        if let Some(closed) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed));
        } else if !tag.ends_with('/') && !["!DOCTYPE", "meta"].contains(&name) {
            open.push(name);
        }
    }
    assert_eq!(open, ["html", "body"], "what is open before the script");
}

fn html(results: &Results) -> String {
    page(results, &plots(results)).expect("a page")
}

#[test]
fn the_page_needs_nothing_from_elsewhere_and_believes_no_name() {
    let page = html(&several());
    check_nesting(&page);
    let without_names = page.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    for outside in ["http:", "https:", "src=", "url(", "@import", "<link", "//cdn"] {
        assert!(!without_names.contains(outside), "{outside}");
    }
    assert!(!page.contains("<script>alert") && !page.contains("<connected>"), "names are text");
    assert_eq!(page.matches("<tr>").count(), 1 + 5, "a head, and a row for each cell");
    for told in ["latency_ms.p99", "seed 7", "GStreamer 1.22.0", "raw/0.jsonl", "0.1.0", "1 of 1 run: no receiver"] {
        assert!(page.contains(told), "{told}");
    }
}

#[test]
fn the_table_does_not_say_again_what_every_cells_name_says() {
    let heads = |results: &Results| {
        let differences = Differences::of(&results.cells.iter().collect::<Vec<_>>());
        table::table(results, &differences).heads.into_iter().map(|head| head.title).collect::<Vec<_>>()
    };
    let [one, other] = ["x264enc", "vp8enc"].map(|encoder| cell(encoder, (encoder, "1M", "clean"), 4.0, &[1.0]));
    let named = heads(&results(vec![one.clone(), other.clone()]));
    assert!(!named.iter().any(|title| title == "encoder" || title == "runs"), "{named:?}");
    let mine = cell("mine", ("vp8enc", "1M", "clean"), 4.0, &[1.0]);
    let own = heads(&results(vec![one, mine]));
    assert!(own.iter().any(|title| title == "encoder"), "{own:?}");
    let repeated = heads(&results(vec![cell("x264enc", ("x264enc", "1M", "clean"), 4.0, &[1.0, 1.1]), other]));
    assert!(repeated.iter().any(|title| title == "runs"), "{repeated:?}");
}

#[test]
fn only_plots_with_something_to_show_are_drawn() {
    let names = |results: &Results| plots(results).into_iter().map(|plot| plot.name).collect::<Vec<_>>();
    assert_eq!(names(&several()), ["latency", "waterfall", "error-bitrate", "cpu"]);
    assert_eq!(names(&results(vec![cell("one", ("x264enc", "1M", "clean"), 4.0, &[1.0])])), ["latency", "waterfall", "cpu"]);
    let nothing = results(vec![cell("one", ("x264enc", "1M", "clean"), 4.0, &[])]);
    assert_eq!(names(&nothing), [""; 0]);
    check_nesting(&html(&nothing));
    check_nesting(&html(&results(Vec::new())));
}

#[test]
fn a_winner_is_named_only_where_the_runs_do_not_overlap() {
    let of = |vp8_ms: f64| {
        let x264 = cell("x264enc", ("x264enc", "1M", "clean"), 4.0, &[1.0, 1.1]);
        summary::summary(&results(vec![x264, cell("vp8enc", ("vp8enc", "1M", "clean"), vp8_ms, &[1.0, 1.1])]))
    };
    let clear = "x264enc is fastest: latency p50 4.20 ms (4.00 to 4.40 in 2 runs); vp8enc is slowest: 6.30 ms (6.00 to 6.60 in 2 runs).";
    assert_eq!(of(6.0)[1], clear);
    assert!(of(4.3)[1].starts_with("No encoder is fastest: latency p50 4.20 to 4.52 ms"), "{:?}", of(4.3));
}

#[test]
fn the_summary_tells_losses_and_broken_assertions() {
    let results = several();
    let told = summary::summary(&results);
    assert_eq!(told[0], "5 cells, 13 runs, 60 s measured; 1 failed. 4 of 13 assertions do not hold.");
    let lost = "x264enc 1M loss: 97.00 % (in all 3 runs) of the frames came back in time, latency p95 13.5 ms (13.2 to 13.8 in 3 runs).";
    assert!(told.iter().any(|sentence| sentence == lost), "{told:?}");
    assert_eq!(summary::broken_assertions(&results).len(), 4);
}

#[test]
fn every_plot_is_a_file_too() {
    let documents = documents(&results(vec![cell("one", ("x264enc", "1M", "clean"), 4.0, &[1.0])])).expect("drawn");
    let paths: Vec<&str> = documents.iter().map(|document| document.path.as_str()).collect();
    let plots =
        ["latency", "waterfall", "cpu"].iter().flat_map(|name| [format!("plots/{name}.svg"), format!("plots/{name}.png")]);
    assert_eq!(paths, std::iter::once("report.html".to_owned()).chain(plots).collect::<Vec<_>>());
    assert!(documents.iter().all(|document| !document.bytes.is_empty()));
}

#[test]
fn all_is_not_claimed_of_less() {
    assert_eq!(figure::percent(99.999), "99.99 %");
    assert_eq!(figure::percent(100.0), "100 %");
    assert_eq!([0.0042, 0.5, 4.5, 45.04, 450.4].map(figure::number), ["0.004", "0.500", "4.50", "45.0", "450"]);
    assert_eq!(quoted("it's"), r"'it'\''s'");
}
