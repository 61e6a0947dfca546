//! `GET /healthz` and `GET /readyz`: for whoever restarts and routes.

use super::answer;
use super::app::App;
use super::problem::Problem;
use crate::clock;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use std::sync::Arc;
use sysmond_tsdb::{Quarantine, StoreStats};

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

#[derive(Serialize)]
struct Readiness {
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// The process answers.
pub(super) async fn alive() -> Response {
    answer::json(StatusCode::OK, &Health { status: "ok" })
}

/// The store takes and gives, and no end was asked for.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    if app.parts.shutdown.is_requested() {
        return Err(Problem::busy("stopping", "the server stops", 2));
    }
    let quarantine = app.query(|store| Ok(store.storage(clock::now())?.quarantine)).await?;
    let stats = app.store().stats();
    Ok(answer::json(StatusCode::OK, &Readiness { status: "ready", warnings: warnings(&quarantine, &stats) }))
}

/// What does not stop the store and is no good news either.
fn warnings(quarantine: &Quarantine, stats: &StoreStats) -> Vec<String> {
    let set_aside = (quarantine.count > 0).then(|| {
        format!("{} damaged pieces of history were set aside; /api/storage names them", quarantine.count)
    });
    let damaged =
        (stats.damaged > 0).then(|| format!("damage was met {} times since the start", stats.damaged));
    set_aside.into_iter().chain(damaged).collect()
}
