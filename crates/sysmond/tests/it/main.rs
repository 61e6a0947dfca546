//! The one integration binary: whole roles and whole processes, over real sockets and real files.

mod api;
mod connections;
mod live;
mod push;
mod stage;
