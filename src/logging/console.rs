//! The terminal, shared by log lines and a live view: the view stays below, lines go above it.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Erases from the cursor to the end of the screen (ECMA-48 ED).
const ERASE_BELOW: &str = "\x1b[J";

/// Wrapping off and on (DECAWM): a view that is too wide for the terminal is cut, so that its rows can be counted.
const WRAP_OFF: &str = "\x1b[?7l";
const WRAP_ON: &str = "\x1b[?7h";

/// Where lines and a view are written to. Clones share the same terminal.
///
/// The view is drawn without asking the terminal anything and without taking its keyboard: it also works in the background,
/// and a crash leaves the terminal as it was, with the last view in the scrollback.
#[derive(Clone)]
pub struct Console(Arc<Mutex<Shared>>);

/// A row of a view.
#[derive(Clone, Debug)]
pub struct Row {
    /// With escape sequences, without the line's end.
    pub text: String,
    /// The columns that it takes.
    pub columns: u16,
}

struct Shared {
    out: Box<dyn Write + Send>,
    /// How wide the terminal is now.
    columns: fn() -> u16,
    view: Vec<Row>,
}

impl Console {
    /// A console that writes to `out`, a terminal as wide as `columns` says at the time.
    pub fn new(out: Box<dyn Write + Send>, columns: fn() -> u16) -> Console {
        Console(Arc::new(Mutex::new(Shared { out, columns, view: Vec::new() })))
    }

    /// Replaces the view.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn show(&self, view: Vec<Row>) -> io::Result<()> {
        let mut shared = self.lock();
        let erase = shared.erase();
        shared.view = view;
        shared.write(&erase, b"")
    }

    /// Ends the view; what it showed last stays.
    pub fn leave(&self) {
        self.lock().view.clear();
    }

    /// A panic elsewhere does not silence the log.
    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// The way back to the first row of the view. A terminal that became narrower has broken long rows into several.
    fn erase(&self) -> String {
        // Where there is no terminal, asking for its width starts a program (`tput`): not for every line.
        if self.view.is_empty() {
            return String::new();
        }
        let columns = (self.columns)().max(1);
        let rows: u16 = self.view.iter().map(|row| row.columns.div_ceil(columns).max(1)).sum();
        format!("\x1b[{rows}F{ERASE_BELOW}")
    }

    /// One write, so that nothing flickers.
    fn write(&mut self, erase: &str, lines: &[u8]) -> io::Result<()> {
        let mut bytes = [erase.as_bytes(), lines].concat();
        if !self.view.is_empty() {
            let rows: String = self.view.iter().map(|row| format!("{}\n", row.text)).collect();
            bytes.extend_from_slice(format!("{WRAP_OFF}{rows}{WRAP_ON}").as_bytes());
        }
        self.out.write_all(&bytes)?;
        self.out.flush()
    }
}

impl Write for Console {
    /// Writes whole lines, above the view.
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        let mut shared = self.lock();
        let erase = shared.erase();
        shared.write(&erase, lines).map(|()| lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lock().out.flush()
    }
}

/// Writes to standard output. Whoever reads may leave (`rebound encoders | head -1`): that is no failure.
///
/// # Errors
/// Any other than a broken pipe, a full disk for example.
pub fn print_out(text: &str) -> io::Result<()> {
    let written = forgive_broken_pipe(write_all(&mut io::stdout().lock(), text));
    written.map_err(|error| io::Error::new(error.kind(), format!("cannot write to standard output: {error}")))
}

fn write_all(out: &mut impl Write, text: &str) -> io::Result<()> {
    out.write_all(text.as_bytes())?;
    out.flush()
}

fn forgive_broken_pipe(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Terminal(Arc<Mutex<Vec<u8>>>);

    impl Write for Terminal {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("whole").extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Terminal {
        fn take(&self) -> String {
            String::from_utf8(std::mem::take(&mut self.0.lock().expect("whole"))).expect("text")
        }
    }

    fn row(text: &str) -> Row {
        Row { text: text.to_owned(), columns: text.len() as u16 }
    }

    #[test]
    fn lines_go_above_the_view_and_the_last_view_stays() {
        let terminal = Terminal::default();
        let mut console = Console::new(Box::new(terminal.clone()), || 80);
        console.write_all(b"before\n").expect("written");
        assert_eq!(terminal.take(), "before\n");
        console.show(vec![row("a"), row("b")]).expect("shown");
        assert_eq!(terminal.take(), "\x1b[?7la\nb\n\x1b[?7h");
        console.write_all(b"line\n").expect("written");
        assert_eq!(terminal.take(), "\x1b[2F\x1b[Jline\n\x1b[?7la\nb\n\x1b[?7h");
        console.leave();
        console.write_all(b"after\n").expect("written");
        assert_eq!(terminal.take(), "after\n");
    }

    #[test]
    fn a_narrower_terminal_has_broken_the_rows() {
        let terminal = Terminal::default();
        let console = Console::new(Box::new(terminal.clone()), || 30);
        console.show(vec![row(&"x".repeat(80)), row("")]).expect("shown");
        terminal.take();
        console.show(vec![row("y")]).expect("shown");
        assert!(terminal.take().starts_with("\x1b[4F\x1b[J"));
    }

    #[test]
    fn lines_without_a_view_do_not_ask_how_wide_the_terminal_is() {
        let mut console = Console::new(Box::new(io::sink()), || panic!("asked"));
        console.write_all(b"line\n").expect("written");
    }

    #[test]
    fn a_reader_that_leaves_is_no_failure_but_a_full_disk_is() {
        let (reader, mut writer) = io::pipe().expect("a pipe");
        drop(reader);
        assert!(forgive_broken_pipe(write_all(&mut writer, "text")).is_ok());
        let mut full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
        assert!(forgive_broken_pipe(write_all(&mut full, "text")).is_err());
    }
}
