//! What the samples of a push look like but for their numbers, and the reading of a push that looks so.

use super::number;
use crate::aggregator::ingest::table::{ColumnUse, MAX_CELLS};
use std::sync::{Arc, Mutex, PoisonError};
use sysmond_model::limits::MAX_SAMPLES_PER_PUSH;
use sysmond_model::{Frame, Shape, Timestamp};

/// Selections of its columns that a pattern keeps a shape for: hosts whose slow readings come seldom have a few.
const MAX_SELECTIONS: usize = 8;
/// Bytes of text for which one sample may be compared in vain: with samples of about 80 that is some five for each.
/// Beyond it the order is not what was learned, and reading without a pattern costs less.
const TEXT_PER_MISS: usize = 16;

/// The text of a list of samples around their numbers.
#[derive(Debug)]
pub(super) struct Pattern {
    /// Distinct pieces of text, one behind the other.
    pub(super) text: Box<[u8]>,
    /// From the list's bracket to the first sample, and from one sample to the next.
    pub(super) opening: Part,
    pub(super) separator: Part,
    /// The samples in the order in which they come.
    pub(super) forms: Box<[Form]>,
    /// For each of them all text from its last number to the first of the one behind it: three comparisons in one.
    pub(super) joints: Box<[Part]>,
    /// Their series; several forms may be of one.
    pub(super) shape: Arc<Shape>,
    /// The least text of a sample, bytes.
    pub(super) shortest: usize,
    /// What pushes had of its series where they had not all, the last used at the end.
    pub(super) selections: Mutex<Vec<Selection>>,
}

/// Some of a pattern's series, by place, and the shape that they make.
pub(super) type Selection = (Box<[usize]>, Arc<Shape>);

/// A piece of a pattern's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Part {
    pub(super) start: u32,
    pub(super) length: u32,
}

/// One sample, from brace to brace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Form {
    pub(super) before: Part,
    pub(super) between: Part,
    pub(super) behind: Part,
    /// Whether the value stands before the time.
    pub(super) value_first: bool,
    /// The series' column in the pattern's shape.
    pub(super) column: u32,
}

/// The samples that were read, as a table over all columns of the pattern.
pub(super) struct Reading<'t> {
    timestamps: Vec<Timestamp>,
    values: Vec<f64>,
    uses: Vec<ColumnUse>,
    /// The row of the last sample, and its time as it was spelled.
    row: usize,
    last: Option<Time<'t>>,
    /// How many samples.
    pub(super) received: usize,
    /// What follows the last one.
    pub(super) rest: &'t [u8],
}

/// A sample's numbers and what follows.
struct Found<'t> {
    time: Time<'t>,
    value: f64,
    rest: &'t [u8],
}

/// A time as it is spelled; mostly the next sample has the same.
#[derive(Clone, Copy)]
struct Time<'t> {
    text: &'t [u8],
    at: Timestamp,
}

