//! The host's own network addresses, from `/proc/net/fib_trie`, `/proc/net/route` and
//! `/proc/net/if_inet6`.

use crate::text::{fields, hexadecimal, lines, number};
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Addresses of a host, of each family: more than a person reads.
pub(crate) const MAX_ADDRESSES: usize = 32;

/// The IPv4 addresses, loopback ones left out. In the routing table an address of the host is a leaf, `|-- 10.0.0.5`,
/// and below it a route `/32 host LOCAL`.
pub(crate) fn ipv4(text: &[u8]) -> BTreeSet<Ipv4Addr> {
    let mut found = BTreeSet::new();
    let mut leaf = None;
    for line in lines(text) {
        let line = line.trim_ascii();
        if let Some(address) = line.strip_prefix(b"|-- ") {
            leaf = str::from_utf8(address).ok().and_then(|text| text.parse::<Ipv4Addr>().ok());
        } else if fields(line).eq([b"/32".as_slice(), b"host", b"LOCAL"]) {
            found.extend(leaf.take().filter(|address| !address.is_loopback()));
        }
        if found.len() >= MAX_ADDRESSES {
            break;
        }
    }
    found
}

/// The networks, as address and mask, of the interface that leads out: the one of the default route with the lowest
/// metric. A host's address there is the one that people know it by, not that of some bridge of containers.
pub(crate) fn outward_networks(text: &[u8]) -> Vec<(Ipv4Addr, Ipv4Addr)> {
    let routes = || lines(text).filter_map(Route::parse);
    let default = routes().filter(|route| route.mask == 0 && route.to == 0).min_by_key(|route| route.metric);
    let Some(default) = default else { return Vec::new() };
    let networks = routes().filter(|route| route.interface == default.interface && route.mask != 0);
    networks.map(|route| (as_address(route.to), as_address(route.mask))).take(MAX_ADDRESSES).collect()
}

/// Whether `address` is in one of `networks`.
pub(crate) fn is_in(address: Ipv4Addr, networks: &[(Ipv4Addr, Ipv4Addr)]) -> bool {
    networks.iter().any(|(to, mask)| address & *mask == *to)
}

/// A line `eth0 000200C0 00000000 0001 0 0 0 00FFFFFF …`: interface, destination, gateway, flags, two counters,
/// metric, mask.
struct Route<'a> {
    interface: &'a [u8],
    to: u32,
    metric: u64,
    mask: u32,
}

impl<'a> Route<'a> {
    fn parse(line: &'a [u8]) -> Option<Self> {
        let mut columns = fields(line);
        let interface = columns.next()?;
        let to = hexadecimal(columns.next()?)?;
        let metric = number(columns.nth(4)?)?;
        Some(Self { interface, to, metric, mask: hexadecimal(columns.next()?)? })
    }
}

/// The kernel prints the four bytes of an address as one number of its own byte order.
fn as_address(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(number.to_ne_bytes())
}

/// The IPv6 addresses, loopback and link-local ones left out: the latter mean nothing off their link. A line is
/// `fd00…02 04 40 00 82 eth0`: the address in hexadecimal digits first.
pub(crate) fn ipv6(text: &[u8]) -> BTreeSet<Ipv6Addr> {
    let address = |line| {
        let digits = fields(line)
            .next()
            .filter(|digits| digits.len() == 32 && digits.iter().all(u8::is_ascii_hexdigit))?;
        let bits = u128::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?;
        let address = Ipv6Addr::from_bits(bits);
        (!address.is_loopback() && !address.is_unicast_link_local()).then_some(address)
    };
    lines(text).filter_map(address).take(MAX_ADDRESSES).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRIE: &str = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n     +-- 127.0.0.0/8 2 0 2\n           |-- 127.0.0.1\n              /32 host LOCAL\n     +-- 192.0.2.0/24 2 0 2\n           |-- 192.0.2.0\n              /24 link UNICAST\n           |-- 192.0.2.2\n              /32 host LOCAL\n        |-- 192.0.2.255\n           /32 link BROADCAST\nLocal:\n           |-- 192.0.2.2\n              /32 host LOCAL\n           |-- 10.0.0.5\n              /32 host LOCAL\n";

    #[test]
    fn local_addresses_are_found_once() {
        let found: Vec<_> = ipv4(TRIE.as_bytes()).iter().map(Ipv4Addr::to_string).collect();
        assert_eq!(found, ["10.0.0.5", "192.0.2.2"]);
    }

    #[test]
    fn addresses_that_mean_something_elsewhere() {
        let text = "fd000000000000000000000000000002 04 40 00 82     eth0\n\
                    00000000000000000000000000000001 01 80 10 80       lo\n\
                    fe8000000000000000fc00fffe000001 04 40 20 80     eth0\nnonsense\n+d000000000000000000000000000002\n";
        let found: Vec<_> = ipv6(text.as_bytes()).iter().map(Ipv6Addr::to_string).collect();
        assert_eq!(found, ["fd00::2"]);
    }

    #[test]
    fn networks_of_the_interface_that_leads_out() {
        let hex = |bytes: [u8; 4]| format!("{:08X}", u32::from_ne_bytes(bytes));
        let route = |interface: &str, to, metric: u32, mask| {
            format!(
                "{interface}\t{}\t{}\t0001\t0\t0\t{metric}\t{}\t0\t0\t0\n",
                hex(to),
                hex([0; 4]),
                hex(mask)
            )
        };
        let text = [
            "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n".to_owned(),
            route("wlan0", [0; 4], 600, [0; 4]),
            route("eth0", [0; 4], 100, [0; 4]),
            route("docker0", [172, 17, 0, 0], 0, [255, 255, 0, 0]),
            route("eth0", [192, 0, 2, 0], 100, [255, 255, 255, 0]),
        ];
        let networks = outward_networks(text.concat().as_bytes());
        assert_eq!(networks, [(Ipv4Addr::new(192, 0, 2, 0), Ipv4Addr::new(255, 255, 255, 0))]);
        assert!(is_in(Ipv4Addr::new(192, 0, 2, 2), &networks));
        assert!(!is_in(Ipv4Addr::new(172, 17, 0, 1), &networks));
        assert_eq!(outward_networks(b""), []);
    }

    #[test]
    fn not_more_than_the_limit() {
        let leaf = |n| format!("|-- 10.0.0.{n}\n/32 host LOCAL\n");
        assert_eq!(ipv4((1..200).map(leaf).collect::<String>().as_bytes()).len(), MAX_ADDRESSES);
        let line = |n| format!("fd0000000000000000000000000{n:05x} 04 40 00 82 eth0\n");
        assert_eq!(ipv6((1..200).map(line).collect::<String>().as_bytes()).len(), MAX_ADDRESSES);
    }
}
