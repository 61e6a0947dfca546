//! Where the rows go: standard output, or a file that has its name only once it is whole.

use crate::own_files::OwnFiles;
use crate::partial::Partial;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

/// What is written to.
pub(super) enum Output {
    Stdout(io::Stdout),
    File(Partial),
}

impl Output {
    /// Standard output, or the file `path`, which replaces another only with `force`.
    pub(super) fn open(path: Option<&Path>, force: bool, own: &OwnFiles) -> anyhow::Result<Self> {
        Ok(match path {
            Some(path) => Self::File(Partial::open(path, force, own)?),
            None => Self::Stdout(io::stdout()),
        })
    }

    /// The file, where it is one.
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Self::Stdout(_) => None,
            Self::File(partial) => Some(partial.whole()),
        }
    }

    /// Whether people see what is written as it comes.
    pub(super) fn is_terminal(&self) -> bool {
        matches!(self, Self::Stdout(stdout) if stdout.is_terminal())
    }

    pub(super) fn write_all(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        match self {
            Self::Stdout(stdout) => Ok(stdout.write_all(bytes)?),
            Self::File(partial) => partial.write_all(bytes),
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
