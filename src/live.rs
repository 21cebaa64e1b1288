//! The live view of a sender: one screen that is renewed in place on a terminal, one line a second elsewhere.

mod view;

use std::io::{self, IsTerminal};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ratatui::crossterm::terminal;

use crate::cli::{Common, LogFormat};
use crate::congestion::BitrateRule;
use crate::logging::{Console, Log};
use crate::units::{Fps, Size};

/// Five times a second: faster than that numbers cannot be read.
const SCREEN_INTERVAL: Duration = Duration::from_millis(200);

/// Where lines pile up instead of being replaced.
const LINE_INTERVAL: Duration = Duration::from_secs(1);

/// A terminal that does not say how large it is.
const UNKNOWN_SIZE: (u16, u16) = (80, 24);

/// What there is to see at one moment. What was not measured is `None`.
#[derive(Clone, Debug)]
pub struct LiveView {
    /// The scene's name.
    pub scene: String,
    /// Of its frames.
    pub size: Size,
    /// As asked for.
    pub fps: Fps,
    /// The encoder's name, once chosen.
    pub encoder: Option<String>,
    /// As asked for.
    pub bitrate: BitrateRule,
    /// As measured lately, in kbit/s.
    pub bitrate_kbps: Option<f64>,
    /// Since the run began.
    pub uptime: Duration,
    /// Frames produced so far.
    pub produced: u64,
    /// Share of the frames that a coordinate came back for.
    pub matched_percent: Option<f64>,
    /// Frames matched a second, lately.
    pub matched_fps: Option<f64>,
    /// Distance to the truth of the same frame, of all frames so far.
    pub error_px: Quantiles,
    /// From produced to returned, of all frames so far.
    pub latency_ms: Quantiles,
    /// Share of the coordinates that were older than they may be; none unless that is asked for.
    pub missed_percent: Option<f64>,
    /// The last values, oldest first.
    pub recent_error_px: Vec<f64>,
    /// The last values, oldest first.
    pub recent_latency_ms: Vec<f64>,
    /// Whoever is or was there.
    pub receivers: Vec<LiveReceiver>,
    /// How to get a receiver, for example `rebound receive --port 8080`.
    pub invitation: String,
}

/// A distribution in three numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quantiles {
    /// The median.
    pub p50: Option<f64>,
    /// 95 % are at most this.
    pub p95: Option<f64>,
    /// 99 % are at most this.
    pub p99: Option<f64>,
}

/// One receiver at one moment.
#[derive(Clone, Debug)]
pub struct LiveReceiver {
    /// Its name.
    pub id: String,
    /// In a word: `connecting`, `connected`, `gone`.
    pub state: String,
    /// Frames matched a second, lately.
    pub matched_fps: Option<f64>,
    /// Share of the frames that a coordinate came back for.
    pub matched_percent: Option<f64>,
    /// 95 % of its errors are at most this.
    pub error_p95_px: Option<f64>,
    /// From produced to returned.
    pub latency_ms: Quantiles,
}

/// Shows views, on a thread of its own: a terminal that is slow or stopped costs views, not time.
pub struct Live {
    interval: Duration,
    due: Duration,
    views: Option<SyncSender<LiveView>>,
    thread: Option<JoinHandle<()>>,
}

impl Live {
    /// A live view as fits where stderr goes; none with `--quiet`.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(options: &Common, log: &Log) -> io::Result<Live> {
        if options.quiet {
            return Ok(Live::none());
        }
        if !io::stderr().is_terminal() || options.log_format == LogFormat::Json {
            return Live::spawn(LINE_INTERVAL, |views| {
                views.iter().for_each(|view| tracing::info!("{}", view::line(&view)))
            });
        }
        let (console, coloured) = (log.console.clone(), log.coloured);
        Live::spawn(SCREEN_INTERVAL, move |views| renew_screen(&views, &console, coloured))
    }

    /// Nothing is shown.
    pub fn none() -> Live {
        Live { interval: Duration::MAX, due: Duration::MAX, views: None, thread: None }
    }

    fn spawn(interval: Duration, show: impl FnOnce(Receiver<LiveView>) + Send + 'static) -> io::Result<Live> {
        let (sender, views) = sync_channel(1);
        let thread = thread::Builder::new().name("live".to_owned()).spawn(move || show(views))?;
        Ok(Live { interval, due: Duration::ZERO, views: Some(sender), thread: Some(thread) })
    }

    /// Whether it is time for a new view.
    pub fn is_due(&self, uptime: Duration) -> bool {
        uptime >= self.due
    }

    /// Shows a view if it is due; never waits. Without a free hand the view is skipped.
    pub fn show(&mut self, view: LiveView) {
        if !self.is_due(view.uptime) {
            return;
        }
        self.due = view.uptime.saturating_add(self.interval);
        if let Some(views) = &self.views {
            let _ = views.try_send(view);
        }
    }
}

impl Drop for Live {
    /// The last view stays on the terminal, above whatever comes.
    fn drop(&mut self) {
        self.views = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported there.
            let _ = thread.join();
        }
    }
}

fn renew_screen(views: &Receiver<LiveView>, console: &Console, coloured: bool) {
    for view in views {
        let (columns, rows) = terminal::size().unwrap_or(UNKNOWN_SIZE);
        if console.show(view::rows(&view, columns, rows, coloured)).is_err() {
            return;
        }
    }
    console.leave();
}

#[cfg(test)]
mod tests {
    use super::view::tests::a_view;
    use super::*;

    #[test]
    fn views_are_rare_and_never_waited_for() {
        let (shown, seen) = sync_channel(100);
        let (go, gate) = sync_channel::<()>(0);
        let mut live = Live::spawn(SCREEN_INTERVAL, move |views| {
            gate.recv().expect("the test goes on");
            views.iter().for_each(|view| shown.send(view.uptime.as_millis()).expect("room"));
        })
        .expect("starts");
        for ms in (0..1000).step_by(10) {
            live.show(LiveView { uptime: Duration::from_millis(ms), ..a_view(1) });
        }
        go.send(()).expect("waits");
        drop(live);
        assert_eq!(seen.iter().collect::<Vec<_>>(), [0], "the others came while nobody looked");
    }

    #[test]
    fn a_view_is_due_five_times_a_second() {
        let mut live = Live::spawn(SCREEN_INTERVAL, |views| views.iter().for_each(drop)).expect("starts");
        let due = (0..1000).step_by(10).filter(|ms| {
            let uptime = Duration::from_millis(*ms);
            let due = live.is_due(uptime);
            live.show(LiveView { uptime, ..a_view(0) });
            due
        });
        assert_eq!(due.collect::<Vec<_>>(), [0, 200, 400, 600, 800]);
    }
}
