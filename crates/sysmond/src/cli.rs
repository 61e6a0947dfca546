//! The command line. Settings are flags made from the table of keys, so that name, help and default stand
//! there alone; what is defined here is the commands.

use crate::config::docs;
use crate::config::given::FlagValue;
use crate::config::keys::{Form, KEYS, Key, Section};
use clap::builder::ValueParser;
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

#[derive(Debug, Parser)]
#[command(name = "sysmond", version, about = ABOUT, after_help = EXAMPLES, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

const ABOUT: &str = "System monitoring for one host or many, with a live dashboard. \
    Without a command this host is monitored, and the dashboard is on http://127.0.0.1:9000.";

const EXAMPLES: &str = "\
Examples:
  sysmond                                  monitor this host: http://127.0.0.1:9000
  sysmond aggregator                       receive from agents on port 9000 and show the fleet
  sysmond agent --aggregator http://monitor:9000 --token-file /etc/sysmon/token --tag role=web
  sysmond demo                             try a fleet of three on this machine
  sysmond sql \"SELECT hostname, status FROM hosts\"
  sysmond export --output all.csv          every row, for another program
  sysmond backup --output copy.db          a copy while it runs; `restore` puts it back
  sysmond check-config                     what counts, and where it was written

-h shows what is used most, --help everything. Each setting is also a variable and a key of the configuration file.
Exit status: 0 done, 1 failed, 2 wrong usage or configuration.";

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Collect on this host, keep its history, push it to an aggregator
    #[command(after_help = AGENT_EXAMPLES)]
    Agent {
        /// End when standard input ends: a parent's death closes it
        #[arg(long, hide = true)]
        exit_with_parent: bool,
    },
    /// Receive from agents, store, serve API and dashboard on port 9000
    ///
    /// Listens on every address of this machine unless --listen says otherwise.
    #[command(after_help = AGGREGATOR_EXAMPLES)]
    Aggregator {
        /// End when standard input ends: a parent's death closes it
        #[arg(long, hide = true)]
        exit_with_parent: bool,
    },
    /// Try a fleet: an aggregator and several agents on this machine
    ///
    /// Each agent has a name and tags of its own.
    #[command(after_help = DEMO_EXAMPLES)]
    Demo {
        /// Number of agents
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
        hosts: u16,
    },
    /// Ask the aggregator's database in SQL; nothing is changed
    ///
    /// Works whether the aggregator runs or not, and sees every sample that was acknowledged.
    #[command(after_help = SQL_EXAMPLES)]
    Sql {
        /// One statement over the tables hosts, metrics and processes; it may begin with a comment
        #[arg(allow_hyphen_values = true)]
        statement: String,
        /// Print an array of objects
        #[arg(long, conflicts_with = "csv")]
        json: bool,
        /// Print CSV as RFC 4180 describes it
        #[arg(long)]
        csv: bool,
        /// What the statement may take
        #[command(flatten)]
        limits: crate::sql::Limits,
    },
    /// Write the aggregator's rows as CSV, JSON lines or SQL
    ///
    /// Works whether the aggregator runs or not, in little memory.
    #[command(after_help = EXPORT_EXAMPLES)]
    Export(crate::export::Options),
    /// Copy a database, also while sysmond writes to it
    ///
    /// The copy has what was acknowledged before; it is whole, on disk and checked before it has its name.
    #[command(after_help = BACKUP_EXAMPLES)]
    Backup(crate::backup::BackupOptions),
    /// Put a backup in the place of a database, while sysmond is stopped
    ///
    /// The backup is read for damage first. The database that was there is kept beside it.
    #[command(after_help = RESTORE_EXAMPLES)]
    Restore(crate::backup::RestoreOptions),
    /// Have this host's agent deliver again all that it keeps, while it is stopped
    ///
    /// After its aggregator lost something, as a restored one lacks what came after the backup.
    #[command(after_help = REDELIVER_EXAMPLES)]
    Redeliver,
    /// Forget a host that is no more, with all that is kept of it
    ///
    /// In the aggregator's database, whether the aggregator runs or not.
    #[command(after_help = FORGET_EXAMPLES)]
    Forget {
        /// Its name, as `/api/hosts` and the dashboard have it
        host: String,
    },
    /// Print every setting that counts and whence, or all mistakes at once
    #[command(after_help = CHECK_CONFIG_EXAMPLES)]
    CheckConfig {
        /// The role to check for
        #[arg(value_enum, default_value = "standalone")]
        role: RoleName,
        /// Print the value of this setting alone, or nothing where it has none: for scripts
        #[arg(long, value_name = "KEY", value_parser = KEYS.iter().map(|key| key.name).collect::<Vec<_>>())]
        value: Option<String>,
    },
    /// Print completions for a shell
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page of the program or of one command, or write all
    #[command(
        after_help = "Examples:\n  sysmond man | man -l -\n  sysmond man agent | man -l -\n  sysmond man --output /usr/local/share/man/man1"
    )]
    Man {
        /// Write all pages into this folder
        #[arg(long, value_name = "DIR", conflicts_with = "command")]
        output: Option<PathBuf>,
        /// The command
        #[arg(value_parser = ["agent", "aggregator", "demo", "sql", "export", "backup", "restore", "redeliver", "forget", "check-config", "completions", "man"])]
        command: Option<String>,
    },
}

