//! The aggregator: receives, stores, and serves API, live data and dashboard.

use crate::config::AggregatorConfig;
use crate::shutdown::Shutdown;
use tokio::net::TcpListener;

/// Serves `listener` until `shutdown`; what was acknowledged is on disk.
pub async fn run(listener: TcpListener, config: AggregatorConfig, shutdown: Shutdown) -> anyhow::Result<()> {
    let _ = (listener, config);
    shutdown.requested().await;
    Ok(())
}
