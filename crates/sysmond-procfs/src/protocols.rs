//! What TCP and UDP count, from `/proc/net/snmp` and `/proc/net/netstat`.
//!
//! Each protocol has two lines, one of names and one of numbers: `Tcp: RtoAlgorithm RtoMin …` and `Tcp: 1 200 …`.

use crate::file_source::{Fault, ProcFile};
use crate::pace::{Elapsed, Pace};
use crate::source::{Roots, Source, SourceError, Values};
use crate::text::{fields, lines, number};
use std::time::Duration;
use sysmond_model::Metric;
use sysmond_model::catalogue::{
    TCP_ACCEPTED, TCP_ERRORS_IN, TCP_ESTABLISHED, TCP_FAILED, TCP_LISTEN_DROPS, TCP_LISTEN_OVERFLOWS,
    TCP_OPENED, TCP_RECEIVE_DROPS, TCP_RESETS, TCP_RESETS_OUT, TCP_RETRANSMIT_PERCENT, TCP_RETRANSMITS,
    TCP_SEGMENTS_IN, TCP_SEGMENTS_OUT, TCP_SYN_COOKIES, TCP_SYN_RETRANSMITS, TCP_TIMEOUTS, UDP_DATAGRAMS_IN,
    UDP_DATAGRAMS_OUT, UDP_ERRORS_IN, UDP_NO_PORT, UDP_RECEIVE_DROPS, UDP_SEND_DROPS,
};

/// The kernel's name of a counter, and the metric that is its rate.
type Counter = (&'static [u8], &'static Metric);

const TCP: [Counter; 9] = [
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
const UDP: [Counter; 6] = [
    (b"InDatagrams", &UDP_DATAGRAMS_IN),
    (b"OutDatagrams", &UDP_DATAGRAMS_OUT),
    (b"NoPorts", &UDP_NO_PORT),
    (b"InErrors", &UDP_ERRORS_IN),
    (b"RcvbufErrors", &UDP_RECEIVE_DROPS),
    (b"SndbufErrors", &UDP_SEND_DROPS),
];
const TCP_EXTENDED: [Counter; 6] = [
    (b"ListenOverflows", &TCP_LISTEN_OVERFLOWS),
    (b"ListenDrops", &TCP_LISTEN_DROPS),
    (b"TCPSynRetrans", &TCP_SYN_RETRANSMITS),
    (b"TCPTimeouts", &TCP_TIMEOUTS),
    (b"SyncookiesSent", &TCP_SYN_COOKIES),
    (b"TCPRcvQDrop", &TCP_RECEIVE_DROPS),
];

/// Both files.
#[derive(Debug)]
pub(crate) struct Protocols {
    snmp_file: ProcFile,
    netstat_file: ProcFile,
    snmp: Snmp,
    netstat: Netstat,
}

impl Protocols {
    pub(crate) fn new(roots: &Roots, max_gap: Duration) -> Self {
        Self {
            snmp_file: ProcFile::first_of(roots.of_host("net/snmp")).or_absent("no network"),
            netstat_file: ProcFile::first_of(roots.of_host("net/netstat")).or_absent("no network"),
            snmp: Snmp::new(max_gap),
            netstat: Netstat::new(max_gap),
        }
    }
}

impl Source for Protocols {
    fn name(&self) -> &'static str {
        "protocols"
    }

    fn read(&mut self, at: Duration, out: &mut Values) -> Result<(), SourceError> {
        let Self { snmp_file, netstat_file, snmp, netstat } = self;
        let text = snmp_file.read()?;
        let first = snmp.take(text, at, out).map_err(|fault| fault.of(snmp_file.path()));
        let text = netstat_file.read()?;
        first.and(netstat.take(text, at, out).map_err(|fault| fault.of(netstat_file.path())))
    }
}

/// The state of `/proc/net/snmp` between two readings.
#[derive(Debug)]
pub(crate) struct Snmp {
    pace: Pace,
    established: Columns<1>,
    tcp: Rates<{ TCP.len() }>,
    udp: Rates<{ UDP.len() }>,
}

impl Snmp {
    pub(crate) fn new(max_gap: Duration) -> Self {
        Self {
            pace: Pace::new(max_gap),
            established: Columns::new(b"Tcp:", [b"CurrEstab"]),
            tcp: Rates::new(b"Tcp:", TCP),
            udp: Rates::new(b"Udp:", UDP),
        }
    }

    pub(crate) fn take(&mut self, text: &[u8], at: Duration, out: &mut Values) -> Result<(), Fault> {
        let elapsed = self.pace.step(at);
        if let Some([Some(count)]) = self.established.numbers(text) {
            out.put(&TCP_ESTABLISHED, "", count as f64);
        }
        let increases = self.tcp.take(text, elapsed, out)?;
        // Repeated segments are not among the sent ones: together they are all that went out.
        if let [Some(sent), Some(again), ..] = increases {
            let all = sent.saturating_add(again);
            out.put(&TCP_RETRANSMIT_PERCENT, "", 100.0 * again as f64 / all as f64);
        }
        self.udp.take(text, elapsed, out).map(|_| ())
    }
}

