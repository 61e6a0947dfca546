//! What is done to each system, and what is read off.

use crate::clock;
use crate::fleet::{Fleet, TICK_MS, TICKS_PER_PUSH};
use crate::http::Connection;
use crate::load::{self, Load, quantile};
use crate::process::{self, Usage};
use crate::question::{self, Question};
use crate::recording::Recording;
use crate::report::{self, Column, digits, megabytes, millis, per, quantiles};
use crate::server::{Programs, Server, System};
use crate::storage;
use anyhow::{Result, ensure};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// Connections at full speed.
const CONNECTIONS: usize = 16;
/// Connections at a given pace: more, since one that waits delays the next push.
const PACED_CONNECTIONS: usize = 64;
const HOUR_MS: i64 = 3_600_000;
/// Pushes of a host in an hour.
const PUSHES_PER_HOUR: usize = 360;
/// Milliseconds that one push covers.
const PUSH_MS: i64 = TICKS_PER_PUSH * TICK_MS;
/// Answers before those that count: the first pay for what is cached later.
const WARM_UP: usize = 20;
/// Hosts that play the recording.
const RECORDED_HOSTS: usize = 20;
/// Between what was sent before and the pushes that a crash follows: what is written a little later is then written.
const BEFORE_CRASH: Duration = Duration::from_secs(15);
/// Longest wait for a right answer after a restart.
const RESTART_PATIENCE: Duration = Duration::from_mins(5);

/// How much is sent; less of it on a machine that has other work.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Amounts {
    /// Hosts of the fleet.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    hosts: usize,
    /// Minutes of its history that the fleet sends at full speed.
    #[arg(long, value_name = "N", default_value_t = 60)]
    minutes: usize,
    /// Minutes of history for each number of hosts, where growth with hosts is measured.
    #[arg(long, value_name = "N", default_value_t = 10)]
    growth_minutes: usize,
    /// Hosts that send days, where growth with history is measured.
    #[arg(long, value_name = "N", default_value_t = 10)]
    history_hosts: usize,
    /// Seconds without work after which a server's work in the background counts as done, instead of what each needs
    /// by itself.
    #[arg(long, value_name = "N")]
    quiet: Option<u64>,
}

/// How much is done.
#[derive(Clone, Debug)]
pub struct Sizes {
    fleet_hosts: usize,
    fleet_pushes: usize,
    /// How long each pace is kept.
    pace: Duration,
    questions: usize,
    growth_hosts: Vec<usize>,
    growth_pushes: usize,
    history_hosts: usize,
    history_hours: Vec<usize>,
    /// How long a stretch of it is asked for.
    day_hours: i64,
    recorded_pushes: usize,
    /// How long a server has to be quiet before its background work counts as done, where not as long as it needs.
    quiet: Option<Duration>,
}

impl Sizes {
    /// Everything, in these amounts.
    pub fn full(amounts: Amounts) -> Self {
        let pushes = |minutes: usize| minutes * PUSHES_PER_HOUR / 60;
        Self {
            fleet_hosts: amounts.hosts,
            fleet_pushes: pushes(amounts.minutes),
            pace: Duration::from_mins(1),
            questions: 1000,
            growth_hosts: vec![250, 500, 1000, 2000],
            growth_pushes: pushes(amounts.growth_minutes),
            history_hosts: amounts.history_hosts,
            history_hours: vec![24, 48, 96],
            day_hours: 24,
            recorded_pushes: PUSHES_PER_HOUR,
            quiet: amounts.quiet.map(Duration::from_secs),
        }
    }

    /// Everything once.
    pub fn quick() -> Self {
        Self {
            fleet_hosts: 20,
            fleet_pushes: 40,
            pace: Duration::from_secs(2),
            questions: 20,
            growth_hosts: vec![5, 10],
            growth_pushes: 10,
            history_hosts: 2,
            history_hours: vec![1, 2],
            day_hours: 1,
            recorded_pushes: 10,
            quiet: Some(Duration::from_secs(2)),
        }
    }
}

/// What is measured, and with what.
#[derive(Debug)]
pub struct Lab {
    /// The programs.
    pub programs: Programs,
    /// The systems.
    pub systems: Vec<System>,
    /// How much.
    pub sizes: Sizes,
    /// Where their data may lie.
    pub scratch: PathBuf,
}

