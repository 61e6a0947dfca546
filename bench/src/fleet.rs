//! The hosts that push: each with its feed and its place in time.

use crate::feed;
use crate::recording::Recording;
use std::sync::Arc;
use sysmond_model::{Frame, Shape};

/// Readings in one push.
pub const TICKS_PER_PUSH: i64 = 5;
/// Between two readings of the synthetic feed, milliseconds.
pub const TICK_MS: i64 = 2_000;

/// All hosts.
#[derive(Debug)]
pub struct Fleet {
    hosts: Vec<Host>,
}

/// One host.
#[derive(Debug)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// When its next reading is, milliseconds.
    pub next: i64,
    shape: Arc<Shape>,
    feed: Feed,
}

#[derive(Debug)]
enum Feed {
    Synthetic(feed::Host),
    Recorded { recording: Arc<Recording>, row: usize },
}

impl Fleet {
    /// So many synthetic hosts, beginning at `start`.
    pub fn synthetic(count: usize, start: i64) -> Self {
        let shape = feed::shape();
        let host = |number: usize| Host {
            name: format!("host-{number}"),
            next: start,
            shape: Arc::clone(&shape),
            feed: Feed::Synthetic(feed::Host::new(number)),
        };
        Self { hosts: (0..count).map(host).collect() }
    }

    /// So many hosts that play a recording, each beginning at another place in it.
    pub fn recorded(count: usize, start: i64, recording: &Arc<Recording>) -> Self {
        let host = |number: usize| Host {
            name: format!("host-{number}"),
            next: start,
            shape: Arc::clone(recording.shape()),
            feed: Feed::Recorded { recording: Arc::clone(recording), row: number * recording.rows() / count },
        };
        Self { hosts: (0..count).map(host).collect() }
    }

    /// All of them.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// All of them, to make frames.
    pub fn hosts_mut(&mut self) -> &mut [Host] {
        &mut self.hosts
    }

    /// Their names.
    pub fn names(&self) -> Vec<String> {
        self.hosts.iter().map(|host| host.name.clone()).collect()
    }

    /// The time of the newest reading that was made of all hosts.
    pub fn newest(&self) -> i64 {
        self.hosts.iter().map(Host::newest).max().unwrap_or(0)
    }
}

impl Host {
    /// The next readings: one push.
    pub fn frame(&mut self) -> Frame {
        let at = self.next;
        match &mut self.feed {
            Feed::Synthetic(host) => {
                self.next += TICKS_PER_PUSH * TICK_MS;
                host.frame(&self.shape, at, TICKS_PER_PUSH, TICK_MS)
            }
            Feed::Recorded { recording, row } => {
                let frame = recording.frame(*row, at);
                *row = (*row + frame.row_count()) % recording.rows();
                self.next = frame.newest().map_or(at, |row| row.timestamp.as_millis()) + recording.tick_ms();
                frame
            }
        }
    }

    /// The time of its newest reading.
    pub fn newest(&self) -> i64 {
        let tick = match &self.feed {
            Feed::Synthetic(_) => TICK_MS,
            Feed::Recorded { recording, .. } => recording.tick_ms(),
        };
        self.next - tick
    }
}
