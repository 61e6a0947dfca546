//! The command line. Settings are flags made from the table of keys, so that name, help and default stand
//! there alone; what is defined here is the commands.

use crate::config::docs;
use crate::config::given::FlagValue;
use crate::config::keys::{Form, KEYS, Key, Role, Section};
use crate::examples;
use clap::builder::ValueParser;
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;

#[derive(Debug, Parser)]
#[command(name = "sysmond", version, about = ABOUT, after_help = examples::PROGRAM)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

/// The commands that have a manual page.
const COMMANDS: [&str; 13] = [
    "agent",
    "aggregator",
    "demo",
    "sql",
    "export",
    "backup",
    "restore",
    "redeliver",
    "forget",
    "health",
    "check-config",
    "completions",
    "man",
];

const ABOUT: &str = "System monitoring for one host or many, with a live dashboard. \
    Without a command this host is monitored, and the dashboard is on http://127.0.0.1:9000.";

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Collect on this host, keep its history, push it to an aggregator
    #[command(after_help = examples::AGENT)]
    Agent {
        /// End when standard input ends: a parent's death closes it
        #[arg(long, hide = true)]
        exit_with_parent: bool,
    },
    /// Receive from agents, store, serve API and dashboard on port 9000
    ///
    /// Listens on every address of this machine unless --listen says otherwise.
    #[command(after_help = examples::AGGREGATOR)]
    Aggregator {
        /// End when standard input ends: a parent's death closes it
        #[arg(long, hide = true)]
        exit_with_parent: bool,
    },
    /// Try a fleet: an aggregator and several agents on this machine
    ///
    /// Each agent has a name and tags of its own.
    #[command(after_help = examples::DEMO)]
    Demo {
        /// Number of agents
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
        hosts: u16,
    },
    /// Ask the aggregator's database in SQL; nothing is changed
    ///
    /// Works whether the aggregator runs or not, and sees every sample that was acknowledged.
    #[command(after_help = examples::SQL)]
    Sql {
        /// Statements over the tables hosts, metrics and processes, one or several; `-` or none: from standard input
        #[arg(allow_hyphen_values = true)]
        statement: Option<String>,
        /// Print an array of objects for each statement
        #[arg(long, conflicts_with = "csv")]
        json: bool,
        /// Print CSV as RFC 4180 describes it
        #[arg(long)]
        csv: bool,
        /// What the statements may take together
        #[command(flatten)]
        limits: crate::sql::Limits,
    },
    /// Write the aggregator's rows as CSV, JSON lines or SQL
    ///
    /// Works whether the aggregator runs or not, in little memory.
    #[command(after_help = examples::EXPORT)]
    Export(crate::export::Options),
    /// Copy a database, also while sysmond writes to it
    ///
    /// The copy has what was acknowledged before; it is whole, on disk and checked before it has its name.
    #[command(after_help = examples::BACKUP)]
    Backup(crate::backup::BackupOptions),
    /// Put a backup in the place of a database, while sysmond is stopped
    ///
    /// The backup is read for damage first: its structure, and the checksums of all that was measured. The database
    /// that was there is kept beside it.
    #[command(after_help = examples::RESTORE)]
    Restore(crate::backup::RestoreOptions),
    /// Have this host's agent deliver again all that it keeps, while it is stopped
    ///
    /// After its aggregator lost something, as a restored one lacks what came after the backup.
    #[command(after_help = examples::REDELIVER)]
    Redeliver,
    /// Forget a host that is no more, with all that is kept of it
    ///
    /// In the aggregator's database, whether the aggregator runs or not.
    #[command(after_help = examples::FORGET)]
    Forget {
        /// Its name, as `/api/hosts` and the dashboard have it
        host: String,
    },
    /// Ask the server of these settings whether it is well
    ///
    /// For health checks: it has to answer that it serves and can store. Says why where it does not.
    #[command(after_help = examples::HEALTH)]
    Health,
    /// Print every setting that counts and whence, or all mistakes at once
    #[command(after_help = examples::CHECK_CONFIG)]
    CheckConfig {
        /// The role to check for
        #[arg(value_enum, default_value = "standalone")]
        role: RoleName,
        /// Print the value of this setting alone, or nothing where it has none: for scripts
        #[arg(long, value_name = "KEY", value_parser = KEYS.iter().map(|key| key.name).collect::<Vec<_>>())]
        value: Option<String>,
    },
    /// Print completions for a shell
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page of the program or of one command, or write all
    #[command(after_help = examples::MAN)]
    Man {
        /// Write all pages into this folder
        #[arg(long, value_name = "DIR", conflicts_with = "command")]
        output: Option<PathBuf>,
        /// The command
        #[arg(value_parser = COMMANDS)]
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
    if matches!(cli.command, Some(Command::Sql { statement: None, .. })) && std::io::stdin().is_terminal() {
        let advice = "no statement: give one as an argument, or write some to standard input";
        return Err(command.error(ErrorKind::MissingRequiredArgument, advice));
    }
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
            let names = only(&[Section::Aggregator], &["allowed-host"]);
            command.args(args(&agent)).args(args(&[Section::AgentAlone])).args(names)
        })
        .mut_subcommand("aggregator", |command| command.args(args(&server)))
        .mut_subcommand("demo", |command| {
            let offered = ["listen", "addr-file", "interval", "push-interval"];
            command.args(only(&[Section::Aggregator, Section::Agent], &offered).map(of_demo))
        })
        .mut_subcommand("health", |command| {
            command.args(only(&[Section::Aggregator], &["listen", "addr-file"]))
        })
        .mut_subcommand("check-config", |command| {
            command.args(args(&[Section::Store, Section::Aggregator, Section::Agent, Section::AgentAlone]))
        })
}

