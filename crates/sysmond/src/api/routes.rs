//! Every route, as a table.

use super::app::App;
use super::client_address::TrustedProxies;
use super::host_header::AllowedHosts;
use super::problem::Problem;
use super::{
    access_log, assets, exposition, headers, health, history, host_header, hosts, latest, live, openapi,
    push, statics, summary, watch,
};
use axum::Router;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use std::sync::Arc;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;

/// One line of the table.
pub(super) struct Route {
    #[cfg_attr(not(test), expect(dead_code, reason = "for the test that the description is complete"))]
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
        route("get", "/api/history", get(history::show)),
        route("get", "/api/live", get(live::open)),
        route("get", "/api/agent/watch", get(watch::wait)),
        route("get", "/api/openapi.json", get(openapi::show)),
        route("get", "/healthz", get(health::alive)),
        route("get", "/readyz", get(health::ready)),
        route("get", "/metrics", get(exposition::show)),
    ]
}

/// The whole API and the dashboard.
pub fn router(app: Arc<App>) -> Router {
    let allowed = AllowedHosts::new(&app.parts.config.allowed_hosts);
    let proxies = TrustedProxies::new(&app.parts.config.trusted_proxies);
    let routes = table()
        .into_iter()
        .fold(Router::new(), |router, Route { path, handler, .. }| router.route(path, handler));
    routes
        .fallback(elsewhere)
        .method_not_allowed_fallback(async |method: Method| wrong_method(&method))
        .with_state(app)
        // In one piece, the first outermost: layers that are added one by one are boxed one by one, and cloned with all
        // that is below them for every request.
        .layer((
            from_fn_with_state(proxies, access_log::log),
            from_fn(headers::secure),
            from_fn_with_state(allowed, host_header::guard),
            CompressionLayer::new().quality(CompressionLevel::Fastest),
        ))
}

async fn elsewhere(method: Method, uri: Uri, headers: axum::http::HeaderMap) -> Response {
    assets::serve(&method, uri.path(), &headers).unwrap_or_else(|| {
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
        assert_eq!(described, served);
    }
}
