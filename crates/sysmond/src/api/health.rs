//! `GET /healthz` and `GET /readyz`: for whoever restarts and routes.

use super::answer;
use super::app::App;
use super::problem::Problem;
use crate::{clock, room};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use std::sync::Arc;
use sysmond_tsdb::{Storage, StoreStats};

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
    let storage = app.query(|store| store.storage(clock::now())).await?;
    if let Some(full) = storage.full {
        return Err(Problem::busy("no_space", room::words(full), 30));
    }
    let stats = app.store().stats();
    Ok(answer::json(StatusCode::OK, &Readiness { status: "ready", warnings: warnings(&storage, &stats) }))
}

/// What does not stop the store and is no good news either.
fn warnings(storage: &Storage, stats: &StoreStats) -> Vec<String> {
    let file = storage.files_set_aside.last().map(|newest| {
        let (count, newest) =
            (storage.files_set_aside.len(), newest.file_name().unwrap_or_default().display());
        let damaged = if count == 1 {
            "a damaged database was".to_owned()
        } else {
            format!("{count} damaged databases were")
        };
        format!("{damaged} set aside, the newest is {newest}: rescue what you need of it, then remove it")
    });
    let pieces = storage.quarantine.count;
    let set_aside = (pieces > 0)
        .then(|| format!("{pieces} damaged pieces of history were set aside; /api/storage names them"));
    let damaged =
        (stats.damaged > 0).then(|| format!("damage was met {} times since the start", stats.damaged));
    file.into_iter().chain(set_aside).chain(damaged).collect()
}
