//! `GET /api/latest?host=X`: the newest value of each series of a host.

use super::answer;
use super::app::App;
use super::params::Params;
use super::problem::Problem;
use crate::aggregator::views::{Value, whole_seconds};
use crate::clock;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use std::sync::Arc;
use sysmond_model::{Sample, Timestamp};

#[derive(Serialize)]
struct Answer<'a> {
    metrics: Vec<Latest<'a>>,
    count: usize,
    timestamp: Timestamp,
}

#[derive(Serialize)]
struct Latest<'a> {
    timestamp: Timestamp,
    metric_type: &'a str,
    host: &'a str,
    tags: &'a str,
    value: Value,
}

pub(super) async fn show(State(app): State<Arc<App>>, params: Params) -> Result<Response, Problem> {
    let host = params.required("host")?;
    let samples = app.store().latest(host).ok_or_else(|| Problem::unknown_host(host))?;
    let metrics: Vec<_> = samples
        .iter()
        .map(|Sample { timestamp, series, value }| Latest {
            timestamp: *timestamp,
            metric_type: &series.metric_type,
            host,
            tags: &series.tags,
            value: Value(*value),
        })
        .collect();
    let answer = Answer { count: metrics.len(), metrics, timestamp: whole_seconds(clock::now()) };
    Ok(answer::json(StatusCode::OK, &answer))
}
