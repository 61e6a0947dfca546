//! Decimals of more digits than a double holds exactly, such as an unrounded ratio, rounded as the standard library
//! rounds them.
//!
//! The algorithm is Eisel and Lemire's (D. Lemire, "Number parsing at a gigabyte per second", 2021), for the few powers
//! that are wanted here: the digits times a reciprocal of the power of ten, of which as many bits are kept as rounding
//! can depend on.

/// Digits behind the point, at most: as many as fit into 64 bits.
const LONGEST: usize = 19;
/// Reciprocals of the powers of five, each rounded up and scaled so that its highest bit is set.
static RECIPROCALS: [u128; LONGEST] = reciprocals();
/// Bits of a double behind its point, which the first is not among.
const FRACTION_BITS: u32 = 52;
/// The bits of a product's upper half below those that rounding looks at. Where all are set a carry would reach those.
const BELOW: u64 = u64::MAX >> (FRACTION_BITS + 3);
/// A double's exponent of two is written that much larger.
const BIAS: i64 = 1023;

const fn reciprocals() -> [u128; LONGEST] {
    let mut out = [0; LONGEST];
    let (mut power, mut rest) = (1, out.as_mut_slice());
    while let Some((first, others)) = rest.split_first_mut() {
        power *= 5;
        *first = reciprocal(power);
        rest = others;
    }
    out
}

/// Long division of the power of two that gives 128 bits.
const fn reciprocal(divisor: u128) -> u128 {
    let (mut rest, mut quotient) = (1, 0);
    while quotient >> 127 == 0 {
        rest *= 2;
        quotient *= 2;
        if rest >= divisor {
            rest -= divisor;
            quotient += 1;
        }
    }
    quotient + 1
}

/// `digits` over ten to the power of `scale`, for digits that are not 0 and a scale of at most nineteen.
#[expect(clippy::cast_possible_truncation, reason = "words are taken apart")]
#[expect(clippy::cast_possible_wrap, reason = "nineteen is small")]
pub(super) fn scaled(digits: u64, scale: usize) -> f64 {
    let Some(reciprocal) = scale.checked_sub(1).and_then(|place| RECIPROCALS.get(place)) else {
        return digits as f64;
    };
    let zeros = digits.leading_zeros();
    let normal = digits << zeros;
    let (mut low, mut high) = product(normal, (reciprocal >> 64) as u64);
    // A carry may still come from the reciprocal's lower half.
    if high & BELOW == BELOW {
        let (_, carry) = product(normal, *reciprocal as u64);
        let (sum, overflowed) = low.overflowing_add(carry);
        (low, high) = (sum, high + u64::from(overflowed));
    }
    let upper = (high >> 63) as u32;
    let spare = upper + 64 - FRACTION_BITS - 3;
    let mut mantissa = high >> spare;
    // Ten to the minus scale, as a power of two: 217706 / 65536 is its logarithm, close enough for these.
    let scale = scale as i64;
    let mut exponent = ((-scale * 217_706) >> 16) + 63 + i64::from(upper) - i64::from(zeros) + BIAS;
    // Exactly between two doubles, which only a small power of five allows: to the even one.
    if low <= 1 && scale <= 4 && mantissa & 3 == 1 && mantissa << spare == high {
        mantissa &= !1;
    }
    mantissa = (mantissa + (mantissa & 1)) >> 1;
    if mantissa >= 2 << FRACTION_BITS {
        mantissa = 1 << FRACTION_BITS;
        exponent += 1;
    }
    let fraction = mantissa & !(1 << FRACTION_BITS);
    f64::from_bits(exponent.unsigned_abs() << FRACTION_BITS | fraction)
}

/// The lower and the upper half of a product.
#[expect(clippy::cast_possible_truncation, reason = "halves are taken")]
const fn product(a: u64, b: u64) -> (u64, u64) {
    let whole = a as u128 * b as u128;
    (whole as u64, (whole >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(digits: u64, scale: usize) {
        let text = format!("{digits}e-{scale}");
        let expected: f64 = text.parse().expect("a number");
        assert_eq!(scaled(digits, scale).to_bits(), expected.to_bits(), "{text}");
    }

    #[test]
    fn edges_round_as_the_standard_library_does() {
        for scale in 0..=LONGEST {
            for digits in [1, 5, 9_007_199_254_740_993, 9_999_999_999_999_999_999, u64::MAX, 1 << 63] {
                check(digits, scale);
            }
        }
    }

    #[test]
    fn halves_between_two_doubles_go_to_the_even_one() {
        for even in [1_u64 << 53, (1 << 53) + 2, (1 << 54) - 4, (1 << 53) + 12_346] {
            for (scale, power) in [(0, 1), (1, 10), (2, 100)] {
                for near in [even + 1, even + 3] {
                    for off in [0, 1] {
                        check(near * power + off, scale);
                        check(near * power - off, scale);
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn any_digits_are_rounded_to_the_bit(digits in 1_u64.., scale in 0..=LONGEST, cut in 0_u32..20) {
            check((digits / 10_u64.pow(cut)).max(1), scale);
        }

        #[test]
        fn what_lies_close_between_two_doubles_is_rounded_to_the_bit(
            mantissa in 1_u64 << 52..1 << 53,
            scale in 0..=LONGEST,
            off in -2_i64..=2,
        ) {
            let mut middle = u128::from(2 * mantissa + 1) * 10_u128.pow(u32::try_from(scale).expect("small"));
            while middle >= 10_u128.pow(19) {
                middle /= 2;
            }
            let digits = u64::try_from(middle).expect("nineteen digits");
            check(digits.saturating_add_signed(off), scale);
        }
    }
}
