//! A log file that is rotated by size and by age, with a number of files kept, and goes on after a restart.
//!
//! `log.1` is the newest of the rotated files. The age counts from the first line's own time, so a restart
//! does not begin it anew. Writing never fails for the caller: lines that could not be written are counted,
//! and told once writing works again. Why this is no library's: `docs/decisions/2026-11-22-log-rotation.md`.

use super::instant;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use sysmond_model::Timestamp;

/// When to rotate, and how much to keep.
#[derive(Clone, Copy, Debug)]
pub(super) struct Policy {
    /// A line that would make the file larger goes to a new one, bytes.
    pub(super) max_size: u64,
    /// A file whose first line is older gets no more.
    pub(super) max_age: Duration,
    /// Rotated files that stay.
    pub(super) keep: usize,
}

/// Asks for the file to be opened again by its name.
#[derive(Debug, Default)]
pub(super) struct Reopen(AtomicBool);

impl Reopen {
    /// Before its next line the file is opened again.
    pub(super) fn request(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn take(&self) -> bool {
        self.0.swap(false, Ordering::AcqRel)
    }
}

/// The file; each `write` is one line.
pub(super) struct RotatingFile {
    path: PathBuf,
    policy: Policy,
    now: fn() -> Timestamp,
    reopen: Arc<Reopen>,
    current: Current,
    lost: Lost,
}

struct Current {
    file: File,
    size: u64,
    born: Timestamp,
    /// Pipes and devices such as `/dev/stdout` are only written to.
    regular: bool,
    /// A line was cut by a full disk: the next begins on its own line.
    torn: bool,
}

#[derive(Default)]
struct Lost {
    lines: u64,
    reason: Option<io::Error>,
}

impl RotatingFile {
    /// Opens or makes the file, and its folder.
    pub(super) fn open(path: &Path, policy: Policy, now: fn() -> Timestamp) -> io::Result<Self> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::DirBuilder::new().recursive(true).mode(0o750).create(folder)?;
        }
        let current = Current::open(path, now())?;
        let reopen = Arc::default();
        Ok(Self { path: path.to_owned(), policy, now, reopen, current, lost: Lost::default() })
    }

    /// For whoever hears that the file was moved away.
    pub(super) fn reopen_handle(&self) -> Arc<Reopen> {
        self.reopen.clone()
    }

    fn put(&mut self, line: &[u8]) -> io::Result<()> {
        let now = (self.now)();
        if self.reopen.take() {
            self.current = Current::open(&self.path, now).inspect_err(|_| self.reopen.request())?;
        }
        if self.is_due(line.len() as u64, now) {
            self.rotate(now)?;
        }
        self.current.put(line)
    }

    fn is_due(&self, more: u64, now: Timestamp) -> bool {
        let Current { size, born, regular, .. } = self.current;
        let age = u64::try_from(now.as_millis() - born.as_millis()).unwrap_or_default();
        regular
            && size > 0
            && (size + more > self.policy.max_size || u128::from(age) >= self.policy.max_age.as_millis())
    }

    /// Moves each file up by one number. Where that fails the same file goes on, until it is due once more.
    fn rotate(&mut self, now: Timestamp) -> io::Result<()> {
        if let Err(error) = self.shift() {
            (self.current.size, self.current.born) = (0, now);
            return Err(error);
        }
        self.current = Current::open(&self.path, now)?;
        Ok(())
    }

    fn shift(&self) -> io::Result<()> {
        // More than one is in the way where `keep` was lowered.
        for number in self.policy.keep.max(1).. {
            match std::fs::remove_file(self.numbered(number)) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => break,
                Err(error) => return Err(error),
            }
        }
        for number in (1..self.policy.keep).rev() {
            present(std::fs::rename(self.numbered(number), self.numbered(number + 1)))?;
        }
        if self.policy.keep == 0 {
            return present(std::fs::remove_file(&self.path));
        }
        present(std::fs::rename(&self.path, self.numbered(1)))
    }

    fn numbered(&self, number: usize) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{number}"));
        name.into()
    }

    /// Counts what was lost, and tells it when a line was written again.
    fn account(&mut self, outcome: io::Result<()>) {
        if let Err(error) = outcome {
            self.lost.lines += 1;
            self.lost.reason.get_or_insert(error);
        } else if let Lost { lines, reason: Some(reason) } = std::mem::take(&mut self.lost) {
            tracing::warn!(lines, %reason, file = %self.path.display(), "log lines were lost");
        }
    }
}

