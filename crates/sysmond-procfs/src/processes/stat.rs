//! The parsers of what the kernel says of a process.

use crate::text::{fields, lines, number};

/// The flag of a thread of the kernel.
const KERNEL_THREAD: u64 = 0x0020_0000;

/// What `/proc/PID/stat` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stat<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) state: u8,
    pub(crate) is_kernel: bool,
    /// Time on processors, of all threads, in the kernel and out of it.
    pub(crate) ticks: u64,
    pub(crate) threads: u64,
    /// Ticks from the kernel's start to the process': with the number, this tells a process from all others.
    pub(crate) start: u64,
    /// Resident memory.
    pub(crate) pages: u64,
}

impl<'a> Stat<'a> {
    /// `123 (name) S 1 …`, where the name may hold anything, also parentheses and ends of lines.
    pub(crate) fn parse(text: &'a [u8]) -> Option<Self> {
        let open = text.iter().position(|byte| *byte == b'(')?;
        let close = text.iter().rposition(|byte| *byte == b')').filter(|close| *close > open)?;
        let mut columns = fields(text.get(close + 1..)?);
        let state = *columns.next()?.first()?;
        let flags = columns.nth(5).and_then(number)?;
        let user = columns.nth(4).and_then(number)?;
        let system = columns.next().and_then(number)?;
        let threads = columns.nth(4).and_then(number)?;
        let start = columns.nth(1).and_then(number)?;
        let pages = columns.nth(1).and_then(number)?;
        Some(Self {
            name: text.get(open + 1..close)?,
            state,
            is_kernel: flags & KERNEL_THREAD != 0,
            ticks: user.saturating_add(system),
            threads,
            start,
            pages,
        })
    }
}

/// Bytes read from and written to disks, of `/proc/PID/io`. What was written and thrown away before it reached a disk
/// is not known to whom it belongs, and stays in.
pub(crate) fn io(text: &[u8]) -> Option<(u64, u64)> {
    let value = |key: &[u8]| lines(text).find_map(|line| number(line.strip_prefix(key)?.trim_ascii()));
    Some((value(b"read_bytes:")?, value(b"write_bytes:")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: &str) -> String {
        format!(
            "42 ({name}) S 1 42 42 0 -1 4194560 900 10 2 0 30 12 5 5 20 0 7 0 5000 900000 256 18446744073709551615 1 1 0\n"
        )
    }

    #[test]
    fn any_name_is_found() {
        for name in ["bash", "a b", "tmux: server", "x) R 1 (", "two\nlines", "()", ""] {
            let text = text(name);
            let stat = Stat::parse(text.as_bytes()).unwrap();
            assert_eq!(stat.name, name.as_bytes());
            assert_eq!((stat.state, stat.ticks, stat.threads), (b'S', 42, 7));
            assert_eq!((stat.start, stat.pages, stat.is_kernel), (5000, 256, false));
        }
    }

    #[test]
    fn threads_of_the_kernel_are_known_by_a_flag() {
        let text = text("kworker/0:1").replace("4194560", "69238880");
        assert!(Stat::parse(text.as_bytes()).unwrap().is_kernel);
    }

    #[test]
    fn what_is_no_process_is_none() {
        for text in ["", "42 (a", "42 a) S", ")(", "42 (a) S 1 2 3"] {
            assert_eq!(Stat::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn bytes_of_disks() {
        let text = b"rchar: 9\nwchar: 9\nsyscr: 1\nsyscw: 1\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 1\n";
        assert_eq!(io(text), Some((4096, 8192)));
        assert_eq!(io(b"rchar: 9\n"), None);
    }
}
