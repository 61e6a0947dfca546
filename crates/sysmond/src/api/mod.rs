//! The HTTP API.

mod access_log;
mod answer;
mod app;
mod assets;
mod buffers;
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
mod statics;
mod storage;
mod summary;
mod token;
mod watch;

pub use app::{App, Limits, Parts};
pub use routes::Front;
