//! What of a system's data stays for as long as samples are kept, without logs and heads of what is newest: in a short
//! run these are much of the whole, in a long one little.

use crate::http::Connection;
use crate::report::digits;
use crate::server::{Server, System};
use anyhow::{Context, Result};
use serde_json::Value;
use std::path::Path;

/// Bytes a sample of it, as they stand in the table; `None` where a system has nothing of the kind yet, or does not
/// tell it from the rest.
pub fn kept(server: &Server) -> Result<Option<String>> {
    match server.system {
        System::Sysmond => own(server),
        // All of it is parts that stay.
        System::Victoria => Ok(None),
        System::Prometheus => {
            let (bytes, samples) = blocks(&server.folder().join("data"))?;
            Ok((samples > 0).then(|| digits(bytes as f64 / samples as f64)))
        }
    }
}

/// Blocks of samples, and summaries by minutes beside them.
fn own(server: &Server) -> Result<Option<String>> {
    let mut connection = Connection::open(server.address)?;
    let answer = connection.get("/api/storage")?;
    // One that is older does not tell.
    if answer.status == 404 { Ok(None) } else { Ok(tiers(&answer.json()?)) }
}

fn tiers(answer: &Value) -> Option<String> {
    let tier = |name: &str| {
        let tier = answer.get("tiers")?.get(name)?;
        Some((tier.get("bytes")?.as_f64()?, tier.get("samples")?.as_f64()?))
    };
    let (bytes, samples) = tier("blocks").filter(|(_, samples)| *samples > 0.0)?;
    let (minutes, _) = tier("minutes")?;
    let (ten_minutes, _) = tier("ten_minutes")?;
    Some(format!("{} + {}", digits(bytes / samples), digits((minutes + ten_minutes) / samples)))
}

/// Bytes and samples of all of Prometheus' blocks.
fn blocks(folder: &Path) -> Result<(u64, u64)> {
    let (mut bytes, mut samples) = (0, 0);
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        // Only blocks have one.
        let Ok(text) = std::fs::read_to_string(path.join("meta.json")) else { continue };
        let meta: Value = serde_json::from_str(&text)?;
        samples +=
            meta.pointer("/stats/numSamples").and_then(Value::as_u64).context("a block without samples")?;
        bytes += crate::process::disk_bytes(&path)?;
    }
    Ok((bytes, samples))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn samples_and_summaries_are_told_apart() {
        let tier = |bytes, samples| json!({"bytes": bytes, "samples": samples});
        let tiers_of =
            |blocks| json!({"tiers": {"blocks": blocks, "minutes": tier(8, 3), "ten_minutes": tier(2, 1)}});
        assert_eq!(tiers(&tiers_of(tier(50, 100))).as_deref(), Some("0.500 + 0.100"));
        assert_eq!(tiers(&tiers_of(tier(0, 0))), None);
    }

    #[test]
    fn blocks_of_prometheus_are_found() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(blocks(folder.path()).expect("readable"), (0, 0));
        std::fs::create_dir_all(folder.path().join("01X")).expect("writable");
        std::fs::create_dir_all(folder.path().join("wal")).expect("writable");
        std::fs::write(folder.path().join("01X/meta.json"), r#"{"stats":{"numSamples":7}}"#)
            .expect("writable");
        let (bytes, samples) = blocks(folder.path()).expect("readable");
        assert!(bytes > 0 && samples == 7);
    }
}
