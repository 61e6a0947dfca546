//! Files that no output may take the place of: databases and token. What is stored from then on would go into a file
//! without a name, and be gone with the process.

use crate::config::Settings;
use crate::config::token::TokenSource;
use crate::partial::folder_of;
use anyhow::ensure;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What lies beside a database, behind its name: SQLite's own files, the lock, and half a restored one.
const BESIDE: [&str; 6] = ["", "-wal", "-shm", "-journal", ".lock", ".restoring"];
/// SQLite's own files alone.
const LOGS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// The files of one data folder.
#[derive(Clone, Debug)]
pub(crate) struct OwnFiles(Vec<PathBuf>);

impl OwnFiles {
    /// Of the folder that `settings` name, with the token wherever it is.
    pub(crate) fn of(settings: &Settings) -> Self {
        let folder = &settings.data_dir;
        let databases = [crate::aggregator::DATABASE, crate::agent::STORE_FILE];
        let names = databases.iter().flat_map(|name| BESIDE.map(|suffix| format!("{name}{suffix}")));
        let token = match &settings.token {
            TokenSource::File(path, _) | TokenSource::Credential(path) => Some(path.clone()),
            TokenSource::Environment | TokenSource::DataDir(_) => None,
        };
        let all = names.map(|name| folder.join(name)).chain([folder.join("token")]).chain(token);
        Self(all.collect())
    }

    /// Refuses `output`, of which links are resolved, where it is one of them or belongs to any database.
    pub(crate) fn refuse(&self, output: &Path) -> anyhow::Result<()> {
        let shown = output.display();
        let is_ours = self.0.iter().any(|own| is_same(own, output));
        ensure!(!is_ours, "{shown} is sysmon's own and in use: choose another name with --output");
        // Of another folder's database, or another program's: its log would be taken for the output's.
        let wal = beside(output, "-wal");
        ensure!(
            !wal.exists(),
            "{shown} is a database that is in use, since {} is there: choose another name with --output",
            wal.display()
        );
        let database =
            LOGS.iter().find_map(|suffix| shown.to_string().strip_suffix(suffix).map(PathBuf::from));
        let is_log = database.is_some_and(|database| database.exists());
        ensure!(
            !is_log,
            "{shown} would be taken for a database's own log: choose another name with --output"
        );
        Ok(())
    }
}

/// Whether both are names of one file, or would be: the file need not be there.
fn is_same(own: &Path, output: &Path) -> bool {
    is_same_file(own, output)
        || own.file_name() == output.file_name() && is_same_file(folder_of(own), folder_of(output))
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    let identity = |path: &Path| std::fs::metadata(path).map(|meta| (meta.dev(), meta.ino())).ok();
    identity(one).is_some_and(|one| identity(other) == Some(one))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
