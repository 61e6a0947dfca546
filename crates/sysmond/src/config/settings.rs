//! From what was typed to checked values, with all mistakes at once.

use super::data_dir;
use super::environment::Environment;
use super::file;
use super::given::{FlagValue, Given, Origin, Typed};
use super::keys::{self, Key, Role};
use super::misspelt::{self, Misspelt};
use super::problem::{ConfigErrors, Problem};
use super::token::TokenSource;
use super::values::{self, ValueError};
use super::{
    AgentConfig, AggregatorConfig, LogConfig, LogFormat, MetricsConfig, ProcessDetail, QUEUE_LIMIT, Token,
};
use crate::access;
use crate::systemd::{Part, Service};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;
use sysmond_model::HostInfo;
use sysmond_procfs::Roots;
use sysmond_tsdb::{Retention, StoreOptions};

/// Where settings come from.
#[derive(Debug, Default)]
pub struct Sources {
    /// What the command line said.
    pub flags: Vec<FlagValue>,
    /// `--config`.
    pub file: Option<PathBuf>,
    /// The environment.
    pub environment: Environment,
}

/// One effective value, for `check-config`.
#[derive(Clone, Debug)]
pub struct Effective {
    /// The setting.
    pub key: &'static Key,
    /// What counts, as text; empty for nothing.
    pub value: String,
    /// Where it was written.
    pub origin: Origin,
}

/// All settings, checked. Nothing was made or changed on disk for them.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder of databases and token.
    pub data_dir: PathBuf,
    /// The log's.
    pub log: LogConfig,
    /// Where the token is or will be.
    pub token: TokenSource,
    /// Where to listen, and whether somebody said so.
    pub listen: (SocketAddr, Origin),
    /// Where to write the bound address.
    pub addr_file: Option<PathBuf>,
    /// The aggregator to push to.
    pub aggregator: Option<String>,
    /// Where to serve Prometheus, and who said so.
    pub metrics_listen: Option<(SocketAddr, Origin)>,
    /// Between two readings.
    pub interval: Duration,
    /// Between two pushes.
    pub push_interval: Duration,
    /// The effective values with their origins.
    pub effective: Vec<Effective>,
    /// The file that was read, if one was.
    pub file: Option<PathBuf>,
    /// Variables that nothing reads and that look like one of ours.
    pub misspelt: Vec<Misspelt>,
    environment: Environment,
    allowed_hosts: Vec<String>,
    trusted_proxies: Vec<IpAddr>,
    offline_after: Duration,
    host: HostInfo,
    roots: Roots,
    processes: ProcessDetail,
    textfile_directory: Option<PathBuf>,
    store: StoreOptions,
}

impl Settings {
    /// Reads and checks everything that concerns `role`.
    pub fn load(role: Role, sources: Sources) -> Result<Self, ConfigErrors> {
        let Sources { flags, file: named, environment } = sources;
        let file = file::locate(named, &environment);
        let contents = file.as_deref().map(file::read).unwrap_or_default();
        let given = Given::layer(flags, &environment, contents.settings);
        let mut check =
            Check { role, given, environment, problems: contents.problems, effective: Vec::new() };
        let settings = check.settings(file);
        if check.problems.is_empty() { Ok(settings) } else { Err(ConfigErrors(check.problems)) }
    }

    /// Has the log name the variables that look like one of ours.
    pub fn warn_of_misspelt(&self) {
        for one in &self.misspelt {
            tracing::warn!("{one}");
        }
    }

    /// Makes the data folder where it is missing.
    pub fn prepare_data_dir(&self) -> Result<(), ConfigErrors> {
        Ok(data_dir::prepare(&self.data_dir)?)
    }

    /// Looks at the data folder without making it.
    pub fn check_data_dir(&self) -> Result<(), ConfigErrors> {
        Ok(data_dir::check(&self.data_dir)?)
    }

    /// The token of an aggregator: made where none is given.
    pub fn own_token(&self) -> Result<Token, ConfigErrors> {
        Ok(self.token.read_or_make(&self.environment)?)
    }

