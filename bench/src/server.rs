//! The servers that are measured: how each is started, fed and asked.

use crate::http::{Answer, Connection};
use crate::wire::{self, RemoteWrite};
use anyhow::{Context, Result, bail, ensure};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use sysmond_model::Frame;
use sysmond_model::push::{PushAnswer, TOKEN_HEADER};

/// Longest wait for a server that begins.
const START_PATIENCE: Duration = Duration::from_mins(5);
/// Between two questions whether it is ready.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// A system under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum System {
    /// Ours.
    Sysmond,
    /// Debian's `victoria-metrics`.
    Victoria,
    /// Debian's `prometheus`.
    Prometheus,
}

impl System {
    /// All of them, ours first.
    pub const ALL: [Self; 3] = [Self::Sysmond, Self::Victoria, Self::Prometheus];

    /// As the table calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sysmond => "sysmond",
            Self::Victoria => "VictoriaMetrics",
            Self::Prometheus => "Prometheus",
        }
    }

    /// How long it may be quiet and still have work to do. The two others look for it once a minute. We wait 5 minutes
    /// for more late samples before an hour of the past is put together, and look once a minute.
    pub const fn longest_pause(self) -> Duration {
        match self {
            Self::Sysmond => Duration::from_secs(370),
            Self::Victoria | Self::Prometheus => Duration::from_secs(65),
        }
    }

    /// What an answered push means, with the settings used here.
    pub const fn durability(self) -> &'static str {
        match self {
            Self::Sysmond => "on disk: synced before the answer",
            Self::Victoria => "in memory: written and synced about a second later",
            Self::Prometheus => "in the page cache: written to a log, not synced",
        }
    }
}

/// Where the programs are.
#[derive(Clone, Debug)]
pub struct Programs {
    /// `sysmond`.
    pub sysmond: PathBuf,
    /// `victoria-metrics`.
    pub victoria: PathBuf,
    /// `prometheus`.
    pub prometheus: PathBuf,
}

impl Programs {
    fn path(&self, system: System) -> &Path {
        match system {
            System::Sysmond => &self.sysmond,
            System::Victoria => &self.victoria,
            System::Prometheus => &self.prometheus,
        }
    }

    /// The version that a program says it has.
    pub fn version(&self, system: System) -> Result<String> {
        let flag = if system == System::Victoria { "-version" } else { "--version" };
        let path = self.path(system);
        let said = Command::new(path)
            .arg(flag)
            .output()
            .with_context(|| format!("cannot run {}", path.display()))?;
        let text = [said.stdout, said.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        let line = text.lines().map(str::trim).find(|line| !line.is_empty());
        Ok(line.unwrap_or("does not say its version").to_owned())
    }
}

/// A server that runs; ended when dropped.
#[derive(Debug)]
pub struct Server {
    /// Which.
    pub system: System,
    /// Where it listens.
    pub address: SocketAddr,
    program: PathBuf,
    folder: PathBuf,
    child: Child,
    token: String,
}

impl Server {
    /// Starts one on an empty or left folder, and waits until it takes requests.
    pub fn start(programs: &Programs, system: System, folder: &Path) -> Result<Self> {
        let program = programs.path(system).to_path_buf();
        let (child, address) = spawn(system, &program, folder)?;
        let mut server =
            Self { system, address, program, folder: folder.to_path_buf(), child, token: String::new() };
        server.wait_until_ready()?;
        Ok(server)
    }

    /// Ends it as a crash would, and starts it again on what is left. It may not be ready yet.
    pub fn crash_and_start(&mut self) -> Result<()> {
        self.end()?;
        (self.child, self.address) = spawn(self.system, &self.program, &self.folder)?;
        Ok(())
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its data.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Waits until it takes requests.
    pub fn wait_until_ready(&mut self) -> Result<()> {
        let path = match self.system {
            System::Sysmond => "/readyz",
            System::Victoria => "/health",
            System::Prometheus => "/-/ready",
        };
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                bail!("{} ended with {status}:\n{log}", self.system.name());
            }
            if self.found_address()?
                && Connection::open(self.address)
                    .and_then(|mut c| Ok(c.get(path)?.status))
                    .is_ok_and(|status| status == 200)
            {
                break;
            }
            ensure!(begin.elapsed() < START_PATIENCE, "{} does not become ready", self.system.name());
            thread::sleep(LOOK_EVERY);
        }
        if self.system == System::Sysmond {
            let token = std::fs::read_to_string(self.folder.join("data/token"))?;
            token.trim().clone_into(&mut self.token);
        }
        Ok(())
    }

