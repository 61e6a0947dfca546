//! `GET /api/fleet/summary`: the fleet in one line of figures.

use super::answer;
use super::app::App;
use crate::clock;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use std::sync::Arc;

pub(super) async fn show(State(app): State<Arc<App>>) -> Response {
    answer::json(StatusCode::OK, &app.store().fleet_summary(clock::now(), app.offline_after_ms()))
}
