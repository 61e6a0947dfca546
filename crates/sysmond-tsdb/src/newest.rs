//! The newest value of each series of a host.

use crate::codec::Damaged;
use crate::codec::block::Table;
use crate::codec::bytes::{Bytes, put_signed, put_size, put_varint};
use crate::log::{MAX_SEQ, Run};
use crate::names::{Layout, MetricId, is_same};
use std::collections::BTreeMap;

/// The newest value of each series, by layout so that a row is taken without a look-up per cell. A host has few
/// layouts.
#[derive(Debug, Default)]
pub(crate) struct Newest(Vec<(Layout, Vec<NewestCell>)>);

/// Layouts of a host beyond which they are made one.
const MANY_LAYOUTS: usize = 8;
/// How long before the newest a value may be and still be kept then, milliseconds.
const KEPT_MS: i64 = 24 * 3_600_000;

/// A value with its time and its place in the order of storing; absent where the place is 0.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NewestCell {
    pub(crate) at: i64,
    pub(crate) seq: i64,
    pub(crate) value: f64,
}

impl NewestCell {
    fn is_before(&self, other: &Self) -> bool {
        self.seq == 0 || (self.at, self.seq) < (other.at, other.seq)
    }
}

impl Newest {
    /// Takes all rows of a run.
    pub(crate) fn observe_run(&mut self, run: &Run) {
        let place = self.place(&run.layout);
        let cells = self.0.get_mut(place).map_or(&mut [][..], |(_, cells)| cells);
        let ascending = run.times.is_sorted_by(|a, b| a < b);
        // The last first: where times ascend, a row behind a whole one has nothing newer.
        let mut seq = run.first_seq + i64::try_from(run.len()).unwrap_or(0);
        for (values, at) in run.rows().rev().zip(run.times.iter().rev()) {
            seq -= 1;
            if observe(cells, *at, seq, values) && ascending {
                break;
            }
        }
    }

    /// Where the cells of a layout are.
    fn place(&mut self, layout: &Layout) -> usize {
        let known = self.0.iter().position(|(known, _)| is_same(known, layout));
        known.unwrap_or_else(|| {
            if self.0.len() >= MANY_LAYOUTS {
                self.join();
            }
            self.0.push((layout.clone(), vec![NewestCell::default(); layout.len()]));
            self.0.len() - 1
        })
    }

    /// Makes one layout of all: a host whose series come and go has another one each time. What fell silent a day
    /// before the newest is forgotten.
    fn join(&mut self) {
        let cells = self.cells();
        let since = cells.values().map(|cell| cell.at).max().unwrap_or(0).saturating_sub(KEPT_MS);
        self.0 = vec![cells.into_iter().filter(|(_, cell)| cell.at >= since).unzip::<_, _, Vec<_>, Vec<_>>()]
            .into_iter()
            .map(|(metrics, cells)| (metrics.into(), cells))
            .collect();
    }

    /// Takes all rows of a block.
    pub(crate) fn observe_table(&mut self, table: &Table) {
        let layout: Layout = table.columns.iter().map(|(id, _)| *id).collect();
        let place = self.place(&layout);
        let cells = self.0.get_mut(place).map_or(&mut [][..], |(_, cells)| cells);
        for (row, (at, seq)) in table.timestamps.iter().zip(&table.seqs).enumerate() {
            let values = table.columns.iter().map(|(_, values)| values.get(row).copied().unwrap_or(f64::NAN));
            observe(cells, *at, *seq, &values.collect::<Vec<_>>());
        }
    }

    /// Each series' newest value.
    pub(crate) fn cells(&self) -> BTreeMap<MetricId, NewestCell> {
        let mut newest: BTreeMap<MetricId, NewestCell> = BTreeMap::new();
        for (layout, cells) in &self.0 {
            for (metric, cell) in layout.iter().zip(cells).filter(|(_, cell)| cell.seq > 0) {
                let slot = newest.entry(*metric).or_default();
                if slot.is_before(cell) {
                    *slot = *cell;
                }
            }
        }
        newest
    }

