//! The only place that reads the process's environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// The variables that matter: `SYSMON_…`, `HOME`, `XDG_CONFIG_HOME`, `NO_COLOR`. Tests make their own.
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

    /// Whether the user asked for output without colours (`NO_COLOR`, any value but empty).
    pub fn no_color(&self) -> bool {
        self.path("NO_COLOR").is_some()
    }
}

fn is_ours(name: &str) -> bool {
    name.starts_with("SYSMON_") || matches!(name, "HOME" | "XDG_CONFIG_HOME" | "NO_COLOR")
}
