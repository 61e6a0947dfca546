//! Binds the server's socket, and says what to do where that fails.

use crate::config::given::Origin;
use anyhow::anyhow;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::{TcpListener, TcpSocket};

/// Connections that the kernel holds until they are accepted: a fleet that comes back at once waits in it.
const BACKLOG: u32 = 1024;

/// Binds `address`; the other half says who chose it.
/// `flag` is the one that chooses another.
pub(crate) async fn bind(
    (address, origin): &(SocketAddr, Origin),
    flag: &str,
) -> anyhow::Result<TcpListener> {
    let address = *address;
    let bound = if address.is_ipv6() && address.ip().is_unspecified() {
        bind_every_address(address).await
    } else {
        TcpListener::bind(address).await
    };
    bound.map_err(|error| {
        let advice = advice(&error, address, flag);
        anyhow!("cannot listen on {address} ({origin}): {error}{advice}")
    })
}

/// `[::]` takes IPv4 too, whatever the machine's default for that is; a kernel without IPv6 gets `0.0.0.0`.
async fn bind_every_address(address: SocketAddr) -> io::Result<TcpListener> {
    let Ok(socket) = TcpSocket::new_v6() else {
        tracing::info!("this machine has no IPv6: listening on all IPv4 addresses");
        return TcpListener::bind((Ipv4Addr::UNSPECIFIED, address.port())).await;
    };
    rustix::net::sockopt::set_ipv6_v6only(&socket, false)?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn advice(error: &io::Error, address: SocketAddr, flag: &str) -> String {
    let port = address.port();
    match error.kind() {
        ErrorKind::AddrInUse => {
            format!(
                "; another program, perhaps another sysmond, has port {port}: end it, or choose another port with --{flag}"
            )
        }
        ErrorKind::PermissionDenied => {
            format!(
                "; port {port} needs a privilege: choose one from 1024 on with --{flag}, and let a proxy serve {port}"
            )
        }
        ErrorKind::AddrNotAvailable => {
            format!("; this machine has no such address: choose one of its own with --{flag}")
        }
        _ => String::new(),
    }
}
