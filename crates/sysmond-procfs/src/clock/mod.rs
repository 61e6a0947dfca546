//! How well the host's clock is kept.
//!
//! The kernel tells (`adjtimex`), where it is the one whose files are read and a filter of system calls lets it be
//! asked. Else the mark of `systemd-timesyncd` is all that tells.

mod clocks;
mod kernel;

use crate::exposition::Exposition;
use crate::source::{Roots, Source, SourceError, Values};
use clocks::Clocks;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use sysmond_libc::{ClockState, clock_state};
use sysmond_model::catalogue::CLOCK_SYNCHRONIZED;

/// The state between two readings.
#[derive(Debug)]
pub(crate) struct Clock {
    kernel: Kernel,
    mark: Mark,
    last: Clocks,
}

/// Whom to ask how the clock is kept.
#[derive(Debug)]
enum Kernel {
    Asked(fn() -> io::Result<ClockState>),
    /// It is not asked, or not again: a process never gets rid of a filter that forbids it.
    Silent(SourceError),
}

impl Kernel {
    fn ask(&mut self) -> Result<ClockState, SourceError> {
        let why = match self {
            Self::Asked(ask) => match ask() {
                Ok(state) => return Ok(state),
                Err(error) => refused(error),
            },
            Self::Silent(why) => return Err(why.clone()),
        };
        *self = Self::Silent(why.clone());
        Err(why)
    }
}

fn refused(error: io::Error) -> SourceError {
    let reason = "nothing but the mark of systemd-timesyncd tells whether the clock is kept";
    SourceError::Refused { call: "adjtimex", reason, source: Arc::new(error) }
}

/// What `systemd-timesyncd` leaves.
#[derive(Debug)]
struct Mark {
    /// The folder that it has once it was started.
    folder: PathBuf,
    /// There since it set the clock by a server.
    file: PathBuf,
}

impl Mark {
    fn new(roots: &Roots) -> Self {
        let folder = roots.rootfs.join("run/systemd/timesync");
        Self { file: folder.join("synchronized"), folder }
    }

    /// Whether there is one that tells.
    fn put(&self, out: &mut Values) -> bool {
        let is_there = self.folder.is_dir();
        if is_there {
            out.put(&CLOCK_SYNCHRONIZED, "", f64::from(u8::from(self.file.exists())));
        }
        is_there
    }
}

impl Clock {
    pub(crate) fn new(roots: &Roots) -> Self {
        Self::asking(clock_state, roots)
    }

    fn asking(ask: fn() -> io::Result<ClockState>, roots: &Roots) -> Self {
        let mark = Mark::new(roots);
        let kernel = if roots.are_of_this_kernel() {
            Kernel::Asked(ask)
        } else {
            let reason = "the kernel here is not that of these files, and systemd-timesyncd left no mark";
            Kernel::Silent(SourceError::Absent { path: mark.folder.as_path().into(), reason })
        };
        // So the first reading tells of a step already: a kernel that may not be asked costs a part and never all.
        Self { kernel, mark, last: Clocks::now() }
    }
}

