//! A stream of integers: differences of the order that leaves least, their common factor taken out, then a prefix code
//! over magnitudes with the low bits as they are.

use super::Damaged;
use super::bits::{BitReader, BitWriter, PEEKED_BITS};
use super::bytes::{Bytes, put_section, put_signed, put_size, put_varint, unzigzag, zigzag};
use super::huffman::{Code, Decoder};

/// Magnitudes with a symbol of their own; above, two symbols an octave.
const DIRECT: u64 = 16;
/// Symbols there are: the direct ones, and two for each of the lengths 5 to 64.
const SYMBOLS: usize = 16 + 2 * 60;
/// Below this share of values that are not zero their places are written instead.
const SPARSE_SHARE: usize = 5;

/// Values that a median is taken of; of what is not kept for long a few are enough.
const MOST_SAMPLED: usize = 31;
const QUICKLY_SAMPLED: usize = 7;

/// How the residues are written.
const ZEROS: u8 = 0;
const PACKED: u8 = 1;
const CODED: u8 = 2;
const SPARSE: u8 = 3;
/// The place of the order of differences and of the mark of a common factor in a stream's first byte.
const ORDER_SHIFT: u8 = 4;
const FACTOR_BIT: u8 = 1 << 3;

/// How much time bytes are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// What lives for an hour: bits of one width.
    Quick,
    /// What is kept: a prefix code where it is shorter.
    Thorough,
}

/// Appends `values`; their count is for the caller to keep.
pub(crate) fn encode(values: &[i64], effort: Effort, out: &mut Vec<u8>) {
    let (order, base, residues) = best_order(values, effort);
    let factor = common_factor(&residues);
    let magnitudes: Vec<u64> = if factor > 1 {
        let divisor = ExactDivisor::new(factor);
        residues.into_iter().map(|residue| zigzag(divisor.divide(residue))).collect()
    } else {
        residues.into_iter().map(zigzag).collect()
    };
    let start = out.len();
    out.push(order << ORDER_SHIFT | if factor > 1 { FACTOR_BIT } else { 0 });
    for value in base {
        put_signed(out, value);
    }
    if factor > 1 {
        put_varint(out, factor);
    }
    let coder = put_magnitudes(&magnitudes, effort, true, out);
    if let Some(head) = out.get_mut(start) {
        *head |= coder;
    }
}

/// Reads the whole of `data` as `count` values.
pub(crate) fn decode(data: &[u8], count: usize) -> Result<Vec<i64>, Damaged> {
    let mut bytes = Bytes::new(data);
    let head = bytes.byte()?;
    let order = usize::from(head >> ORDER_SHIFT);
    if order > 2 {
        return Err(Damaged("no such order"));
    }
    let base_count = match order {
        0 => 1,
        1 => 2 * count.min(1),
        _ => count.min(2),
    };
    let base: Vec<i64> = (0..base_count).map(|_| bytes.signed()).collect::<Result<_, _>>()?;
    let factor = if head & FACTOR_BIT == 0 { 1 } else { bytes.varint()?.cast_signed() };
    let magnitudes = read_magnitudes(head & 7, bytes, count.saturating_sub(order))?;
    let residue = |magnitude: u64| unzigzag(magnitude).wrapping_mul(factor);
    Ok(match (order, base.as_slice()) {
        (0, [base]) => magnitudes.into_iter().map(|own| base.wrapping_add(residue(own))).collect(),
        (1, [first, step]) => sums(*first, count, magnitudes, |own| step.wrapping_add(residue(own))),
        (2, [first, step]) => {
            let mut step = *step;
            let second = first.wrapping_add(step);
            let mut values = sums(second, count, magnitudes, |own| {
                step = step.wrapping_add(residue(own));
                step
            });
            values.insert(0, *first);
            values
        }
        _ => base,
    })
}

/// `first`, and behind it the sums so far of what each magnitude stands for; room for `count`.
fn sums(first: i64, count: usize, magnitudes: Vec<u64>, mut step: impl FnMut(u64) -> i64) -> Vec<i64> {
    let mut values = Vec::with_capacity(count);
    values.push(first);
    let mut sum = first;
    values.extend(magnitudes.into_iter().map(|magnitude| {
        sum = sum.wrapping_add(step(magnitude));
        sum
    }));
    values
}

