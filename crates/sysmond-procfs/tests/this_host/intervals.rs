//! What tools say that measure over a stretch of time, beside the sources over the same stretch.
//!
//! Theirs begins a little later than ours, which other programs use: so a stretch has two seconds, and what is compared
//! may differ by a part of it. A wrong unit is further off than that.

use super::{SLACK_BYTES, attempt, close, run, source};
use std::collections::BTreeMap;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use sysmond_model::Series;
use sysmond_procfs::Values;

/// How far two stretches may differ, as part of the figure.
const SLACK: f64 = 0.2;

/// What `work` gives, and what the source says of the time that it took.
fn during<T>(name: &str, work: impl FnOnce() -> T) -> (T, BTreeMap<String, f64>) {
    let mut source = source(name);
    let begin = Instant::now();
    source.read(Duration::from_secs(100), &mut Values::default()).expect("readable");
    let result = work();
    let mut out = Values::default();
    source.read(Duration::from_secs(100) + begin.elapsed(), &mut out).expect("readable");
    let ours = out.iter().map(|(metric, tags, value)| (Series::new(metric.name, tags).to_string(), value));
    (result, ours.collect())
}

/// Writes to the disk of the tests, as fast as it takes it, while `work` is done.
fn while_writing<T>(work: impl FnOnce() -> T) -> T {
    let is_done = AtomicBool::new(false);
    let write = || {
        let file = tempfile::tempfile_in(env!("CARGO_TARGET_TMPDIR")).expect("a file");
        let bytes = vec![7; 256 * 1024];
        while !is_done.load(Ordering::Relaxed) {
            file.write_all_at(&bytes, 0).expect("there is room");
            file.sync_all().expect("it is written");
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(write);
        let result = work();
        is_done.store(true, Ordering::Relaxed);
        result
    })
}

/// The rows of a table: the first column names a row, the first line the columns.
fn table(text: &str, head: &str) -> BTreeMap<String, BTreeMap<String, f64>> {
    let mut lines = text.lines().skip_while(|line| !line.starts_with(head));
    let columns: Vec<&str> = lines.next().expect("a head").split_whitespace().collect();
    let row = |line: &str| {
        let mut values = line.split_whitespace();
        let name = values.next()?.to_owned();
        let number =
            |(column, value): (&&str, &str)| ((*column).to_owned(), value.parse().expect("a number"));
        Some((name, columns.iter().skip(1).zip(values).map(number).collect()))
    };
    lines.map_while(row).collect()
}

#[test]
fn disks_are_as_busy_as_iostat_says() {
    attempt(|| {
        let (text, ours) = during("disk", || while_writing(|| run("iostat", &["-dxky", "2", "1"])));
        let mut checked = 0;
        for (device, row) in table(&text, "Device").iter().filter(|(_, row)| row["w/s"] >= 20.0) {
            let Some(writes) = ours.get(&format!("disk.writes{{device={device}}}")) else { continue };
            let figure = |metric: &str| ours[&format!("disk.{metric}{{device={device}}}")];
            let check = |what: &str, ours: f64, least: f64| {
                close(&format!("{device} {what}"), ours, row[what], (SLACK * row[what]).max(least))
            };
            check("w/s", *writes, 0.0)?;
            check("wkB/s", figure("write_bytes") / 1024.0, 0.0)?;
            check("rkB/s", figure("read_bytes") / 1024.0, 200.0)?;
            check("r/s", figure("reads"), 10.0)?;
            check("w_await", figure("write_latency") * 1000.0, 0.02)?;
            check("aqu-sz", figure("queue"), 0.05)?;
            check("%util", figure("busy_percent"), 3.0)?;
            checked += 1;
        }
        if checked == 0 { Err(format!("no disk was written to: {text}")) } else { Ok(()) }
    });
}

#[test]
fn processors_and_memory_are_as_vmstat_says() {
    attempt(|| {
        let (text, cpu) = during("cpu", || run("vmstat", &["-n", "2", "2"]));
        let mut lines = text.lines().skip(1);
        let columns = lines.next().expect("names of columns").split_whitespace();
        let numbers = lines.last().expect("the second row").split_whitespace();
        let theirs: BTreeMap<_, f64> =
            columns.zip(numbers).map(|(name, number)| (name, number.parse().expect("a number"))).collect();
        for (column, ours) in [
            ("us", cpu["cpu.user"] + cpu["cpu.nice"]),
            ("sy", cpu["cpu.system"] + cpu["cpu.irq"] + cpu["cpu.softirq"]),
            ("id", cpu["cpu.idle"]),
            ("wa", cpu["cpu.iowait"]),
            ("st", cpu["cpu.steal"]),
        ] {
            // Whole percents on their side.
            close(column, ours, theirs[column], 6.0)?;
        }
        // Of one moment, and `vmstat` does not count itself.
        close("r", cpu["processes.running"], theirs["r"] + 1.0, 2.0)?;
        close("b", cpu["processes.blocked"], theirs["b"], 1.0)?;
        let ((), memory) = during("memory", || ());
        close("free", memory["memory.free_bytes"], theirs["free"] * 1024.0, SLACK_BYTES)?;
        close("buff", memory["memory.buffers_bytes"], theirs["buff"] * 1024.0, SLACK_BYTES)
    });
}
