//! Processes: how many there are in each state, and which took the most of processors, memory and disks.
//!
//! Their files stay open, up to a number, and the clock is slow, and slower where there are many of them: the walk may
//! take a ten-thousandth of one core, and where that would make it rarer than once a minute what it takes. Between two
//! walks a glance is cast at those that took something, which are few. Without root's rights the I/O of other users'
//! processes cannot be seen; where the host hides them altogether nothing is told.

mod command;
mod hidden;
mod secrets;
mod stat;

use crate::cgroup::cores;
use crate::exposition::Exposition;
use crate::file_source::ProcFile;
use crate::listing::{Listing, open_dir};
use crate::pace::{Elapsed, Pace};
use crate::source::{Lane, Roots, Source, SourceError, Values};
use crate::table::printable;
use crate::text::number;
use command::line as command_line;
use hidden::{Hidden, is_refused};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, openat, statat};
use rustix::io::{Errno, pread};
use rustix::time::{ClockId, clock_gettime};
use stat::{Stat, io};
use std::collections::BTreeMap;
use std::ffi::CStr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use sysmond_model::catalogue::{PROCESSES_SLEEPING, PROCESSES_STOPPED, PROCESSES_TOTAL, PROCESSES_ZOMBIES};
use sysmond_model::{ProcessSnapshot, ProcessUse};

/// Processes that are listed, by each of processor, memory and I/O.
const TOP: usize = 10;
/// Processes that are looked at: a machine with more has another problem, and its first ones are told.
const MAX_PROCESSES: usize = 32_768;
/// The longest text of a process: a name can have 64 bytes, a command line is read so far only.
const TEXT_BYTES: usize = 4096;
/// The walk may take one part in so many of a core.
const COST_SHARE: u32 = 10_000;
/// The walk rests no longer than this, whatever it takes: who asks what was eating the machine asks about a minute.
const LONGEST_REST: Duration = Duration::from_secs(50);
/// Processes at which a glance is cast between two walks; where more took something, there is none.
const MAX_HOT: usize = 200;
/// Files that stay open: to open and close one costs as much as to read it. A process may have 1024 by default.
const MAX_OPEN: usize = 256;
/// Microseconds of a tick.
const TICK_MICROS: u64 = 10_000;

/// What is told of processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessOptions {
    /// Whether command lines are told, with secrets masked, or names of programs alone.
    pub command_lines: bool,
}

/// Where the source leaves each snapshot for whoever keeps them.
#[derive(Debug, Default)]
pub struct LatestProcesses(Mutex<Option<(Duration, ProcessSnapshot)>>);

impl LatestProcesses {
    /// The snapshot that came since the last call, with the time since boot at which it was made.
    pub fn take(&self) -> Option<(Duration, ProcessSnapshot)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn put(&self, at: Duration, snapshot: ProcessSnapshot) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((at, snapshot));
    }
}

/// What is remembered of a process from one walk to the next, and what it took meanwhile.
#[derive(Debug, Default)]
struct Known {
    /// Its `stat`, where it stays open.
    file: Option<OwnedFd>,
    pid: u32,
    start: u64,
    ticks: u64,
    /// Bytes read and written; nothing where this user may not know.
    io: Option<(u64, u64)>,
    /// Whether that is since this user may not.
    is_denied: bool,
    pages: u64,
    threads: u64,
    state: u8,
    /// Of the time since the last walk.
    more_ticks: Option<u64>,
    more_io: Option<(u64, u64)>,
    is_top: bool,
    /// Took something up to the last walk: a glance is cast at it.
    is_hot: bool,
    since: Since,
}

/// From when on a process' figures are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Since {
    /// The last walk: nobody looked at it meanwhile.
    #[default]
    Walk,
    Snapshot,
}

