//! Records a real agent on this machine: starts `sysmond`, waits, and reads its samples out by SQL.

use crate::recording::{Cell, Recording};
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;
use sysmond_model::Series;

/// Between two readings.
const TICK_MS: i64 = 1_000;

/// How to record.
#[derive(Debug, clap::Args)]
pub struct Record {
    /// How long.
    #[arg(long, value_name = "N", default_value_t = 60)]
    minutes: u64,
    /// The agent.
    #[arg(long, value_name = "FILE", default_value = "target/release/sysmond")]
    sysmond: PathBuf,
    /// Read out what an agent recorded in this folder instead.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Where the recording goes.
    #[arg(long, value_name = "FILE", default_value = "bench/recording.gz")]
    out: PathBuf,
}

impl Record {
    /// Records.
    pub fn run(&self) -> Result<()> {
        if let Some(folder) = &self.data_dir {
            return self.read_out(folder);
        }
        let folder = tempfile::tempdir()?;
        let mut command = Command::new(&self.sysmond);
        command.arg("--data-dir").arg(folder.path()).args(["--listen", "127.0.0.1:0", "--interval", "1s"]);
        command.env("SYSMON_CONFIG", "/dev/null").stdin(Stdio::null());
        let mut agent =
            command.spawn().with_context(|| format!("cannot start {}", self.sysmond.display()))?;
        thread::sleep(Duration::from_secs(self.minutes * 60));
        let done = self.read_out(folder.path());
        agent.kill()?;
        agent.wait()?;
        done
    }

    fn read_out(&self, folder: &Path) -> Result<()> {
        let since = format!("current_timestamp - {}", self.minutes * 60);
        let sql =
            format!("SELECT timestamp, metric_type, tags, value FROM metrics WHERE timestamp > {since}");
        let asked = Command::new(&self.sysmond)
            .args(["sql", "--json", "--data-dir"])
            .arg(folder)
            .arg(sql)
            .output()?;
        ensure!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
        Recording::new(cells(&asked.stdout)?, TICK_MS)?.write(&self.out)
    }
}

/// The samples of an answer.
fn cells(json: &[u8]) -> Result<Vec<Cell>> {
    let rows: Vec<serde_json::Value> = serde_json::from_slice(json)?;
    let cell = |row: &serde_json::Value| {
        let text = |name: &str| row[name].as_str().map(str::to_owned);
        #[expect(clippy::cast_possible_truncation, reason = "a time in milliseconds")]
        let at = (row["timestamp"].as_f64()? * 1000.0).round() as i64;
        Some(Cell {
            at,
            series: Series::new(text("metric_type")?, text("tags")?),
            value: row["value"].as_f64()?,
        })
    };
    rows.iter().map(|row| cell(row).with_context(|| format!("no sample: {row}"))).collect()
}
