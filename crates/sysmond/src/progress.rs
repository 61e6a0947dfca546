//! How far long work is: one line of a terminal, which nothing else sees.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Between two looks of people.
const PERIOD: Duration = Duration::from_millis(200);
/// Back to the line's begin, and the line emptied.
const CLEAR: &str = "\r\u{1b}[K";

/// A line on standard error that is written anew as work goes on.
pub(crate) struct ProgressLine {
    /// Nobody sees it where standard error is no terminal.
    is_seen: bool,
    said: Instant,
}

impl ProgressLine {
    /// `is_wanted`: the terminal shows nothing else.
    pub(crate) fn new(is_wanted: bool) -> Self {
        Self { is_seen: is_wanted && io::stderr().is_terminal(), said: Instant::now() }
    }

    /// Says it, unless something was said a moment ago.
    pub(crate) fn show(&mut self, text: impl FnOnce() -> String) {
        if self.is_seen && self.said.elapsed() >= PERIOD {
            self.said = Instant::now();
            say(&format!("{CLEAR}{}", text()));
        }
    }

    /// The last word, which stays.
    pub(crate) fn finish(mut self, text: impl FnOnce() -> String) {
        if std::mem::take(&mut self.is_seen) {
            say(&format!("{CLEAR}{}\n", text()));
        }
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        // An error is told on a line of its own.
        if self.is_seen {
            say(CLEAR);
        }
    }
}

fn say(text: &str) {
    let mut terminal = io::stderr().lock();
    // Where the terminal went away, nobody misses it.
    write!(terminal, "{text}").and_then(|()| terminal.flush()).ok();
}

/// `1.3 GB`, or in MB below one.
pub(crate) fn size(bytes: u64) -> String {
    let megabytes = bytes as f64 / 1e6;
    if megabytes < 1000.0 { format!("{megabytes:.1} MB") } else { format!("{:.1} GB", megabytes / 1e3) }
}