/// All processes.
#[derive(Debug)]
pub(crate) struct Processes {
    procfs: PathBuf,
    listing: Listing,
    dir: Option<OwnedFd>,
    online: ProcFile,
    options: ProcessOptions,
    latest: Arc<LatestProcesses>,
    /// Of snapshots.
    pace: Pace,
    /// Of walks.
    walks: Pace,
    /// Whether there are glances between the last walk and the next.
    is_glancing: bool,
    /// The longest hole while the walk rests not at all.
    max_gap: Duration,
    /// Sorted by number.
    known: Vec<Known>,
    fresh: Vec<Known>,
    pids: Vec<u32>,
    text: Box<[u8]>,
    page_bytes: u64,
    /// When the last walk was.
    last_at: Option<Duration>,
    /// No walk before this: the last one was long.
    rest_until: Duration,
    /// How long that is.
    rest: Duration,
    /// What is said where processes of others are.
    denial: SourceError,
    hidden: Hidden,
    /// Those beyond the most that are looked at.
    beyond: usize,
}

impl Processes {
    pub(crate) fn new(
        roots: &Roots,
        max_gap: Duration,
        options: ProcessOptions,
        latest: Arc<LatestProcesses>,
    ) -> Self {
        Self {
            procfs: roots.procfs.clone(),
            listing: Listing::new(roots.procfs.clone()),
            dir: None,
            online: ProcFile::new(roots.sysfs.join("devices/system/cpu/online")),
            options,
            latest,
            pace: Pace::new(max_gap),
            walks: Pace::new(max_gap),
            is_glancing: false,
            max_gap,
            known: Vec::new(),
            fresh: Vec::new(),
            pids: Vec::new(),
            text: vec![0; TEXT_BYTES].into(),
            page_bytes: rustix::param::page_size() as u64,
            last_at: None,
            rest_until: Duration::ZERO,
            rest: Duration::ZERO,
            denial: SourceError::io(roots.procfs.join("PID/io"), Errno::ACCESS),
            hidden: Hidden::default(),
            beyond: 0,
        }
    }

    fn walk(&mut self, at: Duration) -> Result<(), SourceError> {
        let pids = &mut self.pids;
        pids.clear();
        let listed = self.listing.each(|name| {
            pids.extend(number(name).and_then(|pid| u32::try_from(pid).ok()));
        });
        self.beyond = pids.len().saturating_sub(MAX_PROCESSES);
        pids.truncate(MAX_PROCESSES);
        listed.map_err(|errno| SourceError::io(self.procfs.as_path(), errno))?;
        if self.dir.is_none() {
            let dir = open_dir(CWD, &self.procfs);
            self.dir = Some(dir.map_err(|errno| SourceError::io(self.procfs.as_path(), errno))?);
        }
        let Self { dir: Some(dir), pids, fresh, known, text, last_at, .. } = self else { return Ok(()) };
        fresh.clear();
        let (mut open, mut refused) = (0, 0);
        for pid in pids {
            let place = known.binary_search_by_key(pid, |known| known.pid).ok();
            let last = place.and_then(|place| known.get_mut(place));
            let since =
                if last.as_ref().is_some_and(|last| last.is_hot) { Since::Snapshot } else { Since::Walk };
            let seen = look(dir, *pid, last, *last_at, open < MAX_OPEN, text);
            open += usize::from(seen.as_ref().is_some_and(|seen| seen.file.is_some()));
            refused += usize::from(seen.is_none() && is_refused(dir, *pid));
            fresh.extend(seen.map(|seen| Known { since, ..seen }));
        }
        self.hidden = Hidden::after(dir, &self.procfs, refused);
        fresh.sort_unstable_by_key(|process| process.pid);
        std::mem::swap(&mut self.known, &mut self.fresh);
        // With the files of those that ended.
        self.fresh.clear();
        self.last_at = Some(at);
        Ok(())
    }

    /// Looks at those again that took something; of the others nothing is known meanwhile.
    fn glance(&mut self) {
        let Self { dir: Some(dir), known, text, last_at, .. } = self else { return };
        known.retain_mut(|process| {
            if !process.is_hot {
                (process.more_ticks, process.more_io, process.is_top) = (None, None, false);
                return true;
            }
            let seen = look(dir, process.pid, Some(process), *last_at, true, text);
            seen.is_some_and(|seen| {
                *process = Known { is_hot: true, since: Since::Snapshot, ..seen };
                true
            })
        });
    }