    /// Whether it is known where it listens.
    fn found_address(&mut self) -> Result<bool> {
        if self.system != System::Sysmond {
            return Ok(true);
        }
        let Ok(text) = std::fs::read_to_string(self.folder.join("address")) else { return Ok(false) };
        if text.trim().is_empty() {
            return Ok(false);
        }
        self.address = text.trim().parse()?;
        Ok(true)
    }

    fn end(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end().ok();
    }
}

fn spawn(system: System, program: &Path, folder: &Path) -> Result<(Child, SocketAddr)> {
    let port = if system == System::Sysmond { 0 } else { free_port()? };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let data = folder.join("data");
    let mut command = guarded(program);
    match system {
        System::Sysmond => {
            let address_file = folder.join("address");
            // A crash leaves the last one's.
            std::fs::remove_file(&address_file).ok();
            command.arg("aggregator").arg("--data-dir").arg(&data).args([
                "--listen",
                "127.0.0.1:0",
                "--max-disk",
                "100GB",
            ]);
            command.arg("--addr-file").arg(address_file);
            command.env("SYSMON_CONFIG", "/dev/null");
        }
        System::Victoria => {
            // Answers are to know of the last 30 s too, and measured is the work, not a cache of answers.
            command
                .arg(format!("-storageDataPath={}", data.display()))
                .arg(format!("-httpListenAddr={address}"));
            command.args(["-search.latencyOffset=0s", "-search.disableCache", "-retentionPeriod=1"]);
            // It ends connections after two minutes, and a fleet at full speed may take longer.
            command.arg("-http.connTimeout=1h");
        }
        System::Prometheus => {
            let config = folder.join("prometheus.yml");
            std::fs::write(&config, "global: {}\n")?;
            command.arg(format!("--config.file={}", config.display()));
            command.arg(format!("--storage.tsdb.path={}", data.display()));
            command.arg(format!("--web.listen-address={address}"));
            command.args(["--web.enable-remote-write-receiver", "--storage.tsdb.retention.time=15d"]);
        }
    }
    let log = std::fs::OpenOptions::new().create(true).append(true).open(folder.join("log"))?;
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    let child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
    Ok((child, address))
}

/// However this process ends, none of those that it starts is left behind.
pub(crate) fn guarded(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Makes bodies for a server and judges what it says of them.
pub struct Pusher {
    connection: Connection,
    system: System,
    headers: String,
    remote_write: RemoteWrite,
    body: Vec<u8>,
}

/// What a server said of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All of it was taken.
    Stored,
    /// It has too much to do: the same again, later.
    Busy,
}

impl Pusher {
    /// A connection that pushes to `server`.
    pub fn new(server: &Server) -> Result<Self> {
        let headers = match server.system {
            System::Sysmond => {
                format!("content-type: application/json\r\n{TOKEN_HEADER}: {}\r\n", server.token)
            }
            System::Victoria | System::Prometheus => {
                "content-type: application/x-protobuf\r\ncontent-encoding: snappy\r\n\
                 x-prometheus-remote-write-version: 0.1.0\r\n"
                    .to_owned()
            }
        };
        let connection = Connection::open(server.address)?;
        let (remote_write, body) = (RemoteWrite::default(), Vec::new());
        Ok(Self { connection, system: server.system, headers, remote_write, body })
    }

    /// Makes the body for a frame; [`Self::send`] sends it.
    pub fn prepare(&mut self, hostname: &str, frame: &Frame) -> Result<()> {
        match self.system {
            System::Sysmond => wire::json(hostname, frame, &mut self.body),
            System::Victoria | System::Prometheus => {
                self.remote_write.encode(hostname, frame, &mut self.body)
            }
        }
    }

    /// Sends what was prepared: so many samples.
    pub fn send(&mut self, samples: usize) -> Result<Verdict> {
        let path = match self.system {
            System::Sysmond => "/api/metrics",
            System::Victoria | System::Prometheus => "/api/v1/write",
        };
        let answer = self.connection.post(path, &self.headers, &self.body)?;
        if matches!(answer.status, 429 | 503) {
            return Ok(Verdict::Busy);
        }
        ensure!(
            is_stored(self.system, answer, samples),
            "{} answered a push with {}: {}",
            self.system.name(),
            answer.status,
            String::from_utf8_lossy(answer.body)
        );
        Ok(Verdict::Stored)
    }
}

fn is_stored(system: System, answer: Answer<'_>, samples: usize) -> bool {
    match system {
        System::Sysmond => {
            let said = serde_json::from_slice::<PushAnswer>(answer.body);
            answer.status == 200
                && said.is_ok_and(|said| (said.metrics_stored, said.metrics_failed) == (samples, 0))
        }
        System::Victoria | System::Prometheus => matches!(answer.status, 200 | 204),
    }
}
