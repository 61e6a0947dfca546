//! What an agent serves to Prometheus, where it is asked to.

use super::access_log::Logged;
use super::checks::{AllowedHosts, Checks};
use super::exposition::MEDIA_TYPE;
use super::problem::Problem;
use super::routes::{packed, routed, wrong_method};
use crate::agent::{Busy, Scraper};
use crate::server::Site;
use axum::Router;
use axum::extract::State;
use axum::handler::Handler;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use axum::routing::get;
use hyper::body::Incoming;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

const PATH: &str = "/metrics";

/// The text of one agent, behind the same checks as everything that the aggregator serves. Clones share it.
#[derive(Clone)]
pub struct AgentFront(Arc<Inner>);

struct Inner {
    checks: Checks,
    router: Router,
}

impl AgentFront {
    /// What `scraper` says, at an address of this machine. On loopback it is said under the names of this machine and
    /// `allowed_hosts` alone: a browser here could else be made to read it for a foreign page. Others reach any other
    /// address themselves, and know the machine by names that it does not know.
    pub fn new(scraper: Scraper, address: IpAddr, allowed_hosts: &[String]) -> Self {
        let is_loopback = address.to_canonical().is_loopback();
        let allowed = if is_loopback { AllowedHosts::new(allowed_hosts) } else { AllowedHosts::any() };
        let router = Router::new()
            .route(PATH, get(show.layer(packed())))
            .fallback(async || {
                Problem::new(StatusCode::NOT_FOUND, "not_found", "an agent has /metrics and nothing else")
            })
            .method_not_allowed_fallback(async |method: Method| wrong_method(&method))
            .with_state(scraper);
        Self(Arc::new(Inner { checks: Checks::new(allowed, &[]), router }))
    }
}

impl Site for AgentFront {
    type Body = Logged;

    async fn answer(&self, peer: SocketAddr, request: Request<Incoming>) -> Response<Logged> {
        let Inner { checks, router } = &*self.0;
        checks.around(peer, request, async |request| routed(router, request).await, |path| path == PATH).await
    }
}

async fn show(State(scraper): State<Scraper>) -> Result<([(HeaderName, HeaderValue); 1], String), Problem> {
    let text = scraper.text().await.map_err(|busy: Busy| Problem::busy("busy", busy.to_string(), 5))?;
    Ok(([(CONTENT_TYPE, MEDIA_TYPE)], text))
}
