//! What each command does, from the settings on.

use crate::cli::{self, Command, Request, RoleName};
use crate::config::{Environment, Role, Settings, Sources, loopback_of};
use crate::process::{self, Ends};
use crate::telemetry::Telemetry;
use crate::{
    agent, aggregator, backup, check_config, demo, export, forget, health, listen, man, sql, standalone,
};
use anyhow::Context;
use std::io::Write;

/// Runs the command to its end.
pub(crate) fn execute(request: Request) -> anyhow::Result<()> {
    let Request { command, flags, config } = request;
    let sources = Sources { flags, file: config, environment: Environment::of_process() };
    match command {
        None => run_standalone(&Settings::load(Role::Standalone, sources)?),
        Some(Command::Aggregator { exit_with_parent }) => {
            run_aggregator(&Settings::load(Role::Aggregator, sources)?, exit_with_parent)
        }
        Some(Command::Agent { exit_with_parent }) => {
            run_agent(&Settings::load(Role::Agent, sources)?, exit_with_parent)
        }
        Some(Command::Demo { hosts }) => run_demo(&Settings::load(Role::Agent, sources)?, hosts),
        Some(Command::Sql { statement, json, csv, limits }) => {
            let settings = Settings::load(Role::Aggregator, sources)?;
            sql::run(&settings, statement, sql::Format::of(json, csv), limits)
        }
        Some(Command::Export(options)) => export::run(&Settings::load(Role::Aggregator, sources)?, options),
        Some(Command::Backup(options)) => backup::run(&Settings::load(Role::Aggregator, sources)?, options),
        Some(Command::Restore(options)) => {
            backup::put_back(&Settings::load(Role::Aggregator, sources)?, options)
        }
        Some(Command::Redeliver) => backup::redeliver(&Settings::load(Role::Aggregator, sources)?),
        Some(Command::Forget { host }) => forget::run(&Settings::load(Role::Aggregator, sources)?, &host),
        Some(Command::Health) => health::run(&Settings::load(Role::Aggregator, sources)?),
        Some(Command::CheckConfig { role, value }) => check(role, value.as_deref(), sources),
        Some(Command::Completions { shell }) => completions(shell),
        Some(Command::Man { output: Some(folder), .. }) => man::write_all(&folder),
        Some(Command::Man { command, .. }) => man::print(command.as_deref()),
    }
}

fn run_standalone(settings: &Settings) -> anyhow::Result<()> {
    let telemetry = Telemetry::start(&settings.log)?;
    settings.warn_of_misspelt();
    settings.prepare_data_dir()?;
    let token = settings.own_token()?;
    process::run(process::many_threads()?, &telemetry, Ends::BySignal, async |shutdown| {
        let listener = listen::bind(&settings.listen, "listen").await?;
        let bound = listener.local_addr().context("cannot tell the bound address")?;
        let here = format!("http://{}", loopback_of(bound));
        say_start("standalone");
        let [ours, agents] = settings.service();
        let agent = settings.inner_agent_config(here, token.clone(), agents);
        standalone::run(listener, settings.aggregator_config(token, ours), agent, shutdown).await
    })
}

fn run_aggregator(settings: &Settings, exit_with_parent: bool) -> anyhow::Result<()> {
    let telemetry = Telemetry::start(&settings.log)?;
    settings.warn_of_misspelt();
    settings.prepare_data_dir()?;
    let [service] = settings.service();
    let config = settings.aggregator_config(settings.own_token()?, service);
    process::run(process::many_threads()?, &telemetry, Ends::of(exit_with_parent), async |shutdown| {
        let listener = listen::bind(&settings.listen, "listen").await?;
        say_start("aggregator");
        tracing::info!(token = %settings.token, "agents need the token that is kept there");
        aggregator::run(listener, config, shutdown).await
    })
}

fn run_agent(settings: &Settings, exit_with_parent: bool) -> anyhow::Result<()> {
    let [service] = settings.service();
    let config = settings.agent_config(service)?;
    // Before its first thread.
    sysmond_libc::keep_heap_small();
    let telemetry = Telemetry::start(&settings.log)?;
    settings.warn_of_misspelt();
    settings.prepare_data_dir()?;
    process::run(process::one_thread()?, &telemetry, Ends::of(exit_with_parent), async |shutdown| {
        let (host, aggregator) = (&config.host.hostname, &config.aggregator);
        tracing::info!(version = env!("CARGO_PKG_VERSION"), %host, %aggregator, "agent starts");
        agent::run(config, shutdown).await
    })
}

fn run_demo(settings: &Settings, hosts: u16) -> anyhow::Result<()> {
    let telemetry = Telemetry::start(&settings.log)?;
    settings.warn_of_misspelt();
    settings.prepare_data_dir()?;
    process::run(process::one_thread()?, &telemetry, Ends::AfterChildren, async |shutdown| {
        demo::run(settings, hosts, shutdown).await
    })
}

fn say_start(role: &'static str) {
    tracing::info!(version = env!("CARGO_PKG_VERSION"), role, "sysmond starts");
}

fn check(role: RoleName, value: Option<&str>, sources: Sources) -> anyhow::Result<()> {
    let role = match role {
        RoleName::Standalone => Role::Standalone,
        RoleName::Aggregator => Role::Aggregator,
        RoleName::Agent => Role::Agent,
    };
    let settings = Settings::load(role, sources)?;
    if let Some(name) = value {
        return Ok(writeln!(std::io::stdout().lock(), "{}", check_config::value(&settings, name))?);
    }
    std::io::stdout().lock().write_all(check_config::text(&settings).as_bytes())?;
    Ok(check_config::errors(role, &settings)?)
}

fn completions(shell: clap_complete::Shell) -> anyhow::Result<()> {
    // The generator panics where it cannot write; so it writes to memory.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli::command(), "sysmond", &mut script);
    Ok(std::io::stdout().lock().write_all(&script)?)
}