    /// Looks at data folder and token without changing anything.
    pub fn check_files(&self) -> Vec<Problem> {
        let folder = data_dir::check(&self.data_dir).err().map(Problem::from);
        let token = self.token.read(&self.environment).err().map(Problem::from);
        folder.into_iter().chain(token).collect()
    }

    /// One end to the service manager for each part of this process.
    pub fn service<const N: usize>(&self) -> [Part; N] {
        self.environment.service().map_or_else(|| std::array::from_fn(|_| Part::default()), Service::parts)
    }

    /// The aggregator's database, which has to be there.
    pub fn database(&self) -> anyhow::Result<PathBuf> {
        let path = self.data_dir.join(crate::aggregator::DATABASE);
        let advice = "name the aggregator's data folder with --data-dir, or start `sysmond` to have one";
        access::require_database(&path, advice)?;
        Ok(path)
    }

    /// How the store is to behave.
    pub fn store_options(&self) -> StoreOptions {
        self.store.clone()
    }

    /// Silence that makes a host offline.
    pub fn offline_after(&self) -> Duration {
        self.offline_after
    }

    /// What the aggregator runs on.
    pub fn aggregator_config(&self, token: Token, service: Part) -> AggregatorConfig {
        AggregatorConfig {
            listen: self.listen.0,
            addr_file: self.addr_file.clone(),
            token,
            allowed_hosts: self.allowed_hosts.clone(),
            trusted_proxies: self.trusted_proxies.clone(),
            offline_after: self.offline_after,
            data_dir: self.data_dir.clone(),
            store: self.store.clone(),
            service,
        }
    }

    /// What an agent alone runs on. Aggregator and token must have been given.
    pub fn agent_config(&self, service: Part) -> Result<AgentConfig, ConfigErrors> {
        match (self.aggregator.clone(), self.token.read_or_fail(&self.environment)) {
            (Some(aggregator), Ok(token)) => {
                Ok(self.agent_to(aggregator, token, self.store.clone(), service))
            }
            (aggregator, token) => {
                let aggregator = aggregator.is_none().then(Problem::no_aggregator);
                Err(ConfigErrors(aggregator.into_iter().chain(token.err().map(Problem::from)).collect()))
            }
        }
    }

    /// What the agent of a standalone runs on, which pushes to `aggregator` and keeps its own history as an
    /// agent does by default.
    pub fn inner_agent_config(&self, aggregator: String, token: Token, service: Part) -> AgentConfig {
        self.agent_to(aggregator, token, default_store(Role::Agent), service)
    }

    fn agent_to(&self, aggregator: String, token: Token, store: StoreOptions, service: Part) -> AgentConfig {
        AgentConfig {
            aggregator,
            token,
            host: self.host.clone(),
            interval: self.interval,
            push_interval: self.push_interval,
            roots: self.roots.clone(),
            processes: self.processes,
            textfile_directory: self.textfile_directory.clone(),
            data_dir: self.data_dir.clone(),
            store,
            metrics: self
                .metrics_listen
                .clone()
                .map(|listen| MetricsConfig { listen, allowed_hosts: self.allowed_hosts.clone() }),
            service,
        }
    }
}

fn default_store(role: Role) -> StoreOptions {
    let text = |key: &Key| key.default.text(role).unwrap_or_default();
    let age = |key: &Key| values::duration(text(key)).expect("a test parses all defaults");
    StoreOptions {
        retention: Retention {
            raw: age(&keys::RETENTION),
            minutes: age(&keys::RETENTION_1M),
            ten_minutes: age(&keys::RETENTION_10M),
        },
        max_disk_bytes: values::size(text(&keys::MAX_DISK)).expect("a test parses all defaults"),
        queue_limit: QUEUE_LIMIT,
    }
}

/// The checking itself: a value that is wrong is noted, and the default goes in its place so that the rest is
/// checked too.
struct Check {
    role: Role,
    given: Given,
    environment: Environment,
    problems: Vec<Problem>,
    effective: Vec<Effective>,
}