fn args(sections: &[Section]) -> impl Iterator<Item = Arg> {
    KEYS.iter().filter(|key| sections.contains(&key.section)).filter_map(|key| arg(key))
}

/// Of the flags of these sections, those that a command takes.
fn only(sections: &[Section], offered: &[&str]) -> impl Iterator<Item = Arg> {
    args(sections).filter(|arg| arg.get_long().is_some_and(|long| offered.contains(&long)))
}

/// A flag with the demo's own default, where roles differ in it: its settings are read as an agent's.
fn of_demo(arg: Arg) -> Arg {
    let key = KEYS.iter().find(|key| arg.get_id() == key.name);
    match key.and_then(|key| Some((key, key.default.text(Role::Agent)?))) {
        Some((key, text)) => arg.long_help(long_help(key, &format!("`{text}`"))),
        None => arg,
    }
}

fn help(key: &Key) -> String {
    let repeated = matches!(key.form, Form::List | Form::Table);
    if repeated { format!("{} (repeatable)", key.help) } else { key.help.to_owned() }
}

fn long_help(key: &Key, default: &str) -> String {
    format!("{}\n\n[default: {default}] [env: {}] [file: {}]", help(key), key.env, key.name)
}

fn arg(key: &'static Key) -> Option<Arg> {
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
        .long_help(long_help(key, &docs::default(key)))
        .help(help(key));
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
    use std::collections::BTreeSet;

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
        check("sysmond sql --json --csv x", 2);
        check("sysmond demo --hosts 0", 2);
        check("sysmond --token secret", 2);
        check("sysmond --log-level loud", 2);
        check("sysmond help", 0);
        check("sysmond help agent", 0);
        check("sysmond help no-such-command", 2);
        check("sysmond --help", 0);
        check("sysmond agent --help", 0);
        check("sysmond --version", 0);
    }

    #[test]
    fn every_command_has_a_manual_page() {
        let command = command();
        let names: BTreeSet<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
        assert_eq!(names, BTreeSet::from(COMMANDS));
    }

    #[test]
    fn what_stands_behind_help_is_not_wrapped() {
        let command = command();
        for one in std::iter::once(&command).chain(command.get_subcommands()) {
            let text = one.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(text.starts_with("Example"), "{}", one.get_name());
            let long: Vec<_> = text.lines().filter(|line| line.chars().count() > 80).collect();
            assert!(long.is_empty(), "{}: {long:#?}", one.get_name());
        }
    }

    #[test]
    fn the_demos_help_has_its_own_defaults() {
        let help = parsed("sysmond demo --help").expect_err("help").to_string();
        assert!(help.contains("[default: `127.0.0.1:9000`]") && !help.contains("standalone `"), "{help}");
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
