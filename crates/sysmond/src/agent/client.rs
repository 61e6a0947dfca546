//! HTTP to an aggregator: the one place that knows addresses, headers and deadlines.

use crate::config::Token;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{
    CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER, USER_AGENT,
};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::error::Error as _;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{fmt, io};
use sysmond_model::push::TOKEN_HEADER;
use thiserror::Error;
use tokio::time::timeout;

/// How long a connection may take to be made: any network answers in less, a dead one costs no more.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// Idle connections are not used again after this: below the 28 s after which an aggregator closes them, above the
/// usual 10 s between two pushes.
const IDLE_LIMIT: Duration = Duration::from_secs(25);
/// An answer's body, bytes: those of the protocol are far below; whatever else answers is not read to its end.
const ANSWER_BYTES: usize = 256 * 1024;
/// Bodies that are shorter are sent as they are: they fit into a few packets.
const COMPRESS_FROM: usize = 4096;
/// zstd's quickest: what it makes of a push is as small as what the next levels do.
const COMPRESSION_LEVEL: i32 = 1;

/// The address of an aggregator: `http://HOST[:PORT][/PATH]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    authority: String,
    /// Empty, or begins with `/` and does not end with it.
    path: String,
}

/// Why a text is no address of an aggregator.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AddressError {
    /// Not a URL at all.
    #[error("`{0}` is not an address: write http://HOST:PORT")]
    NotAUrl(String),
    /// Encrypted.
    #[error("`{0}`: https is not supported yet; use http:// inside a trusted network or through a tunnel")]
    Https(String),
    /// Neither `http` nor `https`.
    #[error("`{0}` does not begin with http://")]
    Scheme(String),
    /// A name or password in it, a question or a fragment.
    #[error("`{0}`: an address has a host, a port and a path, and nothing else")]
    Extra(String),
}

impl Address {
    /// Whether no network lies between.
    fn is_loopback(&self) -> bool {
        let uri: Option<Uri> = self.to_string().parse().ok();
        let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
        let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        ip.map_or(host == "localhost", |ip| ip.is_loopback())
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let uri: Uri = text.parse().map_err(|_| AddressError::NotAUrl(text.to_owned()))?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => return Err(AddressError::Https(text.to_owned())),
            _ => return Err(AddressError::Scheme(text.to_owned())),
        }
        let authority = uri.authority().ok_or_else(|| AddressError::NotAUrl(text.to_owned()))?.as_str();
        // The text has a user's name and password in it: it is not repeated.
        if authority.contains('@') {
            return Err(AddressError::Extra("http://…@…".to_owned()));
        }
        if uri.query().is_some() || text.contains('#') {
            return Err(AddressError::Extra(text.to_owned()));
        }
        let authority = authority.to_ascii_lowercase();
        Ok(Self { authority, path: uri.path().trim_end_matches('/').to_owned() })
    }
}

impl fmt::Display for Address {
    /// The normal form: two texts that mean the same aggregator have the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority, self.path)
    }
}

/// An answer, whatever its status.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Its status.
    pub(crate) status: StatusCode,
    /// `Retry-After`, where it was given in seconds.
    pub(crate) retry_after: Option<Duration>,
    /// Where a redirect leads.
    pub(crate) location: Option<String>,
    /// The body.
    pub(crate) body: Bytes,
}

