//! `docs/config.md` and the example file, from the table of keys.

use super::keys::{Default, Form, KEYS, Key};
use std::fmt::Write;

const HEAD: &str = "\
# Settings

<!-- Made from crates/sysmond/src/config/keys.rs by its test: change it there. -->

Each setting is a key of the configuration file, an environment variable, and for most a flag. A flag counts before the
environment, the environment before the file, the file before the default; of a list or a table the first of them counts
as a whole. A variable that is set but empty counts as unset.

The file is TOML: the one that `--config FILE` or `SYSMON_CONFIG` names, else `$XDG_CONFIG_HOME/sysmon/sysmon.toml`
(`~/.config/sysmon/sysmon.toml`), else `/etc/sysmon/sysmon.toml`, where present. `sysmond check-config` prints what counts and
where it was written, or all mistakes at once. An example is in `deploy/config/sysmon.toml`.

Durations are a whole number and a unit: `500ms`, `2s`, `10m`, `6h`, `15d`, `2w`. Sizes likewise: `256MB` and `10GB` are
decimal, `256MiB` and `10GiB` binary.
";

const TAIL: &str = "
## The token

Agents show a token to the aggregator. It has no default: the aggregator makes one of 32 random bytes at its first start, in
`DATA_DIR/token` with mode 0600. Copy that file to each agent's host and name it with `token_file`, or put the token into the
variable `SYSMON_TOKEN`. There is no flag for it, since a command line is seen by everybody on the machine. The token of the
documentation's examples, one with less than 16 characters, and a file that others may read are refused. `--token-file`
counts before `SYSMON_TOKEN`, which counts before `SYSMON_TOKEN_FILE` and the file's key, which count before the credential
`token` of a systemd service.

## As a service

Under systemd the data folder is that of `StateDirectory=` (`$STATE_DIRECTORY`) and the token the credential `token`
(`LoadCredential=token:FILE`, found in `$CREDENTIALS_DIRECTORY`), unless a setting says otherwise. With `Type=notify`
(`$NOTIFY_SOCKET`) the service is ready once requests are served or, an agent, once its first reading is stored;
`systemctl status` shows how it goes on, and `WatchdogSec=` is heeded.

Both services of a package read `/etc/sysmon/sysmon.toml`, so what stands there before the first section, and in `[log]`, counts for
an aggregator and an agent on one host alike. Variables for one of them are in `/etc/default/sysmond-aggregator` and
`/etc/default/sysmond-agent`, and count before the file.

## The logs

The error log is everything but requests; it goes to standard error, or to `log.file`. The access log has one line for each
request, under the module `sysmond::access`; it goes to `log.access_file`, or nowhere. To see requests on standard error,
give that module a level: `\"sysmond::access\" = \"info\"` in `[log.levels]`.

A file is rotated before a line that would make it larger than `log.max_size`, and where its first line is older than
`log.max_age`: `sysmond.log` becomes `sysmond.log.1`, that one `sysmond.log.2`, and so on to `log.keep`. A restart goes on
with the file and its age. On `SIGHUP` the files are opened again, for those who rotate with other tools; without a log file
`SIGHUP` ends the program, as closing a terminal should. A full disk loses lines, which are counted in the log later, and
stops nothing.
";

/// The page of all settings.
pub fn page() -> String {
    let mut out = HEAD.to_owned();
    let mut section = None;
    for key in KEYS {
        let own = section_of(key);
        if section != Some(own) {
            section = Some(own);
            out.push_str(&heading(own));
        }
        out.push_str(&row(key));
    }
    out + TAIL
}

fn section_of(key: &Key) -> &'static str {
    key.name.split_once('.').map_or("", |(section, _)| section)
}

fn heading(section: &str) -> String {
    let title = if section.is_empty() { "At the top".to_owned() } else { format!("`[{section}]`") };
    format!("\n## {title}\n\n| key | flag, environment | default | |\n|---|---|---|---|\n")
}

