//! Network interfaces, from `/proc/net/dev`.
//!
//! Left out are interfaces that never carried a packet (a host may have hundreds that wait for use) and `lo`, whose
//! traffic leaves no machine; but where `lo` is the only interface, as in a container without a network, it is shown.
//! An interface made anew begins its counters again. Where the new ones are above the old ones already, the file does
//! not show it and the difference of the two is given; that takes more traffic between two readings than all before.

use crate::exposition::Exposition;
use crate::file_source::{Fault, FileSource, ProcFile, Reading};
use crate::pace::{Elapsed, Pace};
use crate::source::{Roots, Values};
use crate::table::{Row, Table};
use crate::text::{fields, lines, numbers};
use std::time::Duration;
use sysmond_model::catalogue::{
    NETWORK_RX_BYTES, NETWORK_RX_DROPS, NETWORK_RX_ERRORS, NETWORK_RX_PACKETS, NETWORK_TX_BYTES,
    NETWORK_TX_DROPS, NETWORK_TX_ERRORS, NETWORK_TX_PACKETS,
};

/// Interfaces that are told apart, of eleven series each with their state: enough for a host of containers, and a
/// host that makes ten thousand does not fill the store.
pub(crate) const MAX_INTERFACES: usize = 72;

/// Interfaces that Prometheus is shown: ten thousand would be an answer of 20 MB.
pub(crate) const MAX_EXPOSED: usize = 512;

pub(crate) fn source(roots: &Roots, max_gap: Duration) -> FileSource<Network> {
    FileSource::new(ProcFile::first_of(roots.of_host("net/dev")), Network::new(max_gap))
}

/// The counters of one interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    rx_bytes: u64,
    rx_packets: u64,
    rx_errors: u64,
    rx_drops: u64,
    tx_bytes: u64,
    tx_packets: u64,
    tx_errors: u64,
    tx_drops: u64,
    /// Of the receiver: full buffers, damaged frames, compressed packets, packets for several hosts.
    rx_rest: [u64; 4],
    /// Of the sender: full buffers, collisions, lost carriers, compressed packets.
    tx_rest: [u64; 4],
}

impl Counters {
    const fn is_unused(&self) -> bool {
        self.rx_packets == 0 && self.tx_packets == 0 && self.rx_bytes == 0 && self.tx_bytes == 0
    }

    /// Whether traffic counters fell: the interface is another one of the same name, or a 32-bit counter began again.
    const fn began_anew(&self, last: &Self) -> bool {
        self.rx_bytes < last.rx_bytes
            || self.rx_packets < last.rx_packets
            || self.tx_bytes < last.tx_bytes
            || self.tx_packets < last.tx_packets
    }
}

/// The name and the counters of each interface.
pub(crate) fn parse(text: &[u8]) -> impl Iterator<Item = (&[u8], Counters)> {
    lines(text).filter_map(|line| {
        // The last colon: names of old kernels can hold one.
        let colon = line.iter().rposition(|byte| *byte == b':')?;
        let name = line.get(..colon)?.trim_ascii();
        let mut columns = fields(line.get(colon + 1..)?);
        let [
            rx_bytes,
            rx_packets,
            rx_errors,
            rx_drops,
            rx_rest @ ..,
            tx_bytes,
            tx_packets,
            tx_errors,
            tx_drops,
        ] = numbers::<12>(&mut columns)?;
        let tx_rest = numbers(columns).unwrap_or_default();
        let counters = Counters {
            rx_bytes,
            rx_packets,
            rx_errors,
            rx_drops,
            tx_bytes,
            tx_packets,
            tx_errors,
            tx_drops,
            rx_rest,
            tx_rest,
        };
        (!name.is_empty()).then_some((name, counters))
    })
}

/// The state between two readings.
#[derive(Debug)]
pub(crate) struct Network {
    pace: Pace,
    interfaces: Table<Counters>,
}

impl Network {
    pub(crate) const fn new(max_gap: Duration) -> Self {
        Self { pace: Pace::new(max_gap), interfaces: Table::new("interface", MAX_INTERFACES) }
    }
}