/// Why there was no answer.
#[derive(Debug, Error)]
pub(crate) enum CallError {
    /// None in time.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// The name of the address leads nowhere.
    #[error("cannot look up the name {name}: {reason}")]
    Lookup {
        /// The name.
        name: String,
        /// The resolver's reason.
        reason: String,
    },
    /// Nobody took the connection, or said that there is none to be had.
    #[error("no connection within {CONNECT_DEADLINE:?}")]
    ConnectTimeout,
    /// There is no connection to be had.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The connection broke.
    #[error("the connection broke")]
    Network(#[source] legacy::Error),
    /// The answer broke off, or was longer than any of the protocol.
    #[error("the answer cannot be read")]
    Body(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The address and a path do not make a URL: a bug, or a path in the address that is none.
    #[error("cannot make the request")]
    Request(#[from] hyper::http::Error),
}

impl CallError {
    /// What became of a request to `host`, in words that do not name libraries.
    fn of(error: legacy::Error, host: &str) -> Self {
        if !error.is_connect() {
            return Self::Network(error);
        }
        let links: Vec<_> = std::iter::successors(error.source(), |&link| link.source()).collect();
        let reason = links.last().map_or_else(|| error.to_string(), ToString::to_string);
        // The type of this error is the library's own: its text tells it from the others.
        if links.iter().any(|link| link.to_string() == "dns error") {
            return Self::Lookup { name: host.to_owned(), reason };
        }
        let io_error = links.iter().find_map(|link| link.downcast_ref::<io::Error>());
        if io_error.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut) {
            return Self::ConnectTimeout;
        }
        Self::Connect(reason)
    }
}

/// A cheap handle; clones share connections.
#[derive(Clone)]
pub(crate) struct Client {
    http: legacy::Client<HttpConnector, Full<Bytes>>,
    address: Address,
    headers: HeaderMap,
    /// Whether bodies are compressed: where a network lies between, until somebody on the way refuses it.
    compresses: Arc<AtomicBool>,
}

impl Client {
    /// A client of one aggregator. Fails where the token cannot be a header.
    pub(super) fn new(address: Address, token: &Token, version: &str) -> anyhow::Result<Self> {
        let mut client = Self::without_token(address, version)?;
        let mut token = HeaderValue::from_str(token.reveal())
            .map_err(|_| anyhow::anyhow!("the token has characters that a header cannot carry"))?;
        token.set_sensitive(true);
        client.headers.insert(TOKEN_HEADER, token);
        Ok(client)
    }

    /// A client for what everybody may ask.
    pub(crate) fn without_token(address: Address, version: &str) -> anyhow::Result<Self> {
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, HeaderValue::from_str(&format!("sysmond/{version}"))?);
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_DEADLINE));
        connector.set_nodelay(true);
        let http = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_LIMIT)
            .pool_max_idle_per_host(2)
            .build(connector);
        let compresses = Arc::new(AtomicBool::new(!address.is_loopback()));
        Ok(Self { http, address, headers, compresses })
    }

    /// The aggregator's address.
    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// Posts JSON, compressed where that is worth it.
    pub(super) async fn post(
        &self,
        path: &str,
        json: Bytes,
        deadline: Duration,
    ) -> Result<Answer, CallError> {
        if json.len() >= COMPRESS_FROM
            && self.compresses.load(Ordering::Relaxed)
            && let Ok(short) = zstd::bulk::compress(&json, COMPRESSION_LEVEL)
        {
            let mut request = self.json(path, short.into())?;
            request.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("zstd"));
            let answer = self.call(request, deadline).await?;
            if answer.status != StatusCode::UNSUPPORTED_MEDIA_TYPE {
                return Ok(answer);
            }
            self.compresses.store(false, Ordering::Relaxed);
        }
        self.call(self.json(path, json)?, deadline).await
    }

    fn json(&self, path: &str, body: Bytes) -> Result<Request<Full<Bytes>>, CallError> {
        let mut request = self.request(Method::POST, path, body)?;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(request)
    }

    /// Gets `path`, which may have a query.
    pub(crate) async fn get(&self, path: &str, deadline: Duration) -> Result<Answer, CallError> {
        self.call(self.request(Method::GET, path, Bytes::new())?, deadline).await
    }

    fn request(&self, method: Method, path: &str, body: Bytes) -> Result<Request<Full<Bytes>>, CallError> {
        let uri = format!("{}{path}", self.address);
        let mut request = Request::builder().method(method).uri(uri).body(Full::new(body))?;
        request.headers_mut().extend(self.headers.clone());
        Ok(request)
    }

    async fn call(&self, request: Request<Full<Bytes>>, deadline: Duration) -> Result<Answer, CallError> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        let exchange = async {
            let response = self.http.request(request).await.map_err(|error| CallError::of(error, &host))?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, ANSWER_BYTES).collect().await.map_err(CallError::Body)?.to_bytes();
            let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
            let retry_after = text(RETRY_AFTER).and_then(|text| text.trim().parse().ok());
            Ok(Answer {
                status: head.status,
                retry_after: retry_after.map(Duration::from_secs),
                location: text(LOCATION).map(str::to_owned),
                body,
            })
        };
        timeout(deadline, exchange).await.unwrap_or(Err(CallError::Timeout(deadline)))
    }
}