impl Source for Clock {
    fn name(&self) -> &'static str {
        "clock"
    }

    fn read(&mut self, _at: Duration, out: &mut Values) -> Result<(), SourceError> {
        let now = Clocks::now();
        now.put(&self.last, out);
        self.last = now;
        match self.kernel.ask() {
            Ok(state) => {
                kernel::put(&state, out);
                Ok(())
            }
            // Of a copied host nobody expects more than the mark.
            Err(why) => {
                if self.mark.put(out) && why.is_absence() {
                    Ok(())
                } else {
                    Err(why)
                }
            }
        }
    }

    fn expose(&mut self, out: &mut Exposition) -> Result<(), SourceError> {
        kernel::expose(&self.kernel.ask()?, out);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{value, values};
    use rustix::io::Errno;
    use std::fs;
    use std::path::Path;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// This machine, but for the mark.
    fn running(rootfs: &Path) -> Roots {
        Roots { procfs: "/proc".into(), sysfs: "/sys".into(), rootfs: rootfs.into() }
    }

    fn copied(dir: &Path) -> Roots {
        Roots { procfs: dir.into(), sysfs: dir.into(), rootfs: dir.into() }
    }

    fn unasked() -> io::Result<ClockState> {
        panic!("a kernel that is not that of the files is not asked")
    }

    fn read(clock: &mut Clock) -> (Vec<String>, Result<(), SourceError>) {
        let mut out = Values::default();
        let result = clock.read(Duration::ZERO, &mut out);
        (values(&out), result)
    }

    fn leave_mark(dir: &Path, is_set: bool) {
        let folder = dir.join("run/systemd/timesync");
        fs::create_dir_all(&folder).unwrap();
        if is_set {
            fs::write(folder.join("synchronized"), "").unwrap();
        }
    }

    #[test]
    fn the_kernel_counts_and_no_mark_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        leave_mark(dir.path(), true);
        let mut clock = Clock::asking(|| Ok(kernel::tests::STATE), &running(dir.path()));
        let (found, result) = read(&mut clock);
        result.unwrap();
        let expected = [
            "clock.step_seconds 0",
            "clock.synchronized 0",
            "clock.max_error_seconds 16",
            "clock.estimated_error_seconds 0.25",
            "clock.offset_seconds -0.5",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn of_a_copied_host_the_mark_alone_tells() {
        let dir = tempfile::tempdir().unwrap();
        let mut clock = Clock::asking(unasked, &copied(dir.path()));
        let (found, result) = read(&mut clock);
        assert_eq!(found, ["clock.step_seconds 0"]);
        let error = result.unwrap_err();
        assert!(error.is_absence() && error.to_string().contains("timesyncd"), "{error}");
        for (is_set, expected) in [(false, "0"), (true, "1")] {
            leave_mark(dir.path(), is_set);
            let (found, result) = read(&mut clock);
            result.unwrap();
            assert_eq!(value(&found, "clock.synchronized"), expected);
        }
        let mut out = Exposition::default();
        assert!(clock.expose(&mut out).unwrap_err().is_absence());
        assert_eq!(out.text(), "");
    }

    #[test]
    fn a_kernel_that_may_not_be_asked_is_told_as_such_and_the_mark_stands_in() {
        for errno in [Errno::PERM, Errno::NOSYS] {
            let ask =
                if errno == Errno::PERM { || Err(Errno::PERM.into()) } else { || Err(Errno::NOSYS.into()) };
            let dir = tempfile::tempdir().unwrap();
            let mut clock = Clock::asking(ask, &running(dir.path()));
            let (found, result) = read(&mut clock);
            // A value, so that it counts as read in part.
            assert_eq!(found, ["clock.step_seconds 0"]);
            let error = result.unwrap_err();
            assert!(error.is_denial() && !error.is_absence(), "{error}");
            leave_mark(dir.path(), true);
            let (found, result) = read(&mut clock);
            assert_eq!(found, ["clock.step_seconds 0", "clock.synchronized 1"]);
            assert!(result.unwrap_err().is_denial());
            let mut out = Exposition::default();
            assert!(clock.expose(&mut out).unwrap_err().is_denial());
            assert_eq!(out.text(), "");
        }
    }

    #[test]
    fn a_refusal_is_final_and_repeated_without_another_word_on_the_heap() {
        static ASKED: AtomicU32 = AtomicU32::new(0);
        let refuse = || {
            ASKED.fetch_add(1, Ordering::Relaxed);
            Err(Errno::PERM.into())
        };
        let dir = tempfile::tempdir().unwrap();
        let mut clock = Clock::asking(refuse, &running(dir.path()));
        let sources = [1, 2].map(|_| match read(&mut clock).1.unwrap_err() {
            SourceError::Refused { source, .. } => source,
            error => panic!("{error:?}"),
        });
        assert!(Arc::ptr_eq(&sources[0], &sources[1]));
        assert_eq!(ASKED.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn this_machine_tells_or_says_that_it_may_not() {
        let mut clock =
            Clock::new(&Roots { procfs: "/proc".into(), sysfs: "/sys".into(), rootfs: "/".into() });
        let (found, result) = read(&mut clock);
        let mut out = Exposition::default();
        match result {
            Ok(()) => {
                let max_error: f64 = value(&found, "clock.max_error_seconds").parse().unwrap();
                let is_kept = if max_error < 16.0 { "1" } else { "0" };
                assert_eq!(value(&found, "clock.synchronized"), is_kept);
                clock.expose(&mut out).unwrap();
                assert!(out.has("node_timex_sync_status"));
            }
            Err(error) => assert!(error.is_denial(), "{error}"),
        }
    }
}
