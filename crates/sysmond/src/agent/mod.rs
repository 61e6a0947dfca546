//! The agent: collects on this host, keeps its own history, pushes.

use crate::config::AgentConfig;
use crate::shutdown::Shutdown;

/// Runs until `shutdown`; nothing that was collected is lost by it.
pub async fn run(config: AgentConfig, shutdown: Shutdown) -> anyhow::Result<()> {
    let _ = config;
    shutdown.requested().await;
    Ok(())
}
