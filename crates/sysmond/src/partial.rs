//! A file that has its name only once it is whole.

use crate::own_files::OwnFiles;
use anyhow::{Context, ensure};
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A file under a name that says that it is not whole. It is removed unless it is finished.
pub(crate) struct Partial {
    file: File,
    path: PathBuf,
    /// The name that it gets.
    whole: PathBuf,
    /// Whether it may replace what has that name.
    force: bool,
    is_whole: bool,
}

impl Partial {
    /// Makes the file beside `path`, readable by its owner alone. What is there already is replaced only with `force`,
    /// and sysmon's own files never.
    pub(crate) fn open(path: &Path, force: bool, own: &OwnFiles) -> anyhow::Result<Self> {
        // A link's target is what is to be replaced, and neither a device nor a folder can be.
        let whole = if path.exists() {
            let whole = path.canonicalize().with_context(|| format!("cannot use {}", path.display()))?;
            ensure!(whole.is_file(), "{} is no file: name one with --output", path.display());
            whole
        } else {
            path.to_path_buf()
        };
        own.refuse(&whole)?;
        free(&whole, force)?;
        let path = part_name(&whole);
        let file = File::options().write(true).create_new(true).mode(0o600).open(&path);
        let file = file.with_context(|| {
            let folder = folder_of(&whole);
            format!("cannot make {}: --output needs a folder that is there and yours to write to, which {} may not be", path.display(), folder.display())
        })?;
        Ok(Self { file, path, whole, force, is_whole: false })
    }

    /// The name that it will have.
    pub(crate) fn whole(&self) -> &Path {
        &self.whole
    }

    /// Whether something has that name.
    pub(crate) fn replaces(&self) -> bool {
        self.whole.exists()
    }

    /// The name that it has until then.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn write_all(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.file.write_all(bytes).with_context(|| format!("cannot write {}", self.path.display()))
    }

    /// Has it on disk, and gives it its name.
    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        let cannot = |path: &Path| format!("cannot write {}", path.display());
        free(&self.whole, self.force)?;
        self.file.sync_all().with_context(|| cannot(&self.path))?;
        std::fs::rename(&self.path, &self.whole).with_context(|| cannot(&self.whole))?;
        self.is_whole = true;
        let folder = folder_of(&self.whole);
        File::open(folder).and_then(|folder| folder.sync_all()).with_context(|| cannot(folder))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.is_whole {
            // Where it cannot be removed, its name still says what it is.
            std::fs::remove_file(&self.path).ok();
        }
    }
}

/// Refuses a name that something has, unless it may be replaced.
fn free(whole: &Path, force: bool) -> anyhow::Result<()> {
    let shown = whole.display();
    ensure!(
        force || !whole.exists(),
        "{shown} is there already: choose another name, or replace it with --force"
    );
    Ok(())
}

/// The folder of a file's name.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// `all.csv.12345.part`: a name that no other process has, and that a killed one leaves behind.
fn part_name(whole: &Path) -> PathBuf {
    let mut name = whole.as_os_str().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    name.into()
}
