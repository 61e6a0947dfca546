//! A fleet on one machine: an aggregator and agents as processes of their own, as on machines of their own.
//!
//! Each child is in its own process group, so that a Ctrl-C reaches this process alone, which then ends them
//! in order; and each has a pipe from here as standard input, so that it ends too where this process is
//! killed.

use crate::clock;
use crate::config::keys::{KEYS, TOKEN_ENV};
use crate::config::{Settings, loopback_of};
use crate::shutdown::Shutdown;
use anyhow::{Context, anyhow, bail};
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::{Child, Command};

/// Until the aggregator serves: a slow disk may take its time over a large database.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How long a child may take to stop before it is killed: what it promises itself.
const STOP_LIMIT: Duration = Duration::from_secs(5);
/// Between a child's unexpected end and its next start.
const RESTART_PAUSE: Duration = Duration::from_secs(1);
/// Unexpected ends of all children together after which the demo gives up: something is wrong that a start
/// does not mend.
const MAX_RESTARTS: usize = 20;

/// Runs the fleet until `shutdown`.
pub(crate) async fn run(settings: &Settings, hosts: u16, shutdown: Shutdown) -> anyhow::Result<()> {
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    let place =
        Place { program, folder: settings.data_dir.join("demo"), log_level: settings.log.level.to_string() };
    let mut aggregator = place.aggregator(settings, settings.listen.0);
    aggregator.start()?;
    let mut fleet = Fleet { aggregator, agents: Vec::new(), restarts: 0 };
    let outcome = tokio::select! {
        outcome = fleet.keep_running(&place, settings, hosts) => outcome,
        () = shutdown.requested() => Ok(()),
    };
    fleet.stop().await;
    outcome
}

/// What all children share.
struct Place {
    program: PathBuf,
    folder: PathBuf,
    log_level: String,
}

impl Place {
    fn addr_file(&self, settings: &Settings) -> PathBuf {
        settings.addr_file.clone().unwrap_or_else(|| self.folder.join("address"))
    }

    fn aggregator(&self, settings: &Settings, listen: SocketAddr) -> Member {
        let mut arguments = self.arguments("aggregator", "aggregator");
        let addr_file = self.addr_file(settings).display().to_string();
        arguments.extend(["--listen".into(), listen.to_string(), "--addr-file".into(), addr_file]);
        Member::new("aggregator".to_owned(), self.program.clone(), arguments)
    }

    fn agent(&self, settings: &Settings, host: &DemoHost, aggregator: SocketAddr) -> Member {
        let mut arguments = self.arguments("agent", &host.name);
        let token = self.folder.join("aggregator/token").display().to_string();
        let millis = |duration: Duration| format!("{}ms", duration.as_millis());
        for (flag, value) in [
            ("--aggregator", format!("http://{}", loopback_of(aggregator))),
            ("--token-file", token),
            ("--hostname", host.name.clone()),
            ("--tag", format!("environment={}", host.environment)),
            ("--tag", format!("datacenter={}", host.datacenter)),
            ("--tag", format!("role={}", host.role)),
            ("--interval", millis(settings.interval)),
            ("--push-interval", millis(settings.push_interval)),
        ] {
            arguments.extend([flag.to_owned(), value]);
        }
        Member::new(host.name.clone(), self.program.clone(), arguments)
    }

    /// Nothing but what is said here counts: no configuration file, and no variables.
    fn arguments(&self, role: &str, name: &str) -> Vec<String> {
        let folder = self.folder.join(name);
        [
            role.to_owned(),
            "--exit-with-parent".to_owned(),
            "--config=/dev/null".to_owned(),
            format!("--data-dir={}", folder.display()),
            format!("--log-file={}", folder.join("sysmond.log").display()),
            format!("--log-level={}", self.log_level),
        ]
        .into()
    }
}

/// One host of the demo.
#[derive(Debug, PartialEq, Eq)]
struct DemoHost {
    name: String,
    role: &'static str,
    datacenter: &'static str,
    environment: &'static str,
}

const KINDS: [(&str, &str); 8] = [
    ("web", "web-server"),
    ("db", "database"),
    ("app", "app-server"),
    ("cache", "cache"),
    ("queue", "message-queue"),
    ("search", "search"),
    ("proxy", "load-balancer"),
    ("mail", "mail-server"),
];
const DATACENTERS: [&str; 3] = ["us-east-1", "us-west-2", "eu-central-1"];