impl Check {
    fn settings(&mut self, file: Option<PathBuf>) -> Settings {
        let home = self.environment.home();
        let path = |text: &str| values::path(text, home.as_deref());
        let data_dir = self.optional(&keys::DATA_DIR, path).unwrap_or_default();
        let token_file = self.optional(&keys::TOKEN_FILE, path);
        let token = TokenSource::choose(&self.given, token_file, &self.environment, &data_dir);
        let store = self.store();
        Settings {
            log: self.log(path),
            listen: (self.one(&keys::LISTEN, values::socket_address), self.origin(&keys::LISTEN)),
            addr_file: self.optional(&keys::ADDR_FILE, path),
            allowed_hosts: self.many(&keys::ALLOWED_HOSTS, values::host_header),
            trusted_proxies: self.many(&keys::TRUSTED_PROXIES, values::ip_address),
            offline_after: self.one(&keys::OFFLINE_AFTER, |text| values::duration_within(text, "1s", "30d")),
            aggregator: self.optional(&keys::AGGREGATOR, values::aggregator_url),
            host: self.host(),
            metrics_listen: self
                .optional(&keys::METRICS_LISTEN, values::socket_address)
                .map(|address| (address, self.origin(&keys::METRICS_LISTEN))),
            interval: self.one(&keys::INTERVAL, |text| values::duration_within(text, "100ms", "1h")),
            push_interval: self
                .one(&keys::PUSH_INTERVAL, |text| values::duration_within(text, "100ms", "1h")),
            roots: Roots {
                procfs: self.one(&keys::PROCFS, path),
                sysfs: self.one(&keys::SYSFS, path),
                rootfs: self.one(&keys::ROOTFS, path),
            },
            processes: self.one(&keys::PROCESSES, ProcessDetail::parse),
            textfile_directory: self.optional(&keys::TEXTFILE_DIRECTORY, path),
            effective: std::mem::take(&mut self.effective),
            environment: self.environment.clone(),
            data_dir,
            token,
            store,
            file,
            misspelt: misspelt::misspelt(&self.environment),
        }
    }

    fn store(&mut self) -> StoreOptions {
        StoreOptions {
            retention: Retention {
                raw: self.one(&keys::RETENTION, |text| values::duration_within(text, "1m", "3650d")),
                minutes: self.one(&keys::RETENTION_1M, |text| values::duration_within(text, "1m", "3650d")),
                ten_minutes: self
                    .one(&keys::RETENTION_10M, |text| values::duration_within(text, "1m", "3650d")),
            },
            max_disk_bytes: self.one(&keys::MAX_DISK, |text| values::size_at_least(text, "16MB")),
            queue_limit: QUEUE_LIMIT,
        }
    }

    fn log(&mut self, path: impl Fn(&str) -> Result<PathBuf, ValueError>) -> LogConfig {
        LogConfig {
            level: self.one(&keys::LOG_LEVEL, values::level),
            format: self.one(&keys::LOG_FORMAT, LogFormat::parse),
            file: self.optional(&keys::LOG_FILE, &path),
            access_file: self.optional(&keys::LOG_ACCESS_FILE, &path),
            max_size: self.one(&keys::LOG_MAX_SIZE, |text| values::size_at_least(text, "1KB")),
            max_age: self.one(&keys::LOG_MAX_AGE, |text| values::duration_within(text, "1m", "3650d")),
            keep: self.one(&keys::LOG_KEEP, |text| values::count(text, super::MAX_LOG_FILES)),
            levels: self.table(&keys::LOG_LEVELS, values::module_level, values::unique),
            color: !self.environment.no_color(),
        }
    }

    fn host(&mut self) -> HostInfo {
        let named = self.optional(&keys::HOSTNAME, values::hostname);
        let hostname =
            named.unwrap_or_else(|| if self.role.runs_agent() { self.own_name() } else { String::new() });
        HostInfo {
            hostname,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            platform: "Linux".to_owned(),
            tags: self.table(&keys::TAGS, values::tag, values::tags),
        }
    }

