//! Every route, as a table.

use super::app::App;
use super::assets::Assets;
use super::client_address::TrustedProxies;
use super::host_header::AllowedHosts;
use super::problem::Problem;
use super::{
    access_log, exposition, headers, health, history, host_header, hosts, latest, live, openapi, processes,
    push, statics, storage, summary, watch,
};
use axum::Router;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use std::sync::Arc;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;

/// One line of the table.
pub(super) struct Route {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    handler: MethodRouter<Arc<App>>,
}

/// All routes but the dashboard's files.
pub(super) fn table() -> Vec<Route> {
    let route = |method, path, handler| Route { method, path, handler };
    vec![
        route("post", "/api/metrics", push::route()),
        route("get", "/api/hosts", get(hosts::list)),
        route("get", "/api/latest", get(latest::show)),
        route("get", "/api/fleet/summary", get(summary::show)),
        route("get", "/api/static", get(statics::show)),
        route("get", "/api/storage", get(storage::show)),
        route("get", "/api/history", get(history::show)),
        route("get", "/api/processes", get(processes::show)),
        route("get", "/api/live", get(live::open)),
        route("get", "/api/agent/watch", get(watch::wait)),
        route("get", "/api/openapi.json", get(openapi::show)),
        route("get", "/healthz", get(health::alive)),
        route("get", "/readyz", get(health::ready)),
        route("get", "/metrics", get(exposition::show)),
    ]
}

/// The whole API and the dashboard. What is answered to a push is short and not worth packing; the
/// dashboard's files are packed already.
pub fn router(app: Arc<App>) -> Router {
    let front = Front {
        allowed: AllowedHosts::new(&app.parts.config.allowed_hosts),
        proxies: TrustedProxies::new(&app.parts.config.trusted_proxies),
    };
    let routes = table().into_iter().fold(Router::new(), |router, Route { path, handler, method }| {
        let handler = if method == "post" { handler } else { handler.layer(packed()) };
        router.route(path, handler)
    });
    routes
        .fallback_service(elsewhere.with_state(Assets::default()))
        .method_not_allowed_fallback(async |method: Method| wrong_method(&method))
        .with_state(app)
        .layer(from_fn_with_state(front, pass))
}

/// Packs answers for those who can unpack them.
pub(super) fn packed() -> CompressionLayer {
    CompressionLayer::new().quality(CompressionLevel::Fastest)
}

/// What is checked of every request, whatever it is for.
#[derive(Clone)]
pub(super) struct Front {
    /// Names that this server answers to.
    pub(super) allowed: AllowedHosts,
    /// Proxies that are believed.
    pub(super) proxies: TrustedProxies,
}

/// One layer for all of it: each costs every request a copy of the services below.
pub(super) async fn pass(State(front): State<Front>, request: Request, next: Next) -> Response {
    let entry = access_log::begin(&front.proxies, &request);
    let mut response = match host_header::check(&front.allowed, &request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    headers::secure(response.headers_mut());
    access_log::end(entry, response)
}

async fn elsewhere(
    State(assets): State<Assets>,
    method: Method,
    uri: Uri,
    headers: axum::http::HeaderMap,
) -> Response {
    assets.serve(&method, uri.path(), &headers).unwrap_or_else(|| {
        let detail = "there is nothing at this path; /api/openapi.json lists what there is";
        Problem::new(StatusCode::NOT_FOUND, "not_found", detail).into_response()
    })
}

pub(super) fn wrong_method(method: &Method) -> Problem {
    let detail = format!("{method} cannot be done here; the Allow header says what can");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_description_has_every_route_and_no_other() {
        let served: BTreeSet<_> =
            table().iter().map(|route| (route.path.to_owned(), route.method.to_owned())).collect();
        let description: serde_json::Value = serde_json::from_str(openapi::text()).expect("JSON");
        let paths = description["paths"].as_object().expect("an object");
        let methods = |(path, methods): (&String, &serde_json::Value)| {
            let methods = methods.as_object().expect("an object");
            methods.keys().map(|method| (path.clone(), method.clone())).collect::<Vec<_>>()
        };
        let described: BTreeSet<_> = paths.iter().flat_map(methods).collect();
        let files = BTreeSet::from([("/".to_owned(), "get".to_owned())]);
        assert_eq!(described, &served | &files);
    }
}
