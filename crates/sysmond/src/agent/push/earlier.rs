//! What this machine was called before: rows that were stored under another name, and not delivered.

use super::journal::{Batch, Journal};
use super::{BATCH_BYTES, BATCH_ROWS, json};
use crate::agent::client::Address;
use hyper::body::Bytes;
use std::collections::VecDeque;
use sysmond_model::HostInfo;
use sysmond_model::push::PushBody;
use sysmond_tsdb::Store;
use tokio::task::spawn_blocking;
use tracing::{info, warn};

/// An earlier name with rows that wait.
pub(super) struct Earlier {
    pub(super) host: HostInfo,
    pub(super) journal: Journal,
}

/// The hosts of the agent's store other than `hostname` of which rows wait. Where that cannot be read, the next start
/// finds them.
pub(super) async fn find(store: &Store, hostname: &str, address: &Address) -> VecDeque<Earlier> {
    let of_store = store.clone();
    let hosts = spawn_blocking(move || of_store.hosts()).await.unwrap_or_default();
    let mut found = VecDeque::new();
    for host in hosts.into_iter().map(|host| host.info).filter(|host| host.hostname != hostname) {
        let mut journal = Journal::open(store.clone(), host.hostname.clone(), address).await;
        match journal.next(1, true).await {
            Ok(batch) if batch.is_empty() => {}
            Ok(_) => {
                info!(
                    earlier = host.hostname,
                    "rows that were stored under an earlier name are delivered under it"
                );
                found.push_back(Earlier { host, journal });
            }
            Err(error) => {
                warn!(
                    earlier = host.hostname,
                    error = format!("{error:#}"),
                    "rows that were stored under an earlier name cannot be read"
                );
            }
        }
    }
    found
}

/// The next rows of `host` and the push that has them; nothing where none wait.
pub(super) async fn next_push(
    host: &HostInfo,
    journal: &mut Journal,
) -> anyhow::Result<Option<(Batch, Bytes)>> {
    let mut rows = BATCH_ROWS;
    loop {
        let batch = journal.next(rows, true).await?;
        if batch.is_empty() {
            return Ok(None);
        }
        let body = PushBody::new(host, None, &batch.frames).with_processes(&batch.processes);
        let body = json(&body, batch.samples);
        if body.len() <= BATCH_BYTES || batch.rows <= 1 {
            return Ok(Some((batch, body)));
        }
        rows = batch.rows / 2;
    }
}
