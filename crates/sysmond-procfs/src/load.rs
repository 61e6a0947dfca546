//! Load averages and the number of threads, from `/proc/loadavg`.

use crate::exposition::Exposition;
use crate::file_source::{Fault, FileSource, ProcFile, Reading};
use crate::source::{Roots, Values};
use crate::text::{decimal, fields, number, split_once};
use std::time::Duration;
use sysmond_model::catalogue::{LOAD_AVG_1M, LOAD_AVG_5M, LOAD_AVG_15M, PROCESSES_THREADS};

pub(crate) fn source(roots: &Roots) -> FileSource<Load> {
    FileSource::new(ProcFile::new(roots.procfs.join("loadavg")), Load)
}

#[derive(Debug)]
pub(crate) struct Load;

impl Reading for Load {
    const NAME: &'static str = "load";

    fn take(&mut self, text: &[u8], _at: Duration, out: &mut Values) -> Result<(), Fault> {
        let mut columns = fields(text).map(decimal);
        for metric in [&LOAD_AVG_1M, &LOAD_AVG_5M, &LOAD_AVG_15M] {
            let value = columns.next().flatten().ok_or(Fault::Malformed("expected three load averages"))?;
            out.put(metric, "", value);
        }
        if let Some(threads) = threads(text) {
            out.put(&PROCESSES_THREADS, "", threads as f64);
        }
        Ok(())
    }

    fn expose(&mut self, text: &[u8], out: &mut Exposition) {
        let averages = [&LOAD_AVG_1M, &LOAD_AVG_5M, &LOAD_AVG_15M];
        for (metric, value) in averages.into_iter().zip(fields(text).map(decimal)) {
            out.gauge(metric.prometheus, metric.help, &[], value.unwrap_or(f64::NAN));
        }
        if let Some(threads) = threads(text) {
            out.gauge("node_processes_threads", PROCESSES_THREADS.help, &[], threads as f64);
        }
    }
}

/// `3/98`: tasks that can run, and all of them.
fn threads(text: &[u8]) -> Option<u64> {
    let tasks = fields(text).nth(3).and_then(|tasks| split_once(tasks, b'/'))?;
    number(tasks.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::values;

    #[test]
    fn three_averages() {
        let mut out = Values::default();
        Load.take(b"0.00 0.15 12.20 3/98 12562\n", Duration::ZERO, &mut out).unwrap();
        let expected = ["load.avg_1m 0", "load.avg_5m 0.15", "load.avg_15m 12.2", "processes.threads 98"];
        assert_eq!(values(&out), expected);
    }

    #[test]
    fn fewer_are_malformed() {
        for text in ["", "0.00 0.15", "0.00 x 0.20", "nan 0 0"] {
            assert!(Load.take(text.as_bytes(), Duration::ZERO, &mut Values::default()).is_err(), "{text}");
        }
    }
}
