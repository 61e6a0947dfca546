//! The one integration binary: whole roles and whole processes, over real sockets and real files.

#[cfg(test)]
mod agent;
