//! What TCP counts, over both versions of IP together, from `/proc/net/snmp`.
//!
//! Each protocol has two lines, one of names and one of numbers: `Tcp: RtoAlgorithm RtoMin …` and `Tcp: 1 200 …`.
//! What else protocols count is left to [`crate::netstat`], which has a slower clock: the kernel adds it up over all
//! processors, and takes longer for that than for all of TCP.

use crate::exposition::Exposition;
use crate::file_source::{Fault, FileSource, ProcFile, Reading};
use crate::pace::{Elapsed, Pace};
use crate::source::{Roots, Values};
use crate::text::{fields, lines, number};
use std::time::Duration;
use sysmond_model::Metric;
use sysmond_model::catalogue::{
    TCP_ACCEPTED, TCP_ERRORS_IN, TCP_ESTABLISHED, TCP_FAILED, TCP_OPENED, TCP_RESETS, TCP_RESETS_OUT,
    TCP_RETRANSMIT_PERCENT, TCP_RETRANSMITS, TCP_SEGMENTS_IN, TCP_SEGMENTS_OUT,
};

/// The kernel's name of a counter, and the metric that is its rate.
pub(crate) type Counter = (&'static [u8], &'static Metric);

pub(crate) const TCP: [Counter; 9] = [
    (b"OutSegs", &TCP_SEGMENTS_OUT),
    (b"RetransSegs", &TCP_RETRANSMITS),
    (b"InSegs", &TCP_SEGMENTS_IN),
    (b"ActiveOpens", &TCP_OPENED),
    (b"PassiveOpens", &TCP_ACCEPTED),
    (b"AttemptFails", &TCP_FAILED),
    (b"EstabResets", &TCP_RESETS),
    (b"InErrs", &TCP_ERRORS_IN),
    (b"OutRsts", &TCP_RESETS_OUT),
];
/// The source.
pub(crate) fn source(roots: &Roots, max_gap: Duration) -> FileSource<Snmp> {
    let file = ProcFile::first_of(roots.of_host("net/snmp")).or_absent("no network");
    FileSource::new(file, Snmp::new(max_gap))
}

/// The state of `/proc/net/snmp` between two readings.
#[derive(Debug)]
pub(crate) struct Snmp {
    pace: Pace,
    established: Columns<1>,
    tcp: Rates<{ TCP.len() }>,
}

impl Snmp {
    pub(crate) fn new(max_gap: Duration) -> Self {
        Self {
            pace: Pace::new(max_gap),
            established: Columns::new(b"Tcp:", [b"CurrEstab"]),
            tcp: Rates::new(b"Tcp:", TCP),
        }
    }
}

impl Reading for Snmp {
    const NAME: &'static str = "protocols";

    fn take(&mut self, text: &[u8], at: Duration, out: &mut Values) -> Result<(), Fault> {
        let elapsed = self.pace.step(at);
        if let Some([Some(count)]) = self.established.numbers(text) {
            out.put(&TCP_ESTABLISHED, "", count as f64);
        }
        let increases = self.tcp.take(text, [None; TCP.len()], elapsed, out)?;
        // Repeated segments are not among the sent ones: together they are all that went out.
        if let [Some(sent), Some(again), ..] = increases {
            let all = sent.saturating_add(again);
            out.put(&TCP_RETRANSMIT_PERCENT, "", 100.0 * again as f64 / all as f64);
        }
        Ok(())
    }

    /// All that protocols count is shown by the other source.
    fn expose(&mut self, _text: &[u8], _out: &mut Exposition) {}
}

/// The rates of `N` counters of a protocol.
#[derive(Debug)]
pub(crate) struct Rates<const N: usize> {
    columns: Columns<N>,
    metrics: [&'static Metric; N],
    last: [Option<u64>; N],
}

impl<const N: usize> Rates<N> {
    pub(crate) fn new(protocol: &'static [u8], counters: [Counter; N]) -> Self {
        let columns = Columns::new(protocol, counters.map(|(name, _)| name));
        Self { columns, metrics: counters.map(|(_, metric)| metric), last: [None; N] }
    }

