//! Space of file systems that are on other machines. Where such a machine is gone, asking blocks, often for ever.
//!
//! So each is asked by a thread that is thrown away, on a slow clock; one that does not answer in time is told as such
//! and not asked again until its thread has come back. Nobody else ever touches these mounts.

use crate::exposition::Exposition;
use crate::file_source::{Fault, ProcFile};
use crate::filesystem::{below, expose, put};
use crate::mounts::{self, Mount};
use crate::source::{Lane, Roots, Source, SourceError, Values};
use crate::table::tag;
use rustix::fs::{StatVfs, statvfs};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};
use sysmond_model::catalogue::DISK_ANSWERS;

/// Mounts of nine series each; a host that mounts one per user is not asked for all.
pub(crate) const MAX_MOUNTS: usize = 16;
/// How long all of them are waited for: whoever reads this source waits no longer than twice that.
const DEADLINE: Duration = Duration::from_millis(150);
/// Threads that hang, of mounts that are no longer there too.
const MAX_HANGING: usize = 32;
/// A thread that makes one call of the system.
const STACK_BYTES: usize = 64 * 1024;

type Ask = fn(&Path) -> Option<StatVfs>;

/// All such mounts.
pub(crate) struct Remote {
    file: ProcFile,
    rootfs: PathBuf,
    table: Vec<u8>,
    places: Vec<Place>,
    /// Mounts beyond the most that are asked.
    left_out: usize,
    /// Held by each thread.
    threads: Arc<()>,
    ask: Ask,
    deadline: Duration,
}

struct Place {
    path: PathBuf,
    tags: String,
    mount: Mount,
    /// The last answer, which may be that there was none.
    status: Option<StatVfs>,
    /// Where an answer is still to come.
    pending: Option<Receiver<Option<StatVfs>>>,
    /// Whether that is one of an earlier reading, which had its time.
    is_late: bool,
}

impl Remote {
    pub(crate) fn new(roots: &Roots) -> Self {
        Self::asking(roots, DEADLINE, |path| statvfs(path).ok())
    }

    fn asking(roots: &Roots, deadline: Duration, ask: Ask) -> Self {
        let file = ProcFile::first_of(roots.of_host("mountinfo"));
        let (below, threads) = (roots.rootfs.clone(), Arc::new(()));
        Self {
            file,
            rootfs: below,
            table: Vec::new(),
            places: Vec::new(),
            left_out: 0,
            threads,
            ask,
            deadline,
        }
    }

    /// Follows mounts that come and go. One that hangs and stays keeps its thread.
    fn list(&mut self) -> Result<(), SourceError> {
        let table = self.file.read()?;
        if table == self.table {
            return Ok(());
        }
        table.clone_into(&mut self.table);
        let mut old = std::mem::take(&mut self.places);
        let mounts = mounts::remote(table);
        self.left_out = mounts.len().saturating_sub(MAX_MOUNTS);
        for mount in mounts.into_iter().take(MAX_MOUNTS) {
            let (path, tags) = (below(&self.rootfs, &mount.point), tag("mount", &mount.point));
            let known = old.iter().position(|place| place.path == path);
            let place = known.map(|index| old.swap_remove(index));
            if self.places.iter().all(|place| place.tags != tags) {
                self.places.push(place.unwrap_or(Place::new(path, tags, mount)));
            }
        }
        Ok(())
    }
}

impl Place {
    const fn new(path: PathBuf, tags: String, mount: Mount) -> Self {
        Self { path, tags, mount, status: None, pending: None, is_late: false }
    }

    /// Has the mount asked, where it is not being asked still.
    fn begin(&mut self, ask: Ask, threads: &Arc<()>) {
        self.is_late = self.pending.is_some();
        if self.is_late || Arc::strong_count(threads) > MAX_HANGING {
            return;
        }
        let (answer, answers) = channel();
        let (path, token) = (self.path.clone(), Arc::clone(threads));
        let asking = move || {
            let status = ask(&path);
            drop(token);
            // Nobody waits any more where the mount went meanwhile: then nobody misses the answer.
            drop(answer.send(status));
        };
        let thread = thread::Builder::new().name("mount".to_owned()).stack_size(STACK_BYTES).spawn(asking);
        self.pending = thread.is_ok().then_some(answers);
    }

    fn finish(&mut self, begin: Instant, deadline: Duration, out: &mut Values) {
        let time = if self.is_late { Duration::ZERO } else { deadline };
        let wait = (begin + time).saturating_duration_since(Instant::now());
        let answer = self.pending.as_ref().map(|answers| answers.recv_timeout(wait));
        if !matches!(answer, Some(Err(RecvTimeoutError::Timeout))) {
            self.pending = None;
        }
        let status = answer.and_then(Result::ok).flatten();
        out.put(&DISK_ANSWERS, &self.tags, f64::from(u8::from(status.is_some())));
        if let Some(status) = &status {
            put(status, &self.tags, out);
        }
        self.status = status;
    }
}

