//! A JSON object a line, with the fields of `GET /api/latest`: what `POST /api/metrics` takes in its `metrics`.

use super::{Form, put_value};
use std::io;
use sysmond_model::{Series, Timestamp};
use sysmond_tsdb::Export;

pub(super) struct Jsonl;

impl Form for Jsonl {
    fn begin(&mut self, _: &mut Vec<u8>, _: &Export, _: Timestamp) -> io::Result<()> {
        Ok(())
    }

    fn middle(&self, host: &str, series: &Series) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        for (name, text) in [("metric_type", &*series.metric_type), ("host", host), ("tags", &*series.tags)] {
            out.extend(format!(",\"{name}\":").as_bytes());
            serde_json::to_writer(&mut out, text)?;
        }
        out.extend(b",\"value\":");
        Ok(out)
    }

    fn row(&mut self, out: &mut Vec<u8>, at: &[u8], middle: &[u8], value: f64) -> io::Result<()> {
        out.extend(b"{\"timestamp\":");
        out.extend(at);
        out.extend(middle);
        put_value(out, value)?;
        out.extend(b"}\n");
        Ok(())
    }

    fn finish(&mut self, _: &mut Vec<u8>, _: u64) -> io::Result<()> {
        Ok(())
    }
}
