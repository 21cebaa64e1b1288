//! Logs: on stderr for people or as JSON lines, and as JSON lines in files that never grow beyond their limit.
//!
//! Lines are handed to threads of their own; when those cannot keep up, lines are dropped and counted. A full disk, a stopped
//! terminal or a closed pipe costs lines, never the run.

mod console;
mod files;

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata};
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

use crate::cli::{Colour, Common, LogFormat};
use files::RotatingFile;

pub use console::{Console, Row, print_out};

/// Lines that may wait for a slow disk or terminal, about 1 MB; more are dropped and counted.
const WAITING_LINES: usize = 8192;

/// Where the terminal does not say how wide it is; what terminals have been since the VT100.
const UNKNOWN_COLUMNS: u16 = 80;

/// Keeps the log going; what waits is written when it is dropped.
pub struct Log {
    /// Where log lines and the live view meet.
    pub console: Console,
    /// Whether stderr is to be coloured.
    pub coloured: bool,
    dropped: Vec<ErrorCounter>,
    unwritten: Arc<AtomicUsize>,
    file: Option<PathBuf>,
    writers: Vec<WorkerGuard>,
}

impl Log {
    fn new(console: Console, coloured: bool) -> Log {
        Log { console, coloured, dropped: Vec::new(), unwritten: Arc::default(), file: None, writers: Vec::new() }
    }

    /// A writer that hands its lines to a thread of its own, and never waits for it.
    fn in_background(&mut self, writer: impl Write + Send + 'static, name: &str) -> NonBlocking {
        let writer = Counting { writer, unwritten: self.unwritten.clone() };
        let builder = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(WAITING_LINES).thread_name(name);
        let (writer, guard) = builder.finish(writer);
        self.dropped.push(writer.error_counter());
        self.writers.push(guard);
        writer
    }

    /// Lines that were lost because writing was too slow or failed.
    pub fn lost_lines(&self) -> usize {
        let dropped: usize = self.dropped.iter().map(ErrorCounter::dropped_lines).sum();
        dropped + self.unwritten.load(Ordering::Relaxed)
    }

    /// The file that is written to.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The log file cannot be written.
    #[error("cannot write the log {}: {source}; choose another --log-dir", path.display())]
    Unwritable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// `REBOUND_LOG` or `RUST_LOG`.
    #[error("log filter '{filter}' is not understood: {source}; write for example info, or info,rebound=debug")]
    Filter {
        /// As given.
        filter: String,
        /// Why.
        source: tracing_subscriber::filter::ParseError,
    },
    /// Only one log in a process.
    #[error("the log is already set up")]
    Twice,
}

/// Starts the log of this process; `role` names its file.
///
/// # Errors
/// When the log directory cannot be written or the filter cannot be read: nothing should be started then.
pub fn start(options: &Common, role: &str) -> Result<Log, LogError> {
    let coloured = match options.color {
        Colour::Auto => io::stderr().is_terminal(),
        Colour::Always => true,
        Colour::Never => false,
    };
    let console = Console::new(Box::new(io::stderr()), terminal_columns);
    let mut log = Log::new(console.clone(), coloured);
    let stderr_layer = stderr_layer(options.log_format, coloured, log.in_background(console, "log-stderr"));
    let file_layer = options.log_dir.as_deref().map(|directory| file_layer(&mut log, directory, role)).transpose()?;
    let layers: Vec<BoxedLayer> = std::iter::once(stderr_layer).chain(file_layer).collect();
    tracing_subscriber::registry()
        .with(layers.with_filter(filter(options)?.and(filter_fn(shows_no_token))))
        .try_init()
        .map_err(|_| LogError::Twice)?;
    Ok(log)
}

fn terminal_columns() -> u16 {
    ratatui::crossterm::terminal::size().map_or(UNKNOWN_COLUMNS, |(columns, _)| columns)
}

type BoxedLayer = Box<dyn Layer<Registry> + Send + Sync>;

fn stderr_layer(format: LogFormat, coloured: bool, writer: NonBlocking) -> BoxedLayer {
    match format {
        LogFormat::Human => fmt::layer().compact().with_target(false).with_ansi(coloured).with_writer(writer).boxed(),
        LogFormat::Json => json(writer),
    }
}

