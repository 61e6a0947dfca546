//! A column of doubles as integers: constant, whole, decimal, fraction, following from others, or as it is; each only
//! where every bit comes back.

use super::Damaged;
use super::bytes::{Bytes, put_section, put_size};
use super::derived::{Derivation, Rule};
use super::ints::{self, Effort};
use super::ratio::{self, EXCEPTION_SHARE, Streams};

/// How a column's values are written: the low bits of its first byte.
const CONSTANT: u8 = 0;
const SCALED: u8 = 1;
const RATIO: u8 = 2;
const RAW: u8 = 3;
const DERIVED: u8 = 4;
const MODE_MASK: u8 = 0x0f;
/// Set in the first byte where some rows have no value.
const HAS_GAPS: u8 = 0x10;
/// Set where some values stand beside the mode.
const HAS_EXCEPTIONS: u8 = 0x20;
/// Digits behind the point that are tried.
const MAX_DIGITS: usize = 9;
/// The powers of ten of those digits.
const POWERS: [f64; MAX_DIGITS + 1] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
/// Values that decide whether a mode is worth a look at all of them.
const PROBES: usize = 8;
/// Whole numbers below it have an exact double each.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// What the values of a column are.
#[derive(Debug)]
enum Mode {
    Constant(f64),
    /// Digits, and the integers with what has none.
    Scaled(usize, Ints),
    Ratio(usize),
    Derived(Derivation, Vec<(usize, f64)>),
    Raw,
}

/// Values as integers; what has none stands as its neighbour, and beside them: place among the present cells, value.
type Ints = (Vec<i64>, Vec<(usize, f64)>);

/// A column looked at but not yet written: its fractions wait for those of the other columns.
#[derive(Debug)]
pub(super) struct Column<'a> {
    /// A value per row, NaN where absent.
    values: &'a [f64],
    /// How many are present.
    count: usize,
    mode: Mode,
}

/// Row and value of each present cell.
fn cells(values: &[f64]) -> impl Iterator<Item = (usize, f64)> + Clone {
    values.iter().copied().enumerate().filter(|(_, value)| !value.is_nan())
}

impl<'a> Column<'a> {
    /// Chooses the mode of `values`, NaN where absent.
    pub(super) fn new(values: &'a [f64], streams: &mut Streams) -> Self {
        let count = values.iter().filter(|value| !value.is_nan()).count();
        let mode = constant(values)
            .map(Mode::Constant)
            .or_else(|| decimals(values, count).map(|(digits, ints)| Mode::Scaled(digits, ints)))
            .or_else(|| streams.join(cells(values), count).map(Mode::Ratio))
            .unwrap_or(Mode::Raw);
        Self { values, count, mode }
    }

    /// A column that follows from two others, given as `a` and `b`.
    pub(super) fn derived(values: &'a [f64], derivation: Derivation, a: &[f64], b: &[f64]) -> Self {
        let follows = |row: usize, value: f64| {
            let (Some(a), Some(b)) = (a.get(row), b.get(row)) else {
                return false;
            };
            derivation.rule.apply(*a, *b).to_bits() == value.to_bits()
        };
        let misfits = cells(values).enumerate().filter(|(_, (row, value))| !follows(*row, *value));
        let exceptions = misfits.map(|(place, (_, value))| (place, value)).collect();
        Self { values, count: cells(values).count(), mode: Mode::Derived(derivation, exceptions) }
    }

    /// Whether its bytes depend on other columns' fractions.
    pub(super) const fn waits_for_streams(&self) -> bool {
        matches!(self.mode, Mode::Ratio(_))
    }

    /// Appends the column's bytes.
    pub(super) fn write(&self, streams: &[Vec<u32>], effort: Effort, out: &mut Vec<u8>) {
        match &self.mode {
            Mode::Constant(value) => {
                self.put_head(CONSTANT, &[], out);
                out.extend(value.to_le_bytes());
            }
            Mode::Scaled(digits, (ints, exceptions)) => {
                self.put_head(SCALED, exceptions, out);
                out.push(digits.to_le_bytes()[0]);
                ints::encode(ints, effort, out);
            }
            &Mode::Ratio(stream) => {
                let denominators = streams.get(stream).map_or(&[][..], Vec::as_slice);
                let numerator = |row: usize, value| ratio::numerator(value, *denominators.get(row)?);
                let (ints, exceptions) =
                    integers(cells(self.values), self.count, self.count, numerator).unwrap_or_default();
                self.put_head(RATIO, &exceptions, out);
                put_size(out, stream);
                ints::encode(&ints, effort, out);
            }
            Mode::Derived(Derivation { rule, a, b }, exceptions) => {
                self.put_head(DERIVED, exceptions, out);
                out.push(Rule::ALL.iter().position(|known| known == rule).unwrap_or(0).to_le_bytes()[0]);
                put_size(out, *a);
                put_size(out, *b);
            }
            Mode::Raw => {
                self.put_head(RAW, &[], out);
                let ints: Vec<i64> = cells(self.values).map(|(_, value)| sortable(value)).collect();
                ints::encode(&ints, effort, out);
            }
        }
    }

