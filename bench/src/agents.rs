//! What an agent costs, beside others that read the same machine in the same minutes, each once a second.
//!
//! All run at once, so that what else the machine does weighs on all alike. An agent that cannot be run here has the
//! reason in the table instead of figures.

use crate::http::Connection;
use crate::process::{Tree, tree};
use crate::report::{Column, digits, megabytes, table};
use crate::server::{free_port, guarded};
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Longest wait until an agent has something to show.
const PATIENCE: Duration = Duration::from_mins(1);
/// The token of aggregator and agent.
const TOKEN: &str = "a-token-of-the-bench-0123456789";
/// What collectd is told to read; its package sets up others, of which some need a program that is not there.
const COLLECTD_PLUGINS: [&str; 12] = [
    "cpu",
    "load",
    "memory",
    "swap",
    "df",
    "disk",
    "interface",
    "processes",
    "contextswitch",
    "vmem",
    "protocols",
    "uptime",
];

/// How to measure agents.
#[derive(Debug, clap::Args)]
pub struct Agents {
    /// How long.
    #[arg(long, value_name = "N", default_value_t = 5)]
    minutes: u32,
    /// Seconds before that which do not count: slow clocks come round once, memory grows to its size.
    #[arg(long, value_name = "N", default_value_t = 90)]
    warm_up: u64,
    /// A few seconds, to see that it works: the figures mean nothing.
    #[arg(long)]
    quick: bool,
    /// Measure this agent alone (repeatable).
    #[arg(long, value_name = "AGENT")]
    only: Vec<Kind>,
    /// Program to measure.
    #[arg(long, value_name = "FILE", default_value = "target/release/sysmond")]
    sysmond: PathBuf,
    /// Folder with the others' files below `usr`, `etc` and `lib`, as their packages have them.
    #[arg(long, value_name = "DIR", default_value = "target/bench-peers")]
    peers: PathBuf,
    /// Folder for what they write.
    #[arg(long, value_name = "DIR", default_value = "target")]
    scratch: PathBuf,
    /// Write what is printed to this file too.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// What was measured, for the head of the table.
    #[arg(long, value_name = "TEXT", default_value = "unknown commit")]
    pub about: String,
}

/// An agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Ours.
    Sysmond,
    /// Prometheus' own.
    NodeExporter,
    /// netdata.
    Netdata,
    /// collectd.
    Collectd,
    /// glances.
    Glances,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Sysmond, Self::NodeExporter, Self::Netdata, Self::Collectd, Self::Glances];

    const fn name(self) -> &'static str {
        match self {
            Self::Sysmond => "sysmond agent",
            Self::NodeExporter => "node_exporter",
            Self::Netdata => "netdata",
            Self::Collectd => "collectd",
            Self::Glances => "glances",
        }
    }

    const fn does(self) -> &'static str {
        match self {
            Self::Sysmond => "reads, keeps on disk (synced), pushes every 10 s",
            Self::NodeExporter => "reads when scraped, each second",
            Self::Netdata => "reads and keeps in its own database; system collectors alone",
            Self::Collectd => "reads and appends to CSV files, not synced",
            Self::Glances => "reads and appends to a CSV file, not synced",
        }
    }
}

/// An agent that runs; ended when dropped.
struct Agent {
    kind: Kind,
    child: Child,
    /// What it pushes to; not measured.
    aggregator: Option<Child>,
    address: SocketAddr,
    folder: PathBuf,
}

