use super::*;

fn matrix(text: &str, assertions: &[&str]) -> Result<Matrix, MatrixError> {
    let assertions: Vec<String> = assertions.iter().map(|text| (*text).to_owned()).collect();
    Matrix::new("test", &MatrixText::parse("test", text)?, &assertions)
}

fn names(matrix: &Matrix) -> Vec<&str> {
    matrix.cells.iter().map(|cell| cell.name.as_str()).collect()
}

#[test]
fn every_combination_is_a_cell_named_by_what_varies() {
    let matrix = matrix("[axes]\nencoder = ['x264enc', 'vp8enc']\nfps = [30, 60]\nsize = ['320x240']\n", &[]).expect("good");
    assert_eq!(names(&matrix), ["x264enc 30fps", "x264enc 60fps", "vp8enc 30fps", "vp8enc 60fps"]);
    let settings = &matrix.cells[1].settings;
    assert_eq!((settings.width, settings.height, settings.fps, settings.receivers), (320, 240, 60, 1));
    assert_eq!((settings.channel.as_deref(), settings.network.there.as_deref()), (None, None));
}

#[test]
fn exclusions_leave_out_what_has_all_their_values() {
    let text = "[axes]\nencoder = ['a', 'b']\nfps = [30, 60]\n[[exclude]]\nencoder = 'b'\nfps = [50, 60]\n";
    assert_eq!(names(&matrix(text, &[]).expect("good")), ["a 30fps", "a 60fps", "b 30fps"]);
    let all = "[axes]\nencoder = ['a']\n[[exclude]]\nencoder = 'a'\n";
    assert_eq!(matrix(all, &[]), Err(MatrixError::Empty));
}

#[test]
fn own_cells_take_over_what_they_do_not_say() {
    let text = "seconds = 5\nassert = ['latency_ms.p50 < 9']\n[axes]\nencoder = ['x264enc', 'vp8enc']\n[networks.bad]\nback = 'loss=9%'\n\
        [[cell]]\nname = 'mine'\nnetwork = 'bad'\nfps = 60\nsend = ['--gop', '30']\nassert = ['phases.end.matched > 0.5']\n\
        [[cell.phase]]\nname = 'end'\nfrom_s = 1\nto_s = 7\n";
    let matrix = matrix(text, &[]).expect("good");
    let mine = &matrix.cells[2];
    assert_eq!((mine.name.as_str(), mine.settings.encoder.as_str(), mine.settings.fps), ("mine", "x264enc", 60));
    assert_eq!((mine.settings.seconds, mine.settings.warmup_s, mine.assertions.len()), (5.0, 2.0, 2));
    let network = &mine.settings.network;
    assert_eq!((network.name.as_str(), network.there.as_deref(), network.back.as_deref()), ("bad", None, Some("loss=9%")));
    assert_eq!(mine.settings.send, ["--gop", "30"]);
}

#[test]
fn identities_follow_from_settings_and_not_from_names_repeats_or_assertions() {
    let id = |text: &str| matrix(text, &[]).expect("good").cells[0].id.clone();
    let plain = id("[axes]\nencoder = ['a']\n");
    assert_eq!(plain, id("repeat = 4\nassert = ['frames.matched > 1']\n[[cell]]\nname = 'x'\nencoder = 'a'\n"));
    for other in
        ["[axes]\nencoder = ['b']\n", "seconds = 9\n[axes]\nencoder = ['a']\n", "[axes]\nencoder = ['a']\nfec = [0]\n"]
    {
        assert_ne!(plain, id(other), "{other}");
    }
}

#[test]
fn assertions_go_to_all_cells_or_to_the_one_that_is_named() {
    let text = "[axes]\nbitrate = ['1M', 'auto:1M-2M']\n";
    let matrix = matrix(text, &["latency_ms.p99 < 20", "auto:1M-2M: frames.matched > 1", "processes.sender.cores < 1"])
        .expect("good");
    assert_eq!(matrix.cells.iter().map(|cell| cell.assertions.len()).collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn what_is_wrong_is_refused_before_anything_runs() {
    for (text, assertion, needed) in [
        ("axis = 1", "", "unknown field"),
        ("[axes]\ncolour = ['red']", "", "colour"),
        ("[axes]\nsize = ['641x480']", "", "size: size 641x480 is odd"),
        ("[axes]\nfps = [0]", "", "fps"),
        ("[axes]\nreceivers = [0]", "", "from 1 to 1000"),
        ("seconds = 0", "", "more than 0"),
        ("repeat = 0", "", "repeat: 0 is not from 1"),
        ("[[cell]]\nname = 'a'\ncolour = 'red'", "", "'colour': axes are encoder, size"),
        ("[[cell]]\nname = 'a'\n[[cell]]\nname = 'a'\nfps = 5", "", "called 'a'"),
        ("[[cell]]\nname = 'a'\n[[cell]]\nname = 'b'", "", "'a' and 'b' have the same"),
        ("[[cell]]\nname = 'a'\n[[cell.phase]]\nname = 'x-y'\nfrom_s = 1\nto_s = 2", "", "no name"),
        ("[[cell]]\nname = 'a'\n[[cell.phase]]\nname = 'x'\nfrom_s = 1\nto_s = 200", "", "within the run"),
        ("", "nobody: frames.matched > 1", "there are 'auto'"),
        ("", "latency_ms.p98 < 1", "latency_ms.p99"),
        ("", "phases.x.matched < 1", "no report has such a number"),
        ("", "latency_ms.p99", "is no assertion"),
    ] {
        let assertions: Vec<&str> = (!assertion.is_empty()).then_some(assertion).into_iter().collect();
        let error = matrix(text, &assertions).expect_err(text).to_string();
        assert!(error.contains(needed), "{text} {assertion}: {error}");
    }
    let huge =
        format!("[axes]\nfps = {:?}\nreceivers = {:?}\n", (1..=240).collect::<Vec<_>>(), (1..=100).collect::<Vec<_>>());
    assert_eq!(matrix(&huge, &[]), Err(MatrixError::TooMany(24_000)));
}

#[test]
fn the_built_in_matrices_are_sound_and_quick_is_quick() {
    for (name, text) in BUILT_IN {
        let matrix = Matrix::new(name, &MatrixText::parse(name, text).expect(name), &[])
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let seconds: f64 = matrix.cells.iter().map(|cell| cell.seconds() * f64::from(cell.repeat)).sum();
        assert!(name != "quick" || seconds <= 50.0, "{name} takes {seconds} s");
        assert!(seconds < 6000.0, "{name} takes {seconds} s");
    }
    let network = matrix(BUILT_IN[2].1, &[]).expect("sound");
    for name in ["loss-2", "loss-5", "loss-10", "loss-20", "set-up-at-loss-30", "rate-4-1-4", "rtt-100", "blackout-3s"] {
        let cell = network.cells.iter().find(|cell| cell.name == name).expect(name);
        assert!(!cell.assertions.is_empty(), "{name}");
    }
}
