//! Columns that follow from two others: memory in use is the total less what is available, and its share of the total
//! a percentage. They take no bytes but the names of what they follow from.

use super::floats::round;
use super::ratio::EXCEPTION_SHARE;
use std::collections::BTreeMap;

/// Values below are too common to tell columns apart by them.
const LEAST_TELLING: f64 = 4096.0;
/// Pairs of columns that are compared whole for one column.
const MAX_CANDIDATES: usize = 8;
/// Columns with the same value in a row of which more are not looked at: a hundred containers of the same size.
const MAX_ALIKE: usize = 4;
/// Whole numbers below it have an exact double each.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// How a column follows from two others, a and b.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// `100 * a / b`
    Share,
    /// `100 * a / (a + b)`
    ShareOfSum,
    /// `a - b`
    Difference,
    /// `100 * (a - b) / a`
    ShareOfRest,
}

impl Rule {
    pub(super) const ALL: [Self; 4] = [Self::Share, Self::ShareOfSum, Self::Difference, Self::ShareOfRest];

    /// The value that follows.
    pub(super) fn apply(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Share => 100.0 * a / b,
            Self::ShareOfSum => 100.0 * a / (a + b),
            Self::Difference => a - b,
            Self::ShareOfRest => 100.0 * (a - b) / a,
        }
    }

    /// What `a` or `b` (the one that is not `known`) is where `value` follows; rounding decides whether it really does.
    fn solve(self, value: f64, known: f64) -> f64 {
        match self {
            // b is known.
            Self::Share => round(value * known / 100.0),
            Self::Difference => value + known,
            // a is known.
            Self::ShareOfRest => known - round(value * known / 100.0),
            Self::ShareOfSum => round(100.0 * known / value) - known,
        }
    }
}

/// A column's rule and the places of the two others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Derivation {
    pub(super) rule: Rule,
    pub(super) a: usize,
    pub(super) b: usize,
}

/// For each column what it follows from, if anything. What others follow from does not itself follow.
pub(super) fn find(columns: &[(u32, Vec<f64>)]) -> Vec<Option<Derivation>> {
    let mut found: Vec<Option<Derivation>> = vec![None; columns.len()];
    let mut is_base = vec![false; columns.len()];
    let mut telling: BTreeMap<usize, Telling> = BTreeMap::new();
    for place in 0..columns.len() {
        let Some((row, value)) = columns.get(place).and_then(|(_, values)| probe(values)) else {
            continue;
        };
        if is_base.get(place).copied().unwrap_or(true) {
            continue;
        }
        let telling = telling.entry(row).or_insert_with(|| Telling::new(columns, row));
        let free = |other: &usize| *other != place && found.get(*other).is_none_or(Option::is_none);
        let derivation = candidates(telling, value)
            .filter(|derivation| free(&derivation.a) && free(&derivation.b) && derivation.a != derivation.b)
            .take(MAX_CANDIDATES)
            .find(|derivation| follows(columns, place, *derivation));
        if let Some(derivation) = derivation {
            for base in [derivation.a, derivation.b] {
                is_base.iter_mut().skip(base).take(1).for_each(|is_base| *is_base = true);
            }
            found.iter_mut().skip(place).take(1).for_each(|found| *found = Some(derivation));
        }
    }
    found
}

/// A cell by which a rule may be recognised; none where the column never changes, which is cheaper still.
fn probe(values: &[f64]) -> Option<(usize, f64)> {
    let mut cells = values.iter().copied().enumerate().filter(|(_, value)| !value.is_nan());
    let first = cells.clone().find(|(_, value)| *value != 0.0)?;
    cells.any(|(_, value)| value.to_bits() != first.1.to_bits()).then_some(first)
}

/// The columns whose cell in a row is a large whole number, of equal ones the first few: place and value by place, and
/// the other way round.
struct Telling {
    cells: Vec<(usize, f64)>,
    by_value: Vec<(f64, usize)>,
}

impl Telling {
    fn new(columns: &[(u32, Vec<f64>)], row: usize) -> Self {
        let cells =
            columns.iter().enumerate().filter_map(|(place, (_, values))| Some((*values.get(row)?, place)));
        let mut by_value: Vec<(f64, usize)> = cells.filter(|(value, _)| is_telling(*value)).collect();
        by_value.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let (mut last, mut alike) = (0, 0);
        by_value.retain(|(value, _)| {
            alike = if value.to_bits() == last { alike + 1 } else { 1 };
            last = value.to_bits();
            alike <= MAX_ALIKE
        });
        let mut cells: Vec<(usize, f64)> = by_value.iter().map(|(value, place)| (*place, *value)).collect();
        cells.sort_unstable_by_key(|(place, _)| *place);
        Self { cells, by_value }
    }

