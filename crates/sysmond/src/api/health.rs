//! `GET /healthz` and `GET /readyz`: for whoever restarts and routes.

use super::answer;
use super::app::App;
use super::problem::Problem;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize)]
struct Health {
    status: &'static str,
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
    app.query(|store| store.cursor("readyz")).await?;
    Ok(answer::json(StatusCode::OK, &Health { status: "ready" }))
}
