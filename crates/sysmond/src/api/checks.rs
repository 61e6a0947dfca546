//! What is done of every request, whatever it is for and whoever serves it.

use super::access_log::{self, Logged};
use super::client_address::TrustedProxies;
use super::headers::Security;
use super::host_header;
pub(super) use super::host_header::AllowedHosts;
use axum::body::Body;
use axum::http::{Request, Response};
use axum::response::IntoResponse;
use hyper::body::Incoming;
use std::net::{IpAddr, SocketAddr};

/// The host's name is one of ours, the answer has the headers that browsers heed, the log has a line.
pub(super) struct Checks {
    allowed: AllowedHosts,
    proxies: TrustedProxies,
    security: Security,
}

impl Checks {
    /// Answers to `allowed`, and believes `trusted_proxies`.
    pub(super) fn new(allowed: AllowedHosts, trusted_proxies: &[IpAddr]) -> Self {
        Self { allowed, proxies: TrustedProxies::new(trusted_proxies), security: Security::default() }
    }

    /// The answer of `site` to a request that came from `peer`, where it is let in; `is_route` knows the paths that are
    /// logged as they are.
    pub(super) async fn around(
        &self,
        peer: SocketAddr,
        request: Request<Incoming>,
        site: impl AsyncFnOnce(Request<Incoming>) -> Response<Body>,
        is_route: impl Fn(&str) -> bool,
    ) -> Response<Logged> {
        let entry = access_log::begin(&self.proxies, peer, &request);
        let mut response = match host_header::check(&self.allowed, &request) {
            Ok(()) => site(request).await,
            Err(problem) => problem.into_response(),
        };
        self.security.add_to(response.headers_mut());
        entry.end(response, is_route)
    }
}