    /// Walks where the time has come, or else casts a glance; nothing where there are too many for that.
    fn look_around(&mut self, at: Duration) -> Result<(), SourceError> {
        let begin = clock_gettime(ClockId::ThreadCPUTime);
        let is_walk = at >= self.rest_until || self.rest_until > at + Duration::from_hours(1);
        if !is_walk {
            if self.is_glancing {
                self.glance();
                let elapsed = self.pace.step(at);
                let snapshot = self.snapshot(elapsed, None);
                self.tell(at, snapshot);
            }
            return Ok(());
        }
        self.walk(at)?;
        // Three times its own clock: the rest that it was on its way from, and as often as there were glances.
        let walk_gap = self.max_gap.max(3 * self.rest);
        self.walks.set_max_gap(walk_gap);
        self.pace.set_max_gap(if self.is_glancing { self.max_gap } else { walk_gap });
        let (elapsed, since_walk) = (self.pace.step(at), self.walks.step(at));
        let snapshot = self.snapshot(elapsed, since_walk);
        self.tell(at, snapshot);
        for process in &mut self.known {
            process.is_hot = process.is_top || process.more_ticks.is_some_and(|ticks| ticks > 0);
        }
        self.is_glancing = self.known.iter().filter(|process| process.is_hot).count() <= MAX_HOT;
        let cost = clock_gettime(ClockId::ThreadCPUTime) - begin;
        let rest = Duration::try_from(cost).unwrap_or_default().saturating_mul(COST_SHARE);
        self.rest = rest.min(LONGEST_REST);
        self.rest_until = at + self.rest;
        Ok(())
    }

    /// Tells what took the most, unless that would be this user's own processes alone.
    fn tell(&self, at: Duration, snapshot: ProcessSnapshot) {
        if !matches!(self.hidden, Hidden::Others(_)) {
            self.latest.put(at, snapshot);
        }
    }

    /// How many there are, those that are not looked at included.
    fn total(&self) -> usize {
        self.known.len() + self.beyond
    }

    fn put(&self, out: &mut Values) {
        let count =
            |states: &[u8]| self.known.iter().filter(|process| states.contains(&process.state)).count();
        out.put(&PROCESSES_TOTAL, "", self.total() as f64);
        out.put(&PROCESSES_SLEEPING, "", count(b"SI") as f64);
        out.put(&PROCESSES_STOPPED, "", count(b"Tt") as f64);
        out.put(&PROCESSES_ZOMBIES, "", count(b"Z") as f64);
    }

    /// What took the most in the time since the last snapshot; since the last walk, what was not looked at meanwhile.
    fn snapshot(&mut self, last: Option<Elapsed>, since_walk: Option<Elapsed>) -> ProcessSnapshot {
        let cores = self.online.read().ok().and_then(cores).unwrap_or(1);
        let total = u32::try_from(self.total()).unwrap_or(u32::MAX);
        mark_top(&mut self.known, &mut self.pids, |process| process.more_ticks.unwrap_or(0));
        mark_top(&mut self.known, &mut self.pids, |process| process.pages);
        mark_top(&mut self.known, &mut self.pids, |process| {
            process.more_io.map_or(0, |(read, written)| read.saturating_add(written))
        });
        let Self { known, dir, text, options, page_bytes, .. } = self;
        let top = known.iter().filter(|process| process.is_top);
        let used = |process| name(dir.as_ref()?, process, *options, text).map(|name| (process, name));
        let processes = top.filter_map(used).map(|(process, name)| {
            let elapsed = if process.since == Since::Snapshot { last } else { since_walk };
            let rate = |bytes: u64| elapsed.map(|elapsed| elapsed.per_second(bytes));
            ProcessUse {
                pid: process.pid,
                state: char::from(process.state),
                threads: u32::try_from(process.threads).unwrap_or(u32::MAX),
                memory_bytes: process.pages.saturating_mul(*page_bytes),
                cpu_percent: elapsed.zip(process.more_ticks).map(|(elapsed, ticks)| {
                    elapsed.percent_of_cores(ticks.saturating_mul(TICK_MICROS), cores)
                }),
                read_bytes: process.more_io.and_then(|(read, _)| rate(read)),
                write_bytes: process.more_io.and_then(|(_, written)| rate(written)),
                ..name
            }
        });
        let processes = processes.collect();
        let seconds = last.map_or(0.0, Elapsed::seconds);
        ProcessSnapshot { seconds, total, processes }
    }
}

