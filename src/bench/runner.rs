//! One run of a cell: sender and receivers as processes, watched until they have ended or are made to.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use tokio::process::{Child, Command};

use super::cost::Watched;
use super::digest::{Span, digest};
use super::folder::RAW;
use super::matrix::PlannedCell;
use super::results::{Cost, Run};
use super::{samples, verdict, words};
use crate::children::{self, code, free_port};
use crate::clock::RunClock;

/// How often the processes' cost is read: reading takes 0.1 ms a process.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What a run may take beside its frames: trial of the encoder, connecting through a bad network, the last coordinates.
const PATIENCE_S: f64 = 40.0;

/// How much of a log is read for the reason of a failure.
const LOG_TAIL: usize = 16_384;

/// Makes runs in a folder.
pub(super) struct Runner {
    program: PathBuf,
    out: PathBuf,
    settings_file: Option<PathBuf>,
    clock: RunClock,
}

/// The processes of a run and what they leave behind.
struct Processes {
    sender: Child,
    receivers: Vec<Child>,
    watched: Vec<Watched>,
}

/// How a run ends.
enum End {
    /// The sender has ended.
    Sender(ExitStatus),
    /// A receiver has, though nobody asked it to; from 1.
    Receiver(usize, ExitStatus),
    /// Nobody has, in all the time that there was.
    Nobody,
}

/// Where a run's files are, relative to the folder.
struct Files {
    stem: String,
}

impl Files {
    fn trace(&self) -> String {
        format!("{}.trace.jsonl", self.stem)
    }

    fn report(&self) -> String {
        format!("{}.report.json", self.stem)
    }

    fn log(&self, who: &str) -> String {
        format!("{}.{who}.log", self.stem)
    }
}

impl Runner {
    pub(super) fn new(out: &Path, settings_file: Option<PathBuf>) -> anyhow::Result<Runner> {
        Ok(Runner { program: children::program()?, out: out.to_owned(), settings_file, clock: RunClock::start() })
    }

    /// Whatever happens, there is a result; if this is given up, the processes are killed.
    pub(super) async fn run(&self, cell: &PlannedCell, repeat: u32) -> Run {
        let files = Files { stem: format!("{RAW}/{}-{repeat}", cell.id) };
        let mut run = Run {
            repeat,
            started: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            exit_code: None,
            failed: None,
            report: None,
            cost: Cost::default(),
            digest: None,
            files: Vec::new(),
            assertions: Vec::new(),
        };
        let outcome = match self.start(cell, &files) {
            Ok(processes) => self.attend(processes, cell, &files, &mut run).await,
            Err(error) => Err(error),
        };
        run.failed = outcome.err().map(|error| format!("{error:#}"));
        run.files = self.left_behind(cell, &files);
        run
    }

    fn left_behind(&self, cell: &PlannedCell, files: &Files) -> Vec<String> {
        let logs = (1..=cell.settings.receivers).map(|number| files.log(&format!("receiver-{number}")));
        let all = [files.trace(), files.report(), files.log("sender")].into_iter().chain(logs);
        all.filter(|file| self.out.join(file).exists()).collect()
    }

    fn start(&self, cell: &PlannedCell, files: &Files) -> anyhow::Result<Processes> {
        for old in [files.trace(), files.report()] {
            // From a run that was given up.
            let _ = fs::remove_file(self.out.join(old));
        }
        let port = free_port()?;
        let mut sender = self.role("send", &self.out.join(files.log("sender")))?;
        sender.args(words::send(&cell.settings)).args(["--port", &port.to_string()]);
        sender.arg("--report").arg(self.out.join(files.report())).arg("--trace").arg(self.out.join(files.trace()));
        let sender = sender.spawn().context("the sender cannot be started")?;
        let mut receivers = Vec::new();
        for number in 1..=cell.settings.receivers {
            let mut receiver = self.role("receive", &self.out.join(files.log(&format!("receiver-{number}"))))?;
            receiver.args(words::receive(&cell.settings, number)).args(["--port", &port.to_string()]);
            receivers.push(receiver.spawn().context("a receiver cannot be started")?);
        }
        let watched = std::iter::once(&sender).chain(&receivers).filter_map(Child::id).map(Watched::new).collect();
        Ok(Processes { sender, receivers, watched })
    }

    /// A role of this program that says on stderr, into a file, what goes wrong.
    fn role(&self, name: &str, log: &Path) -> anyhow::Result<Command> {
        let file = fs::File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut command = children::role(&self.program, name);
        command.args(["--quiet", "--color", "never"]).stdout(Stdio::null()).stderr(file);
        if let Some(path) = &self.settings_file {
            command.arg("--config").arg(path);
        }
        Ok(command)
    }

