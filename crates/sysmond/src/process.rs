//! The process around a role: its threads, its signals, and its end in good time.

use crate::shutdown::Shutdown;
use crate::telemetry::{LogFiles, Telemetry};
use anyhow::{Context, bail};
use rustix::time::{ClockId, clock_gettime};
use std::os::fd::AsFd;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use sysmond_procfs::Exposition;
use tokio::net::unix::pipe;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Threads that serve requests: more than four only wait for the one writer.
const MAX_WORKERS: usize = 4;
/// How long a thread for what may block is kept: longer than an agent's ten seconds between two pushes, each of which
/// needs one.
const KEEP_ALIVE: Duration = Duration::from_secs(25);
/// From the request to stop until the process has ended.
const GRACE: Duration = Duration::from_secs(5);
/// The same for one that waits for children, which have [`GRACE`] each in two rounds.
const GRACE_WITH_CHILDREN: Duration = Duration::from_secs(12);

/// What ends the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    /// A signal.
    BySignal,
    /// A signal, or the end of standard input, which a parent's death closes.
    WithParent,
    /// A signal, and its children before it.
    AfterChildren,
}

impl Ends {
    /// As the hidden flag says.
    pub(crate) fn of(exit_with_parent: bool) -> Self {
        if exit_with_parent { Self::WithParent } else { Self::BySignal }
    }
}

/// For a server.
pub(crate) fn many_threads() -> anyhow::Result<Runtime> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_WORKERS);
    Builder::new_multi_thread().worker_threads(workers).enable_all().build().context("cannot start threads")
}

/// For what runs beside other people's work.
pub(crate) fn one_thread() -> anyhow::Result<Runtime> {
    let mut builder = Builder::new_current_thread();
    builder.enable_all().thread_keep_alive(KEEP_ALIVE).build().context("cannot start the event loop")
}

/// Runs `work` until it ends, or until a signal asks it to; then waits for its tasks, but not for ever.
pub(crate) fn run(
    runtime: Runtime,
    telemetry: &Telemetry,
    ends: Ends,
    work: impl AsyncFnOnce(Shutdown) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let outcome = runtime.block_on(async {
        let shutdown = Shutdown::new();
        tokio::spawn(Signals::new(telemetry.files())?.obey(shutdown.clone()));
        if ends == Ends::WithParent {
            tokio::spawn(stop_with_parent(parent_pipe()?, shutdown.clone()));
        }
        let ended = async {
            let outcome = work(shutdown.clone()).await;
            shutdown.request();
            shutdown.finished().await;
            outcome
        };
        tokio::select! {
            outcome = ended => outcome,
            grace = overdue(&shutdown, ends) => bail!("did not end within {} s", grace.as_secs()),
        }
    });
    // The error is also the program's last word on standard error.
    if let Err(error) = &outcome
        && !telemetry.is_on_console()
    {
        tracing::error!("{error:#}");
    }
    if let lines @ 1.. = telemetry.dropped_lines() {
        tracing::warn!(lines, "log lines found their queue full and were lost");
    }
    // A blocking call that hangs, such as one on a dead disk, must not hold up the end.
    runtime.shutdown_background();
    outcome
}

/// Runs `work` on a thread of its own to its end; a signal sets `stopped`, upon which it is to end soon.
pub(crate) fn stoppable<T: Send + 'static>(
    stopped: &AtomicBool,
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    one_thread()?.block_on(async {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        let mut terminate = listen(SignalKind::terminate())?;
        let mut interrupt = listen(SignalKind::interrupt())?;
        let mut work = tokio::task::spawn_blocking(work);
        tokio::select! {
            outcome = &mut work => return outcome.context("the work broke")?,
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stopped.store(true, Ordering::Relaxed);
        work.await.context("the work broke")?
    })
}

async fn overdue(shutdown: &Shutdown, ends: Ends) -> Duration {
    let grace = if ends == Ends::AfterChildren { GRACE_WITH_CHILDREN } else { GRACE };
    shutdown.requested().await;
    tokio::time::sleep(grace).await;
    grace
}

/// What this process tells Prometheus of itself, whatever it is.
pub(crate) fn expose(out: &mut Exposition) {
    let version = [("version", env!("CARGO_PKG_VERSION").as_bytes())];
    out.gauge("sysmond_build_info", "The program's version", &version, 1.0);
    let help = "Processor time of this process";
    out.counter("sysmond_process_cpu_seconds_total", help, &[], cpu_seconds());
    if let Some(bytes) = resident_bytes() {
        out.gauge("sysmond_process_resident_memory_bytes", "Memory of this process", &[], bytes as f64);
    }
}

/// Processor time that this process took, of all its threads.
fn cpu_seconds() -> f64 {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    used.tv_sec as f64 + used.tv_nsec as f64 / 1e9
}

/// Memory of this process.
pub(crate) fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Option<Signal>,
    files: LogFiles,
    /// Somebody asked by signal before. A stop for another reason does not count: a parent that ends its
    /// children both closes their input and sends them a signal.
    asked: bool,
}

impl Signals {
    fn new(files: LogFiles) -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        // Without files to open again, whoever started us with `nohup` wants a hangup ignored.
        let wanted = !files.is_empty() || !hangup_is_ignored();
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hangup: wanted.then(|| listen(SignalKind::hangup())).transpose()?,
            files,
            asked: false,
        })
    }

    async fn obey(mut self, shutdown: Shutdown) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => self.stop(&shutdown, "SIGTERM"),
                _ = self.interrupt.recv() => self.stop(&shutdown, "SIGINT"),
                () = hung_up(&mut self.hangup) => {
                    // Without a file, the terminal that showed the log is gone.
                    if self.files.is_empty() { self.stop(&shutdown, "SIGHUP") } else { self.files.reopen() }
                }
            }
        }
    }

    /// The first time in good order, the second time at once.
    fn stop(&mut self, shutdown: &Shutdown, name: &'static str) {
        if std::mem::replace(&mut self.asked, true) {
            tracing::warn!(signal = name, "ending at once");
            std::process::exit(1);
        }
        tracing::info!(signal = name, "stopping");
        shutdown.request();
    }
}

async fn hung_up(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Bit 0 of the kernel's mask of ignored signals is `SIGHUP`'s.
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

fn parent_pipe() -> anyhow::Result<pipe::Receiver> {
    let input = std::io::stdin().as_fd().try_clone_to_owned().context("cannot use standard input")?;
    pipe::Receiver::from_owned_fd(input).context("--exit-with-parent needs a pipe as standard input")
}

/// Nothing is ever written to the pipe: it can be read once the other end is gone.
async fn stop_with_parent(pipe: pipe::Receiver, shutdown: Shutdown) {
    let mut buffer = [0; 64];
    loop {
        tokio::select! {
            () = shutdown.requested() => return,
            ready = pipe.readable() => match (ready, pipe.try_read(&mut buffer)) {
                (Ok(()), Ok(1..)) => {}
                (Ok(()), Err(error)) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                _ => break,
            }
        }
    }
    tracing::info!("the parent is gone: stopping");
    shutdown.request();
}