/// The order of differences whose residues have the fewest bits: order, what the decoder starts from, residues.
fn best_order(values: &[i64], effort: Effort) -> (u8, Vec<i64>, Vec<i64>) {
    let (Some(start), Some(next)) = (values.first(), values.get(1)) else {
        let first = values.first().copied().unwrap_or(0);
        return (0, vec![first], vec![0; values.len()]);
    };
    let (middle, step) = usual_of(values, effort);
    let mut costs = [0_u64, 8, 8];
    let (mut last, mut last_step) = (*start, next.wrapping_sub(*start));
    for value in values {
        let own_step = value.wrapping_sub(last);
        costs[0] += cost(value.wrapping_sub(middle));
        costs[1] += cost(own_step.wrapping_sub(step));
        costs[2] += cost(own_step.wrapping_sub(last_step));
        (last, last_step) = (*value, own_step);
    }
    if costs[2] < costs[1] && costs[2] < costs[0] {
        let rest =
            steps(values).zip(steps(values).skip(1)).map(|(earlier, later)| later.wrapping_sub(earlier));
        (2, vec![*start, next.wrapping_sub(*start)], rest.collect())
    } else if costs[1] < costs[0] {
        (1, vec![*start, step], steps(values).map(|own| own.wrapping_sub(step)).collect())
    } else {
        (0, vec![middle], values.iter().map(|value| value.wrapping_sub(middle)).collect())
    }
}

fn steps(values: &[i64]) -> impl Iterator<Item = i64> {
    values.iter().zip(values.iter().skip(1)).map(|(earlier, later)| later.wrapping_sub(*earlier))
}

/// Bits of a residue.
fn cost(residue: i64) -> u64 {
    u64::from(64 - zigzag(residue).leading_zeros())
}

/// The medians of a few values and of a few steps: what most are near.
fn usual_of(values: &[i64], effort: Effort) -> (i64, i64) {
    let most = if effort == Effort::Quick { QUICKLY_SAMPLED } else { MOST_SAMPLED };
    let every = values.len() / most + 1;
    let steps = values.iter().step_by(every).zip(values.iter().skip(1).step_by(every));
    let steps = steps.map(|(earlier, later)| later.wrapping_sub(*earlier));
    (median(values.iter().step_by(every).copied()), median(steps))
}

/// The median of at most [`MOST_SAMPLED`] values.
fn median(values: impl Iterator<Item = i64>) -> i64 {
    let mut few = [0; MOST_SAMPLED];
    let mut sampled = 0;
    for (slot, value) in few.iter_mut().zip(values) {
        *slot = value;
        sampled += 1;
    }
    let few = few.get_mut(..sampled).unwrap_or_default();
    if few.is_empty() { 0 } else { *few.select_nth_unstable(sampled / 2).1 }
}

/// The greatest common factor of what is not zero, at least 1.
fn common_factor(residues: &[i64]) -> u64 {
    let mut factor = 0_u64;
    for residue in residues.iter().filter(|residue| **residue != 0) {
        factor = gcd(residue.unsigned_abs(), factor);
        if factor == 1 {
            break;
        }
    }
    // The division is exact but for a factor that only i64::MIN has.
    if factor > i64::MAX.unsigned_abs() { 1 } else { factor.max(1) }
}

/// Divides by a number what is a multiple of it, without a division: by shifting out its twos, and multiplying with the
/// inverse of the odd rest.
struct ExactDivisor {
    twos: u32,
    inverse: i64,
}

impl ExactDivisor {
    /// For a divisor that is not 0.
    fn new(divisor: u64) -> Self {
        let twos = divisor.trailing_zeros();
        let odd = divisor >> twos;
        // Right in its lowest three bits, and in twice as many with each step.
        let mut inverse = odd;
        for _ in 0..5 {
            inverse = inverse.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(inverse)));
        }
        Self { twos, inverse: inverse.cast_signed() }
    }

    const fn divide(&self, multiple: i64) -> i64 {
        (multiple >> self.twos).wrapping_mul(self.inverse)
    }
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Writes magnitudes in the shortest way and returns its number.
fn put_magnitudes(magnitudes: &[u64], effort: Effort, may_be_sparse: bool, out: &mut Vec<u8>) -> u8 {
    let non_zero = magnitudes.iter().filter(|magnitude| **magnitude != 0).count();
    if non_zero == 0 {
        return ZEROS;
    }
    if may_be_sparse && non_zero * SPARSE_SHARE < magnitudes.len() {
        put_sparse(magnitudes, non_zero, effort, out);
        return SPARSE;
    }
    let all = magnitudes.iter().fold(0, |all, magnitude| all | magnitude);
    let width = 64 - all.leading_zeros();
    let packed_cost = 8 + u64::from(width) * magnitudes.len() as u64;
    if effort == Effort::Quick || packed_cost <= 24 {
        put_packed(magnitudes, width, out);
        return PACKED;
    }
    let mut counts = [0_u32; SYMBOLS];
    let mut low_bits = 0_u64;
    for magnitude in magnitudes {
        let symbol = Symbol::of(*magnitude);
        counts.iter_mut().skip(symbol.number).take(1).for_each(|count| *count += 1);
        low_bits += u64::from(symbol.low_bits);
    }
    let code = Code::new(&counts);
    if packed_cost <= code.header_cost() as u64 * 8 + code.cost(&counts) + low_bits {
        put_packed(magnitudes, width, out);
        return PACKED;
    }
    code.write(out);
    let mut bits = BitWriter::new(out, magnitudes.len());
    for magnitude in magnitudes {
        let symbol = Symbol::of(*magnitude);
        code.put(symbol.number, &mut bits);
        bits.put_wide(magnitude & low_mask(symbol.low_bits), symbol.low_bits);
    }
    bits.finish();
    CODED
}

