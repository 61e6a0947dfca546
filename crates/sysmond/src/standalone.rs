//! Aggregator and an agent for this host in one process; the agent pushes over loopback as any other does, so
//! that nothing here is a way of its own.

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
    // The aggregator ends after the agent, whose last push it still takes.
    let after_agent = Shutdown::new();
    let aggregator = aggregator::run(listener, aggregator, after_agent.clone());
    let agent = agent::run(agent, shutdown.clone());
    // Tasks of their own, so that each has a thread where there is one.
    let aggregator = shutdown.spawn(then_request(aggregator, shutdown.clone()));
    let agent = shutdown.spawn(then_request(then_request(agent, after_agent), shutdown.clone()));
    let (aggregator, agent) = tokio::join!(aggregator, agent);
    aggregator.context("the aggregator broke")?.context("the aggregator failed")?;
    agent.context("the agent broke")?.context("the agent failed")
}

/// Runs `role` and asks for an end once it has its own.
async fn then_request(
    role: impl Future<Output = anyhow::Result<()>>,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let outcome = role.await;
    shutdown.request();
    outcome
}