    /// The values as bytes, kept beside the blocks: after a start nothing has to be decoded for them.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let cells = self.cells();
        let mut out = Vec::with_capacity(cells.len() * 12);
        put_size(&mut out, cells.len());
        let (mut last_metric, mut last) = (0, NewestCell::default());
        for (metric, cell) in cells {
            put_varint(&mut out, u64::from(metric - last_metric));
            put_signed(&mut out, cell.at.wrapping_sub(last.at));
            put_signed(&mut out, cell.seq.wrapping_sub(last.seq));
            out.extend(cell.value.to_le_bytes());
            (last_metric, last) = (metric, cell);
        }
        out
    }

    /// The inverse of [`Self::to_bytes`].
    pub(crate) fn from_bytes(data: &[u8]) -> Result<Self, Damaged> {
        let mut bytes = Bytes::new(data);
        let count = bytes.size(data.len())?;
        let (mut metrics, mut cells) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let (mut metric, mut last) = (0_u32, NewestCell::default());
        for _ in 0..count {
            let step = u32::try_from(bytes.varint()?).map_err(|_| Damaged("no such series"))?;
            let is_behind = metrics.is_empty() || step > 0;
            metric = metric.checked_add(step).filter(|_| is_behind).ok_or(Damaged("no such series"))?;
            let at = last.at.wrapping_add(bytes.signed()?);
            let seq = last.seq.wrapping_add(bytes.signed()?);
            let value = f64::from_le_bytes(bytes.array()?);
            if !(1..MAX_SEQ).contains(&seq) || !value.is_finite() {
                return Err(Damaged("no such value"));
            }
            last = NewestCell { at, seq, value };
            metrics.push(metric);
            cells.push(last);
        }
        Ok(Self(if count == 0 { Vec::new() } else { vec![(metrics.into(), cells)] }))
    }

    /// Forgets what is older than `cutoff`.
    pub(crate) fn forget_before(&mut self, cutoff: i64) {
        for (_, cells) in &mut self.0 {
            cells.iter_mut().filter(|cell| cell.at < cutoff).for_each(|cell| *cell = NewestCell::default());
        }
        self.0.retain(|(_, cells)| cells.iter().any(|cell| cell.seq > 0));
    }
}

/// Takes a row; whether it has a value for each cell.
fn observe(cells: &mut [NewestCell], at: i64, seq: i64, values: &[f64]) -> bool {
    let mut is_whole = true;
    for (slot, value) in cells.iter_mut().zip(values) {
        let cell = NewestCell { at, seq, value: *value };
        if value.is_nan() {
            is_whole = false;
        } else if slot.is_before(&cell) {
            *slot = cell;
        }
    }
    is_whole
}

/// Layouts that a [`Finder`] remembers: a fleet has few kinds of hosts.
const MANY_KINDS: usize = 8;

/// Finds one metric in host after host. Hosts of a kind have equal layouts: where the metric stands in one is looked up
/// once.
pub(crate) struct Finder<'a> {
    series: &'a [MetricId],
    places: Vec<(Layout, Box<[usize]>)>,
}

impl<'a> Finder<'a> {
    /// For the metric with these series.
    pub(crate) const fn new(series: &'a [MetricId]) -> Self {
        Self { series, places: Vec::new() }
    }

    /// The newest values of a host: those of its series that have the newest time among them.
    pub(crate) fn values(&mut self, newest: &Newest) -> Vec<f64> {
        let mut found: Vec<(MetricId, NewestCell)> = Vec::new();
        for (layout, cells) in &newest.0 {
            for place in self.places(layout) {
                let (Some(metric), Some(cell)) = (layout.get(*place), cells.get(*place)) else {
                    continue;
                };
                match found.iter_mut().find(|(known, _)| known == metric) {
                    _ if cell.seq == 0 => {}
                    Some((_, slot)) if slot.is_before(cell) => *slot = *cell,
                    Some(_) => {}
                    None => found.push((*metric, *cell)),
                }
            }
        }
        let newest = found.iter().map(|(_, cell)| cell.at).max();
        found.iter().filter(|(_, cell)| Some(cell.at) == newest).map(|(_, cell)| cell.value).collect()
    }