    fn own_name(&mut self) -> String {
        let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
        values::hostname(&name).unwrap_or_else(|wrong| {
            self.wrong(&keys::HOSTNAME, name, Origin::Default, wrong);
            String::new()
        })
    }

    /// One value of a key that has a default.
    fn one<T>(&mut self, key: &'static Key, parse: impl Fn(&str) -> Result<T, ValueError>) -> T {
        let value = self.optional(key, &parse);
        value.unwrap_or_else(|| {
            let default = key.default.text(self.role).unwrap_or_default();
            parse(default).expect("a test parses all defaults")
        })
    }

    /// One value of a key that may be unset.
    fn optional<T>(&mut self, key: &'static Key, parse: impl Fn(&str) -> Result<T, ValueError>) -> Option<T> {
        let typed = self.note(key)?;
        // Of a flag given twice the last counts, as shells' aliases expect.
        let text = typed.texts.last()?.clone();
        self.parsed(key, &typed, text, parse)
    }

    /// Each value of a list.
    fn many<T>(&mut self, key: &'static Key, parse: impl Fn(&str) -> Result<T, ValueError>) -> Vec<T> {
        let Some(typed) = self.note(key) else { return Vec::new() };
        let texts = typed.texts.clone();
        texts.into_iter().filter_map(|text| self.parsed(key, &typed, text, &parse)).collect()
    }

    /// The pairs of a table, and what must be true of all together.
    fn table<T, M: std::default::Default>(
        &mut self,
        key: &'static Key,
        parse: impl Fn(&str) -> Result<T, ValueError>,
        join: impl Fn(Vec<T>) -> Result<M, ValueError>,
    ) -> M {
        let pairs = self.many(key, parse);
        let origin = self.origin(key);
        join(pairs).unwrap_or_else(|wrong| {
            self.wrong(key, key.name.to_owned(), origin, wrong);
            M::default()
        })
    }

    fn parsed<T>(
        &mut self,
        key: &'static Key,
        typed: &Typed,
        text: String,
        parse: impl Fn(&str) -> Result<T, ValueError>,
    ) -> Option<T> {
        match parse(&text) {
            Ok(value) => Some(value),
            Err(wrong) => {
                self.wrong(key, text, typed.origin.clone(), wrong);
                None
            }
        }
    }

    fn wrong(&mut self, key: &'static Key, text: String, origin: Origin, wrong: ValueError) {
        self.problems.push(Problem::Value { key: key.name, text, origin, wrong });
    }

    fn origin(&self, key: &Key) -> Origin {
        self.given.get(key).map_or(Origin::Default, |typed| typed.origin.clone())
    }

    fn note(&mut self, key: &'static Key) -> Option<Typed> {
        let typed = self.given.or_default(key, self.role);
        let value = typed.as_ref().map(|typed| typed.texts.join(", ")).unwrap_or_default();
        self.effective.push(Effective { key, value, origin: self.origin(key) });
        typed
    }
}

