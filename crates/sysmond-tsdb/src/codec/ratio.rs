//! Fractions found again: a share of time or a rate is [`SCALE`]` * a / b` with small whole a and b, rounded to a
//! double.
//!
//! Columns that were divided by the same thing (the ticks between two readings, the milliseconds) share a stream of
//! denominators, one a row. A fraction shows its denominator only reduced; what several columns of a row show
//! together, and what the other rows have, gives the whole of it back.

use super::floats::round;

/// What agents multiply by at most before they divide: a rate per second over milliseconds. A percentage is one with a
/// tenth of its denominator.
const SCALE: f64 = 1000.0;
/// The largest denominator that is looked for: microseconds of a share of seconds, thousandths of milliseconds over a
/// few writes. Somewhat beyond it chance finds one for any double.
const MAX_DENOMINATOR: f64 = 33_554_432.0;
/// What a mean of milliseconds is in seconds, so many times less; and what it is then over, of [`SCALE`] times it.
const MEAN_SCALE: f64 = 1000.0;
const MEAN_FACTOR: u32 = 1_000_000;
/// The most operations between two readings of which a mean is recognised.
const MAX_MEAN_OF: f64 = 4_096.0;
/// Steps of a continued fraction within that bound and a double's precision.
const MAX_STEPS: usize = 20;
/// Cells that decide whether a column is worth a look at all of them.
const PROBES: usize = 12;
/// Streams of denominators in one block; a host has about one for each of its cores.
pub(super) const MAX_STREAMS: usize = 1024;
/// One cell in so many may be no such fraction.
pub(super) const EXCEPTION_SHARE: usize = 32;

/// The value of `numerator` over `denominator`.
pub(super) fn value(numerator: i64, denominator: i64) -> f64 {
    SCALE * numerator as f64 / denominator as f64
}

/// The whole number whose fraction over `denominator` is `value` to the last bit.
pub(super) fn numerator(value: f64, denominator: u32) -> Option<i64> {
    let near = round(value * f64::from(denominator) * (1.0 / SCALE));
    let found = (near.abs() < 9e12).then(|| whole(near))?;
    (self::value(found, denominator.into()).to_bits() == value.to_bits()).then_some(found)
}

#[expect(clippy::float_cmp, reason = "a fraction is kept only where it gives every bit back")]
fn is_fraction(value: f64, numerator: f64, denominator: f64) -> bool {
    // Three roundings apart at most, where it is; the division is asked last, since it takes longest.
    let (scaled, product) = (SCALE * numerator, value * denominator);
    (scaled - product).abs() <= product * 1e-15 && scaled / denominator == value
}

#[expect(clippy::cast_possible_truncation, reason = "callers bound it")]
fn whole(value: f64) -> i64 {
    value as i64
}

/// The least denominator of `value`; of a mean of milliseconds in seconds the millionfold of what they are over.
fn denominator(value: f64) -> Option<u32> {
    by_fraction(value).or_else(|| {
        let divisor = near_fraction(value * MEAN_SCALE).checked_mul(MEAN_FACTOR)?;
        numerator(value, divisor).map(|_| divisor)
    })
}

/// The denominator of the first fraction that is `value` but for rounding; 0 where there is none that is small.
fn near_fraction(value: f64) -> u32 {
    let (mut rest, mut denominators) = (value.abs(), (1.0, 0.0));
    for _ in 0..MAX_STEPS {
        let step = whole(rest) as f64;
        denominators = (denominators.1, next_term(step, denominators));
        if denominators.1 > MAX_MEAN_OF {
            return 0;
        }
        let times = value.abs() * denominators.1;
        if (times - round(times)).abs() < times * 1e-14 {
            return u32::try_from(whole(denominators.1)).unwrap_or(0);
        }
        rest = 1.0 / (rest - step);
    }
    0
}

/// The least denominator of `value`, by continued fraction.
fn by_fraction(value: f64) -> Option<u32> {
    let mut rest = (value / SCALE).abs();
    let target = value.abs();
    let (mut numerators, mut denominators) = ((0.0, 1.0), (1.0, 0.0));
    for _ in 0..MAX_STEPS {
        let step = whole(rest) as f64;
        numerators = (numerators.1, next_term(step, numerators));
        denominators = (denominators.1, next_term(step, denominators));
        if denominators.1 > MAX_DENOMINATOR || numerators.1 > 9e12 {
            return None;
        }
        if is_fraction(target, numerators.1, denominators.1) {
            return u32::try_from(whole(denominators.1)).ok();
        }
        rest = 1.0 / (rest - step);
        if !rest.is_finite() {
            return None;
        }
    }
    None
}

