//! How far an export is, on a terminal that shows nothing else.

use super::output::Output;
use crate::progress::ProgressLine;
use std::time::Instant;

/// Counts rows, and says so where somebody sees it.
pub(super) struct Progress {
    hosts: usize,
    rows: u64,
    began: Instant,
    place: String,
    line: ProgressLine,
}

impl Progress {
    pub(super) fn new(out: &Output, hosts: usize) -> Self {
        let place = out.path().map_or("standard output".to_owned(), |path| path.display().to_string());
        let line = ProgressLine::new(!out.is_terminal());
        Self { hosts, rows: 0, began: Instant::now(), place, line }
    }

    /// So many rows more, of a host behind which there are `hosts_left`.
    pub(super) fn add(&mut self, rows: u64, hosts_left: usize) {
        self.rows += rows;
        let (host, hosts) = (self.hosts.saturating_sub(hosts_left).max(1), self.hosts);
        let (rows, began) = (self.rows, self.began);
        self.line.show(|| format!("host {host} of {hosts}, {}", figures(rows, began)));
    }

    /// Rows until now.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// The last word.
    pub(super) fn finish(self) {
        let Self { rows, began, place, line, .. } = self;
        line.finish(|| format!("{} into {place}", figures(rows, began)));
    }
}

fn figures(rows: u64, began: Instant) -> String {
    let seconds = began.elapsed().as_secs_f64();
    let rate = rows as f64 / seconds.max(0.001) / 1e6;
    format!("{} rows in {seconds:.1} s ({rate:.1} million a second)", grouped(rows))
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