fn present(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

impl Write for RotatingFile {
    /// Takes all of `line`, whatever became of it: the queue's thread has nobody to tell.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let outcome = self.put(line);
        self.account(outcome);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Current {
    fn open(path: &Path, now: Timestamp) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).mode(0o640).open(path)?;
        let metadata = file.metadata()?;
        let (size, regular) = (metadata.len(), metadata.is_file());
        let first = if regular && size > 0 { first_line(path)? } else { None };
        let born = if size == 0 { now } else { first.or_else(|| made(&metadata)).unwrap_or(now) };
        Ok(Self { file, size, born, regular, torn: false })
    }

    fn put(&mut self, line: &[u8]) -> io::Result<()> {
        if self.torn {
            self.file.write_all(b"\n")?;
            self.torn = false;
        }
        let written = self.file.write(line)?;
        self.size += written as u64;
        if written == line.len() {
            return Ok(());
        }
        self.torn = true;
        self.file.write_all(line.get(written..).unwrap_or_default())?;
        self.size += (line.len() - written) as u64;
        self.torn = false;
        Ok(())
    }
}

/// When the file itself was made, as far as the file system knows: for one that begins with another program's
/// lines.
fn made(metadata: &std::fs::Metadata) -> Option<Timestamp> {
    let since_epoch = metadata.created().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since_epoch.as_millis()).ok().map(Timestamp::from_millis)
}

