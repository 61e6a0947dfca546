//! Which names this server answers to. A page of a foreign name that resolves to this machine (DNS rebinding) could
//! otherwise read a dashboard that only listens on loopback.

use super::problem::Problem;
use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Request, StatusCode};
use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

/// Names that requests may be for, beside IP addresses: those need no name server and cannot be rebound.
#[derive(Clone, Debug)]
pub(super) struct AllowedHosts(Option<Arc<HashSet<String>>>);

impl AllowedHosts {
    /// `localhost`, this machine's names and those of the configuration.
    pub(super) fn new(configured: &[String]) -> Self {
        let own = rustix::system::uname();
        Self::with_machine_name(&own.nodename().to_string_lossy(), configured)
    }

    /// Whatever the name. For an address that others reach as well, which guards nothing by the name.
    pub(super) const fn any() -> Self {
        Self(None)
    }

    fn with_machine_name(machine: &str, configured: &[String]) -> Self {
        let short = machine.split('.').next().unwrap_or_default();
        let names = ["localhost", machine, short].into_iter().chain(configured.iter().map(String::as_str));
        let names = names.map(normalise).filter(|name| !name.is_empty() && name != "(none)");
        Self(Some(Arc::new(names.collect())))
    }

    fn contains(&self, name: &str) -> bool {
        let Some(names) = &self.0 else { return true };
        let bare = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
        bare.parse::<IpAddr>().is_ok() || names.contains(&normalise(name))
    }
}

fn normalise(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

/// The one `Host` of a request, readable.
pub(super) fn authority(headers: &HeaderMap) -> Result<Authority, Problem> {
    let mut values = headers.get_all(HOST).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(Problem::unreadable("bad_host", "a request needs exactly one Host header"));
    };
    let authority = value.to_str().ok().and_then(|text| text.parse::<Authority>().ok());
    authority
        .filter(|authority| !authority.as_str().contains('@') && port_is_readable(authority))
        .ok_or_else(|| Problem::unreadable("bad_host", "the Host header is not a name or address"))
}

fn port_is_readable(authority: &Authority) -> bool {
    let rest = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
    rest.is_empty() || authority.port_u16().is_some()
}

/// Turns requests for foreign names away, before any of them is routed.
pub(super) fn check<B>(allowed: &AllowedHosts, request: &Request<B>) -> Result<(), Problem> {
    let header = authority(request.headers())?;
    // A request in absolute form names its host twice, and the URI wins.
    let foreign = [Some(&header), request.uri().authority()]
        .into_iter()
        .flatten()
        .find(|a| !allowed.contains(a.host()));
    match foreign {
        None => Ok(()),
        Some(foreign) => Err(Problem::new(
            StatusCode::MISDIRECTED_REQUEST,
            "foreign_host",
            format!(
                "this server does not answer for `{}`: add the name with --allowed-host (allowed_hosts in the \
                 configuration) if it is yours",
                foreign.host()
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_names_and_addresses_are_answered() {
        let allowed = AllowedHosts::with_machine_name("Web-1.example.net", &["mon.example.org".to_owned()]);
        for name in ["localhost", "LOCALHOST", "localhost.", "127.0.0.1", "[::1]", "10.1.2.3", "web-1"] {
            assert!(allowed.contains(name), "{name}");
        }
        assert!(allowed.contains("web-1.example.net") && allowed.contains("MON.example.org"));
    }

    #[test]
    fn foreign_names_are_not() {
        let allowed = AllowedHosts::with_machine_name("web-1", &[]);
        let names =
            ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "0x7f.1", "2130706433"];
        for name in names.into_iter().chain(["", "web-10", "localhost:", "[::1"]) {
            assert!(!allowed.contains(name), "{name}");
        }
    }

    #[test]
    fn any_name_may_be_answered() {
        assert!(
            ["web-1.example.com", "evil.example"].into_iter().all(|name| AllowedHosts::any().contains(name))
        );
    }

    #[test]
    fn a_host_header_is_one_readable_authority() {
        let check = |values: &[&str], readable| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(HOST, value.parse().expect("a header value"));
            }
            assert_eq!(authority(&headers).is_ok(), readable, "{values:?}");
        };
        check(&["localhost:9000"], true);
        check(&["[::1]:9000"], true);
        check(&[], false);
        check(&["a", "b"], false);
        check(&["localhost", "localhost"], false);
        check(&[""], false);
        check(&["user@localhost"], false);
        check(&["localhost:99999"], false);
        check(&["localhost:x"], false);
        check(&["a/b"], false);
    }
}
