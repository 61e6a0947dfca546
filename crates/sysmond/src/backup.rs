//! `sysmond backup`, `restore` and `redeliver`: a copy of a database while it is written to, its way back, and what
//! agents still have of the time between.

use crate::config::Settings;
use crate::own_files::OwnFiles;
use crate::partial::{Partial, folder_of};
use crate::progress::{ProgressLine, size};
use crate::{access, clock, process};
use anyhow::ensure;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;
use sysmond_tsdb::{BackupError, Keeper, Pieces, Restoring, Step};

/// Room that a copy leaves on the disk of the database itself, or a twentieth of a small one: with less the store takes
/// no more pushes.
const LEAST_FREE_BYTES: u64 = 64 * 1024 * 1024;

/// Whose database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Whose {
    /// The aggregator's, or standalone's: every host's history
    Aggregator,
    /// The agent's: this host's own history, and what it has still to deliver
    Agent,
}

impl Whose {
    /// The same as the store has it.
    fn keeper(self) -> Keeper {
        match self {
            Self::Aggregator => Keeper::Aggregator,
            Self::Agent => Keeper::Agent,
        }
    }

    /// The database in the data folder.
    fn path(self, settings: &Settings) -> PathBuf {
        settings.data_dir.join(match self {
            Self::Aggregator => crate::aggregator::DATABASE,
            Self::Agent => crate::agent::STORE_FILE,
        })
    }
}

/// What to back up, and where to.
#[derive(Clone, Debug, clap::Args)]
pub struct BackupOptions {
    /// Whose database
    #[arg(value_enum, default_value = "aggregator")]
    whose: Whose,
    /// The copy, which is there only once it is whole, on disk and checked
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// Replace FILE where it is there already
    #[arg(long)]
    force: bool,
}

/// What to put back.
#[derive(Clone, Debug, clap::Args)]
pub struct RestoreOptions {
    /// What `sysmond backup` wrote
    file: PathBuf,
    /// Whose database it becomes
    #[arg(value_enum, default_value = "aggregator")]
    whose: Whose,
    /// Put it back even where pieces of it are damaged: without their samples
    #[arg(long)]
    force: bool,
}

/// Copies a database.
pub(crate) fn run(settings: &Settings, options: BackupOptions) -> anyhow::Result<()> {
    let (path, own) = (options.whose.path(settings), OwnFiles::of(settings));
    access::require_database(&path, "name its folder with --data-dir")?;
    let stopped = Arc::new(AtomicBool::new(false));
    let (work, asked) = (stopped.clone(), stopped);
    process::stoppable(&asked, move || {
        let BackupOptions { output, force, .. } = options;
        let copy = Partial::open(&output, force, &own)?;
        room_for(&path, folder_of(&output))?;
        let mut told = Told::new("copied");
        let copied = sysmond_tsdb::backup(&path, copy.path(), &work, |step| told.step(step));
        let copied = copied.map_err(explained)?;
        let damage =
            format!("damage hit {} of the database: the samples there are lost", Pieces(copied.damaged));
        // The older copy may be the last that has them.
        ensure!(
            copied.damaged == 0 || !copy.replaces(),
            "{damage}; {} may still have them and is not replaced: choose another name",
            output.display()
        );
        copy.finish()?;
        told.finish(copied.bytes, &format!("of {} into {}", path.display(), output.display()));
        if copied.damaged > 0 {
            crate::say(&format!("{damage}, in the copy too; an older backup may have them"))?;
        }
        Ok(())
    })
}

