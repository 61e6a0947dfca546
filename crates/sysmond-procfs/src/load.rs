//! Load averages, from `/proc/loadavg`.

use crate::file_source::{Fault, FileSource, ProcFile, Reading};
use crate::source::{Roots, Values};
use crate::text::{decimal, fields};
use std::time::Duration;
use sysmond_model::catalogue::{LOAD_AVG_1M, LOAD_AVG_5M, LOAD_AVG_15M};

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
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::values;

    #[test]
    fn three_averages() {
        let mut out = Values::default();
        Load.take(b"0.00 0.15 12.20 3/98 12562\n", Duration::ZERO, &mut out).unwrap();
        assert_eq!(values(&out), ["load.avg_1m 0", "load.avg_5m 0.15", "load.avg_15m 12.2"]);
    }

    #[test]
    fn fewer_are_malformed() {
        for text in ["", "0.00 0.15", "0.00 x 0.20", "nan 0 0"] {
            assert!(Load.take(text.as_bytes(), Duration::ZERO, &mut Values::default()).is_err(), "{text}");
        }
    }
}
