//! Texts into typed values: durations, sizes, addresses, names.

use std::path::PathBuf;
use std::time::Duration;
use sysmond_model::limits::{MAX_HOST_TAG_BYTES, MAX_HOST_TAGS, MAX_HOSTNAME_BYTES};
use thiserror::Error;

/// Why a text is no such value. Reads on after the text itself: "`10` is not a duration: …".
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ValueError {
    /// Not of the form.
    #[error("is not {what}: write {right}")]
    Not {
        /// What was wanted.
        what: &'static str,
        /// How it is written.
        right: &'static str,
    },
    /// Out of bounds.
    #[error("must be {least} to {most}")]
    OutOfRange {
        /// The least that is taken.
        least: String,
        /// The most that is taken.
        most: String,
    },
    /// More than is taken.
    #[error("has more than {most} {what}")]
    TooLong {
        /// The most that is taken.
        most: usize,
        /// What is counted.
        what: &'static str,
    },
    /// The same twice.
    #[error("gives `{0}` twice")]
    Twice(String),
    /// There is no home to put for `~`.
    #[error("begins with ~, and HOME is not set: write the whole path")]
    NoHome,
}

/// `2s`, `500ms`, `10m`, `6h`, `15d`, `2w`.
pub fn duration(text: &str) -> Result<Duration, ValueError> {
    const WRONG: ValueError = ValueError::Not {
        what: "a duration",
        right: "a whole number and its unit ms, s, m, h, d or w, such as 2s, 10m or 15d",
    };
    let (number, unit) = number_and_unit(text).ok_or(WRONG)?;
    let unit_ms: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 7 * 86_400_000,
        _ => return Err(WRONG),
    };
    number.checked_mul(unit_ms).map(Duration::from_millis).ok_or(WRONG)
}

/// A duration within bounds, both included.
pub fn duration_within(text: &str, least: &str, most: &str) -> Result<Duration, ValueError> {
    let value = duration(text)?;
    if (duration(least)?..=duration(most)?).contains(&value) {
        return Ok(value);
    }
    Err(ValueError::OutOfRange { least: least.to_owned(), most: most.to_owned() })
}

/// `256MB`, `10GB`, `512KiB`: bytes.
pub fn size(text: &str) -> Result<u64, ValueError> {
    const WRONG: ValueError = ValueError::Not {
        what: "a size",
        right: "a whole number and its unit B, KB, MB, GB, TB (or KiB, MiB, GiB, TiB), such as 256MB or 10GB",
    };
    let (number, unit) = number_and_unit(text).ok_or(WRONG)?;
    let unit_bytes: u64 = match unit.to_ascii_lowercase().as_str() {
        "b" => 1,
        "kb" => 1000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return Err(WRONG),
    };
    number.checked_mul(unit_bytes).ok_or(WRONG)
}

/// A size of at least `least`.
pub fn size_at_least(text: &str, least: &str) -> Result<u64, ValueError> {
    let value = size(text)?;
    if value >= size(least)? {
        return Ok(value);
    }
    Err(ValueError::OutOfRange { least: least.to_owned(), most: "what the disk holds".to_owned() })
}

fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    Some((number.parse().ok()?, unit.trim_start()))
}

/// A whole number within bounds.
pub fn count(text: &str, most: usize) -> Result<usize, ValueError> {
    let value = text
        .parse()
        .map_err(|_| ValueError::Not { what: "a whole number", right: "digits alone, such as 5" })?;
    if value > most {
        return Err(ValueError::OutOfRange { least: "0".to_owned(), most: most.to_string() });
    }
    Ok(value)
}

/// A path, `~` standing for `home`.
pub fn path(text: &str, home: Option<&std::path::Path>) -> Result<PathBuf, ValueError> {
    if text.is_empty() || text.contains('\0') {
        return Err(ValueError::Not { what: "a path", right: "one such as /var/lib/sysmon" });
    }
    match text.strip_prefix('~') {
        Some("") => home.map(std::path::Path::to_path_buf).ok_or(ValueError::NoHome),
        Some(rest) if rest.starts_with('/') => {
            home.map(|home| home.join(rest.trim_start_matches('/'))).ok_or(ValueError::NoHome)
        }
        _ => Ok(PathBuf::from(text)),
    }
}

/// `127.0.0.1:9000`, `[::]:9000`.
pub fn socket_address(text: &str) -> Result<std::net::SocketAddr, ValueError> {
    let text =
        if text.starts_with("localhost:") { &text.replacen("localhost", "127.0.0.1", 1) } else { text };
    text.parse().map_err(|_| ValueError::Not {
        what: "an address and a port",
        right: "one such as 127.0.0.1:9000, 0.0.0.0:9000 or [::]:9000",
    })
}

