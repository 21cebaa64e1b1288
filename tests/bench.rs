//! `rebound bench` over the real thing, with cells as short as can be.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::beside_others;
use crate::support::process::{Ended, Process, rebound};

const MATRIX: &str = "seconds = 1.5\nwarmup = 0.5\n[axes]\nencoder = ['x264enc', 'nosuchenc']\nsize = ['320x240']\n";

fn bench(directory: &Path, arguments: &[&str]) -> Ended {
    bench_of(MATRIX, directory, arguments)
}

fn bench_of(matrix: &str, directory: &Path, arguments: &[&str]) -> Ended {
    fs::write(directory.join("matrix.toml"), matrix).unwrap();
    let mut command = rebound(["bench", "--matrix"]);
    command.arg(directory.join("matrix.toml")).arg("--out").arg(directory.join("out")).args(arguments);
    Process::start(&mut command).ended()
}

fn results(directory: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(directory.join("out/results.json")).unwrap()).unwrap()
}

#[test]
fn a_benchmark_keeps_what_it_measured_goes_on_and_judges() {
    let _machine = beside_others();
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let junit = directory.join("junit.xml").display().to_string();
    let ended = bench(
        directory,
        &["--assert", "x264enc: latency_ms.p50 < 0.001", "--assert", "x264enc: error_px.p50 < 9", "--junit", &junit],
    );
    // The cell whose encoder there is not has failed with its reason, the other one was measured.
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let first = results(directory);
    let (good, bad) = (&first["cells"][0]["runs"][0], &first["cells"][1]["runs"][0]);
    assert_eq!((&good["failed"], &good["exit_code"]), (&Value::Null, &Value::from(0)), "{}", ended.stderr);
    assert!(bad["failed"].as_str().is_some_and(|why| why.contains("nosuchenc")), "{bad:#}");
    // Two seconds at 30 frames a second, the first half second of them not measured.
    let produced = good["report"]["frames"]["produced"].as_u64().unwrap();
    assert!((35..=50).contains(&produced), "{good:#}");
    assert_eq!(good["digest"]["frames"].as_u64(), Some(produced));
    assert!(good["digest"]["latency_quantiles_ms"].as_array().is_some_and(|quantiles| quantiles.len() == 201));
    assert!(good["cost"]["sender"]["max_rss_mb"].as_f64().is_some_and(|mb| mb > 10.0), "{good:#}");
    // What the report says of the sender's cost is of the frames that it says it is of: not of the warm-up and the wait before it.
    let (cost, report) = (&good["report"]["cost"], &good["report"]);
    let figure = |value: &Value| value.as_f64().unwrap();
    let costed_fps = 1000.0 * figure(&cost["cores_used"]) / figure(&cost["cpu_s_per_1000_frames"]);
    assert!(costed_fps > 0.75 * figure(&report["fps"]), "{costed_fps} {report:#}");
    let holds: Vec<bool> =
        good["assertions"].as_array().unwrap().iter().map(|one| one["holds"].as_bool().unwrap()).collect();
    assert_eq!(holds, [false, true]);
    let xml = fs::read_to_string(&junit).unwrap();
    assert!(xml.contains("failures=\"2\"") && xml.contains("latency_ms.p50 &lt; 0.001"), "{xml}");
    let csv = fs::read_to_string(directory.join("out/results.csv")).unwrap();
    assert_eq!(csv.lines().count(), 3, "{csv}");
    for file in good["files"].as_array().unwrap() {
        assert!(directory.join("out").join(file.as_str().unwrap()).exists(), "{file}");
    }

    let ended = bench(directory, &["--encoders", "x264enc,openh264enc", "--assert", "frames.matched > 1"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("1 runs are there") && ended.stderr.contains("1 cells there are not in this matrix"),
        "{}",
        ended.stderr
    );
    let second = results(directory);
    let started = |results: &Value| results["cells"][0]["runs"][0]["started"].clone();
    assert_eq!(started(&second), started(&first), "the run was not made again");
    assert_eq!(second["cells"][0]["runs"].as_array().unwrap().len(), 1);
    assert_eq!(second["cells"].as_array().unwrap().len(), 3);
}

#[test]
fn a_receiver_that_ends_early_fails_its_cell_at_once_and_in_its_own_words() {
    let _machine = beside_others();
    let directory = tempfile::tempdir().unwrap();
    let matrix = format!("{MATRIX}[[cell]]\nname = 'lame'\nseconds = 300\nreceive = ['--pipelines=nowhere']\n");
    let matrix = matrix
        .replace("['x264enc', 'nosuchenc']", "['x264enc']")
        .replace("[axes]", "exclude = [{ size = '320x240' }]\n[axes]");
    let begin = Instant::now();
    let ended = bench_of(&matrix, directory.path(), &[]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(begin.elapsed() < Duration::from_secs(20), "not after five minutes");
    let failed = results(directory.path())["cells"][0]["runs"][0]["failed"].clone();
    let words = failed.as_str().expect("failed");
    assert!(words.starts_with("receiver-1 ended early: ") && words.contains("nowhere"), "{words}");
}

#[test]
fn a_file_that_is_not_there_is_a_slip_and_what_could_be_there_is_told() {
    for (arguments, why) in [
        (["bench", "--matrix", "nofile"], "quick, codecs, network, scale, full"),
        (["bench", "--baseline", "nofile"], "give a results.json"),
        (["bench", "--render", "nofolder"], "give a results.json"),
    ] {
        let ended = Process::start(&mut rebound(arguments)).ended();
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert!(ended.stderr.contains("nof") && ended.stderr.contains(why), "{}", ended.stderr);
    }
}

#[test]
fn what_is_wrong_with_a_matrix_is_said_before_anything_runs() {
    let directory = tempfile::tempdir().unwrap();
    for (arguments, why) in [
        (&["--sizes", "7x7"][..], "size 7x7"),
        (&["--bitrates", "2M,1"], "bitrate '1'"),
        (&["--scenes", "nowhere"], "possible values: ball"),
        (&["--detectors", "nobody"], "possible values: ball"),
        (&["--networks", "wify"], "'wify' is no impairment"),
        (&["--assert", "latency_ms.p98 < 1"], "latency_ms.p99"),
        (&["--assert", "nobody: frames.matched > 1"], "'x264enc'"),
    ] {
        let ended = bench(directory.path(), arguments);
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert!(ended.stderr.contains(why), "{}", ended.stderr);
        assert!(!directory.path().join("out").exists());
    }
}
