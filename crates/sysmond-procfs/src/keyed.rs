//! Texts of lines `key number`, of which some matter: `/proc/meminfo`, `/proc/vmstat`, the counters of protocols.

use crate::text::{fields, lines, number};

/// The numbers of `N` keys. Where their lines are is remembered, so that a later reading looks at those alone.
#[derive(Debug)]
pub(crate) struct Keyed<const N: usize> {
    keys: [&'static [u8]; N],
    /// Line and place in `keys`, ascending by line.
    plan: Vec<(usize, usize)>,
    line_count: usize,
}

impl<const N: usize> Keyed<N> {
    /// Looks for `keys`, which no text holds twice.
    pub(crate) const fn new(keys: [&'static [u8]; N]) -> Self {
        Self { keys, plan: Vec::new(), line_count: 0 }
    }

    /// The numbers of a text in the order of the keys. A key that is missing or has no number has none.
    pub(crate) fn numbers(&mut self, text: &[u8]) -> [Option<u64>; N] {
        if let Some(values) = self.planned(text) {
            return values;
        }
        self.learn(text);
        self.planned(text).unwrap_or([None; N])
    }

    /// By the plan; nothing where the text is another one.
    fn planned(&self, text: &[u8]) -> Option<[Option<u64>; N]> {
        let mut values = [None; N];
        let mut plan = self.plan.iter();
        let mut next = plan.next();
        let mut count = 0;
        for (index, line) in lines(text).enumerate() {
            count += 1;
            let Some((_, place)) = next.filter(|(planned, _)| *planned == index) else { continue };
            let rest = line.strip_prefix(*self.keys.get(*place)?).filter(|rest| is_value(rest))?;
            if let Some(slot) = values.get_mut(*place) {
                *slot = value(rest);
            }
            next = plan.next();
        }
        (next.is_none() && count == self.line_count && count > 0).then_some(values)
    }

    fn learn(&mut self, text: &[u8]) {
        self.plan.clear();
        self.line_count = 0;
        for (index, line) in lines(text).enumerate() {
            self.line_count += 1;
            let is_key = |key: &&[u8]| line.strip_prefix(*key).is_some_and(is_value);
            let found = self.keys.iter().position(is_key);
            if let Some(place) = found.filter(|place| self.plan.iter().all(|(_, known)| known != place)) {
                self.plan.push((index, place));
            }
        }
    }
}

/// All keys of a text that have a number, each with what follows it (a unit, or nothing).
pub(crate) fn pairs(text: &[u8]) -> impl Iterator<Item = (&[u8], u64, &[u8])> {
    lines(text).filter_map(|line| {
        let mut columns = fields(line);
        let key = columns.next()?;
        let value = columns.next().and_then(number)?;
        Some((key.strip_suffix(b":").unwrap_or(key), value, columns.next().unwrap_or_default()))
    })
}

/// Whether a key ends here.
fn is_value(rest: &[u8]) -> bool {
    matches!(rest.first(), Some(b':' | b' ' | b'\t'))
}

fn value(rest: &[u8]) -> Option<u64> {
    fields(rest.strip_prefix(b":").unwrap_or(rest)).next().and_then(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEYS: [&[u8]; 3] = [b"Active", b"pgfault", b"Active(anon)"];

    #[test]
    fn keys_are_found_wherever_they_are() {
        let mut keyed = Keyed::new(KEYS);
        let mut check = |text: &str, expected| assert_eq!(keyed.numbers(text.as_bytes()), expected, "{text}");
        check("Active: 5 kB\nx 1\npgfault 6\n", [Some(5), Some(6), None]);
        check("Active: 7 kB\nx 1\npgfault 8\n", [Some(7), Some(8), None]);
        check("x 1\nActive: 7 kB\nActive(anon):\t9\n", [Some(7), None, Some(9)]);
        check("x 1\nActive: 7 kB\nActive(anon):\t9\npgfault 3\n", [Some(7), Some(3), Some(9)]);
        check("Active\nActive:\nActive 1\nActive: 2", [None, None, None]);
        check("", [None, None, None]);
    }

    proptest! {
        /// The order of lines is the kernel's; with lines that come or go it is another text.
        #[test]
        fn a_plan_says_what_a_search_says(texts in proptest::collection::vec((0usize..5, 0u64..99), 1..6)) {
            let mut keyed = Keyed::new(KEYS);
            for (count, value) in texts {
                let lines = ["Active", "pgfree", "Active(anon)", "pgfault"].iter().take(count);
                let text = lines.map(|key| format!("{key}: {value}\n")).collect::<Vec<_>>().concat();
                let fresh = Keyed::new(KEYS).numbers(text.as_bytes());
                prop_assert_eq!(keyed.numbers(text.as_bytes()), fresh, "{}", text);
            }
        }
    }
}
