//! An aggregator for tests: answers as its script says and keeps what it was sent.

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Long enough for any machine: a test that reaches it has failed.
pub(super) const LONG: Duration = Duration::from_secs(20);

/// One request.
#[derive(Debug)]
pub(super) struct Seen {
    /// Path and query.
    pub(super) path: String,
    /// `X-SysMon-Token`.
    pub(super) token: String,
    /// The body; null where there is none.
    pub(super) body: Value,
    /// Its length.
    pub(super) bytes: usize,
}

impl Seen {
    /// The timestamps of its samples, each once, in their order.
    pub(super) fn times(&self) -> Vec<i64> {
        let samples = self.body["metrics"].as_array().into_iter().flatten();
        let mut times: Vec<i64> = samples.map(|sample| sample["timestamp"].as_i64().unwrap()).collect();
        times.dedup();
        times
    }

    /// How many samples it brought.
    pub(super) fn samples(&self) -> usize {
        self.body["metrics"].as_array().map_or(0, Vec::len)
    }

    /// Whether it brought the static data.
    pub(super) fn has_static(&self) -> bool {
        self.body.get("static").is_some()
    }
}

/// An answer.
pub(super) struct Reply {
    status: u16,
    header: Option<(&'static str, &'static str)>,
    body: Value,
}

impl Reply {
    /// Only a status.
    pub(super) fn status(status: u16) -> Self {
        Self { status, header: None, body: json!({"detail": "as the script says"}) }
    }

    /// With a header.
    pub(super) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.header = Some((name, value));
        self
    }

    /// What an aggregator says that stored all of `seen` but `failed` samples.
    pub(super) fn stored(seen: &Seen, failed: usize) -> Self {
        let received = seen.samples();
        let body = json!({
            "status": "success", "hostname": "web-01", "metrics_received": received,
            "metrics_stored": received - failed, "metrics_failed": failed, "timestamp": 1,
            "errors": (0..failed).map(|index| json!({
                "index": index, "metric_type": "cpu.user", "code": "too_old", "detail": "too old"
            })).collect::<Vec<_>>(),
        });
        Self { status: 200, header: None, body }
    }

    /// Any JSON with status 200.
    pub(super) fn json(body: Value) -> Self {
        Self { status: 200, header: None, body }
    }
}

type Script = Arc<Mutex<dyn FnMut(&Seen) -> Option<Reply> + Send>>;

/// The server. It ends with the test's runtime.
pub(super) struct FakeAggregator {
    /// Its address.
    pub(super) url: String,
    requests: mpsc::UnboundedReceiver<Seen>,
}

impl FakeAggregator {
    /// Serves `script`; where that gives no reply the connection breaks without one.
    pub(super) async fn start(script: impl FnMut(&Seen) -> Option<Reply> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, requests) = mpsc::unbounded_channel();
        let script: Script = Arc::new(Mutex::new(script));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, sender) = (Arc::clone(&script), sender.clone());
                let service = service_fn(move |request| answer(request, Arc::clone(&script), sender.clone()));
                let serving = hyper::server::conn::http1::Builder::new();
                tokio::spawn(serving.serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { url, requests }
    }

    /// The next request; fails the test where none comes.
    pub(super) async fn next(&mut self) -> Seen {
        timeout(LONG, self.requests.recv()).await.expect("no request came").expect("the server lives")
    }

    /// The requests that came so far.
    pub(super) fn so_far(&mut self) -> Vec<Seen> {
        std::iter::from_fn(|| self.requests.try_recv().ok()).collect()
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the script breaks the connection")]
struct Broken;

async fn answer(
    request: Request<Incoming>,
    script: Script,
    sender: mpsc::UnboundedSender<Seen>,
) -> Result<Response<Full<Bytes>>, Broken> {
    let path = request.uri().to_string();
    let token = request.headers().get("x-sysmon-token").and_then(|token| token.to_str().ok());
    let token = token.unwrap_or_default().to_owned();
    let body = request.into_body().collect().await.map_err(|_| Broken)?.to_bytes();
    let (bytes, body) = (body.len(), serde_json::from_slice(&body).unwrap_or_default());
    let seen = Seen { path, token, body, bytes };
    let reply = (script.lock().unwrap())(&seen);
    // A test that has ended does not look at it.
    sender.send(seen).ok();
    let reply = reply.ok_or(Broken)?;
    let mut response = Response::builder().status(reply.status);
    if let Some((name, value)) = reply.header {
        response = response.header(name, value);
    }
    Ok(response.body(Full::new(Bytes::from(reply.body.to_string()))).unwrap())
}
