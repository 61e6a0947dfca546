//! Variables that are none of ours and look like one: without a word a wrong letter would leave the default.

use super::environment::Environment;
use super::file::{edits, most_edits};
use super::keys::{CONFIG_ENV, KEYS, TOKEN_ENV};
use std::fmt;

/// What all of ours begin with.
const PREFIX: &str = "SYSMON_";

/// A variable that is set and that nothing reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misspelt {
    name: String,
    nearest: &'static str,
}

impl fmt::Display for Misspelt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no variable {}, did you mean {}?", self.name.escape_debug(), self.nearest)
    }
}

/// Those of `environment`, by name. What is near to none of ours is another's: container platforms set
/// `SYSMON_SERVICE_HOST` and the like.
pub fn misspelt(environment: &Environment) -> Vec<Misspelt> {
    let unknown = environment.names().filter(|name| !known().any(|ours| ours == *name));
    let near = |name: &str| {
        let rest = name.strip_prefix(PREFIX)?;
        let distance = |ours: &&str| edits(rest, ours.trim_start_matches(PREFIX));
        known().min_by_key(distance).filter(|ours| distance(ours) <= most_edits(rest))
    };
    unknown.filter_map(|name| Some(Misspelt { name: name.to_owned(), nearest: near(name)? })).collect()
}

fn known() -> impl Iterator<Item = &'static str> {
    KEYS.iter().map(|key| key.env).chain([TOKEN_ENV, CONFIG_ENV])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_letter_is_told_and_what_is_anothers_is_not() {
        let check = |name: &str, expected: Option<&str>| {
            let found = misspelt(&Environment::of([(name, "x")]));
            assert_eq!(found.first().map(|one| one.nearest), expected, "{name}");
        };
        check("SYSMON_INTERVALL", Some("SYSMON_INTERVAL"));
        check("SYSMON_PUSH_INTERVALS", Some("SYSMON_PUSH_INTERVAL"));
        check("SYSMON_TOKN", Some("SYSMON_TOKEN"));
        check("SYSMON_CONFG", Some("SYSMON_CONFIG"));
        check("SYSMON_DATADIR", Some("SYSMON_DATA_DIR"));
        for ours in known() {
            check(ours, None);
        }
        let platforms = [
            "SYSMON_SERVICE_HOST",
            "SYSMON_SERVICE_PORT",
            "SYSMON_SERVICE_PORT_HTTP",
            "SYSMON_PORT",
            "SYSMON_PORT_9000_TCP",
            "SYSMON_PORT_9000_TCP_ADDR",
            "SYSMON_PORT_9000_TCP_PROTO",
            "SYSMON_AGGREGATOR_SERVICE_HOST",
            "SYSMON_AGENT_PORT",
            "SYSMON_VERSION",
            "SYSMON_IMAGE",
            "SYSMON_",
        ];
        for name in platforms {
            check(name, None);
        }
    }
}
