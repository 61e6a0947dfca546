//! Where the rows go: standard output, or a file that has its name only once it is whole.

use anyhow::{Context, ensure};
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What is written to.
pub(super) enum Output {
    Stdout(io::Stdout),
    File(Partial),
}

/// A file under a name that says that it is not whole. It is removed unless it is finished.
pub(super) struct Partial {
    file: File,
    path: PathBuf,
    /// The name that it gets.
    whole: PathBuf,
    is_whole: bool,
}

impl Output {
    /// Standard output, or the file `path`.
    pub(super) fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        Ok(match path {
            Some(path) => Self::File(Partial::open(path)?),
            None => Self::Stdout(io::stdout()),
        })
    }

    /// The file, where it is one.
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Self::Stdout(_) => None,
            Self::File(partial) => Some(&partial.whole),
        }
    }

    /// Whether people see what is written as it comes.
    pub(super) fn is_terminal(&self) -> bool {
        matches!(self, Self::Stdout(stdout) if stdout.is_terminal())
    }

    pub(super) fn write_all(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        match self {
            Self::Stdout(stdout) => Ok(stdout.write_all(bytes)?),
            Self::File(Partial { file, path, .. }) => {
                file.write_all(bytes).with_context(|| format!("cannot write {}", path.display()))
            }
        }
    }

    /// Makes what was written whole, and durable where it is a file.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        match self {
            Self::Stdout(mut stdout) => Ok(stdout.flush()?),
            Self::File(partial) => partial.finish(),
        }
    }
}

impl Partial {
    fn open(path: &Path) -> anyhow::Result<Self> {
        // A link's target is what is to be replaced, and neither a device nor a folder can be.
        let whole = if path.exists() {
            let whole = path.canonicalize().with_context(|| format!("cannot use {}", path.display()))?;
            ensure!(whole.is_file(), "{} is no file: leave --output away and redirect", path.display());
            whole
        } else {
            path.to_path_buf()
        };
        let path = part_name(&whole);
        let file = File::options().write(true).create_new(true).mode(0o600).open(&path);
        let file = file.with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self { file, path, whole, is_whole: false })
    }

    fn finish(mut self) -> anyhow::Result<()> {
        let cannot = |path: &Path| format!("cannot write {}", path.display());
        self.file.sync_all().with_context(|| cannot(&self.path))?;
        std::fs::rename(&self.path, &self.whole).with_context(|| cannot(&self.whole))?;
        self.is_whole = true;
        let folder = self.whole.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
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

/// `all.csv.12345.part`: a name that no other export has, and that a killed one leaves behind.
fn part_name(whole: &Path) -> PathBuf {
    let mut name = whole.as_os_str().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    name.into()
}
