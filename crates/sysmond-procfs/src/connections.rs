//! TCP connections by state, from `/proc/net/tcp` and `tcp6`.
//!
//! The kernel walks through a table for them that has room for hundreds of thousands, and writes a line for each
//! connection, which costs more than all other sources together. So this has a slow clock, and a slower one the more it
//! costs, reads a piece at a time, and beyond a number of connections gives up and says so.

use crate::exposition::Exposition;
use crate::file_source::{Fault, read_once};
use crate::sockets::entries;
use crate::source::{Lane, Roots, Source, SourceError, Values};
use crate::text::{fields, hexadecimal};
use rustix::time::{ClockId, clock_gettime};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use sysmond_model::catalogue::TCP_CONNECTIONS;

/// Connections that are counted. The kernel takes 3 µs for each, so that this many take 100 ms, and with
/// [`LONG_REST`] one part in 6000 of a core: who has that many wants to know in which state they are.
const MAX_CONNECTIONS: u64 = 32_768;
/// A reading may take one part in so many of a core: one of 5 ms, as an empty table of 4 GB of memory takes, comes once
/// in four minutes.
const COST_SHARE: u32 = 50_000;
/// No longer rest than this: from 4000 connections on a reading takes more than its share.
const LONG_REST: Duration = Duration::from_mins(10);
/// Read at once.
const PIECE_BYTES: usize = 32 * 1024;

/// The tags of states 1 to 11.
pub(crate) const STATES: [&str; 11] = [
    "state=established",
    "state=syn_sent",
    "state=syn_recv",
    "state=fin_wait1",
    "state=fin_wait2",
    "state=time_wait",
    "state=close",
    "state=close_wait",
    "state=last_ack",
    "state=listen",
    "state=closing",
];
/// A connection that is being made is state 12 for kernels since 4.4, and the same to people.
const NEW_SYN_RECV: u32 = 12;
const SYN_RECV: u32 = 3;

/// Both files.
#[derive(Debug)]
pub(crate) struct Connections {
    paths: [Vec<PathBuf>; 2],
    /// Numbers of sockets, which the kernel keeps without a walk.
    totals: [Vec<PathBuf>; 2],
    buffer: Box<[u8]>,
    /// Not before this: the last reading was long.
    rest_until: Duration,
    /// Of the last reading; nothing where there were too many.
    last: Option<Counts>,
    /// What is said then.
    too_many: Option<SourceError>,
}

impl Connections {
    pub(crate) fn new(roots: &Roots) -> Self {
        let paths = ["net/tcp", "net/tcp6"].map(|file| roots.of_host(file));
        let totals = ["net/sockstat", "net/sockstat6"].map(|file| roots.of_host(file));
        let (buffer, rest_until) = (vec![0; PIECE_BYTES].into(), Duration::ZERO);
        Self { paths, totals, buffer, rest_until, last: None, too_many: None }
    }
}

impl Source for Connections {
    fn name(&self) -> &'static str {
        "connections"
    }

    fn lane(&self) -> Lane {
        Lane::Locks
    }

    fn read(&mut self, at: Duration, out: &mut Values) -> Result<(), SourceError> {
        if at >= self.rest_until || self.rest_until > at + 2 * LONG_REST {
            let begin = clock_gettime(ClockId::ThreadCPUTime);
            (self.last, self.too_many) = (None, None);
            self.last = self.count()?;
            self.too_many = self.last.is_none().then(|| self.limit());
            let cost = clock_gettime(ClockId::ThreadCPUTime) - begin;
            let rest = Duration::try_from(cost).unwrap_or_default() * COST_SHARE;
            let rest = if self.last.is_none() { LONG_REST } else { rest.min(LONG_REST) };
            self.rest_until = at + rest;
        }
        if let Some(counts) = &self.last {
            counts.put(out);
        }
        self.too_many.clone().map_or(Ok(()), Err)
    }

    /// As they were when they were last counted: to count them costs more than all else.
    fn expose(&mut self, out: &mut Exposition) -> Result<(), SourceError> {
        let Some(counts) = &self.last else { return Ok(()) };
        for (state, count) in counts.by_state() {
            let state = state.strip_prefix("state=").unwrap_or(state);
            let help = "TCP connections by state";
            out.gauge("node_tcp_connection_states", help, &[("state", state.as_bytes())], count as f64);
        }
        Ok(())
    }
}

