//! A canonical prefix code of bounded length over small alphabets.

use super::Damaged;
use super::bits::{BitReader, BitWriter};
use super::bytes::Bytes;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Longest code word, bits: a decoding table of 4096 entries at most.
const MAX_LENGTH: u8 = 12;
/// Symbols that an alphabet may have.
pub(crate) const MAX_SYMBOLS: usize = 160;

/// Code word lengths per symbol; 0 where a symbol does not occur.
#[derive(Debug)]
pub(crate) struct Code {
    lengths: Vec<u8>,
    words: Vec<u16>,
}

impl Code {
    /// The code for symbols that occur so often; at least one occurs.
    pub(crate) fn new(counts: &[u32]) -> Self {
        let mut lengths = tree_depths(counts);
        limit(&mut lengths, counts);
        let words = words(&lengths);
        Self { lengths, words }
    }

    /// Bits that the counted symbols will take.
    pub(crate) fn cost(&self, counts: &[u32]) -> u64 {
        self.lengths.iter().zip(counts).map(|(length, count)| u64::from(*length) * u64::from(*count)).sum()
    }

    /// Bytes of [`Code::write`].
    pub(crate) fn header_cost(&self) -> usize {
        let used =
            || self.lengths.iter().enumerate().filter(|(_, length)| **length > 0).map(|(symbol, _)| symbol);
        2 + (used().next_back().unwrap_or(0) + 1 - used().next().unwrap_or(0)).div_ceil(2)
    }

    /// First and last symbol in use, and a nibble for each between them.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let is_used = |length: &u8| *length > 0;
        let first = self.lengths.iter().position(is_used).unwrap_or(0);
        let last = self.lengths.iter().rposition(is_used).unwrap_or(0);
        out.extend([first, last].map(|symbol| u8::try_from(symbol).unwrap_or(u8::MAX)));
        for pair in self.lengths.get(first..=last).unwrap_or_default().chunks(2) {
            out.push(pair.iter().rev().fold(0, |byte, length| byte << 4 | length));
        }
    }

    /// Appends the word of `symbol`.
    pub(crate) fn put(&self, symbol: usize, out: &mut BitWriter<'_>) {
        if let (Some(word), Some(length)) = (self.words.get(symbol), self.lengths.get(symbol)) {
            out.put(u64::from(*word), u32::from(*length));
        }
    }
}

/// Reads code words by table.
#[derive(Debug)]
pub(crate) struct Decoder {
    /// Symbol and length by the next bits; length 0 where no word begins so.
    table: Vec<(u8, u8)>,
    mask: u64,
}

impl Decoder {
    pub(crate) fn read(bytes: &mut Bytes<'_>) -> Result<Self, Damaged> {
        let (first, last) = (usize::from(bytes.byte()?), usize::from(bytes.byte()?));
        if first > last || last >= MAX_SYMBOLS {
            return Err(Damaged("no such symbols"));
        }
        let mut lengths = vec![0; first];
        for pair in bytes.take((last - first + 1).div_ceil(2))? {
            lengths.extend([pair & 15, pair >> 4]);
        }
        lengths.truncate(last + 1);
        let longest = lengths.iter().copied().max().unwrap_or(0);
        let filled: u32 =
            lengths.iter().filter(|length| **length > 0).map(|length| 1 << (longest - length)).sum();
        if longest == 0 || longest > MAX_LENGTH || filled > 1 << longest {
            return Err(Damaged("no prefix code"));
        }
        let mut table = vec![(0, 0); 1 << longest];
        for ((symbol, length), word) in (0_u8..).zip(&lengths).zip(words(&lengths)) {
            if *length > 0 {
                let places = table.iter_mut().skip(usize::from(word)).step_by(1 << length);
                places.for_each(|place| *place = (symbol, *length));
            }
        }
        Ok(Self { table, mask: (1 << longest) - 1 })
    }

    /// The next symbol.
    pub(crate) fn get(&self, bits: &mut BitReader<'_>) -> Result<u8, Damaged> {
        let place = usize::try_from(bits.peek() & self.mask).unwrap_or(0);
        match self.table.get(place) {
            Some(&(symbol, length)) if length > 0 => {
                bits.skip(u32::from(length));
                Ok(symbol)
            }
            _ => Err(Damaged("no code word")),
        }
    }
}

