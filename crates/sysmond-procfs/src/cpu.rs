//! Processors: shares of time in all and by mode, per core, and the scheduler's counters, all from `/proc/stat`.

use crate::exposition::Exposition;
use crate::file_source::{Fault, FileSource, ProcFile, Reading};
use crate::pace::{Elapsed, Pace};
use crate::source::{Roots, Values};
use crate::stat::{self, CpuTimes, Line, SOFT_INTERRUPTS};
use crate::table::{Row, Table};
use std::time::Duration;
use sysmond_model::catalogue::{
    CPU_CORE_MODE, CPU_CORE_USAGE, CPU_IDLE, CPU_IOWAIT, CPU_IRQ, CPU_NICE, CPU_SOFTIRQ, CPU_STEAL,
    CPU_SYSTEM, CPU_TOTAL_USAGE, CPU_USER, PROCESSES_BLOCKED, PROCESSES_RUNNING, SYSTEM_CONTEXT_SWITCHES,
    SYSTEM_FORKS, SYSTEM_INTERRUPTS, SYSTEM_SOFTIRQ, SYSTEM_SOFTIRQS,
};
use sysmond_model::{Metric, tags};

/// Cores that are told apart: one series each, and more than some hundreds of lines no person reads. The total has all.
pub(crate) const MAX_CORES: usize = 384;

/// Hosts of more cores get the modes of all together alone.
pub(crate) const MAX_MODE_CORES: usize = 16;

/// The kernel's ticks a second in `/proc`, fixed by its interface to programs.
const TICKS_PER_SECOND: f64 = 100.0;
/// How many times more ticks than the time allows are garbage. Wide, since a reading may come late; the garbage
/// that kernels have given, steal time above all, is off by many powers of ten.
const IMPLAUSIBLE: f64 = 100.0;

pub(crate) fn source(roots: &Roots, max_gap: Duration) -> FileSource<Cpu> {
    FileSource::new(ProcFile::new(roots.procfs.join("stat")), Cpu::new(max_gap))
}

const GUEST: &str = "node_cpu_guest_seconds_total";
/// What is exposed beside what the catalogue names.
pub(crate) const FAMILIES: [&str; 1] = [GUEST];

/// The state between two readings.
#[derive(Debug)]
pub(crate) struct Cpu {
    pace: Pace,
    last: Counters,
    cores: Table<CpuTimes>,
    /// The tags of each core's modes, where there are few enough cores.
    mode_tags: Vec<[String; MODES.len()]>,
    kind_tags: [String; SOFT_INTERRUPTS.len()],
}

/// The modes of [`modes`].
const MODES: [&str; 8] = ["idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user"];

/// The time in each of [`MODES`].
const fn modes(times: &CpuTimes) -> [u64; MODES.len()] {
    let CpuTimes { user, nice, system, idle, iowait, irq, softirq, steal, .. } = *times;
    [idle, iowait, irq, nice, softirq, steal, system, user]
}

/// What is counted, in the order of [`Counters::events`].
const EVENTS: [&Metric; 4] = [&SYSTEM_CONTEXT_SWITCHES, &SYSTEM_INTERRUPTS, &SYSTEM_SOFTIRQS, &SYSTEM_FORKS];

/// What is in the text besides cores.
#[derive(Clone, Copy, Debug, Default)]
struct Counters {
    total: Option<CpuTimes>,
    events: [Option<u64>; EVENTS.len()],
    running: Option<u64>,
    blocked: Option<u64>,
    kinds: Option<[u64; SOFT_INTERRUPTS.len()]>,
}

impl Cpu {
    pub(crate) fn new(max_gap: Duration) -> Self {
        let (pace, cores) = (Pace::new(max_gap), Table::new("core", MAX_CORES));
        let kind_tags = SOFT_INTERRUPTS.map(|kind| tags::pair("kind", kind));
        Self { pace, last: Counters::default(), cores, mode_tags: Vec::new(), kind_tags }
    }

    fn scan(&mut self, text: &[u8]) -> Counters {
        let mut counters = Counters::default();
        let [context_switches, interrupts, softirqs, forks] = &mut counters.events;
        self.cores.begin();
        for line in stat::parse(text) {
            match line {
                Line::Total(times) => counters.total = Some(times),
                Line::Core(number, times) => self.cores.set(number, times),
                Line::ContextSwitches(count) => *context_switches = Some(count),
                Line::Forks(count) => *forks = Some(count),
                Line::Interrupts(count) => *interrupts = Some(count),
                Line::SoftInterrupts(count, kinds) => {
                    *softirqs = Some(count);
                    counters.kinds = Some(kinds);
                }
                Line::Running(count) => counters.running = Some(count),
                Line::Blocked(count) => counters.blocked = Some(count),
                Line::BootTime(_) => {}
            }
        }
        self.cores.end();
        if self.cores.changed() {
            let few = self.cores.len() <= MAX_MODE_CORES;
            let tags = |core: &Row<CpuTimes>| MODES.map(|mode| format!("{},mode={mode}", core.tags));
            self.mode_tags = self.cores.rows().filter(|_| few).map(tags).collect();
        }
        counters
    }

