//! Pieces of a kernel text: lines, fields, numbers. Nothing allocates, and no bytes make it panic.

/// The lines of a text, without their ends.
pub(crate) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n')
}

/// The fields of a line, between runs of white space.
pub(crate) fn fields(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty())
}

/// What stands before and after the first `separator`.
pub(crate) fn split_once(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|byte| *byte == separator)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// A whole number: digits alone, at most `u64::MAX`.
pub(crate) fn number(field: &[u8]) -> Option<u64> {
    let digit = |sum: u64, byte: &u8| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    };
    if field.is_empty() {
        return None;
    }
    field.iter().try_fold(0, digit)
}

/// A whole number that may be negative.
pub(crate) fn signed(field: &[u8]) -> Option<i64> {
    match field.strip_prefix(b"-") {
        Some(digits) => i64::try_from(number(digits)?).ok()?.checked_neg(),
        None => i64::try_from(number(field)?).ok(),
    }
}

/// A hexadecimal number with or without `0x`.
pub(crate) fn hexadecimal(field: &[u8]) -> Option<u32> {
    let digits = field.strip_prefix(b"0x").unwrap_or(field);
    let digits =
        str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}

/// A decimal number that is finite and not negative, such as `0.15`.
pub(crate) fn decimal(field: &[u8]) -> Option<f64> {
    let value: f64 = str::from_utf8(field).ok()?.parse().ok()?;
    (value.is_finite() && value >= 0.0).then_some(value)
}

/// The next `N` fields as numbers; `None` where one is missing or is no number.
pub(crate) fn numbers<'a, const N: usize>(mut fields: impl Iterator<Item = &'a [u8]>) -> Option<[u64; N]> {
    let mut out = [0; N];
    for slot in &mut out {
        *slot = number(fields.next()?)?;
    }
    Some(out)
}

/// Text for people: what is not UTF-8 becomes U+FFFD, white space around it goes.
pub(crate) fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text.trim_ascii()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_digits_alone() {
        let check = |text: &str, expected| assert_eq!(number(text.as_bytes()), expected, "{text:?}");
        check("0", Some(0));
        check("18446744073709551615", Some(u64::MAX));
        check("18446744073709551616", None);
        check("", None);
        check("-1", None);
        check("+1", None);
        check("1.5", None);
    }

    #[test]
    fn signed_numbers_may_have_a_minus() {
        assert_eq!(signed(b"-12"), Some(-12));
        assert_eq!(signed(b"9223372036854775807"), Some(i64::MAX));
        for text in [b"--1".as_slice(), b"-", b"", b"9223372036854775808"] {
            assert_eq!(signed(text), None, "{text:?}");
        }
    }

    #[test]
    fn decimals_are_finite_and_not_negative() {
        let check = |text: &str, expected| assert_eq!(decimal(text.as_bytes()), expected, "{text:?}");
        check("0.15", Some(0.15));
        check("inf", None);
        check("nan", None);
        check("-0.5", None);
        check("1e999", None);
    }

    #[test]
    fn fields_stand_between_runs_of_white_space() {
        let found: Vec<_> = fields(b"  a \t b\r").collect();
        assert_eq!(found, [b"a", b"b"]);
        assert_eq!(numbers::<2>(fields(b"1 2 x")), Some([1, 2]));
        assert_eq!(numbers::<2>(fields(b"1")), None);
    }

    #[test]
    fn hexadecimals_may_have_a_prefix() {
        assert_eq!(hexadecimal(b"0xd0c"), Some(0xd0c));
        assert_eq!(hexadecimal(b"40"), Some(0x40));
        for text in [b"\xff".as_slice(), b"0x+1", b"-1", b"", b"0x"] {
            assert_eq!(hexadecimal(text), None, "{text:?}");
        }
    }
}
