//! The one integration binary: whole roles and whole processes, over real sockets and real files.

mod config;
mod logging;
mod process;
mod program;