    fn places(&mut self, layout: &Layout) -> &[usize] {
        let is_known = |(known, _): &(Layout, _)| is_same(known, layout);
        let place = self.places.iter().position(is_known).unwrap_or_else(|| {
            let own = layout.iter().enumerate().filter(|(_, id)| self.series.contains(id));
            let own = own.map(|(place, _)| place).collect();
            if self.places.len() >= MANY_KINDS {
                self.places.clear();
            }
            self.places.push((layout.clone(), own));
            self.places.len() - 1
        });
        self.places.get(place).map_or(&[], |(_, places)| places)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::Arc;

    fn run(at: i64, seq: i64, layout: Layout, values: &[f64]) -> Run {
        Run::of_rows(0, layout, seq, std::iter::once((at, values.iter().copied())))
    }

    fn newest(rows: &[(i64, i64, [f64; 3])]) -> Newest {
        let layout: Layout = Arc::from([3, 7, 9]);
        let mut newest = Newest::default();
        for (at, seq, values) in rows {
            newest.observe_run(&run(*at, *seq, layout.clone(), values));
        }
        newest
    }

    #[test]
    fn later_time_counts_then_later_storing() {
        let newest = newest(&[
            (5, 1, [1.0, 2.0, f64::NAN]),
            (4, 2, [3.0, f64::NAN, 4.0]),
            (5, 3, [f64::NAN, 5.0, f64::NAN]),
        ]);
        let cells: Vec<_> =
            newest.cells().into_iter().map(|(id, cell)| (id, cell.at, cell.seq, cell.value)).collect();
        assert_eq!(cells, [(3, 5, 1, 1.0), (7, 5, 3, 5.0), (9, 4, 2, 4.0)]);
        let of = |series: &[MetricId]| Finder::new(series).values(&newest);
        assert_eq!((of(&[3, 9]), of(&[1])), (vec![1.0], Vec::new()));
    }

    #[test]
    fn one_finder_serves_hosts_of_many_kinds() {
        let mut finder = Finder::new(&[3]);
        for kind in (0..MANY_KINDS + 3).chain(0..3) {
            let layout: Layout = (4..).take(kind).chain([3]).collect();
            let values: Vec<f64> = layout.iter().map(|id| f64::from(*id)).collect();
            let mut newest = Newest::default();
            newest.observe_run(&run(1, 1, layout, &values));
            assert_eq!(finder.values(&newest), [3.0], "{kind}");
        }
    }

    proptest! {
        #[test]
        fn bytes_give_every_cell_back(rows in prop::collection::vec((any::<i64>(), 1i64..1 << 62, prop::array::uniform3(-1e300..1e300)), 0..5)) {
            let newest = newest(&rows);
            let back = Newest::from_bytes(&newest.to_bytes()).expect("just made");
            let text = |newest: &Newest| format!("{:?}", newest.cells());
            prop_assert_eq!(text(&back), text(&newest));
        }

        #[test]
        fn a_run_counts_as_its_rows_one_by_one(
            rows in prop::collection::vec(
                (0i64..6, prop::array::uniform3(prop_oneof![Just(f64::NAN), 0.0..9.0])),
                0..8,
            ),
        ) {
            let layout: Layout = Arc::from([3, 7, 9]);
            let mut whole = Newest::default();
            whole.observe_run(&Run::of_rows(0, layout, 1, rows.clone().into_iter()));
            let single: Vec<_> = rows.iter().zip(1..).map(|((at, values), seq)| (*at, seq, *values)).collect();
            prop_assert_eq!(format!("{:?}", whole.cells()), format!("{:?}", newest(&single).cells()));
        }

        #[test]
        fn no_bytes_panic(data: Vec<u8>) {
            prop_assert!(Newest::from_bytes(&data).is_err() || Newest::from_bytes(&data).is_ok_and(|n| n.cells().len() <= data.len()));
        }
    }
}