/// A role as it is named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum RoleName {
    /// Aggregator and agent in one process
    Standalone,
    /// The aggregator alone
    Aggregator,
    /// The agent alone
    Agent,
}

const AGENT_EXAMPLES: &str = "\
Examples:
  sysmond agent --aggregator http://monitor:9000 --token-file /etc/sysmon/token
  SYSMON_TOKEN=… sysmond agent --aggregator http://monitor:9000 --hostname web-server-01 \\
      --tag environment=production --tag role=web-server

The token is the aggregator's: it keeps it in DATA_DIR/token, by default ~/.sysmon/token.";

const AGGREGATOR_EXAMPLES: &str = "\
Examples:
  sysmond aggregator
  sysmond aggregator --listen 127.0.0.1:9000 --trusted-proxy 127.0.0.1 --allowed-host monitor.example.org

Agents need the token that the first start makes in DATA_DIR/token.";

const DEMO_EXAMPLES: &str = "\
Examples:
  sysmond demo
  sysmond demo --hosts 10 --listen 127.0.0.1:9100

All agents read this machine, so they show the same load. Their data are below DATA_DIR/demo. Ctrl-C ends all of them.";

const SQL_EXAMPLES: &str = "\
Examples:
  sysmond sql \"SELECT hostname, status FROM hosts\"
  sysmond sql \"SELECT host, AVG(value) FROM metrics WHERE metric_type = 'cpu.total_usage' GROUP BY host\"
  sysmond sql --csv \"SELECT * FROM metrics WHERE timestamp > current_timestamp - 300\" > last.csv

Tables: hosts(hostname, first_seen, last_seen, tags, version, platform, status)
        metrics(timestamp, metric_type, host, tags, value)
Times are Unix seconds, and so is current_timestamp.";

const EXPORT_EXAMPLES: &str = "\
Examples:
  sysmond export --output all.csv
  sysmond export --format jsonl --host web-server-01 --metric cpu.total_usage --from now-24h | gzip > cpu.jsonl.gz
  sysmond export --format sql --from 2026-02-01 --to 2026-03-01 --output february.sql
  sqlite3 february.db < february.sql

Rows come host by host and hour by hour. In a spreadsheet no text of CSV is a formula: one that looks like one has an
apostrophe before it. JSON lines have the names as they are.";

const BACKUP_EXAMPLES: &str = "\
Examples:
  sysmond backup --output /backup/aggregator.db
  sysmond backup --force --output /backup/aggregator.db       in a nightly job, over the copy of yesterday
  sysmond backup agent --output agent.db                      this host's own history

FILE has its name only once it is whole, on disk and checked; a backup that fails or is stopped leaves nothing of it.
It is a database as the other is: `sysmond restore FILE` puts it back. It has no token in it: keep DATA_DIR/token too.";

const RESTORE_EXAMPLES: &str = "\
Examples:
  sysmond restore /backup/aggregator.db
  sysmond restore agent.db agent

Stop sysmond before, start it again after. The database that was there stays beside it, as aggregator.db.before-restore-TIME.
What was stored after the backup was made is not in it.";

const CHECK_CONFIG_EXAMPLES: &str = "\
Examples:
  sysmond check-config                                what standalone would run on
  sysmond check-config agent --config /etc/sysmon/sysmon.toml
  sysmond check-config aggregator --value data_dir    one value, for a script

Exit status: 0 all is right, 2 something is wrong.";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  source <(sysmond completions bash)                          in this shell; in ~/.bashrc for all
  sysmond completions bash > ~/.local/share/bash-completion/completions/sysmond
  sysmond completions zsh > ~/.zfunc/_sysmond                 with fpath+=(~/.zfunc) before compinit in ~/.zshrc
  sysmond completions fish > ~/.config/fish/completions/sysmond.fish";

