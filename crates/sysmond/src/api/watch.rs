//! `GET /api/agent/watch`: an agent waits here to hear that somebody looks at its host, or no longer does.

use super::app::App;
use super::params::Params;
use super::problem::Problem;
use super::{answer, token};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use sysmond_model::push::WatchAnswer;

pub(super) async fn wait(State(app): State<Arc<App>>, headers: HeaderMap, params: Params) -> Response {
    if let Err(unauthorized) = token::check(&headers, app.token()) {
        return unauthorized.into_response();
    }
    match answer(&app, &params).await {
        Ok(answer) => answer::json(StatusCode::OK, &answer),
        Err(problem) => problem.into_response(),
    }
}

async fn answer(app: &App, params: &Params) -> Result<WatchAnswer, Problem> {
    let host = params.required("host")?;
    let known = params.parsed("watched", "true or false")?.unwrap_or(false);
    if app.store().host(host).is_none() {
        return Err(Problem::unknown_host(host));
    }
    let _place = app
        .watches
        .try_acquire()
        .map_err(|_| Problem::busy("too_many_watches", "as many agents wait here as the server takes", 30))?;
    let watched = app.parts.live.watched(host, known, app.limits.watch_hold).await;
    Ok(WatchAnswer { watched })
}
