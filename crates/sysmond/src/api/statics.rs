//! `GET /api/static?host=X`: what is read once of a host.

use super::answer;
use super::app::App;
use super::params::Params;
use super::problem::Problem;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use std::sync::Arc;
use sysmond_model::StaticInfo;

#[derive(Serialize)]
struct Answer<'a> {
    hostname: &'a str,
    #[serde(flatten)]
    info: StaticInfo,
}

pub(super) async fn show(State(app): State<Arc<App>>, params: Params) -> Result<Response, Problem> {
    let hostname = params.required("host")?;
    app.store().host(hostname).ok_or_else(|| Problem::unknown_host(hostname))?;
    let info = app.store().static_info(hostname).ok_or_else(|| {
        let detail = format!("`{hostname}` never sent any static data");
        Problem::new(StatusCode::NOT_FOUND, "no_static_data", detail)
    })?;
    Ok(answer::json(StatusCode::OK, &Answer { hostname, info }))
}