const REDELIVER_EXAMPLES: &str = "\
Example, on a monitored host, after the aggregator was restored from a backup:
  systemctl stop sysmond-agent
  runuser -u sysmon-agent -- sysmond redeliver --data-dir /var/lib/sysmon-agent
  systemctl start sysmond-agent

An agent keeps what it collected for 7 days or 256 MB (--retention, --max-disk). What the aggregator has already is found
and stored once.";

const FORGET_EXAMPLES: &str = "\
Examples:
  sysmond forget web-server-01
  runuser -u sysmon -- sysmond forget web-server-01 --data-dir /var/lib/sysmon

Stop its agent before: a host that is heard of again is known again. Without this a host that fell silent goes by itself
once its last summary is too old (--retention-10m).";

/// What the user asked for.
#[derive(Debug)]
pub struct Request {
    /// The command; standalone where there is none.
    pub command: Option<Command>,
    /// The settings that were flags.
    pub flags: Vec<FlagValue>,
    /// `--config`.
    pub config: Option<PathBuf>,
}

/// Reads the command line. An error knows its exit status and prints itself, `--help` and `--version` too.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Request, clap::Error> {
    let mut command = command();
    let matches = command.try_get_matches_from_mut(arguments)?;
    let cli = Cli::from_arg_matches(&matches)?;
    let inner = matches.subcommand().map(|(_, inner)| inner);
    if let (Some((name, _)), Some(flag)) = (matches.subcommand(), misplaced(&matches)) {
        let advice = format!("--{flag} stands before the command: write `sysmond {name} --{flag} …`");
        return Err(command.error(ErrorKind::ArgumentConflict, advice));
    }
    let matches = inner.unwrap_or(&matches);
    Ok(Request { command: cli.command, flags: flags(matches), config: matches.get_one("config").cloned() })
}

/// The whole command line, for parsing, completions and the manual page.
pub fn command() -> clap::Command {
    let config = Arg::new("config")
        .long("config")
        .value_name("FILE")
        .value_parser(clap::value_parser!(PathBuf))
        .global(true)
        .help("Configuration file to read instead of those in the usual places")
        .long_help(
            "Configuration file to read instead of those in the usual places\n\n\
             [default: ~/.config/sysmon/sysmon.toml, else /etc/sysmon/sysmon.toml] [env: SYSMON_CONFIG]",
        );
    let server = [Section::Store, Section::Aggregator];
    let agent = [Section::Store, Section::Agent];
    Cli::command()
        .arg(config)
        .args(args(&[Section::General, Section::Log]).map(|arg| arg.global(true)))
        .args(args(&[Section::Store, Section::Aggregator, Section::Agent]))
        .mut_subcommand("agent", |command| {
            // Of the server's settings, the one that its own listener has.
            let names = args(&[Section::Aggregator]).filter(|arg| arg.get_long() == Some("allowed-host"));
            command.args(args(&agent)).args(args(&[Section::AgentAlone])).args(names)
        })
        .mut_subcommand("aggregator", |command| command.args(args(&server)))
        .mut_subcommand("demo", |command| {
            let offered = ["listen", "addr-file", "interval", "push-interval"];
            command.args(
                args(&[Section::Aggregator, Section::Agent])
                    .filter(move |arg| arg.get_long().is_some_and(|long| offered.contains(&long))),
            )
        })
        .mut_subcommand("check-config", |command| {
            command.args(args(&[Section::Store, Section::Aggregator, Section::Agent, Section::AgentAlone]))
        })
}

fn args(sections: &[Section]) -> impl Iterator<Item = Arg> {
    KEYS.iter().filter(|key| sections.contains(&key.section)).filter_map(|key| arg(key))
}

fn arg(key: &'static Key) -> Option<Arg> {
    let repeated = matches!(key.form, Form::List | Form::Table);
    let help = if repeated { format!("{} (repeatable)", key.help) } else { key.help.to_owned() };
    let known: Option<ValueParser> = match key.name {
        "log.level" => Some(["off", "error", "warn", "info", "debug", "trace"].into()),
        "log.format" => Some(["text", "json"].into()),
        _ => None,
    };
    let arg = Arg::new(key.name)
        .long(key.flag?)
        .value_name(key.value)
        .value_parser(known.unwrap_or_else(ValueParser::string))
        // Of a flag given twice the last counts; lists keep all. Values are checked with those of the other
        // sources.
        .action(ArgAction::Append)
        .hide_short_help(!is_common(key))
        .help_heading(heading(key.section))
        .long_help(format!(
            "{help}\n\n[default: {}] [env: {}] [file: {}]",
            docs::default(key),
            key.env,
            key.name
        ))
        .help(help);
    Some(arg)
}

