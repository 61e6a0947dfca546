//! The only place that reads the process's environment.

use crate::systemd::Service;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// Those that are everybody's, and those that systemd sets for a service.
const OTHERS: [&str; 8] = [
    "HOME",
    "XDG_CONFIG_HOME",
    "NO_COLOR",
    STATE_DIRECTORY,
    CREDENTIALS_DIRECTORY,
    NOTIFY_SOCKET,
    WATCHDOG_USEC,
    WATCHDOG_PID,
];
/// The folder that a service may keep things in; several are separated by colons.
pub const STATE_DIRECTORY: &str = "STATE_DIRECTORY";
/// The folder of the secrets that a service was given.
pub const CREDENTIALS_DIRECTORY: &str = "CREDENTIALS_DIRECTORY";
const NOTIFY_SOCKET: &str = "NOTIFY_SOCKET";
const WATCHDOG_USEC: &str = "WATCHDOG_USEC";
const WATCHDOG_PID: &str = "WATCHDOG_PID";

/// The variables that matter: `SYSMON_…`, and those that systemd sets. Tests make their own.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: BTreeMap<String, OsString>,
}

impl Environment {
    /// The process's own.
    pub fn of_process() -> Self {
        let variables =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        Self { variables: variables.filter(|(name, _)| is_ours(name)).collect() }
    }

    /// An environment of these variables alone.
    pub fn of<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self {
            variables: variables.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect(),
        }
    }

    /// The names of those that are set, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }

    /// A variable's text. One that is set but empty counts as unset, as scripts expect of `VAR= command`.
    pub fn text(&self, name: &str) -> Option<String> {
        let value = self.variables.get(name)?;
        (!value.is_empty()).then(|| value.to_string_lossy().into_owned())
    }

    /// A variable that names a folder.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        let value = self.variables.get(name)?;
        (!value.is_empty()).then(|| PathBuf::from(value))
    }

    /// The user's home.
    pub fn home(&self) -> Option<PathBuf> {
        self.path("HOME")
    }

    /// The folder that the service manager made for this service.
    pub fn state_directory(&self) -> Option<String> {
        self.text(STATE_DIRECTORY)?.split(':').next().map(str::to_owned)
    }

    /// The service manager that waits for word of this process, and how often; nothing where none does, or where what
    /// it says of itself is no address.
    pub fn service(&self) -> Option<Service> {
        let socket = self.path(NOTIFY_SOCKET)?;
        let service = Service::new(&socket, self.watchdog(std::process::id()));
        service.inspect_err(|error| tracing::warn!(%error, "NOTIFY_SOCKET cannot be used")).ok()
    }

    fn watchdog(&self, process: u32) -> Option<Duration> {
        let microseconds = self.text(WATCHDOG_USEC)?.parse().ok().filter(|&microseconds| microseconds > 0)?;
        // Set for another process, it came to this one by inheritance.
        let is_ours = self.text(WATCHDOG_PID).is_none_or(|id| id.parse() == Ok(process));
        is_ours.then(|| Duration::from_micros(microseconds))
    }

    /// Whether the user asked for output without colours (`NO_COLOR`, any value but empty).
    pub fn no_color(&self) -> bool {
        self.path("NO_COLOR").is_some()
    }
}

fn is_ours(name: &str) -> bool {
    name.starts_with("SYSMON_") || OTHERS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watchdog_counts_for_its_own_process_alone() {
        let check = |variables: &[(&str, &str)], expected: Option<u64>| {
            let environment = Environment::of(variables.iter().copied());
            assert_eq!(environment.watchdog(7), expected.map(Duration::from_secs), "{variables:?}");
        };
        check(&[], None);
        check(&[(WATCHDOG_USEC, "60000000")], Some(60));
        check(&[(WATCHDOG_USEC, "60000000"), (WATCHDOG_PID, "7")], Some(60));
        check(&[(WATCHDOG_USEC, "60000000"), (WATCHDOG_PID, "8")], None);
        check(&[(WATCHDOG_USEC, "0")], None);
        check(&[(WATCHDOG_USEC, "soon")], None);
    }
}