/// The address at which a process on this machine reaches a listener bound to `bound`: of one that listens on
/// every address, IPv4's loopback, since a listener on `[::]` takes IPv4 too and a machine may have no `::1`.
pub fn loopback_of(bound: SocketAddr) -> SocketAddr {
    let ip = if bound.ip().is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { bound.ip() };
    SocketAddr::new(ip, bound.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use sysmond_model::limits::MAX_HOST_TAGS;

    fn load(role: Role, variables: &[(&str, &str)]) -> Result<Settings, String> {
        let fixed = [("HOME", "/home/ada"), ("SYSMON_HOSTNAME", "web-1")];
        let environment = Environment::of(fixed.into_iter().chain(variables.iter().copied()));
        let sources = Sources { environment, file: Some("/dev/null".into()), ..Sources::default() };
        Settings::load(role, sources).map_err(|errors| errors.to_string())
    }

    #[test]
    fn all_defaults_are_valid() {
        for role in [Role::Standalone, Role::Aggregator, Role::Agent] {
            let settings = load(role, &[]).expect("no mistakes");
            assert_eq!(settings.effective.len(), keys::KEYS.len());
            assert_eq!(settings.data_dir, Path::new("/home/ada/.sysmon"));
        }
        let inner = default_store(Role::Agent);
        assert_eq!(inner.max_disk_bytes, 256_000_000);
        let aggregator = load(Role::Aggregator, &[]).expect("no mistakes").store;
        assert_eq!((aggregator.max_disk_bytes, aggregator.retention), (10_000_000_000, Retention::default()));
        assert_eq!(values::size("16MB"), Ok(sysmond_tsdb::LEAST_DISK_BYTES), "what the store takes at least");
    }

    #[test]
    fn defaults_differ_by_role() {
        let check = |role, listen: &str, interval: u64| {
            let settings = load(role, &[]).expect("no mistakes");
            assert_eq!(settings.listen.0.to_string(), listen);
            assert_eq!(settings.interval, Duration::from_secs(interval));
            assert_eq!(settings.push_interval, Duration::from_secs(10));
        };
        check(Role::Standalone, "127.0.0.1:9000", 1);
        check(Role::Aggregator, "[::]:9000", 2);
        check(Role::Agent, "127.0.0.1:9000", 2);
    }

    #[test]
    fn every_mistake_is_told_with_key_and_origin() {
        let found =
            load(Role::Agent, &[("SYSMON_INTERVAL", "10"), ("SYSMON_TAG", "a"), ("SYSMON_MAX_DISK", "1KB")]);
        let found = found.expect_err("three mistakes");
        assert!(found.starts_with("3 mistakes"), "{found}");
        assert!(
            found.contains("agent.interval: `10` (environment SYSMON_INTERVAL) is not a duration: write"),
            "{found}"
        );
        assert!(found.contains("agent.tags: `a` (environment SYSMON_TAG) is not KEY=VALUE"), "{found}");
        assert!(found.contains("max_disk: `1KB` (environment SYSMON_MAX_DISK) must be 16MB to"), "{found}");
    }

    #[test]
    fn hostile_text_is_escaped_in_the_message() {
        let found = load(Role::Agent, &[("SYSMON_HOSTNAME", "a\n\u{1b}[31mb")]).expect_err("no name");
        assert!(!found.contains(['\n', '\u{1b}']), "{found:?}");
    }

    #[test]
    fn too_many_labels_are_refused() {
        let tags: Vec<_> = (0..=MAX_HOST_TAGS).map(|n| format!("k{n}=v")).collect();
        assert!(load(Role::Agent, &[("SYSMON_TAG", &tags.join(","))]).is_err());
    }

    #[test]
    fn an_agent_needs_an_aggregator() {
        let token = ("SYSMON_TOKEN", "0123456789abcdef");
        let check = |variables: &[(&str, &str)], expected: &[&str]| {
            let found = load(Role::Agent, variables).expect("no mistakes").agent_config(Part::default());
            let text = found.map_or_else(|error| error.to_string(), |config| config.aggregator);
            assert!(expected.iter().all(|word| text.contains(word)), "{text}");
        };
        check(&[token], &["--aggregator http://"]);
        check(
            &[("SYSMON_DATA_DIR", "/no/such")],
            &["2 mistakes", "--aggregator http://", "there is no token"],
        );
        check(&[token, ("SYSMON_AGGREGATOR", "http://a:9000/")], &["http://a:9000"]);
    }

    #[test]
    fn every_address_is_reached_by_loopback() {
        let check = |bound: &str, expected: &str| {
            assert_eq!(loopback_of(bound.parse().expect("an address")).to_string(), expected);
        };
        check("0.0.0.0:9000", "127.0.0.1:9000");
        check("[::]:9000", "127.0.0.1:9000");
        check("[::1]:9000", "[::1]:9000");
        check("10.0.0.1:80", "10.0.0.1:80");
    }
}