    /// Waits for the run's end, ends who is left, and gathers what they left.
    async fn attend(
        &self,
        mut processes: Processes,
        cell: &PlannedCell,
        files: &Files,
        run: &mut Run,
    ) -> anyhow::Result<()> {
        let patience = Duration::from_secs_f64(cell.seconds() + PATIENCE_S);
        let end = self.wait(&mut processes, patience).await;
        if !matches!(end, End::Sender(_)) {
            children::end(&mut processes.sender, "the sender").await;
        }
        for (receiver, number) in processes.receivers.iter_mut().zip(1..) {
            children::end(receiver, &format!("receiver-{number}")).await;
        }
        let gathered = self.gather(&processes.watched, cell, files, run);
        let status = match end {
            End::Sender(status) => status,
            End::Receiver(number, status) => {
                let log = files.log(&format!("receiver-{number}"));
                anyhow::bail!("receiver-{number} ended early: {}", self.complaint(status, &log));
            }
            End::Nobody => anyhow::bail!("it did not end within {:.0} s and was stopped", patience.as_secs_f64()),
        };
        run.exit_code = status.code();
        if !status.success() {
            anyhow::bail!(self.complaint(status, &files.log("sender")));
        }
        anyhow::ensure!(run.report.is_some(), "the sender left no report");
        gathered
    }

    /// Looks at the processes now and then until one of them has ended.
    async fn wait(&self, processes: &mut Processes, patience: Duration) -> End {
        let deadline = tokio::time::sleep(patience);
        tokio::pin!(deadline);
        let mut tick = tokio::time::interval(LOOK_EVERY);
        loop {
            tokio::select! {
                biased;
                status = processes.sender.wait() => return status.map_or(End::Nobody, End::Sender),
                _ = tick.tick() => {
                    processes.watched.iter_mut().for_each(|watched| watched.look(self.clock.now()));
                    if let Some((number, status)) = early_end(&mut processes.receivers) {
                        return End::Receiver(number, status);
                    }
                }
                () = &mut deadline => return End::Nobody,
            }
        }
    }

    fn gather(&self, watched: &[Watched], cell: &PlannedCell, files: &Files, run: &mut Run) -> anyhow::Result<()> {
        let settings = &cell.settings;
        if let Ok(text) = fs::read_to_string(self.out.join(files.report())) {
            run.report = Some(serde_json::from_str(&text).context("the sender's report is no JSON")?);
        }
        let reported = |pointer: &str| run.report.as_ref().and_then(|report| report.pointer(pointer)?.as_f64());
        // Fewer than asked for, where the bitrate does not suffice.
        let fps = reported("/fps").unwrap_or(settings.fps.into());
        let timeline_s = reported("/impairment/timeline_from_ms").map(|ms| ms / 1e3);
        let mut costs = watched.iter().map(|watched| watched.cost(settings.seconds, fps));
        run.cost = Cost { sender: costs.next().flatten(), receivers: costs.flatten().collect() };
        if let Some((samples, began_s)) = samples::read(&self.out.join(files.trace()))? {
            let phases_from_s = timeline_s.unwrap_or(began_s);
            let span = Span { began_s, warmup_s: settings.warmup_s, measured_s: settings.seconds };
            run.digest = Some(digest(&samples, span, &settings.phases, phases_from_s));
        }
        run.assertions = verdict::check(run, &cell.assertions);
        Ok(())
    }

    /// What the status means, and the last error in the log, or the last words if none of them is one.
    fn complaint(&self, status: ExitStatus, log: &str) -> String {
        let meaning = if status.signal().is_some() { status.to_string() } else { code(status).meaning().to_owned() };
        let text = fs::read(self.out.join(log)).unwrap_or_default();
        let text = String::from_utf8_lossy(&text[text.len().saturating_sub(LOG_TAIL)..]).into_owned();
        let is_error = |line: &&str| line.starts_with("error:") || line.contains("ERROR") || line.contains("panicked");
        let last_words = text.lines().rfind(is_error).or_else(|| text.lines().rfind(|line| !line.trim().is_empty()));
        match last_words {
            Some(line) => format!("{meaning}: {}", line.trim_start_matches("error: ")),
            None => meaning,
        }
    }
}

/// The first receiver that has ended though nobody asked it to.
fn early_end(receivers: &mut [Child]) -> Option<(usize, ExitStatus)> {
    receivers.iter_mut().zip(1..).find_map(|(receiver, number)| Some((number, receiver.try_wait().ok().flatten()?)))
}
