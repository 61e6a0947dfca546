//! The one integration binary: whole roles and whole processes, over real sockets and real files.

mod agent;
mod api;
mod api_page;
mod backup;
mod config;
mod connections;
mod documents;
mod export;
mod forget;
mod live;
mod logging;
mod nginx;
mod process;
mod processes;
mod program;
mod prometheus;
mod push;
mod scripts;
mod snapshot;
mod stage;
mod storage;
mod systemd;
mod tidy;
mod unprivileged;
mod words;