impl Reading for Network {
    const NAME: &'static str = "network";

    fn take(&mut self, text: &[u8], at: Duration, out: &mut Values) -> Result<(), Fault> {
        let only_loopback = parse(text).all(|(name, _)| name == b"lo");
        self.interfaces.begin();
        for (name, counters) in parse(text) {
            if !counters.is_unused() && (name != b"lo" || only_loopback) {
                self.interfaces.set(name, counters);
            }
        }
        self.interfaces.end();
        if let Some(elapsed) = self.pace.step(at) {
            self.interfaces.rows().for_each(|interface| put(interface, elapsed, out));
        }
        if parse(text).next().is_none() && !text.starts_with(b"Inter-") {
            return Err(Fault::Malformed("expected the table of interfaces"));
        }
        self.interfaces.complete()
    }

    /// Theirs has interfaces without traffic too.
    fn expose(&mut self, text: &[u8], out: &mut Exposition) {
        for (name, counters) in parse(text).filter(|(name, _)| *name != b"lo").take(MAX_EXPOSED) {
            counters.expose(name, out);
        }
    }
}

/// What is exposed beside what the catalogue names.
pub(crate) const FAMILIES: [&str; 8] = [
    "node_network_receive_fifo_total",
    "node_network_receive_frame_total",
    "node_network_receive_compressed_total",
    "node_network_receive_multicast_total",
    "node_network_transmit_fifo_total",
    "node_network_transmit_colls_total",
    "node_network_transmit_carrier_total",
    "node_network_transmit_compressed_total",
];
/// What they mean, in the same order.
const MEANINGS: [&str; FAMILIES.len()] = [
    "Packets lost since the interface's buffer was full",
    "Packets received damaged or of a wrong length",
    "Compressed packets received",
    "Packets received that were sent to a group",
    "Packets not sent for a fault of the interface's buffer",
    "Collisions on the wire",
    "Packets not sent for a fault of the link",
    "Compressed packets sent",
];

impl Counters {
    fn expose(&self, device: &[u8], out: &mut Exposition) {
        let mut put = |name, help, value: u64| out.counter(name, help, &[("device", device)], value as f64);
        for (metric, value) in [
            (&NETWORK_RX_BYTES, self.rx_bytes),
            (&NETWORK_RX_PACKETS, self.rx_packets),
            (&NETWORK_RX_ERRORS, self.rx_errors),
            (&NETWORK_RX_DROPS, self.rx_drops),
            (&NETWORK_TX_BYTES, self.tx_bytes),
            (&NETWORK_TX_PACKETS, self.tx_packets),
            (&NETWORK_TX_ERRORS, self.tx_errors),
            (&NETWORK_TX_DROPS, self.tx_drops),
        ] {
            put(metric.prometheus, metric.help, value);
        }
        let rest = self.rx_rest.into_iter().chain(self.tx_rest);
        for ((name, help), value) in FAMILIES.into_iter().zip(MEANINGS).zip(rest) {
            put(name, help, value);
        }
    }
}

