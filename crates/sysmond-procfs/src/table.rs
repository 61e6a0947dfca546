//! The counters of named things (cores, devices, interfaces) from one reading to the next.

use crate::file_source::Fault;
use sysmond_model::limits::MAX_SAMPLE_TAGS_BYTES;
use sysmond_model::tags;

/// One row per thing. In the steady state nothing is allocated or formatted: names are compared in the order of the
/// last reading, and each row keeps its tags.
#[derive(Debug)]
pub(crate) struct Table<C> {
    key: &'static str,
    limit: usize,
    rows: Vec<Row<C>>,
    /// Where the next name should be if the file's order is as it was.
    cursor: usize,
    /// Things beyond the limit.
    refused: usize,
    changed: bool,
}

/// A thing and its counters.
#[derive(Debug)]
pub(crate) struct Row<C> {
    pub(crate) name: Box<[u8]>,
    /// Canonical, such as `device=sda`.
    pub(crate) tags: String,
    /// Of this reading.
    pub(crate) now: C,
    /// Of the reading before, where the thing was there.
    pub(crate) last: Option<C>,
    seen: bool,
}

impl<C> Table<C> {
    /// An empty table of at most `limit` things; `key` is the key of their tag.
    pub(crate) const fn new(key: &'static str, limit: usize) -> Self {
        Self { key, limit, rows: Vec::new(), cursor: 0, refused: 0, changed: false }
    }

    /// Starts a reading.
    pub(crate) fn begin(&mut self) {
        self.cursor = 0;
        self.refused = 0;
        self.changed = false;
        for row in &mut self.rows {
            row.seen = false;
        }
    }

    /// The counters that the reading has of `name`. A name that stands twice counts once.
    pub(crate) fn set(&mut self, name: &[u8], now: C) {
        self.set_as(name, name, now);
    }

    /// The same of something that people call by another name.
    pub(crate) fn set_as(&mut self, name: &[u8], label: &[u8], now: C) {
        let expected = self.rows.get(self.cursor).is_some_and(|row| *row.name == *name);
        let found =
            if expected { Some(self.cursor) } else { self.rows.iter().position(|row| *row.name == *name) };
        let Some(index) = found else { return self.add(name, label, now) };
        self.cursor = index + 1;
        if let Some(row) = self.rows.get_mut(index).filter(|row| !row.seen) {
            row.last = Some(std::mem::replace(&mut row.now, now));
            row.seen = true;
        }
    }

    fn add(&mut self, name: &[u8], label: &[u8], now: C) {
        if self.rows.len() >= self.limit {
            self.refused += 1;
            return;
        }
        let tags = tag(self.key, label);
        // Two names that differ only in bytes no tag can hold would be one series with two values: the first keeps it.
        if self.rows.iter().any(|row| row.tags == tags) {
            return;
        }
        self.changed = true;
        self.rows.push(Row { name: name.into(), tags, now, last: None, seen: true });
    }

    /// Ends a reading: what it did not have is forgotten, so that it begins anew should it come back.
    pub(crate) fn end(&mut self) {
        let before = self.rows.len();
        self.rows.retain(|row| row.seen);
        self.changed |= before != self.rows.len();
    }

    /// Whether things came or went in this reading.
    pub(crate) const fn changed(&self) -> bool {
        self.changed
    }

    /// How many there are.
    pub(crate) const fn len(&self) -> usize {
        self.rows.len()
    }

    /// The rows, in a steady order.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &Row<C>> {
        self.rows.iter()
    }

    /// An error where the reading had more than the limit.
    pub(crate) fn complete(&self) -> Result<(), Fault> {
        match self.refused {
            0 => Ok(()),
            more => Err(Fault::Limit { key: self.key, limit: self.limit, left_out: more }),
        }
    }
}

/// The canonical tag of a name from the kernel, which may hold any bytes: those that are not UTF-8, control characters
/// and characters that turn the direction of text become U+FFFD, and a name too long for a tag loses its end.
pub(crate) fn tag(key: &str, name: &[u8]) -> String {
    tag_within(MAX_SAMPLE_TAGS_BYTES, key, name)
}

/// Text for people of bytes from elsewhere, by the same rules.
pub(crate) fn printable(text: &[u8]) -> String {
    String::from_utf8_lossy(text).chars().map(shown).collect()
}

