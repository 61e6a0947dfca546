//! An aggregator on a free port with an empty store, and a client for it.

#![expect(clippy::indexing_slicing, reason = "a missing field fails the test as well")]

use axum::body::Bytes;
use axum::http::{HeaderMap, Request, StatusCode};
use futures_util::StreamExt;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use sysmond::aggregator::{self, Limits};
use sysmond::config::{AggregatorConfig, Token};
use sysmond::shutdown::Shutdown;
use sysmond_tsdb::StoreOptions;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// The token that a stage's aggregator asks for.
pub(crate) const TOKEN: &str = "a-token-for-tests-only";
/// Longer than anything takes on a busy machine, shorter than the patience of who waits for the tests.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// A running aggregator.
pub(crate) struct Stage {
    pub(crate) address: SocketAddr,
    pub(crate) data: TempDir,
    shutdown: Shutdown,
    running: JoinHandle<anyhow::Result<()>>,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }

    /// The status and the problem's code, which have to be in the documented envelope.
    pub(crate) fn problem(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text());
        let body = self.json();
        assert_eq!(body["status"], self.status.as_u16());
        for field in ["type", "title", "detail"] {
            assert!(body[field].as_str().is_some_and(|text| !text.is_empty()), "{field} in {body}");
        }
        (self.status.as_u16(), body["code"].as_str().expect("a code").to_owned())
    }
}

impl Stage {
    pub(crate) async fn start() -> Self {
        Self::start_with(Limits::default(), |_| {}).await
    }

    pub(crate) async fn start_with(limits: Limits, adapt: impl FnOnce(&mut AggregatorConfig)) -> Self {
        let data = tempfile::tempdir().expect("a folder");
        Self::start_in(data, limits, adapt).await
    }

    pub(crate) async fn start_in(
        data: TempDir,
        limits: Limits,
        adapt: impl FnOnce(&mut AggregatorConfig),
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let mut config = AggregatorConfig {
            listen: address,
            addr_file: Some(data.path().join("addr")),
            token: Token::new(TOKEN.to_owned()),
            allowed_hosts: Vec::new(),
            trusted_proxies: Vec::new(),
            offline_after: Duration::from_mins(5),
            data_dir: data.path().to_owned(),
            store: StoreOptions {
                retention: sysmond_tsdb::Retention::of_raw(Duration::from_hours(7 * 24)),
                max_disk_bytes: 1 << 30,
                queue_limit: 1024,
            },
            service: sysmond::systemd::Part::default(),
        };
        adapt(&mut config);
        let shutdown = Shutdown::new();
        let running = tokio::spawn(aggregator::run_with(limits, listener, config, shutdown.clone()));
        let client = Client::builder(TokioExecutor::new()).build_http();
        let stage = Self { address, data, shutdown, running, client };
        let addr_file = stage.data.path().join("addr");
        eventually("the address file", async || addr_file.exists().then_some(())).await;
        stage
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        let response = within(self.client.request(request)).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let body = within(body.collect()).await.expect("a body").to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[]).await
    }

    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.request("GET", path, headers, "").await
    }

    pub(crate) async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let request = Request::builder().method(method).uri(self.url(path));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        self.send(request.body(Full::new(body.into())).expect("a request")).await
    }

    /// Pushes a body as an agent does.
    pub(crate) async fn push(&self, body: &Value) -> Answer {
        self.push_raw(&[], body.to_string()).await
    }

    /// Pushes any bytes, with the token, as JSON.
    pub(crate) async fn push_raw(&self, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
        let mut all = vec![("content-type", "application/json"), ("x-sysmon-token", TOKEN)];
        all.extend_from_slice(headers);
        self.request("POST", "/api/metrics", &all, body).await
    }

    /// Pushes one value of one series of `host`, now.
    pub(crate) async fn push_value(&self, host: &str, metric: &str, value: f64) {
        let answer = self.push(&push_body(host, &[(now(), metric, value)])).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// A whole gauge or counter of the aggregator itself.
    pub(crate) async fn own_metric(&self, series: &str) -> u64 {
        metric(&self.get("/metrics").await.text(), series)
    }

    /// Opens a live connection.
    pub(crate) async fn live(&self, path: &str) -> Watcher {
        let request = format!("ws://{}{path}", self.address).into_client_request().expect("a request");
        let (socket, _) = within(tokio_tungstenite::connect_async(request)).await.expect("an upgrade");
        Watcher(socket)
    }

    /// A bare connection.
    pub(crate) async fn connect(&self) -> Wire {
        Wire(TcpStream::connect(self.address).await.expect("a connection"))
    }

    /// Asks for the end without waiting for it.
    pub(crate) fn request_end(&self) {
        self.shutdown.request();
    }

    /// Stops the aggregator, which has to succeed, and gives its folder back.
    pub(crate) async fn stop(self) -> TempDir {
        self.shutdown.request();
        within(self.running).await.expect("no panic").expect("a clean end");
        self.data
    }
}

/// A live connection's browser end.
pub(crate) struct Watcher(pub(crate) WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Watcher {
    /// The next message of any kind but pings.
    pub(crate) async fn message(&mut self) -> Option<Message> {
        loop {
            match within(self.0.next()).await {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(message)) => return Some(message),
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// The next frame.
    pub(crate) async fn frame(&mut self) -> Value {
        let message = self.message().await.expect("a message");
        serde_json::from_str(message.to_text().expect("text")).expect("JSON")
    }

    /// The next frame of that type, however many others come before.
    pub(crate) async fn frame_of(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.frame().await;
            if frame["type"] == kind {
                return frame;
            }
        }
    }
}

/// A connection on which anything can be said.
pub(crate) struct Wire(pub(crate) TcpStream);

impl Wire {
    pub(crate) async fn say(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        within(self.0.write_all(bytes.as_ref())).await.expect("written");
        self
    }

    /// Everything that comes until the server closes, which it has to.
    pub(crate) async fn hear(&mut self) -> String {
        let mut heard = Vec::new();
        // A reset is a close as well.
        within(self.0.read_to_end(&mut heard)).await.ok();
        String::from_utf8_lossy(&heard).into_owned()
    }
}

/// The value of a series in a Prometheus text.
pub(crate) fn metric(text: &str, series: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{series} in {text}")).parse().expect("a whole number")
}

/// Unix seconds now, whole.
pub(crate) fn now() -> i64 {
    sysmond::clock::now().as_seconds()
}

/// A push of these values.
pub(crate) fn push_body(host: &str, samples: &[(i64, &str, f64)]) -> Value {
    let samples: Vec<_> = samples
        .iter()
        .map(|(timestamp, metric, value)| {
            json!({"timestamp": timestamp, "metric_type": metric, "value": value, "tags": ""})
        })
        .collect();
    json!({
        "hostname": host, "version": "0.5.0", "platform": "Linux", "tags": {"role": "web"}, "metrics": samples,
    })
}

/// The result of `future`, which has to come before the deadline.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future).await.expect("in time")
}

/// Tries until there is something, which has to be before the deadline.
pub(crate) async fn eventually<T>(what: &str, mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    let tries = async {
        loop {
            if let Some(found) = attempt().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(DEADLINE, tries).await.unwrap_or_else(|_| panic!("{what} never came"))
}