    fn put_shares(&self, last: &Counters, now: &Counters, elapsed: Elapsed, out: &mut Values) {
        // A processor that is switched on or off takes its idle time into or out of the sum: no share of that is true.
        if let (Some(last), Some(now), false) = (last.total, now.total, self.cores.changed())
            && let Some(spent) = spent(&last, &now, elapsed, self.cores.len())
        {
            put_modes(&spent, out);
        }
        for (place, core) in self.cores.rows().enumerate() {
            let Some(spent) = core.last.and_then(|last| spent(&last, &core.now, elapsed, 1)) else {
                continue;
            };
            out.put(&CPU_CORE_USAGE, &core.tags, percent(spent.busy(), spent.total()));
            for (tags, ticks) in self.mode_tags.get(place).into_iter().flatten().zip(modes(&spent)) {
                out.put(&CPU_CORE_MODE, tags, percent(ticks, spent.total()));
            }
        }
    }

    fn put_kinds(&self, last: &Counters, now: &Counters, elapsed: Elapsed, out: &mut Values) {
        let (Some(last), Some(now)) = (last.kinds, now.kinds) else { return };
        for ((tags, last), now) in self.kind_tags.iter().zip(last).zip(now) {
            if let Some(more) = now.checked_sub(last) {
                out.put(&SYSTEM_SOFTIRQ, tags, elapsed.per_second(more));
            }
        }
    }
}

impl Reading for Cpu {
    const NAME: &'static str = "cpu";

    fn take(&mut self, text: &[u8], at: Duration, out: &mut Values) -> Result<(), Fault> {
        let now = self.scan(text);
        let last = std::mem::replace(&mut self.last, now);
        if let Some(elapsed) = self.pace.step(at) {
            self.put_shares(&last, &now, elapsed, out);
            put_rates(&last, &now, elapsed, out);
            self.put_kinds(&last, &now, elapsed, out);
        }
        if let Some(count) = now.running {
            out.put(&PROCESSES_RUNNING, "", count as f64);
        }
        if let Some(count) = now.blocked {
            out.put(&PROCESSES_BLOCKED, "", count as f64);
        }
        if now.total.is_none() {
            return Err(Fault::Malformed("expected a line `cpu` with at least four numbers"));
        }
        self.cores.complete()
    }

    fn expose(&mut self, text: &[u8], out: &mut Exposition) {
        let mut cores = 0;
        for line in stat::parse(text) {
            match line {
                Line::Total(_) => {}
                Line::SoftInterrupts(_, kinds) => {
                    for (kind, count) in SOFT_INTERRUPTS.iter().zip(kinds) {
                        let labels = [("vector", kind.as_bytes())];
                        let help = "Soft interrupts by kind";
                        out.counter("node_softirqs_total", help, &labels, count as f64);
                    }
                }
                Line::Core(core, times) => {
                    cores += 1;
                    if cores <= MAX_CORES {
                        expose_core(core, &times, out);
                    }
                }
                Line::ContextSwitches(count) => {
                    let help = SYSTEM_CONTEXT_SWITCHES.help;
                    out.counter("node_context_switches_total", help, &[], count as f64);
                }
                Line::Forks(count) => {
                    out.counter("node_forks_total", SYSTEM_FORKS.help, &[], count as f64);
                }
                Line::Interrupts(count) => {
                    out.counter("node_intr_total", SYSTEM_INTERRUPTS.help, &[], count as f64);
                }
                Line::BootTime(seconds) => {
                    let help = "When the kernel started, Unix seconds";
                    out.gauge("node_boot_time_seconds", help, &[], seconds as f64);
                }
                Line::Running(count) => {
                    out.gauge("node_procs_running", PROCESSES_RUNNING.help, &[], count as f64);
                }
                Line::Blocked(count) => {
                    out.gauge("node_procs_blocked", PROCESSES_BLOCKED.help, &[], count as f64);
                }
            }
        }
    }
}