impl Source for Processes {
    fn name(&self) -> &'static str {
        "processes"
    }

    fn lane(&self) -> Lane {
        Lane::Processes
    }

    fn read(&mut self, at: Duration, out: &mut Values) -> Result<(), SourceError> {
        self.look_around(at)?;
        if let Hidden::Others(denial) = &self.hidden {
            return Err(denial.clone());
        }
        self.put(out);
        match &self.hidden {
            Hidden::Some(denial) => Err(denial.clone()),
            _ if self.known.iter().any(|process| process.is_denied) => Err(self.denial.clone()),
            _ => Ok(()),
        }
    }

    /// As they were at the last walk.
    fn expose(&mut self, out: &mut Exposition) -> Result<(), SourceError> {
        if let Hidden::Others(denial) = &self.hidden {
            return Err(denial.clone());
        }
        out.gauge("node_processes_pids", PROCESSES_TOTAL.help, &[], self.total() as f64);
        let mut states = BTreeMap::<u8, u64>::new();
        for process in &self.known {
            *states.entry(process.state).or_default() += 1;
        }
        for (state, count) in states {
            let labels = [("state", &[state][..])];
            out.gauge(
                "node_processes_state",
                "Processes by the state of their first thread",
                &labels,
                count as f64,
            );
        }
        Ok(())
    }
}

/// Reads a process; nothing where it has ended meanwhile. Its file stays open where it `may_keep` it.
fn look(
    dir: &OwnedFd,
    pid: u32,
    mut last: Option<&mut Known>,
    last_at: Option<Duration>,
    may_keep: bool,
    text: &mut [u8],
) -> Option<Known> {
    let mut file = last.as_mut().and_then(|last| last.file.take());
    let stat = Stat::parse(read_kept(&mut file, dir, pid, text)?)?;
    let last = last.filter(|last| last.start == stat.start);
    let started = Duration::from_micros(stat.start.saturating_mul(TICK_MICROS));
    // One that began since the last walk took all that it has since then.
    let is_new = last.is_none() && last_at.is_some_and(|at| started >= at);
    let before = last.as_ref().map(|last| last.ticks).or(is_new.then_some(0));
    let mut now = Known {
        file: file.filter(|_| may_keep),
        pid,
        start: stat.start,
        ticks: stat.ticks,
        pages: stat.pages,
        threads: stat.threads,
        state: stat.state,
        more_ticks: before.and_then(|before| stat.ticks.checked_sub(before)),
        ..Known::default()
    };
    if !stat.is_kernel {
        let before = last.as_ref().and_then(|last| last.io).or(is_new.then_some((0, 0)));
        match last {
            Some(last) if last.is_denied => now.is_denied = true,
            // Who took no hundredth of a second moved nothing to speak of: it counts with what comes later.
            Some(last) if last.ticks == now.ticks && last.io.is_some() => now.io = last.io,
            _ => match read_io(dir, pid, text) {
                Ok(io) => now.io = io,
                Err(errno) => now.is_denied = matches!(errno, Errno::ACCESS | Errno::PERM),
            },
        }
        now.more_io = now
            .io
            .zip(before)
            .and_then(|(now, before)| Some((now.0.checked_sub(before.0)?, now.1.checked_sub(before.1)?)));
    }
    Some(now)
}