impl Lab {
    /// A fleet: what it costs at full speed and at the pace of real time, how fast questions are answered, and what a
    /// crash does.
    pub fn fleet(&self) -> Result<String> {
        let sizes = &self.sizes;
        let hours = sizes.fleet_pushes.div_ceil(PUSHES_PER_HOUR);
        let start = whole_hour_before(hours + 2);
        let title = format!(
            "{} hosts of 60 series each 2 s: {} at full speed, then at their pace and ten times it for {:?} each",
            sizes.fleet_hosts,
            hours_and_minutes(sizes.fleet_pushes),
            sizes.pace
        );
        self.each(&title, |run| {
            let mut fleet = Fleet::synthetic(sizes.fleet_hosts, start);
            run.note("a push that was answered is", run.server.system.durability());
            run.ingest(&mut fleet, sizes.fleet_pushes, sizes.quiet)?;
            run.pace("real pace", &mut fleet, 1.0, sizes.pace)?;
            run.pace("ten times that", &mut fleet, 10.0, sizes.pace)?;
            run.questions(&fleet, sizes.questions)?;
            run.crash(&mut fleet)
        })
    }

    /// The recording of a real agent, played by several hosts.
    pub fn recording(&self, path: &Path) -> Result<String> {
        let recording = Arc::new(Recording::read(path)?);
        let pushes = self.sizes.recorded_pushes;
        let start = whole_hour_before(3);
        let title = format!(
            "A real agent's recording: {} series, {} readings each {} s, played by {RECORDED_HOSTS} hosts",
            recording.shape().len(),
            recording.rows(),
            recording.tick_ms() as f64 / 1000.0
        );
        self.each(&title, |run| {
            let mut fleet = Fleet::recorded(RECORDED_HOSTS, start, &recording);
            run.ingest(&mut fleet, pushes, self.sizes.quiet)
        })
    }

    /// What more hosts cost.
    pub fn hosts(&self) -> Result<String> {
        let (sizes, start) = (&self.sizes, whole_hour_before(2));
        let time = hours_and_minutes(sizes.growth_pushes);
        self.growth(&format!("Growth with hosts, {time} of each"), |system| {
            let mut columns = Vec::new();
            for hosts in &sizes.growth_hosts {
                let mut run = self.start(system)?;
                let mut fleet = Fleet::synthetic(*hosts, start);
                run.ingest(&mut fleet, sizes.growth_pushes, sizes.quiet)?;
                run.quick_questions(&fleet, sizes.questions)?;
                run.restart(&fleet)?;
                columns.push((format!("{hosts} hosts"), run.column));
            }
            Ok(columns)
        })
    }

    /// What more history costs.
    pub fn days(&self) -> Result<String> {
        let sizes = &self.sizes;
        let longest = sizes.history_hours.iter().copied().max().unwrap_or(0);
        let start = whole_hour_before(longest + 2);
        self.growth(&format!("Growth with history, {} hosts", sizes.history_hosts), |system| {
            let mut run = self.start(system)?;
            let mut fleet = Fleet::synthetic(sizes.history_hosts, start);
            let (mut columns, mut sent) = (Vec::new(), 0);
            for hours in &sizes.history_hours {
                run.column = Column::default();
                run.ingest(&mut fleet, (hours - sent) * PUSHES_PER_HOUR, sizes.quiet)?;
                run.history(&fleet, sizes.day_hours, sizes.questions)?;
                run.restart(&fleet)?;
                sent = *hours;
                columns.push((format!("{hours} h"), run.column.clone()));
            }
            Ok(columns)
        })
    }

    /// A table for each system, its last column the ratio of the largest to the smallest.
    fn growth(
        &self,
        title: &str,
        measure: impl Fn(System) -> Result<Vec<(String, Column)>>,
    ) -> Result<String> {
        let mut out = String::new();
        for system in &self.systems {
            let mut columns = measure(*system)?;
            if let [(smallest, first), .., (largest, last)] = columns.as_slice() {
                columns.push((format!("{largest} : {smallest}"), last.over(first)));
            }
            out.push_str(&report::table(&format!("{title}: {}", system.name()), &columns));
        }
        Ok(out)
    }

    fn each(&self, title: &str, measure: impl Fn(&mut Running) -> Result<()>) -> Result<String> {
        let mut columns = Vec::new();
        for system in &self.systems {
            let mut run = self.start(*system)?;
            measure(&mut run)?;
            columns.push((system.name().to_owned(), run.column));
        }
        Ok(report::table(title, &columns))
    }

    fn start(&self, system: System) -> Result<Running> {
        let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(&self.scratch)?;
        let server = Server::start(&self.programs, system, folder.path())?;
        Ok(Running { server, column: Column::default(), all_samples: 0, _folder: folder })
    }
}