fn expose_core(core: &[u8], times: &CpuTimes, out: &mut Exposition) {
    let seconds = |ticks: u64| ticks as f64 / TICKS_PER_SECOND;
    for (mode, ticks) in MODES.into_iter().zip(modes(times)) {
        let labels = [("cpu", core), ("mode", mode.as_bytes())];
        out.counter("node_cpu_seconds_total", "Time of the core by mode", &labels, seconds(ticks));
    }
    for (mode, ticks) in [("nice", times.guest_nice), ("user", times.guest)] {
        let help = "Time of the core for virtual machines, which its time by mode holds too";
        let labels = [("cpu", core), ("mode", mode.as_bytes())];
        out.counter(GUEST, help, &labels, seconds(ticks));
    }
}

/// The time spent between two readings of `cores` cores, or nothing where their sum fell or is garbage.
fn spent(last: &CpuTimes, now: &CpuTimes, elapsed: Elapsed, cores: usize) -> Option<CpuTimes> {
    let spent = now.since(last);
    let most = elapsed.seconds() * TICKS_PER_SECOND * cores.max(1) as f64 * IMPLAUSIBLE;
    let total = spent.total();
    (now.total() >= last.total() && total > 0 && total as f64 <= most).then_some(spent)
}

fn put_modes(spent: &CpuTimes, out: &mut Values) {
    let total = spent.total();
    out.put(&CPU_TOTAL_USAGE, "", percent(spent.busy(), total));
    out.put(&CPU_USER, "", percent(spent.user, total));
    out.put(&CPU_SYSTEM, "", percent(spent.system, total));
    out.put(&CPU_NICE, "", percent(spent.nice, total));
    out.put(&CPU_IDLE, "", percent(spent.idle, total));
    out.put(&CPU_IOWAIT, "", percent(spent.iowait, total));
    out.put(&CPU_IRQ, "", percent(spent.irq, total));
    out.put(&CPU_SOFTIRQ, "", percent(spent.softirq, total));
    out.put(&CPU_STEAL, "", percent(spent.steal, total));
}

fn put_rates(last: &Counters, now: &Counters, elapsed: Elapsed, out: &mut Values) {
    for ((metric, now), last) in EVENTS.into_iter().zip(now.events).zip(last.events) {
        if let Some(more) = now.zip(last).and_then(|(now, last)| now.checked_sub(last)) {
            out.put(metric, "", elapsed.per_second(more));
        }
    }
}

