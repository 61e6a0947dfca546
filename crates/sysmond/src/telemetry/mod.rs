//! The logs: everything but requests in one, requests in another, each on the console or in a rotated file.
//!
//! All lines go through bounded queues to writer threads: a slow terminal or a full disk loses lines and says
//! so later, and never holds up the program.

mod format;
mod instant;
mod rotate;

use crate::clock;
use crate::config::{LogConfig, LogFormat};
use anyhow::Context;
pub(crate) use instant::text as instant_text;
use rotate::{Policy, Reopen, RotatingFile};
use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use tracing::Subscriber;
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// The target of access lines: one event for each HTTP request.
pub const ACCESS: &str = "sysmond::access";

/// Requests' lines that may wait for their writer: some seconds of a busy server, and some megabytes at most.
const MAX_WAITING_REQUESTS: usize = 8192;
/// Other lines that may: there are few, and a place for each is taken from the start.
const MAX_WAITING_LINES: usize = 1024;

/// Keeps the logs going; dropped at the end, it writes out what still waits.
#[must_use = "lines that wait are lost without it"]
pub struct Telemetry {
    reopen: Vec<Arc<Reopen>>,
    dropped: Vec<ErrorCounter>,
    guards: Vec<WorkerGuard>,
    /// Whoever sees standard error sees the log's lines as they are meant for people.
    on_console: bool,
}

impl Telemetry {
    /// Opens the logs and becomes the program's subscriber.
    pub fn start(config: &LogConfig) -> anyhow::Result<Self> {
        let on_console = config.file.is_none() && config.format == LogFormat::Text;
        let mut telemetry = Self { reopen: Vec::new(), dropped: Vec::new(), guards: Vec::new(), on_console };
        let file = config.file.as_deref();
        let errors = telemetry.layer(config, file, MAX_WAITING_LINES, error_filter(config))?;
        let (file, filter) = (config.access_file.as_deref(), access_filter(config));
        // What shows nothing needs neither a queue nor a thread.
        let is_wanted = filter.would_enable(ACCESS, &tracing::Level::ERROR);
        let access = is_wanted.then(|| telemetry.layer(config, file, MAX_WAITING_REQUESTS, filter));
        let access = access.transpose()?;
        let subscriber = tracing_subscriber::registry().with(errors).with(access);
        tracing::subscriber::set_global_default(subscriber).context("the log is set up already")?;
        // A task that broke is the log's business: where there is a file, nobody reads standard error.
        std::panic::set_hook(Box::new(|info| tracing::error!("{info}")));
        Ok(telemetry)
    }

    /// Lines that found a queue full since the start.
    pub fn dropped_lines(&self) -> usize {
        self.dropped.iter().map(ErrorCounter::dropped_lines).sum()
    }

    /// Whether the log is what people read on standard error, so that saying a thing in both is saying it
    /// twice.
    pub fn is_on_console(&self) -> bool {
        self.on_console
    }

    /// Handles of the log files, for whoever hears that they were moved away.
    pub fn files(&self) -> LogFiles {
        LogFiles(self.reopen.clone())
    }

    fn layer<S>(
        &mut self,
        config: &LogConfig,
        file: Option<&Path>,
        waiting: usize,
        filter: Targets,
    ) -> anyhow::Result<Box<dyn Layer<S> + Send + Sync>>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let color = file.is_none() && config.color && std::io::stderr().is_terminal();
        let writer = match file {
            Some(path) => self.file_writer(config, path, waiting)?,
            None => self.queue(std::io::stderr(), waiting),
        };
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(writer)
            .with_timer(instant::UtcTime)
            .with_ansi(color)
            // A console that went away must not end the program by a failing complaint about it.
            .log_internal_errors(false);
        Ok(match config.format {
            LogFormat::Json => layer.json().flatten_event(true).with_filter(filter).boxed(),
            LogFormat::Text => layer.fmt_fields(format::escaped_fields()).with_filter(filter).boxed(),
        })
    }

    fn file_writer(
        &mut self,
        config: &LogConfig,
        path: &Path,
        waiting: usize,
    ) -> anyhow::Result<NonBlocking> {
        let policy = Policy { max_size: config.max_size, max_age: config.max_age, keep: config.keep };
        let file = RotatingFile::open(path, policy, clock::now)
            .with_context(|| format!("cannot open the log file {}", path.display()))?;
        self.reopen.push(file.reopen_handle());
        Ok(self.queue(file, waiting))
    }

    fn queue(&mut self, writer: impl std::io::Write + Send + 'static, waiting: usize) -> NonBlocking {
        let builder = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(waiting);
        let (queue, guard) = builder.thread_name("log").finish(writer);
        self.guards.push(guard);
        self.dropped.push(queue.error_counter());
        queue
    }
}

/// The log files of a running program.
#[derive(Clone, Debug)]
pub struct LogFiles(Vec<Arc<Reopen>>);

impl LogFiles {
    /// Has all files opened again by name before their next line.
    pub fn reopen(&self) {
        self.0.iter().for_each(|file| file.request());
        tracing::info!("log files are opened again");
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Everything but requests.
fn error_filter(config: &LogConfig) -> Targets {
    let levels = config.levels.iter().map(|(module, level)| (module.as_str(), *level));
    Targets::new().with_default(config.level).with_targets(levels).with_target(ACCESS, LevelFilter::OFF)
}

/// Requests alone: in a file from the start, on the console where somebody asked for them.
fn access_filter(config: &LogConfig) -> Targets {
    let default = if config.access_file.is_some() { LevelFilter::INFO } else { LevelFilter::OFF };
    Targets::new().with_target(ACCESS, config.levels.get(ACCESS).copied().unwrap_or(default))
}