    /// What comes before the body.
    fn put_head(&self, mode: u8, exceptions: &[(usize, f64)], out: &mut Vec<u8>) {
        let gaps = self.count < self.values.len();
        let flags = if gaps { HAS_GAPS } else { 0 } | if exceptions.is_empty() { 0 } else { HAS_EXCEPTIONS };
        out.push(mode | flags);
        if gaps {
            self.put_gaps(out);
        }
        if !exceptions.is_empty() {
            put_exceptions(exceptions, out);
        }
    }

    /// The lengths of runs with and without a value, in turn, the first with.
    fn put_gaps(&self, out: &mut Vec<u8>) {
        let (mut runs, mut next, mut run) = (Vec::new(), 0, 0);
        for (row, _) in cells(self.values) {
            if row > next {
                runs.extend([run, as_int(row - next)]);
                run = 0;
            }
            run += 1;
            next = row + 1;
        }
        runs.push(run);
        let mut section = Vec::new();
        put_size(&mut section, runs.len());
        ints::encode(&runs, Effort::Thorough, &mut section);
        put_section(out, &section);
    }
}

/// Whether a column follows from others.
pub(super) fn is_derived(data: &[u8]) -> bool {
    data.first().is_some_and(|head| head & MODE_MASK == DERIVED)
}

/// Where a column finds what it shares with others.
pub(super) trait Shared {
    /// Denominators by number, one a row.
    fn stream(&self, number: usize) -> Result<&[i64], Damaged>;

    /// Another column by its place.
    fn column(&self, place: usize) -> Result<Vec<f64>, Damaged>;
}

/// Reads the whole of `data` as a column of `row_count` rows.
pub(super) fn decode(data: &[u8], row_count: usize, shared: &impl Shared) -> Result<Vec<f64>, Damaged> {
    let mut bytes = Bytes::new(data);
    let head = bytes.byte()?;
    let present = if head & HAS_GAPS == 0 { None } else { Some(read_gaps(bytes.section()?, row_count)?) };
    let count = present.as_ref().map_or(row_count, Vec::len);
    let exceptions =
        if head & HAS_EXCEPTIONS == 0 { Vec::new() } else { read_exceptions(&mut bytes, count)? };
    let mut values = read_values(head & MODE_MASK, bytes, count, present.as_deref(), shared)?;
    for (place, value) in exceptions {
        *values.get_mut(place).ok_or(Damaged("an exception nowhere"))? = value;
    }
    if !values.iter().all(|value| value.is_finite()) {
        return Err(Damaged("a value that is not finite"));
    }
    Ok(match present {
        None => values,
        Some(rows) => spread(row_count, &rows, values),
    })
}

fn read_values(
    mode: u8,
    mut bytes: Bytes<'_>,
    count: usize,
    present: Option<&[usize]>,
    shared: &impl Shared,
) -> Result<Vec<f64>, Damaged> {
    match mode {
        CONSTANT => Ok(vec![f64::from_le_bytes(bytes.array()?); count]),
        SCALED => {
            let power = POWERS.get(usize::from(bytes.byte()?)).ok_or(Damaged("no such power"))?;
            let ints = ints::decode(bytes.rest(), count)?;
            Ok(ints.into_iter().map(|int| int as f64 / power).collect())
        }
        RATIO => {
            let denominators = shared.stream(bytes.size(ratio::MAX_STREAMS)?)?;
            let numerators = ints::decode(bytes.rest(), count)?;
            let value = |numerator: i64, row: usize| {
                let denominator = denominators.get(row).copied().unwrap_or(0);
                ratio::value(numerator, denominator)
            };
            Ok(match present {
                None => numerators.into_iter().enumerate().map(|(row, n)| value(n, row)).collect(),
                Some(rows) => numerators.into_iter().zip(rows).map(|(n, row)| value(n, *row)).collect(),
            })
        }
        DERIVED => {
            let rule = *Rule::ALL.get(usize::from(bytes.byte()?)).ok_or(Damaged("no such rule"))?;
            let (a, b) = (bytes.size(usize::MAX)?, bytes.size(usize::MAX)?);
            let (a, b) = (shared.column(a)?, shared.column(b)?);
            let follow = a.into_iter().zip(b).map(|(a, b)| rule.apply(a, b));
            Ok(match present {
                None => follow.collect(),
                Some(rows) => {
                    let follow: Vec<f64> = follow.collect();
                    rows.iter().map(|row| follow.get(*row).copied().unwrap_or(f64::NAN)).collect()
                }
            })
        }
        RAW => Ok(ints::decode(bytes.rest(), count)?.into_iter().map(from_sortable).collect()),
        _ => Err(Damaged("no such mode")),
    }
}

