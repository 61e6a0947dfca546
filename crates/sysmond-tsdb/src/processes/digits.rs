//! A number kept with a few significant digits, as a small integer: what a process took is never known better, and the
//! noise of the last digits would be most of what is stored.

use crate::codec::Damaged;

/// Numbers of so many digits, as codes without gaps: those below `10^digits` stand for themselves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Digits {
    /// The first number that has a digit too many.
    end: u64,
}

/// Shares and rates.
pub(crate) const THREE: Digits = Digits { end: 1000 };
/// Memory, so that a slow leak is seen.
pub(crate) const FOUR: Digits = Digits { end: 10_000 };

impl Digits {
    /// The code of the nearest number that has one.
    pub(crate) const fn code(self, number: u64) -> u64 {
        let (mut scale, mut power) = (1_u64, 0);
        let mut mantissa = number;
        while mantissa >= self.end {
            scale = scale.saturating_mul(10);
            power += 1;
            mantissa = number / scale + (number % scale >= scale.div_ceil(2)) as u64;
        }
        // Rounding up may have made the next power of ten, which is a number of the next code.
        if power == 0 { mantissa } else { self.end + (power - 1) * self.step() + (mantissa - self.end / 10) }
    }

    /// The number of a code.
    pub(crate) fn number(self, code: u64) -> Result<u64, Damaged> {
        let Some(above) = code.checked_sub(self.end) else { return Ok(code) };
        let power = u32::try_from(above / self.step() + 1).map_err(|_| Damaged("a number beyond 64 bits"))?;
        let mantissa = above % self.step() + self.end / 10;
        let scale = 10_u64.checked_pow(power).and_then(|scale| scale.checked_mul(mantissa));
        scale.ok_or(Damaged("a number beyond 64 bits"))
    }

    const fn step(self) -> u64 {
        self.end - self.end / 10
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn as_many_digits_as_said_stay() {
        let check = |number: u64, three: u64, four: u64| {
            assert_eq!(THREE.number(THREE.code(number)), Ok(three), "{number}");
            assert_eq!(FOUR.number(FOUR.code(number)), Ok(four), "{number}");
        };
        check(0, 0, 0);
        check(999, 999, 999);
        check(1234, 1230, 1234);
        check(1235, 1240, 1235);
        check(9_999, 10_000, 9_999);
        check(99_996, 100_000, 100_000);
        check(123_456_789, 123_000_000, 123_500_000);
        check(1 << 53, 9_010_000_000_000_000, 9_007_000_000_000_000);
        assert!(THREE.number(u64::MAX).is_err() && THREE.number(20_000).is_err());
        assert!(THREE.code(u64::MAX / 2) < 1 << 14, "two bytes do for any");
    }

    proptest! {
        #[test]
        fn a_code_is_that_of_its_number(number in 0..=1_u64 << 53) {
            for digits in [THREE, FOUR] {
                let code = digits.code(number);
                let near = digits.number(code).expect("just made");
                prop_assert_eq!(digits.code(near), code);
                prop_assert!(near.abs_diff(number) <= number / 180, "{} of {}", near, number);
            }
        }
    }
}
