//! `GET /api/live`: the WebSocket's handshake and what is checked before it.

use super::app::App;
use super::origin;
use super::params::Params;
use super::problem::Problem;
use crate::aggregator::live::Subject;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    CONNECTION, HeaderName, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Version};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Hosts on one connection; a comparison shows eight.
const MAX_HOSTS: usize = 16;

pub(super) async fn open(
    State(app): State<Arc<App>>,
    params: Params,
    request: Request,
) -> Result<Response, Problem> {
    origin::check(request.headers())?;
    let subject = subject(&app, &params)?;
    let accept = handshake(request.version(), request.headers())?;
    let admission = app.parts.live.admit().ok_or_else(|| {
        Problem::busy("too_many_clients", "as many live connections as the server takes", 10)
    })?;
    admission.serve(subject, hyper::upgrade::on(request));
    let mut response = (StatusCode::SWITCHING_PROTOCOLS, Body::empty()).into_response();
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    Ok(response)
}

fn subject(app: &App, params: &Params) -> Result<Subject, Problem> {
    let mut hosts: Vec<String> = Vec::new();
    for host in params.all("host") {
        if app.store().host(host).is_none() {
            return Err(Problem::unknown_host(host));
        }
        if !hosts.iter().any(|known| known == host) {
            hosts.push(host.to_owned());
        }
    }
    match hosts.len() {
        0 => Ok(Subject::Fleet),
        1..=MAX_HOSTS => Ok(Subject::Hosts(hosts)),
        _ => Err(Problem::invalid("too_large", format!("more than {MAX_HOSTS} hosts on one connection"))),
    }
}

/// The proof that the server speaks WebSocket, or what the request lacks (RFC 6455, 4.2.1).
fn handshake(version: Version, headers: &HeaderMap) -> Result<HeaderValue, Problem> {
    let lacks = |detail| Problem::new(StatusCode::UPGRADE_REQUIRED, "upgrade_required", detail);
    if version != Version::HTTP_11
        || !has_word(headers, &CONNECTION, "upgrade")
        || !has_word(headers, &UPGRADE, "websocket")
    {
        return Err(lacks("this is a WebSocket; ask for an upgrade"));
    }
    if !has_word(headers, &SEC_WEBSOCKET_VERSION, "13") {
        return Err(lacks("only version 13 of WebSocket is spoken"));
    }
    let key = headers.get(SEC_WEBSOCKET_KEY).filter(|key| key.len() == 24);
    let key =
        key.ok_or_else(|| Problem::unreadable("bad_handshake", "Sec-WebSocket-Key is missing or no key"))?;
    HeaderValue::try_from(derive_accept_key(key.as_bytes())).map_err(Problem::internal)
}

/// Whether the list in the header `name` has `word`.
fn has_word(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|item| item.trim().eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proof_is_that_of_the_standard() {
        let headers = |without: &str| {
            let all = [
                ("connection", "keep-alive, Upgrade"),
                ("upgrade", "websocket"),
                ("sec-websocket-version", "13"),
                ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ];
            let pairs = all.iter().filter(|(name, _)| *name != without);
            pairs
                .map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v)))
                .collect::<HeaderMap>()
        };
        let accept = handshake(Version::HTTP_11, &headers("")).expect("complete");
        assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        let check = |without, status: u16| {
            let problem = handshake(Version::HTTP_11, &headers(without)).expect_err("incomplete");
            assert_eq!(problem.status().as_u16(), status, "{without}");
        };
        check("connection", 426);
        check("upgrade", 426);
        check("sec-websocket-version", 426);
        check("sec-websocket-key", 400);
        assert!(handshake(Version::HTTP_10, &headers("")).is_err());
    }
}
