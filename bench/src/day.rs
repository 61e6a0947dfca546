//! Does the memory of an agent's store stay flat? Plays the recording of an hour into a store with an agent's options,
//! hour after hour as fast as it goes, and prints after each what the process holds.
//!
//! The store is used as an agent uses it: ten rows and a snapshot of processes in one append, then what was stored is
//! read back and acknowledged, upkeep each minute beside it, each on the thread that such work has there. Time
//! is the recording's, so a day takes minutes; two of its appends are never in flight
//! at once, as with an agent.

use crate::process;
use crate::recording::Recording;
use crate::report::{digits, megabytes};
use anyhow::{Context, Result, ensure};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};
use sysmond_model::{Frame, HostInfo, ProcessReading, ProcessSnapshot, ProcessUse, Series, Shape, Timestamp};
use sysmond_tsdb::{Append, Cursor, Retention, Store, StoreOptions};

/// The first row's time: a whole day.
const START_MS: i64 = 20_000 * 24 * 3_600_000;
const HOUR_MS: i64 = 3_600_000;
const MINUTE_MS: i64 = 60_000;
/// Between two appends.
const APPEND_MS: i64 = 10_000;
/// What an agent keeps where nobody says another.
const RAW: Duration = Duration::from_hours(7 * 24);
const MAX_DISK_BYTES: u64 = 256_000_000;
/// Rows of one read at most, and snapshots, as in an agent's push.
const READ_ROWS: usize = 256;
const READ_SNAPSHOTS: usize = 32;
/// Processes of a snapshot.
const PROCESSES: u32 = 30;
/// Rows that are in no block yet at most: of a head that is sealed once it has 120, and what comes in a minute more.
const MOST_ROWS: u64 = 180;
/// Longest wait for that.
const PATIENCE: Duration = Duration::from_mins(1);
/// The threads that an agent has for what may block: one that reads back, and one for upkeep.
const THREADS: [&str; 2] = ["blocking", "upkeep"];
/// The names of the host and of its cursors.
const HOST: &str = "host";
const CURSORS: [&str; 2] = ["push", "processes"];
/// Where what was prepared has the names of its series, and where its values.
const NAMES: &str = "names";
const VALUES: &str = "values";

/// How to play.
#[derive(Debug, clap::Args)]
pub struct Day {
    /// How long, by the recording's time.
    #[arg(long, value_name = "N", default_value_t = 24)]
    hours: u32,
    /// A real agent's recording.
    #[arg(long, value_name = "FILE", default_value = "bench/recording.gz")]
    recording: PathBuf,
    /// Folder for the store.
    #[arg(long, value_name = "DIR", default_value = "target")]
    scratch: PathBuf,
    /// A folder with rows that were prepared: what is measured must not have held the text of a recording before.
    #[arg(long, value_name = "DIR", hide = true)]
    rows: Option<PathBuf>,
}

impl Day {
    /// Plays, and prints a table.
    pub fn run(&self) -> Result<()> {
        if let Some(rows) = &self.rows {
            return self.play(Rows::open(rows)?);
        }
        let folder = tempfile::tempdir_in(&self.scratch)?;
        prepare(&Recording::read(&self.recording)?, folder.path())?;
        let mut own = Command::new(std::env::current_exe()?);
        own.arg("day").args(["--hours", &self.hours.to_string()]);
        own.arg("--scratch").arg(folder.path()).arg("--rows").arg(folder.path());
        ensure!(own.status()?.success(), "the day did not come to its end");
        Ok(())
    }

    fn play(&self, rows: Rows) -> Result<()> {
        let retention = Retention::of_raw(RAW);
        let options = StoreOptions { retention, max_disk_bytes: MAX_DISK_BYTES, queue_limit: 64 };
        let path = self.scratch.join("agent.db");
        let store = Store::open(&path, options, Timestamp::from_millis(START_MS))?;
        let mut player = Player::new(store.clone(), rows)?;
        let mut out = std::io::stdout().lock();
        writeln!(out, "| hours | resident, MB | anonymous | most in the hour | file | CPU, s |")?;
        writeln!(out, "|---|---|---|---|---|---|")?;
        for hour in 0..=self.hours {
            if hour > 0 {
                player.hour()?;
            }
            writeln!(out, "{}", look(hour, &path)?)?;
        }
        let kept = store.storage(Timestamp::from_millis(player.now))?.blocks.bytes_per_sample();
        writeln!(out, "\nin blocks of an hour, bytes a sample: {}", kept.map_or("none".to_owned(), digits))?;
        store.close();
        Ok(())
    }
}