impl Connections {
    /// Counts all; nothing where there are too many.
    fn count(&mut self) -> Result<Option<Counts>, SourceError> {
        let (mut counts, mut found) = (Counts::default(), false);
        for paths in &self.paths {
            // Not kept open: the kernel holds a place in its tables for each open one.
            let open = paths.iter().find_map(|path| File::open(path).ok().map(|file| (file, path)));
            let Some((file, path)) = open else { continue };
            found = true;
            count(&file, &mut self.buffer, &mut counts)
                .map_err(|error| SourceError::io(path.as_path(), error))?;
        }
        if !found {
            let path =
                self.paths.first().and_then(|paths| paths.first()).map_or(Path::new(""), PathBuf::as_path);
            return Err(SourceError::Absent { path: path.into(), reason: "no network" });
        }
        Ok(Some(counts).filter(|counts| counts.total() <= MAX_CONNECTIONS))
    }

    /// How many more there are than are counted, as far as the kernel knows without counting them.
    fn limit(&self) -> SourceError {
        let texts = self.totals.iter().filter_map(|p| p.iter().find_map(|path| read_once(path.clone()).ok()));
        let total: u64 = texts.map(|text| total(&text)).fold(0, u64::saturating_add);
        let left_out = usize::try_from(total.saturating_sub(MAX_CONNECTIONS)).unwrap_or(usize::MAX).max(1);
        let path = self.paths.iter().flatten().next().map_or(Path::new(""), PathBuf::as_path);
        let limit = usize::try_from(MAX_CONNECTIONS).unwrap_or(usize::MAX);
        Fault::Limit { key: "connection", limit, left_out }.of(path)
    }
}

/// How many TCP sockets there are that `net/tcp` or `tcp6` has a line for.
fn total(text: &[u8]) -> u64 {
    let is_one = |name: &[u8], key: &[u8]| matches!((name, key), (b"TCP" | b"TCP6", b"inuse" | b"tw"));
    entries(text).filter(|(name, key, _)| is_one(name, key)).fold(0, |sum, (.., n)| sum.saturating_add(n))
}

