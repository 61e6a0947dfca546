//! What UDP counts over both versions of IP, IP itself, and TCP of what goes wrong, from `/proc/net/snmp`, `snmp6`
//! and `netstat`.
//!
//! In `snmp6` each counter has its line: `Udp6InDatagrams 17`. The kernel adds all of it up over all processors each
//! time, so this has a slower clock.

use crate::exposition::{Exposition, Kind, meaning, name_part};
use crate::file_source::{Fault, ProcFile};
use crate::keyed::{self, Keyed};
use crate::pace::Pace;
use crate::protocols::{Counter, Rates, TCP, increases};
use crate::source::{Roots, Source, SourceError, Values};
use crate::text::{fields, lines, number};
use std::time::Duration;
use sysmond_model::catalogue::{
    IP_DISCARDS_IN, IP_DISCARDS_OUT, IP_FORWARDED, IP_FRAGMENT_FAILS, IP_ICMP_ERRORS, IP_ICMP_IN,
    IP_ICMP_OUT, IP_NO_ROUTES, IP_REASSEMBLY_FAILS, IP_UNREACHABLE, TCP_ABORTED_MEMORY, TCP_ABORTED_TIMEOUT,
    TCP_BACKLOG_DROPS, TCP_DUPLICATES_REPORTED, TCP_FAST_RETRANSMITS, TCP_LISTEN_DROPS, TCP_LISTEN_OVERFLOWS,
    TCP_LOST_RETRANSMITS, TCP_MEMORY_PRESSURES, TCP_OUT_OF_ORDER, TCP_PRUNED, TCP_RECEIVE_DROPS,
    TCP_REQUEST_DROPS, TCP_SLOW_START_RETRANSMITS, TCP_SPURIOUS_TIMEOUTS, TCP_SYN_COOKIES,
    TCP_SYN_RETRANSMITS, TCP_TIMEOUTS, UDP_DATAGRAMS_IN, UDP_DATAGRAMS_OUT, UDP_ERRORS_IN, UDP_NO_PORT,
    UDP_RECEIVE_DROPS, UDP_SEND_DROPS,
};

const UDP: [Counter; 6] = [
    (b"InDatagrams", &UDP_DATAGRAMS_IN),
    (b"OutDatagrams", &UDP_DATAGRAMS_OUT),
    (b"NoPorts", &UDP_NO_PORT),
    (b"InErrors", &UDP_ERRORS_IN),
    (b"RcvbufErrors", &UDP_RECEIVE_DROPS),
    (b"SndbufErrors", &UDP_SEND_DROPS),
];
const TCP_EXTENDED: [Counter; 18] = [
    (b"ListenOverflows", &TCP_LISTEN_OVERFLOWS),
    (b"ListenDrops", &TCP_LISTEN_DROPS),
    (b"TCPSynRetrans", &TCP_SYN_RETRANSMITS),
    (b"TCPTimeouts", &TCP_TIMEOUTS),
    (b"SyncookiesSent", &TCP_SYN_COOKIES),
    (b"TCPRcvQDrop", &TCP_RECEIVE_DROPS),
    (b"TCPLostRetransmit", &TCP_LOST_RETRANSMITS),
    (b"TCPFastRetrans", &TCP_FAST_RETRANSMITS),
    (b"TCPSlowStartRetrans", &TCP_SLOW_START_RETRANSMITS),
    (b"TCPSpuriousRTOs", &TCP_SPURIOUS_TIMEOUTS),
    (b"TCPDSACKRecv", &TCP_DUPLICATES_REPORTED),
    (b"TCPOFOQueue", &TCP_OUT_OF_ORDER),
    (b"TCPAbortOnTimeout", &TCP_ABORTED_TIMEOUT),
    (b"TCPAbortOnMemory", &TCP_ABORTED_MEMORY),
    (b"TCPMemoryPressures", &TCP_MEMORY_PRESSURES),
    (b"PruneCalled", &TCP_PRUNED),
    (b"TCPBacklogDrop", &TCP_BACKLOG_DROPS),
    (b"TCPReqQFullDrop", &TCP_REQUEST_DROPS),
];