fn spread(row_count: usize, rows: &[usize], values: Vec<f64>) -> Vec<f64> {
    let mut column = vec![f64::NAN; row_count];
    for (row, value) in rows.iter().zip(values) {
        if let Some(cell) = column.get_mut(*row) {
            *cell = value;
        }
    }
    column
}

fn read_gaps(section: &[u8], row_count: usize) -> Result<Vec<usize>, Damaged> {
    let mut bytes = Bytes::new(section);
    let runs = bytes.size(row_count + 1)?;
    let (mut rows, mut next) = (Vec::new(), 0_usize);
    for (index, run) in ints::decode(bytes.rest(), runs)?.into_iter().enumerate() {
        let end = usize::try_from(run).ok().and_then(|run| next.checked_add(run));
        let end = end.filter(|end| *end <= row_count).ok_or(Damaged("a run too long"))?;
        if index % 2 == 0 {
            rows.extend(next..end);
        }
        next = end;
    }
    Ok(rows)
}

fn put_exceptions(exceptions: &[(usize, f64)], out: &mut Vec<u8>) {
    put_size(out, exceptions.len());
    let places: Vec<i64> = exceptions.iter().map(|(place, _)| as_int(*place)).collect();
    let mut section = Vec::new();
    ints::encode(&places, Effort::Thorough, &mut section);
    put_section(out, &section);
    out.extend(exceptions.iter().flat_map(|(_, value)| value.to_le_bytes()));
}

fn read_exceptions(bytes: &mut Bytes<'_>, count: usize) -> Result<Vec<(usize, f64)>, Damaged> {
    let exceptions = bytes.size(count)?;
    let places = ints::decode(bytes.section()?, exceptions)?;
    let place = |place: i64| usize::try_from(place).map_err(|_| Damaged("an exception nowhere"));
    places.into_iter().map(|int| Ok((place(int)?, f64::from_le_bytes(bytes.array()?)))).collect()
}

/// The one value of all cells, where there is but one.
fn constant(values: &[f64]) -> Option<f64> {
    let (_, first) = cells(values).next()?;
    cells(values).all(|(_, value)| value.to_bits() == first.to_bits()).then_some(first)
}

/// Each of `count` values as the integer that `as_int` makes of it; nothing where it cannot with more than `most`.
fn integers(
    cells: impl Iterator<Item = (usize, f64)>,
    count: usize,
    most: usize,
    as_int: impl Fn(usize, f64) -> Option<i64>,
) -> Option<Ints> {
    let (mut ints, mut exceptions) = (Vec::with_capacity(count), Vec::new());
    let mut last = 0;
    for (row, value) in cells {
        if let Some(int) = as_int(row, value) {
            last = int;
        } else if exceptions.len() < most {
            exceptions.push((ints.len(), value));
        } else {
            return None;
        }
        ints.push(last);
    }
    Some((ints, exceptions))
}

/// The least number of digits behind the point of all but a few cells, and those as integers.
fn decimals(values: &[f64], count: usize) -> Option<(usize, Ints)> {
    // Looked at once, and not again for each number of digits.
    let mut few = [0.0; PROBES + 1];
    let mut probed = 0;
    for (slot, (_, value)) in few.iter_mut().zip(cells(values).step_by(count / PROBES + 1)) {
        *slot = value;
        probed += 1;
    }
    let few = few.get(..probed).unwrap_or_default();
    let most = count / EXCEPTION_SHARE;
    (0..=MAX_DIGITS).find_map(|digits| {
        let misfits = few.iter().filter(|value| scaled(**value, digits).is_none());
        let is_worth_it = misfits.take(2).count() <= 1;
        let ints = || integers(cells(values), count, most, |_, value| scaled(value, digits));
        is_worth_it.then(ints).flatten().map(|ints| (digits, ints))
    })
}

/// The whole number that divided by ten to the `digits` is `value`, to the last bit.
fn scaled(value: f64, digits: usize) -> Option<i64> {
    if digits == 0 {
        return exact(value).filter(|whole| (*whole as f64).to_bits() == value.to_bits());
    }
    let power = POWERS.get(digits)?;
    let whole = exact(round(value * power))?;
    (whole as f64 / power).to_bits().eq(&value.to_bits()).then_some(whole)
}