/// Depths of the symbols in Huffman's tree.
fn tree_depths(counts: &[u32]) -> Vec<u8> {
    let mut heap: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::with_capacity(counts.len());
    let mut parents = vec![usize::MAX; counts.len()];
    heap.extend(
        counts
            .iter()
            .enumerate()
            .filter(|(_, n)| **n > 0)
            .map(|(symbol, n)| Reverse((u64::from(*n), symbol))),
    );
    let lone = heap.len() == 1;
    while let Some(Reverse((count, node))) = heap.pop()
        && let Some(Reverse((other_count, other))) = heap.pop()
    {
        let parent = parents.len();
        parents.push(usize::MAX);
        for child in [node, other] {
            if let Some(place) = parents.get_mut(child) {
                *place = parent;
            }
        }
        heap.push(Reverse((count + other_count, parent)));
    }
    // A parent has a greater number than its children, so going down finds each parent's depth known.
    let mut depths = vec![0_u8; parents.len()];
    for node in (0..parents.len()).rev() {
        let above = parents.get(node).and_then(|parent| depths.get(*parent)).map(|depth| depth + 1);
        if let (Some(depth), Some(above)) = (depths.get_mut(node), above) {
            *depth = above;
        }
    }
    depths.truncate(counts.len());
    if lone {
        depths.iter_mut().zip(counts).filter(|(_, n)| **n > 0).for_each(|(depth, _)| *depth = 1);
    }
    depths
}

/// Bounds the lengths: what is too deep is lifted, and the room for it taken from the rarest words that have some left.
fn limit(lengths: &mut [u8], counts: &[u32]) {
    if lengths.iter().all(|length| *length <= MAX_LENGTH) {
        return;
    }
    for length in lengths.iter_mut() {
        *length = (*length).min(MAX_LENGTH);
    }
    let share = |length: u8| 1_u32 << (MAX_LENGTH - length);
    let mut used: u32 = lengths.iter().filter(|length| **length > 0).map(|length| share(*length)).sum();
    while used > share(0) {
        let rarest = lengths.iter_mut().zip(counts).filter(|(length, _)| (1..MAX_LENGTH).contains(&**length));
        let Some((length, _)) = rarest.min_by_key(|(length, count)| (Reverse(**length), **count)) else {
            break;
        };
        used -= share(*length) - share(*length + 1);
        *length += 1;
    }
}

/// The canonical words of these lengths, bit-reversed for writing least significant bit first.
fn words(lengths: &[u8]) -> Vec<u16> {
    let mut next = [0_u16; MAX_LENGTH as usize + 2];
    for length in lengths.iter().filter(|length| **length > 0) {
        if let Some(slot) = next.get_mut(usize::from(*length) + 1) {
            *slot += 1;
        }
    }
    let mut code = 0_u16;
    for slot in &mut next {
        code = (code + *slot) << 1;
        *slot = code;
    }
    let mut word = |length: &u8| {
        let slot = next.get_mut(usize::from(*length)).filter(|_| *length > 0)?;
        let word = *slot;
        *slot += 1;
        Some(word.reverse_bits() >> (16 - u32::from(*length)))
    };
    lengths.iter().map(|length| word(length).unwrap_or(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(symbols: &[usize]) -> Vec<usize> {
        let mut counts = vec![0; MAX_SYMBOLS];
        for symbol in symbols {
            counts[*symbol] += 1;
        }
        let code = Code::new(&counts);
        let (mut out, mut data) = (Vec::new(), Vec::new());
        let mut bits = BitWriter::new(&mut data, 0);
        code.write(&mut out);
        assert_eq!(out.len(), code.header_cost());
        for symbol in symbols {
            code.put(*symbol, &mut bits);
        }
        bits.finish();
        assert_eq!(data.len() as u64, code.cost(&counts).div_ceil(8));
        let decoder = Decoder::read(&mut Bytes::new(&out)).expect("just written");
        let mut reader = BitReader::new(&data);
        symbols.iter().map(|_| usize::from(decoder.get(&mut reader).expect("just written"))).collect()
    }

    proptest! {
        #[test]
        fn symbols_survive(symbols in prop::collection::vec(0..MAX_SYMBOLS, 1..500)) {
            prop_assert_eq!(round_trip(&symbols), symbols);
        }

        #[test]
        fn no_bytes_panic(header: Vec<u8>, data: Vec<u8>) {
            if let Ok(decoder) = Decoder::read(&mut Bytes::new(&header)) {
                let mut bits = BitReader::new(&data);
                for _ in 0..100 {
                    prop_assert!(decoder.get(&mut bits).is_ok_and(|s| usize::from(s) < MAX_SYMBOLS) || decoder.get(&mut bits).is_err());
                }
            }
        }
    }

    #[test]
    fn steep_counts_stay_within_the_limit() {
        let symbols: Vec<usize> =
            (0..20).flat_map(|symbol| vec![symbol; 1 << (20 - symbol).min(16)]).collect();
        assert_eq!(round_trip(&symbols), symbols);
    }

    #[test]
    fn a_lone_symbol_takes_a_bit() {
        assert_eq!(round_trip(&[7; 9]), [7; 9]);
    }
}