/// The name, the user and, where wanted, the command line of a process that is still the same one.
fn name(dir: &OwnedFd, process: &Known, options: ProcessOptions, text: &mut [u8]) -> Option<ProcessUse> {
    let stat =
        Stat::parse(read(dir, process.pid, "stat", text)?).filter(|stat| stat.start == process.start)?;
    let name = printable(stat.name);
    let mut path = Path::default();
    let user = statat(dir, path.of(process.pid, "")?, AtFlags::empty()).map_or(0, |status| status.st_uid);
    let wanted = options.command_lines && !stat.is_kernel;
    let command = wanted.then(|| command_line(read(dir, process.pid, "cmdline", text)?)).flatten();
    Some(ProcessUse { name, user, command, ..ProcessUse::default() })
}

/// Marks the processes with the most of something, of those that have any.
fn mark_top(known: &mut [Known], places: &mut Vec<u32>, amount: impl Fn(&Known) -> u64) {
    places.clear();
    let has_any = |(place, process): (usize, &Known)| (amount(process) > 0).then_some(place);
    places.extend(known.iter().enumerate().filter_map(has_any).filter_map(|place| u32::try_from(place).ok()));
    let key = |place: &u32| {
        let process = usize::try_from(*place).ok().and_then(|place| known.get(place));
        std::cmp::Reverse(process.map_or(0, &amount))
    };
    if places.len() > TOP {
        places.select_nth_unstable_by_key(TOP, key);
        places.truncate(TOP);
    }
    for place in places {
        if let Some(process) = usize::try_from(*place).ok().and_then(|place| known.get_mut(place)) {
            process.is_top = true;
        }
    }
}

/// `123/stat` for the kernel.
#[derive(Debug, Default)]
struct Path([u8; 24]);

impl Path {
    fn of(&mut self, pid: u32, file: &str) -> Option<&CStr> {
        use std::io::Write;
        self.0 = [0; 24];
        let room = self.0.get_mut(..23)?;
        write!(&mut &mut *room, "{pid}/{file}").ok()?;
        CStr::from_bytes_until_nul(&self.0).ok()
    }
}

fn open(dir: &OwnedFd, pid: u32, file: &str) -> Result<OwnedFd, Errno> {
    let mut path = Path::default();
    let path = path.of(pid, file).ok_or(Errno::NAMETOOLONG)?;
    openat(dir, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
}

fn read<'a>(dir: &OwnedFd, pid: u32, file: &str, text: &'a mut [u8]) -> Option<&'a [u8]> {
    let len = pread(open(dir, pid, file).ok()?, &mut *text, 0).ok()?;
    text.get(..len)
}

/// The `stat` of a process from `file`, which is opened where it is not, or is of one that ended.
fn read_kept<'a>(
    file: &mut Option<OwnedFd>,
    dir: &OwnedFd,
    pid: u32,
    text: &'a mut [u8],
) -> Option<&'a [u8]> {
    let len = file.as_ref().and_then(|file| pread(file, &mut *text, 0).ok()).filter(|len| *len > 0);
    let len = match len {
        Some(len) => len,
        None => pread(file.insert(open(dir, pid, "stat").ok()?), &mut *text, 0).ok()?,
    };
    text.get(..len)
}

/// What a process read and wrote; nothing where it ended or the kernel does not count it.
fn read_io(dir: &OwnedFd, pid: u32, text: &mut [u8]) -> Result<Option<(u64, u64)>, Errno> {
    let len = pread(open(dir, pid, "io")?, &mut *text, 0)?;
    Ok(text.get(..len).and_then(io))
}

/// Gives any text to the parsers of this module.
pub(crate) fn take_any_bytes(text: &[u8]) {
    if let Some(stat) = Stat::parse(text) {
        assert!(stat.name.len() < text.len(), "a name longer than its text");
    }
    assert!(io(text).is_none() || text.contains(&b':'), "bytes without a key");
    if let Some(line) = command_line(text) {
        assert!(!line.chars().any(char::is_control), "a line that turns a terminal");
    }
    // Whatever stands before it.
    let shown = command_line(&[text, "\0--password=ж7".as_bytes()].concat()).unwrap_or_default();
    assert!(!shown.contains("ж7") || String::from_utf8_lossy(text).contains("ж7"), "a secret: {shown}");
}

#[cfg(test)]
mod tests;
