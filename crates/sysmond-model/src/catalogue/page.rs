//! `docs/metrics.md`, from the table.

use super::{CATALOGUE, Metric};
use std::fmt::Write;

const HEAD: &str = "\
# Metrics

<!-- Made from crates/sysmond-model/src/catalogue/table.rs by its test: change it there. -->

Everything that an agent collects of a Linux host. No source needs root, and none starts a program; what a kernel, a
machine or a user's rights do not show is absent, and the others go on.

- A **gauge** is a state at the moment of reading, or a ratio over the time since the reading before. A **rate** is a
  counter's increase per second over the time that really passed. There is none on the first reading, after a hole of
  more than three of the source's own readings (a suspended machine) and where a counter fell (a device that was made
  anew).
- A percentage is of 0 to 100. Shares of CPU time are of all cores, so that 100 is the whole machine and the modes sum to
  100; `cpu.core_usage` alone is of one core.
- Most are read at each interval. What costs more or changes seldom is read on a slower clock, and its last values stand
  in between: file systems, interfaces' state, clock speeds, sensors, RAID, processes, services and containers every 10 s,
  open files, a container's own limits, UDP and the rarer counters of TCP every 5 s, batteries and file systems of other
  machines every 30 s, TCP connections by state and the clock every 60 s; processes and connections more seldom where
  there are many.
- What a host does not have (a battery, pressure stall information) is absent: `agent.collector_up` is 1 where a collector
  reads, 0 where it fails, hangs or waits behind one that does, and is not there where there is nothing to read.
  `GET /api/static` says why.
- File systems are measured that are on disks, on other machines, or in memory (`tmpfs`, as `/tmp` often is, where it can
  be written to), without the system's own below `/dev`, `/proc`, `/run` and `/sys` and those of containers. One on a disk
  that is mounted below one of another machine is asked as that is, since the way there leads through it: `disk.answers`
  tells of both.
- A host's own metrics come from files `*.prom` of Prometheus' text format in the folder `agent.textfile_directory`: pushed
  under their own names, labels as tags, values as they stand there. Write beside the folder and rename. A file with an
  error (or with a timestamp, or a label that begins with `__`) gives nothing, `textfile.up` is 0 for it, the log says so
  when it goes wrong and when it is well again, and `GET /api/static` has line and reason of each that is wrong. Read are
  the first 30 files by name, of each at most 256 KiB and 1000 samples, of all together 2000 samples, and in an agent's
  life 2000 names of metrics; a file that goes beyond, or has a series that another one has, is wrong as a whole. So is
  one with a name that the agent itself shows to Prometheus, whether or not this host has it at the moment
  (`node_load1`, all that begins with `node_memory_`, `node_netstat_`, `node_sockstat_`, `node_timex_`, `node_vmstat_`
  or `sysmond_`): such a series would be taken for the agent's word. Others are free: `node_reboot_required`.
  `/metrics` shows them with their `HELP` and `TYPE`; histograms and summaries are untyped there.
- Whether the clock is kept is the kernel's word (`adjtimex`), judged as `timedatectl` does: the error that it takes its
  clock to have at most is below 16 s. `systemd-timesyncd`, `chronyd`, `ntpd` and `phc2sys` set that error with each
  correction, and from there it grows: `clock.synchronized` becomes 0 about nine hours after the last one, and at once
  where somebody else sets the clock. It is 1 with a `chronyd` too that keeps the kernel from writing the board's clock
  (no `rtcsync`), for which `node_timex_sync_status` is 0. Where a filter of system calls forbids to ask the kernel, the
  mark of `systemd-timesyncd` stands for its word, which is there once that has set the clock by a server and stays; the
  errors and the offset are absent, and `GET /api/static` says so.
- `clock.correction_ppm` is measured: what the clock gained on its oscillator between two readings, by whatever means.
  The kernel's own figure is one of those means, and Prometheus alone is shown it
  (`node_timex_frequency_adjustment_ratio`).
- There is no `pressure.cpu_full`: for a whole host the kernel gives 0 always, since while one task waits for a processor
  another one has it.
- A tag in braces tells series of one metric apart: `disk.usage_percent{mount=/}`.
- The Prometheus name is what `sysmond agent --metrics-listen ADDR:PORT` serves at `/metrics`: the name of
  `node_exporter` where it shows the same thing, with its labels and units, mostly as a counter that is read when it is
  asked for; else one that begins with `sysmond_`, with the value and the tags of the last reading.
  `node_scrape_collector_success` is 1 for each collector that is shown and 0 for one that was left out, since it failed
  or took longer than 0.4 s; `node_scrape_collector_duration_seconds` says how long it took. The OpenTelemetry
  name is that of the semantic conventions; where the cell is empty there is none.
";

/// The page of all metrics.
pub fn page() -> String {
    let mut out = HEAD.to_owned();
    let mut last = "";
    for metric in CATALOGUE {
        let family = metric.name.split_once('.').map_or("", |(family, _)| family);
        if family != last {
            last = family;
            out.push_str(&heading(family));
        }
        out.push_str(&row(metric));
    }
    out
}

fn heading(family: &str) -> String {
    format!(
        "\n## {family}\n\n| name | unit | kind | meaning | Prometheus | OpenTelemetry |\n|---|---|---|---|---|---|\n"
    )
}

fn row(metric: &Metric) -> String {
    let mut name = metric.name.to_owned();
    if !metric.tags.is_empty() {
        name.push('{');
        name.push_str(&metric.tags.join(","));
        name.push('}');
    }
    let (unit, kind) = (metric.unit.as_str(), metric.kind.as_str());
    let mut row = format!("| `{name}` | {unit} | {kind} | {} |", metric.help);
    for other in [&*metric.exposed_as(), metric.opentelemetry] {
        let cell = if other.is_empty() { String::new() } else { format!(" `{other}`") };
        write!(row, "{cell} |").expect("writing to a String does not fail");
    }
    row + "\n"
}