/// The first three are those that the multi-host document draws.
fn hosts(count: u16) -> Vec<DemoHost> {
    let rounds = (1..).flat_map(|round| KINDS.iter().map(move |kind| (round, kind)));
    let host = |(round, (kind, role)): (u32, &(&str, &'static str))| DemoHost {
        name: format!("{kind}-server-{round:02}"),
        role,
        datacenter: DATACENTERS.iter().cycle().nth(round as usize - 1).copied().unwrap_or("us-east-1"),
        environment: if round % 2 == 1 { "production" } else { "staging" },
    };
    rounds.map(host).take(usize::from(count)).collect()
}

struct Fleet {
    aggregator: Member,
    agents: Vec<Member>,
    restarts: usize,
}

impl Fleet {
    async fn keep_running(&mut self, place: &Place, settings: &Settings, count: u16) -> anyhow::Result<()> {
        let address = self.address(&place.addr_file(settings)).await?;
        // A restart must find the agents where they look for it, also where a free port was taken.
        self.aggregator.arguments = place.aggregator(settings, address).arguments;
        for host in hosts(count) {
            let mut agent = place.agent(settings, &host, address);
            agent.start()?;
            self.agents.push(agent);
        }
        say(&format!(
            "demo of {count} hosts: http://{}\nlogs and data: {}\nCtrl-C ends all of it",
            loopback_of(address),
            place.folder.display()
        ))?;
        loop {
            self.restart_whoever_ended().await?;
        }
    }

    /// Waits until the aggregator has written where it serves.
    async fn address(&mut self, file: &Path) -> anyhow::Result<SocketAddr> {
        let began = clock::since_boot();
        loop {
            let written = std::fs::read_to_string(file).unwrap_or_default();
            if let Ok(address) = written.trim().parse() {
                return Ok(address);
            }
            if let Some(status) = self.aggregator.ended()? {
                bail!("the aggregator did not start ({status})");
            }
            if clock::since_boot().saturating_sub(began) > START_LIMIT {
                bail!("the aggregator did not serve within {} s", START_LIMIT.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn restart_whoever_ended(&mut self) -> anyhow::Result<()> {
        tokio::time::sleep(RESTART_PAUSE).await;
        for member in self.agents.iter_mut().chain([&mut self.aggregator]) {
            let Some(status) = member.ended()? else { continue };
            self.restarts += 1;
            if self.restarts > MAX_RESTARTS {
                bail!("{} ended again ({status}), too often to go on", member.name);
            }
            tracing::warn!(process = member.name, %status, "ended unexpectedly; starting it again");
            member.start()?;
        }
        Ok(())
    }

    /// The agents first, so that they can still deliver.
    async fn stop(&mut self) {
        tracing::info!("stopping {} agents and the aggregator", self.agents.len());
        self.agents.iter().for_each(Member::ask_to_stop);
        for agent in &mut self.agents {
            agent.wait_or_kill().await;
        }
        self.aggregator.ask_to_stop();
        self.aggregator.wait_or_kill().await;
    }
}

fn say(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout().lock(), "{text}").context("cannot write to standard output")
}

/// A child process and how to start it again.
struct Member {
    name: String,
    program: PathBuf,
    arguments: Vec<String>,
    child: Option<Child>,
}

impl Member {
    fn new(name: String, program: PathBuf, arguments: Vec<String>) -> Self {
        Self { name, program, arguments, child: None }
    }

    fn start(&mut self) -> anyhow::Result<()> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .process_group(0)
            .kill_on_drop(true);
        for variable in KEYS.iter().map(|key| key.env).chain([TOKEN_ENV]) {
            command.env_remove(variable);
        }
        let child = command.spawn().with_context(|| format!("cannot start {}", self.name))?;
        tracing::info!(process = self.name, pid = child.id(), "started");
        self.child = Some(child);
        Ok(())
    }

    fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        let child = self.child.as_mut().ok_or_else(|| anyhow!("{} was never started", self.name))?;
        child.try_wait().with_context(|| format!("cannot look after {}", self.name))
    }

    fn ask_to_stop(&self) {
        let id = self.child.as_ref().and_then(Child::id).and_then(|id| i32::try_from(id).ok());
        let Some(pid) = id.and_then(rustix::process::Pid::from_raw) else { return };
        if let Err(error) = rustix::process::kill_process(pid, rustix::process::Signal::TERM) {
            tracing::warn!(process = self.name, %error, "cannot be asked to stop");
        }
    }

    async fn wait_or_kill(&mut self) {
        let Some(child) = self.child.as_mut() else { return };
        let ended = if let Ok(ended) = tokio::time::timeout(STOP_LIMIT, child.wait()).await {
            ended.map(|_| ())
        } else {
            tracing::warn!(process = self.name, "did not stop and is killed");
            child.kill().await
        };
        if let Err(error) = ended {
            tracing::warn!(process = self.name, %error, "cannot be waited for");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_first_hosts_are_those_of_the_document() {
        let names: Vec<_> = hosts(4).into_iter().map(|host| host.name).collect();
        assert_eq!(names, ["web-server-01", "db-server-01", "app-server-01", "cache-server-01"]);
        let expected = DemoHost {
            name: "web-server-01".to_owned(),
            role: "web-server",
            datacenter: "us-east-1",
            environment: "production",
        };
        assert_eq!(hosts(1), [expected]);
    }

    #[test]
    fn no_two_hosts_share_a_name() {
        let names: BTreeSet<_> = hosts(100).into_iter().map(|host| host.name).collect();
        assert_eq!(names.len(), 100);
        assert!(names.contains("web-server-13"), "{names:?}");
    }
}
