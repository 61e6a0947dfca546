//! The time since the kernel started, from `/proc/uptime`.

use crate::exposition::Exposition;
use crate::file_source::{Fault, FileSource, ProcFile, Reading};
use crate::source::{Roots, Values};
use crate::text::{decimal, fields};
use std::time::Duration;
use sysmond_model::catalogue::SYSTEM_UPTIME;

pub(crate) fn source(roots: &Roots) -> FileSource<Uptime> {
    FileSource::new(ProcFile::new(roots.procfs.join("uptime")), Uptime)
}

#[derive(Debug)]
pub(crate) struct Uptime;

impl Reading for Uptime {
    const NAME: &'static str = "uptime";

    fn take(&mut self, text: &[u8], _at: Duration, out: &mut Values) -> Result<(), Fault> {
        let seconds = fields(text).next().and_then(decimal);
        out.put(&SYSTEM_UPTIME, "", seconds.ok_or(Fault::Malformed("expected a number of seconds"))?);
        Ok(())
    }

    /// Theirs is when the kernel started, which `/proc/stat` says.
    fn expose(&mut self, _text: &[u8], _out: &mut Exposition) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::values;

    #[test]
    fn the_first_number_counts() {
        let mut out = Values::default();
        Uptime.take(b"1501.67 2570.35\n", Duration::ZERO, &mut out).unwrap();
        assert_eq!(values(&out), ["system.uptime_seconds 1501.67"]);
        assert!(Uptime.take(b"\n", Duration::ZERO, &mut out).is_err());
    }
}