/// The state of `/proc/net/netstat` between two readings.
#[derive(Debug)]
pub(crate) struct Netstat {
    pace: Pace,
    tcp: Rates<{ TCP_EXTENDED.len() }>,
}

impl Netstat {
    pub(crate) fn new(max_gap: Duration) -> Self {
        Self { pace: Pace::new(max_gap), tcp: Rates::new(b"TcpExt:", TCP_EXTENDED) }
    }

    pub(crate) fn take(&mut self, text: &[u8], at: Duration, out: &mut Values) -> Result<(), Fault> {
        let elapsed = self.pace.step(at);
        self.tcp.take(text, elapsed, out).map(|_| ())
    }
}

/// The rates of `N` counters of a protocol.
#[derive(Debug)]
struct Rates<const N: usize> {
    columns: Columns<N>,
    metrics: [&'static Metric; N],
    last: [Option<u64>; N],
}

impl<const N: usize> Rates<N> {
    fn new(protocol: &'static [u8], counters: [Counter; N]) -> Self {
        let columns = Columns::new(protocol, counters.map(|(name, _)| name));
        Self { columns, metrics: counters.map(|(_, metric)| metric), last: [None; N] }
    }

    /// Puts the rates, and gives the increases.
    fn take(
        &mut self,
        text: &[u8],
        elapsed: Option<Elapsed>,
        out: &mut Values,
    ) -> Result<[Option<u64>; N], Fault> {
        let now = self.columns.numbers(text);
        let mut increases = std::mem::replace(&mut self.last, now.unwrap_or([None; N]));
        for (increase, now) in increases.iter_mut().zip(self.last) {
            *increase = now.zip(*increase).and_then(|(now, last)| now.checked_sub(last));
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
    const UDP_NAMES: &str = "Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors\n";

    fn snmp(tcp: &str, udp: &str) -> String {
        format!(
            "Ip: Forwarding\nIp: 1\n{NAMES}Tcp: {tcp}\n{UDP_NAMES}Udp: {udp}\nUdpLite: InDatagrams\nUdpLite: 7\n"
        )
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
            &snmp("1 200 120000 -1 10 20 1 2 5 1000 2000 30 0 4 0", "10 0 0 20 0 0"),
            &snmp("1 200 120000 -1 14 22 1 2 6 1100 2090 40 0 4 0", "30 2 0 20 0 4"),
        );
        for (series, expected) in [
            ("tcp.established", "6"),
            ("tcp.opened", "2"),
            ("tcp.accepted", "1"),
            ("tcp.segments_in", "50"),
            ("tcp.segments_out", "45"),
            ("tcp.retransmits", "5"),
            ("tcp.retransmit_percent", "10"),
            ("udp.datagrams_in", "10"),
            ("udp.no_port", "1"),
            ("udp.send_drops", "2"),
        ] {
            assert_eq!(value(&found, series), expected, "{series}");
        }
        assert_eq!(found.len(), 17);
    }

    #[test]
    fn without_segments_there_is_no_share_of_them() {
        let text = snmp("1 200 120000 -1 1 1 1 1 1 1 1 1 1 1 1", "1 1 1 1 1 1");
        assert!(!two(&text, &text).iter().any(|line| line.starts_with("tcp.retransmit_percent")));
    }

    #[test]
    fn columns_are_found_by_name() {
        let (mut netstat, mut out) = (Netstat::new(Duration::from_secs(10)), Values::default());
        let texts = [
            (1, "TcpExt: SyncookiesSent ListenDrops\nTcpExt: 1 2\nIpExt: A\nIpExt: 1\n"),
            (2, "TcpExt: ListenDrops x SyncookiesSent TCPRcvQDrop\nTcpExt: 5 9 2 8\n"),
        ];
        for (at, text) in texts {
            out.clear();
            netstat.take(text.as_bytes(), Duration::from_secs(at), &mut out).unwrap();
        }
        assert_eq!(values(&out), ["tcp.listen_drops 3", "tcp.syn_cookies 1"]);
    }

    #[test]
    fn what_has_not_both_lines_is_malformed() {
        for text in ["", "Tcp: A B\n", "TcpExt: A\n", "Udp: A\nUdp: 1\n"] {
            let mut out = Values::default();
            assert!(
                Snmp::new(Duration::MAX).take(text.as_bytes(), Duration::ZERO, &mut out).is_err(),
                "{text}"
            );
            assert!(
                Netstat::new(Duration::MAX).take(text.as_bytes(), Duration::ZERO, &mut out).is_err(),
                "{text}"
            );
        }
    }
}
