//! The one integration binary: whole roles and whole processes, over real sockets and real files.

mod nginx;
mod scripts;
mod tidy;
