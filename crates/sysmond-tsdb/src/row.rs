//! The bytes of a row in schema version 1: which cells are present, then their values. Only read, to bring such a file
//! forward.

/// A value per column, NaN where absent; `None` where `data` is no row of `width` columns.
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

fn value(bytes: &[u8]) -> f64 {
    bytes.try_into().map_or(f64::NAN, f64::from_le_bytes)
}
