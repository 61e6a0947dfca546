//! Bits, least significant first.

use super::Damaged;

/// The most bits that go in or out at once: with those that wait for a whole word, or are left over of a byte, they
/// have to fit into 64.
const MAX_BITS: u32 = 32;

/// The bits that can be looked at in any place: eight bytes less those before the first bit.
pub(crate) const PEEKED_BITS: u32 = 56;

/// Appends bits to bytes.
#[derive(Debug)]
pub(crate) struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    pending: u64,
    count: u32,
}

impl<'a> BitWriter<'a> {
    /// Behind what is in `out`; about `bits` will come.
    pub(crate) fn new(out: &'a mut Vec<u8>, bits: usize) -> Self {
        out.reserve(bits / 8 + 8);
        Self { out, pending: 0, count: 0 }
    }

    /// The low `count` bits of `bits`, at most [`MAX_BITS`]; those above are zero.
    pub(crate) fn put(&mut self, bits: u64, count: u32) {
        debug_assert!(count <= MAX_BITS && bits >> count == 0);
        self.pending |= bits << self.count;
        self.count += count;
        if self.count >= 32 {
            let [a, b, c, d, ..] = self.pending.to_le_bytes();
            self.out.extend_from_slice(&[a, b, c, d]);
            self.pending >>= 32;
            self.count -= 32;
        }
    }

    /// Any 64-bit value in `count` bits.
    pub(crate) fn put_wide(&mut self, bits: u64, count: u32) {
        if count > 32 {
            self.put(bits & 0xffff_ffff, 32);
            self.put(bits >> 32, count - 32);
        } else {
            self.put(bits, count);
        }
    }

    pub(crate) fn finish(self) {
        let bytes = self.count.div_ceil(8) as usize;
        self.out.extend(self.pending.to_le_bytes().into_iter().take(bytes));
    }
}

/// Reads what [`BitWriter`] wrote. Behind the end there are zeros; [`BitReader::finish`] tells.
#[derive(Debug)]
pub(crate) struct BitReader<'a> {
    data: &'a [u8],
    position: usize,
}

impl<'a> BitReader<'a> {
    pub(crate) const fn new(data: &'a [u8]) -> Self {
        Self { data, position: 0 }
    }

    /// At least [`PEEKED_BITS`] bits, without moving on.
    #[inline]
    pub(crate) fn peek(&self) -> u64 {
        let rest = self.data.get(self.position / 8..).unwrap_or_default();
        let chunk = rest.first_chunk().copied().unwrap_or_else(|| last_chunk(rest));
        u64::from_le_bytes(chunk) >> (self.position % 8)
    }

    #[inline]
    pub(crate) fn skip(&mut self, count: u32) {
        self.position += count as usize;
    }

    /// The next `count` bits, at most [`MAX_BITS`].
    #[inline]
    fn get(&mut self, count: u32) -> u64 {
        let bits = self.peek() & ((1 << count) - 1);
        self.skip(count);
        bits
    }

    /// The next `count` bits, at most 64.
    #[inline]
    pub(crate) fn get_wide(&mut self, count: u32) -> u64 {
        if count > 32 {
            let low = self.get(32);
            low | self.get(count - 32) << 32
        } else {
            self.get(count)
        }
    }

    /// Whether no more was read than there was.
    pub(crate) fn finish(self) -> Result<(), Damaged> {
        if self.position.div_ceil(8) > self.data.len() {
            return Err(Damaged("bits are missing"));
        }
        Ok(())
    }
}

/// Fewer than eight bytes, with zeros behind.
#[cold]
fn last_chunk(rest: &[u8]) -> [u8; 8] {
    let mut chunk = [0; 8];
    chunk.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    chunk
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bits_survive(values in prop::collection::vec((any::<u64>(), 0u32..=64), 0..100)) {
            let cut = |value: u64, count: u32| if count == 64 { value } else { value & ((1 << count) - 1) };
            let mut data = Vec::new();
            let mut writer = BitWriter::new(&mut data, 0);
            for &(value, count) in &values {
                writer.put_wide(cut(value, count), count);
            }
            writer.finish();
            let mut reader = BitReader::new(&data);
            for &(value, count) in &values {
                prop_assert_eq!(reader.get_wide(count), cut(value, count));
            }
            prop_assert!(reader.finish().is_ok());
        }
    }

    #[test]
    fn reading_past_the_end_is_told() {
        let mut reader = BitReader::new(&[1]);
        assert_eq!(reader.get(20), 1);
        assert!(reader.finish().is_err());
    }
}
