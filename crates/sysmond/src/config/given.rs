//! What the user typed, wherever: flag over environment over file over default, each with its origin.

use super::environment::{Environment, STATE_DIRECTORY};
use super::keys::{self, Form, KEYS, Key, Role};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// On the command line.
    Flag(&'static str),
    /// In the environment.
    Environment(&'static str),
    /// In the configuration file.
    File {
        /// The file.
        path: Arc<Path>,
        /// The line, from 1.
        line: usize,
    },
    /// Nowhere.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "flag --{name}"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// One setting as typed: one text, or several where the setting is a list or a table (`KEY=VALUE` each).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed {
    /// The texts.
    pub texts: Vec<String>,
    /// Where they were written.
    pub origin: Origin,
}

/// A flag as it was given: the setting and its texts.
pub type FlagValue = (&'static Key, Vec<String>);

/// All settings that somebody wrote anything for.
#[derive(Clone, Debug, Default)]
pub struct Given(BTreeMap<&'static str, Typed>);

impl Given {
    /// Lays the sources over each other; of a list or table the highest source counts as a whole.
    pub fn layer(flags: Vec<FlagValue>, environment: &Environment, file: Vec<(&'static Key, Typed)>) -> Self {
        let mut all: BTreeMap<_, _> = of_service(environment).into_iter().collect();
        all.extend(file.into_iter().map(|(key, typed)| (key.name, typed)));
        for key in KEYS {
            if let Some(text) = environment.text(key.env) {
                all.insert(
                    key.name,
                    Typed { texts: split(key, &text), origin: Origin::Environment(key.env) },
                );
            }
        }
        for (key, texts) in flags {
            let origin = Origin::Flag(key.flag.unwrap_or(key.name));
            all.insert(key.name, Typed { texts, origin });
        }
        Self(all)
    }

    /// What was typed for `key`, if anything.
    pub fn get(&self, key: &Key) -> Option<&Typed> {
        self.0.get(key.name)
    }

    /// What was typed, or else the default of `role`; `None` where that is nothing.
    pub fn or_default(&self, key: &Key, role: Role) -> Option<Typed> {
        let default =
            || key.default.text(role).map(|text| Typed { texts: split(key, text), origin: Origin::Default });
        self.get(key).cloned().or_else(default)
    }
}

/// What the service manager gives a service, which counts where nobody said anything else.
fn of_service(environment: &Environment) -> Option<(&'static str, Typed)> {
    let folder = environment.state_directory()?;
    Some((keys::DATA_DIR.name, Typed { texts: vec![folder], origin: Origin::Environment(STATE_DIRECTORY) }))
}

fn split(key: &Key, text: &str) -> Vec<String> {
    match key.form {
        Form::Text | Form::Number => vec![text.to_owned()],
        Form::List | Form::Table => {
            text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str, origin: Origin) -> Typed {
        Typed { texts: vec![text.to_owned()], origin }
    }

    fn file(text: &str) -> Vec<(&'static Key, Typed)> {
        vec![(&keys::INTERVAL, typed(text, Origin::File { path: Path::new("f").into(), line: 1 }))]
    }

    #[test]
    fn flag_beats_environment_beats_file_beats_default() {
        let check = |flag: Option<&str>, variable: Option<&str>, in_file: Option<&str>, expected: &str| {
            let flags = flag.map(|text| (&keys::INTERVAL, vec![text.to_owned()])).into_iter().collect();
            let environment = Environment::of(variable.map(|text| ("SYSMON_INTERVAL", text)));
            let given = Given::layer(flags, &environment, in_file.map(file).unwrap_or_default());
            let found = given.or_default(&keys::INTERVAL, Role::Agent).expect("it has a default");
            assert_eq!(format!("{} by {}", found.texts.join(" "), found.origin), expected);
        };
        check(Some("4s"), Some("3s"), Some("5s"), "4s by flag --interval");
        check(None, Some("3s"), Some("5s"), "3s by environment SYSMON_INTERVAL");
        check(None, Some(""), Some("5s"), "5s by f:1");
        check(None, None, Some("5s"), "5s by f:1");
        check(None, None, None, "2s by default");
    }

    #[test]
    fn a_service_s_folder_is_a_default() {
        let check = |variables: &[(&str, &str)], in_file: bool, expected: &str| {
            let line = Origin::File { path: Path::new("f").into(), line: 1 };
            let in_file = in_file.then(|| (&keys::DATA_DIR, typed("/file", line)));
            let environment = Environment::of(variables.iter().copied());
            let given = Given::layer(Vec::new(), &environment, in_file.into_iter().collect());
            let found = given.or_default(&keys::DATA_DIR, Role::Agent).expect("it has a default");
            assert_eq!(format!("{} by {}", found.texts.join(" "), found.origin), expected);
        };
        let state = (STATE_DIRECTORY, "/var/lib/sysmon:/var/lib/other");
        check(&[state], false, "/var/lib/sysmon by environment STATE_DIRECTORY");
        check(&[state], true, "/file by f:1");
        check(&[state, ("SYSMON_DATA_DIR", "/own")], true, "/own by environment SYSMON_DATA_DIR");
        check(&[], false, "~/.sysmon by default");
    }

    #[test]
    fn lists_in_the_environment_have_commas() {
        let environment = Environment::of([("SYSMON_TAG", "role=web, environment=test,")]);
        let given = Given::layer(Vec::new(), &environment, Vec::new());
        let texts = given.get(&keys::TAGS).map(|typed| typed.texts.clone());
        assert_eq!(texts, Some(vec!["role=web".to_owned(), "environment=test".to_owned()]));
    }
}
