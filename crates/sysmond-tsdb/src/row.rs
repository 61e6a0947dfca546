//! The bytes of one row: which cells are present, then their values.

/// `values`, one per column with NaN for an absent cell, as presence bits followed by the present values.
pub(crate) fn encode(values: &[f64]) -> Vec<u8> {
    let mut out = vec![0; values.len().div_ceil(8)];
    for (column, value) in values.iter().enumerate().filter(|(_, value)| !value.is_nan()) {
        if let Some(bits) = out.get_mut(column / 8) {
            *bits |= 1 << (column % 8);
        }
        out.extend_from_slice(&value.to_le_bytes());
    }
    out
}

/// The inverse of [`encode`] for a row of `width` columns; `None` where `data` is no such row.
pub(crate) fn decode(data: &[u8], width: usize) -> Option<Vec<f64>> {
    let (bits, values) = data.split_at_checked(width.div_ceil(8))?;
    let mut values = values.chunks_exact(8);
    let mut row = Vec::with_capacity(width);
    for column in 0..width {
        let present = bits.get(column / 8)? >> (column % 8) & 1 == 1;
        row.push(if present { value(values.next()?) } else { f64::NAN });
    }
    (values.next().is_none() && values.remainder().is_empty()).then_some(row)
}

/// The value at `column` of a row of `width` columns, without decoding the others.
pub(crate) fn cell(data: &[u8], width: usize, column: usize) -> Option<f64> {
    let (bits, values) = data.split_at_checked(width.div_ceil(8))?;
    let own = bits.get(column / 8)?;
    if column >= width || own >> (column % 8) & 1 == 0 {
        return None;
    }
    let before = bits.get(..column / 8)?.iter().map(|byte| byte.count_ones()).sum::<u32>()
        + (own & ((1 << (column % 8)) - 1)).count_ones();
    values.chunks_exact(8).nth(before as usize).map(value)
}

/// How many cells a row of `width` columns holds.
pub(crate) fn cell_count(data: &[u8], width: usize) -> u64 {
    (data.len().saturating_sub(width.div_ceil(8)) / 8) as u64
}

fn value(bytes: &[u8]) -> f64 {
    bytes.try_into().map_or(f64::NAN, f64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cells() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec(
            prop_oneof![Just(f64::NAN), any::<f64>().prop_filter("finite", |v| v.is_finite())],
            0..40,
        )
    }

    proptest! {
        #[test]
        fn every_row_survives_bit_for_bit(values in cells()) {
            let data = encode(&values);
            let back = decode(&data, values.len()).expect("just encoded");
            let bits = |row: &[f64]| row.iter().map(|v| (!v.is_nan()).then(|| v.to_bits())).collect::<Vec<_>>();
            prop_assert_eq!(bits(&back), bits(&values));
            let one_by_one: Vec<_> = (0..values.len()).map(|c| cell(&data, values.len(), c).map(f64::to_bits)).collect();
            prop_assert_eq!(one_by_one, bits(&values));
            prop_assert_eq!(cell_count(&data, values.len()), bits(&values).iter().flatten().count() as u64);
        }

        #[test]
        fn no_bytes_panic(data in prop::collection::vec(any::<u8>(), 0..64), width in 0usize..80, column in 0usize..90) {
            let row = decode(&data, width);
            prop_assert!(row.is_none_or(|row| row.len() == width));
            prop_assert!(column < width || cell(&data, width, column).is_none());
        }
    }
}
