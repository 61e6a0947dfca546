//! Live data: what is pushed once is shown to everybody who watches, encoded once a second however many they are.

mod client;
mod encode;
mod feed;
mod fleet;
mod snapshot;
mod topic;
mod watching;
mod window;

use super::counters::Counters;
use super::views::StaticView;
use crate::clock;
use crate::shutdown::Shutdown;
use axum::body::Bytes;
use feed::{Feed, FleetFeed, HostsFeed, Subscription};
use fleet::Fleet;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use sysmond_model::push::HostView;
use sysmond_model::{Frame, Host};
use sysmond_tsdb::Store;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use topic::Topic;

/// Histories read at once for clients that begin; they share the store with the API.
const MAX_READERS: usize = 4;

/// What a live client may take.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Live connections at once.
    pub clients: usize,
    /// Between two pings; proxies close what is silent for 60 s.
    pub ping: Duration,
    /// Silence, Pongs included, after which a client is lost.
    pub silence: Duration,
    /// How long one message may take to be taken.
    pub write: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            clients: 10_000,
            ping: Duration::from_secs(20),
            silence: Duration::from_mins(1),
            write: Duration::from_secs(10),
        }
    }
}

/// What a client wants to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The overview of all hosts.
    Fleet,
    /// These hosts, each second.
    Hosts(Vec<String>),
}

/// The handle of all that is live. Clones share it.
#[derive(Clone)]
pub struct Live(Arc<Shared>);

struct Shared {
    store: Store,
    offline_after_ms: i64,
    limits: Limits,
    counters: Arc<Counters>,
    shutdown: Shutdown,
    /// By hostname; only registered hosts get one, and those are limited.
    topics: Mutex<HashMap<String, Arc<Topic>>>,
    fleet: Fleet,
    clients: Arc<Semaphore>,
    readers: Semaphore,
}

impl Live {
    /// Shows what `store` has; its task ends with `shutdown`.
    pub fn new(
        store: Store,
        offline_after_ms: i64,
        limits: Limits,
        counters: Arc<Counters>,
        shutdown: &Shutdown,
    ) -> Self {
        let live = Self(Arc::new(Shared {
            store,
            offline_after_ms,
            clients: Arc::new(Semaphore::new(limits.clients)),
            limits,
            counters,
            shutdown: shutdown.clone(),
            topics: Mutex::default(),
            fleet: Fleet::default(),
            readers: Semaphore::new(MAX_READERS),
        }));
        shutdown.spawn(live.clone().run_fleet());
        live
    }

    async fn run_fleet(self) {
        let Shared { store, offline_after_ms, counters, shutdown, fleet, .. } = &*self.0;
        fleet.run(store.clone(), *offline_after_ms, Arc::clone(counters), shutdown.clone()).await;
    }

    /// Shows `frame` to those who watch `host`. To be called after it is durable.
    pub fn publish(&self, host: &str, frame: &Frame) {
        let topic = self.topics().get(host).cloned();
        if let Some(topic) = topic {
            self.0.counters.frames_encoded.add(topic.publish(frame, clock::now()) as u64);
        }
    }

    /// Clients connected now.
    pub fn clients(&self) -> usize {
        self.0.limits.clients - self.0.clients.available_permits()
    }

    /// A place for one more client; `None` where there are enough.
    pub fn admit(&self) -> Option<Admission> {
        let slot = Arc::clone(&self.0.clients).try_acquire_owned().ok()?;
        Some(Admission { live: self.clone(), slot })
    }

    /// Waits until `host` is watched or not, other than `known`, but no longer than `hold`; says what it is then.
    pub async fn watched(&self, host: &str, known: bool, hold: Duration) -> bool {
        let mut watching = self.topic(host).watching().subscribe();
        let deadline = Instant::now() + hold;
        loop {
            let now = Instant::now();
            let (watched, until) = watching.borrow_and_update().at(now);
            if watched != known || now >= deadline || self.0.shutdown.is_requested() {
                return watched;
            }
            let until = until.map_or(deadline, |until| until.min(deadline));
            tokio::select! {
                changed = watching.changed() => if changed.is_err() { return watched },
                () = tokio::time::sleep_until(until) => {}
                () = self.0.shutdown.requested() => {}
            }
        }
    }

    fn topics(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Topic>>> {
        self.0.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn topic(&self, host: &str) -> Arc<Topic> {
        let mut topics = self.topics();
        if let Some(topic) = topics.get(host) {
            return Arc::clone(topic);
        }
        Arc::clone(topics.entry(host.to_owned()).or_insert_with(|| Arc::new(Topic::new(host))))
    }

    fn feed(&self, subject: Subject) -> Feed {
        match subject {
            Subject::Fleet => {
                Feed::Fleet(FleetFeed { live: self.clone(), newest: self.0.fleet.subscribe(), last: None })
            }
            Subject::Hosts(names) => {
                let hosts = names.iter().map(|name| Subscription::new(self.topic(name))).collect();
                Feed::Hosts(HostsFeed { live: self.clone(), hosts })
            }
        }
    }

    fn counters(&self) -> &Counters {
        &self.0.counters
    }

    fn store(&self) -> &Store {
        &self.0.store
    }

    fn readers(&self) -> &Semaphore {
        &self.0.readers
    }

    async fn fleet_statics(&self) -> Bytes {
        let live = self.clone();
        self.0.fleet.statics(move || live.statics(&live.0.store.hosts())).await
    }

    fn host_statics(&self, names: &[String]) -> Bytes {
        let hosts: Vec<Host> = names.iter().filter_map(|name| self.0.store.host(name)).collect();
        self.statics(&hosts)
    }

    fn statics(&self, hosts: &[Host]) -> Bytes {
        let (now, offline_after_ms) = (clock::now(), self.0.offline_after_ms);
        let view = |host| HostView { host, now, offline_after_ms };
        let info = |host: &Host| self.0.store.static_info(&host.info.hostname);
        let hosts: Vec<_> =
            hosts.iter().map(|host| StaticView { host: view(host), info: info(host) }).collect();
        encode::statics(&hosts)
    }
}

/// A place among the clients, to be used or dropped.
pub struct Admission {
    live: Live,
    slot: OwnedSemaphorePermit,
}

impl Admission {
    /// Serves the client once its connection is a WebSocket, in a task of its own.
    pub fn serve(self, subject: Subject, upgrade: OnUpgrade) {
        let Self { live, slot } = self;
        let shutdown = live.0.shutdown.clone();
        shutdown.spawn(async move {
            match upgrade.await {
                Ok(upgraded) => {
                    let feed = live.feed(subject);
                    let Shared { limits, counters, shutdown, .. } = &*live.0;
                    client::run(TokioIo::new(upgraded), feed, limits, counters, shutdown).await;
                }
                Err(error) => tracing::debug!(%error, "a live connection was not upgraded"),
            }
            drop(slot);
        });
    }
}
