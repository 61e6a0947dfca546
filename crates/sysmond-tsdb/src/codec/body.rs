//! What lies behind a block's directory: pieces of bytes, one behind the other, in runs that have a checksum each. A
//! run is read and checked when the first of its pieces is asked for, so that of a large block no more is read than is
//! wanted, and damage in one place leaves the rest.

use super::Damaged;
use super::bytes::Bytes;
use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::Range;

/// Bytes at which a run ends with the piece that reaches them: a page, so that a checksum is a thousandth of what it is
/// of, and little is read beside what is wanted.
const RUN_BYTES: usize = 4096;
/// Bytes of a checksum.
pub(super) const SUM_BYTES: usize = 4;

/// Somewhere that a block's bytes lie and can be read in part.
pub(crate) trait Stored {
    /// How many there are.
    fn len(&self) -> usize;

    /// Some of them; `None` where they could not be read, of which the reason is to be asked elsewhere.
    fn read(&self, range: Range<usize>) -> Option<Vec<u8>>;
}

/// Where bytes come from.
#[derive(Clone, Copy)]
pub(super) enum Origin<'a> {
    Memory(&'a [u8]),
    Stored(&'a dyn Stored),
}

impl<'a> Origin<'a> {
    pub(super) fn len(self) -> usize {
        match self {
            Self::Memory(data) => data.len(),
            Self::Stored(stored) => stored.len(),
        }
    }

    pub(super) fn read(self, range: Range<usize>) -> Result<Cow<'a, [u8]>, Damaged> {
        match self {
            Self::Memory(data) => data.get(range).map(Cow::Borrowed).ok_or(Damaged("too short")),
            Self::Stored(stored) if range.end <= stored.len() => {
                stored.read(range).map(Cow::Owned).ok_or(Damaged("bytes could not be read"))
            }
            Self::Stored(_) => Err(Damaged("too short")),
        }
    }
}

/// The pieces.
pub(super) struct Body<'a> {
    origin: Origin<'a>,
    /// Where each lies in the whole block, and in which run.
    pieces: Vec<(Range<usize>, usize)>,
    runs: Vec<Run<'a>>,
}

struct Run<'a> {
    range: Range<usize>,
    /// `None` where the bytes were checked before.
    sum: Option<u32>,
    bytes: OnceCell<Cow<'a, [u8]>>,
}

impl<'a> Body<'a> {
    /// Pieces of such lengths from `start` on, all of them checked before.
    pub(super) fn checked(data: Cow<'a, [u8]>, start: usize, lengths: &[usize]) -> Result<Self, Damaged> {
        let end = end(start, lengths)?;
        if end > data.len() {
            return Err(Damaged("too short"));
        }
        let run = Run { range: 0..data.len(), sum: None, bytes: OnceCell::from(data) };
        let pieces = ranges(start, lengths).map(|range| (range, 0)).collect();
        Ok(Self { origin: Origin::Memory(&[]), pieces, runs: vec![run] })
    }

    /// Pieces of such lengths from `start` to the end of the block, with a checksum for each run of them; `None` of a
    /// block whose checksums are not to be asked.
    pub(super) fn in_runs(
        origin: Origin<'a>,
        start: usize,
        lengths: &[usize],
        mut sums: Bytes<'_>,
        is_trusted: bool,
    ) -> Result<Self, Damaged> {
        if end(start, lengths)? != origin.len() {
            return Err(Damaged("a block of another length"));
        }
        let (mut pieces, mut runs) = (Vec::with_capacity(lengths.len()), Vec::new());
        let mut from = start;
        for (place, range) in ranges(start, lengths).enumerate() {
            let run = from..range.end;
            pieces.push((range, runs.len()));
            if is_whole(run.len()) || place + 1 == lengths.len() {
                let sum = u32::from_le_bytes(sums.array()?);
                from = run.end;
                runs.push(Run { range: run, sum: (!is_trusted).then_some(sum), bytes: OnceCell::new() });
            }
        }
        if sums.is_empty() { Ok(Self { origin, pieces, runs }) } else { Err(Damaged("checksums of nothing")) }
    }

    /// Compares all checksums.
    pub(super) fn check(&self) -> Result<(), Damaged> {
        self.runs.iter().try_for_each(|run| self.bytes(run).map(drop))
    }

    /// The bytes of a piece.
    pub(super) fn piece(&self, place: usize) -> Result<&[u8], Damaged> {
        let (range, run) = self.pieces.get(place).ok_or(Damaged("no such piece"))?;
        let run = self.runs.get(*run).ok_or(Damaged("no such run"))?;
        let start = run.range.start;
        self.bytes(run)?.get(range.start - start..range.end - start).ok_or(Damaged("too short"))
    }

    fn bytes<'s>(&self, run: &'s Run<'a>) -> Result<&'s [u8], Damaged> {
        if let Some(bytes) = run.bytes.get() {
            return Ok(bytes);
        }
        let bytes = self.origin.read(run.range.clone())?;
        if run.sum.is_some_and(|sum| sum != crc32fast::hash(&bytes)) {
            return Err(Damaged("a checksum of columns is wrong"));
        }
        Ok(run.bytes.get_or_init(|| bytes))
    }
}

/// Appends the checksums of the runs of `body`, which are pieces of such lengths.
pub(super) fn put_sums(body: &[u8], lengths: &[usize], out: &mut Vec<u8>) {
    let mut from = 0;
    for (place, range) in ranges(0, lengths).enumerate() {
        if is_whole(range.end - from) || place + 1 == lengths.len() {
            let sum = crc32fast::hash(body.get(from..range.end).unwrap_or_default());
            out.extend(sum.to_le_bytes());
            from = range.end;
        }
    }
}

const fn is_whole(bytes: usize) -> bool {
    bytes >= RUN_BYTES
}

fn ranges(start: usize, lengths: &[usize]) -> impl Iterator<Item = Range<usize>> {
    lengths.iter().scan(start, |end, length| {
        let from = *end;
        *end += length;
        Some(from..*end)
    })
}

/// Where the last piece ends; every later sum of lengths is below it.
fn end(start: usize, lengths: &[usize]) -> Result<usize, Damaged> {
    lengths.iter().try_fold(start, |end, length| end.checked_add(*length)).ok_or(Damaged("too short"))
}
