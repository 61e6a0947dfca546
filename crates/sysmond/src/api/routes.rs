//! Every route, as a table.

use super::access_log::Logged;
use super::app::App;
use super::assets::Assets;
use super::checks::{AllowedHosts, Checks};
use super::problem::Problem;
use super::{
    exposition, health, history, hosts, latest, live, openapi, processes, push, statics, storage, summary,
    watch,
};
use crate::server::Site;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::handler::Handler;
use axum::http::{Method, Request, Response, StatusCode, Uri};
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, get};
use hyper::body::Incoming;
use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use tower::ServiceExt;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;

/// Where agents push to.
pub(super) const PUSH: &str = "/api/metrics";

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
        route("post", PUSH, push::route()),
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

/// The whole API and the dashboard. Clones share it.
#[derive(Clone)]
pub struct Front(Arc<Inner>);

struct Inner {
    app: Arc<App>,
    checks: Checks,
    paths: HashSet<&'static str>,
    router: Router,
}

impl Front {
    /// The API over `app`.
    pub fn new(app: Arc<App>) -> Self {
        Self(Arc::new(Inner {
            checks: Checks::new(
                AllowedHosts::new(&app.parts.config.allowed_hosts),
                &app.parts.config.trusted_proxies,
            ),
            paths: table().iter().map(|route| route.path).collect(),
            router: router(Arc::clone(&app)),
            app,
        }))
    }
}

impl Site for Front {
    type Body = Logged;

    /// Pushes, which are nearly all that comes, are not looked for in the table: that costs each request some boxes and
    /// a copy of all services on its way.
    async fn answer(&self, peer: SocketAddr, request: Request<Incoming>) -> Response<Logged> {
        let Inner { app, checks, paths, router } = &*self.0;
        let site = async |request: Request<Incoming>| {
            if request.method() == Method::POST && request.uri().path() == PUSH {
                return push::receive(app, request).await;
            }
            routed(router, request).await
        };
        checks.around(peer, request, site, |path| paths.contains(path)).await
    }
}

/// What a router answers.
pub(super) async fn routed(router: &Router, request: Request<Incoming>) -> Response<Body> {
    match router.clone().oneshot(request.map(Body::new)).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// Packs answers for those who can unpack them.
pub(super) fn packed() -> CompressionLayer {
    CompressionLayer::new().quality(CompressionLevel::Fastest)
}

/// What is answered to a push is short and not worth packing; the dashboard's files are packed already.
fn router(app: Arc<App>) -> Router {
    let routes = table().into_iter().fold(Router::new(), |router, Route { path, handler, method }| {
        let handler = if method == "post" { handler } else { handler.layer(packed()) };
        router.route(path, handler)
    });
    routes
        .fallback_service(elsewhere.with_state(Assets::default()))
        .method_not_allowed_fallback(async |method: Method| wrong_method(&method))
        .with_state(app)
}

async fn elsewhere(
    State(assets): State<Assets>,
    method: Method,
    uri: Uri,
    headers: axum::http::HeaderMap,
) -> Response<Body> {
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
