use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;

use gstreamer as gst;
use gstreamer_app as gst_app;

use super::*;
use crate::pipeline::Texts;
use crate::units::{Fps, RtpTime, Size};

/// Of `open(2)` on Linux.
const O_NONBLOCK: i32 = 0o4000;

/// Frame times of a source at 240 frames/s, on the run's clock.
fn due(number: u64) -> Duration {
    Duration::from_millis(1234) + Duration::from_nanos(number * 1_000_000_000 / 240)
}

/// As many encoded pictures as VP8 makes of grey.
fn units(count: i32) -> Vec<Unit> {
    let launch = format!(
        "videotestsrc num-buffers={count} pattern=ball ! video/x-raw,width=64,height=64,framerate=240/1 ! vp8enc deadline=1 \
         ! appsink name=units sync=false max-buffers=8 drop=false"
    );
    let pipeline = Pipeline::parse("encode", &launch).expect("valid");
    let sink = pipeline.element::<gst_app::AppSink>("units").expect("there");
    pipeline.play().expect("plays");
    let samples = std::iter::from_fn(|| sink.pull_sample().ok());
    let unit = |(number, sample): (u64, gst::Sample)| {
        let unit = Unit::of_sample(&sample)?;
        let running_time = gst::ClockTime::from_nseconds(due(number).as_nanos() as u64);
        Some(Unit { running_time, ..unit })
    };
    let units = (0..).zip(samples).filter_map(unit).collect();
    pipeline.stop();
    units
}

#[test]
fn the_recording_has_every_frame_under_a_time_that_names_its_timestamp() {
    gst::init().expect("GStreamer starts");
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.mkv");
    let (size, fps) = (Size::new(64, 64).expect("valid"), Fps::new(240).expect("valid"));
    let texts = Texts::load(None).expect("embedded");
    let recorder = Recorder::new(&path);
    recorder.start(Codec::Vp8, &texts.record(Codec::Vp8, 31, size, fps).expect("filled")).expect("starts");
    let units = units(200);
    assert!(units.iter().all(|unit| !recorder.hand(unit)));
    let info = recorder.finish();
    assert_eq!((info.frames, info.dropped, info.complete), (200, 0, true), "{info:?}");

    let pipeline = Pipeline::parse(
        "read",
        "filesrc name=file ! matroskademux ! appsink name=units sync=false max-buffers=8 drop=false",
    )
    .expect("valid");
    let file: gst::Element = pipeline.element("file").expect("there");
    file.set_property("location", path.to_str().expect("UTF-8"));
    let sink = pipeline.element::<gst_app::AppSink>("units").expect("there");
    pipeline.play().expect("plays");
    for (number, unit) in (0..).zip(&units) {
        let sample = sink.pull_sample().expect("a frame");
        let read = sample.buffer().expect("a buffer");
        let key = |ns: u64| RtpTime::from_running_time(RtpTime(0), ns);
        let (of_run, of_file) = (key(unit.running_time.nseconds()), key(read.pts().expect("a time").nseconds()));
        assert!(of_file.ticks_since(of_run).abs() <= 1, "frame {number}: {of_file:?} for {of_run:?}");
        assert_eq!(read.size(), unit.buffer.size(), "frame {number}");
    }
    assert!(sink.pull_sample().is_err(), "no frame more");
    pipeline.stop();
}

#[test]
fn nobody_waits_for_the_disk_while_the_file_ends() {
    gst::init().expect("GStreamer starts");
    let directory = tempfile::tempdir().expect("a directory");
    let pipe = directory.path().join("run.mkv");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("coreutils").success());
    // Nobody reads, and it is full: whoever writes waits.
    let options = std::fs::OpenOptions::new().read(true).write(true).custom_flags(O_NONBLOCK).open(&pipe);
    let mut reader = options.expect("there");
    while reader.write(&[0; 4096]).is_ok() {}
    let (size, fps) = (Size::new(64, 64).expect("valid"), Fps::new(240).expect("valid"));
    let recorder = std::sync::Arc::new(Recorder::new(&pipe));
    let launch = Texts::load(None).expect("embedded").record(Codec::Vp8, 31, size, fps).expect("filled");
    recorder.start(Codec::Vp8, &launch).expect("starts");
    let units = units(20);
    for unit in &units {
        let _ = recorder.hand(unit);
    }
    let ending = recorder.clone();
    let end = std::thread::Builder::new().name("end".to_owned()).spawn(move || ending.finish()).expect("a thread");
    while recorder.state.try_lock().is_ok_and(|state| !state.is_over) {}
    let begin = std::time::Instant::now();
    assert!(!recorder.hand(&units[0]), "it is over");
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
    assert!(!end.is_finished(), "it still waits for the disk");
    drop(reader);
    assert!(!end.join().expect("no panic").complete);
}

#[test]
fn a_full_disk_ends_the_recording_and_nothing_else() {
    gst::init().expect("GStreamer starts");
    let (size, fps) = (Size::new(64, 64).expect("valid"), Fps::new(240).expect("valid"));
    let texts = Texts::load(None).expect("embedded");
    let recorder = Recorder::new(Path::new("/dev/full"));
    let launch = texts.record(Codec::Vp8, 31, size, fps).expect("filled");
    if recorder.start(Codec::Vp8, &launch).is_ok() {
        assert_eq!(units(20).iter().filter(|unit| recorder.hand(unit)).count(), 0, "no keyframe is wanted for it");
    }
    assert!(!recorder.finish().complete);
}