/// An IP address.
pub fn ip_address(text: &str) -> Result<std::net::IpAddr, ValueError> {
    text.parse().map_err(|_| ValueError::Not { what: "an IP address", right: "one such as 127.0.0.1 or ::1" })
}

/// The base address of an aggregator, without the slash at its end.
pub fn aggregator_url(text: &str) -> Result<String, ValueError> {
    const WRONG: ValueError = ValueError::Not {
        what: "the address of an aggregator",
        right: "one such as http://monitor.example.org:9000 (https is not spoken yet: let a proxy on this host do it)",
    };
    let url: hyper::Uri = text.parse().map_err(|_| WRONG)?;
    let host_and_port = url.authority().filter(|authority| !authority.as_str().contains('@')).ok_or(WRONG)?;
    if url.scheme_str() != Some("http") || host_and_port.host().is_empty() || url.query().is_some() {
        return Err(WRONG);
    }
    // An empty or impossible port reads as none, which would quietly mean 80.
    let port = host_and_port.as_str().strip_prefix(host_and_port.host()).unwrap_or_default();
    if !port.is_empty() && host_and_port.port_u16().is_none_or(|port| port == 0) {
        return Err(ValueError::Not {
            what: "the address of an aggregator with a port",
            right: "the port behind the colon, such as http://127.0.0.1:9000, or no colon, which means port 80",
        });
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// A host's name in the fleet.
pub fn hostname(text: &str) -> Result<String, ValueError> {
    if text.len() > MAX_HOSTNAME_BYTES {
        return Err(ValueError::TooLong { most: MAX_HOSTNAME_BYTES, what: "bytes" });
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) || !text.chars().all(fits) {
        return Err(ValueError::Not {
            what: "a host's name",
            right: "letters, digits, dots, dashes and underscores, a letter or digit first, such as web-server-01",
        });
    }
    Ok(text.to_owned())
}

/// A name that a `Host` header may carry, in lower case and without port.
pub fn host_header(text: &str) -> Result<String, ValueError> {
    const RIGHT: &str = "a name without scheme and port, such as monitor.example.org";
    let name = hostname(text).map_err(|_| ValueError::Not { what: "a host's name", right: RIGHT })?;
    Ok(name.to_ascii_lowercase())
}

/// One pair `KEY=VALUE`.
pub fn pair(text: &str) -> Result<(String, String), ValueError> {
    let (key, value) = text
        .split_once('=')
        .filter(|(key, _)| !key.is_empty())
        .ok_or(ValueError::Not { what: "KEY=VALUE", right: "one such as role=web-server" })?;
    Ok((key.to_owned(), value.to_owned()))
}

/// One label of a host.
pub fn tag(text: &str) -> Result<(String, String), ValueError> {
    let (key, value) = pair(text)?;
    if key.len() > MAX_HOST_TAG_BYTES || value.len() > MAX_HOST_TAG_BYTES {
        return Err(ValueError::TooLong { most: MAX_HOST_TAG_BYTES, what: "bytes in its key or its value" });
    }
    if text.chars().any(is_unprintable) {
        return Err(ValueError::Not { what: "a label", right: "it without control characters" });
    }
    Ok((key, value))
}

/// All labels of a host.
pub fn tags(pairs: Vec<(String, String)>) -> Result<std::collections::BTreeMap<String, String>, ValueError> {
    if pairs.len() > MAX_HOST_TAGS {
        return Err(ValueError::TooLong { most: MAX_HOST_TAGS, what: "labels" });
    }
    unique(pairs)
}

/// Pairs as a map; no key twice.
pub fn unique<V>(pairs: Vec<(String, V)>) -> Result<std::collections::BTreeMap<String, V>, ValueError> {
    let mut map = std::collections::BTreeMap::new();
    for (key, value) in pairs {
        if map.contains_key(&key) {
            return Err(ValueError::Twice(key));
        }
        map.insert(key, value);
    }
    Ok(map)
}

/// A level of the log.
pub fn level(text: &str) -> Result<tracing_subscriber::filter::LevelFilter, ValueError> {
    let known = ["off", "error", "warn", "info", "debug", "trace"].contains(&text);
    text.parse()
        .ok()
        .filter(|_| known)
        .ok_or(ValueError::Not { what: "a level", right: "one of off, error, warn, info, debug and trace" })
}

/// A module's level.
pub fn module_level(text: &str) -> Result<(String, tracing_subscriber::filter::LevelFilter), ValueError> {
    let (module, text) = pair(text)?;
    if !module.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':')) {
        return Err(ValueError::Not { what: "a module", right: "its path, such as sysmond::agent" });
    }
    Ok((module, level(&text)?))
}