fn row(key: &Key) -> String {
    let name = key.name.rsplit_once('.').map_or(key.name, |(_, last)| last);
    let flag = key.flag.map(|flag| format!("`--{flag} {}`, ", key.value)).unwrap_or_default();
    format!("| `{name}` | {flag}`{}` | {} | {} |\n", key.env, default(key), key.help)
}

/// The default in words.
pub fn default(key: &Key) -> String {
    match key.default {
        Default::Unset(meaning) => meaning.to_owned(),
        Default::Value(text) => format!("`{text}`"),
        Default::ByRole { standalone, aggregator, agent } => {
            let mut words = format!("standalone `{standalone}`");
            for (role, text) in [("aggregator", aggregator), ("agent", agent)] {
                // The other role's value is of no interest where it never reads the setting.
                if !key.name.starts_with(if role == "agent" { "aggregator." } else { "agent." }) {
                    write!(words, ", {role} `{text}`").expect("writing to a String does not fail");
                }
            }
            words
        }
    }
}

/// The example file; `setting` is given each line that sets something, commented out as `#= …`.
pub fn example(setting: impl Fn(&str) -> String) -> String {
    let mut out = String::from(
        "# sysmon's configuration: every setting, each commented out, with a value that differs from its default.\n\
         # Made from crates/sysmond/src/config/keys.rs by its test. `sysmond check-config` says what counts.\n\
         #\n\
         # The services of a package, aggregator and agent, both read this file: what stands before the first section and in\n\
         # [log] counts for both of them. Where they are to differ on one host, give one of them a variable, which counts\n\
         # before this file: SYSMON_MAX_DISK=1GB in /etc/default/sysmond-agent, or in /etc/default/sysmond-aggregator.\n\
         # Leave data_dir to them: each has a folder of its own.\n",
    );
    let mut section = "";
    // A table's own heading must come after the plain keys of its section.
    let (tables, plain): (Vec<_>, Vec<_>) = KEYS.iter().partition(|key| key.form == Form::Table);
    for key in plain {
        if section_of(key) != section {
            section = section_of(key);
            write!(out, "\n[{section}]\n").expect("writing to a String does not fail");
        }
        out.push_str(&entry(key, &setting));
    }
    for key in tables {
        out.push_str(&entry(key, &setting));
    }
    out
}

fn entry(key: &Key, setting: &impl Fn(&str) -> String) -> String {
    let name = key.name.rsplit_once('.').map_or(key.name, |(_, last)| last);
    let line = match key.form {
        Form::Text => format!("{name} = \"{}\"", key.example),
        Form::Number => format!("{name} = {}", key.example),
        Form::List => format!("{name} = [{}]", key.example),
        Form::Table => key.example.to_owned(),
    };
    let head = if key.form == Form::Table { format!("[{}]\n", key.name) } else { String::new() };
    format!(
        "\n# {}.\n# Default: {}. Environment: {}.\n{head}{}\n",
        key.help,
        default(key),
        key.env,
        setting(&format!("#= {line}"))
    )
}

#[cfg(test)]
mod tests {
    use super::super::keys::TOKEN_ENV;
    use super::*;
    use std::path::Path;

    /// A generated file that is stale is written anew, and the test fails once so that nobody misses it.
    fn check(path: &str, expected: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        if found != expected {
            std::fs::create_dir_all(path.parent().expect("it has one")).expect("a writable checkout");
            std::fs::write(&path, expected).expect("a writable checkout");
            panic!("{} was stale and is written anew: look at it and commit it", path.display());
        }
    }

    #[test]
    fn the_page_is_current() {
        check("docs/config.md", &page());
    }

    #[test]
    fn the_example_is_current() {
        check("deploy/config/sysmon.toml", &example(|line| line.replacen("#= ", "#", 1)));
    }

    #[test]
    fn the_page_names_every_setting() {
        let page = page();
        for key in KEYS {
            assert!(page.contains(key.env) && page.contains(key.help), "{}", key.name);
        }
        assert!(page.contains(TOKEN_ENV));
    }
}
