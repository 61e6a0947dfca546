//! Control groups: what each systemd service and each container takes of processors, memory and disks.
//!
//! Groups are looked for seldom and read on a slow clock, and there is a limit to how many. Their files are opened anew
//! each time: a host with a hundred services would hold six hundred descriptors.

mod figures;
mod hierarchy;
mod names;
mod own;
mod unit;

pub(crate) use own::Own;

use crate::file_source::{Fault, ProcFile, read_once};
use crate::pace::{Elapsed, Pace};
use crate::source::{Lane, Roots, Source, SourceError, Values};
use crate::table::tag;
pub(crate) use figures::cores;
use figures::stacked;
use hierarchy::{Figures, Hierarchy};
use names::Name;
use std::time::Duration;
use sysmond_model::Metric;
use sysmond_model::catalogue::{
    CONTAINER_CPU_PERCENT, CONTAINER_CPU_THROTTLED_PERCENT, CONTAINER_MEMORY_BYTES, CONTAINER_MEMORY_PERCENT,
    CONTAINER_OOM_KILLS, CONTAINER_READ_BYTES, CONTAINER_TASKS, CONTAINER_WRITE_BYTES, SERVICE_CPU_PERCENT,
    SERVICE_CPU_THROTTLED_PERCENT, SERVICE_MEMORY_BYTES, SERVICE_MEMORY_PERCENT, SERVICE_OOM_KILLS,
    SERVICE_READ_BYTES, SERVICE_TASKS, SERVICE_WRITE_BYTES,
};
use unit::{Unit, classify, has_others};

/// Services of eight series each: more than a server runs.
pub(crate) const MAX_SERVICES: usize = 96;
/// Containers of eight series each.
pub(crate) const MAX_CONTAINERS: usize = 64;
/// Groups are looked for at every so manieth reading.
const READINGS_UNTIL_LISTED: u32 = 3;

/// The metrics of a kind of group.
struct Metrics {
    cpu: &'static Metric,
    throttled: &'static Metric,
    memory: &'static Metric,
    memory_share: &'static Metric,
    oom_kills: &'static Metric,
    read: &'static Metric,
    write: &'static Metric,
    tasks: &'static Metric,
}

const SERVICE: Metrics = Metrics {
    cpu: &SERVICE_CPU_PERCENT,
    throttled: &SERVICE_CPU_THROTTLED_PERCENT,
    memory: &SERVICE_MEMORY_BYTES,
    memory_share: &SERVICE_MEMORY_PERCENT,
    oom_kills: &SERVICE_OOM_KILLS,
    read: &SERVICE_READ_BYTES,
    write: &SERVICE_WRITE_BYTES,
    tasks: &SERVICE_TASKS,
};

const CONTAINER: Metrics = Metrics {
    cpu: &CONTAINER_CPU_PERCENT,
    throttled: &CONTAINER_CPU_THROTTLED_PERCENT,
    memory: &CONTAINER_MEMORY_BYTES,
    memory_share: &CONTAINER_MEMORY_PERCENT,
    oom_kills: &CONTAINER_OOM_KILLS,
    read: &CONTAINER_READ_BYTES,
    write: &CONTAINER_WRITE_BYTES,
    tasks: &CONTAINER_TASKS,
};

/// All groups that have a name.
#[derive(Debug)]
pub(crate) struct Groups {
    roots: Roots,
    hierarchy: Option<Hierarchy>,
    pace: Pace,
    found: Vec<Group>,
    /// Groups beyond the limits: services, containers.
    left_out: [usize; 2],
    online: ProcFile,
    cores: u64,
    countdown: u32,
}

#[derive(Debug)]
struct Group {
    /// From the root of the hierarchy, without a slash at the begin.
    path: Vec<u8>,
    is_service: bool,
    /// Of those that nobody has a name for there are none: they are remembered and not read.
    tags: Option<String>,
    /// Why it has no name but that of its program.
    denial: Option<SourceError>,
    last: Option<Figures>,
    seen: bool,
}

