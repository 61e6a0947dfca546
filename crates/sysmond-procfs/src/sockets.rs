//! How many sockets there are and what memory they take, from `/proc/net/sockstat` and `sockstat6`.

use crate::exposition::{Exposition, Kind, meaning, name_part};
use crate::file_source::{Fault, ProcFile, read_once};
use crate::source::{Roots, Source, SourceError, Values};
use crate::text::{fields, hexadecimal, lines, number, split_once};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use sysmond_model::catalogue::{
    SOCKETS_RAW, SOCKETS_USED, TCP_ALLOCATED, TCP_MEMORY_BYTES, TCP_ORPHANS, TCP_SOCKETS, TCP_TIME_WAIT,
    UDP_MEMORY_BYTES, UDP_SOCKETS,
};

const NEIGHBOURS: &str = "node_arp_entries";
const UDP_QUEUES: &str = "node_udp_queues";
/// What is exposed beside what the catalogue names.
pub(crate) const FAMILIES: [&str; 2] = [NEIGHBOURS, UDP_QUEUES];

/// Both files. A kernel without IPv6 lacks the second.
#[derive(Debug)]
pub(crate) struct Sockets {
    ipv4: ProcFile,
    ipv6: ProcFile,
    page_bytes: u64,
    /// What is read where Prometheus asks alone.
    arp: Vec<PathBuf>,
    udp: [(&'static str, Vec<PathBuf>); 2],
}

impl Sockets {
    pub(crate) fn new(roots: &Roots) -> Self {
        Self {
            ipv4: ProcFile::first_of(roots.of_host("net/sockstat")).or_absent("no network"),
            ipv6: ProcFile::first_of(roots.of_host("net/sockstat6")).or_absent("no IPv6"),
            page_bytes: rustix::param::page_size() as u64,
            arp: roots.of_host("net/arp"),
            udp: [("v4", roots.of_host("net/udp")), ("v6", roots.of_host("net/udp6"))],
        }
    }
}

impl Source for Sockets {
    fn name(&self) -> &'static str {
        "sockets"
    }

    fn read(&mut self, _at: Duration, out: &mut Values) -> Result<(), SourceError> {
        let mut counts = Counts::default();
        let ipv6 = self.ipv6.read_if_any().map(|text| counts.add(text.unwrap_or_default()));
        counts.add(self.ipv4.read()?);
        counts.put(self.page_bytes, out).map_err(|fault| fault.of(self.ipv4.path()))?;
        ipv6
    }

    fn expose(&mut self, out: &mut Exposition) -> Result<(), SourceError> {
        // A host without a network has none of them.
        let first = |paths: &[PathBuf]| paths.iter().find_map(|path| read_once(path.clone()).ok());
        if let Some(text) = first(&self.arp) {
            expose_neighbours(&text, out);
        }
        for (ip, paths) in &self.udp {
            if let Some(text) = first(paths) {
                expose_udp_queues(&text, ip, out);
            }
        }
        expose(self.ipv4.read()?, self.page_bytes, out);
        self.ipv6.read_if_any().map(|text| expose(text.unwrap_or_default(), self.page_bytes, out))
    }
}

/// The lines of a text: a name, and then keys with their numbers. What cannot be read is passed over.
pub(crate) fn entries(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8], u64)> {
    lines(text).flat_map(|line| {
        let mut columns = fields(line);
        let name = columns.next().and_then(|name| name.strip_suffix(b":"));
        std::iter::from_fn(move || {
            let name = name?;
            // An entry that cannot be read is no end of its line.
            loop {
                let (key, value) = (columns.next()?, columns.next()?);
                if let Some(value) = number(value) {
                    return Some((name, key, value));
                }
            }
        })
    })
}

/// What `node_exporter` makes of one of the files.
fn expose(text: &[u8], page_bytes: u64, out: &mut Exposition) {
    let mut put = |name: &str, key: &str, value: u64| {
        let family = format!("node_sockstat_{name}_{key}");
        let help = meaning(&family, || format!("`{key}` of {name} in /proc/net/sockstat or sockstat6"));
        out.put(family, Kind::Gauge, help, &[], value as f64);
    };
    for (name, key, value) in entries(text) {
        let (name, key) = (name_part(name), name_part(key));
        put(&name, &key, value);
        if key == "mem" {
            put(&name, "mem_bytes", value.saturating_mul(page_bytes));
        }
    }
}

/// Neighbours by interface, of lines `IP address  HW type  Flags  HW address  Mask  Device` below such a head.
fn expose_neighbours(text: &[u8], out: &mut Exposition) {
    let mut counts = BTreeMap::<&[u8], u64>::new();
    for device in lines(text).skip(1).filter_map(|line| fields(line).nth(5)) {
        *counts.entry(device).or_default() += 1;
    }
    for (device, count) in counts {
        let help = "Hosts on the same network whose hardware addresses were asked for";
        out.gauge(NEIGHBOURS, help, &[("device", device)], count as f64);
    }
}

/// Bytes that wait in UDP sockets, of lines whose fifth column is `00000000:00000A00`, sent and received.
fn expose_udp_queues(text: &[u8], ip: &str, out: &mut Exposition) {
    let queues = |line| {
        let (sent, received) = split_once(fields(line).nth(4)?, b':')?;
        Some([hexadecimal(sent)?, hexadecimal(received)?])
    };
    let mut sums = [0_u64; 2];
    for queues in lines(text).skip(1).filter_map(queues) {
        for (sum, bytes) in sums.iter_mut().zip(queues) {
            *sum += u64::from(bytes);
        }
    }
    for (queue, sum) in ["tx", "rx"].into_iter().zip(sums) {
        let labels = [("ip", ip.as_bytes()), ("queue", queue.as_bytes())];
        out.gauge(UDP_QUEUES, "Bytes that wait in UDP sockets", &labels, sum as f64);
    }
}