    /// Puts the rates, with what was counted elsewhere on top, and gives the increases.
    pub(crate) fn take(
        &mut self,
        text: &[u8],
        more: [Option<u64>; N],
        elapsed: Option<Elapsed>,
        out: &mut Values,
    ) -> Result<[Option<u64>; N], Fault> {
        let now = self.columns.numbers(text);
        let last = std::mem::replace(&mut self.last, now.unwrap_or([None; N]));
        let mut increases = increases(last, self.last);
        for (increase, more) in increases.iter_mut().zip(more) {
            *increase = increase.map(|increase| increase.saturating_add(more.unwrap_or(0)));
        }
        let Some(elapsed) = elapsed else { return now.map(|_| [None; N]).ok_or(MISSING) };
        for (metric, increase) in self.metrics.into_iter().zip(increases) {
            if let Some(increase) = increase {
                out.put(metric, "", elapsed.per_second(increase));
            }
        }
        now.map(|_| increases).ok_or(MISSING)
    }
}

/// What came to each counter; nothing where it fell.
pub(crate) fn increases<const N: usize>(last: [Option<u64>; N], now: [Option<u64>; N]) -> [Option<u64>; N] {
    let mut increases = last;
    for (increase, now) in increases.iter_mut().zip(now) {
        *increase = now.zip(*increase).and_then(|(now, last)| now.checked_sub(last));
    }
    increases
}

const MISSING: Fault = Fault::Malformed("expected a line of names and one of numbers for each protocol");

/// Where the counters of a protocol are. The line of names is compared as a whole: it changes with the kernel only.
#[derive(Debug)]
struct Columns<const N: usize> {
    protocol: &'static [u8],
    keys: [&'static [u8]; N],
    names: Vec<u8>,
    /// Column and place in `keys`, ascending by column.
    plan: Vec<(usize, usize)>,
}

impl<const N: usize> Columns<N> {
    const fn new(protocol: &'static [u8], keys: [&'static [u8]; N]) -> Self {
        Self { protocol, keys, names: Vec::new(), plan: Vec::new() }
    }

    /// The numbers in the order of the keys. Nothing where the text does not have the protocol.
    fn numbers(&mut self, text: &[u8]) -> Option<[Option<u64>; N]> {
        let mut own = lines(text).filter_map(|line| line.strip_prefix(self.protocol));
        let (names, line) = (own.next()?, own.next()?);
        if self.names != names {
            self.learn(names);
        }
        let mut values = [None; N];
        let mut plan = self.plan.iter().peekable();
        for (column, field) in fields(line).enumerate() {
            let Some((_, place)) = plan.next_if(|(planned, _)| *planned == column) else {
                if plan.peek().is_none() {
                    break;
                }
                continue;
            };
            if let Some(slot) = values.get_mut(*place) {
                *slot = number(field);
            }
        }
        Some(values)
    }

    fn learn(&mut self, names: &[u8]) {
        names.clone_into(&mut self.names);
        self.plan.clear();
        for (column, name) in fields(names).enumerate() {
            if let Some(place) = self.keys.iter().position(|key| *key == name) {
                self.plan.push((column, place));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{value, values};

    const NAMES: &str = "Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets \
                         CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors\n";

    fn snmp(tcp: &str) -> String {
        format!("Ip: Forwarding\nIp: 1\n{NAMES}Tcp: {tcp}\nUdpLite: InDatagrams\nUdpLite: 7\n")
    }

    fn two(first: &str, second: &str) -> Vec<String> {
        let (mut snmp, mut out) = (Snmp::new(Duration::from_secs(10)), Values::default());
        snmp.take(first.as_bytes(), Duration::from_secs(1), &mut out).unwrap();
        out.clear();
        snmp.take(second.as_bytes(), Duration::from_secs(3), &mut out).unwrap();
        values(&out)
    }

    #[test]
    fn rates_of_each_counter_and_the_state_of_the_moment() {
        let found = two(
            &snmp("1 200 120000 -1 10 20 1 2 5 1000 2000 30 0 4 0"),
            &snmp("1 200 120000 -1 14 22 1 2 6 1100 2090 40 0 4 0"),
        );
        for (series, expected) in [
            ("tcp.established", "6"),
            ("tcp.opened", "2"),
            ("tcp.accepted", "1"),
            ("tcp.segments_in", "50"),
            ("tcp.segments_out", "45"),
            ("tcp.retransmits", "5"),
            ("tcp.retransmit_percent", "10"),
        ] {
            assert_eq!(value(&found, series), expected, "{series}");
        }
        assert_eq!(found.len(), 11);
    }

    #[test]
    fn without_segments_there_is_no_share_of_them() {
        let text = snmp("1 200 120000 -1 1 1 1 1 1 1 1 1 1 1 1");
        assert!(!two(&text, &text).iter().any(|line| line.starts_with("tcp.retransmit_percent")));
    }

    #[test]
    fn what_has_not_both_lines_is_malformed() {
        for text in ["", "Tcp: A B\n", "TcpExt: A\n", "Udp: A\nUdp: 1\n"] {
            let mut out = Values::default();
            let taken = Snmp::new(Duration::MAX).take(text.as_bytes(), Duration::ZERO, &mut out);
            assert!(taken.is_err(), "{text}");
        }
    }
}
