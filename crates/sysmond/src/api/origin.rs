//! Where a WebSocket may be opened from. Browsers let any page open one to any host and send no preflight; the
//! `Origin` header is all that tells a foreign page from ours.

use super::host_header;
use super::problem::Problem;
use axum::http::header::ORIGIN;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode};

/// Refuses a request that a page of another origin made. Without an `Origin` it is no browser, and passes.
pub(super) fn check(headers: &HeaderMap) -> Result<(), Problem> {
    let mut origins = headers.get_all(ORIGIN).iter();
    let (origin, more) = (origins.next(), origins.next());
    let Some(origin) = origin else { return Ok(()) };
    let host = host_header::authority(headers)?;
    let same = origin.to_str().is_ok_and(|origin| is_same(origin, &host));
    if same && more.is_none() {
        return Ok(());
    }
    let detail =
        "the page that asks is not of this server; behind a proxy, let it pass the Host header on unchanged";
    Err(Problem::new(StatusCode::FORBIDDEN, "foreign_origin", detail))
}

/// Whether `origin` is `scheme://` and `host`, where a port that its scheme implies may be left out.
fn is_same(origin: &str, host: &Authority) -> bool {
    let Some((scheme, rest)) = origin.split_once("://") else { return false };
    let default_port = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return false,
    };
    let Ok(origin) = rest.parse::<Authority>() else { return false };
    let port = |authority: &Authority| authority.port_u16().unwrap_or(default_port);
    !rest.contains('@') && origin.host().eq_ignore_ascii_case(host.host()) && port(&origin) == port(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_origin_is_the_same() {
        let check = |origin: &str, host: &str, same: bool| {
            assert_eq!(is_same(origin, &host.parse().expect("an authority")), same, "{origin} at {host}");
        };
        check("http://localhost:9000", "localhost:9000", true);
        check("http://LOCALHOST:9000", "localhost:9000", true);
        check("https://mon.example", "mon.example", true);
        check("https://mon.example", "mon.example:443", true);
        check("http://[::1]:9000", "[::1]:9000", true);
        check("null", "localhost:9000", false);
        check("http://localhost:9001", "localhost:9000", false);
        check("http://localhost", "localhost:9000", false);
        check("http://localhost:9000.evil.example", "localhost:9000", false);
        check("http://localhost.evil.example:9000", "localhost:9000", false);
        check("http://evil.example", "localhost:9000", false);
        check("http://localhost:9000@evil.example", "localhost:9000", false);
        check("http://evil@localhost:9000", "localhost:9000", false);
        check("file://localhost:9000", "localhost:9000", false);
    }
}