/// Numbers of sockets; memory in pages. Where both protocols have one, their sum.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    used: Option<u64>,
    tcp: Option<u64>,
    orphans: Option<u64>,
    time_wait: Option<u64>,
    allocated: Option<u64>,
    tcp_pages: Option<u64>,
    udp: Option<u64>,
    udp_pages: Option<u64>,
    raw: Option<u64>,
}

impl Counts {
    pub(crate) fn add(&mut self, text: &[u8]) {
        for (name, key, value) in entries(text) {
            let slot = match (name, key) {
                (b"sockets", b"used") => &mut self.used,
                (b"TCP" | b"TCP6", b"inuse") => &mut self.tcp,
                (b"TCP", b"orphan") => &mut self.orphans,
                (b"TCP", b"tw") => &mut self.time_wait,
                (b"TCP", b"alloc") => &mut self.allocated,
                (b"TCP", b"mem") => &mut self.tcp_pages,
                (b"UDP" | b"UDP6", b"inuse") => &mut self.udp,
                (b"UDP", b"mem") => &mut self.udp_pages,
                (b"RAW" | b"RAW6", b"inuse") => &mut self.raw,
                _ => continue,
            };
            *slot = Some(value.saturating_add(slot.unwrap_or(0)));
        }
    }

    pub(crate) fn put(&self, page_bytes: u64, out: &mut Values) -> Result<(), Fault> {
        let bytes = |pages: Option<u64>| pages.map(|pages| pages.saturating_mul(page_bytes));
        for (metric, value) in [
            (&SOCKETS_USED, self.used),
            (&SOCKETS_RAW, self.raw),
            (&TCP_SOCKETS, self.tcp),
            (&TCP_ALLOCATED, self.allocated),
            (&TCP_ORPHANS, self.orphans),
            (&TCP_TIME_WAIT, self.time_wait),
            (&TCP_MEMORY_BYTES, bytes(self.tcp_pages)),
            (&UDP_SOCKETS, self.udp),
            (&UDP_MEMORY_BYTES, bytes(self.udp_pages)),
        ] {
            if let Some(value) = value {
                out.put(metric, "", value as f64);
            }
        }
        self.used.map(|_| ()).ok_or(Fault::Malformed("expected a line `sockets: used`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{value, values};

    const IPV4: &str = "sockets: used 231\nTCP: inuse 12 orphan 1 tw 7 alloc 19 mem 3\nUDP: inuse 4 mem 2\n\
                        UDPLITE: inuse 0\nRAW: inuse 1\nFRAG: inuse 0 memory 0\n";
    const IPV6: &str =
        "TCP6: inuse 8\nUDP6: inuse 2\nUDPLITE6: inuse 0\nRAW6: inuse 1\nFRAG6: inuse 0 memory 0\n";

    fn put(texts: &[&str]) -> Vec<String> {
        let (mut counts, mut out) = (Counts::default(), Values::default());
        for text in texts {
            counts.add(text.as_bytes());
        }
        counts.put(4096, &mut out).unwrap();
        values(&out)
    }

    #[test]
    fn both_protocols_are_one_sum() {
        let found = put(&[IPV4, IPV6]);
        let expected = [
            "sockets.used 231",
            "sockets.raw 2",
            "tcp.sockets 20",
            "tcp.allocated 19",
            "tcp.orphans 1",
            "tcp.time_wait 7",
            "tcp.memory_bytes 12288",
            "udp.sockets 6",
            "udp.memory_bytes 8192",
        ];
        assert_eq!(found, expected);
        assert_eq!(value(&put(&[IPV4]), "tcp.sockets"), "12");
    }

    #[test]
    fn neighbours_and_queues_are_exposed() {
        let mut out = Exposition::default();
        expose_neighbours(
            b"IP address       HW type     Flags       HW address            Mask     Device\n\
              10.0.0.1         0x1         0x2         02:00:00:00:00:01     *        eth0\n\
              10.0.0.2         0x1         0x0         00:00:00:00:00:00     *        eth0\n\
              10.9.0.2         0x1         0x2         02:00:00:00:00:09     *        wg0\n",
            &mut out,
        );
        expose_udp_queues(
            b"   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n\
              \x20 63: 00000000:0044 00000000:0000 07 00000001:00000A00 00:00000000 00000000     0        0 9 2 0 0\n\
              \x20 64: 00000000:0045 00000000:0000 07 00000000:00000100 00:00000000 00000000     0        0 9 2 0 0\n",
            "v4",
            &mut out,
        );
        for line in [
            "node_arp_entries{device=\"eth0\"} 2",
            "node_arp_entries{device=\"wg0\"} 1",
            "node_udp_queues{ip=\"v4\",queue=\"tx\"} 1",
            "node_udp_queues{ip=\"v4\",queue=\"rx\"} 2816",
        ] {
            assert!(out.text().contains(&format!("{line}\n")), "no {line} in {}", out.text());
        }
    }

    #[test]
    fn what_is_no_such_text_is_malformed() {
        for text in ["", "sockets: used\n", "sockets: used x\n", "TCP: inuse 1\n"] {
            let mut counts = Counts::default();
            counts.add(text.as_bytes());
            assert!(counts.put(4096, &mut Values::default()).is_err(), "{text}");
        }
    }
}