fn put_packed(magnitudes: &[u64], width: u32, out: &mut Vec<u8>) {
    out.push(width.to_le_bytes()[0]);
    let mut bits = BitWriter::new(out, magnitudes.len() * width as usize);
    for magnitude in magnitudes {
        bits.put_wide(*magnitude, width);
    }
    bits.finish();
}

/// The distances between values that are not zero, and those values.
fn put_sparse(magnitudes: &[u64], non_zero: usize, effort: Effort, out: &mut Vec<u8>) {
    let (mut gaps, mut values, mut gap) = (Vec::with_capacity(non_zero), Vec::with_capacity(non_zero), 0);
    for magnitude in magnitudes {
        if *magnitude == 0 {
            gap += 1;
        } else {
            gaps.push(gap);
            values.push(magnitude - 1);
            gap = 0;
        }
    }
    put_size(out, non_zero);
    let mut section = vec![0];
    let coder = put_magnitudes(&gaps, effort, false, &mut section);
    section.iter_mut().take(1).for_each(|head| *head = coder);
    put_section(out, &section);
    let start = out.len();
    out.push(0);
    let coder = put_magnitudes(&values, effort, false, out);
    if let Some(head) = out.get_mut(start) {
        *head = coder;
    }
}

fn read_magnitudes(coder: u8, mut bytes: Bytes<'_>, count: usize) -> Result<Vec<u64>, Damaged> {
    match coder {
        ZEROS if bytes.is_empty() => Ok(vec![0; count]),
        PACKED => {
            let width = u32::from(bytes.byte()?);
            if width > 64 || bytes.rest().len() as u64 * 8 < u64::from(width) * count as u64 {
                return Err(Damaged("packed bits are missing"));
            }
            Ok(read_packed(BitReader::new(bytes.rest()), width, count))
        }
        CODED => read_coded(bytes, count),
        SPARSE => read_sparse(bytes, count),
        _ => Err(Damaged("no such coder")),
    }
}

/// Numbers of that width; most are read at once.
fn read_packed(mut bits: BitReader<'_>, width: u32, count: usize) -> Vec<u64> {
    if width <= PEEKED_BITS {
        let mask = (1 << width) - 1;
        let next = |_| {
            let magnitude = bits.peek() & mask;
            bits.skip(width);
            magnitude
        };
        (0..count).map(next).collect()
    } else {
        (0..count).map(|_| bits.get_wide(width)).collect()
    }
}

fn read_coded(mut bytes: Bytes<'_>, count: usize) -> Result<Vec<u64>, Damaged> {
    let decoder = Decoder::read(&mut bytes)?;
    // Each value takes a bit at least.
    if bytes.rest().len() * 8 < count {
        return Err(Damaged("coded bits are missing"));
    }
    let mut bits = BitReader::new(bytes.rest());
    let mut magnitudes = Vec::with_capacity(count);
    for _ in 0..count {
        let symbol = u64::from(decoder.get(&mut bits)?);
        if symbol < DIRECT {
            magnitudes.push(symbol);
            continue;
        }
        let low_bits = u32::try_from((symbol - DIRECT) / 2 + 3).unwrap_or(u32::MAX);
        if low_bits > 62 {
            return Err(Damaged("no such symbol"));
        }
        magnitudes.push((2 | (symbol & 1)) << low_bits | bits.get_wide(low_bits));
    }
    bits.finish()?;
    Ok(magnitudes)
}

