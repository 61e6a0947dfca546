//! Aggregator and an agent for this host in one process; the agent pushes over loopback as any other does, so that
//! nothing here is a way of its own.

use crate::config::{AgentConfig, AggregatorConfig};
use crate::shutdown::Shutdown;
use crate::{agent, aggregator};
use anyhow::Context;
use tokio::net::TcpListener;

/// Runs both until `shutdown`. Where one ends or fails, the other is stopped too, and the first error told.
pub async fn run(
    listener: TcpListener,
    aggregator: AggregatorConfig,
    agent: AgentConfig,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    // Tasks of their own, so that each has a thread where there is one.
    let aggregator = shutdown
        .spawn(ending_both(aggregator::run(listener, aggregator, shutdown.clone()), shutdown.clone()));
    let agent = shutdown.spawn(ending_both(agent::run(agent, shutdown.clone()), shutdown.clone()));
    let (aggregator, agent) = tokio::join!(aggregator, agent);
    aggregator.context("the aggregator broke")?.context("the aggregator failed")?;
    agent.context("the agent broke")?.context("the agent failed")
}

async fn ending_both(
    role: impl Future<Output = anyhow::Result<()>>,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let outcome = role.await;
    shutdown.request();
    outcome
}
