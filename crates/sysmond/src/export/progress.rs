//! How far an export is, on a terminal that shows nothing else.

use super::output::Output;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Between two looks of people.
const PERIOD: Duration = Duration::from_millis(200);
/// Back to the line's begin, and the line emptied.
const CLEAR: &str = "\r\u{1b}[K";

/// Counts rows, and says so where somebody sees it.
pub(super) struct Progress {
    hosts: usize,
    rows: u64,
    began: Instant,
    said: Instant,
    /// What is said at the end; nothing where nobody is there.
    what: Option<String>,
}

impl Progress {
    pub(super) fn new(out: &Output, hosts: usize) -> Self {
        let is_seen = io::stderr().is_terminal() && !out.is_terminal();
        let place = out.path().map_or("standard output".to_owned(), |path| path.display().to_string());
        let now = Instant::now();
        Self { hosts, rows: 0, began: now, said: now, what: is_seen.then_some(place) }
    }

    /// So many rows more, of a host behind which there are `hosts_left`.
    pub(super) fn add(&mut self, rows: u64, hosts_left: usize) {
        self.rows += rows;
        if self.what.is_some() && self.said.elapsed() >= PERIOD {
            self.said = Instant::now();
            let host = self.hosts.saturating_sub(hosts_left).max(1);
            say(&format!("{CLEAR}host {host} of {}, {}", self.hosts, self.figures()));
        }
    }

    /// Rows until now.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// The last word.
    pub(super) fn finish(mut self) {
        if let Some(place) = self.what.take() {
            say(&format!("{CLEAR}{} into {place}\n", self.figures()));
        }
    }

    fn figures(&self) -> String {
        let seconds = self.began.elapsed().as_secs_f64();
        let rate = self.rows as f64 / seconds.max(0.001) / 1e6;
        format!("{} rows in {seconds:.1} s ({rate:.1} million a second)", grouped(self.rows))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        // An error is told on a line of its own.
        if self.what.is_some() {
            say(CLEAR);
        }
    }
}

fn say(text: &str) {
    let mut terminal = io::stderr().lock();
    // Where the terminal went away, nobody misses it.
    write!(terminal, "{text}").and_then(|()| terminal.flush()).ok();
}

/// `12 345 678`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn digits_come_in_threes() {
        let check = |number, expected: &str| assert_eq!(grouped(number), expected);
        check(0, "0");
        check(999, "999");
        check(1000, "1 000");
        check(12_345_678, "12 345 678");
    }
}