/// Puts a copy in the place of a database.
pub(crate) fn put_back(settings: &Settings, options: RestoreOptions) -> anyhow::Result<()> {
    settings.check_data_dir()?;
    access::require_folder(&settings.data_dir)?;
    let RestoreOptions { file, whose, force } = options;
    let place = whose.path(settings);
    let stopped = Arc::new(AtomicBool::new(false));
    let (work, asked) = (stopped.clone(), stopped);
    let restored = process::stoppable(&asked, move || {
        access::require_file(&file, "name what `sysmond backup` wrote")?;
        room_for(&file, folder_of(&place))?;
        let mut told = Told::new("read");
        let how = Restoring { keeper: whose.keeper(), even_damaged: force, now: clock::now() };
        let restored = sysmond_tsdb::restore(&file, &place, how, &work, |step| told.step(step))?;
        told.finish(restored.copied.bytes, &format!("of {} into {}", file.display(), place.display()));
        Ok(restored)
    })?;
    if let damaged @ 1.. = restored.copied.damaged {
        crate::say(&format!("damage hit {} of the backup: the samples there are missing", Pieces(damaged)))?;
    }
    if let Some(kept) = restored.kept {
        let text =
            format!("the database that was there is kept: {}; remove it once all is well", kept.display());
        crate::say(&text)?;
    }
    Ok(())
}

/// Has this host's agent deliver again all that it still keeps, from its next start on.
pub(crate) fn redeliver(settings: &Settings) -> anyhow::Result<()> {
    let path = Whose::Agent.path(settings);
    access::require_database(&path, "name the agent's folder with --data-dir")?;
    access::require_folder(&settings.data_dir)?;
    let count = sysmond_tsdb::forget_cursors(&path)?;
    let word = if count == 0 {
        "nothing was delivered yet, so that all of it will be"
    } else {
        "the agent delivers all that it keeps again, from its next start on"
    };
    Ok(crate::say(word)?)
}

/// Refuses what would fill the disk that the copy goes to.
fn room_for(source: &Path, folder: &Path) -> anyhow::Result<()> {
    // A folder that is not there is told of where the file is made.
    let Ok(stat) = rustix::fs::statvfs(folder) else { return Ok(()) };
    let device = |path: &Path| std::fs::metadata(path).map(|meta| meta.dev()).ok();
    let left = if device(source) == device(folder) {
        LEAST_FREE_BYTES.min(stat.f_blocks.saturating_mul(stat.f_frsize) / 20)
    } else {
        0
    };
    let (needed, free) = (sysmond_tsdb::backup_bytes(source), stat.f_bavail.saturating_mul(stat.f_frsize));
    let word = if left > 0 { " beside what the database itself needs" } else { "" };
    ensure!(
        needed.saturating_add(left) <= free,
        "{} has {} free, and the copy may take {}{word}: name a folder on another disk",
        folder.display(),
        size(free),
        size(needed),
    );
    Ok(())
}

/// The error with what can be done.
fn explained(error: BackupError) -> anyhow::Error {
    let advice = match &error {
        BackupError::Stopped => Some("stopped by a signal; nothing is left of the copy"),
        BackupError::NoSpace { .. } => Some("make room, or name a folder on another disk"),
        BackupError::Damaged { .. } => {
            Some("nothing was kept of the copy; `sysmond export` writes the rows that can still be read")
        }
        _ => None,
    };
    let error = anyhow::Error::from(error);
    match advice {
        Some(advice) => anyhow::anyhow!("{error:#}: {advice}"),
        None => error,
    }
}

/// How far it is, and the last word.
struct Told {
    verb: &'static str,
    line: ProgressLine,
    began: Instant,
}

impl Told {
    fn new(verb: &'static str) -> Self {
        Self { verb, line: ProgressLine::new(true), began: Instant::now() }
    }

    fn step(&mut self, step: Step) {
        let verb = self.verb;
        self.line.show(|| match step {
            Step::Copied { bytes, of } => format!("{verb} {} of {}", size(bytes), size(of)),
            Step::Checking => "checking the copy".to_owned(),
        });
    }

    fn finish(self, bytes: u64, what: &str) {
        let seconds = self.began.elapsed().as_secs_f64();
        let verb = self.verb;
        self.line.finish(|| format!("{verb} {} {what} in {seconds:.1} s, and checked", size(bytes)));
    }
}