fn first_line(path: &Path) -> io::Result<Option<Timestamp>> {
    let mut start = Vec::new();
    File::open(path)?.take(64).read_to_end(&mut start)?;
    Ok(instant::of_line(&start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicI64;

    const HOUR: i64 = 3_600_000;
    const START: i64 = 1_675_728_000_000;

    /// A log in a temporary folder. Each test has its own clock, since they run at once.
    struct Log {
        folder: tempfile::TempDir,
        policy: Policy,
        clock: &'static AtomicI64,
        now: fn() -> Timestamp,
    }

    macro_rules! log {
        ($max_size:expr, $hours:expr, $keep:expr) => {{
            static CLOCK: AtomicI64 = AtomicI64::new(START);
            let max_age = Duration::from_secs($hours * 3600);
            let policy = Policy { max_size: $max_size, max_age, keep: $keep };
            let now = || Timestamp::from_millis(CLOCK.load(Ordering::Relaxed));
            Log { folder: tempfile::tempdir().expect("a temporary folder"), policy, clock: &CLOCK, now }
        }};
    }

    impl Log {
        fn path(&self) -> PathBuf {
            self.folder.path().join("logs/sysmon.log")
        }

        fn open(&self) -> RotatingFile {
            RotatingFile::open(&self.path(), self.policy, self.now).expect("it opens")
        }

        fn later(&self, millis: i64) {
            self.clock.fetch_add(millis, Ordering::Relaxed);
        }

        /// A line that begins as real ones do.
        fn put(&self, file: &mut RotatingFile, word: &str) {
            let line = format!("{} {word}\n", instant::text((self.now)()));
            file.write_all(line.as_bytes()).expect("a log never fails its caller");
        }

        /// The words of each file, the current one first.
        fn words(&self) -> Vec<String> {
            let mut names: Vec<_> = std::fs::read_dir(self.folder.path().join("logs"))
                .expect("ours")
                .map(|entry| entry.expect("ours").path())
                .collect();
            names.sort();
            names.iter().map(|path| words(&std::fs::read_to_string(path).expect("text"))).collect()
        }
    }

    fn words(text: &str) -> String {
        let words: Vec<_> =
            text.lines().map(|line| line.split_once(' ').map_or(line, |(_, word)| word)).collect();
        words.join(",")
    }

    #[test]
    fn a_line_that_would_not_fit_goes_to_a_new_file() {
        let log = log!(60, 1, 5);
        let mut file = log.open();
        for word in ["a", "b", "c", "d", "e"] {
            log.put(&mut file, word);
        }
        assert_eq!(log.words(), ["e", "c,d", "a,b"]);
    }

    #[test]
    fn a_line_larger_than_the_limit_is_written_whole() {
        let log = log!(10, 1, 5);
        let mut file = log.open();
        log.put(&mut file, "long");
        log.put(&mut file, "longer");
        assert_eq!(log.words(), ["longer", "long"]);
    }

    #[test]
    fn an_old_file_is_rotated_before_the_next_line() {
        let log = log!(10_000, 1, 5);
        let mut file = log.open();
        log.put(&mut file, "a");
        log.later(HOUR - 1);
        log.put(&mut file, "b");
        log.later(1);
        log.put(&mut file, "c");
        assert_eq!(log.words(), ["c", "a,b"]);
    }

    #[test]
    fn only_so_many_files_are_kept() {
        let log = log!(10, 1, 2);
        let mut file = log.open();
        for word in ["a", "b", "c", "d", "e"] {
            log.put(&mut file, word);
        }
        assert_eq!(log.words(), ["e", "d", "c"]);
    }

    #[test]
    fn none_kept_is_one_file() {
        let log = log!(10, 1, 0);
        let mut file = log.open();
        log.put(&mut file, "a");
        log.put(&mut file, "b");
        assert_eq!(log.words(), ["b"]);
    }

    #[test]
    fn a_restart_goes_on_with_size_age_and_numbers() {
        let log = log!(60, 1, 5);
        for word in ["a", "b", "c"] {
            log.put(&mut log.open(), word);
        }
        assert_eq!(log.words(), ["c", "a,b"], "the size goes on");
        log.later(HOUR);
        log.put(&mut log.open(), "d");
        assert_eq!(log.words(), ["d", "c", "a,b"], "so do age and numbers");
    }

    #[test]
    fn fewer_kept_after_a_restart_removes_the_rest() {
        let mut log = log!(10, 1, 5);
        let mut file = log.open();
        for word in ["a", "b", "c", "d", "e"] {
            log.put(&mut file, word);
        }
        log.policy.keep = 2;
        log.put(&mut log.open(), "f");
        assert_eq!(log.words(), ["f", "e", "d"]);
    }

    #[test]
    fn a_file_moved_away_is_opened_again_on_request() {
        let log = log!(10_000, 1, 5);
        let mut file = log.open();
        log.put(&mut file, "a");
        std::fs::rename(log.path(), log.path().with_extension("moved")).expect("ours");
        log.put(&mut file, "b");
        file.reopen_handle().request();
        log.put(&mut file, "c");
        assert_eq!(log.words(), ["c", "a,b"]);
    }

    #[test]
    fn a_clock_set_back_does_not_rotate() {
        let log = log!(10_000, 1, 5);
        let mut file = log.open();
        log.put(&mut file, "a");
        log.later(-24 * HOUR);
        log.put(&mut file, "b");
        assert_eq!(log.words(), ["a,b"]);
    }

    #[test]
    fn a_full_disk_loses_lines_and_counts_them() {
        let log = log!(10, 1, 5);
        let mut file = RotatingFile::open(Path::new("/dev/full"), log.policy, log.now).expect("it opens");
        log.put(&mut file, "a");
        log.put(&mut file, "b");
        assert_eq!(file.lost.lines, 2);
        assert!(!Path::new("/dev/full.1").exists(), "a device is not rotated");
    }

    #[test]
    fn a_folder_that_refuses_goes_on_in_the_same_file() {
        let log = log!(60, 1, 1);
        let mut file = log.open();
        log.put(&mut file, "a");
        log.put(&mut file, "b");
        std::fs::create_dir(log.path().with_extension("log.1")).expect("ours");
        std::fs::write(log.path().with_extension("log.1").join("x"), "").expect("ours");
        for word in ["lost", "c", "d"] {
            log.put(&mut file, word);
        }
        assert_eq!(words(&std::fs::read_to_string(log.path()).expect("text")), "a,b,c,d");
    }
}
