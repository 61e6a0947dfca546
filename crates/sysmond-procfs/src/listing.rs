//! The names in a directory that is looked through again and again, without an allocation.

use rustix::fs::{FileType, Mode, OFlags, RawDir, SeekFrom, openat, seek};
use rustix::io::Errno;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// Names read at once.
const BUFFER_BYTES: usize = 4096;

/// A directory that stays open.
#[derive(Debug)]
pub(crate) struct Listing {
    path: PathBuf,
    open: Option<OwnedFd>,
    buffer: Box<[MaybeUninit<u8>]>,
}

impl Listing {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, open: None, buffer: vec![MaybeUninit::uninit(); BUFFER_BYTES].into() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Shows each name but `.` and `..` to `each`.
    pub(crate) fn each(&mut self, mut each: impl FnMut(&[u8])) -> Result<(), Errno> {
        let dir = match self.open.take() {
            Some(dir) => {
                seek(&dir, SeekFrom::Start(0))?;
                dir
            }
            None => open_dir(rustix::fs::CWD, &self.path)?,
        };
        names(dir.as_fd(), &mut self.buffer, &mut |name, _| each(name))?;
        self.open = Some(dir);
        Ok(())
    }
}

/// Opens a directory to list it.
pub(crate) fn open_dir(dir: impl AsFd, path: impl rustix::path::Arg) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(dir, path, flags, Mode::empty())
}

/// Shows each name in an open directory but `.` and `..`, and what it is, to `each`.
pub(crate) fn names(
    dir: impl AsFd,
    buffer: &mut [MaybeUninit<u8>],
    each: &mut dyn FnMut(&[u8], FileType),
) -> Result<(), Errno> {
    let mut entries = RawDir::new(dir, buffer);
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            each(name, entry.file_type());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs;

    fn list(listing: &mut Listing) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        listing.each(|name| assert!(found.insert(String::from_utf8(name.to_vec()).unwrap()))).unwrap();
        found
    }

    #[test]
    fn a_directory_is_listed_as_it_is_now() {
        let dir = tempfile::tempdir().unwrap();
        let mut listing = Listing::new(dir.path().into());
        assert!(list(&mut listing).is_empty());
        for number in 0..500 {
            fs::write(dir.path().join(format!("a-name-that-is-not-short-{number}")), "").unwrap();
        }
        assert_eq!(list(&mut listing).len(), 500);
        assert_eq!(list(&mut listing).len(), 500);
        assert_eq!(Listing::new(dir.path().join("x")).each(|_| ()), Err(Errno::NOENT));
    }
}