/// A server under measurement.
struct Running {
    server: Server,
    column: Column,
    all_samples: u64,
    /// Goes when the server has ended.
    _folder: tempfile::TempDir,
}

impl Running {
    /// A figure for the table; said at once, since a table takes long.
    fn note(&mut self, name: impl Into<String>, value: impl Into<String>) {
        let (name, value) = (name.into(), value.into());
        writeln!(std::io::stderr(), "{}: {name}: {value}", self.server.system.name()).ok();
        self.column.add(name, value);
    }

    /// What was written, by the device's own count and by the kernel's account of the process.
    fn note_written(&mut self, name: &str, used: Usage, samples: f64) {
        let device = used.device.map_or("not known".to_owned(), |bytes| per(bytes as f64, samples));
        self.note(format!("{name}written to the device, by all there is, bytes a sample"), device);
        self.note(format!("{name}pages made dirty, bytes a sample"), per(used.dirtied as f64, samples));
    }

    fn usage(&self) -> Result<Usage> {
        process::usage(self.server.pid(), self.server.folder())
    }

    /// History at full speed, with all the work in the background that follows from it.
    fn ingest(&mut self, fleet: &mut Fleet, pushes: usize, quiet: Option<Duration>) -> Result<()> {
        let before = self.usage()?;
        let load = load::full_speed(&self.server, fleet, pushes, CONNECTIONS)?;
        let at_end = self.usage()?;
        let quiet = quiet.unwrap_or_else(|| self.server.system.longest_pause());
        process::settle(self.server.pid(), quiet)?;
        let after = self.usage()?;
        self.all_samples += load.samples;
        let samples = load.samples as f64;
        let (all, rest) = (after.since(before), after.since(at_end));
        let cpu = all.cpu.as_secs_f64();
        let memory = process::memory(self.server.pid())?;
        let disk = process::disk_bytes(&self.server.folder().join("data"))?;
        let kept = storage::kept(&self.server)?;
        self.note("samples, millions", digits(samples / 1e6));
        self.note("**samples per CPU second, millions**", per(samples / 1e6, cpu));
        self.note("of its CPU time after the last push, percent", per(rest.cpu.as_secs_f64() * 100.0, cpu));
        self.note("samples a second, millions", per(samples / 1e6, load.took.as_secs_f64()));
        self.note("pushes refused", load.refused.to_string());
        self.note("answer to a push at full speed, ms p50 / p99", push_quantiles(&load));
        self.note("**on disk, bytes a sample**", per(disk as f64, self.all_samples as f64));
        if let Some(kept) = kept {
            self.note("of it in what stays, bytes a sample", kept);
        }
        self.note_written("", all, samples);
        self.note("resident after it, MB", megabytes(memory.resident));
        self.note("of it anonymous, MB", megabytes(memory.anonymous));
        self.note("resident at most, MB", megabytes(memory.peak));
        Ok(())
    }

    /// The pace of real time or a multiple of it: what it costs a second, and how long a push waits.
    fn pace(&mut self, name: &str, fleet: &mut Fleet, times: f64, time: Duration) -> Result<()> {
        let per_second = fleet.hosts().len() as f64 * 1000.0 / PUSH_MS as f64 * times;
        let before = self.usage()?;
        let begin = Instant::now();
        let load = load::paced(&self.server, fleet, per_second, time, PACED_CONNECTIONS)?;
        let used = self.usage()?.since(before);
        self.all_samples += load.samples;
        let memory = process::memory(self.server.pid())?;
        self.note(
            format!("{name}: CPU ms a second"),
            per(used.cpu.as_secs_f64() * 1e3, begin.elapsed().as_secs_f64()),
        );
        self.note(format!("{name}: answer to a push, ms p50 / p99"), push_quantiles(&load));
        self.note_written(&format!("{name}: "), used, load.samples as f64);
        self.note(format!("{name}: resident, MB"), megabytes(memory.resident));
        self.note(format!("{name}: of it anonymous, MB"), megabytes(memory.anonymous));
        Ok(())
    }

