//! What does not change while a host runs: read once.

use crate::file_source::{Fault, ProcFile, read_once};
use crate::memory::MemInfo;
use crate::source::{Roots, SourceError};
use crate::stat::{self, Line};
use crate::text::{lines, lossy, split_once};
use crate::{addresses, container, processor};
use std::io;
use sysmond_model::StaticInfo;

/// What is known of the host that `roots` show, and why the rest is not: a field that could not be read is empty or 0.
/// `agent_version` and `interval_seconds` are left to the caller.
pub fn static_info(roots: &Roots) -> (StaticInfo, Vec<SourceError>) {
    let mut errors = Vec::new();
    let (cpu_cores, boot_time) = told(cores_and_boot_time(roots), &mut errors);
    let info = StaticInfo {
        ip_addresses: ip_addresses(roots, &mut errors),
        os: told(os(roots), &mut errors),
        kernel: told(word(roots, "sys/kernel/osrelease"), &mut errors),
        architecture: rustix::system::uname().machine().to_string_lossy().into_owned(),
        cpu_model: told(cpu_model(roots), &mut errors),
        cpu_cores,
        memory_total_bytes: told(memory_total(roots), &mut errors),
        boot_time,
        container: container::kind(roots).unwrap_or_default(),
        figures_of: figures_of(roots).to_owned(),
        ..StaticInfo::default()
    };
    (info, errors)
}

/// Whose figures the sources give: in a container `/proc` shows the host, unless somebody put other files over it.
fn figures_of(roots: &Roots) -> &'static str {
    let is_own = container::kind(roots).is_some() && container::shows_own_figures(roots);
    if is_own { "container" } else { "host" }
}

/// The host's name. The kernel answers with the name that the *reader* has, whichever `procfs` is asked: inside of a
/// container it is the container's, and somebody has to say what the host is called.
pub fn hostname(roots: &Roots) -> Result<String, SourceError> {
    word(roots, "sys/kernel/hostname")
}

fn told<T: Default>(result: Result<T, SourceError>, errors: &mut Vec<SourceError>) -> T {
    result.unwrap_or_else(|error| {
        errors.push(error);
        T::default()
    })
}

/// A file with one word; a kernel without a name says `(none)`.
fn word(roots: &Roots, file: &str) -> Result<String, SourceError> {
    let path = roots.procfs.join(file);
    let text = read_once(path.clone())?;
    let word = lossy(lines(&text).next().unwrap_or_default());
    if word.is_empty() || word == "(none)" {
        return Err(Fault::Malformed("expected a name").of(&path));
    }
    Ok(word)
}

fn cores_and_boot_time(roots: &Roots) -> Result<(u32, i64), SourceError> {
    let path = roots.procfs.join("stat");
    let text = read_once(path.clone())?;
    let cores = stat::parse(&text).filter(|line| matches!(line, Line::Core(..))).count();
    let boot_time = stat::parse(&text).find_map(|line| match line {
        Line::BootTime(seconds) => i64::try_from(seconds).ok(),
        _ => None,
    });
    let boot_time = boot_time.ok_or_else(|| Fault::Malformed("expected a line `btime`").of(&path))?;
    Ok((u32::try_from(cores).unwrap_or(u32::MAX), boot_time))
}

fn memory_total(roots: &Roots) -> Result<u64, SourceError> {
    let path = roots.procfs.join("meminfo");
    let total = MemInfo::parse(&read_once(path.clone())?).total;
    total.ok_or_else(|| Fault::Malformed("expected `MemTotal`").of(&path))
}

fn cpu_model(roots: &Roots) -> Result<String, SourceError> {
    let path = roots.procfs.join("cpuinfo");
    let model = processor::model(&read_once(path.clone())?);
    model.ok_or_else(|| Fault::Malformed("expected the name of a processor").of(&path))
}

/// `etc/os-release` is most often a link to the one below `usr/lib`, and an absolute link leads out of another root.
fn os(roots: &Roots) -> Result<String, SourceError> {
    let path = roots.rootfs.join("etc/os-release");
    let mut file = ProcFile::first_of(vec![path.clone(), roots.rootfs.join("usr/lib/os-release")]);
    os_name(file.read()?).ok_or_else(|| Fault::Malformed("expected `PRETTY_NAME`").of(file.path()))
}

pub(crate) fn os_name(text: &[u8]) -> Option<String> {
    let value = |wanted: &str| {
        let (_, value) = assignments(text).find(|(key, _)| key == wanted)?;
        Some(value).filter(|value| !value.is_empty())
    };
    value("PRETTY_NAME").or_else(|| value("NAME"))
}

/// The lines `KEY=value` of a text that a shell could read.
pub(crate) fn assignments(text: &[u8]) -> impl Iterator<Item = (String, String)> {
    let pairs = lines(text).filter_map(|line| split_once(line, b'='));
    pairs.map(|(key, value)| (lossy(key), unquote(&lossy(value))))
}

/// The value of a shell assignment.
fn unquote(text: &str) -> String {
    if let Some(verbatim) = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        return verbatim.to_owned();
    }
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        out.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    out
}

/// IPv4 first, and of those the one that the host is reached by. A kernel without IPv6 has no `if_inet6`, and that is
/// no error; without routes the order is that of numbers.
fn ip_addresses(roots: &Roots, errors: &mut Vec<SourceError>) -> Vec<String> {
    let read = |file| ProcFile::first_of(roots.of_host(file)).read().map(<[u8]>::to_vec);
    let mut ipv4: Vec<_> = addresses::ipv4(&told(read("net/fib_trie"), errors)).into_iter().collect();
    let outward = addresses::outward_networks(&read("net/route").unwrap_or_default());
    ipv4.sort_by_key(|address| !addresses::is_in(*address, &outward));
    let inet6 = match read("net/if_inet6") {
        Err(SourceError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other,
    };
    let ipv6 = addresses::ipv6(&told(inet6, errors));
    ipv4.iter().map(ToString::to_string).chain(ipv6.iter().map(ToString::to_string)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_system() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(os_name(text.as_bytes()).as_deref(), expected, "{text}");
        };
        check(
            "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n",
            Some("Debian GNU/Linux 12 (bookworm)"),
        );
        check("PRETTY_NAME='Alpine Linux v3.20'\n", Some("Alpine Linux v3.20"));
        check("PRETTY_NAME=Void\n", Some("Void"));
        check("PRETTY_NAME=\"A \\\"quoted\\\" \\$name\"\n", Some("A \"quoted\" $name"));
        check("NAME=Slackware\n", Some("Slackware"));
        check("PRETTY_NAME=\"\"\n", None);
        check("# PRETTY_NAME\n", None);
    }

    #[test]
    fn what_is_missing_is_empty_and_told() {
        let dir = tempfile::tempdir().unwrap();
        let roots = Roots { procfs: dir.path().into(), sysfs: dir.path().into(), rootfs: dir.path().into() };
        let (info, errors) = static_info(&roots);
        assert_eq!(
            info,
            StaticInfo {
                architecture: info.architecture.clone(),
                figures_of: "host".to_owned(),
                ..StaticInfo::default()
            }
        );
        let told = errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        for file in ["fib_trie", "os-release", "osrelease", "cpuinfo", "stat", "meminfo"] {
            assert!(told.contains(file), "{file} is not in {told}");
        }
        assert!(!told.contains("if_inet6"), "{told}");
        assert!(hostname(&roots).is_err());
    }
}
