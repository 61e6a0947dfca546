//! What an agent serves to Prometheus, where it is asked to.

use super::client_address::TrustedProxies;
use super::exposition::MEDIA_TYPE;
use super::host_header::AllowedHosts;
use super::problem::Problem;
use super::routes::{Front, packed, pass, wrong_method};
use crate::agent::{Busy, Scraper};
use axum::Router;
use axum::extract::State;
use axum::handler::Handler;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::routing::get;

/// The text of one agent, behind the same checks as everything that the aggregator serves.
pub fn agent_router(scraper: Scraper, allowed_hosts: &[String]) -> Router {
    let front = Front { allowed: AllowedHosts::new(allowed_hosts), proxies: TrustedProxies::new(&[]) };
    Router::new()
        .route("/metrics", get(show.layer(packed())))
        .fallback(async || {
            Problem::new(StatusCode::NOT_FOUND, "not_found", "an agent has /metrics and nothing else")
        })
        .method_not_allowed_fallback(async |method: Method| wrong_method(&method))
        .with_state(scraper)
        .layer(from_fn_with_state(front, pass))
}

async fn show(State(scraper): State<Scraper>) -> Result<([(HeaderName, HeaderValue); 1], String), Problem> {
    let text = scraper.text().await.map_err(|busy: Busy| Problem::busy("busy", &busy.to_string(), 5))?;
    Ok(([(CONTENT_TYPE, MEDIA_TYPE)], text))
}