fn read_sparse(mut bytes: Bytes<'_>, count: usize) -> Result<Vec<u64>, Damaged> {
    let non_zero = bytes.size(count)?;
    let mut section = Bytes::new(bytes.section()?);
    let gaps = match section.byte()? {
        SPARSE => return Err(Damaged("sparse in sparse")),
        coder => read_magnitudes(coder, section, non_zero)?,
    };
    let values = match bytes.byte()? {
        SPARSE => return Err(Damaged("sparse in sparse")),
        coder => read_magnitudes(coder, bytes, non_zero)?,
    };
    let mut magnitudes = vec![0; count];
    let mut place = 0_usize;
    for (gap, value) in gaps.into_iter().zip(values) {
        place = usize::try_from(gap)
            .ok()
            .and_then(|gap| place.checked_add(gap))
            .ok_or(Damaged("a gap too wide"))?;
        *magnitudes.get_mut(place).ok_or(Damaged("a gap too wide"))? = value.wrapping_add(1);
        place += 1;
    }
    Ok(magnitudes)
}

/// What a magnitude is coded as.
struct Symbol {
    number: usize,
    /// Bits behind the symbol that are written as they are.
    low_bits: u32,
}

impl Symbol {
    fn of(magnitude: u64) -> Self {
        if magnitude < DIRECT {
            return Self { number: magnitude.to_le_bytes()[0].into(), low_bits: 0 };
        }
        let low_bits = 62 - magnitude.leading_zeros();
        let second = usize::from(magnitude >> low_bits & 1 == 1);
        Self { number: 16 + (low_bits as usize - 3) * 2 + second, low_bits }
    }
}

const fn low_mask(count: u32) -> u64 {
    (1 << count) - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(values: &[i64]) -> usize {
        let mut out = Vec::new();
        encode(values, Effort::Quick, &mut out);
        assert_eq!(decode(&out, values.len()).expect("just encoded"), values);
        out.clear();
        encode(values, Effort::Thorough, &mut out);
        assert_eq!(decode(&out, values.len()).expect("just encoded"), values);
        out.len()
    }

    #[test]
    fn regular_streams_are_small() {
        let check = |values: Vec<i64>, at_most: usize| {
            let size = round_trip(&values);
            assert!(size <= at_most, "{size} bytes for {:?}…", &values[..4]);
        };
        check(vec![7; 1800], 3);
        check((0..1800).map(|n| 1_700_000_000_000 + n * 2000).collect(), 12);
        check((0..1800).map(|n| n * 2000 + n % 2).collect(), 240);
        check((0..1800).map(|n| n * n).collect(), 240);
        check((0..1800).map(|n| if n == 900 { 5 << 40 } else { 3 << 40 }).collect(), 30);
        check((0..1800).map(|n| (n * 7919) % 8 * 4096).collect(), 1800 * 3 / 8 + 16);
    }

    #[test]
    fn extremes_survive() {
        round_trip(&[]);
        round_trip(&[i64::MIN]);
        round_trip(&[i64::MAX, i64::MIN, 0, -1, 1, i64::MIN, i64::MAX]);
        round_trip(&[0, i64::MIN, 0, i64::MIN]);
        round_trip(&[0; 100]);
    }

    fn streams() -> impl Strategy<Value = Vec<i64>> {
        let near = (any::<i64>(), 0u32..63, prop::collection::vec(any::<i64>(), 0..300)).prop_map(
            |(base, bits, noise)| noise.into_iter().map(|n| base.wrapping_add(n >> bits)).collect(),
        );
        let rare = (1usize..50, prop::collection::vec(any::<i32>(), 0..300)).prop_map(
            |(every, values): (usize, Vec<i32>)| {
                values
                    .into_iter()
                    .enumerate()
                    .map(|(n, v)| if n % every == 0 { i64::from(v) } else { 0 })
                    .collect()
            },
        );
        prop_oneof![near, rare, prop::collection::vec(any::<i64>(), 0..100)]
    }

    proptest! {
        #[test]
        fn multiples_are_divided_exactly(factor in 1u64..=i64::MAX.unsigned_abs(), times: i64) {
            for factor in [factor, factor >> 40 | 1, 1 << (factor % 63)] {
                let most = i64::MAX / factor.cast_signed();
                let times = if most == 0 { 0 } else { times % most };
                prop_assert_eq!(ExactDivisor::new(factor).divide(times * factor.cast_signed()), times);
            }
        }

        #[test]
        fn every_stream_survives(values in streams()) {
            round_trip(&values);
        }

        #[test]
        fn no_bytes_panic(data: Vec<u8>, count in 0usize..3000) {
            prop_assert!(decode(&data, count).is_ok_and(|values| values.len() == count) || decode(&data, count).is_err());
        }

        #[test]
        fn no_altered_bytes_panic(values in streams(), at: prop::sample::Index, bits: u8) {
            let mut out = Vec::new();
            encode(&values, Effort::Thorough, &mut out);
            *at.get_mut(&mut out) ^= bits;
            prop_assert!(decode(&out, values.len()).is_ok_and(|back| back.len() == values.len()) || decode(&out, values.len()).is_err());
        }
    }
}
