//! Live data: WebSockets, and agents that wait to hear of them.
