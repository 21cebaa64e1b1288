//! A process of the program: what it says, what it uses, and how it ends.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{PATIENCE, poll};

/// A command that runs the program, with no settings but its arguments.
pub fn rebound<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rebound"));
    // A directory without a rebound.toml.
    command.args(arguments).current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("REBOUND_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs the program with these arguments to its end.
pub fn run(arguments: &[&str]) -> Ended {
    Process::start(&mut rebound(arguments)).ended()
}

/// When a line of the log was written.
pub fn said_at(line: &str) -> SystemTime {
    let time = line.split_whitespace().next().unwrap_or_default();
    humantime::parse_rfc3339(time).unwrap_or_else(|error| panic!("no time in '{line}': {error}"))
}

/// A running process; it is killed when dropped.
pub struct Process {
    child: Child,
    stdout: Arc<Lines>,
    stderr: Arc<Lines>,
}

/// How a process ended. `code` is none if a signal ended it.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// What a process uses of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uses {
    pub threads: usize,
    pub descriptors: usize,
}

impl Process {
    pub fn start(command: &mut Command) -> Process {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let stdout = Lines::read(child.stdout.take().expect("piped"));
        let stderr = Lines::read(child.stderr.take().expect("piped"));
        Process { child, stdout, stderr }
    }

    /// The first line on stdout.
    pub fn first_line(&self) -> String {
        let first = self.stdout.wait(PATIENCE, |lines| lines.first().cloned());
        first.unwrap_or_else(|| panic!("it says nothing on stdout:\n{}", self.said()))
    }

    /// The first line on stderr that contains `pattern`, of those that were said already or will be.
    pub fn wait_for(&self, pattern: &str) -> String {
        self.wait_for_nth(pattern, 1)
    }

    /// The `nth` line on stderr that contains `pattern`, counted from 1.
    pub fn wait_for_nth(&self, pattern: &str, nth: usize) -> String {
        self.wait_within(PATIENCE, pattern, nth)
    }

    /// As [`Process::wait_for_nth`], within a time that the program promises.
    pub fn wait_within(&self, patience: Duration, pattern: &str, nth: usize) -> String {
        let found =
            self.stderr.wait(patience, |lines| lines.iter().filter(|line| line.contains(pattern)).nth(nth - 1).cloned());
        found.unwrap_or_else(|| panic!("'{pattern}' was not said {nth} times within {patience:?}:\n{}", self.said()))
    }

    /// What `find` finds in the lines on stderr, as soon as it does.
    pub fn wait_until<T>(&self, what: &str, find: impl Fn(&[String]) -> Option<T>) -> T {
        let found = self.stderr.wait(PATIENCE, find);
        found.unwrap_or_else(|| panic!("not within {PATIENCE:?}: {what}:\n{}", self.said()))
    }

    /// How many lines on stderr contain `pattern` by now.
    pub fn said_times(&self, pattern: &str) -> usize {
        self.stderr.lock().lines.iter().filter(|line| line.contains(pattern)).count()
    }

    /// Everything on stderr by now.
    pub fn said(&self) -> String {
        self.stderr.text()
    }

    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a pid")
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).expect("the process is there");
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("our child").is_none()
    }

    /// Waits for its end.
    pub fn ended(&mut self) -> Ended {
        self.ended_within(PATIENCE)
    }

    pub fn ended_within(&mut self, patience: Duration) -> Ended {
        let until = Instant::now() + patience;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("our child") {
                break status;
            }
            assert!(Instant::now() < until, "it does not end within {patience:?}:\n{}", self.said());
            std::thread::sleep(Duration::from_millis(10));
        };
        for lines in [&self.stdout, &self.stderr] {
            // A process that it left behind may hold them open for longer.
            let _ = lines.wait_for_end(Duration::from_secs(5));
        }
        Ended { code: status.code(), stdout: self.stdout.text(), stderr: self.stderr.text() }
    }

    /// Its threads and open files now.
    pub fn uses(&self) -> Uses {
        let count = |what: &str| std::fs::read_dir(format!("/proc/{}/{what}", self.pid())).map_or(0, Iterator::count);
        Uses { threads: count("task"), descriptors: count("fd") }
    }

    /// Waits until it uses no more than this.
    pub fn wait_until_it_uses_at_most(&self, most: Uses, patience: Duration) {
        let mut last = self.uses();
        let until = Instant::now() + patience;
        while last.threads > most.threads || last.descriptors > most.descriptors {
            assert!(Instant::now() < until, "it uses {last:?} instead of {most:?}:\n{}", self.said());
            std::thread::sleep(Duration::from_millis(50));
            last = self.uses();
        }
    }

    /// What it uses once that has not changed for half a second: threads of GStreamer and tokio come and go.
    pub fn uses_at_rest(&self) -> Uses {
        let (mut last, mut since) = (self.uses(), Instant::now());
        poll("the process comes to rest", PATIENCE, || {
            let now = self.uses();
            if now != last {
                (last, since) = (now, Instant::now());
            }
            (since.elapsed() >= Duration::from_millis(500)).then_some(last)
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines of one of its outputs, read by a thread of their own.
#[derive(Default)]
struct Lines {
    heard: Mutex<Heard>,
    changed: Condvar,
}

#[derive(Default)]
struct Heard {
    lines: Vec<String>,
    has_ended: bool,
}

impl Lines {
    fn read(output: impl Read + Send + 'static) -> Arc<Lines> {
        let lines = Arc::<Lines>::default();
        let writer = lines.clone();
        let listen = move || {
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                writer.lock().lines.push(String::from_utf8_lossy(&line).into_owned());
                writer.changed.notify_all();
            }
            writer.lock().has_ended = true;
            writer.changed.notify_all();
        };
        std::thread::Builder::new().name("listener".to_owned()).spawn(listen).expect("a thread starts");
        lines
    }

    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn text(&self) -> String {
        self.lock().lines.join("\n")
    }

    /// What `find` finds in the lines, as soon as it does; none when the output ends or `patience` does.
    fn wait<T>(&self, patience: Duration, find: impl Fn(&[String]) -> Option<T>) -> Option<T> {
        let until = Instant::now() + patience;
        let mut heard = self.lock();
        loop {
            if let Some(found) = find(&heard.lines) {
                return Some(found);
            }
            let left = until.checked_duration_since(Instant::now()).filter(|_| !heard.has_ended)?;
            heard = self.changed.wait_timeout(heard, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn wait_for_end(&self, patience: Duration) -> bool {
        let running = self.changed.wait_timeout_while(self.lock(), patience, |heard| !heard.has_ended);
        running.is_ok_and(|(heard, _)| heard.has_ended)
    }
}
