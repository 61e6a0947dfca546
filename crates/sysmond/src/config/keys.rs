//! The table of all settings: name, flag, environment, default and help of each, once.
//!
//! The command line, `check-config`, `docs/config.md` and the example file are made from it.

/// What runs, as far as settings differ by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Aggregator and agent in one process.
    Standalone,
    /// The aggregator alone.
    Aggregator,
    /// The agent alone.
    Agent,
}

impl Role {
    /// Whether this host is collected.
    pub fn runs_agent(self) -> bool {
        self != Self::Aggregator
    }
}

/// Whose setting a key is, and its section in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Every command's.
    General,
    /// Every role's that keeps a store.
    Store,
    /// The log's.
    Log,
    /// The aggregator's, and so standalone's.
    Aggregator,
    /// The agent's, and so standalone's.
    Agent,
    /// The agent's alone: in standalone there is nothing to choose.
    AgentAlone,
}

/// What a setting is without anybody saying.
#[derive(Clone, Copy, Debug)]
pub enum Default {
    /// Nothing, and that has the meaning given here.
    Unset(&'static str),
    /// One value.
    Value(&'static str),
    /// A value for standalone, and another for the role alone.
    ByRole {
        /// In standalone.
        standalone: &'static str,
        /// In the aggregator alone.
        aggregator: &'static str,
        /// In the agent alone.
        agent: &'static str,
    },
}

impl Default {
    /// The text that is parsed where nobody says anything.
    pub fn text(self, role: Role) -> Option<&'static str> {
        match (self, role) {
            (Self::Unset(_), _) => None,
            (Self::Value(text), _)
            | (Self::ByRole { standalone: text, .. }, Role::Standalone)
            | (Self::ByRole { aggregator: text, .. }, Role::Aggregator)
            | (Self::ByRole { agent: text, .. }, Role::Agent) => Some(text),
        }
    }
}

/// How a key looks in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One string.
    Text,
    /// A whole number.
    Number,
    /// A list of strings; the flag may be repeated, the environment separates by commas.
    List,
    /// A table of strings; as flag and in the environment `KEY=VALUE`.
    Table,
}

/// One setting.
#[derive(Debug)]
pub struct Key {
    /// Its dotted name in the file.
    pub name: &'static str,
    /// Its flag without the dashes.
    pub flag: Option<&'static str>,
    /// Its environment variable.
    pub env: &'static str,
    /// Whose it is.
    pub section: Section,
    /// How it looks in the file.
    pub form: Form,
    /// What its value is, for people: `ADDR:PORT`.
    pub value: &'static str,
    /// Its default.
    pub default: Default,
    /// A value to show in the example file.
    pub example: &'static str,
    /// One sentence on what it does.
    pub help: &'static str,
}

