//! A log file of limited size, and its predecessors.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Log collectors and editors cope well with files of this size.
const MAX_FILE_BYTES: u64 = 10_000_000;

/// `sender.log` and `sender.log.1` to `sender.log.4`: at most 50 MB a role.
const FILES_KEPT: usize = 5;

/// Appends to `path`; before it would exceed its limit it becomes `path.1`, that `path.2`, and so on, and the last is deleted.
/// Each write is one line and stays whole.
///
/// Written for this program since the log must outlive a full disk and a deleted directory.
#[derive(Debug)]
pub(super) struct RotatingFile {
    path: PathBuf,
    file: Option<File>,
    len: u64,
    max_len: u64,
}

impl RotatingFile {
    /// Opens the file, makes its directory, and proves that both can be written.
    pub(super) fn open(path: &Path) -> io::Result<RotatingFile> {
        RotatingFile::with_limit(path, MAX_FILE_BYTES)
    }

    fn with_limit(path: &Path, max_len: u64) -> io::Result<RotatingFile> {
        let mut rotating = RotatingFile { path: path.to_owned(), file: None, len: 0, max_len };
        rotating.reopen()?;
        Ok(rotating)
    }

    fn reopen(&mut self) -> io::Result<()> {
        if let Some(directory) = self.path.parent() {
            fs::create_dir_all(directory)?;
        }
        let file = OpenOptions::new().create(true).append(true).open(&self.path)?;
        self.len = file.metadata()?.len();
        self.file = Some(file);
        Ok(())
    }

    /// Moves every file one place on. One that cannot be moved is overwritten by the next: old lines matter less than new.
    fn rotate(&mut self) -> io::Result<()> {
        self.file = None;
        for place in (1..FILES_KEPT).rev() {
            let _ = fs::rename(self.numbered(place - 1), self.numbered(place));
        }
        self.reopen()
    }

    fn numbered(&self, place: usize) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        if place > 0 {
            path.push(format!(".{place}"));
        }
        path.into()
    }
}

impl Write for RotatingFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.len > 0 && self.len + line.len() as u64 > self.max_len {
            self.rotate()?;
        }
        if self.file.is_none() {
            self.reopen()?;
        }
        let file = self.file.as_mut().ok_or(io::ErrorKind::NotFound)?;
        let written = file.write_all(line);
        // A line that failed half-way counts too: the disk is full, not the file empty.
        self.len += line.len() as u64;
        written.map(|()| line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lens(directory: &Path) -> Vec<(String, u64)> {
        let entries = fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry"));
        let mut lens: Vec<_> =
            entries.map(|e| (e.file_name().to_string_lossy().into_owned(), e.metadata().expect("there").len())).collect();
        lens.sort();
        lens
    }

    #[test]
    fn five_files_of_limited_size_are_kept_and_lines_stay_whole() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("deep/sender.log");
        let mut log = RotatingFile::with_limit(&path, 100).expect("opens");
        for number in 0..1000 {
            log.write_all(format!("line {number:09}\n").as_bytes()).expect("written");
        }
        let lens = lens(&directory.path().join("deep"));
        assert_eq!(lens.len(), FILES_KEPT, "{lens:?}");
        assert!(lens.iter().all(|(_, len)| *len > 0 && *len <= 100 && len % 15 == 0), "{lens:?}");
        assert!(fs::read_to_string(&path).expect("there").ends_with("line 000000999\n"));
    }

    #[test]
    fn a_second_run_goes_on_where_the_first_ended() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("sender.log");
        for _ in 0..3 {
            RotatingFile::with_limit(&path, 25).expect("opens").write_all(b"0123456789\n").expect("written");
        }
        assert_eq!(lens(directory.path()), [("sender.log".to_owned(), 11), ("sender.log.1".to_owned(), 22)]);
    }

    #[test]
    fn a_full_disk_costs_lines_only() {
        let mut log = RotatingFile::with_limit(Path::new("/dev/full"), 1_000_000).expect("opens");
        for _ in 0..1000 {
            assert_eq!(log.write_all(b"line\n").expect_err("full").kind(), io::ErrorKind::StorageFull);
        }
    }

    #[test]
    fn a_deleted_directory_comes_back_at_the_next_rotation() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("logs/sender.log");
        let mut log = RotatingFile::with_limit(&path, 20).expect("opens");
        log.write_all(b"0123456789\n").expect("written");
        fs::remove_dir_all(directory.path().join("logs")).expect("removed");
        log.write_all(b"0123456789\n").expect("written");
        assert_eq!(lens(&directory.path().join("logs")), [("sender.log".to_owned(), 11)]);
    }
}
