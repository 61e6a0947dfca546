//! The folder where everything is kept: for its owner alone.

use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why a data folder is not used.
#[derive(Debug, Error)]
pub enum DataDirError {
    /// Everybody may put files and links there, so what is read there cannot be trusted.
    #[error(
        "the data folder {} may be written by everybody on this machine: choose one of your own with --data-dir, or `chmod 700` it",
        .0.display()
    )]
    WorldWritable(PathBuf),
    /// Something else has that name.
    #[error("the data folder {} is not a folder: choose another with --data-dir", .0.display())]
    NotAFolder(PathBuf),
    /// It cannot be made or looked at.
    #[error("cannot use the data folder {}: {reason}; choose another with --data-dir", path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        reason: io::Error,
    },
}

/// Makes the folder with mode 0700 where it is missing, its parents too; else checks it.
pub fn prepare(path: &Path) -> Result<(), DataDirError> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|reason| {
        if path.exists() { DataDirError::NotAFolder(path.into()) } else { failed(path, reason) }
    })?;
    check(path)
}

/// Looks at a folder without changing anything; one that is missing is fine.
pub fn check(path: &Path) -> Result<(), DataDirError> {
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(reason) => return Err(failed(path, reason)),
    };
    if !metadata.is_dir() {
        return Err(DataDirError::NotAFolder(path.into()));
    }
    if metadata.mode() & 0o002 != 0 {
        return Err(DataDirError::WorldWritable(path.into()));
    }
    Ok(())
}

fn failed(path: &Path, reason: io::Error) -> DataDirError {
    DataDirError::Io { path: path.into(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_new_folder_is_its_owners_alone() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let folder = parent.path().join("a/b");
        prepare(&folder).expect("it is made");
        let mode = std::fs::metadata(&folder).expect("it is there").mode() & 0o777;
        assert_eq!(mode, 0o700);
        prepare(&folder).expect("it is there already");
    }

    #[test]
    fn one_that_everybody_may_write_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o1777)).expect("it is ours");
        assert!(matches!(prepare(folder.path()), Err(DataDirError::WorldWritable(_))));
    }

    #[test]
    fn a_file_of_that_name_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("x");
        std::fs::write(&file, "").expect("a file");
        assert!(matches!(prepare(&file), Err(DataDirError::NotAFolder(_))));
    }
}
