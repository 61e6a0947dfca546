//! What sysmond's store costs: ingest over HTTP, size, writes to the device, memory, latencies, restart and growth,
//! beside `VictoriaMetrics` and Prometheus in the same run on the same feed. `bench/run` builds and starts it.

pub mod agents;
pub mod clock;
pub mod day;
pub mod feed;
pub mod fleet;
pub mod http;
pub mod load;
pub mod process;
pub mod question;
pub mod record;
pub mod recording;
pub mod report;
pub mod scenario;
pub mod server;
pub mod storage;
pub mod wire;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand, ValueEnum};
use scenario::{Amounts, Lab, Sizes};
use server::{Programs, System};
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

/// Measures sysmond beside two other stores of samples.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure, and print tables in Markdown.
    Run(Run),
    /// Record a real agent on this machine.
    Record(record::Record),
    /// Play a day into an agent's store and see what it holds.
    Day(day::Day),
    /// Measure an agent beside others.
    Agents(agents::Agents),
}

#[derive(Debug, Args)]
struct Run {
    /// A small load of everything, to see that it works: the figures mean nothing.
    #[arg(long)]
    quick: bool,
    /// Measure this system alone (repeatable).
    #[arg(long, value_name = "SYSTEM")]
    only: Vec<System>,
    /// Measure this alone (repeatable).
    #[arg(long, value_name = "SCENARIO")]
    scenario: Vec<Scenario>,
    #[command(flatten)]
    amounts: Amounts,
    /// Program to measure.
    #[arg(long, value_name = "FILE", default_value = "target/release/sysmond")]
    sysmond: PathBuf,
    /// Program to measure.
    #[arg(long, value_name = "FILE", default_value = "victoria-metrics")]
    victoria: PathBuf,
    /// Program to measure.
    #[arg(long, value_name = "FILE", default_value = "prometheus")]
    prometheus: PathBuf,
    /// A real agent's recording.
    #[arg(long, value_name = "FILE", default_value = "bench/recording.gz")]
    recording: PathBuf,
    /// Folder in which the servers keep their data while they are measured.
    #[arg(long, value_name = "DIR", default_value = "target")]
    scratch: PathBuf,
    /// Write what is printed to this file too.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// What was measured, for the head of the tables.
    #[arg(long, value_name = "TEXT", default_value = "unknown commit")]
    about: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// A fleet of synthetic hosts: ingest, size, writes, memory, latencies, crash and restart.
    Fleet,
    /// The recording of a real agent: processor time and size.
    Recording,
    /// Growth with hosts.
    Hosts,
    /// Growth with days.
    Days,
}

/// Does what the command line asks for.
pub fn run() -> Result<()> {
    match Cli::parse().command {
        Command::Run(run) => run.measure(),
        Command::Record(record) => record.run(),
        Command::Day(day) => day.run(),
        Command::Agents(agents) => {
            let mut print = Print { file: agents.out.as_ref().map(File::create).transpose()? };
            print.text(&machine(&agents.about)?)?;
            print.text("\n")?;
            print.text(&agents.measure()?)
        }
    }
}

impl Run {
    fn measure(self) -> Result<()> {
        let mut print = Print { file: self.out.as_ref().map(File::create).transpose()? };
        let programs =
            Programs { sysmond: self.sysmond, victoria: self.victoria, prometheus: self.prometheus };
        let systems = if self.only.is_empty() { System::ALL.to_vec() } else { self.only };
        let sizes = if self.quick { Sizes::quick() } else { Sizes::full(self.amounts) };
        print.text(&head(&programs, &systems, &self.about)?)?;
        let wanted = |scenario| self.scenario.is_empty() || self.scenario.contains(&scenario);
        let lab = Lab { programs, systems, sizes, scratch: self.scratch };
        if wanted(Scenario::Fleet) {
            print.text(&lab.fleet()?)?;
        }
        if wanted(Scenario::Recording) {
            print.text(&lab.recording(&self.recording)?)?;
        }
        if wanted(Scenario::Hosts) {
            print.text(&lab.hosts()?)?;
        }
        if wanted(Scenario::Days) {
            print.text(&lab.days()?)?;
        }
        Ok(())
    }
}

/// Where tables go.
struct Print {
    file: Option<File>,
}

impl Print {
    fn text(&mut self, text: &str) -> Result<()> {
        let mut terminal = std::io::stdout().lock();
        terminal.write_all(text.as_bytes())?;
        terminal.flush()?;
        if let Some(file) = &mut self.file {
            file.write_all(text.as_bytes())?;
        }
        Ok(())
    }
}

/// What was measured, on what.
fn head(programs: &Programs, systems: &[System], about: &str) -> Result<String> {
    let mut out = machine(about)?;
    out.push('\n');
    for system in systems {
        writeln!(out, "- {}: {}", system.name(), programs.version(*system)?)?;
    }
    out.push('\n');
    Ok(out)
}

/// A line on the machine.
fn machine(about: &str) -> Result<String> {
    let file = |path: &str| std::fs::read_to_string(path).with_context(|| format!("cannot read {path}"));
    let (processors, kernel, load) =
        (file("/proc/cpuinfo")?, file("/proc/sys/kernel/osrelease")?, file("/proc/loadavg")?);
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown");
    let count = processors.lines().filter(|line| line.starts_with("processor")).count();
    Ok(format!(
        "{about}. {count} processors ({}), Linux {}. Load before: {}.\n",
        model.trim_matches([' ', '\t', ':']),
        kernel.trim(),
        load.split(' ').take(3).collect::<Vec<_>>().join(", "),
    ))
}
