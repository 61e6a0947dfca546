//! Small files of `/sys` that hold one value each: kept open, and read with one `pread`, since a shorter text than the
//! buffer is all of it.

use crate::text::{number, signed};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// The kernel gives at most a page.
const MAX_BYTES: usize = 4096;

/// Where attributes are read into, one after the other.
#[derive(Debug)]
pub(crate) struct Buffer(Box<[u8]>);

impl Buffer {
    pub(crate) fn new() -> Self {
        Self(vec![0; MAX_BYTES].into())
    }
}

/// An attribute that is there.
#[derive(Debug)]
pub(crate) struct Attribute(File);

impl Attribute {
    /// Nothing where it is not there or may not be read.
    pub(crate) fn open(path: impl AsRef<Path>) -> Option<Self> {
        File::open(path).ok().map(Self)
    }

    /// Its text without the white space around it. An error where the thing is gone, or has no value at the moment.
    pub(crate) fn text<'a>(&self, buffer: &'a mut Buffer) -> io::Result<&'a [u8]> {
        let len = self.0.read_at(&mut buffer.0, 0)?;
        Ok(buffer.0.get(..len).unwrap_or_default().trim_ascii())
    }

    /// Its whole number, where it has one.
    pub(crate) fn number(&self, buffer: &mut Buffer) -> Option<u64> {
        self.text(buffer).ok().and_then(number)
    }

    /// Its number, which may be negative.
    pub(crate) fn signed(&self, buffer: &mut Buffer) -> Option<i64> {
        self.text(buffer).ok().and_then(signed)
    }
}

/// The text of an attribute that is read once, without the white space around it.
pub(crate) fn once(path: impl AsRef<Path>) -> Option<Vec<u8>> {
    let mut buffer = Buffer::new();
    let text = Attribute::open(path)?.text(&mut buffer).map(<[u8]>::to_vec).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_is_read_as_it_is_now() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("temp1_input");
        assert!(Attribute::open(&path).is_none());
        std::fs::write(&path, "-5000\n").unwrap();
        let (attribute, mut buffer) = (Attribute::open(&path).unwrap(), Buffer::new());
        assert_eq!((attribute.signed(&mut buffer), attribute.number(&mut buffer)), (Some(-5000), None));
        std::fs::write(&path, "41000\n").unwrap();
        assert_eq!(attribute.number(&mut buffer), Some(41_000));
        assert_eq!(once(&path).unwrap(), b"41000");
    }
}
