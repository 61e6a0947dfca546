//! CSV as RFC 4180 describes it, safe to open in a spreadsheet.

use super::{Form, put_value};
use crate::sql::csv_text;
use std::io;
use sysmond_model::{Series, Timestamp};
use sysmond_tsdb::Export;

pub(super) struct Csv;

impl Form for Csv {
    fn begin(&mut self, out: &mut Vec<u8>, _: &Export, _: Timestamp) -> io::Result<()> {
        out.extend(b"timestamp,metric_type,host,tags,value\r\n");
        Ok(())
    }

    fn middle(&self, host: &str, series: &Series) -> io::Result<Vec<u8>> {
        let [metric_type, host, tags] = [&series.metric_type, host, &series.tags].map(csv_text);
        Ok(format!(",{metric_type},{host},{tags},").into_bytes())
    }

    fn row(&mut self, out: &mut Vec<u8>, at: &[u8], middle: &[u8], value: f64) -> io::Result<()> {
        out.extend(at);
        out.extend(middle);
        put_value(out, value)?;
        out.extend(b"\r\n");
        Ok(())
    }

    fn finish(&mut self, _: &mut Vec<u8>, _: u64) -> io::Result<()> {
        Ok(())
    }
}
