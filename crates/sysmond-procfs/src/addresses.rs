//! The host's own network addresses, from `/proc/net/fib_trie` and `/proc/net/if_inet6`.

use crate::text::{fields, lines};
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Addresses of a host, of each family: more than a person reads.
pub(crate) const MAX_ADDRESSES: usize = 32;

/// The IPv4 addresses, loopback ones left out. In the routing table an address of the host is a leaf, `|-- 10.0.0.5`, and
/// below it a route `/32 host LOCAL`.
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
    fn not_more_than_the_limit() {
        let leaf = |n| format!("|-- 10.0.0.{n}\n/32 host LOCAL\n");
        assert_eq!(ipv4((1..200).map(leaf).collect::<String>().as_bytes()).len(), MAX_ADDRESSES);
        let line = |n| format!("fd0000000000000000000000000{n:05x} 04 40 00 82 eth0\n");
        assert_eq!(ipv6((1..200).map(line).collect::<String>().as_bytes()).len(), MAX_ADDRESSES);
    }
}
