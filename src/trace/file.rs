//! The trace's file and the thread that writes it. The loop hands over and goes on, whatever the disk does.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::thread;
use std::time::Duration;

use super::line::{End, Header, Line};
use super::{Encoder, Format, Item, Lines};
use crate::report::TraceInfo;

/// Items that wait for the thread, of 300 bytes and up to 1 kB each. Two and a half seconds of 50 receivers at 30 frames/s, more
/// than a disk stops for; what is too much is dropped and counted.
const QUEUE_ITEMS: usize = 4096;

/// Kept free below the limit, for the last line.
const LAST_LINE_BYTES: u64 = 256;

/// How long the end of a run waits for a slow disk.
const FINISH_WITHIN: Duration = Duration::from_secs(5);

/// What a trace is made with.
#[derive(Debug)]
pub struct TraceOptions {
    /// Where it is written.
    pub path: PathBuf,
    /// As what.
    pub format: Format,
    /// It ends before it has more bytes.
    pub limit_bytes: u64,
    /// Its first line.
    pub header: Header,
}

/// A trace that is being written.
#[derive(Debug)]
pub struct TraceFile {
    path: PathBuf,
    queue: SyncSender<Item>,
    /// Takes what comes last, however full the queue is.
    last: SyncSender<Item>,
    dropped: u64,
    progress: Arc<Progress>,
    ended: Receiver<()>,
}

/// What the thread has done.
#[derive(Debug, Default)]
struct Progress {
    frames: AtomicU64,
    /// Frames that came after the limit or a write error.
    left_out: AtomicU64,
    /// Frames and receivers that found the queue full, as told to the thread.
    dropped: AtomicU64,
    limit_reached: AtomicBool,
    failed: AtomicBool,
}

impl TraceFile {
    /// Makes the file and writes its first line. A disk that is full already costs the trace and not the run.
    pub fn start(options: TraceOptions) -> io::Result<TraceFile> {
        let TraceOptions { path, format, limit_bytes, header } = options;
        let to = BufWriter::new(File::create(&path)?);
        let mut writing = Writing { to, limit_bytes, written_bytes: 0, encoder: Encoder::new(format), bytes: Vec::new() };
        let begun = writing.line(&Line::Header(Box::new(header))).and_then(|_| writing.to.flush());
        let (queue, items) = sync_channel(QUEUE_ITEMS);
        let (last, rest) = sync_channel(1);
        let (end, ended) = sync_channel(1);
        let progress = Arc::new(Progress::default());
        let mut thread =
            Thread { writing: Some(writing), lines: Lines::default(), progress: progress.clone(), path: path.clone() };
        thread.note(begun.err());
        thread::Builder::new().name("trace".to_owned()).spawn(move || {
            thread.run(&items, &rest);
            // Whoever waited has given up, or gets this.
            let _ = end.send(());
        })?;
        Ok(TraceFile { path, queue, last, dropped: 0, progress, ended })
    }

    /// Hands an item over, without waiting.
    pub fn offer(&mut self, item: Item) {
        if self.queue.try_send(item).is_err() {
            self.dropped += 1;
            self.progress.dropped.store(self.dropped, Ordering::Release);
        }
    }

    /// Waits until all is written, as long as a run's end may take. Blocks. `lost` more were dropped before they came here.
    pub fn finish(mut self, rest: Item, lost: u64) -> TraceInfo {
        self.dropped += lost;
        self.progress.dropped.store(self.dropped, Ordering::Release);
        let TraceFile { path, queue, last, dropped, progress, ended } = self;
        // It has room for one, and this is the only one.
        let _ = last.try_send(rest);
        drop(queue);
        let in_time = !matches!(ended.recv_timeout(FINISH_WITHIN), Err(RecvTimeoutError::Timeout));
        if !in_time {
            tracing::warn!("the trace {} is not complete: the disk takes longer than {FINISH_WITHIN:?}", path.display());
        }
        let dropped = dropped + progress.left_out.load(Ordering::Acquire);
        if dropped > 0 {
            tracing::warn!("{dropped} records are missing in the trace {}", path.display());
        }
        let failed = progress.failed.load(Ordering::Acquire);
        let limit_reached = progress.limit_reached.load(Ordering::Acquire);
        TraceInfo {
            file: path.display().to_string(),
            frames: progress.frames.load(Ordering::Acquire),
            dropped,
            complete: in_time && !failed && !limit_reached && dropped == 0,
            limit_reached,
        }
    }
}

struct Thread {
    /// None after an error or the limit.
    writing: Option<Writing<BufWriter<File>>>,
    lines: Lines,
    progress: Arc<Progress>,
    path: PathBuf,
}

impl Thread {
    fn run(mut self, items: &Receiver<Item>, rest: &Receiver<Item>) {
        while let Some(item) = self.next(items) {
            self.write(item);
        }
        if let Ok(rest) = rest.try_recv() {
            self.write(rest);
        }
        self.end(false);
    }

    /// Writes the last line, if the file is still open.
    fn end(&mut self, limit_reached: bool) {
        let Some(mut writing) = self.writing.take() else { return };
        let [frames, dropped] = [&self.progress.frames, &self.progress.dropped].map(|count| count.load(Ordering::Acquire));
        writing.limit_bytes = u64::MAX;
        let written = writing.line(&Line::End(End { frames, dropped, limit_reached })).and_then(|_| writing.to.flush());
        self.note(written.err());
    }

    /// The next item. Before it waits, all is in the file: a kill leaves it readable, and others can follow it.
    fn next(&mut self, items: &Receiver<Item>) -> Option<Item> {
        match items.try_recv() {
            Ok(item) => Some(item),
            Err(TryRecvError::Disconnected) => None,
            Err(TryRecvError::Empty) => {
                let flushed = self.writing.as_mut().map_or(Ok(()), |writing| writing.to.flush());
                self.note(flushed.err());
                items.recv().ok()
            }
        }
    }

