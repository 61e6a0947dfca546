//! A file of the kernel that is read again and again, and a source that is made of one.

use crate::exposition::Exposition;
use crate::source::{Lane, Source, SourceError, Values};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The first buffer, which doubles until the text fits: most files have less, and a source for each of thirty is open.
const FIRST_BUFFER_BYTES: usize = 1024;
/// The largest text that is read: `/proc/stat` of a thousand cores has some 100 kB, the mounts of a host with ten
/// thousand containers some MB. What is larger is no text of a kernel.
const MAX_FILE_BYTES: usize = 8 * 1024 * 1024;

/// Why a text gave no values, or not all: a [`SourceError`] that does not know its file yet.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Not as the kernel documents it; says what was expected.
    Malformed(&'static str),
    /// More things than the limit of their kind.
    Limit { key: &'static str, limit: usize, left_out: usize },
}

impl Fault {
    /// With the file that it is about.
    pub(crate) fn of(self, path: &Path) -> SourceError {
        let path = path.into();
        match self {
            Self::Malformed(reason) => SourceError::Malformed { path, reason },
            Self::Limit { key, limit, left_out } => SourceError::Limit { path, key, limit, left_out },
        }
    }
}

/// A file that stays open: reading it again is one `pread` into the same buffer and a second one that finds the end.
#[derive(Debug)]
pub(crate) struct ProcFile {
    /// Where the text may be, best first.
    paths: Vec<PathBuf>,
    /// What a host lacks that has no such file; nothing where every host has one.
    absence: Option<&'static str>,
    /// What was said of that the last time: said again without a cost.
    absent: Option<SourceError>,
    open: Option<(usize, File)>,
    buffer: Vec<u8>,
}

impl ProcFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self::first_of(vec![path])
    }

    /// The first of `paths` that opens.
    pub(crate) const fn first_of(paths: Vec<PathBuf>) -> Self {
        Self { paths, absence: None, absent: None, open: None, buffer: Vec::new() }
    }

    /// The same file of which a host may have none: `reason` says what it lacks then.
    pub(crate) const fn or_absent(mut self, reason: &'static str) -> Self {
        self.absence = Some(reason);
        self
    }

    /// The path that is read, or would be.
    pub(crate) fn path(&self) -> &Path {
        let index = self.open.as_ref().map_or(0, |(index, _)| *index);
        self.paths.get(index).map_or(Path::new(""), PathBuf::as_path)
    }

    /// The text as it is now. A file that stays open can go bad (its process ended, its file system was mounted anew):
    /// then it is opened once more.
    pub(crate) fn read(&mut self) -> Result<&[u8], SourceError> {
        let was_open = self.open.is_some();
        let len = match self.attempt() {
            Err(_) if was_open => {
                self.open = None;
                self.attempt()
            }
            first => first,
        };
        match len {
            Ok(len) => Ok(self.buffer.get(..len).unwrap_or_default()),
            Err(source) => {
                let error = self.error(source);
                self.open = None;
                Err(error)
            }
        }
    }

    /// The same; nothing where the host has no such file and need not have one.
    pub(crate) fn read_if_any(&mut self) -> Result<Option<&[u8]>, SourceError> {
        match self.read() {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.is_absence() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn error(&mut self, error: io::Error) -> SourceError {
        // A kernel that has the code and has it switched off shows the file and refuses to read it.
        let is_absent = error.kind() == io::ErrorKind::NotFound
            || Errno::from_io_error(&error).is_some_and(|errno| errno == Errno::OPNOTSUPP);
        match self.absence {
            Some(reason) if is_absent => {
                let absent = || SourceError::Absent { path: self.path().into(), reason };
                let said = self.absent.clone().unwrap_or_else(absent);
                self.absent.insert(said).clone()
            }
            _ => SourceError::io(self.path(), error),
        }
    }

    fn attempt(&mut self) -> io::Result<usize> {
        if self.open.is_none() {
            self.open = Some(open_first(&self.paths)?);
        }
        match &self.open {
            Some((_, file)) => read_all(file, &mut self.buffer),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

/// Opens the first path that can be; the error is the first path's.
fn open_first(paths: &[PathBuf]) -> io::Result<(usize, File)> {
    let mut first_error = None;
    for (index, path) in paths.iter().enumerate() {
        match File::open(path) {
            Ok(file) => return Ok((index, file)),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    Err(first_error.unwrap_or_else(|| io::ErrorKind::NotFound.into()))
}

/// Reads all of `file` into `buffer`, which grows when it has to and never shrinks; answers the length.
fn read_all(file: &File, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let mut len = 0;
    loop {
        if buffer.len() == len {
            if len >= MAX_FILE_BYTES {
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than any text of a kernel"));
            }
            buffer.resize((2 * len).max(FIRST_BUFFER_BYTES), 0);
        }
        let free = buffer.get_mut(len..).unwrap_or_default();
        match file.read_at(free, len as u64) {
            Ok(0) => return Ok(len),
            Ok(more) => len += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The whole of a file that is read once.
pub(crate) fn read_once(path: PathBuf) -> Result<Vec<u8>, SourceError> {
    let mut file = ProcFile::new(path);
    file.read().map(<[u8]>::to_vec)
}

/// What makes values of one file's text.
pub(crate) trait Reading: Send {
    /// The source's name.
    const NAME: &'static str;
    /// With what it may be read on one thread.
    const LANE: Lane = Lane::Kernel;

    /// Puts the values of one text; `at` as in [`Source::read`]. Never panics, whatever the bytes.
    fn take(&mut self, text: &[u8], at: Duration, out: &mut Values) -> Result<(), Fault>;

    /// Puts what one text says, as in [`Source::expose`].
    fn expose(&mut self, text: &[u8], out: &mut Exposition);
}

/// A source of one file.
pub(crate) struct FileSource<R> {
    file: ProcFile,
    reading: R,
}

impl<R: Reading> FileSource<R> {
    pub(crate) const fn new(file: ProcFile, reading: R) -> Self {
        Self { file, reading }
    }
}

impl<R: Reading> Source for FileSource<R> {
    fn name(&self) -> &'static str {
        R::NAME
    }

    fn lane(&self) -> Lane {
        R::LANE
    }

    fn read(&mut self, at: Duration, out: &mut Values) -> Result<(), SourceError> {
        let text = self.file.read()?;
        self.reading.take(text, at, out).map_err(|fault| fault.of(self.file.path()))
    }

    fn expose(&mut self, out: &mut Exposition) -> Result<(), SourceError> {
        self.reading.expose(self.file.read()?, out);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_file_is_read_as_it_is_now() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stat");
        let mut file = ProcFile::new(path.clone());
        assert!(matches!(file.read(), Err(SourceError::Io { .. })));
        let long = vec![b'x'; 3 * FIRST_BUFFER_BYTES];
        for text in [b"one".as_slice(), &long, b"", b"two"] {
            fs::write(&path, text).unwrap();
            assert_eq!(file.read().unwrap(), text);
        }
    }

    #[test]
    fn a_file_that_need_not_be_there_is_absent() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = ProcFile::new(dir.path().join("mdstat")).or_absent("no RAID");
        let error = file.read().unwrap_err();
        assert!(error.is_absence() && error.to_string().starts_with("no RAID: there is no /"), "{error}");
        assert_eq!(file.read_if_any().unwrap(), None);
        // A directory is no file of a kernel: that is an error like any other.
        assert!(!ProcFile::new(dir.path().into()).or_absent("x").read().unwrap_err().is_absence());
    }

    #[test]
    fn the_first_path_that_opens_is_read() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("b"), "b").unwrap();
        let mut file = ProcFile::first_of(vec![dir.path().join("a"), dir.path().join("b")]);
        assert_eq!(file.read().unwrap(), b"b");
        assert!(file.path().ends_with("b"));
    }

    #[test]
    fn what_is_too_large_or_no_file_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("large"), vec![0; MAX_FILE_BYTES + 1]).unwrap();
        assert!(ProcFile::new(dir.path().join("large")).read().is_err());
        assert!(ProcFile::new(dir.path().to_owned()).read().is_err());
    }

    #[test]
    fn a_file_that_goes_bad_is_opened_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stat");
        fs::write(&path, "good").unwrap();
        let mut file = ProcFile::new(path);
        // A directory opens and cannot be read: what a file of an ended process is like.
        file.open = Some((0, File::open(dir.path()).unwrap()));
        assert_eq!(file.read().unwrap(), b"good");
    }
}
