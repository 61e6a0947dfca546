//! Samples as bodies: the JSON that agents push to sysmond, and remote write for the two others.

use anyhow::Result;
use sysmond_model::push::PushBody;
use sysmond_model::{Frame, HostInfo, Series};

/// A frame as an agent pushes it.
pub fn json(hostname: &str, frame: &Frame, out: &mut Vec<u8>) -> Result<()> {
    let host = HostInfo {
        hostname: hostname.to_owned(),
        version: "0.5.0".into(),
        platform: "Linux".into(),
        tags: [("role".into(), "web".into())].into(),
    };
    out.clear();
    serde_json::to_writer(out, &PushBody::new(&host, None, std::slice::from_ref(frame)))?;
    Ok(())
}

/// A metric's name as Prometheus wants it.
pub fn metric_name(metric_type: &str) -> String {
    metric_type.replace('.', "_")
}

/// Writes remote-write requests; buffers are used again.
pub struct RemoteWrite {
    request: Vec<u8>,
    series: Vec<u8>,
    message: Vec<u8>,
    encoder: snap::raw::Encoder,
}

impl Default for RemoteWrite {
    fn default() -> Self {
        let (request, series, message) = (Vec::new(), Vec::new(), Vec::new());
        Self { request, series, message, encoder: snap::raw::Encoder::new() }
    }
}

impl RemoteWrite {
    /// A frame as one request: a time series for each column, within snappy's block format.
    pub fn encode(&mut self, hostname: &str, frame: &Frame, out: &mut Vec<u8>) -> Result<()> {
        self.request.clear();
        for (column, series) in frame.shape().series().iter().enumerate() {
            self.series.clear();
            for (name, value) in labels(hostname, series) {
                self.message.clear();
                bytes_field(1, name.as_bytes(), &mut self.message);
                bytes_field(2, value.as_bytes(), &mut self.message);
                bytes_field(1, &self.message, &mut self.series);
            }
            let labels = self.series.len();
            for row in frame.rows() {
                let Some(value) = row.values.get(column).filter(|value| !value.is_nan()) else { continue };
                self.message.clear();
                // Field 1, a double; field 2, a variable integer.
                self.message.push(1 << 3 | 1);
                self.message.extend_from_slice(&value.to_le_bytes());
                self.message.push(2 << 3);
                varint(row.timestamp.as_millis().unsigned_abs(), &mut self.message);
                bytes_field(2, &self.message, &mut self.series);
            }
            if self.series.len() > labels {
                bytes_field(1, &self.series, &mut self.request);
            }
        }
        out.resize(snap::raw::max_compress_len(self.request.len()), 0);
        let length = self.encoder.compress(&self.request, out)?;
        out.truncate(length);
        Ok(())
    }
}

/// In the order that remote write asks for.
fn labels<'a>(hostname: &'a str, series: &'a Series) -> Vec<(&'a str, std::borrow::Cow<'a, str>)> {
    let tags = series.tags.split(',').filter_map(|pair| pair.split_once('='));
    let mut labels: Vec<_> = tags.map(|(key, value)| (key, value.into())).collect();
    labels.push(("host", hostname.into()));
    labels.push(("__name__", metric_name(&series.metric_type).into()));
    labels.sort_unstable_by_key(|(name, _)| *name);
    labels
}

fn bytes_field(number: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(number << 3 | 2);
    varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

#[expect(clippy::cast_possible_truncation, reason = "seven bits are taken")]
fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use sysmond_model::{Sample, Timestamp};

    fn frame() -> Frame {
        let sample = |seconds, metric: &str, tags: &str, value| Sample {
            timestamp: Timestamp::from_seconds(seconds),
            series: Series::new(metric, tags),
            value,
        };
        Frame::from_samples([
            sample(1, "load.avg", "", 0.5),
            sample(2, "load.avg", "", 1.0),
            sample(2, "cpu.core_usage", "core=0", 2.0),
        ])
    }

    #[test]
    fn remote_write_is_what_the_protocol_draws() {
        let mut body = Vec::new();
        RemoteWrite::default().encode("a", &frame(), &mut body).expect("small");
        let plain = snap::raw::Decoder::new().decompress_vec(&body).expect("snappy");
        let double = |value: f64, millis: &[u8]| {
            [
                &[0x12, 11 + u8::try_from(millis.len()).unwrap() - 1, 0x09][..],
                &value.to_le_bytes(),
                &[0x10],
                millis,
            ]
            .concat()
        };
        let label = |name: &str, value: &str| {
            let lengths = [name.len(), value.len()].map(|length| u8::try_from(length).unwrap());
            let [name_length, value_length] = lengths;
            let inner =
                [&[0x0a, name_length][..], name.as_bytes(), &[0x12, value_length], value.as_bytes()].concat();
            [&[0x0a, u8::try_from(inner.len()).unwrap()][..], &inner].concat()
        };
        let series = |parts: &[Vec<u8>]| {
            let inner = parts.concat();
            [&[0x0a, u8::try_from(inner.len()).unwrap()][..], &inner].concat()
        };
        // 1000 and 2000 as variable integers.
        let (one, two) = ([0xe8, 0x07], [0xd0, 0x0f]);
        let load = [label("__name__", "load_avg"), label("host", "a"), double(0.5, &one), double(1.0, &two)];
        let core =
            [label("__name__", "cpu_core_usage"), label("core", "0"), label("host", "a"), double(2.0, &two)];
        assert_eq!(plain, [series(&load), series(&core)].concat());
    }

    #[test]
    fn json_is_what_agents_push() {
        let mut body = b"left over".to_vec();
        json("a", &frame(), &mut body).expect("plain data");
        let read: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(read["metrics"].as_array().expect("a list").len(), 3);
        assert_eq!(read["metrics"][0]["value"], 0.5);
    }
}