const IP: [Counter; 6] = [
    (b"ForwDatagrams", &IP_FORWARDED),
    (b"InDiscards", &IP_DISCARDS_IN),
    (b"OutDiscards", &IP_DISCARDS_OUT),
    (b"OutNoRoutes", &IP_NO_ROUTES),
    (b"ReasmFails", &IP_REASSEMBLY_FAILS),
    (b"FragFails", &IP_FRAGMENT_FAILS),
];
const ICMP: [Counter; 4] = [
    (b"InMsgs", &IP_ICMP_IN),
    (b"OutMsgs", &IP_ICMP_OUT),
    (b"InErrors", &IP_ICMP_ERRORS),
    (b"InDestUnreachs", &IP_UNREACHABLE),
];

/// The names of [`UDP`] over IPv6, in the same order.
const UDP6: [&[u8]; UDP.len()] = [
    b"Udp6InDatagrams",
    b"Udp6OutDatagrams",
    b"Udp6NoPorts",
    b"Udp6InErrors",
    b"Udp6RcvbufErrors",
    b"Udp6SndbufErrors",
];

/// The files.
#[derive(Debug)]
pub(crate) struct Netstat {
    snmp_file: ProcFile,
    snmp6_file: ProcFile,
    extended_file: ProcFile,
    udp: Udp,
    extended: Extended,
}

impl Netstat {
    pub(crate) fn new(roots: &Roots, max_gap: Duration) -> Self {
        let file = |name: &str| ProcFile::first_of(roots.of_host(name)).or_absent("no network");
        Self {
            snmp_file: file("net/snmp"),
            snmp6_file: ProcFile::first_of(roots.of_host("net/snmp6")).or_absent("no IPv6"),
            extended_file: file("net/netstat"),
            udp: Udp::new(max_gap),
            extended: Extended::new(max_gap),
        }
    }
}

impl Source for Netstat {
    fn name(&self) -> &'static str {
        "netstat"
    }

    fn read(&mut self, at: Duration, out: &mut Values) -> Result<(), SourceError> {
        let Self { snmp_file, snmp6_file, extended_file, udp, extended } = self;
        let ipv6 = snmp6_file.read_if_any();
        match &ipv6 {
            Ok(Some(text)) => udp.take_ipv6(text),
            Ok(None) | Err(_) => udp.forget_ipv6(),
        }
        let ipv6 = ipv6.map(|_| ());
        let text = snmp_file.read()?;
        let first = udp.take(text, at, out).map_err(|fault| fault.of(snmp_file.path()));
        let text = extended_file.read()?;
        first.and(extended.take(text, at, out).map_err(|fault| fault.of(extended_file.path()))).and(ipv6)
    }

    fn expose(&mut self, out: &mut Exposition) -> Result<(), SourceError> {
        expose(self.snmp_file.read()?, out);
        expose(self.extended_file.read()?, out);
        for (key, value, _) in keyed::pairs(self.snmp6_file.read_if_any()?.unwrap_or_default()) {
            // `Udp6InDatagrams`: the version ends the protocol's name.
            if let Some(at) = key.iter().position(|byte| *byte == b'6')
                && let Some((protocol, field)) = key.split_at_checked(at + 1)
            {
                expose_field(protocol, field, value, out);
            }
        }
        Ok(())
    }
}

/// The counters of a text whose protocols have two lines each.
fn expose(text: &[u8], out: &mut Exposition) {
    let mut rest = lines(text);
    while let (Some(names), Some(values)) = (rest.next(), rest.next()) {
        let (mut names, mut values) = (fields(names), fields(values));
        let protocol = names.next().unwrap_or_default();
        if values.next() != Some(protocol) {
            continue;
        }
        let protocol = protocol.strip_suffix(b":").unwrap_or(protocol);
        for (field, value) in names.zip(values) {
            if let Some(value) = number(value) {
                expose_field(protocol, field, value, out);
            }
        }
    }
}

