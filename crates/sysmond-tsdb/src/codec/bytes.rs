//! Bytes and variable-length integers, read with every bound checked.

use super::Damaged;

/// What is left to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    pub(crate) const fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    pub(crate) const fn rest(self) -> &'a [u8] {
        self.0
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Damaged> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Damaged("too short"))?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Damaged> {
        let (first, rest) = self.0.split_first().ok_or(Damaged("too short"))?;
        self.0 = rest;
        Ok(*first)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Damaged> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Damaged("too short"))?;
        self.0 = rest;
        Ok(*taken)
    }

    /// Seven bits a byte, least significant first, the high bit set on all but the last.
    pub(crate) fn varint(&mut self) -> Result<u64, Damaged> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Damaged("a number beyond 64 bits"))
    }

    /// A count or a length, at most `limit`.
    pub(crate) fn size(&mut self, limit: usize) -> Result<usize, Damaged> {
        let size = usize::try_from(self.varint()?).map_err(|_| Damaged("a size beyond memory"))?;
        if size > limit {
            return Err(Damaged("a size beyond its limit"));
        }
        Ok(size)
    }

    pub(crate) fn signed(&mut self) -> Result<i64, Damaged> {
        self.varint().map(unzigzag)
    }

    /// A length and as many bytes.
    pub(crate) fn section(&mut self) -> Result<&'a [u8], Damaged> {
        let len = self.size(self.0.len())?;
        self.take(len)
    }
}

/// The inverse of [`Bytes::varint`].
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// The inverse of [`Bytes::size`].
pub(crate) fn put_size(out: &mut Vec<u8>, size: usize) {
    put_varint(out, size as u64);
}

/// The inverse of [`Bytes::signed`].
pub(crate) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_varint(out, zigzag(value));
}

/// The inverse of [`Bytes::section`].
pub(crate) fn put_section(out: &mut Vec<u8>, section: &[u8]) {
    put_size(out, section.len());
    out.extend_from_slice(section);
}

/// Small numbers of either sign as small numbers: 0, -1, 1, -2, 2…
pub(crate) const fn zigzag(value: i64) -> u64 {
    (value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned()
}

/// The inverse of [`zigzag`].
pub(crate) const fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_survive(value: u64) {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            let mut bytes = Bytes::new(&out);
            prop_assert_eq!(bytes.varint(), Ok(value));
            prop_assert!(bytes.is_empty());
            prop_assert_eq!(zigzag(unzigzag(value)), value);
        }

        #[test]
        fn no_bytes_panic(data: Vec<u8>) {
            let mut bytes = Bytes::new(&data);
            while bytes.varint().is_ok() {}
            prop_assert!(Bytes::new(&data).section().is_ok_and(|s| s.len() <= data.len()) || Bytes::new(&data).section().is_err());
        }
    }

    #[test]
    fn a_number_beyond_64_bits_is_damage() {
        assert!(Bytes::new(&[0xff; 10]).varint().is_err());
        assert_eq!(Bytes::new(&[5, 1]).section(), Err(Damaged("a size beyond its limit")));
    }
}
