//! A number of JSON, read where it stands, to the very bits that the standard library reads.

use super::decimal;

/// Whole numbers up to it are exact in a double.
const EXACT: u64 = 1 << 53;
/// The powers of ten that are exact in a double.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];
/// Digits that fit into 64 bits whatever they are.
const SAFE_DIGITS: usize = 19;
/// What a number of so many digits is multiplied by when as many others are written behind it.
const TENS: [u64; 9] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// The number at the beginning of `text` and what follows it; `None` where none begins there as JSON spells numbers.
/// One that is too large for a double is infinite.
///
/// Of a short number both the digits and the power of ten are exact as doubles, so that one division rounds rightly.
/// Longer ones are the work of [`decimal`], and what is spelled with an exponent or with more digits than a double has
/// is left to the standard library.
pub(super) fn read(text: &[u8]) -> Option<(f64, &[u8])> {
    let negative = text.first() == Some(&b'-');
    let unsigned = text.get(usize::from(negative)..)?;
    let mut mantissa = 0;
    let (whole, mut rest) = digits(unsigned, &mut mantissa);
    if whole == 0 || (whole > 1 && unsigned.first() == Some(&b'0')) {
        return None;
    }
    let mut fraction = 0;
    if let Some((b'.', after)) = rest.split_first() {
        (fraction, rest) = digits(after, &mut mantissa);
        if fraction == 0 {
            return None;
        }
    }
    if let Some((b'e' | b'E', after)) = rest.split_first() {
        let unsigned = after.strip_prefix(b"-").or_else(|| after.strip_prefix(b"+")).unwrap_or(after);
        let (count, after) = digits(unsigned, &mut 0);
        return if count == 0 { None } else { slow(text, after) };
    }
    if whole + fraction > SAFE_DIGITS {
        return slow(text, rest);
    }
    let value = match POWERS.get(fraction) {
        Some(power) if mantissa <= EXACT => mantissa as f64 / power,
        _ => decimal::scaled(mantissa, fraction),
    };
    Some((if negative { -value } else { value }, rest))
}

/// Whether a number that ended before `byte` would go on with it.
pub(super) const fn continues(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')
}

/// Adds the digits at the beginning of `text` to `value`, which wraps; how many, and what follows.
#[inline]
fn digits<'a>(text: &'a [u8], value: &mut u64) -> (usize, &'a [u8]) {
    let mut rest = text;
    while let Some(chunk) = rest.first_chunk() {
        let (count, number) = leading_digits(u64::from_le_bytes(*chunk));
        *value = value.wrapping_mul(TENS.get(count).copied().unwrap_or(1)).wrapping_add(number);
        rest = rest.get(count..).unwrap_or_default();
        if count < chunk.len() {
            return (text.len() - rest.len(), rest);
        }
    }
    while let Some((byte, after)) = rest.split_first() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        *value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        rest = after;
    }
    (text.len() - rest.len(), rest)
}

/// How many of eight bytes are digits before the first that is none, and the number that those spell; the first byte is
/// the lowest of `text`. No step depends on a byte: how long a number is cannot be foretold.
#[inline]
const fn leading_digits(text: u64) -> (usize, u64) {
    const ZEROS: u64 = 0x3030_3030_3030_3030;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let values = text ^ ZEROS;
    // A byte's highest bit: whether its value is more than nine.
    let others = (((values & !HIGH) + 0x7676_7676_7676_7676) | values) & HIGH;
    let bits = others.trailing_zeros() & !7;
    // Zeros in front make it eight digits. A shift by the whole width is none.
    let digits = if bits == 0 { 0 } else { values << (64 - bits) };
    ((bits / 8) as usize, eight_digits(digits))
}

/// The number that eight digits make, the first of them the lowest byte. Neighbours are joined to pairs, pairs to
/// fours, fours to eight, all at once.
#[inline]
const fn eight_digits(digits: u64) -> u64 {
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let fours = (pairs & 0x00ff_0000_00ff).wrapping_mul(100 + (1_000_000 << 32));
    let others = (pairs >> 16 & 0x00ff_0000_00ff).wrapping_mul(1 + (10_000 << 32));
    fours.wrapping_add(others) >> 32
}

fn slow<'a>(text: &[u8], rest: &'a [u8]) -> Option<(f64, &'a [u8])> {
    let number = text.get(..text.len() - rest.len())?;
    Some((std::str::from_utf8(number).ok()?.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What JSON and the standard library say of a whole text.
    fn expected(text: &str) -> Option<u64> {
        serde_json::from_str::<&serde_json::value::RawValue>(text).ok()?;
        text.starts_with(|c: char| c == '-' || c.is_ascii_digit())
            .then(|| text.parse::<f64>().expect("a number").to_bits())
    }

    fn check(text: &str) {
        let read =
            read(text.as_bytes()).filter(|(_, rest)| rest.is_empty()).map(|(value, _)| value.to_bits());
        assert_eq!(read, expected(text.trim()).filter(|_| text.trim() == text), "{text:?}");
    }

    #[test]
    fn edges_are_read_as_json_spells_them() {
        for text in [
            "", "-", "0", "-0", "-0.0", "00", "01", "1.", ".1", "1.e1", "1e", "1e+", "+1", "1e5", "1E-5",
            "1_0",
        ] {
            check(text);
        }
        for text in
            ["NaN", "Infinity", "-inf", "0x1", "1e999", "-1e999", "1e-999", "1f", "1 ", "true", "\"1\""]
        {
            check(text);
        }
        for text in
            ["9007199254740992", "9007199254740993", "9007199254740993.0", "0.1", "0.30000000000000004"]
        {
            check(text);
        }
        for text in [
            "1234567890123456789",
            "12345678901234567890",
            "0.0000000000000000000001",
            "18446744073709551616",
        ] {
            check(text);
        }
        check("0.00000000000000000000001");
        check("5e-324");
        check("2.2250738585072011e-308");
    }

    proptest! {
        #[test]
        fn every_double_is_read_to_the_bit(value: f64) {
            if value.is_finite() {
                check(&format!("{value:?}"));
                check(&format!("{value}"));
            }
        }

        #[test]
        fn short_decimals_are_read_to_the_bit(digits: u64, scale in 0_u32..25, cut in 0_u32..20) {
            let digits = (digits / 10_u64.pow(cut)).to_string();
            let text = format!("{digits:0>width$}", width = scale as usize + 1);
            let (whole, fraction) = text.split_at(text.len() - scale as usize);
            check(&if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") });
        }

        #[test]
        fn what_is_no_number_is_none(text in "-?[0-9.eE+-]{0,12}") {
            check(&text);
        }
    }
}
