//! How processors take packets from network cards, from `/proc/net/softnet_stat`: where packets are lost that no
//! interface counts.
//!
//! A line for each processor, of hexadecimal columns: packets taken, packets dropped since the processor's queue was
//! full, times that it had to stop for others before its queue was empty.

use crate::exposition::Exposition;
use crate::file_source::{Fault, FileSource, ProcFile, Reading};
use crate::pace::Pace;
use crate::source::{Roots, Values};
use crate::text::{fields, hexadecimal, lines};
use std::time::Duration;
use sysmond_model::catalogue::{NETWORK_QUEUE_DROPS, NETWORK_QUEUE_PACKETS, NETWORK_QUEUE_SQUEEZES};

/// The column that is the processor's number, since 5.10; before, lines are counted.
const NUMBER_COLUMN: usize = 12;

pub(crate) fn source(roots: &Roots, max_gap: Duration) -> FileSource<SoftNet> {
    let file = ProcFile::first_of(roots.of_host("net/softnet_stat")).or_absent("no network");
    FileSource::new(file, SoftNet::new(max_gap))
}

/// Of all processors: packets, drops, squeezes. Each processor's has 32 bits and begins again, so that a sum can fall;
/// what would be a rate then is none.
type Sums = [u64; 3];

/// The state between two readings.
#[derive(Debug)]
pub(crate) struct SoftNet {
    pace: Pace,
    last: Option<Sums>,
    /// The numbers of the processors, of the reading before and of this one.
    before: Vec<u32>,
    numbers: Vec<u32>,
}

/// A processor's number and counters.
fn parse(text: &[u8]) -> impl Iterator<Item = (u32, [u32; 3])> {
    lines(text).zip(0..).filter_map(|(line, place)| {
        let mut columns = fields(line).map(hexadecimal);
        let mut next = || columns.next().flatten();
        let counters = [next()?, next()?, next()?];
        Some((columns.nth(NUMBER_COLUMN - 3).flatten().unwrap_or(place), counters))
    })
}

impl SoftNet {
    pub(crate) const fn new(max_gap: Duration) -> Self {
        Self { pace: Pace::new(max_gap), last: None, before: Vec::new(), numbers: Vec::new() }
    }
}

impl Reading for SoftNet {
    const NAME: &'static str = "softnet";

    fn take(&mut self, text: &[u8], at: Duration, out: &mut Values) -> Result<(), Fault> {
        let mut now = Sums::default();
        std::mem::swap(&mut self.before, &mut self.numbers);
        self.numbers.clear();
        for (number, counters) in parse(text) {
            self.numbers.push(number);
            for (sum, counter) in now.iter_mut().zip(counters) {
                *sum += u64::from(counter);
            }
        }
        // A processor that is switched on or off takes its counters with it, and another may come in its place.
        let last = self.last.replace(now).filter(|_| self.before == self.numbers);
        if let (Some(elapsed), Some(last)) = (self.pace.step(at), last) {
            let metrics = [&NETWORK_QUEUE_PACKETS, &NETWORK_QUEUE_DROPS, &NETWORK_QUEUE_SQUEEZES];
            for ((metric, now), last) in metrics.into_iter().zip(now).zip(last) {
                if let Some(increase) = now.checked_sub(last) {
                    out.put(metric, "", elapsed.per_second(increase));
                }
            }
        }
        if self.numbers.is_empty() {
            Err(Fault::Malformed("expected three hexadecimal numbers"))
        } else {
            Ok(())
        }
    }

    fn expose(&mut self, text: &[u8], out: &mut Exposition) {
        for (number, [processed, dropped, squeezed]) in parse(text) {
            let number = number.to_string();
            let labels = [("cpu", number.as_bytes())];
            for (metric, count) in [
                (&NETWORK_QUEUE_PACKETS, processed),
                (&NETWORK_QUEUE_DROPS, dropped),
                (&NETWORK_QUEUE_SQUEEZES, squeezed),
            ] {
                out.counter(metric.prometheus, metric.help, &labels, f64::from(count));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::values;

    const FIRST: &str = "0000000a 00000001 00000002 0 0 0 0 0 0 0 0 0 00000000 0 0\n\
                         00000014 00000000 00000000 0 0 0 0 0 0 0 0 0 00000002 0 0\n";

    fn take(source: &mut SoftNet, second: u64, text: &str) -> Vec<String> {
        let mut out = Values::default();
        source.take(text.as_bytes(), Duration::from_secs(second), &mut out).unwrap();
        values(&out)
    }

    #[test]
    fn processors_are_added_up() {
        let mut source = SoftNet::new(Duration::from_secs(9));
        assert!(take(&mut source, 1, FIRST).is_empty());
        let found = take(&mut source, 3, &FIRST.replace("00000014", "00000020"));
        let expected = ["network.queue_packets 6", "network.queue_drops 0", "network.queue_squeezes 0"];
        assert_eq!(found, expected);
        assert!(take(&mut source, 5, FIRST.lines().next().unwrap()).is_empty(), "a processor went");
    }

    #[test]
    fn a_processor_in_the_place_of_another_is_no_rate() {
        let mut source = SoftNet::new(Duration::from_secs(9));
        take(&mut source, 1, FIRST);
        let other = FIRST.replace("00000014", "00000f00").replace("00000002 0 0\n", "00000003 0 0\n");
        assert!(take(&mut source, 3, &other).is_empty());
        let found = take(&mut source, 5, &other.replace("00000f00", "00000f04"));
        assert_eq!(found.first().map(String::as_str), Some("network.queue_packets 2"));
    }

    #[test]
    fn a_processor_has_its_own_number() {
        let numbers: Vec<u32> = parse(FIRST.as_bytes()).map(|(number, _)| number).collect();
        assert_eq!(numbers, [0, 2]);
        let old: Vec<u32> = parse(b"a 0 0 0\nb 0 0 0\n").map(|(number, _)| number).collect();
        assert_eq!(old, [0, 1]);
    }

    #[test]
    fn other_texts_are_malformed() {
        for text in ["", "x", "1 2", "1 2 g"] {
            let mut source = SoftNet::new(Duration::ZERO);
            assert!(source.take(text.as_bytes(), Duration::ZERO, &mut Values::default()).is_err(), "{text}");
        }
    }
}