fn expose_field(protocol: &[u8], field: &[u8], value: u64, out: &mut Exposition) {
    if is_exposed(protocol, field) {
        let (protocol, field) = (name_part(protocol), name_part(field));
        let family = format!("node_netstat_{protocol}_{field}");
        let help = meaning(&family, || format!("What the kernel counts as `{field}` of {protocol}"));
        out.put(family, Kind::Untyped, help, &[], value as f64);
    }
}

/// Those that `node_exporter` shows by itself, and those that we have beside them.
fn is_exposed(protocol: &[u8], field: &[u8]) -> bool {
    let ours = |counters: &[Counter]| counters.iter().any(|(name, _)| *name == field);
    if matches!(field, b"InErrors" | b"InErrs") {
        return true;
    }
    match protocol {
        b"Ip" => field == b"Forwarding" || ours(&IP),
        b"Ip6" | b"IpExt" => matches!(field, b"InOctets" | b"OutOctets"),
        b"Icmp6" => matches!(field, b"InMsgs" | b"OutMsgs"),
        b"Icmp" => ours(&ICMP),
        b"Tcp" => field == b"CurrEstab" || ours(&TCP),
        b"TcpExt" => {
            let kinds: [&[u8]; 3] = [b"Listen", b"Syncookies", b"TCPOFOQueue"];
            kinds.iter().any(|kind| field.starts_with(kind)) || ours(&TCP_EXTENDED)
        }
        b"Udp" | b"Udp6" => ours(&UDP),
        _ => false,
    }
}

/// The state of UDP, IP and ICMP between two readings.
#[derive(Debug)]
pub(crate) struct Udp {
    pace: Pace,
    ipv4: Rates<{ UDP.len() }>,
    ip: Rates<{ IP.len() }>,
    icmp: Rates<{ ICMP.len() }>,
    ipv6: Keyed<{ UDP.len() }>,
    last_ipv6: [Option<u64>; UDP.len()],
    /// What was counted over IPv6 since the reading before.
    more: [Option<u64>; UDP.len()],
}

impl Udp {
    pub(crate) fn new(max_gap: Duration) -> Self {
        Self {
            pace: Pace::new(max_gap),
            ipv4: Rates::new(b"Udp:", UDP),
            ip: Rates::new(b"Ip:", IP),
            icmp: Rates::new(b"Icmp:", ICMP),
            ipv6: Keyed::new(UDP6),
            last_ipv6: [None; UDP.len()],
            more: [None; UDP.len()],
        }
    }

    /// The counters of IPv6, which count in the next [`Self::take`].
    pub(crate) fn take_ipv6(&mut self, text: &[u8]) {
        let now = self.ipv6.numbers(text);
        self.more = increases(std::mem::replace(&mut self.last_ipv6, now), now);
    }

    /// There are none.
    fn forget_ipv6(&mut self) {
        (self.last_ipv6, self.more) = ([None; UDP.len()], [None; UDP.len()]);
    }

    pub(crate) fn take(&mut self, text: &[u8], at: Duration, out: &mut Values) -> Result<(), Fault> {
        let elapsed = self.pace.step(at);
        let more = std::mem::replace(&mut self.more, [None; UDP.len()]);
        let udp = self.ipv4.take(text, more, elapsed, out).map(|_| ());
        let ip = self.ip.take(text, [None; IP.len()], elapsed, out).map(|_| ());
        udp.and(ip).and(self.icmp.take(text, [None; ICMP.len()], elapsed, out).map(|_| ()))
    }
}

/// The state of `/proc/net/netstat` between two readings.
#[derive(Debug)]
pub(crate) struct Extended {
    pace: Pace,
    tcp: Rates<{ TCP_EXTENDED.len() }>,
}

impl Extended {
    pub(crate) fn new(max_gap: Duration) -> Self {
        Self { pace: Pace::new(max_gap), tcp: Rates::new(b"TcpExt:", TCP_EXTENDED) }
    }

