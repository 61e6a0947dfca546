//! What processes, and all processes of a program together, took over a stretch of time. Arithmetic alone.

use super::hour::{Figures, Hour, Identity, Row};
use crate::QueryError;
use crate::codec::Damaged;
use std::collections::HashMap;
use std::hash::Hash;
use sysmond_model::Timestamp;

/// Processes that one question tells apart: some hundred megabytes of them would be another question.
const MAX_PROCESSES: usize = 200_000;

/// The mean and the greatest of a figure.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MeanMax {
    /// Of shares and rates over the whole time that there are snapshots of, of memory over the snapshots it is in.
    pub mean: f64,
    /// In one snapshot.
    pub max: f64,
}

/// What was taken in a stretch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usage {
    /// Snapshots that it is in.
    pub snapshots: u64,
    /// The first of them within the stretch.
    pub first: Timestamp,
    /// The last of them.
    pub last: Timestamp,
    /// Share of all cores' time, percent.
    pub cpu_percent: Option<MeanMax>,
    /// Memory held, bytes.
    pub memory_bytes: MeanMax,
    /// Bytes a second from disks.
    pub read_bytes: Option<MeanMax>,
    /// Bytes a second to disks.
    pub write_bytes: Option<MeanMax>,
}

/// One process in a stretch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProcessTotal {
    /// Its number.
    pub pid: u32,
    /// The name of its program.
    pub name: String,
    /// Its command line, where the agent told it.
    pub command: Option<String>,
    /// The number of its user.
    pub user: u32,
    /// What it took.
    pub usage: Usage,
}

/// All processes of one name in a stretch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProgramTotal {
    /// The name.
    pub name: String,
    /// How many processes had it.
    pub processes: u64,
    /// What they took together.
    pub usage: Usage,
}

/// What took the most in a stretch, each by its mean share of the processors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProcessUsage {
    /// Snapshots in the stretch.
    pub snapshots: u64,
    /// The time that they cover, seconds.
    pub seconds: f64,
    /// Processes.
    pub processes: Vec<ProcessTotal>,
    /// Programs.
    pub programs: Vec<ProgramTotal>,
}

/// A figure in the making.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    weighted: f64,
    max: f64,
    is_known: bool,
}

impl Sum {
    fn add(&mut self, value: Option<f64>, weight: f64) {
        if let Some(value) = value {
            self.weighted += value * weight;
            self.max = self.max.max(value);
            self.is_known = true;
        }
    }

    fn over(self, weight: f64) -> Option<MeanMax> {
        let mean = if weight > 0.0 { self.weighted / weight } else { 0.0 };
        self.is_known.then_some(MeanMax { mean, max: self.max })
    }
}

/// What one process or program took in one snapshot.
#[derive(Clone, Copy, Debug, Default)]
struct Taken {
    cpu: Option<f64>,
    memory: f64,
    read: Option<f64>,
    written: Option<f64>,
}

impl Taken {
    fn of(figures: &Figures) -> Result<Self, Damaged> {
        Ok(Self {
            cpu: figures.cpu_percent()?,
            memory: figures.memory_bytes()? as f64,
            read: figures.read_bytes()?,
            written: figures.write_bytes()?,
        })
    }

    fn add(&mut self, other: Self) {
        let sum = |a: Option<f64>, b: Option<f64>| match (a, b) {
            (Some(a), Some(b)) => Some(a + b),
            (a, b) => a.or(b),
        };
        self.cpu = sum(self.cpu, other.cpu);
        self.memory += other.memory;
        self.read = sum(self.read, other.read);
        self.written = sum(self.written, other.written);
    }
}

/// One process or program in the making.
#[derive(Clone, Debug)]
struct Total {
    snapshots: u64,
    first: i64,
    last: i64,
    cpu: Sum,
    memory: Sum,
    read: Sum,
    written: Sum,
    processes: u64,
}

impl Total {
    const fn new(at: i64) -> Self {
        const NONE: Sum = Sum { weighted: 0.0, max: 0.0, is_known: false };
        let (cpu, memory, read, written) = (NONE, NONE, NONE, NONE);
        Self { snapshots: 0, first: at, last: at, cpu, memory, read, written, processes: 0 }
    }

    fn add(&mut self, at: i64, seconds: f64, taken: Taken) {
        self.snapshots += 1;
        self.last = at;
        self.cpu.add(taken.cpu, seconds);
        self.memory.add(Some(taken.memory), 1.0);
        self.read.add(taken.read, seconds);
        self.written.add(taken.written, seconds);
    }

    fn usage(&self, seconds: f64) -> Usage {
        Usage {
            snapshots: self.snapshots,
            first: Timestamp::from_millis(self.first),
            last: Timestamp::from_millis(self.last),
            cpu_percent: self.cpu.over(seconds),
            memory_bytes: self.memory.over(self.snapshots as f64).unwrap_or_default(),
            read_bytes: self.read.over(seconds),
            write_bytes: self.written.over(seconds),
        }
    }
}

