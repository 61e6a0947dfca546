//! The last few messages of one host, held once for all who watch it.

use axum::body::Bytes;
use std::collections::VecDeque;
use sysmond_model::Timestamp;

/// Messages kept: a client that is late by a scheduling delay or a burst misses nothing, one that is later skips.
const MAX_MESSAGES: usize = 8;
/// Bytes kept beside the newest message: the backlog of a host with thousands of series is large.
const MAX_BYTES: usize = 1024 * 1024;

/// One encoded frame.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) text: Bytes,
    /// The time of its row, where it is a `sample`.
    pub(super) row: Option<Timestamp>,
}

/// Messages numbered from the start of the program; the oldest are forgotten.
#[derive(Clone, Debug, Default)]
pub(super) struct Window {
    next: u64,
    messages: VecDeque<Message>,
}

/// What a reader is to be sent.
pub(super) struct Unread<'a> {
    pub(super) messages: Box<dyn Iterator<Item = &'a Message> + 'a>,
    /// Messages that are gone already.
    pub(super) skipped: u64,
}

impl Window {
    /// The number of the next message.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    fn first(&self) -> u64 {
        self.next - self.messages.len() as u64
    }

    /// Adds a message, and forgets those that are too old or too much.
    pub(super) fn push(&mut self, message: Message) {
        self.messages.push_back(message);
        self.next += 1;
        let older =
            |messages: &VecDeque<Message>| messages.iter().rev().skip(1).map(|m| m.text.len()).sum::<usize>();
        while self.messages.len() > MAX_MESSAGES || older(&self.messages) > MAX_BYTES {
            self.messages.pop_front();
        }
    }

    /// Counts a message that was never encoded since nobody watched.
    pub(super) fn pass(&mut self) {
        self.messages.clear();
        self.next += 1;
    }

    /// Whether every message from number `start` on is still here.
    pub(super) fn covers(&self, start: u64) -> bool {
        start >= self.first()
    }

    /// What a reader gets that expects number `start` next: all that it has not seen, or where some of it is gone
    /// only the newest.
    pub(super) fn unread(&self, start: u64) -> Unread<'_> {
        if self.covers(start) {
            let seen = usize::try_from(start - self.first()).unwrap_or(usize::MAX);
            return Unread { messages: Box::new(self.messages.iter().skip(seen)), skipped: 0 };
        }
        let newest = self.messages.back();
        let skipped = (self.next - start).saturating_sub(u64::from(newest.is_some()));
        Unread { messages: Box::new(newest.into_iter()), skipped }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(messages: impl IntoIterator<Item = usize>) -> Window {
        let mut window = Window::default();
        for bytes in messages {
            window.push(Message { text: vec![0; bytes].into(), row: None });
        }
        window
    }

    #[test]
    fn a_reader_gets_what_it_has_not_seen_or_only_the_newest() {
        let twelve = window(1..=12);
        let check = |start, sizes: &[usize], skipped| {
            let unread = twelve.unread(start);
            assert_eq!(unread.skipped, skipped, "from {start}");
            assert_eq!(unread.messages.map(|m| m.text.len()).collect::<Vec<_>>(), sizes, "from {start}");
        };
        check(12, &[], 0);
        check(11, &[12], 0);
        check(9, &[10, 11, 12], 0);
        check(4, &[5, 6, 7, 8, 9, 10, 11, 12], 0);
        check(3, &[12], 8);
        check(0, &[12], 11);
    }

    #[test]
    fn large_messages_are_forgotten_sooner_but_never_the_newest() {
        assert!(window([1, MAX_BYTES, 1]).covers(1) && !window([1, MAX_BYTES, 1]).covers(0));
        let huge = window([1, 1, 3 * MAX_BYTES]);
        assert!(huge.covers(0) && !window([3 * MAX_BYTES, 1]).covers(0));
    }

    #[test]
    fn what_was_not_encoded_leaves_a_gap() {
        let mut window = window([1, 1]);
        let start = window.next();
        window.pass();
        assert!(!window.covers(start) && window.covers(window.next()));
        window.push(Message { text: vec![0; 7].into(), row: None });
        let unread = window.unread(start);
        assert_eq!((unread.skipped, unread.messages.count()), (1, 1));
    }
}