    fn write(&mut self, item: Item) {
        let Thread { writing, lines, progress, .. } = self;
        let mut error = None;
        lines.lines(item, |line| {
            let is_frame = u64::from(matches!(line, Line::Frame(_)));
            let written = writing.as_mut().map_or(Ok(false), |writing| writing.line(line));
            let count = if matches!(written, Ok(true)) { &progress.frames } else { &progress.left_out };
            count.fetch_add(is_frame, Ordering::AcqRel);
            if let Err(why) = written {
                *writing = None;
                error = Some(why);
            }
        });
        self.note(error);
        self.stop_at_limit();
    }

    fn stop_at_limit(&mut self) {
        if !self.writing.as_ref().is_some_and(|writing| writing.is_full()) {
            return;
        }
        tracing::warn!("the trace {} has reached its limit and ends here; the run goes on", self.path.display());
        self.progress.limit_reached.store(true, Ordering::Release);
        self.end(true);
    }

    /// After the first error nothing more is written.
    fn note(&mut self, error: Option<io::Error>) {
        let Some(error) = error else { return };
        self.writing = None;
        self.progress.failed.store(true, Ordering::Release);
        tracing::warn!("the trace {} is not complete, the run goes on without: {error}", self.path.display());
    }
}

/// Writes lines up to a limit.
struct Writing<W> {
    to: W,
    limit_bytes: u64,
    written_bytes: u64,
    encoder: Encoder,
    bytes: Vec<u8>,
}

impl<W: Write> Writing<W> {
    /// Writes a line, and says whether it fits.
    fn line(&mut self, line: &Line) -> io::Result<bool> {
        if self.is_full() {
            return Ok(false);
        }
        self.bytes.clear();
        self.encoder.encode(line, &mut self.bytes);
        self.to.write_all(&self.bytes)?;
        self.written_bytes += self.bytes.len() as u64;
        Ok(true)
    }

    /// No other line of a frame, as long as it may be, would fit.
    fn is_full(&self) -> bool {
        self.written_bytes.saturating_add(MOST_LINE_BYTES + LAST_LINE_BYTES) > self.limit_bytes
    }
}

/// The longest line of a frame: eight objects take 4 kB as Chrome's events.
const MOST_LINE_BYTES: u64 = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{FrameRecord, ReceiverId, State};
    use crate::scene::Truth;
    use crate::trace::tests::header;
    use crate::units::{FrameNumber, RtpTime};

    fn record(number: u64) -> FrameRecord {
        FrameRecord {
            receiver: ReceiverId(1),
            name: "one".into(),
            frame: FrameNumber(number),
            rtp: RtpTime(0),
            truth: Truth::default(),
            produced_at: Duration::from_millis(number),
            encoded_at: None,
            sent_at: None,
            bytes: 0,
            keyframe: false,
            state: State::DroppedByEncoder,
            joined: None,
        }
    }

    #[test]
    fn what_comes_last_is_written_however_full_the_queue_is() {
        let directory = tempfile::tempdir().expect("a directory");
        let pipe = directory.path().join("run.jsonl");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("coreutils").success());
        let mut reader = std::fs::OpenOptions::new().read(true).write(true).open(&pipe).expect("there");
        let options = TraceOptions { path: pipe.clone(), format: Format::JsonLines, limit_bytes: 1 << 30, header: header() };
        let mut trace = TraceFile::start(options).expect("writable");
        // Nobody reads: the thread waits with a full pipe, and the queue fills up.
        (0..2 * QUEUE_ITEMS as u64).for_each(|number| trace.offer(Item::Frame(record(number))));
        let dropped = trace.dropped;
        assert!(dropped > 0);
        let finish = move || trace.finish(Item::Rest((20_000..20_010).map(record).collect()), 0);
        let finish = thread::Builder::new().name("finish".to_owned()).spawn(finish).expect("a thread");
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\"limit_reached\":false}\n") {
            let mut some = [0; 4096];
            let read = io::Read::read(&mut reader, &mut some).expect("readable");
            bytes.extend_from_slice(&some[..read]);
        }
        let info = finish.join().expect("no panic");
        assert_eq!((info.dropped, info.complete), (dropped, false));
        let read = crate::trace::read(&bytes[..]).expect("a trace");
        assert_eq!(read.frames.last().map(|frame| frame.frame), Some(20_009));
        assert_eq!(read.end.map(|end| end.dropped), Some(dropped));
    }

    #[test]
    fn a_trace_ends_below_its_limit_and_counts_what_is_left_out() {
        let limit_bytes = 64_000;
        for format in [Format::JsonLines, Format::Chrome, Format::Perfetto] {
            let directory = tempfile::tempdir().expect("a directory");
            let path = directory.path().join("trace");
            let options = TraceOptions { path: path.clone(), format, limit_bytes, header: header() };
            let trace = TraceFile::start(options).expect("writable");
            let info = trace.finish(Item::Rest((0..2000).map(record).collect()), 0);
            assert!(info.limit_reached && !info.complete && info.frames > 100, "{info:?}");
            assert_eq!(info.frames + info.dropped, 2000);
            let written = std::fs::read(&path).expect("readable");
            let most = usize::try_from(limit_bytes).expect("small");
            assert!((most / 2..=most).contains(&written.len()), "{format:?}: {} bytes", written.len());
            if format == Format::JsonLines {
                let read = crate::trace::read(&written[..]).expect("a trace");
                assert_eq!(read.frames.len() as u64, info.frames);
                assert!(read.end.is_some_and(|end| end.limit_reached), "its last line says so");
            }
        }
    }
}