/// A line of the table; then the most is counted anew.
fn look(hour: u32, store: &Path) -> Result<String> {
    let own = std::process::id();
    let (memory, cpu) = (process::memory(own)?, process::cpu(own)?);
    std::fs::write("/proc/self/clear_refs", "5").context("cannot forget the peak")?;
    let sizes = [memory.resident, memory.anonymous, memory.peak, std::fs::metadata(store)?.len()];
    let sizes = sizes.map(megabytes).join(" | ");
    Ok(format!("| {hour} | {sizes} | {} |", digits(cpu.as_secs_f64())))
}

/// Writes a recording so that its rows can be read one by one.
fn prepare(recording: &Recording, folder: &Path) -> Result<()> {
    let names: Vec<String> = recording.shape().series().iter().map(ToString::to_string).collect();
    std::fs::write(folder.join(NAMES), names.join("\n"))?;
    let mut values = BufWriter::new(File::create(folder.join(VALUES))?);
    for row in 0..recording.rows() {
        let frame = recording.frame(row, 0);
        let first = frame.rows().next().context("an empty recording")?;
        for value in first.values {
            values.write_all(&value.to_le_bytes())?;
        }
    }
    Ok(values.flush()?)
}

/// The rows of a recording, one after the other and from the beginning after the end.
struct Rows {
    shape: Arc<Shape>,
    values: File,
    count: u64,
    next: u64,
}

impl Rows {
    fn open(folder: &Path) -> Result<Self> {
        let names = std::fs::read_to_string(folder.join(NAMES))?;
        let series = names.lines().map(|name| Series::parse(name).context("no series"));
        let shape = Shape::new(series.collect::<Result<_>>()?);
        let values = File::open(folder.join(VALUES))?;
        let count = values.metadata()?.len() / Self::bytes(&shape).max(1) as u64;
        ensure!(count > 0, "an empty recording");
        Ok(Self { shape, values, count, next: 0 })
    }

    fn bytes(shape: &Shape) -> usize {
        shape.len() * size_of::<f64>()
    }

    /// The next rows up to `end`, a second apart.
    fn frame(&mut self, from: i64, end: i64) -> Result<Frame> {
        let mut frame = Frame::new(Arc::clone(&self.shape));
        let mut bytes = vec![0; Self::bytes(&self.shape)];
        for at in (from..end).step_by(1000) {
            let place = self.next % self.count * bytes.len() as u64;
            self.values.read_exact_at(&mut bytes, place)?;
            self.next += 1;
            let (values, _) = bytes.as_chunks();
            let values: Vec<f64> = values.iter().map(|value| f64::from_le_bytes(*value)).collect();
            frame.push_row(Timestamp::from_millis(at), &values);
        }
        Ok(frame)
    }
}

/// A piece of work, on one of the threads.
type Job = Box<dyn FnOnce() + Send>;

/// What drives the store.
struct Player {
    store: Store,
    rows: Rows,
    now: i64,
    cursors: [Cursor; 2],
    threads: [Sender<Job>; 2],
    /// The round of upkeep that was begun last.
    round: Option<Receiver<Result<u64>>>,
}

impl Player {
    fn new(store: Store, rows: Rows) -> Result<Self> {
        let [reading, upkeep] = THREADS.map(|name| {
            let (sender, jobs) = channel::<Job>();
            let thread = thread::Builder::new().name(name.to_owned());
            thread.spawn(move || jobs.iter().for_each(|job| job())).map(|_| sender)
        });
        let threads = [reading?, upkeep?];
        Ok(Self { store, rows, now: START_MS, cursors: Default::default(), threads, round: None })
    }