    pub(crate) fn take(&mut self, text: &[u8], at: Duration, out: &mut Values) -> Result<(), Fault> {
        let elapsed = self.pace.step(at);
        self.tcp.take(text, [None; TCP_EXTENDED.len()], elapsed, out).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::values;

    const NAMES: &str = "Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors\n";

    fn two(ipv6: [Option<&str>; 2]) -> Vec<String> {
        let (mut udp, mut out) = (Udp::new(Duration::from_secs(10)), Values::default());
        for ((second, text), ipv6) in [(1, "10 0 0 20 0 0"), (3, "30 2 0 20 0 4")].into_iter().zip(ipv6) {
            out.clear();
            match ipv6 {
                Some(text) => udp.take_ipv6(text.as_bytes()),
                None => udp.forget_ipv6(),
            }
            let text = format!("Ip: Forwarding\nIp: 1\nIcmp: InMsgs\nIcmp: 5\n{NAMES}Udp: {text}\n");
            udp.take(text.as_bytes(), Duration::from_secs(second), &mut out).unwrap();
        }
        values(&out)
    }

    const WITHOUT_IPV6: [&str; 7] = [
        "udp.datagrams_in 10",
        "udp.datagrams_out 0",
        "udp.no_port 1",
        "udp.errors_in 0",
        "udp.receive_drops 0",
        "udp.send_drops 2",
        "ip.icmp_in 0",
    ];

    #[test]
    fn both_versions_are_one_rate() {
        let found =
            two([Some("Udp6InDatagrams 100\nUdp6NoPorts 1\n"), Some("Udp6InDatagrams 104\nUdp6NoPorts 0\n")]);
        assert_eq!(found.first().unwrap(), "udp.datagrams_in 12");
        assert_eq!(found.get(2).unwrap(), "udp.no_port 1", "what fell adds nothing");
    }

    #[test]
    fn ipv6_that_comes_or_goes_is_no_rate() {
        for ipv6 in [[None, None], [None, Some("Udp6InDatagrams 9\n")], [Some("Udp6InDatagrams 9\n"), None]] {
            assert_eq!(two(ipv6), WITHOUT_IPV6);
        }
    }

    #[test]
    fn columns_are_found_by_name() {
        let (mut extended, mut out) = (Extended::new(Duration::from_secs(10)), Values::default());
        let texts = [
            (1, "TcpExt: SyncookiesSent ListenDrops\nTcpExt: 1 2\nIpExt: A\nIpExt: 1\n"),
            (2, "TcpExt: ListenDrops x SyncookiesSent TCPRcvQDrop\nTcpExt: 5 9 2 8\n"),
        ];
        for (at, text) in texts {
            out.clear();
            extended.take(text.as_bytes(), Duration::from_secs(at), &mut out).unwrap();
        }
        assert_eq!(values(&out), ["tcp.listen_drops 3", "tcp.syn_cookies 1"]);
    }

    #[test]
    fn what_has_not_both_lines_is_malformed() {
        for text in ["", "Tcp: A B\n", "TcpExt: A\n"] {
            let mut out = Values::default();
            assert!(
                Udp::new(Duration::MAX).take(text.as_bytes(), Duration::ZERO, &mut out).is_err(),
                "{text}"
            );
            let taken = Extended::new(Duration::MAX).take(text.as_bytes(), Duration::ZERO, &mut out);
            assert!(taken.is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_exposed_has_the_names_of_node_exporter() {
        let mut out = Exposition::default();
        expose(b"Tcp: RtoMin ActiveOpens\nTcp: 200 17\nTcp: alone\n", &mut out);
        let expected = "# HELP node_netstat_Tcp_ActiveOpens Connections that this host began\n\
                        # TYPE node_netstat_Tcp_ActiveOpens untyped\nnode_netstat_Tcp_ActiveOpens 17\n";
        assert_eq!(out.text(), expected);
    }
}
