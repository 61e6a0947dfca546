//! The conditions of a statement that restrict what a virtual table reads: a letter for each, which tells the scan what
//! its argument is.

use crate::snapshot::Filter;
use rusqlite::Result;
use rusqlite::types::ValueRef;
use rusqlite::vtab::{IndexConstraintOp as Op, IndexInfo};
use std::collections::BTreeSet;
use std::ffi::c_int;

/// The column with the time, of every table.
pub(super) const TIMESTAMP: c_int = 0;

/// Takes each condition that restricts what is read of `rows` rows. `equal_to` gives the letter of a column whose value
/// has to be equal, and the share of rows that have it. Returns the letters, and how many rows are left.
pub(super) fn take(
    info: &mut IndexInfo,
    mut rows: f64,
    equal_to: impl Fn(c_int) -> Option<(char, f64)>,
) -> Result<(String, f64)> {
    let (mut letters, mut taken) = (String::new(), Vec::new());
    for (place, condition) in info.constraints().enumerate().filter(|(_, condition)| condition.is_usable()) {
        let kind = match (condition.column(), condition.operator()) {
            (TIMESTAMP, Op::SQLITE_INDEX_CONSTRAINT_EQ) => Some(('=', 1e-5)),
            (TIMESTAMP, Op::SQLITE_INDEX_CONSTRAINT_GT) => Some(('>', 0.1)),
            (TIMESTAMP, Op::SQLITE_INDEX_CONSTRAINT_GE) => Some((']', 0.1)),
            (TIMESTAMP, Op::SQLITE_INDEX_CONSTRAINT_LT) => Some(('<', 0.5)),
            (TIMESTAMP, Op::SQLITE_INDEX_CONSTRAINT_LE) => Some(('[', 0.5)),
            (column, Op::SQLITE_INDEX_CONSTRAINT_EQ) if info.collation(place)? == "BINARY" => {
                equal_to(column)
            }
            _ => None,
        };
        if let Some((letter, share)) = kind {
            letters.push(letter);
            taken.push(place);
            rows *= share;
        }
    }
    for (place, argument) in taken.into_iter().zip(1..) {
        info.constraint_usage(place).set_argv_index(argument);
    }
    Ok((letters, rows))
}

/// Tells SQLite what was taken, and of how many rows that leaves the reading.
pub(super) fn tell(info: &mut IndexInfo, letters: &str, rows: f64) {
    info.set_idx_str(letters);
    info.set_estimated_cost(rows);
    #[expect(clippy::cast_possible_truncation, reason = "a float to int cast saturates")]
    info.set_estimated_rows((rows as i64).max(1));
}

/// Narrows the filter by one condition. A value of another type than the column's restricts nothing here: whether it is
/// equal after conversion is for the statement to say.
pub(super) fn restrict(filter: &mut Filter, letter: char, value: ValueRef<'_>) {
    let text = || value.as_str().ok().map(str::to_owned);
    match letter {
        'h' => filter.hosts = text().map(|name| BTreeSet::from([name])).or(filter.hosts.take()),
        'm' => filter.metric_types = text().map(|name| BTreeSet::from([name])).or(filter.metric_types.take()),
        't' => filter.tags = text().or(filter.tags.take()),
        _ => {
            let Some((first, last)) = instants(value) else {
                return;
            };
            match letter {
                '>' => filter.from = filter.from.max(first.saturating_add(1)),
                ']' => filter.from = filter.from.max(first),
                '<' => filter.to = filter.to.min(last.saturating_sub(1)),
                '[' => filter.to = filter.to.min(last),
                _ => {
                    filter.from = filter.from.max(first);
                    filter.to = filter.to.min(last);
                }
            }
        }
    }
}

/// The milliseconds that may be the time in seconds: of whole seconds exactly one.
#[expect(clippy::cast_possible_truncation, reason = "a float to int cast saturates")]
fn instants(value: ValueRef<'_>) -> Option<(i64, i64)> {
    let seconds = match value {
        ValueRef::Integer(seconds) => {
            let millis = seconds.saturating_mul(1000);
            return Some((millis, millis));
        }
        ValueRef::Real(seconds) => seconds,
        _ => return None,
    };
    let millis = seconds * 1000.0;
    Some(((millis.floor() as i64).saturating_sub(1), (millis.ceil() as i64).saturating_add(1)))
}