/// `text` as the value of a query parameter.
pub(super) fn query_value(text: &str) -> String {
    const HEX: [u8; 16] = *b"0123456789ABCDEF";
    let hex = |digit: u8| HEX.get(usize::from(digit)).copied().map_or('0', char::from);
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.extend(['%', hex(byte >> 4), hex(byte & 15)]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_one_form() {
        let check = |text: &str, expected: &str| {
            assert_eq!(text.parse::<Address>().map(|address| address.to_string()), Ok(expected.to_owned()));
        };
        check("http://127.0.0.1:9000", "http://127.0.0.1:9000");
        check("http://127.0.0.1:9000/", "http://127.0.0.1:9000");
        check("http://Monitor.Example/sysmon/", "http://monitor.example/sysmon");
        check("http://[::1]:9000", "http://[::1]:9000");
    }

    #[test]
    fn only_what_crosses_a_network_is_compressed() {
        let check = |text: &str, expected| {
            let address = text.parse().expect("an address");
            let client =
                Client::new(address, &Token::new("0123456789abcdef".to_owned()), "0").expect("a client");
            assert_eq!(client.compresses.load(Ordering::Relaxed), expected, "{text}");
        };
        check("http://127.0.0.1:9000", false);
        check("http://[::1]:9000/sysmon", false);
        check("http://localhost:9000", false);
        check("http://192.0.2.1:9000", true);
        check("http://[2001:db8::1]:9000", true);
        check("http://monitor.example.org/sysmon", true);
    }

    /// What a server that answers with these statuses in turn is sent: coding and body of each request.
    async fn posted(statuses: &[u16], json: &'static [u8]) -> Vec<(Option<String>, Vec<u8>)> {
        use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address =
            format!("http://{}", listener.local_addr().expect("bound")).parse().expect("an address");
        let client = Client::new(address, &Token::new("0123456789abcdef".to_owned()), "0").expect("a client");
        client.compresses.store(true, Ordering::Relaxed);
        let serve = async {
            let mut stream = BufReader::new(listener.accept().await.expect("a connection").0);
            let mut seen = Vec::new();
            for status in statuses {
                let (mut coding, mut length, mut line) = (None, 0, String::new());
                while stream.read_line(&mut line).await.expect("a head") > 2 {
                    let (name, value) = line.trim_end().split_once(": ").unwrap_or_default();
                    match name {
                        "content-encoding" => coding = Some(value.to_owned()),
                        "content-length" => length = value.parse().expect("a length"),
                        _ => {}
                    }
                    line.clear();
                }
                let mut body = vec![0; length];
                stream.read_exact(&mut body).await.expect("a body");
                seen.push((coding, body));
                let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.expect("taken");
            }
            seen
        };
        let post = client.post("/api/metrics", Bytes::from_static(json), Duration::from_secs(20));
        let (seen, answer) = tokio::join!(serve, post);
        assert_eq!(answer.expect("an answer").status.as_u16(), *statuses.last().expect("one"));
        assert_eq!(client.compresses.load(Ordering::Relaxed), statuses.len() == 1);
        seen
    }

    #[tokio::test]
    async fn long_bodies_are_compressed_unless_that_is_refused() {
        const LONG: &[u8] = &[b' '; 10_000];
        let plain = |body: &[u8]| (None, body.to_vec());
        let [(coding, short)] = posted(&[200], LONG).await.try_into().expect("one request");
        assert_eq!((coding.as_deref(), short.len() < 100), (Some("zstd"), true));
        assert_eq!(zstd::bulk::decompress(&short, 20_000).expect("zstd"), LONG);
        assert_eq!(posted(&[200], b"{}").await, [plain(b"{}")]);
        assert_eq!(posted(&[415, 200], LONG).await.last(), Some(&plain(LONG)));
    }

    #[tokio::test]
    async fn where_there_is_no_connection_the_reason_is_in_plain_words() {
        let check = async |address: &str, expected: &str| {
            let client = Client::without_token(address.parse().expect("an address"), "0").expect("a client");
            let error = client.get("/", Duration::from_secs(20)).await.expect_err("nobody is there");
            assert_eq!(error.to_string().split(" (").next(), Some(expected), "{error:?}");
        };
        let free =
            std::net::TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr()).expect("a port");
        check(&format!("http://{free}"), "cannot connect: Connection refused").await;
        // No name server has to be asked for a label of more than 63 letters.
        let name = "x".repeat(64);
        let client = Client::without_token(format!("http://{name}:1").parse().expect("an address"), "0");
        let error =
            client.expect("a client").get("/", Duration::from_secs(20)).await.expect_err("no such name");
        let text = error.to_string();
        assert!(text.starts_with(&format!("cannot look up the name {name}: failed to lookup")), "{text}");
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        let check = |text: &str, expected: fn(String) -> AddressError| {
            assert_eq!(text.parse::<Address>(), Err(expected(text.to_owned())));
        };
        check("", AddressError::NotAUrl);
        check("http://", AddressError::NotAUrl);
        check("monitor:9000", AddressError::Scheme);
        check("ftp://monitor", AddressError::Scheme);
        check("https://monitor", AddressError::Https);
        check("http://monitor/?host=x", AddressError::Extra);
        check("http://monitor/#top", AddressError::Extra);
    }

    #[test]
    fn a_password_in_an_address_is_refused_and_not_repeated() {
        let error = "http://me:secret@monitor".parse::<Address>().expect_err("a password");
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    #[test]
    fn query_values_are_escaped() {
        assert_eq!(query_value("web-01.example_~"), "web-01.example_~");
        assert_eq!(query_value("a b&c=ü"), "a%20b%26c%3D%C3%BC");
    }
}