impl Pattern {
    /// Reads samples up to what is none. `None` where anything is not as it was learned.
    pub(super) fn read<'t>(&self, text: &'t [u8]) -> Option<Reading<'t>> {
        let mut start = self.strip(text, self.opening)?;
        let mut reading = Reading::new(self, text.len());
        let mut cursor =
            Cursor { place: self.forms.len() - 1, misses: self.forms.len() + text.len() / TEXT_PER_MISS };
        loop {
            start = self.run(start, &mut cursor, &mut reading)?;
            let found = self.next(start, &mut cursor, reading.last)?;
            reading.put(&found, self.forms.get(cursor.place)?)?;
            let Some(after) = self.strip(found.rest, self.separator) else {
                reading.rest = found.rest;
                return Some(reading);
            };
            start = after;
        }
    }

    /// Reads samples as long as each is the next in the learned order and has another such behind it; where the first
    /// that is not begins. A sample counts once all of its text has been seen.
    fn run<'t>(&self, start: &'t [u8], cursor: &mut Cursor, reading: &mut Reading<'t>) -> Option<&'t [u8]> {
        let mut start = start;
        let mut place = self.following(cursor.place);
        let mut form = self.forms.get(place)?;
        let Some(mut inside) = self.strip(start, form.before) else { return Some(start) };
        while let Some(found) = self.numbers(form, inside, reading.last)
            && let Some(next) = self.strip(found.rest, *self.joints.get(place)?)
        {
            reading.put(&found, form)?;
            cursor.place = place;
            place = self.following(place);
            start = found.rest.get((form.behind.length + self.separator.length) as usize..)?;
            (form, inside) = (self.forms.get(place)?, next);
        }
        Some(start)
    }

    fn following(&self, place: usize) -> usize {
        if place + 1 < self.forms.len() { place + 1 } else { 0 }
    }

    /// The sample at the beginning of `rest`: the next in the learned order, or the same series again, or the first
    /// that fits behind it.
    fn next<'t>(&self, rest: &'t [u8], cursor: &mut Cursor, last: Option<Time<'t>>) -> Option<Found<'t>> {
        let following = self.following(cursor.place);
        if let Some(found) = self.sample(rest, following, last) {
            cursor.place = following;
            return Some(found);
        }
        let others = std::iter::once(cursor.place).chain(following + 1..self.forms.len()).chain(0..following);
        for place in others {
            cursor.misses = cursor.misses.checked_sub(1)?;
            if let Some(found) = self.sample(rest, place, last) {
                cursor.place = place;
                return Some(found);
            }
        }
        None
    }

    fn sample<'t>(&self, rest: &'t [u8], place: usize, last: Option<Time<'t>>) -> Option<Found<'t>> {
        let form = self.forms.get(place)?;
        let found = self.numbers(form, self.strip(rest, form.before)?, last)?;
        Some(Found { rest: self.strip(found.rest, form.behind)?, ..found })
    }

    /// The numbers of a sample whose text before them has been seen, and what follows the second of them.
    #[inline]
    fn numbers<'t>(&self, form: &Form, rest: &'t [u8], last: Option<Time<'t>>) -> Option<Found<'t>> {
        let (time, value, rest) = if form.value_first {
            let (value, rest) = number::read(rest)?;
            let (time, rest) = read_time(self.strip(rest, form.between)?, last)?;
            (time, value, rest)
        } else {
            let (time, rest) = read_time(rest, last)?;
            let (value, rest) = number::read(self.strip(rest, form.between)?)?;
            (time, value, rest)
        };
        value.is_finite().then_some(Found { time, value, rest })
    }

    fn strip<'t>(&self, text: &'t [u8], part: Part) -> Option<&'t [u8]> {
        text.strip_prefix(self.part(part))
    }

    pub(super) fn part(&self, Part { start, length }: Part) -> &[u8] {
        self.text.get(start as usize..).and_then(|text| text.get(..length as usize)).unwrap_or_default()
    }

    /// The shape of some of the columns; the same one again while the same are selected.
    fn select(&self, columns: &[usize]) -> Arc<Shape> {
        let mut selections = self.selections.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = selections.iter().position(|(known, _)| **known == *columns) {
            let selection = selections.remove(place);
            let shape = selection.1.clone();
            selections.push(selection);
            return shape;
        }
        let series = columns.iter().filter_map(|column| self.shape.series().get(*column).cloned());
        let shape = Shape::new(series.collect());
        if selections.len() >= MAX_SELECTIONS {
            selections.remove(0);
        }
        selections.push((columns.into(), shape.clone()));
        shape
    }

    /// What it costs in memory, bytes, less the fixed part.
    pub(super) fn bytes(&self) -> usize {
        let series = self
            .shape
            .series()
            .iter()
            .map(|series| size_of_val(series) + series.metric_type.len() + series.tags.len());
        self.text.len() + size_of_val(&*self.forms) + size_of_val(&*self.joints) + series.sum::<usize>()
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        (&self.text, self.opening, self.separator, &self.forms, &self.shape)
            == (&other.text, other.opening, other.separator, &other.forms, &other.shape)
    }
}

