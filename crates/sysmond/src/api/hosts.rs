//! `GET /api/hosts`: who is registered.

use super::answer;
use super::app::App;
use crate::aggregator::views::whole_seconds;
use crate::clock;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use std::sync::Arc;
use sysmond_model::Timestamp;
use sysmond_model::push::HostView;

#[derive(Serialize)]
struct Answer<'a> {
    hosts: Vec<HostView<'a>>,
    count: usize,
    timestamp: Timestamp,
}

pub(super) async fn list(State(app): State<Arc<App>>) -> Response {
    let (now, offline_after_ms) = (clock::now(), app.offline_after_ms());
    let hosts = app.store().hosts();
    let hosts: Vec<_> = hosts.iter().map(|host| HostView { host, now, offline_after_ms }).collect();
    answer::json(StatusCode::OK, &Answer { count: hosts.len(), hosts, timestamp: whole_seconds(now) })
}