/// A continued fraction's next numerator or denominator. Not fused: without FMA instructions that is a call.
const fn next_term(step: f64, (before, last): (f64, f64)) -> f64 {
    step * last + before
}

/// The streams of denominators of a block in the making.
#[derive(Debug, Default)]
pub(super) struct Streams {
    streams: Vec<Stream>,
    row_count: usize,
}

/// Denominators by row; 1 where none is known yet.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    rows: Vec<u32>,
    largest: u32,
    is_new: bool,
}

impl Streams {
    pub(super) fn new(row_count: usize) -> Self {
        Self { streams: Vec::new(), row_count }
    }

    /// Finds or makes the stream that a column's cells (row and value) were divided by.
    pub(super) fn join(
        &mut self,
        cells: impl Iterator<Item = (usize, f64)> + Clone,
        count: usize,
    ) -> Option<usize> {
        // Mostly the streams that are there fit as they are, which takes no search for denominators.
        for (index, stream) in self.streams.iter_mut().enumerate() {
            if stream.fits(cells.clone(), count) && stream.extend(cells.clone(), count) {
                return Some(index);
            }
        }
        let probes = probes(cells.clone(), count)?;
        for (index, stream) in self.streams.iter_mut().enumerate() {
            if stream.may_fit(&probes) && stream.extend(cells.clone(), count) {
                return Some(index);
            }
        }
        if self.streams.len() >= MAX_STREAMS {
            return None;
        }
        let mut fresh = Stream { rows: vec![1; self.row_count], largest: 1, is_new: true };
        if !fresh.extend(cells, count) {
            return None;
        }
        fresh.is_new = false;
        self.streams.push(fresh);
        Some(self.streams.len() - 1)
    }

    /// The finished streams.
    pub(super) fn finish(self) -> Vec<Vec<u32>> {
        self.streams.into_iter().map(Stream::whole).collect()
    }
}

/// Row and least denominator of a few cells; `None` where too many have none.
fn probes(cells: impl Iterator<Item = (usize, f64)>, count: usize) -> Option<Vec<(usize, u32)>> {
    let every = count / PROBES + 1;
    let most_without = count.div_ceil(every) / 8;
    let (mut found, mut without) = (Vec::with_capacity(PROBES), 0);
    for (row, value) in cells.step_by(every) {
        match denominator(value) {
            Some(denominator) => found.push((row, denominator)),
            // What has none costs most to find out.
            None if without == most_without => return None,
            None => without += 1,
        }
    }
    Some(found)
}

/// The least common multiple.
fn common(a: u32, b: u32) -> u64 {
    let (mut divisor, mut rest) = (a, b);
    while rest != 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    u64::from(a / divisor.max(1)) * u64::from(b)
}

impl Stream {
    /// Whether all of a few cells have numerators over what is known.
    fn fits(&self, cells: impl Iterator<Item = (usize, f64)>, count: usize) -> bool {
        let has_numerator = |(row, value): (usize, f64)| {
            self.rows.get(row).is_some_and(|own| numerator(value, *own).is_some())
        };
        cells.step_by(count / PROBES + 1).all(has_numerator)
    }

    /// Whether most of the probes (row and least denominator) were divided by this.
    fn may_fit(&self, probes: &[(usize, u32)]) -> bool {
        let fits = |(row, own): &&(usize, u32)| {
            self.rows.get(*row).is_some_and(|place| common(*place, *own) <= u64::from(self.bound(*own)))
        };
        probes.iter().filter(fits).count() * 4 >= probes.len() * 3
    }

    /// The largest common denominator that still speaks for one divisor: chance makes products.
    fn bound(&self, own: u32) -> u32 {
        if self.is_new { u32::MAX } else { (self.largest.max(own) / 4).saturating_mul(5).saturating_add(1) }
    }