/// What a first look has to show: `-h` is one screen, `--help` everything.
fn is_common(key: &Key) -> bool {
    const COMMON: [&str; 12] = [
        "data_dir",
        "token_file",
        "max_disk",
        "retention",
        "aggregator.listen",
        "aggregator.allowed_hosts",
        "agent.aggregator",
        "agent.hostname",
        "agent.tags",
        "agent.interval",
        "agent.metrics_listen",
        "agent.processes",
    ];
    COMMON.contains(&key.name)
}

fn heading(section: Section) -> &'static str {
    match section {
        Section::General => "Everywhere",
        Section::Log => "Log",
        Section::Store => "Store and token",
        Section::Aggregator => "Server",
        Section::Agent | Section::AgentAlone => "Collecting and pushing",
    }
}

fn flags(matches: &ArgMatches) -> Vec<FlagValue> {
    let given = |key: &'static Key| {
        let texts = matches.try_get_many::<String>(key.name).ok().flatten()?;
        Some((key, texts.cloned().collect()))
    };
    KEYS.iter().filter_map(|key| given(key)).collect()
}

/// A standalone's flag before a command, where it would be lost.
fn misplaced(matches: &ArgMatches) -> Option<&'static str> {
    let own = KEYS.iter().filter(|key| !matches!(key.section, Section::General | Section::Log));
    own.filter(|key| matches!(matches.try_contains_id(key.name), Ok(true))).find_map(|key| key.flag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Request, clap::Error> {
        parse(line.split_whitespace().map(OsString::from))
    }

    fn given(line: &str) -> Vec<(&'static str, String)> {
        let request = parsed(line).expect("a right command line");
        request.flags.into_iter().map(|(key, texts)| (key.name, texts.join("+"))).collect()
    }

    #[test]
    fn the_definition_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn flags_are_found_in_every_command() {
        let check = |line, expected: &[(&'static str, &str)]| {
            let expected: Vec<_> = expected.iter().map(|(name, text)| (*name, (*text).to_owned())).collect();
            assert_eq!(given(line), expected, "{line}");
        };
        check("sysmond", &[]);
        check(
            "sysmond --listen 1.2.3.4:5 --interval 3s",
            &[("aggregator.listen", "1.2.3.4:5"), ("agent.interval", "3s")],
        );
        check(
            "sysmond --data-dir /x agent --aggregator http://a",
            &[("data_dir", "/x"), ("agent.aggregator", "http://a")],
        );
        check("sysmond agent --tag a=b --tag c=d", &[("agent.tags", "a=b+c=d")]);
        check(
            "sysmond aggregator --allowed-host a --log-level debug",
            &[("log.level", "debug"), ("aggregator.allowed_hosts", "a")],
        );
        check("sysmond demo --hosts 2 --listen 127.0.0.1:0", &[("aggregator.listen", "127.0.0.1:0")]);
    }

    #[test]
    fn every_flag_of_the_table_is_somewhere() {
        for key in KEYS {
            let Some(flag) = key.flag else { continue };
            let check = command();
            let inside =
                |command: &clap::Command| command.get_arguments().any(|arg| arg.get_long() == Some(flag));
            assert!(inside(&check) || check.get_subcommands().any(inside), "--{flag}");
        }
    }

    #[test]
    fn wrong_usage_is_exit_status_2() {
        let check =
            |line, expected| assert_eq!(parsed(line).expect_err(line).exit_code(), expected, "{line}");
        check("sysmond --no-such-flag", 2);
        check("sysmond no-such-command", 2);
        check("sysmond --listen 127.0.0.1:0 agent", 2);
        check("sysmond sql", 2);
        check("sysmond sql --json --csv x", 2);
        check("sysmond demo --hosts 0", 2);
        check("sysmond --token secret", 2);
        check("sysmond --log-level loud", 2);
        check("sysmond --help", 0);
        check("sysmond agent --help", 0);
        check("sysmond --version", 0);
    }

    #[test]
    fn every_command_has_a_manual_page() {
        for name in command().get_subcommands().map(clap::Command::get_name) {
            assert!(parsed(&format!("sysmond man {name}")).is_ok(), "{name}");
        }
    }

    #[test]
    fn help_teaches() {
        let help = parsed("sysmond agent --help").expect_err("help").to_string();
        for word in ["Examples:", "SYSMON_INTERVAL", "[default: ", "--aggregator <URL>", "--tag <KEY=VALUE>"]
        {
            assert!(help.contains(word), "{word}\n{help}");
        }
    }
}