/// Always in this form: the store finds the two integers again and keeps them instead of the fraction.
fn percent(part: u64, whole: u64) -> f64 {
    100.0 * part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{readings, value, values};
    use proptest::prelude::*;

    fn two(first: &str, second: &str) -> Vec<String> {
        readings(&mut Cpu::new(Duration::from_secs(10)), &[(1000, first), (2000, second)]).1
    }

    #[test]
    fn shares_are_of_the_time_between_two_readings() {
        let found = two("cpu 100 0 100 800 0 0 0 0 0 0\n", "cpu 130 0 120 845 5 0 0 0 0 0\n");
        let expected = "cpu.total_usage 50, cpu.user 30, cpu.system 20, cpu.nice 0, cpu.idle 45, cpu.iowait 5, \
                        cpu.irq 0, cpu.softirq 0, cpu.steal 0";
        assert_eq!(found.join(", "), expected);
    }

    #[test]
    fn the_first_reading_has_gauges_alone() {
        let text = "cpu 1 2 3 4\ncpu0 1 2 3 4\nctxt 5\nprocesses 6\nprocs_running 7\nprocs_blocked 8\n";
        let (found, _) = readings(&mut Cpu::new(Duration::MAX), &[(1000, text), (2000, "cpu 1 2 3 4")]);
        assert_eq!(found, ["processes.running 7", "processes.blocked 8"]);
    }

    #[test]
    fn time_of_guests_is_counted_once() {
        let found = two("cpu 0 0 0 0 0 0 0 0 0 0\n", "cpu 50 0 0 50 0 0 0 0 50 0\n");
        assert_eq!(value(&found, "cpu.user"), "50");
        assert_eq!(value(&found, "cpu.total_usage"), "50");
    }

    #[test]
    fn a_mode_that_goes_back_took_nothing() {
        let found = two("cpu 0 0 0 100 50 0 0 9\n", "cpu 30 0 0 170 40 0 0 8\n");
        assert_eq!(value(&found, "cpu.iowait"), "0");
        assert_eq!(value(&found, "cpu.steal"), "0");
        assert_eq!(value(&found, "cpu.user"), "30");
        assert_eq!(value(&found, "cpu.idle"), "70");
    }

    #[test]
    fn a_core_that_comes_or_goes_gives_no_total_and_no_sample_of_its_own() {
        let one = "cpu 100 0 0 100\ncpu0 100 0 0 100\n";
        let both = "cpu 160 0 0 9000\ncpu0 150 0 0 150\ncpu1 10 0 0 8850\n";
        let later = "cpu 250 0 0 250\ncpu0 250 0 0 250\n";
        for found in [two(one, both), two(both, later)] {
            assert_eq!(found.len(), 1 + MODES.len(), "{found:?}");
            assert_eq!(value(&found, "cpu.core_usage{core=0}"), "50");
            assert_eq!(value(&found, "cpu.core_mode{core=0,mode=user}"), "50");
        }
    }

    #[test]
    fn modes_of_each_core_are_told_where_cores_are_few() {
        let text = |cores: usize, ticks: u64| {
            let lines =
                (0..cores).map(|core| format!("cpu{core} {ticks} 0 0 100\n")).collect::<Vec<_>>().concat();
            format!("cpu {ticks} 0 0 100\n{lines}softirq {ticks} 1 2 3 {ticks}\n")
        };
        let check = |cores, expected| {
            let found = two(&text(cores, 100), &text(cores, 130));
            let modes = found.iter().filter(|line| line.starts_with("cpu.core_mode{")).count();
            assert_eq!(modes, expected);
            assert_eq!(value(&found, "system.softirq{kind=net_rx}"), "30");
            assert_eq!(value(&found, "system.softirq{kind=timer}"), "0");
        };
        check(2, 2 * MODES.len());
        check(MAX_MODE_CORES, MAX_MODE_CORES * MODES.len());
        check(MAX_MODE_CORES + 1, 0);
    }

    #[test]
    fn counters_that_begin_anew_or_are_garbage_give_nothing() {
        assert_eq!(two("cpu 1000 0 0 1000\n", "cpu 10 0 0 10\n"), [""; 0]);
        assert_eq!(two("cpu 10 0 0 10 0 0 0 0\n", "cpu 11 0 0 11 0 0 0 18446744073709551615\n"), [""; 0]);
        assert_eq!(two("cpu 10 0 0 10\n", "cpu 10 0 0 10\n"), [""; 0]);
        assert_eq!(two("cpu 1 0 0 1\nctxt 9\nprocesses 9\n", "cpu 1 0 0 1\nctxt 8\nprocesses 8\n"), [""; 0]);
    }

    #[test]
    fn rates_are_over_the_time_that_passed() {
        let texts = [
            (1000, "cpu 1 1 1 1\nctxt 100\nprocesses 10\n"),
            (3000, "cpu 1 1 1 1\nctxt 300\nprocesses 11\n"),
        ];
        let (_, found) = readings(&mut Cpu::new(Duration::from_secs(10)), &texts);
        assert_eq!(found, ["system.context_switches 100", "system.forks 0.5"]);
    }

    #[test]
    fn a_hole_gives_no_shares() {
        let texts = [(1000, "cpu 1 1 1 1\n"), (5000, "cpu 9 9 9 9\n")];
        assert_eq!(readings(&mut Cpu::new(Duration::from_secs(3)), &texts).1, [""; 0]);
    }

    #[test]
    fn a_text_without_its_total_is_malformed() {
        let mut out = Values::default();
        let result = Cpu::new(Duration::MAX).take(b"ctxt 5\nprocs_running 7\n", Duration::ZERO, &mut out);
        assert!(matches!(result, Err(Fault::Malformed(_))));
        assert_eq!(values(&out), ["processes.running 7"]);
    }

    proptest! {
        #[test]
        fn modes_sum_to_a_hundred(last in any::<[u32; 8]>(), more in proptest::array::uniform8(-50i64..100)) {
            let line = |times: &[i64]| times.iter().fold("cpu".to_owned(), |line, time| format!("{line} {time}"));
            let last = last.map(|time| i64::from(time) + 50);
            let now: Vec<_> = last.iter().zip(more).map(|(last, more)| last + more).collect();
            let found = two(&line(&last), &line(&now));
            if !found.is_empty() {
                let number = |line: &String| line.rsplit(' ').next().unwrap().parse().unwrap();
                let parts: Vec<f64> = found.iter().skip(1).map(number).collect();
                prop_assert!(parts.iter().all(|part| (0.0..=100.0).contains(part)), "{found:?}");
                prop_assert!((parts.iter().sum::<f64>() - 100.0).abs() < 1e-9, "{found:?}");
                let number = |series| value(&found, series).parse::<f64>().unwrap();
                let idle = number("cpu.idle") + number("cpu.iowait");
                prop_assert!((number("cpu.total_usage") + idle - 100.0).abs() < 1e-9, "{found:?}");
            }
        }
    }
}
