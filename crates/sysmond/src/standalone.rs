//! Aggregator and an agent for this host in one process; the agent pushes over loopback as any other does.