fn file_layer(log: &mut Log, directory: &Path, role: &str) -> Result<BoxedLayer, LogError> {
    let path = directory.join(format!("{role}.log"));
    let file = RotatingFile::open(&path).map_err(|source| LogError::Unwritable { path: path.clone(), source })?;
    log.file = Some(path);
    Ok(json(log.in_background(file, "log-file")))
}

fn json(writer: NonBlocking) -> BoxedLayer {
    fmt::layer().json().flatten_event(true).with_span_events(FmtSpan::NONE).with_writer(writer).boxed()
}

/// Counts the lines that could not be written, instead of failing.
struct Counting<W> {
    writer: W,
    unwritten: Arc<AtomicUsize>,
}

impl<W: Write> Write for Counting<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.writer.write_all(line).is_err() {
            self.unwritten.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// At its finest level the WebSocket library writes whole requests, with the token in them.
fn shows_no_token(metadata: &Metadata<'_>) -> bool {
    *metadata.level() != Level::TRACE || !metadata.target().starts_with("tungstenite::handshake")
}

fn filter(options: &Common) -> Result<EnvFilter, LogError> {
    let level = match (options.verbose, options.quiet) {
        (0, true) => LevelFilter::WARN,
        (0, false) => LevelFilter::INFO,
        (1, _) => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    match &options.log_filter {
        Some(filter) => EnvFilter::try_new(filter).map_err(|source| LogError::Filter { filter: filter.clone(), source }),
        None => {
            // What other crates have to say about their sockets is seldom what is looked for. GStreamer's log has passed
            // GST_DEBUG already.
            let others = LevelFilter::INFO.min(level);
            let gstreamer = if level == LevelFilter::WARN { level } else { LevelFilter::TRACE };
            let filter = format!("{others},rebound={level},gst={gstreamer}");
            EnvFilter::try_new(&filter).map_err(|source| LogError::Filter { filter, source })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::Parser;

    fn options(args: &str) -> Common {
        Cli::parse_from(format!("rebound {args} encoders").split_whitespace()).common
    }

    #[test]
    fn verbosity_sets_our_level_and_leaves_others_alone() {
        for (args, ours, others, gstreamer) in [
            ("", "info", "info", "trace"),
            ("-q", "warn", "warn", "warn"),
            ("-v", "debug", "info", "trace"),
            ("-vv", "trace", "info", "trace"),
            ("-qv", "debug", "info", "trace"),
        ] {
            let filter = filter(&options(args)).expect("a filter").to_string();
            let expected = format!("rebound={ours},gst={gstreamer},{others}");
            assert_eq!(filter, expected, "{args}");
        }
    }

    #[test]
    fn the_environments_filter_wins_and_is_checked() {
        let with = |text: &str| filter(&Common { log_filter: Some(text.to_owned()), ..options("-vv") });
        assert_eq!(with("warn").expect("a filter").to_string(), "warn");
        let error = with("rebound=loud").expect_err("refused").to_string();
        assert!(error.contains("rebound=loud") && error.contains("info,rebound=debug"), "{error}");
    }

    #[test]
    fn a_full_disk_and_a_stopped_terminal_cost_lines_not_time() {
        let mut log = Log::new(Console::new(Box::new(io::sink()), || 80), false);
        let mut full = log.in_background(RotatingFile::open(Path::new("/dev/full")).expect("opens"), "full");
        for _ in 0..100 {
            full.write_all(b"line\n").expect("taken");
        }
        log.writers.clear();
        assert_eq!(log.lost_lines(), 100);

        let (reader, writer) = io::pipe().expect("a pipe");
        let mut stopped = log.in_background(writer, "stopped");
        for _ in 0..10 {
            stopped.write_all(&[b'x'; 200_000]).expect("taken");
        }
        for _ in 0..2 * WAITING_LINES {
            stopped.write_all(b"line\n").expect("taken");
        }
        assert!(log.lost_lines() >= WAITING_LINES, "{}", log.lost_lines());
        drop(reader);
    }

    #[test]
    fn an_unwritable_log_directory_is_refused() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let error = RotatingFile::open(&file.path().join("logs/sender.log")).expect_err("refused");
        assert_eq!(error.kind(), io::ErrorKind::NotADirectory);
    }
}