impl Source for Remote {
    fn name(&self) -> &'static str {
        "remote"
    }

    /// What may hang has threads of its own; the table of mounts stands under a lock.
    fn lane(&self) -> Lane {
        Lane::Locks
    }

    fn read(&mut self, _at: Duration, out: &mut Values) -> Result<(), SourceError> {
        self.list()?;
        let Self { places, threads, ask, deadline, .. } = self;
        let begin = Instant::now();
        for place in places.iter_mut() {
            place.begin(*ask, threads);
        }
        for place in places.iter_mut() {
            place.finish(begin, *deadline, out);
        }
        match self.left_out {
            0 => Ok(()),
            left_out => Err(Fault::Limit { key: "mount", limit: MAX_MOUNTS, left_out }.of(self.file.path())),
        }
    }

    /// As they were when they were last asked: nobody who scrapes waits for another machine.
    fn expose(&mut self, out: &mut Exposition) -> Result<(), SourceError> {
        for place in &self.places {
            expose(&place.mount, place.status.as_ref(), out);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::values;
    use std::fs;
    use std::sync::{Condvar, Mutex};

    /// Whether the server of `/hangs` is back; a call of the system cannot be told anything else.
    static SERVER: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());

    fn ask(path: &Path) -> Option<StatVfs> {
        if path.ends_with("hangs") {
            let back = SERVER.1.wait_while(SERVER.0.lock().unwrap(), |is_back| !*is_back).unwrap();
            drop(back);
        }
        if path.ends_with("stale") { None } else { statvfs("/").ok() }
    }

    fn host(mounts: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("self")).unwrap();
        mount(&dir, mounts);
        dir
    }

    fn mount(dir: &tempfile::TempDir, mounts: &[&str]) {
        let line = |(n, point): (usize, &&str)| format!("1 2 0:{n} / {point} rw - nfs4 srv:{point} rw\n");
        let table: String = mounts.iter().enumerate().map(line).collect();
        fs::write(dir.path().join("self/mountinfo"), table).unwrap();
    }

    fn source(dir: &tempfile::TempDir) -> Remote {
        let dir = dir.path();
        let roots = Roots { procfs: dir.into(), sysfs: dir.into(), rootfs: dir.into() };
        Remote::asking(&roots, Duration::from_secs(2), ask)
    }

    fn answers(source: &mut Remote) -> Vec<String> {
        let mut out = Values::default();
        let outcome = source.read(Duration::ZERO, &mut out);
        let left_out = match outcome {
            Ok(()) => 0,
            Err(SourceError::Limit { left_out, .. }) => left_out,
            Err(error) => panic!("{error}"),
        };
        let mut lines = values(&out);
        lines.retain(|line| line.starts_with("disk.answers"));
        lines.extend((left_out > 0).then(|| format!("{left_out} left out")));
        lines
    }

    #[test]
    fn one_that_hangs_is_told_and_the_others_are_measured() {
        let dir = host(&["/good", "/hangs", "/stale"]);
        let mut source = source(&dir);
        let told =
            ["disk.answers{mount=/good} 1", "disk.answers{mount=/hangs} 0", "disk.answers{mount=/stale} 0"];
        for _ in 0..3 {
            assert_eq!(answers(&mut source), told);
            assert_eq!(Arc::strong_count(&source.threads), 2, "one thread hangs, and only one");
        }
        *SERVER.0.lock().unwrap() = true;
        SERVER.1.notify_all();
        let until = Instant::now() + Duration::from_secs(20);
        while answers(&mut source)[1] != "disk.answers{mount=/hangs} 1" {
            assert!(Instant::now() < until, "it came back and nobody noticed");
        }
    }

    #[test]
    fn mounts_are_followed() {
        let dir = host(&["/good"]);
        let mut source = source(&dir);
        assert_eq!(answers(&mut source).len(), 1);
        mount(&dir, &[]);
        assert_eq!(answers(&mut source), [""; 0]);
        let many: Vec<String> = (0..40).map(|n| format!("/m{n}")).collect();
        mount(&dir, &many.iter().map(String::as_str).collect::<Vec<_>>());
        let told = answers(&mut source);
        assert_eq!((told.len(), told[MAX_MOUNTS].as_str()), (MAX_MOUNTS + 1, "24 left out"));
    }
}