macro_rules! keys {
    ($($(#[$doc:meta])* $id:ident = $key:expr;)*) => {
        $($(#[$doc])* pub const $id: Key = $key;)*

        /// All settings, in the order people read them.
        pub const KEYS: &[&Key] = &[$(&$id),*];
    };
}

keys! {
    /// Where everything is kept.
    DATA_DIR = Key {
        name: "data_dir", flag: Some("data-dir"), env: "SYSMON_DATA_DIR", section: Section::General, form: Form::Text,
        value: "DIR", default: Default::Value("~/.sysmon"), example: "/var/lib/sysmon",
        help: "Folder of the databases and of the token; made with mode 0700 where it is missing",
    };
    /// Where the token is.
    TOKEN_FILE = Key {
        name: "token_file", flag: Some("token-file"), env: "SYSMON_TOKEN_FILE", section: Section::Store, form: Form::Text,
        value: "FILE", default: Default::Unset("SYSMON_TOKEN, else DATA_DIR/token, made at the aggregator's first start"),
        example: "/etc/sysmon/token",
        help: "File with the token that agents show to the aggregator; nobody else may be able to read it",
    };
    /// How long samples are kept.
    RETENTION = Key {
        name: "retention", flag: Some("retention"), env: "SYSMON_RETENTION", section: Section::Store, form: Form::Text,
        value: "DURATION", default: Default::ByRole { standalone: "15d", aggregator: "15d", agent: "7d" }, example: "30d",
        help: "Samples older than this are removed (standalone: from the aggregator's database)",
    };
    /// How long summaries by minutes are kept.
    RETENTION_1M = Key {
        name: "retention_1m", flag: Some("retention-1m"), env: "SYSMON_RETENTION_1M", section: Section::Store,
        form: Form::Text, value: "DURATION", default: Default::Value("90d"), example: "180d",
        help: "Minima, averages and maxima by minutes are kept for this long, and at least for as long as samples",
    };
    /// How long summaries by ten minutes are kept.
    RETENTION_10M = Key {
        name: "retention_10m", flag: Some("retention-10m"), env: "SYSMON_RETENTION_10M", section: Section::Store,
        form: Form::Text, value: "DURATION", default: Default::Value("730d"), example: "3650d",
        help: "The same by ten minutes, kept for at least as long as those by minutes",
    };
    /// How large the database may become.
    MAX_DISK = Key {
        name: "max_disk", flag: Some("max-disk"), env: "SYSMON_MAX_DISK", section: Section::Store, form: Form::Text,
        value: "SIZE", default: Default::ByRole { standalone: "10GB", aggregator: "10GB", agent: "256MB" }, example: "20GB",
        help: "Largest size of the database with its log; beyond it the oldest samples go first (standalone: the aggregator's)",
    };
    /// How much is logged.
    LOG_LEVEL = Key {
        name: "log.level", flag: Some("log-level"), env: "SYSMON_LOG_LEVEL", section: Section::Log, form: Form::Text,
        value: "LEVEL", default: Default::Value("info"), example: "debug",
        help: "Least level that is logged: off, error, warn, info, debug or trace",
    };
    /// Text or JSON.
    LOG_FORMAT = Key {
        name: "log.format", flag: Some("log-format"), env: "SYSMON_LOG_FORMAT", section: Section::Log, form: Form::Text,
        value: "FORMAT", default: Default::Value("text"), example: "json",
        help: "How a log line is written: text or json",
    };
    /// The error log.
    LOG_FILE = Key {
        name: "log.file", flag: Some("log-file"), env: "SYSMON_LOG_FILE", section: Section::Log, form: Form::Text,
        value: "FILE", default: Default::Unset("standard error"), example: "/var/log/sysmon/sysmond.log",
        help: "Log to this file instead of standard error; it is rotated",
    };
    /// The access log.
    LOG_ACCESS_FILE = Key {
        name: "log.access_file", flag: Some("access-log-file"), env: "SYSMON_LOG_ACCESS_FILE", section: Section::Log,
        form: Form::Text, value: "FILE", default: Default::Unset("none"), example: "/var/log/sysmon/access.log",
        help: "Write one line for each HTTP request to this file, apart from the rest; it is rotated",
    };
    /// When a log file is full.
    LOG_MAX_SIZE = Key {
        name: "log.max_size", flag: None, env: "SYSMON_LOG_MAX_SIZE", section: Section::Log, form: Form::Text,
        value: "SIZE", default: Default::Value("10MB"), example: "50MB",
        help: "A log file that would become larger is rotated (at least 1KB)",
    };
    /// When a log file is old.
    LOG_MAX_AGE = Key {
        name: "log.max_age", flag: None, env: "SYSMON_LOG_MAX_AGE", section: Section::Log, form: Form::Text,
        value: "DURATION", default: Default::Value("7d"), example: "1d",
        help: "A log file whose first line is older is rotated (1m to 3650d)",
    };
    /// How many old log files stay.
    LOG_KEEP = Key {
        name: "log.keep", flag: None, env: "SYSMON_LOG_KEEP", section: Section::Log, form: Form::Number,
        value: "NUMBER", default: Default::Value("5"), example: "10",
        help: "Rotated files kept of each log: FILE.1 is the newest (0 to 1000)",
    };
    /// Levels by module.
    LOG_LEVELS = Key {
        name: "log.levels", flag: None, env: "SYSMON_LOG_LEVELS", section: Section::Log, form: Form::Table,
        value: "MODULE=LEVEL", default: Default::Unset("none"), example: "\"sysmond::agent\" = \"debug\"",
        help: "Levels of single modules; \"sysmond::access\" is the access log, which is off unless it has a file or a level here",
    };
    /// Where the aggregator listens.
    LISTEN = Key {
        name: "aggregator.listen", flag: Some("listen"), env: "SYSMON_LISTEN", section: Section::Aggregator,
        form: Form::Text, value: "ADDR:PORT",
        default: Default::ByRole { standalone: "127.0.0.1:9000", aggregator: "[::]:9000", agent: "127.0.0.1:9000" },
        example: "0.0.0.0:9000",
        help: "Where to serve API and dashboard; port 0 takes a free one, [::] is every address, IPv4 too",
    };
    /// Where the bound address is written.
    ADDR_FILE = Key {
        name: "aggregator.addr_file", flag: Some("addr-file"), env: "SYSMON_ADDR_FILE", section: Section::Aggregator,
        form: Form::Text, value: "FILE", default: Default::Unset("none"), example: "/run/sysmon/address",
        help: "Write the bound address to this file once requests are served",
    };
    /// Names that requests may be for.
    ALLOWED_HOSTS = Key {
        name: "aggregator.allowed_hosts", flag: Some("allowed-host"), env: "SYSMON_ALLOWED_HOST",
        section: Section::Aggregator, form: Form::List, value: "NAME", default: Default::Unset("none"),
        example: "\"monitor.example.org\"",
        help: "Name under which this server may be reached, beside IP addresses, localhost and this machine's own names",
    };
    /// Proxies that are believed.
    TRUSTED_PROXIES = Key {
        name: "aggregator.trusted_proxies", flag: Some("trusted-proxy"), env: "SYSMON_TRUSTED_PROXY",
        section: Section::Aggregator, form: Form::List, value: "IP", default: Default::Unset("none"), example: "\"127.0.0.1\"",
        help: "Address of a reverse proxy whose X-Forwarded-For is believed",
    };
    /// When a host is offline.
    OFFLINE_AFTER = Key {
        name: "aggregator.offline_after", flag: Some("offline-after"), env: "SYSMON_OFFLINE_AFTER",
        section: Section::Aggregator, form: Form::Text, value: "DURATION", default: Default::Value("5m"), example: "2m",
        help: "A host that was silent for this long is offline (1s to 30d)",
    };
    /// Where the agent pushes.
    AGGREGATOR = Key {
        name: "agent.aggregator", flag: Some("aggregator"), env: "SYSMON_AGGREGATOR", section: Section::AgentAlone,
        form: Form::Text, value: "URL", default: Default::Unset("none: an agent needs it"),
        example: "http://monitor.example.org:9000",
        help: "Address of the aggregator, with the path where a proxy serves it below one",
    };
    /// The host's name.
    HOSTNAME = Key {
        name: "agent.hostname", flag: Some("hostname"), env: "SYSMON_HOSTNAME", section: Section::Agent, form: Form::Text,
        value: "NAME", default: Default::Unset("this machine's own name"), example: "web-server-01",
        help: "Name of this host in the fleet; no two hosts may share one",
    };
    /// The host's labels.
    TAGS = Key {
        name: "agent.tags", flag: Some("tag"), env: "SYSMON_TAG", section: Section::Agent, form: Form::Table,
        value: "KEY=VALUE", default: Default::Unset("none"), example: "environment = \"production\"",
        help: "Label of this host, such as role=web-server",
    };
    /// Between two readings.
    INTERVAL = Key {
        name: "agent.interval", flag: Some("interval"), env: "SYSMON_INTERVAL", section: Section::Agent, form: Form::Text,
        value: "DURATION", default: Default::ByRole { standalone: "1s", aggregator: "2s", agent: "2s" }, example: "5s",
        help: "Time between two readings (100ms to 1h)",
    };
    /// Between two pushes.
    PUSH_INTERVAL = Key {
        name: "agent.push_interval", flag: Some("push-interval"), env: "SYSMON_PUSH_INTERVAL", section: Section::Agent,
        form: Form::Text, value: "DURATION", default: Default::Value("10s"), example: "30s",
        help: "Time between two pushes while nobody watches this host live (100ms to 1h)",
    };
    /// Where Prometheus is answered.
    METRICS_LISTEN = Key {
        name: "agent.metrics_listen", flag: Some("metrics-listen"), env: "SYSMON_METRICS_LISTEN", section: Section::Agent,
        form: Form::Text, value: "ADDR:PORT", default: Default::Unset("none: nothing is served"),
        example: "127.0.0.1:9100",
        help: "Serve this host's figures to Prometheus at /metrics, under node_exporter's names where it has them",
    };
    /// What is told of processes.
    PROCESSES = Key {
        name: "agent.processes", flag: Some("processes"), env: "SYSMON_PROCESSES", section: Section::Agent, form: Form::Text,
        value: "WHAT", default: Default::Value("names"), example: "commands",
        help: "What is told of the processes that take the most: names, commands (secrets masked as far as they look like it) or off",
    };
    /// Where scripts leave their own metrics.
    TEXTFILE_DIRECTORY = Key {
        name: "agent.textfile_directory", flag: Some("textfile-directory"), env: "SYSMON_TEXTFILE_DIRECTORY",
        section: Section::Agent, form: Form::Text, value: "DIR", default: Default::Unset("none"),
        example: "/var/lib/sysmon/textfile",
        help: "Folder of *.prom files (Prometheus text) whose samples are collected as this host's own metrics",
    };
    /// Where `/proc` is.
    PROCFS = Key {
        name: "agent.procfs", flag: Some("procfs"), env: "SYSMON_PROCFS", section: Section::Agent, form: Form::Text,
        value: "DIR", default: Default::Value("/proc"), example: "/host/proc",
        help: "Where the host's /proc is mounted",
    };
    /// Where `/sys` is.
    SYSFS = Key {
        name: "agent.sysfs", flag: Some("sysfs"), env: "SYSMON_SYSFS", section: Section::Agent, form: Form::Text,
        value: "DIR", default: Default::Value("/sys"), example: "/host/sys",
        help: "Where the host's /sys is mounted",
    };
    /// Where `/` is.
    ROOTFS = Key {
        name: "agent.rootfs", flag: Some("rootfs"), env: "SYSMON_ROOTFS", section: Section::Agent, form: Form::Text,
        value: "DIR", default: Default::Value("/"), example: "/host/root",
        help: "Where the host's / is mounted: its file systems are measured below it",
    };
}

/// The secret itself, in the environment alone: a command line is seen by everybody on the machine.
pub const TOKEN_ENV: &str = "SYSMON_TOKEN";

/// The configuration file, where `--config` does not name one.
pub const CONFIG_ENV: &str = "SYSMON_CONFIG";

/// The key of that dotted name.
pub fn by_name(name: &str) -> Option<&'static Key> {
    KEYS.iter().copied().find(|key| key.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_and_variables_are_unique_and_few() {
        let names: BTreeSet<_> = KEYS.iter().map(|key| key.name).collect();
        let variables: BTreeSet<_> = KEYS.iter().map(|key| key.env).collect();
        assert_eq!((names.len(), variables.len()), (KEYS.len(), KEYS.len()));
        assert!(KEYS.len() <= 30, "a knob for every doubt is none for any: {} keys", KEYS.len());
    }

    #[test]
    fn a_variable_is_named_after_its_flag_or_its_key() {
        for key in KEYS {
            let from_flag = key.flag.map(|flag| format!("SYSMON_{}", flag.replace('-', "_").to_uppercase()));
            let from_name = format!("SYSMON_{}", key.name.replace('.', "_").to_uppercase());
            assert!(from_flag.as_deref() == Some(key.env) || from_name == key.env, "{}", key.env);
        }
    }
}
