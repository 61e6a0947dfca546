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
pub(super) fn table(app: &Arc<App>) -> Vec<Route> {
    let route = |method, path, handler| Route { method, path, handler };
    vec![
        route("post", "/api/metrics", push::route(app)),
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
    let routes = table(&app)
        .into_iter()
        .fold(Router::new(), |router, Route { path, handler, .. }| router.route(path, handler));
    routes
        .fallback(elsewhere)
        .method_not_allowed_fallback(async |method: Method| wrong_method(&method))
        .with_state(app)
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .layer(from_fn_with_state(allowed, host_header::guard))
        .layer(from_fn(headers::secure))
        .layer(from_fn_with_state(proxies, access_log::log))
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
    use crate::aggregator;
    use crate::config::{AggregatorConfig, Token};
    use crate::server::Connections;
    use crate::shutdown::Shutdown;
    use std::collections::BTreeSet;
    use std::time::Duration;
    use sysmond_model::Timestamp;
    use sysmond_tsdb::{Store, StoreOptions};

    #[tokio::test]
    async fn the_description_has_every_route_and_no_other() {
        let dir = tempfile::tempdir().expect("a folder");
        let options =
            StoreOptions { retention: Duration::from_secs(9), max_disk_bytes: 1 << 30, queue_limit: 9 };
        let path = dir.path().join("aggregator.db");
        let store = Store::open(&path, options.clone(), Timestamp::default()).expect("a store");
        let config = AggregatorConfig {
            listen: ([127, 0, 0, 1], 0).into(),
            addr_file: None,
            token: Token::new("0123456789abcdef".to_owned()),
            allowed_hosts: Vec::new(),
            trusted_proxies: Vec::new(),
            offline_after: Duration::from_mins(5),
            data_dir: dir.path().to_owned(),
            store: options,
        };
        let shutdown = Shutdown::new();
        let limits = aggregator::Limits::default();
        let app = aggregator::app(&limits, store, config, Connections::default(), &shutdown);
        let served: BTreeSet<_> =
            table(&app).iter().map(|route| (route.path.to_owned(), route.method.to_owned())).collect();
        shutdown.request();

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
