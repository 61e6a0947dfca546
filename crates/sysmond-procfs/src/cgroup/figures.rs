//! The parsers of what a control group says, of both versions.

use crate::text::{fields, lines, number, split_once};

/// A limit as large as this is none: version 1 writes the largest number of pages.
const UNLIMITED: u64 = 1 << 60;

/// The number behind `key` in lines `key number`.
pub(crate) fn flat(text: &[u8], key: &[u8]) -> Option<u64> {
    let mut values = lines(text).filter_map(|line| line.strip_prefix(key)?.strip_prefix(b" "));
    values.next().and_then(number)
}

/// A single number.
pub(crate) fn single(text: &[u8]) -> Option<u64> {
    number(text.trim_ascii())
}

/// A limit of memory: `max` is none.
pub(crate) fn limit(text: &[u8]) -> Option<u64> {
    single(text).filter(|limit| (1..UNLIMITED).contains(limit))
}

/// A limit of processors, thousandths of a core: `200000 100000`, the microseconds in each period; `max 100000` is
/// none.
pub(crate) fn quota(text: &[u8]) -> Option<u64> {
    let mut columns = fields(text);
    per_period(columns.next().and_then(number)?, columns.next().and_then(number)?)
}

/// The same of version 1, which has a file for each.
pub(crate) fn per_period(quota: u64, period: u64) -> Option<u64> {
    quota.checked_mul(1000)?.checked_div(period).filter(|millicores| *millicores > 0)
}

/// Bytes read and written, of a text with a line for each device: `8:0 rbytes=1 wbytes=2 …`. Devices on top of others
/// (`stacked` are their major numbers) would count twice.
pub(crate) fn io(text: &[u8], stacked: &[u64]) -> (u64, u64) {
    let mut sum = (0_u64, 0_u64);
    for line in lines(text) {
        let mut columns = fields(line);
        if !columns.next().is_some_and(|device| is_bottom(device, stacked)) {
            continue;
        }
        for column in columns {
            match split_once(column, b'=') {
                Some((b"rbytes", bytes)) => sum.0 = sum.0.saturating_add(number(bytes).unwrap_or(0)),
                Some((b"wbytes", bytes)) => sum.1 = sum.1.saturating_add(number(bytes).unwrap_or(0)),
                _ => {}
            }
        }
    }
    sum
}

/// The same of version 1: `8:0 Read 4096`.
pub(crate) fn io_v1(text: &[u8], stacked: &[u64]) -> (u64, u64) {
    let mut sum = (0_u64, 0_u64);
    for line in lines(text) {
        let mut columns = fields(line);
        if !columns.next().is_some_and(|device| is_bottom(device, stacked)) {
            continue;
        }
        let slot = match columns.next() {
            Some(b"Read") => &mut sum.0,
            Some(b"Write") => &mut sum.1,
            _ => continue,
        };
        *slot = slot.saturating_add(columns.next().and_then(number).unwrap_or(0));
    }
    sum
}

fn is_bottom(device: &[u8], stacked: &[u64]) -> bool {
    let major = split_once(device, b':').and_then(|(major, _)| number(major));
    major.is_some_and(|major| !stacked.contains(&major))
}

/// The major numbers of block devices that are made of others, from `/proc/devices`.
pub(crate) fn stacked(text: &[u8]) -> Vec<u64> {
    let block = lines(text).skip_while(|line| *line != b"Block devices:");
    let is_stacked = |name: &[u8]| matches!(name, b"device-mapper" | b"md" | b"mdp" | b"loop");
    let major = |line| {
        let mut columns = fields(line);
        let major = columns.next().and_then(number)?;
        columns.next().filter(|name| is_stacked(name)).map(|_| major)
    };
    block.filter_map(major).take(8).collect()
}

/// How many processors a list such as `0-3,8` has.
pub(crate) fn cores(text: &[u8]) -> Option<u64> {
    let range = |range: &[u8]| match split_once(range, b'-') {
        Some((first, last)) => number(last)?.checked_sub(number(first)?)?.checked_add(1),
        None => number(range).map(|_| 1),
    };
    let parts = text.trim_ascii().split(|byte| *byte == b',').map(range);
    parts.sum::<Option<u64>>().filter(|cores| (1..=1 << 20).contains(cores))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_keys_are_whole_words() {
        let text = b"usage_usec 12\nuser_usec 5\nnr_throttled 3\nthrottled_usec 99\n";
        assert_eq!(flat(text, b"usage_usec"), Some(12));
        assert_eq!(flat(text, b"throttled_usec"), Some(99));
        assert_eq!(flat(text, b"usage"), None);
        assert_eq!(flat(b"oom 1\noom_kill 2\n", b"oom_kill"), Some(2));
    }

    #[test]
    fn limits_of_memory_and_processors() {
        assert_eq!(limit(b"1073741824\n"), Some(1 << 30));
        for text in [b"max\n".as_slice(), b"9223372036854771712\n", b"0\n", b""] {
            assert_eq!(limit(text), None, "{text:?}");
        }
        assert_eq!(quota(b"150000 100000\n"), Some(1500));
        for text in [b"max 100000\n".as_slice(), b"100000 0\n", b"0 100000\n", b""] {
            assert_eq!(quota(text), None, "{text:?}");
        }
        assert_eq!(per_period(50_000, 100_000), Some(500));
    }

    #[test]
    fn io_is_that_of_devices_at_the_bottom() {
        let stacked = stacked(b"Character devices:\n  1 mem\n\nBlock devices:\n  7 loop\n  8 sd\n  9 md\n253 device-mapper\n259 blkext\n");
        assert_eq!(stacked, [7, 9, 253]);
        let text = b"8:0 rbytes=100 wbytes=20 rios=1 wios=1 dbytes=0 dios=0\n253:0 rbytes=100 wbytes=20\n259:1 rbytes=1 wbytes=x\n8:16\n";
        assert_eq!(io(text, &stacked), (101, 20));
        let text = b"8:0 Read 100\n8:0 Write 20\n8:0 Sync 5\n8:0 Total 120\n253:0 Read 100\nTotal 220\n";
        assert_eq!(io_v1(text, &stacked), (100, 20));
    }

    #[test]
    fn processors_are_counted() {
        let check = |text: &str, expected| assert_eq!(cores(text.as_bytes()), expected, "{text}");
        check("0-3,8,10-11\n", Some(7));
        check("0\n", Some(1));
        check("3-1\n", None);
        check("", None);
        check("0-18446744073709551615", None);
    }
}