/// Counts piece by piece, until the end or the limit.
fn count(file: &File, buffer: &mut [u8], counts: &mut Counts) -> io::Result<()> {
    let (mut offset, mut kept) = (0, 0);
    while counts.total() <= MAX_CONNECTIONS {
        let free = buffer.get_mut(kept..).unwrap_or_default();
        let more = match file.read_at(free, offset) {
            Ok(more) => more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        offset += more as u64;
        let text = buffer.get(..kept + more).unwrap_or_default();
        let used = counts.add(text);
        let len = text.len();
        // A line that fills the whole buffer is none of the kernel's.
        if more == 0 || (used == 0 && len == buffer.len()) {
            break;
        }
        buffer.copy_within(used..len, 0);
        kept = len - used;
    }
    Ok(())
}

/// How many connections are in each state.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts([u64; STATES.len()]);

impl Counts {
    /// Counts the whole lines of a text, and gives how many bytes those were.
    pub(crate) fn add(&mut self, text: &[u8]) -> usize {
        let end = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        for line in text.get(..end).unwrap_or_default().split(|byte| *byte == b'\n') {
            // `0: 0100007F:1F90 00000000:0000 0A …`; the line of names has no number there.
            let state = fields(line).nth(3).and_then(hexadecimal);
            let state = state.map(|state| if state == NEW_SYN_RECV { SYN_RECV } else { state });
            let place = state.and_then(|state| usize::try_from(state).ok()?.checked_sub(1));
            if let Some(slot) = place.and_then(|place| self.0.get_mut(place)) {
                *slot += 1;
            }
        }
        end
    }

    fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The tag of each state, and how many are in it.
    fn by_state(&self) -> impl Iterator<Item = (&'static str, u64)> {
        STATES.into_iter().zip(self.0)
    }

    pub(crate) fn put(&self, out: &mut Values) {
        for (tags, count) in self.by_state() {
            out.put(&TCP_CONNECTIONS, tags, count as f64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{value, values};
    use std::fmt::Write;
    use std::fs;

    const HEAD: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n";

    fn line(number: usize, state: &str) -> String {
        format!(
            "{number:4}: 0100007F:1F90 00000000:0000 {state} 00000000:00000000 00:00000000 00000000     0        0 9\n"
        )
    }

    struct Host(tempfile::TempDir);

    impl Host {
        fn new(tcp: &str, tcp6: &str) -> Self {
            let dir = tempfile::tempdir().unwrap();
            fs::create_dir(dir.path().join("net")).unwrap();
            fs::write(dir.path().join("net/tcp"), tcp).unwrap();
            fs::write(dir.path().join("net/tcp6"), tcp6).unwrap();
            Self(dir)
        }

        fn source(&self) -> Connections {
            let dir = self.0.path();
            Connections::new(&Roots { procfs: dir.into(), sysfs: dir.into(), rootfs: dir.into() })
        }
    }

    fn read_at(source: &mut Connections, at: Duration) -> Vec<String> {
        let mut out = Values::default();
        source.read(at, &mut out).unwrap();
        values(&out)
    }

    fn read(source: &mut Connections) -> Vec<String> {
        read_at(source, Duration::ZERO)
    }

    #[test]
    fn states_of_both_protocols_are_counted() {
        let tcp = [HEAD.to_owned(), line(0, "0A"), line(1, "01"), line(2, "06"), line(3, "0C")].concat();
        let tcp6 = [HEAD.to_owned(), line(0, "01"), line(1, "03"), line(2, "0F"), line(3, "00")].concat();
        let host = Host::new(&tcp, &tcp6);
        let found = read(&mut host.source());
        for (state, expected) in
            [("established", "2"), ("listen", "1"), ("time_wait", "1"), ("syn_recv", "2"), ("closing", "0")]
        {
            assert_eq!(value(&found, &format!("tcp.connections{{state={state}}}")), expected, "{state}");
        }
        assert_eq!(found.len(), STATES.len());
    }

    #[test]
    fn a_text_longer_than_a_piece_is_counted_whole() {
        let mut tcp = HEAD.to_owned();
        (0..20_000).for_each(|number| tcp.push_str(&line(number, "01")));
        assert!(tcp.len() > 2 * PIECE_BYTES);
        let host = Host::new(&tcp, HEAD);
        assert_eq!(value(&read(&mut host.source()), "tcp.connections{state=established}"), "20000");
    }

    #[test]
    fn beyond_the_limit_it_is_said_and_it_rests() {
        let mut tcp = HEAD.to_owned();
        for number in 0..=MAX_CONNECTIONS {
            writeln!(tcp, "{number}: a b 06").unwrap();
        }
        let host = Host::new(&tcp, HEAD);
        let total = "sockets: used 9\nTCP: inuse 1000 orphan 0 tw 40000 alloc 9 mem 3\n";
        fs::write(host.0.path().join("net/sockstat"), total).unwrap();
        fs::write(host.0.path().join("net/sockstat6"), "TCP6: inuse 5\n").unwrap();
        let mut source = host.source();
        let mut out = Values::default();
        for at in [Duration::ZERO, LONG_REST.checked_sub(Duration::from_secs(1)).unwrap()] {
            let error = source.read(at, &mut out).unwrap_err();
            let is_said = matches!(error, SourceError::Limit { limit: 32_768, left_out: 8237, .. });
            assert!(is_said && values(&out).is_empty(), "{error}");
            fs::write(host.0.path().join("net/tcp"), HEAD).unwrap();
        }
        assert_eq!(read_at(&mut source, LONG_REST).len(), STATES.len());
    }

    #[test]
    fn a_line_without_end_is_no_line() {
        let host = Host::new(&"x".repeat(3 * PIECE_BYTES), "");
        assert_eq!(value(&read(&mut host.source()), "tcp.connections{state=listen}"), "0");
    }
}