    /// Times `question` for many hosts, after looking at one answer.
    fn ask(
        &mut self,
        name: &str,
        fleet: &Fleet,
        times: usize,
        expected: usize,
        question: Question,
    ) -> Result<()> {
        let (system, at) = (self.server.system, fleet.newest());
        let mut connection = Connection::open(self.server.address)?;
        let names = fleet.names();
        let mut answers = Vec::with_capacity(times);
        for (turn, host) in names.iter().cycle().take(times + WARM_UP).enumerate() {
            let path = question.path(system, host, at);
            let begin = Instant::now();
            let answer = connection.get(&path)?;
            let took = begin.elapsed();
            if turn == 0 {
                let json = answer.json()?;
                let size = question.size(system, &json);
                ensure!(size >= expected, "{} answered {path} with {size} values: {json}", system.name());
            }
            ensure!(answer.status == 200, "{} answered {path} with {}", system.name(), answer.status);
            if turn >= WARM_UP {
                answers.push(took);
            }
        }
        answers.sort_unstable();
        self.note(name, quantiles(quantile(&answers, 0.5), quantile(&answers, 0.99)));
        Ok(())
    }

    fn quick_questions(&mut self, fleet: &Fleet, times: usize) -> Result<()> {
        self.ask("latest of a host, ms p50 / p99", fleet, times, 60, Question::Latest)?;
        self.ask("mean CPU load of the fleet now, ms p50 / p99", fleet, times, 1, Question::Fleet)
    }

    fn questions(&mut self, fleet: &Fleet, times: usize) -> Result<()> {
        self.quick_questions(fleet, times)?;
        self.ask("5 minutes of 2 series, ms p50 / p99", fleet, times, 200, Question::FiveMinutes)
    }

    /// A stretch of one series into a chart's points.
    fn history(&mut self, fleet: &Fleet, hours: i64, times: usize) -> Result<()> {
        let question = Question::Stretch { millis: hours * HOUR_MS, points: 1000 };
        self.ask(
            &format!("{hours} h of a series in 1000 points, ms p50 / p99"),
            fleet,
            times,
            // Points of whole minutes, where they come from summaries: a day has 720 of two.
            600,
            question,
        )?;
        self.quick_questions(fleet, times)
    }

    /// Kills it right after the answers to one push of each host, and sees what is there afterwards.
    fn crash(&mut self, fleet: &mut Fleet) -> Result<()> {
        let settled = fleet.newest();
        thread::sleep(BEFORE_CRASH);
        let sent = load::full_speed(&self.server, fleet, 1, CONNECTIONS)?;
        let mut connection = self.restarted(fleet, settled)?;
        let newest = question::newest(&mut connection, self.server.system, &fleet.names(), fleet.newest())?;
        let lost =
            fleet.hosts().iter().filter(|host| newest.get(&host.name).copied().unwrap_or(0) < host.newest());
        self.note(
            "killed after an answered push of each host: samples lost, percent",
            per(lost.count() as f64 * 100.0, fleet.hosts().len() as f64),
        );
        self.all_samples += sent.samples;
        Ok(())
    }

    fn restart(&mut self, fleet: &Fleet) -> Result<()> {
        // What is newest may not be on disk with all of them; a quarter of an hour before it is.
        self.restarted(fleet, fleet.newest() - HOUR_MS / 4).map(drop)
    }

    /// Kills it, starts it again and waits until it knows a sample of the time `settled` or a later one.
    fn restarted(&mut self, fleet: &Fleet, settled: i64) -> Result<Connection> {
        let begin = Instant::now();
        self.server.crash_and_start()?;
        self.server.wait_until_ready()?;
        let mut connection = Connection::open(self.server.address)?;
        let name: Vec<String> = fleet.names().into_iter().take(1).collect();
        loop {
            let newest = question::newest(&mut connection, self.server.system, &name, fleet.newest());
            if newest.is_ok_and(|newest| newest.values().any(|at| *at >= settled)) {
                break;
            }
            ensure!(
                begin.elapsed() < RESTART_PATIENCE,
                "{} does not know what it had",
                self.server.system.name()
            );
            thread::sleep(Duration::from_millis(2));
        }
        let (took, used) = (begin.elapsed(), process::cpu(self.server.pid())?);
        self.note("kill -9 to the first right answer, ms", millis(took));
        self.note("its CPU time until then, ms", millis(used));
        Ok(connection)
    }
}

fn push_quantiles(load: &Load) -> String {
    quantiles(quantile(&load.answers, 0.5), quantile(&load.answers, 0.99))
}

/// The beginning of an hour, so many before this one, milliseconds.
fn whole_hour_before(hours: usize) -> i64 {
    let now = clock::now_ms();
    now - now % HOUR_MS - i64::try_from(hours).unwrap_or(0) * HOUR_MS
}

fn hours_and_minutes(pushes: usize) -> String {
    let minutes = i64::try_from(pushes).unwrap_or(0) * PUSH_MS / 60_000;
    if minutes % 60 == 0 { format!("{} h", minutes / 60) } else { format!("{minutes} min") }
}