impl Groups {
    pub(crate) fn new(roots: &Roots, max_gap: Duration) -> Self {
        let (roots, pace) = (roots.clone(), Pace::new(max_gap));
        let online = ProcFile::new(roots.sysfs.join("devices/system/cpu/online"));
        Self {
            roots,
            hierarchy: None,
            pace,
            found: Vec::new(),
            left_out: [0; 2],
            online,
            cores: 1,
            countdown: 0,
        }
    }

    /// Looks for groups that came and went.
    fn list(&mut self) -> Result<(), SourceError> {
        if self.hierarchy.is_none() {
            let stacked = read_once(self.roots.procfs.join("devices")).map(|text| stacked(&text));
            // Without that list, volumes on top of disks count twice, which is no reason to count nothing.
            self.hierarchy = Some(Hierarchy::find(&self.roots, stacked.unwrap_or_default())?);
        }
        let Some(mut hierarchy) = self.hierarchy.take() else { return Ok(()) };
        self.cores = self.online.read().ok().and_then(cores).unwrap_or(1);
        self.left_out = [0; 2];
        for group in &mut self.found {
            group.seen = false;
        }
        let complete = hierarchy.walk(&mut |hierarchy, path| self.visit(hierarchy, path));
        self.found.retain(|group| group.seen);
        let complete = complete.map_err(|fault| fault.of(hierarchy.path()));
        self.hierarchy = Some(hierarchy);
        complete
    }

    /// Sees a group; whether there can be others below it.
    fn visit(&mut self, hierarchy: &mut Hierarchy, path: &[u8]) -> bool {
        let mut parts = path.rsplit(|byte| *byte == b'/');
        let (name, parent) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        if let Some(known) = self.found.iter_mut().find(|group| *group.path == *path) {
            known.seen = true;
            return known.is_service;
        }
        let unit = classify(parent, name);
        // What runs within a user's or another service is that service's, unless it is a container.
        let is_nested = path.split(|byte| *byte == b'/').rev().skip(1).any(|part| {
            part.ends_with(b".service") || (part.starts_with(b"user-") && part.ends_with(b".slice"))
        });
        match &unit {
            Some(Unit::Service(label)) if !is_nested => self.add(path, true, named(label)),
            Some(Unit::Machine(label)) => self.add(path, false, named(label)),
            Some(Unit::Container(id)) => {
                let pid = hierarchy.first_process(path);
                self.add(path, false, names::container(&self.roots, id, pid));
            }
            _ => {}
        }
        has_others(unit.as_ref(), name)
    }

    fn add(&mut self, path: &[u8], is_service: bool, Name { label, denial }: Name) {
        let count = |groups: &[Group]| {
            groups.iter().filter(|g| g.is_service == is_service && g.tags.is_some()).count()
        };
        let (limit, key) = if is_service { (MAX_SERVICES, "service") } else { (MAX_CONTAINERS, "container") };
        let [services, containers] = &mut self.left_out;
        if label.is_some() && count(&self.found) >= limit {
            *(if is_service { services } else { containers }) += 1;
            return;
        }
        let tags = label.map(|label| {
            let plain = tag(key, &label);
            let is_taken = self.found.iter().any(|group| group.tags.as_deref() == Some(&plain));
            // A second one of the same name is called by its path, which no other has.
            if is_taken { tag(key, path) } else { plain }
        });
        self.found.push(Group { path: path.to_owned(), is_service, tags, denial, last: None, seen: true });
    }
}

fn named(label: &[u8]) -> Name {
    Name { label: Some(label.to_owned()), denial: None }
}

