//! Learns by a held request whether somebody looks at this host's live data.

use super::backoff::Backoff;
use super::client::{Answer, Client, query_value};
use crate::clock;
use crate::shutdown::Shutdown;
use hyper::StatusCode;
use serde::Deserialize;
use std::time::Duration;
use sysmond_model::push::{WATCH_HOLD_SECONDS, WatchAnswer};
use tokio::sync::watch;
use tokio::time::sleep;
use tracing::debug;

/// How long an answer may take: what the server holds it back, and a slow network on top.
const DEADLINE: Duration = Duration::from_secs(WATCH_HOLD_SECONDS + 10);
/// Between two questions to a server that does not know the question: it may be updated some day.
const UNKNOWN_RETRY: Duration = Duration::from_mins(5);
/// Between the beginnings of two questions that were answered with no news, at least: a server that does not hold them
/// back is not asked in a busy loop.
const NO_NEWS_PACE: Duration = Duration::from_secs(2);

/// The watch.
pub(super) struct Watch {
    /// The way to the aggregator.
    pub(super) client: Client,
    /// This host's name.
    pub(super) hostname: String,
    /// Told whether somebody looks.
    pub(super) watched: watch::Sender<bool>,
    /// Whether pushes reach the aggregator: before that it knows nothing of this host.
    pub(super) contact: watch::Receiver<bool>,
}

enum Failure {
    /// The server does not know the question.
    Unknown,
    /// Anything else, a host that it has not registered yet included; not to be asked again before this has passed.
    Other(Duration),
}

impl Watch {
    /// Asks until `shutdown`.
    pub(super) async fn run(mut self, shutdown: Shutdown) {
        tokio::select! {
            () = self.ask_on() => {}
            () = shutdown.requested() => {}
        }
    }

    async fn ask_on(&mut self) {
        let mut backoff = Backoff::new();
        while self.contact.wait_for(|contact| *contact).await.is_ok() {
            let (begin, before) = (clock::since_boot(), *self.watched.borrow());
            match self.ask(before).await {
                Ok(WatchAnswer { watched }) => {
                    backoff.reset();
                    self.set(watched);
                    if watched == before {
                        let took = clock::since_boot().saturating_sub(begin);
                        sleep(NO_NEWS_PACE.saturating_sub(took)).await;
                    }
                }
                Err(failure) => {
                    self.set(false);
                    let at_least = match failure {
                        Failure::Unknown => UNKNOWN_RETRY,
                        Failure::Other(at_least) => at_least.min(UNKNOWN_RETRY),
                    };
                    sleep(at_least + backoff.next()).await;
                }
            }
        }
    }

    async fn ask(&self, watched: bool) -> Result<WatchAnswer, Failure> {
        let path = format!("/api/agent/watch?host={}&watched={watched}", query_value(&self.hostname));
        let answer = self.client.get(&path, DEADLINE).await.map_err(|error| {
            debug!(error = format!("{:#}", anyhow::Error::from(error)), "the question who watches failed");
            Failure::Other(Duration::ZERO)
        })?;
        if answer.status == StatusCode::OK {
            return serde_json::from_slice(&answer.body).map_err(|_| Failure::Other(Duration::ZERO));
        }
        debug!(status = %answer.status, "the question who watches is not answered");
        Err(if is_unknown(&answer) {
            Failure::Unknown
        } else {
            Failure::Other(answer.retry_after.unwrap_or_default())
        })
    }

    /// Tells the others, where it is news.
    fn set(&self, watched: bool) {
        let changed = |now: &mut bool| std::mem::replace(now, watched) != watched;
        if self.watched.send_if_modified(changed) {
            debug!(watched, "the live watch changes");
        }
    }
}

/// Whether the answer comes from a server without this question, rather than from one that does not know the host yet.
fn is_unknown(answer: &Answer) -> bool {
    #[derive(Deserialize)]
    struct Problem {
        code: String,
    }
    let names_the_host =
        || serde_json::from_slice(&answer.body).is_ok_and(|Problem { code }| code == "unknown_host");
    match answer.status {
        StatusCode::METHOD_NOT_ALLOWED => true,
        StatusCode::NOT_FOUND => !names_the_host(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::body::Bytes;

    #[test]
    fn only_a_server_without_the_question_is_asked_rarely() {
        let check = |status, body: &'static str, expected| {
            let body = Bytes::from_static(body.as_bytes());
            let answer = Answer { status, retry_after: None, location: None, body };
            assert_eq!(is_unknown(&answer), expected, "{status}");
        };
        check(StatusCode::NOT_FOUND, "", true);
        check(StatusCode::NOT_FOUND, r#"{"code":"not_found"}"#, true);
        check(StatusCode::NOT_FOUND, r#"{"code":"unknown_host"}"#, false);
        check(StatusCode::METHOD_NOT_ALLOWED, "", true);
        check(StatusCode::SERVICE_UNAVAILABLE, "", false);
        check(StatusCode::UNAUTHORIZED, "", false);
    }
}
