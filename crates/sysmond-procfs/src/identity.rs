//! Who the host is, as Prometheus' `node_exporter` tells it beside its figures: kernel, operating system, time of day.

use crate::exposition::Exposition;
use crate::file_source::ProcFile;
use crate::source::{Roots, SourceError};
use crate::static_info::assignments;
use std::time::Duration;

/// The labels of `node_os_info` and the keys of `os-release` that they come from.
const OS: [&str; 12] = [
    "build_id",
    "id",
    "id_like",
    "image_id",
    "image_version",
    "name",
    "pretty_name",
    "variant",
    "variant_id",
    "version",
    "version_codename",
    "version_id",
];

const TIME: &str = "node_time_seconds";
const UNAME: &str = "node_uname_info";
const OS_INFO: &str = "node_os_info";
const OS_VERSION: &str = "node_os_version";
/// What is exposed; the catalogue has none of it.
pub(crate) const FAMILIES: [&str; 4] = [TIME, UNAME, OS_INFO, OS_VERSION];

/// Puts what does not belong to any source; `now` is the time of day since 1970.
pub fn expose_identity(roots: &Roots, now: Duration, out: &mut Exposition) -> Result<(), SourceError> {
    out.gauge(TIME, "Time of day, Unix seconds", &[], now.as_secs_f64());
    let name = rustix::system::uname();
    let labels = [
        ("domainname", name.domainname().to_bytes()),
        ("machine", name.machine().to_bytes()),
        ("nodename", name.nodename().to_bytes()),
        ("release", name.release().to_bytes()),
        ("sysname", name.sysname().to_bytes()),
        ("version", name.version().to_bytes()),
    ];
    let help = "What uname says of the host and its kernel, in labels; always 1";
    out.gauge(UNAME, help, &labels, 1.0);
    let paths = ["etc/os-release", "usr/lib/os-release"].map(|file| roots.rootfs.join(file));
    let mut file = ProcFile::first_of(paths.to_vec());
    expose_os(file.read()?, out);
    Ok(())
}

fn expose_os(text: &[u8], out: &mut Exposition) {
    let assignments: Vec<(String, String)> = assignments(text).collect();
    let value = |key: &str| {
        let found = assignments.iter().find(|(known, _)| known.eq_ignore_ascii_case(key));
        found.map_or("", |(_, value)| value.as_str()).as_bytes()
    };
    let labels: Vec<_> = OS.iter().map(|key| (*key, value(key))).collect();
    let help = "What os-release says of the operating system, in labels; always 1";
    out.gauge(OS_INFO, help, &labels, 1.0);
    // `12.04` as a number, as far as it is one: theirs has major and minor.
    let version = str::from_utf8(value("version_id")).ok().and_then(|version| version.parse::<f64>().ok());
    if let Some(version) = version {
        let labels = [("id", value("id")), ("id_like", value("id_like")), ("name", value("name"))];
        let help = "Version of the operating system, where it is a number";
        out.gauge(OS_VERSION, help, &labels, version);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operating_system_is_told() {
        let mut out = Exposition::default();
        expose_os(
            b"PRETTY_NAME=\"Debian GNU/Linux 12\"\nNAME='Debian'\nVERSION_ID=\"12\"\nID=debian\n",
            &mut out,
        );
        let text = out.text();
        let version = "node_os_version{id=\"debian\",id_like=\"\",name=\"Debian\"} 12\n";
        assert!(text.contains(version), "{text}");
        assert!(text.contains("pretty_name=\"Debian GNU/Linux 12\""), "{text}");
    }
}
