//! How everything stops: one signal that all tasks see, and a list of tasks to wait for.

use std::future::Future;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A cheap handle of the program's end. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    token: CancellationToken,
    tasks: TaskTracker,
}

impl Shutdown {
    /// Nothing has asked for the end yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A handle for a part of the program: it ends with this one, and its tasks are waited for on their own.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { token: self.token.child_token(), tasks: TaskTracker::new() }
    }

    /// Asks everything to end. May be called more than once.
    pub fn request(&self) {
        self.token.cancel();
        self.tasks.close();
    }

    /// Whether the end was asked for.
    pub fn is_requested(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Waits until the end is asked for.
    pub async fn requested(&self) {
        self.token.cancelled().await;
    }

    /// Spawns a task that [`Self::finished`] waits for.
    pub fn spawn<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.tasks.spawn(task)
    }

    /// Waits until the end was asked for and all tasks have ended.
    pub async fn finished(&self) {
        self.requested().await;
        self.tasks.close();
        self.tasks.wait().await;
    }
}