/// Control characters and those that turn the direction of writing: neither belongs in a name that is shown.
pub fn is_unprintable(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        let check = |text, expected: Option<u64>| {
            assert_eq!(
                duration(text).ok().map(|value| value.as_millis()),
                expected.map(u128::from),
                "{text}"
            );
        };
        check("500ms", Some(500));
        check("2s", Some(2000));
        check(" 10 m ", Some(600_000));
        check("10 m", Some(600_000));
        check("1h", Some(3_600_000));
        check("15d", Some(15 * 86_400_000));
        check("2w", Some(14 * 86_400_000));
        check("10", None);
        check("", None);
        check("-1s", None);
        check("1.5h", None);
        check("2 secs", None);
        check("99999999999999999999s", None);
        check("9999999999999999999w", None);
    }

    #[test]
    fn sizes_have_a_unit_decimal_or_binary() {
        let check = |text, expected| assert_eq!(size(text).ok(), expected, "{text}");
        check("256MB", Some(256_000_000));
        check("10GB", Some(10_000_000_000));
        check("10gb", Some(10_000_000_000));
        check("1 KiB", Some(1024));
        check("2GiB", Some(2 << 30));
        check("7B", Some(7));
        check("10", None);
        check("10G", None);
        check("18446744073709551615TB", None);
    }

    #[test]
    fn bounds_are_told() {
        let wrong = duration_within("10ms", "100ms", "1h").expect_err("too short");
        assert_eq!(wrong.to_string(), "must be 100ms to 1h");
        assert!(duration_within("1h", "100ms", "1h").is_ok());
    }

    #[test]
    fn a_tilde_is_the_home() {
        let home = std::path::Path::new("/home/ada");
        let check = |text, expected: &str| assert_eq!(path(text, Some(home)), Ok(PathBuf::from(expected)));
        check("~", "/home/ada");
        check("~/.sysmon", "/home/ada/.sysmon");
        check("~bob/x", "~bob/x");
        check("/var/~", "/var/~");
        assert_eq!(path("~/.sysmon", None), Err(ValueError::NoHome));
    }

    #[test]
    fn an_aggregator_is_an_http_address() {
        let check = |text, expected: Option<&str>| {
            assert_eq!(aggregator_url(text).ok().as_deref(), expected, "{text}");
        };
        check("http://10.0.0.1:9000", Some("http://10.0.0.1:9000"));
        check("http://monitor/sysmon/", Some("http://monitor/sysmon"));
        check("http://[::1]:9000/", Some("http://[::1]:9000"));
        check("http://[::1]", Some("http://[::1]"));
        check("http://monitor", Some("http://monitor"));
        check("http://127.0.0.1:", None);
        check("http://127.0.0.1:/sysmon", None);
        check("http://[::1]:", None);
        check("http://monitor:0", None);
        check("http://monitor:65536", None);
        check("https://monitor", None);
        check("monitor:9000", None);
        check("http://", None);
        check("http://user:word@monitor", None);
        check("http://monitor/?x=1", None);
        check("file:///etc/passwd", None);
    }

    #[test]
    fn names_are_plain() {
        let check = |text: &str, ok| assert_eq!(hostname(text).is_ok(), ok, "{text}");
        check("web-server-01", true);
        check("db_1.example.org", true);
        check("", false);
        check("-x", false);
        check("a b", false);
        check("a\u{0}", false);
        check("<b>", false);
        check(&"x".repeat(253), true);
        check(&"x".repeat(254), false);
    }

    #[test]
    fn labels_are_bounded() {
        assert_eq!(tag("role=web=1"), Ok(("role".into(), "web=1".into())));
        assert!(tag("role").is_err());
        assert!(tag("=x").is_err());
        assert!(tag("role=\u{202e}x").is_err());
        assert!(tag(&format!("role={}", "x".repeat(257))).is_err());
        let many = (0..33).map(|n| (n.to_string(), String::new())).collect();
        assert!(tags(many).is_err());
        let twice = vec![("role".to_owned(), "a".to_owned()), ("role".to_owned(), "b".to_owned())];
        assert_eq!(tags(twice), Err(ValueError::Twice("role".to_owned())));
    }

    #[test]
    fn levels_are_words() {
        assert!(level("debug").is_ok());
        assert!(level("3").is_err());
        assert!(level("loud").is_err());
        assert_eq!(
            module_level("sysmond::agent=debug").map(|(module, _)| module),
            Ok("sysmond::agent".to_owned())
        );
        assert!(module_level("a b=info").is_err());
    }
}