/// The sums of a stretch in the making.
#[derive(Debug, Default)]
pub(crate) struct Sums {
    snapshots: u64,
    seconds: f64,
    processes: HashMap<Identity, Total>,
    programs: HashMap<String, Total>,
}

impl Sums {
    /// Adds a snapshot, in the order of time.
    pub(crate) fn add(&mut self, table: &Hour, row: &Row) -> Result<(), Damaged> {
        self.snapshots += 1;
        self.seconds += row.seconds();
        let mut together: HashMap<&str, Taken> = HashMap::new();
        let mut fresh: HashMap<&str, u64> = HashMap::new();
        for (identity, figures) in &row.entries {
            let identity = table.identity(*identity).ok_or(Damaged("no such process"))?;
            let taken = Taken::of(figures)?;
            together.entry(&identity.name).or_default().add(taken);
            let total = entry(&mut self.processes, identity, || {
                *fresh.entry(&identity.name).or_default() += 1;
                Total::new(row.at)
            });
            total.add(row.at, row.seconds(), taken);
        }
        for (name, taken) in together {
            let total = entry(&mut self.programs, name, || Total::new(row.at));
            total.add(row.at, row.seconds(), taken);
            total.processes += fresh.get(name).copied().unwrap_or(0);
        }
        Ok(())
    }

    /// Refuses a stretch of too many processes.
    pub(crate) fn check_size(&self) -> Result<(), QueryError> {
        if self.processes.len() > MAX_PROCESSES {
            return Err(QueryError::TooLarge(format!(
                "more than {MAX_PROCESSES} processes: ask for less time"
            )));
        }
        Ok(())
    }

    /// Those that took the most: the first `top` by each of processor, memory and I/O.
    pub(crate) fn finish(self, top: usize) -> ProcessUsage {
        let Self { snapshots, seconds, processes, programs } = self;
        let process = |(identity, usage): (Identity, Usage)| {
            let Identity { pid, user, name, command } = identity;
            ProcessTotal { pid, name, command, user, usage }
        };
        let counts: HashMap<String, u64> =
            programs.iter().map(|(name, total)| (name.clone(), total.processes)).collect();
        let program = |(name, usage): (String, Usage)| ProgramTotal {
            processes: counts.get(&name).copied().unwrap_or(0),
            name,
            usage,
        };
        let mut processes: Vec<ProcessTotal> = first(processes, seconds, top).map(process).collect();
        let mut programs: Vec<ProgramTotal> = first(programs, seconds, top).map(program).collect();
        processes.sort_by(|a, b| rank(&b.usage, &a.usage).then(a.pid.cmp(&b.pid)));
        programs.sort_by(|a, b| rank(&b.usage, &a.usage).then_with(|| a.name.cmp(&b.name)));
        ProcessUsage { snapshots, seconds, processes, programs }
    }
}

/// The total of `key`, made where it is new.
fn entry<'a, K, Q>(totals: &'a mut HashMap<K, Total>, key: &Q, new: impl FnOnce() -> Total) -> &'a mut Total
where
    K: Hash + Eq + std::borrow::Borrow<Q>,
    Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
{
    if !totals.contains_key(key) {
        totals.insert(key.to_owned(), new());
    }
    totals.get_mut(key).expect("just put there")
}

fn rank(a: &Usage, b: &Usage) -> std::cmp::Ordering {
    let share = |usage: &Usage| usage.cpu_percent.unwrap_or_default().mean;
    share(a).total_cmp(&share(b)).then(a.memory_bytes.mean.total_cmp(&b.memory_bytes.mean))
}

fn first<K>(totals: HashMap<K, Total>, seconds: f64, top: usize) -> impl Iterator<Item = (K, Usage)> {
    let mut all: Vec<(K, Usage, bool)> =
        totals.into_iter().map(|(key, total)| (key, total.usage(seconds), false)).collect();
    let mean = |figure: Option<MeanMax>| figure.unwrap_or_default().mean;
    let figures: [&dyn Fn(&Usage) -> f64; 3] =
        [&|usage| mean(usage.cpu_percent), &|usage| usage.memory_bytes.max, &|usage| {
            mean(usage.read_bytes) + mean(usage.write_bytes)
        }];
    for figure in figures {
        all.sort_by(|(_, a, _), (_, b, _)| figure(b).total_cmp(&figure(a)));
        all.iter_mut().take(top).filter(|(_, usage, _)| figure(usage) > 0.0).for_each(|one| one.2 = true);
    }
    all.into_iter().filter(|(.., is_first)| *is_first).map(|(key, usage, _)| (key, usage))
}
