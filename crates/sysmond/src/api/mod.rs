//! The HTTP API.

mod access_log;
mod answer;
mod app;
mod assets;
mod client_address;
mod exposition;
mod headers;
mod health;
mod history;
mod host_header;
mod hosts;
mod latest;
mod live;
mod openapi;
mod origin;
mod params;
mod problem;
mod processes;
mod push;
mod routes;
mod scrape;
mod statics;
mod storage;
mod summary;
mod token;
mod watch;

pub use app::{App, Limits, Parts};
pub use routes::router;
pub use scrape::agent_router;