/// The value as an integer, where it is small enough to be exact.
#[expect(clippy::cast_possible_truncation, reason = "bounded by EXACT")]
fn exact(value: f64) -> Option<i64> {
    (value.abs() < EXACT).then_some(value as i64)
}

/// The nearest whole number, for values below 2^51, by the rounding of the sum: without SSE 4.1 `f64::round` is a call.
pub(super) fn round(value: f64) -> f64 {
    const ROUNDS: f64 = 6_755_399_441_055_744.0;
    (value + ROUNDS) - ROUNDS
}

/// Doubles as integers of the same order.
fn sortable(value: f64) -> i64 {
    let bits = value.to_bits().cast_signed();
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

/// The inverse of [`sortable`].
fn from_sortable(int: i64) -> f64 {
    f64::from_bits((int ^ ((int >> 63).cast_unsigned() >> 1).cast_signed()).cast_unsigned())
}

fn as_int(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A column that shares nothing but streams.
    struct Alone(Vec<Vec<i64>>);

    impl Shared for Alone {
        fn stream(&self, number: usize) -> Result<&[i64], Damaged> {
            self.0.get(number).map(Vec::as_slice).ok_or(Damaged("no such stream"))
        }

        fn column(&self, _: usize) -> Result<Vec<f64>, Damaged> {
            Err(Damaged("no such column"))
        }
    }

    fn round_trip(values: &[f64]) -> (usize, u8) {
        let mut streams = Streams::new(values.len());
        let column = Column::new(values, &mut streams);
        let streams = streams.finish();
        let mut out = Vec::new();
        column.write(&streams, Effort::Thorough, &mut out);
        let shared = streams.iter().map(|rows| rows.iter().map(|row| i64::from(*row)).collect()).collect();
        let back = decode(&out, values.len(), &Alone(shared)).expect("just encoded");
        let bits =
            |values: &[f64]| values.iter().map(|v| (!v.is_nan()).then(|| v.to_bits())).collect::<Vec<_>>();
        assert_eq!(bits(&back), bits(values));
        (out.len(), out[0] & MODE_MASK)
    }

    #[test]
    fn each_kind_of_column_has_its_mode() {
        let check = |value: fn(u32) -> f64, mode: u8, at_most: usize| {
            let values: Vec<f64> = (0..1800).map(|n| value(n * 7919 % 1009)).collect();
            let (size, found) = round_trip(&values);
            assert!(found == mode && size <= at_most, "mode {found}, {size} bytes");
        };
        check(|_| 0.1, CONSTANT, 9);
        check(|n| f64::from(n % 16), SCALED, 920);
        check(|n| f64::from(n % 16) * 4096.0, SCALED, 920);
        check(|n| f64::from(n % 16) / 100.0, SCALED, 920);
        check(|n| 100.0 * f64::from(n % 16) / f64::from(199 + n % 3), RATIO, 920);
        check(|n| if n == 5 { -0.0 } else { f64::from(n % 16) }, SCALED, 970);
        check(|n| f64::from(n).sqrt(), RAW, 13_000);
        check(|n| if n < 900 { 7.0 } else { f64::NAN }, CONSTANT, 400);
    }

    #[test]
    fn odd_values_survive() {
        round_trip(&[]);
        round_trip(&[f64::NAN; 5]);
        round_trip(&[f64::NAN, 1.0, f64::NAN, -0.0, 0.0]);
        round_trip(&[f64::MAX, f64::MIN, f64::MIN_POSITIVE, 5e-324, -5e-324, 9_007_199_254_740_993.0]);
        round_trip(&[0.0, -0.0, 0.0, -0.0]);
    }

    fn columns() -> impl Strategy<Value = Vec<f64>> {
        let odd =
            prop_oneof![Just(f64::NAN), Just(-0.0), any::<f64>().prop_filter("finite", |v| v.is_finite())];
        let ratio = (0u32..5000, 1u32..5000).prop_map(|(a, b)| 100.0 * f64::from(a) / f64::from(b));
        let decimal = (any::<i32>(), 0i32..8).prop_map(|(a, d)| f64::from(a) / 10f64.powi(d));
        let few = prop_oneof![40 => decimal, 1 => odd.clone()];
        prop_oneof![
            prop::collection::vec(odd, 0..100),
            prop::collection::vec(ratio, 0..200),
            prop::collection::vec(few, 0..300),
        ]
    }

    proptest! {
        #[test]
        fn every_column_survives(values in columns()) {
            round_trip(&values);
        }

        #[test]
        fn no_bytes_panic(data: Vec<u8>, count in 0usize..300) {
            let decoded = decode(&data, count, &Alone(vec![vec![2; count]; 3]));
            prop_assert!(decoded.is_err() || decoded.is_ok_and(|values| values.len() == count));
        }
    }
}