    /// Takes the cells in; `false`, and nothing changed, where they were divided by something else.
    fn extend(&mut self, cells: impl Iterator<Item = (usize, f64)>, count: usize) -> bool {
        let (mut changes, mut misfits) = (Vec::new(), 0);
        for (seen, (row, value)) in cells.enumerate() {
            let Some(place) = self.rows.get(row) else {
                return false;
            };
            if numerator(value, *place).is_some() {
                continue;
            }
            let fit = denominator(value).and_then(|own| {
                u32::try_from(common(*place, own)).ok().filter(|common| *common <= self.bound(own))
            });
            match fit {
                Some(common) => changes.push((row, common)),
                None => misfits += 1,
            }
            if misfits > 2 + seen / EXCEPTION_SHARE {
                return false;
            }
        }
        if misfits > count / EXCEPTION_SHARE {
            return false;
        }
        for (row, common) in changes {
            self.largest = self.largest.max(common);
            self.rows.iter_mut().skip(row).take(1).for_each(|place| *place = common);
        }
        true
    }

    /// Each row's denominator as the multiple that is nearest to what is usual, so that a row whose fractions happen to
    /// reduce has numerators of the same size as its neighbours; unless nothing is usual.
    fn whole(self) -> Vec<u32> {
        let mut sorted: Vec<u32> = self.rows.iter().copied().filter(|denominator| *denominator > 1).collect();
        sorted.sort_unstable();
        let usual = sorted.get(sorted.len() * 3 / 4).copied().unwrap_or(1);
        let near = |denominator: &u32| denominator.abs_diff(usual) <= usual / 8;
        let raised: Vec<u32> = self
            .rows
            .iter()
            .map(|own| own.saturating_mul((usual.saturating_add(own / 2) / own).max(1)))
            .collect();
        if raised.iter().filter(|raised| near(raised)).count() * 10 >= raised.len() * 9 {
            raised
        } else {
            self.rows
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn denominators_are_found_reduced() {
        let check = |a: f64, b: f64, expected: u32| {
            assert_eq!(denominator(1000.0 * a / b), Some(expected), "{a}/{b}");
        };
        check(1.0, 2001.0, 2001);
        check(500.0, 2000.0, 4);
        check(0.0, 2000.0, 1);
        check(123_456_789.0, 1999.0, 1999);
        assert_eq!(denominator(100.0 * 1.0 / 3.0), Some(30));
        assert_eq!(denominator(std::f64::consts::PI), None);
    }

    #[test]
    fn means_of_milliseconds_are_recognised() {
        for (millis, operations) in [(7_u32, 123_u32), (12_345, 4001), (1, 3), (0, 5), (250, 250)] {
            let mean = f64::from(millis) / (1000.0 * f64::from(operations));
            let found = denominator(mean).expect("a fraction");
            assert!(
                numerator(mean, found).is_some_and(|found| found <= i64::from(millis)),
                "{millis}/{operations}"
            );
        }
    }

    proptest! {
        #[test]
        fn columns_of_one_clock_share_their_denominators(
            rows in prop::collection::vec((1990u32..2010, 0u32..100_000, 0u32..100_000), 50..200),
        ) {
            let column = |pick: fn(&(u32, u32, u32)) -> u32| {
                let cell = |(row, cells): (usize, &(u32, u32, u32))| (row, value(pick(cells).into(), cells.0.into()));
                rows.iter().enumerate().map(cell).collect::<Vec<_>>()
            };
            let mut streams = Streams::new(rows.len());
            let columns = [column(|row| row.1), column(|row| row.2)];
            let places = columns.clone().map(|cells| streams.join(cells.iter().copied(), cells.len()));
            prop_assert_eq!(places, [Some(0), Some(0)]);
            let stream = streams.finish().remove(0);
            for &(row, value) in columns.iter().flatten() {
                prop_assert!(numerator(value, stream[row]).is_some());
            }
            let right = rows.iter().zip(&stream).filter(|((clock, ..), found)| clock == *found).count();
            prop_assert!(right * 10 > rows.len() * 8, "{} of {}", right, rows.len());
        }

        #[test]
        fn a_numerator_gives_every_bit_back(value in prop::num::f64::ANY, by in 1u32..) {
            if let Some(found) = numerator(value, by) {
                prop_assert_eq!(super::value(found, by.into()).to_bits(), value.to_bits());
            }
        }
    }
}
