//! The connections that look back: few, read-only, and never for long.

use crate::budget::Budget;
use crate::{QueryError, file};
use rusqlite::{Connection, ErrorCode};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Connections at once: more would only share two or four cores, and each has a cache of its own.
const MAX_READERS: usize = 4;
/// How long one question may take, waiting for a connection included: a long reader keeps the log from shrinking.
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(5);
/// Steps of SQLite's machine between two looks at the clock.
pub(crate) const STEPS_PER_LOOK: i32 = 1000;

/// The pool.
pub(crate) struct Readers {
    path: PathBuf,
    budget: Budget,
    state: Mutex<State>,
    freed: Condvar,
    /// Questions that met damage in the file itself.
    pub(crate) damaged: AtomicU64,
}

#[derive(Default)]
struct State {
    idle: Vec<Connection>,
    busy: usize,
    /// Grows when all connections became worthless.
    generation: u64,
}

impl Readers {
    pub(crate) fn new(path: PathBuf, budget: Budget) -> Self {
        Self { path, budget, state: Mutex::default(), freed: Condvar::new(), damaged: AtomicU64::new(0) }
    }

    /// Runs `question` in one transaction, so that all its statements see the same state of the file, on a connection
    /// that stops them at the deadline.
    pub(crate) fn ask<T>(
        &self,
        question: impl FnOnce(&Connection, Instant) -> Result<T, QueryError>,
    ) -> Result<T, QueryError> {
        let deadline = Instant::now() + TIME_LIMIT;
        let (conn, generation) = self.take(deadline)?;
        let lent = Lent { readers: self, generation, conn: None };
        let mut conn = match conn {
            Some(conn) => conn,
            None => file::open_reader(&self.path, self.budget)?,
        };
        conn.progress_handler(STEPS_PER_LOOK, Some(move || Instant::now() > deadline))?;
        let answer = conn.execute_batch("BEGIN").map_err(QueryError::from);
        let answer = answer.and_then(|()| question(&conn, deadline)).map_err(|error| self.failure(error));
        conn.progress_handler(0, None::<fn() -> bool>)?;
        if !conn.is_autocommit() {
            conn.execute_batch("ROLLBACK")?;
        }
        lent.give_back(conn, !matches!(answer, Err(QueryError::Sqlite(_))));
        answer
    }

    fn failure(&self, error: QueryError) -> QueryError {
        match error {
            QueryError::Sqlite(error)
                if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) =>
            {
                QueryError::TimedOut
            }
            QueryError::Sqlite(error) => {
                if file::is_damage(&error) {
                    self.damaged.fetch_add(1, Ordering::Relaxed);
                }
                QueryError::Sqlite(error)
            }
            other => other,
        }
    }

    /// Closes what is idle and forgets what is lent once it comes back.
    pub(crate) fn clear(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.generation += 1;
        state.idle.clear();
    }

    fn take(&self, deadline: Instant) -> Result<(Option<Connection>, u64), QueryError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.busy >= MAX_READERS {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(QueryError::TimedOut);
            }
            state = self.freed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.busy += 1;
        let conn = state.idle.pop();
        Ok((conn, state.generation))
    }
}

/// A place in the pool, given back also when the question panics.
struct Lent<'a> {
    readers: &'a Readers,
    generation: u64,
    conn: Option<Connection>,
}

impl Lent<'_> {
    fn give_back(mut self, conn: Connection, sound: bool) {
        self.conn = sound.then_some(conn);
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut state = self.readers.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.busy -= 1;
        if state.generation == self.generation {
            state.idle.extend(self.conn.take());
        }
        self.readers.freed.notify_one();
    }
}
