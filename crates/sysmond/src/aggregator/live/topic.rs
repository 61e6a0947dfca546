//! One host that is or was watched: its newest messages, its recent past, and who looks at it.

use super::encode;
use super::snapshot::Snapshot;
use super::watching::Watching;
use super::window::{Message, Window};
use std::sync::{Arc, Mutex, PoisonError};
use sysmond_model::{Frame, Timestamp};
use tokio::sync::watch;
use tokio::time::Instant;

/// What all who watch a host share.
pub(super) struct Topic {
    host: String,
    window: watch::Sender<Window>,
    watching: watch::Sender<Watching>,
    /// The newest row that came since somebody watched first, or was there then.
    newest: Mutex<Option<Timestamp>>,
    /// The recent past, read once for clients that come at the same time.
    pub(super) snapshot: tokio::sync::Mutex<Option<Arc<Snapshot>>>,
}

impl Topic {
    pub(super) fn new(host: &str) -> Self {
        Self {
            host: host.to_owned(),
            window: watch::Sender::default(),
            watching: watch::Sender::default(),
            newest: Mutex::default(),
            snapshot: tokio::sync::Mutex::default(),
        }
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// The messages from now on.
    pub(super) fn window(&self) -> watch::Receiver<Window> {
        self.window.subscribe()
    }

    /// Who looks at the host.
    pub(super) fn watching(&self) -> &watch::Sender<Watching> {
        &self.watching
    }

    /// Counts a client until it [leaves](Self::leave).
    pub(super) fn join(&self) {
        self.watching.send_modify(Watching::join);
    }

    /// A client is gone. With the last one everything that was held for them goes too.
    pub(super) fn leave(&self) {
        self.watching.send_modify(|watching| watching.leave(Instant::now()));
        if self.watching.borrow().clients() == 0
            && let Ok(mut snapshot) = self.snapshot.try_lock()
        {
            *snapshot = None;
        }
    }

    /// Takes note of the newest row of a history, where none came yet. It may be on its way here still, and is to be a
    /// sample then: only what is older was there before.
    pub(super) fn begin(&self, row: Option<Timestamp>) {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        *newest = newest.or(row.map(|row| row.plus_millis(-1)));
    }

    /// Takes note of the rows that come; returns the newest of those before. A row ahead of `now` counts as of `now`:
    /// it must not make what comes after it the past.
    fn note(&self, frame: &Frame, now: Timestamp) -> Option<Timestamp> {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *newest;
        *newest = before.max(frame.rows().map(|row| row.timestamp.min(now)).max());
        before
    }

    /// Encodes `frame`, which came `now`, for all who watch; returns how many messages it made. Nobody watching costs
    /// nothing.
    pub(super) fn publish(&self, frame: &Frame, now: Timestamp) -> usize {
        if frame.is_empty() {
            return 0;
        }
        let before = self.note(frame, now);
        if self.window.receiver_count() == 0 {
            self.window.send_if_modified(|window| {
                window.pass();
                false
            });
            return 0;
        }
        let messages = self.messages(frame, before);
        let count = messages.len();
        self.window.send_modify(|window| messages.into_iter().for_each(|message| window.push(message)));
        count
    }

    /// The newest row as a `sample`, all others, and those no newer than what came `before`, as one `history` before
    /// it.
    fn messages(&self, frame: &Frame, before: Option<Timestamp>) -> Vec<Message> {
        let mut rows: Vec<_> = frame.rows().collect();
        rows.sort_by_key(|row| row.timestamp);
        let news = rows.pop_if(|row| Some(row.timestamp) > before);
        let mut messages = Vec::with_capacity(2);
        if !rows.is_empty() {
            messages.push(Message { text: encode::backlog(&self.host, frame.shape(), &rows), row: None });
        }
        if let Some(row) = news {
            let text = encode::sample(&self.host, frame.shape(), row);
            messages.push(Message { text, row: Some(row.timestamp) });
        }
        messages
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sysmond_model::{Series, Shape};

    const NOW: Timestamp = Timestamp::from_seconds(1000);

    fn frame(seconds: &[i64]) -> Frame {
        let mut frame = Frame::new(Shape::new(vec![Series::new("m", "")]));
        for &at in seconds {
            frame.push_row(Timestamp::from_seconds(at), &[0.5]);
        }
        frame
    }

    fn published(topic: &Topic, seconds: &[i64]) -> Vec<(&'static str, Option<i64>)> {
        let start = topic.window.borrow().next();
        topic.publish(&frame(seconds), NOW);
        let window = topic.window.borrow();
        let kind = |text: &[u8]| if text.starts_with(br#"{"type":"sample""#) { "sample" } else { "history" };
        window.unread(start).messages.map(|m| (kind(&m.text), m.row.map(Timestamp::as_seconds))).collect()
    }

    #[test]
    fn the_newest_row_is_a_sample_and_the_rest_a_history() {
        let topic = Topic::new("a");
        let _receiver = topic.window();
        assert_eq!(published(&topic, &[1]), [("sample", Some(1))]);
        assert_eq!(published(&topic, &[2, 3, 4]), [("history", None), ("sample", Some(4))]);
        assert_eq!(published(&topic, &[3]), [("history", None)]);
        assert_eq!(published(&topic, &[]), []);
    }

    #[test]
    fn a_row_of_a_clock_that_is_ahead_makes_no_later_row_the_past() {
        let topic = Topic::new("a");
        let _receiver = topic.window();
        assert_eq!(published(&topic, &[999]), [("sample", Some(999))]);
        assert_eq!(published(&topic, &[1590]), [("sample", Some(1590))]);
        topic.publish(&frame(&[1001]), Timestamp::from_seconds(1001));
        let kind = |text: &[u8]| text.starts_with(br#"{"type":"sample""#);
        assert!(topic.window.borrow().unread(2).messages.any(|message| kind(&message.text)));
    }

    #[test]
    fn what_is_older_than_the_history_is_no_sample_but_its_last_row_may_be_on_its_way() {
        let check = |row, kind| {
            let topic = Topic::new("a");
            topic.begin(Some(Timestamp::from_seconds(9)));
            let _receiver = topic.window();
            assert_eq!(published(&topic, &[row]).first().map(|(kind, _)| *kind), Some(kind), "{row}");
        };
        check(8, "history");
        check(9, "sample");
        let topic = Topic::new("a");
        topic.publish(&frame(&[9]), NOW);
        topic.begin(Some(Timestamp::from_seconds(10)));
        let _receiver = topic.window();
        assert_eq!(published(&topic, &[9]), [("history", None)]);
        assert_eq!(published(&topic, &[10]), [("sample", Some(10))]);
    }

    #[test]
    fn nobody_watching_means_no_encoding() {
        let topic = Topic::new("a");
        assert_eq!(topic.publish(&frame(&[1, 2]), NOW), 0);
        assert!(!topic.window.borrow().covers(0), "a later reader sees that it missed something");
        let receiver = topic.window();
        assert_eq!(topic.publish(&frame(&[3]), NOW), 1);
        drop(receiver);
        assert_eq!(topic.publish(&frame(&[4]), NOW), 0);
    }
}