impl Drop for Agent {
    fn drop(&mut self) {
        for child in [Some(&mut self.child), self.aggregator.as_mut()].into_iter().flatten() {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

impl Agents {
    /// The table.
    pub fn measure(&self) -> Result<String> {
        let kinds = if self.only.is_empty() { Kind::ALL.to_vec() } else { self.only.clone() };
        // collectd writes to no folder whose name begins with a dot.
        let scratch = tempfile::Builder::new().prefix("agents-").tempdir_in(&self.scratch)?;
        let started: Vec<_> =
            kinds.iter().map(|kind| (*kind, self.start(*kind, &scratch.path().join(kind.name())))).collect();
        let (warm_up, time) = if self.quick {
            (Duration::from_secs(3), Duration::from_secs(5))
        } else {
            (Duration::from_secs(self.warm_up), Duration::from_secs(u64::from(self.minutes) * 60))
        };
        let running = || started.iter().filter_map(|(_, agent)| agent.as_ref().ok());
        scrape(running(), warm_up)?;
        let before: Vec<_> = running().map(|agent| tree(agent.child.id())).collect::<Result<_>>()?;
        let begin = Instant::now();
        scrape(running(), time)?;
        let after: Vec<_> = running().map(|agent| tree(agent.child.id())).collect::<Result<_>>()?;
        let seconds = begin.elapsed().as_secs_f64();
        let mut taken = before.into_iter().zip(after);
        let mut columns = Vec::new();
        for (kind, agent) in &started {
            let column = match agent {
                Ok(agent) => {
                    let taken = taken.next().context("each that runs was measured")?;
                    column(agent, taken, seconds)?
                }
                Err(error) => {
                    ensure!(*kind != Kind::Sysmond, "our own does not run: {error:#}");
                    let mut column = Column::default();
                    column.add("what it does", format!("NOT MEASURED: {error:#}"));
                    column
                }
            };
            columns.push((kind.name().to_owned(), column));
        }
        let title = format!("Agents on this machine, each second for {} min", digits(seconds / 60.0));
        Ok(table(&title, &columns))
    }

    fn start(&self, kind: Kind, folder: &Path) -> Result<Agent> {
        std::fs::create_dir_all(folder)?;
        let folder = folder.canonicalize()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let mut aggregator = None;
        let command = match kind {
            Kind::Sysmond => {
                aggregator = Some(self.aggregator(address, &folder)?);
                let mut command = guarded(&self.sysmond);
                command.args(["agent", "--interval", "1s", "--push-interval", "10s", "--hostname", "bench"]);
                command.arg("--aggregator").arg(format!("http://{address}"));
                command.arg("--data-dir").arg(folder.join("agent"));
                command.env("SYSMON_CONFIG", "/dev/null").env("SYSMON_TOKEN", TOKEN);
                command
            }
            Kind::NodeExporter => {
                let mut command = guarded(&self.program("usr/bin/prometheus-node-exporter")?);
                command.arg(format!("--web.listen-address={address}"));
                command
            }
            Kind::Netdata => self.netdata(address, &folder)?,
            Kind::Collectd => self.collectd(&folder)?,
            Kind::Glances => {
                let mut command = guarded(&self.program("glances/bin/glances")?);
                command.args(["--quiet", "--time", "1", "--disable-check-update", "--export", "csv"]);
                command.arg("--export-csv-file").arg(folder.join("glances.csv"));
                command
            }
        };
        let child = spawn(command, &folder.join("log"))?;
        let mut agent = Agent { kind, child, aggregator, address, folder };
        agent.wait()?;
        Ok(agent)
    }

    fn program(&self, path: &str) -> Result<PathBuf> {
        let program = self.peers.join(path);
        ensure!(
            program.exists(),
            "its package could not be unpacked here: there is no {}",
            program.display()
        );
        Ok(program.canonicalize()?)
    }

    fn aggregator(&self, address: SocketAddr, folder: &Path) -> Result<Child> {
        let mut command = guarded(&self.sysmond);
        command.arg("aggregator").arg("--listen").arg(address.to_string());
        command.arg("--data-dir").arg(folder.join("aggregator"));
        command.env("SYSMON_CONFIG", "/dev/null").env("SYSMON_TOKEN", TOKEN);
        spawn(command, &folder.join("aggregator.log"))
    }

    fn netdata(&self, address: SocketAddr, folder: &Path) -> Result<Command> {
        let program = self.program("usr/sbin/netdata")?;
        let (peers, here) = (self.peers.canonicalize()?, folder.display());
        let root = peers.display();
        for name in ["cache", "lib", "logs", "etc", "home"] {
            std::fs::create_dir_all(folder.join(name))?;
        }
        let config = format!(
            "[global]\n  run as user = root\n  hostname = bench\n[directories]\n  config = {here}/etc\n  \
             stock config = {root}/usr/lib/netdata/conf.d\n  log = {here}/logs\n  web = {root}/usr/share/netdata/web\n  \
             cache = {here}/cache\n  lib = {here}/lib\n  home = {here}/home\n  plugins = \
             {root}/usr/lib/netdata/plugins.d\n[web]\n  bind to = 127.0.0.1\n  default port = {}\n[plugins]\n  \
             enable running new plugins = no\n  apps = no\n  charts.d = no\n  go.d = no\n  python.d = no\n  ebpf = no\n  \
             nfacct = no\n  perf = no\n  slabinfo = no\n  ioping = no\n  tc = no\n",
            address.port()
        );
        std::fs::write(folder.join("netdata.conf"), config)?;
        let mut command = guarded(&program);
        command.arg("-D").arg("-c").arg(folder.join("netdata.conf"));
        command.env("LD_LIBRARY_PATH", peers.join("usr/lib/x86_64-linux-gnu"));
        Ok(command)
    }

    fn collectd(&self, folder: &Path) -> Result<Command> {
        let program = self.program("usr/sbin/collectd")?;
        let (peers, here) = (self.peers.canonicalize()?, folder.display());
        let root = peers.display();
        let plugins = COLLECTD_PLUGINS.map(|plugin| format!("LoadPlugin {plugin}\n")).concat();
        let config = format!(
            "Hostname bench\nInterval 1\nBaseDir \"{here}\"\nPIDFile \"{here}/pid\"\n\
             PluginDir \"{root}/usr/lib/collectd\"\nTypesDB \"{root}/usr/share/collectd/types.db\"\n{plugins}\
             LoadPlugin csv\n<Plugin csv>\n  DataDir \"{here}/csv\"\n  StoreRates true\n</Plugin>\n"
        );
        std::fs::write(folder.join("collectd.conf"), config)?;
        let mut command = guarded(&program);
        command.arg("-f").arg("-C").arg(folder.join("collectd.conf"));
        Ok(command)
    }
}

impl Agent {
    /// Until it has something to show.
    fn wait(&mut self) -> Result<()> {
        let begin = Instant::now();
        while self.series().ok().is_none_or(|count| count == 0) {
            if let Some(status) = self.child.try_wait()? {
                let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                let last = log.lines().last().unwrap_or("it said nothing");
                bail!("it ended with {status}: {}", last.replace('|', "/"));
            }
            ensure!(begin.elapsed() < PATIENCE, "it shows nothing");
            thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// How many series it has a value of each second.
    fn series(&self) -> Result<usize> {
        let lines = |path: &str| -> Result<usize> {
            let mut connection = Connection::open(self.address)?;
            let answer = connection.get(path)?;
            ensure!(answer.status == 200, "status {}", answer.status);
            let text = String::from_utf8_lossy(answer.body);
            Ok(text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()).count())
        };
        match self.kind {
            Kind::Sysmond => {
                let latest = Connection::open(self.address)?.get("/api/latest?host=bench")?.json()?;
                Ok(usize::try_from(latest.get("count").and_then(Value::as_u64).unwrap_or(0))?)
            }
            Kind::NodeExporter => lines("/metrics"),
            Kind::Netdata => lines("/api/v1/allmetrics?format=prometheus"),
            Kind::Collectd => columns_below(&self.folder.join("csv")),
            Kind::Glances => columns(&self.folder.join("glances.csv")),
        }
    }
}

/// Columns of a CSV file beside that of the time.
fn columns(file: &Path) -> Result<usize> {
    let text = std::fs::read_to_string(file)?;
    Ok(text.lines().next().map_or(0, |line| line.split(',').count().saturating_sub(1)))
}

fn columns_below(folder: &Path) -> Result<usize> {
    let mut count = 0;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        count += if path.is_dir() { columns_below(&path)? } else { columns(&path)? };
    }
    Ok(count)
}

fn spawn(mut command: Command, log: &Path) -> Result<Child> {
    let log = std::fs::File::create(log)?;
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    command.spawn().with_context(|| format!("cannot start {command:?}"))
}

/// Lets the time pass, and scrapes each second what is read when it is scraped.
fn scrape<'a>(agents: impl Iterator<Item = &'a Agent>, time: Duration) -> Result<()> {
    let scraped = agents.filter(|agent| agent.kind == Kind::NodeExporter);
    let mut connections = scraped.map(|agent| Connection::open(agent.address)).collect::<Result<Vec<_>>>()?;
    let begin = Instant::now();
    let mut next = begin;
    while begin.elapsed() < time {
        for connection in &mut connections {
            ensure!(connection.get("/metrics")?.status == 200, "a scrape failed");
        }
        next += Duration::from_secs(1);
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    Ok(())
}

fn column(agent: &Agent, (before, after): (Tree, Tree), seconds: f64) -> Result<Column> {
    let series = agent.series()?;
    let cpu = after.cpu.saturating_sub(before.cpu).as_secs_f64() / seconds;
    let written = after.written.saturating_sub(before.written) as f64 / seconds;
    let mut column = Column::default();
    column.add("what it does", agent.kind.does());
    column.add("series", series.to_string());
    column.add("**CPU, µs a sample**", digits(1e6 * cpu / series.max(1) as f64));
    column.add("**CPU, ms a second**", digits(1e3 * cpu));
    column.add("**resident, MB**", megabytes(after.resident));
    column.add("of it anonymous, MB", megabytes(after.anonymous));
    column.add("resident before, MB", megabytes(before.resident));
    column.add("written to the device, MB a day", digits(written * 86_400.0 / 1e6));
    Ok(column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_the_columns_of_all_files() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("cpu-0")).expect("writable");
        std::fs::write(folder.path().join("cpu-0/idle"), "epoch,value\n1,2\n").expect("writable");
        std::fs::write(folder.path().join("disk"), "epoch,read,write\n1,2,3\n").expect("writable");
        assert_eq!(columns_below(folder.path()).expect("readable"), 3);
    }
}
