//! What one client is to be sent next.

use super::Live;
use super::fleet::Tick;
use super::snapshot;
use super::topic::Topic;
use super::window::Window;
use axum::body::Bytes;
use futures_util::future::select_all;
use std::collections::BTreeSet;
use std::sync::Arc;
use sysmond_model::Timestamp;
use tokio::sync::watch;

/// What a client asked for.
pub(super) enum Feed {
    /// The overview.
    Fleet(FleetFeed),
    /// Some hosts, each second.
    Hosts(HostsFeed),
}

pub(super) struct FleetFeed {
    pub(super) live: Live,
    pub(super) newest: watch::Receiver<Option<Arc<Tick>>>,
    pub(super) last: Option<u64>,
}

pub(super) struct HostsFeed {
    pub(super) live: Live,
    pub(super) hosts: Vec<Subscription>,
}

/// One host that a client watches; it counts as watched as long as this is there.
pub(super) struct Subscription {
    topic: Arc<Topic>,
    window: watch::Receiver<Window>,
    /// The number of the message that the client expects next.
    next: u64,
    /// The rows of the history that it began with, until a newer one came.
    seen: Option<Arc<BTreeSet<Timestamp>>>,
}

impl Feed {
    /// The first messages: what does not change, then the recent past.
    pub(super) async fn beginning(&mut self) -> Vec<Bytes> {
        match self {
            Self::Fleet(fleet) => vec![fleet.live.fleet_statics().await],
            Self::Hosts(hosts) => hosts.beginning().await,
        }
    }

    /// Waits until there is something new.
    pub(super) async fn changed(&mut self) {
        // The sending side is held by the feed's own `Live` and topics, so waiting never fails.
        match self {
            Self::Fleet(fleet) => fleet.newest.changed().await.unwrap_or(()),
            Self::Hosts(HostsFeed { hosts, .. }) => match hosts.as_mut_slice() {
                [one] => one.window.changed().await.unwrap_or(()),
                many => {
                    select_all(many.iter_mut().map(|one| Box::pin(one.window.changed())))
                        .await
                        .0
                        .unwrap_or(());
                }
            },
        }
    }

    /// Puts what is new into `batch`; returns how many messages are gone for this client.
    pub(super) fn take(&mut self, batch: &mut Vec<Bytes>) -> u64 {
        match self {
            Self::Fleet(fleet) => fleet.take(batch),
            Self::Hosts(hosts) => hosts.hosts.iter_mut().map(|one| one.take(batch)).sum(),
        }
    }
}

impl FleetFeed {
    fn take(&mut self, batch: &mut Vec<Bytes>) -> u64 {
        let Some(tick) = self.newest.borrow_and_update().clone() else { return 0 };
        let skipped = self.last.map_or(0, |last| tick.number().saturating_sub(last + 1));
        if self.last != Some(tick.number()) {
            batch.push(tick.after(self.last, self.live.counters()));
            self.last = Some(tick.number());
        }
        skipped
    }
}

impl HostsFeed {
    async fn beginning(&mut self) -> Vec<Bytes> {
        let names: Vec<String> = self.hosts.iter().map(|one| one.topic.host().to_owned()).collect();
        let mut messages = vec![self.live.host_statics(&names)];
        for one in &mut self.hosts {
            match snapshot::take(&one.topic, self.live.store(), self.live.readers()).await {
                Ok(snapshot) => {
                    messages.push(snapshot.history.clone());
                    one.next = snapshot.start;
                    one.seen = Some(Arc::clone(&snapshot.rows));
                    one.window.mark_changed();
                }
                // The page then begins empty and fills.
                Err(error) => {
                    tracing::error!(%error, host = one.topic.host(), "cannot read a host's history");
                }
            }
        }
        messages
    }
}

impl Subscription {
    pub(super) fn new(topic: Arc<Topic>) -> Self {
        topic.join();
        let window = topic.window();
        let next = window.borrow().next();
        Self { topic, window, next, seen: None }
    }

    fn take(&mut self, batch: &mut Vec<Bytes>) -> u64 {
        let window = self.window.borrow_and_update();
        let unread = window.unread(self.next);
        for message in unread.messages {
            // What was on its way while the history was read may stand in it already.
            if let (Some(row), Some(rows)) = (message.row, &self.seen) {
                if rows.contains(&row) {
                    continue;
                }
                if rows.last() < Some(&row) {
                    self.seen = None;
                }
            }
            batch.push(message.text.clone());
        }
        let skipped = unread.skipped;
        self.next = window.next();
        skipped
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.topic.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sysmond_model::{Frame, Series, Shape};

    #[test]
    fn what_stood_in_the_history_is_not_sent_again() {
        let topic = Arc::new(Topic::new("a"));
        let mut subscription = Subscription::new(Arc::clone(&topic));
        let shape = Shape::new(vec![Series::new("m", "")]);
        let publish = |seconds| {
            let mut frame = Frame::new(Arc::clone(&shape));
            frame.push_row(Timestamp::from_seconds(seconds), &[0.5]);
            topic.publish(&frame, Timestamp::from_seconds(1000));
        };
        let times = |subscription: &mut Subscription| {
            let mut batch = Vec::new();
            assert_eq!(subscription.take(&mut batch), 0);
            let time = |text: &Bytes| {
                let frame: serde_json::Value = serde_json::from_slice(text).expect("JSON");
                frame["timestamp"].as_i64().expect("whole seconds")
            };
            batch.iter().map(time).collect::<Vec<_>>()
        };
        subscription.seen = Some(Arc::new([1, 2, 4].map(Timestamp::from_seconds).into()));
        [2, 3, 4].into_iter().for_each(publish);
        assert_eq!(times(&mut subscription), [3]);
        [5, 6].into_iter().for_each(publish);
        assert_eq!(times(&mut subscription), [5, 6]);
        assert!(subscription.seen.is_none(), "the history is forgotten once it is passed");
        assert_eq!(times(&mut subscription), [0; 0]);
    }
}