fn shown(c: char) -> char {
    if is_unprintable(c) { char::REPLACEMENT_CHARACTER } else { c }
}

/// Two such tags; their keys have to be given in order. Each has half of the room.
pub(crate) fn tag_pair(first: (&str, &[u8]), second: (&str, &[u8])) -> String {
    let room = MAX_SAMPLE_TAGS_BYTES / 2 - 1;
    format!("{},{}", tag_within(room, first.0, first.1), tag_within(room, second.0, second.1))
}

fn tag_within(room: usize, key: &str, name: &[u8]) -> String {
    let mut clean = String::with_capacity(name.len().min(room));
    let mut room = room.saturating_sub(key.len() + 1);
    for c in String::from_utf8_lossy(name).chars() {
        let c = shown(c);
        // The escape of a comma, an equals sign or a backslash is one byte more.
        let size = c.len_utf8() + usize::from(matches!(c, ',' | '=' | '\\'));
        let Some(rest) = room.checked_sub(size) else { break };
        room = rest;
        clean.push(c);
    }
    tags::pair(key, &clean)
}

fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(table: &mut Table<u64>, things: &[(&str, u64)]) -> Vec<(String, Option<u64>, u64)> {
        table.begin();
        for (name, value) in things {
            table.set(name.as_bytes(), *value);
        }
        table.end();
        table.rows().map(|row| (row.tags.clone(), row.last, row.now)).collect()
    }

    #[test]
    fn a_thing_keeps_its_counters_while_it_is_there() {
        let mut table = Table::new("device", 8);
        let mut check = |things: &[(&str, u64)], expected: &[(&str, Option<u64>, u64)]| {
            let expected: Vec<_> =
                expected.iter().map(|(tags, last, now)| ((*tags).to_owned(), *last, *now)).collect();
            assert_eq!(read(&mut table, things), expected);
        };
        check(&[("a", 1), ("b", 2)], &[("device=a", None, 1), ("device=b", None, 2)]);
        check(&[("b", 3), ("a", 4)], &[("device=a", Some(1), 4), ("device=b", Some(2), 3)]);
        check(&[("b", 5)], &[("device=b", Some(3), 5)]);
        check(&[("a", 9), ("b", 6)], &[("device=b", Some(5), 6), ("device=a", None, 9)]);
        check(&[("a", 10), ("a", 11)], &[("device=a", Some(9), 10)]);
    }

    #[test]
    fn beyond_the_limit_nothing_is_kept_and_that_is_said() {
        let mut table = Table::new("device", 1);
        assert_eq!(read(&mut table, &[("a", 1), ("b", 2), ("c", 3)]).len(), 1);
        assert!(matches!(table.complete(), Err(Fault::Limit { limit: 1, left_out: 2, .. })));
        read(&mut table, &[("a", 1)]);
        assert!(table.complete().is_ok());
    }

    #[test]
    fn names_of_any_bytes_become_canonical_tags() {
        let check = |name: &[u8], expected: &str| assert_eq!(tag("mount", name), expected);
        check(b"/srv,old", r"mount=/srv\,old");
        check(b"/a=b\\c d", r"mount=/a\=b\\c d");
        check(b"/new\nline", "mount=/new\u{fffd}line");
        check(b"/\xff", "mount=/\u{fffd}");
        check("/\u{202e}gpj".as_bytes(), "mount=/\u{fffd}gpj");
    }

    #[test]
    fn names_that_no_tag_can_tell_apart_are_one_series() {
        let mut table = Table::new("device", 8);
        table.begin();
        table.set(b"\xff", 1);
        table.set(b"\xfe", 2);
        table.end();
        assert_eq!(table.rows().map(|row| row.now).collect::<Vec<_>>(), [1]);
    }

    proptest! {
        #[test]
        fn any_name_is_a_canonical_tag_of_limited_size(name in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let text = tag("mount", &name);
            prop_assert!(text.len() <= MAX_SAMPLE_TAGS_BYTES);
            prop_assert!(!text.chars().any(char::is_control));
            prop_assert_eq!(tags::canonical(&text), Ok(text));
            let text = tag_pair(("chip", &name), ("sensor", &name));
            prop_assert!(text.len() <= MAX_SAMPLE_TAGS_BYTES);
            prop_assert_eq!(tags::canonical(&text), Ok(text));
        }
    }
}
