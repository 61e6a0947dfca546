//! Who asks, where a proxy stands between.

use axum::http::HeaderMap;
use std::net::IpAddr;
use std::sync::Arc;

/// Proxies whose `X-Forwarded-For` is believed.
#[derive(Clone, Debug)]
pub(super) struct TrustedProxies(Arc<[IpAddr]>);

impl TrustedProxies {
    /// These addresses and no others.
    pub(super) fn new(addresses: &[IpAddr]) -> Self {
        Self(addresses.iter().map(IpAddr::to_canonical).collect())
    }

    /// The client's address: `peer`, or where that is a trusted proxy the rightmost address that it forwarded for
    /// and that is none itself. Further left anybody could have written.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer;
        if !self.0.contains(&peer) {
            return peer;
        }
        let forwarded: Vec<&str> =
            headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).collect();
        let mut addresses = forwarded.iter().rev().flat_map(|value| value.rsplit(','));
        while self.0.contains(&client) {
            let Some(Ok(before)) = addresses.next().map(|text| text.trim().parse::<IpAddr>()) else { break };
            client = before.to_canonical();
        }
        client
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_are_believed() {
        let proxies =
            TrustedProxies::new(&["10.0.0.1".parse().expect("an address"), IpAddr::from([127, 0, 0, 1])]);
        let check = |peer: &str, forwarded: &[&str], expected: &str| {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append("x-forwarded-for", value.parse().expect("a header value"));
            }
            let client = proxies.client(peer.parse().expect("an address"), &headers);
            assert_eq!(client.to_string(), expected, "{peer} {forwarded:?}");
        };
        check("192.0.2.7", &["203.0.113.9"], "192.0.2.7");
        check("127.0.0.1", &[], "127.0.0.1");
        check("127.0.0.1", &["203.0.113.9"], "203.0.113.9");
        check("127.0.0.1", &["198.51.100.1, 203.0.113.9"], "203.0.113.9");
        check("127.0.0.1", &["198.51.100.1", "203.0.113.9, 10.0.0.1"], "203.0.113.9");
        check("127.0.0.1", &["203.0.113.9, rubbish"], "127.0.0.1");
        check("127.0.0.1", &["2001:db8::1"], "2001:db8::1");
    }
}