/// Where in the pattern a reading is.
struct Cursor {
    place: usize,
    /// Comparisons in vain that may still be made.
    misses: usize,
}

impl<'t> Reading<'t> {
    fn new(pattern: &Pattern, bytes: usize) -> Self {
        let width = pattern.shape.len();
        // A sample has its form's text and at least two digits.
        let cells = bytes / (pattern.shortest + 2) + width;
        Self {
            timestamps: Vec::with_capacity(cells / width.max(1)),
            values: Vec::with_capacity(cells.min(MAX_CELLS)),
            uses: vec![ColumnUse { samples: 0, first_index: 0 }; width],
            row: 0,
            last: None,
            received: 0,
            rest: &[],
        }
    }

    /// The row of that time; a new one is the last. Times that go back and forth are left to the generic parser.
    fn row_of(&mut self, at: Timestamp) -> Option<usize> {
        let row = match self.timestamps.last() {
            Some(last) if *last < at => self.timestamps.len(),
            None => 0,
            Some(_) => return self.timestamps.binary_search(&at).ok(),
        };
        let cells = (row + 1) * self.uses.len();
        if cells > MAX_CELLS {
            return None;
        }
        self.timestamps.push(at);
        self.values.resize(cells, f64::NAN);
        Some(row)
    }

    /// Of two samples with the same series and time the later one wins.
    #[inline]
    fn put(&mut self, found: &Found<'t>, form: &Form) -> Option<()> {
        if self.last.is_none_or(|last| last.at != found.time.at) {
            self.row = self.row_of(found.time.at)?;
        }
        self.last = Some(found.time);
        let column = form.column as usize;
        let used = self.uses.get_mut(column)?;
        if used.samples == 0 {
            used.first_index = self.received;
        }
        used.samples += 1;
        self.received += 1;
        *self.values.get_mut(self.row * self.uses.len() + column)? = found.value;
        (self.received <= MAX_SAMPLES_PER_PUSH).then_some(())
    }

    /// The first and the last time.
    pub(super) fn span(&self) -> Option<(Timestamp, Timestamp)> {
        Some((*self.timestamps.first()?, *self.timestamps.last()?))
    }

    /// Whether every column has a sample.
    pub(super) fn is_full(&self) -> bool {
        self.uses.iter().all(|used| used.samples > 0)
    }

    /// The frame of the columns that have samples, and what each came from.
    pub(super) fn finish(self, pattern: &Pattern) -> (Frame, Vec<ColumnUse>) {
        let width = self.uses.len();
        if self.is_full() {
            return (Frame::of_table(pattern.shape.clone(), self.timestamps, self.values), self.uses);
        }
        let columns: Vec<usize> = self
            .uses
            .iter()
            .enumerate()
            .filter(|(_, used)| used.samples > 0)
            .map(|(column, _)| column)
            .collect();
        let rows = self.values.chunks_exact(width);
        let values =
            rows.flat_map(|row| columns.iter().filter_map(|column| row.get(*column).copied())).collect();
        let shape = pattern.select(&columns);
        let uses = self.uses.into_iter().filter(|used| used.samples > 0).collect();
        (Frame::of_table(shape, self.timestamps, values), uses)
    }
}

#[inline]
fn read_time<'t>(text: &'t [u8], last: Option<Time<'t>>) -> Option<(Time<'t>, &'t [u8])> {
    if let Some(last) = last
        && let Some(rest) = text.strip_prefix(last.text)
        && rest.first().is_some_and(|byte| !number::continues(*byte))
    {
        return Some((last, rest));
    }
    let (seconds, rest) = number::read(text)?;
    let at = Timestamp::from_seconds_f64(seconds)?;
    Some((Time { text: text.get(..text.len() - rest.len())?, at }, rest))
}