impl Source for Groups {
    fn name(&self) -> &'static str {
        "cgroup"
    }

    fn lane(&self) -> Lane {
        Lane::Locks
    }

    fn read(&mut self, at: Duration, out: &mut Values) -> Result<(), SourceError> {
        let listed = if self.countdown == 0 { self.list() } else { Ok(()) };
        self.countdown = self.countdown.checked_sub(1).unwrap_or(READINGS_UNTIL_LISTED - 1);
        let elapsed = self.pace.step(at);
        let Some(hierarchy) = &mut self.hierarchy else { return listed };
        for group in &mut self.found {
            let Some(tags) = &group.tags else { continue };
            let now = hierarchy.read(&group.path);
            let last = group.last.replace(now);
            put(if group.is_service { &SERVICE } else { &CONTAINER }, tags, &now, out);
            if let (Some(elapsed), Some(last)) = (elapsed, last) {
                let metrics = if group.is_service { &SERVICE } else { &CONTAINER };
                put_rates(metrics, tags, &now, &last, (elapsed, self.cores), out);
            }
        }
        let root = hierarchy.path();
        let limit = |key, limit, left_out| Err(Fault::Limit { key, limit, left_out }.of(root));
        let denial = self.found.iter().filter(|group| group.tags.is_some()).find_map(|g| g.denial.as_ref());
        match self.left_out {
            [0, 0] => listed.and(denial.map_or(Ok(()), |denial| Err(denial.clone()))),
            [0, containers] => limit("container", MAX_CONTAINERS, containers),
            [services, _] => limit("service", MAX_SERVICES, services),
        }
    }
}

fn put(metrics: &Metrics, tags: &str, now: &Figures, out: &mut Values) {
    if let Some(memory) = now.memory {
        out.put(metrics.memory, tags, memory as f64);
        if let Some(limit) = now.memory_limit {
            out.put(metrics.memory_share, tags, (100.0 * memory as f64 / limit as f64).min(100.0));
        }
    }
    if let Some(tasks) = now.tasks {
        out.put(metrics.tasks, tags, tasks as f64);
    }
}

fn put_rates(
    metrics: &Metrics,
    tags: &str,
    now: &Figures,
    last: &Figures,
    (elapsed, cores): (Elapsed, u64),
    out: &mut Values,
) {
    let increase =
        |now: Option<u64>, last: Option<u64>| now.zip(last).and_then(|(now, last)| now.checked_sub(last));
    if let Some(micros) = increase(now.cpu_micros, last.cpu_micros) {
        out.put(metrics.cpu, tags, elapsed.percent_of_cores(micros, cores));
    }
    if let Some(share) = throttled_percent(now, last) {
        out.put(metrics.throttled, tags, share);
    }
    for (metric, now, last) in [
        (metrics.oom_kills, now.oom_kills, last.oom_kills),
        (metrics.read, now.read_bytes, last.read_bytes),
        (metrics.write, now.write_bytes, last.write_bytes),
    ] {
        if let Some(increase) = increase(now, last) {
            out.put(metric, tags, elapsed.per_second(increase));
        }
    }
}

/// The share of periods in which a group was held back. Without a limit there are no periods.
fn throttled_percent(now: &Figures, last: &Figures) -> Option<f64> {
    let periods = now.periods?.checked_sub(last.periods?).filter(|periods| *periods > 0)?;
    let throttled = now.throttled?.checked_sub(last.throttled?)?;
    Some(100.0 * throttled.min(periods) as f64 / periods as f64)
}

/// Gives any text to the parsers of this module.
pub(crate) fn take_any_bytes(text: &[u8]) {
    let stacked = stacked(text);
    let sums = [figures::io(text, &stacked), figures::io_v1(text, &[])];
    assert!(text.contains(&b':') || sums == [(0, 0); 2], "bytes without a device");
    assert_ne!(figures::quota(text), Some(0), "a limit of nothing");
    assert_ne!(figures::limit(text), Some(0), "a limit of nothing");
    assert_ne!(cores(text), Some(0), "no processor at all");
    assert_ne!(names::docker(text).as_deref(), Some(b"".as_slice()), "an empty name");
    assert_ne!(names::podman(text, b"x").as_deref(), Some(b"".as_slice()), "an empty name");
    assert_ne!(names::first_process(text), Some(0), "no process");
    if let Some(Unit::Container(id)) = classify(b"lx", text) {
        assert!(text.windows(id.len()).any(|part| part == id), "an id that is not there");
    }
}

#[cfg(test)]
mod tests;