    fn hour(&mut self) -> Result<()> {
        let end = self.now + HOUR_MS;
        while self.now < end {
            self.append()?;
            self.deliver()?;
            if self.now % MINUTE_MS == 0 {
                self.look_after()?;
                self.wait_for_sealer()?;
            }
        }
        Ok(())
    }

    /// Runs `work` on a thread.
    fn hand<T: Send + 'static>(
        &self,
        thread: &Sender<Job>,
        work: impl FnOnce(&Store) -> T + Send + 'static,
    ) -> Result<Receiver<T>> {
        let ((done, outcome), store) = (channel(), self.store.clone());
        // Nobody waits for it only once the day is over.
        let job: Job = Box::new(move || drop(done.send(work(&store))));
        thread.send(job).ok().context("a thread broke")?;
        Ok(outcome)
    }

    fn append(&mut self) -> Result<()> {
        let (from, end) = (self.now, self.now + APPEND_MS);
        self.now = end;
        let append = Append {
            host: HostInfo { hostname: HOST.to_owned(), ..HostInfo::default() },
            static_info: None,
            received: Timestamp::from_millis(end),
            frame: self.rows.frame(from, end)?,
            processes: vec![snapshot(end)],
        };
        self.store.append_wait(append)?;
        Ok(())
    }

    /// Reads back what was stored and acknowledges it.
    fn deliver(&mut self) -> Result<()> {
        let [rows, processes] = self.cursors;
        let [reading, _] = &self.threads;
        let read = self.hand(reading, move |store| {
            let backlog = store.read_after(HOST, rows, READ_ROWS)?;
            let (snapshots, next) = store.processes_after(HOST, processes, READ_SNAPSHOTS)?;
            let count: usize = backlog.frames.iter().map(Frame::row_count).sum();
            anyhow::Ok((count, snapshots.len(), [backlog.next, next]))
        })?;
        let (rows, snapshots, next) = read.recv()??;
        ensure!(
            rows == 10 && snapshots == 1,
            "{rows} rows and {snapshots} snapshots instead of what was stored"
        );
        self.store.note_cursors(self.store.cursor_epoch(), CURSORS.into_iter().map(str::to_owned).zip(next));
        self.cursors = next;
        Ok(())
    }

    /// Where other work keeps the sealer from a processor, rows would pile up here that never do where they come each
    /// second.
    fn wait_for_sealer(&self) -> Result<()> {
        let most = MOST_ROWS * self.rows.shape.len() as u64;
        let begin = Instant::now();
        while self.store.storage(Timestamp::from_millis(self.now))?.log.samples > most {
            ensure!(begin.elapsed() < PATIENCE, "rows are not sealed");
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Begins a round of upkeep beside what comes next, once the round before it has ended.
    fn look_after(&mut self) -> Result<()> {
        if let Some(round) = self.round.take() {
            round.recv()??;
        }
        let now = Timestamp::from_millis(self.now);
        let [_, upkeep] = &self.threads;
        self.round = Some(self.hand(upkeep, move |store| Ok(store.retain(now)?))?);
        Ok(())
    }
}

/// Processes that take something, a little different each time.
fn snapshot(at: i64) -> ProcessReading {
    let step = at / APPEND_MS;
    let process = |n: u32| {
        let moving = f64::from(n) + (step % 17) as f64;
        ProcessUse {
            pid: 1000 + n * 7,
            name: format!("process-{n}"),
            user: n % 3,
            state: 'S',
            threads: 1 + n,
            cpu_percent: Some(moving / 10.0),
            memory_bytes: u64::from(n + 1) << 20,
            read_bytes: Some(0.0),
            write_bytes: Some(moving * 4096.0),
            ..ProcessUse::default()
        }
    };
    let processes = (0..PROCESSES).map(process).collect();
    let snapshot = ProcessSnapshot { seconds: 10.0, total: 120, processes };
    ProcessReading { timestamp: Timestamp::from_millis(at), snapshot }
}
