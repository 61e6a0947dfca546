//! The one integration binary: whole roles and whole processes, over real sockets and real files.

mod agent;
mod api;
mod connections;
mod live;
mod push;
mod stage;