fn put(interface: &Row<Counters>, elapsed: Elapsed, out: &mut Values) {
    let Row { now, last: Some(last), tags, .. } = interface else { return };
    if now.began_anew(last) {
        return;
    }
    for (metric, now, last) in [
        (&NETWORK_RX_BYTES, now.rx_bytes, last.rx_bytes),
        (&NETWORK_TX_BYTES, now.tx_bytes, last.tx_bytes),
        (&NETWORK_RX_PACKETS, now.rx_packets, last.rx_packets),
        (&NETWORK_TX_PACKETS, now.tx_packets, last.tx_packets),
        (&NETWORK_RX_ERRORS, now.rx_errors, last.rx_errors),
        (&NETWORK_TX_ERRORS, now.tx_errors, last.tx_errors),
        (&NETWORK_RX_DROPS, now.rx_drops, last.rx_drops),
        (&NETWORK_TX_DROPS, now.tx_drops, last.tx_drops),
    ] {
        if let Some(increase) = now.checked_sub(last) {
            out.put(metric, tags, elapsed.per_second(increase));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{readings, value};

    const HEAD: &str = "Inter-|   Receive                                                |  Transmit\n \
        face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n";

    fn two(first: &str, second: &str) -> Vec<String> {
        let (first, second) = (format!("{HEAD}{first}"), format!("{HEAD}{second}"));
        readings(&mut Network::new(Duration::from_secs(10)), &[(1000, &first), (3000, &second)]).1
    }

    #[test]
    fn rates_of_each_counter() {
        let found = two(
            "  eth0: 1000 10 1 2 0 0 0 0 5000 50 3 4 0 0 0 0\n",
            "  eth0: 3000 20 3 6 0 0 0 0 5002 54 3 10 0 0 0 0\n",
        );
        let expected = [
            "network.rx_bytes{interface=eth0} 1000",
            "network.tx_bytes{interface=eth0} 1",
            "network.rx_packets{interface=eth0} 5",
            "network.tx_packets{interface=eth0} 2",
            "network.rx_errors{interface=eth0} 1",
            "network.tx_errors{interface=eth0} 0",
            "network.rx_drops{interface=eth0} 2",
            "network.tx_drops{interface=eth0} 3",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn loopback_is_shown_only_where_it_is_alone() {
        let (lo, eth0) = ("lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n", "eth0: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n");
        assert!(two(lo, lo).iter().all(|line| line.contains("interface=lo")));
        assert_eq!(two(lo, lo).len(), 8);
        let both = format!("{lo}{eth0}");
        assert!(two(&both, &both).iter().all(|line| line.contains("interface=eth0")));
    }

    #[test]
    fn an_interface_that_never_carried_a_packet_is_left_out() {
        let text = "ifb0: 0 0 0 0 0 0 0 0 0 0 0 7 0 0 0 0\n";
        assert_eq!(two(text, text), [""; 0]);
    }

    #[test]
    fn an_interface_made_anew_gives_nothing_though_some_counters_rose() {
        let found =
            two("tun0: 900 9 0 0 0 0 0 0 10 1 0 0 0 0 0 0\n", "tun0: 100 1 0 0 0 0 0 0 90 9 0 0 0 0 0 0\n");
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn an_interface_that_was_away_begins_again() {
        let mut network = Network::new(Duration::from_secs(10));
        let tun0 = "tun0: 900 9 0 0 0 0 0 0 10 1 0 0 0 0 0 0\n";
        readings(&mut network, &[(1000, tun0), (2000, HEAD)]);
        let later = "tun0: 950 10 0 0 0 0 0 0 10 1 0 0 0 0 0 0\n";
        let (back, next) = readings(&mut network, &[(3000, tun0), (4000, later)]);
        assert_eq!(back, [""; 0]);
        assert_eq!(value(&next, "network.rx_bytes{interface=tun0}"), "50");
    }

    #[test]
    fn a_driver_whose_drops_fall_keeps_its_other_series() {
        let found = two("eth0: 9 9 0 5 0 0 0 0 9 9 0 0 0 0 0 0\n", "eth0: 9 9 0 4 0 0 0 0 9 9 0 0 0 0 0 0\n");
        assert_eq!(found.len(), 7);
        assert!(!found.iter().any(|line| line.starts_with("network.rx_drops")));
    }

    #[test]
    fn odd_names_are_told_apart_and_escaped() {
        let text = "a,b: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\neth0:1:5 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n";
        let found = two(text, text);
        assert_eq!(value(&found, r"network.rx_bytes{interface=a\,b}"), "0");
        assert_eq!(value(&found, "network.rx_bytes{interface=eth0:1}"), "0");
    }

    #[test]
    fn what_is_no_such_table_is_malformed() {
        let mut network = Network::new(Duration::MAX);
        assert!(network.take(b"", Duration::ZERO, &mut Values::default()).is_err());
        assert!(network.take(HEAD.as_bytes(), Duration::ZERO, &mut Values::default()).is_ok());
    }
}