    /// The columns with that value.
    fn of(&self, value: f64) -> impl Iterator<Item = usize> {
        // Mostly it is none that anything could have, which is seen without a search.
        let start = if is_telling(value) {
            self.by_value.partition_point(|(own, _)| *own < value)
        } else {
            self.by_value.len()
        };
        let from = self.by_value.get(start..).unwrap_or_default();
        from.iter().take_while(move |(own, _)| own.to_bits() == value.to_bits()).map(|(_, place)| *place)
    }
}

fn is_telling(value: f64) -> bool {
    (LEAST_TELLING..EXACT).contains(&value) && value.fract() == 0.0
}

/// The pairs from which a value follows by any rule.
fn candidates(telling: &Telling, value: f64) -> impl Iterator<Item = Derivation> {
    let pairs = telling.cells.iter().flat_map(move |&(known, of_known)| {
        Rule::ALL.into_iter().map(move |rule| (rule, known, of_known, rule.solve(value, of_known)))
    });
    pairs.flat_map(move |(rule, known, of_known, wanted)| {
        let others = telling.of(wanted).map(move |other| (other, wanted));
        others.filter_map(move |(other, of_other)| {
            let ((a, of_a), (b, of_b)) = match rule {
                Rule::ShareOfSum | Rule::ShareOfRest => ((known, of_known), (other, of_other)),
                Rule::Share | Rule::Difference => ((other, of_other), (known, of_known)),
            };
            let is_so = rule.apply(of_a, of_b).to_bits() == value.to_bits();
            is_so.then_some(Derivation { rule, a, b })
        })
    })
}

/// Whether all but a few cells of the column at `place` follow.
fn follows(columns: &[(u32, Vec<f64>)], place: usize, derivation: Derivation) -> bool {
    let column = |place: usize| columns.get(place).map_or(&[][..], |(_, values)| values.as_slice());
    let (values, a, b) = (column(place), column(derivation.a), column(derivation.b));
    let allowed = values.iter().filter(|value| !value.is_nan()).count() / EXCEPTION_SHARE;
    let misfits = values.iter().zip(a).zip(b).filter(|((value, a), b)| {
        !value.is_nan() && derivation.rule.apply(**a, **b).to_bits() != value.to_bits()
    });
    misfits.take(allowed + 1).count() <= allowed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(columns: &[Vec<f64>]) -> Vec<Option<Derivation>> {
        find(&columns.iter().cloned().zip(0..).map(|(values, id)| (id, values)).collect::<Vec<_>>())
    }

    #[test]
    fn differences_and_shares_are_recognised_and_their_bases_kept() {
        let total = vec![25_276_502_016.0; 50];
        let available: Vec<f64> = (0..50).map(|n| 23_658_930_176.0 - f64::from(n * n) * 4096.0).collect();
        let used: Vec<f64> = total.iter().zip(&available).map(|(t, a)| t - a).collect();
        let share: Vec<f64> = used.iter().zip(&total).map(|(u, t)| 100.0 * u / t).collect();
        let of_sum: Vec<f64> = used.iter().zip(&available).map(|(u, a)| 100.0 * u / (u + a)).collect();
        let derivation = |rule, a, b| Some(Derivation { rule, a, b });
        let noise: Vec<f64> = (0..50).map(|n| f64::from(n * 7919 % 101)).collect();
        assert_eq!(
            found(&[total.clone(), used.clone(), available.clone(), noise]),
            [None, derivation(Rule::Difference, 0, 2), None, None]
        );
        assert_eq!(found(&[total.clone(), used.clone(), share.clone()])[2], derivation(Rule::Share, 1, 0));
        assert_eq!(
            found(&[total.clone(), used.clone(), available, share])[1..],
            [derivation(Rule::Difference, 0, 2), None, derivation(Rule::ShareOfRest, 0, 2)]
        );
        let free: Vec<f64> = total.iter().zip(&used).map(|(t, u)| t - u - 8192.0).collect();
        let of_free: Vec<f64> = used.iter().zip(&free).map(|(u, f)| 100.0 * u / (u + f)).collect();
        assert_eq!(found(&[used, free, of_free])[2], derivation(Rule::ShareOfSum, 0, 1));
        assert_eq!(found(&[of_sum]), [None]);
    }
}
