//! The wanted columns of an hour's blocks and rows, laid over each other.

use crate::codec::Damaged;
use crate::codec::block::Block;
use crate::counters::Counters;
use crate::head::HeadRow;
use crate::names::MetricId;
use crate::quarantine::Piece;
use crate::sealed::Blob;
use std::collections::BTreeMap;

/// The cells of `ids` in blocks and rows of one hour, each series by time; of two for one instant the one stored last.
pub(crate) fn hour_cells(
    blobs: &[Blob<'_>],
    rows: &[(i64, HeadRow)],
    ids: &[MetricId],
    counters: &Counters,
) -> rusqlite::Result<Vec<Vec<(i64, f64)>>> {
    let damages = &counters.damages;
    let mut sources: Vec<Source<'_>> = Vec::with_capacity(blobs.len() + 1);
    for blob in blobs {
        let read = Source::read(blob, ids);
        blob.failure()?;
        sources.extend(damages.sound(blob.piece, read));
    }
    if !rows.is_empty() {
        sources.push(Source::of_rows(rows, ids));
    }
    sources.retain(|source| !source.times.is_empty());
    sources.sort_by_key(|source| source.times.first().copied());
    if !are_disjoint(&sources.iter().collect::<Vec<_>>()) {
        sources.retain_mut(|source| match source.read_seqs() {
            Ok(()) => true,
            Err((piece, reason)) => {
                damages.note(piece, reason);
                false
            }
        });
    }
    let cells = (0..ids.len()).map(|place| {
        // A host with many series has them in different blocks of the same time.
        let own: Vec<&Source<'_>> = sources.iter().filter(|source| source.has(place)).collect();
        if are_disjoint(&own) {
            let mut cells = Vec::with_capacity(own.iter().map(|source| source.times.len()).sum());
            for source in own {
                cells.extend(source.cells(place));
            }
            cells
        } else {
            last_stored(own.iter().flat_map(|source| source.numbered_cells(place)))
        }
    });
    Ok(cells.collect())
}

/// Whether each begins behind the end of the one before it.
fn are_disjoint(sources: &[&Source<'_>]) -> bool {
    sources.windows(2).all(|pair| match pair {
        [a, b] => a.times.last() < b.times.first(),
        _ => true,
    })
}

fn last_stored(cells: impl Iterator<Item = (i64, i64, f64)>) -> Vec<(i64, f64)> {
    let mut best: BTreeMap<i64, (i64, f64)> = BTreeMap::new();
    for (at, seq, value) in cells {
        let slot = best.entry(at).or_insert((seq, value));
        if seq >= slot.0 {
            *slot = (seq, value);
        }
    }
    best.into_iter().map(|(at, (_, value))| (at, value)).collect()
}

/// The wanted columns of one block, or of the rows in memory.
struct Source<'a> {
    times: Vec<i64>,
    /// Empty as long as nobody needs them: only sources that overlap do.
    seqs: Vec<i64>,
    columns: Vec<Option<Vec<f64>>>,
    block: Option<(Piece, Block<'a>)>,
}

impl<'a> Source<'a> {
    /// Decodes the times and the wanted columns, and no other.
    fn read(blob: &'a Blob<'_>, ids: &[MetricId]) -> Result<Self, Damaged> {
        let block = blob.block()?;
        let columns: Vec<_> = ids.iter().map(|id| block.column(*id)).collect::<Result<_, _>>()?;
        // Of a block without any of them not even the times count.
        let is_empty = columns.iter().all(Option::is_none);
        let times = if is_empty { Vec::new() } else { block.timestamps()? };
        Ok(Self { times, seqs: Vec::new(), columns, block: Some((blob.piece, block)) })
    }

    fn of_rows(rows: &[(i64, HeadRow)], ids: &[MetricId]) -> Self {
        let column =
            |id: &MetricId| Some(rows.iter().map(|(_, row)| row.cell(*id).unwrap_or(f64::NAN)).collect());
        Self {
            times: rows.iter().map(|(at, _)| *at).collect(),
            seqs: rows.iter().map(|(_, row)| row.seq()).collect(),
            columns: ids.iter().map(column).collect(),
            block: None,
        }
    }

    fn read_seqs(&mut self) -> Result<(), (Piece, Damaged)> {
        if let Some((piece, block)) = &self.block {
            self.seqs = block.seqs().map_err(|reason| (*piece, reason))?;
        }
        Ok(())
    }

    fn has(&self, place: usize) -> bool {
        self.columns.get(place).is_some_and(Option::is_some)
    }

    /// Time and value of each present cell of a column.
    fn cells(&self, place: usize) -> impl Iterator<Item = (i64, f64)> {
        let values = self.columns.get(place).and_then(Option::as_ref);
        let cells = self.times.iter().zip(values.into_iter().flatten());
        cells.filter(|(_, value)| !value.is_nan()).map(|(at, value)| (*at, *value))
    }

    /// The same with each cell's place in the order of storing.
    fn numbered_cells(&self, place: usize) -> impl Iterator<Item = (i64, i64, f64)> {
        let values = self.columns.get(place).and_then(Option::as_ref);
        let cells = self.times.iter().zip(&self.seqs).zip(values.into_iter().flatten());
        cells.filter(|(_, value)| !value.is_nan()).map(|((at, seq), value)| (*at, *seq, *value))
    }
}
