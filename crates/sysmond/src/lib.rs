//! sysmon's one program: agent, aggregator, both at once, and the tools around them.

mod access;
pub mod agent;
pub mod aggregator;
pub mod api;
pub mod backup;
mod calendar;
mod check_config;
pub mod cli;
pub mod clock;
mod commands;
pub mod config;
mod damage;
mod demo;
mod examples;
pub mod export;
mod forget;
mod health;
mod listen;
mod man;
mod opening;
mod own_files;
mod partial;
mod process;
mod progress;
mod room;
pub mod server;
pub mod shutdown;
pub mod sql;
pub mod standalone;
pub mod systemd;
pub mod telemetry;

use config::ConfigErrors;
use std::io::Write;
use std::process::ExitCode;

/// Exit status of a command that failed.
const FAILED: u8 = 1;
/// Exit status of a wrong command line or configuration.
const WRONG_USE: u8 = 2;

/// Parses the command line, runs the command, and turns an error into the exit status: 0 ok, 1 failed, 2
/// usage.
pub fn main() -> ExitCode {
    let outcome = match cli::parse(std::env::args_os()) {
        Ok(request) => commands::execute(request),
        Err(usage) => {
            let status = u8::try_from(usage.exit_code()).unwrap_or(WRONG_USE);
            return usage.print().map_or(ExitCode::from(FAILED), |()| ExitCode::from(status));
        }
    };
    outcome.map_or_else(|error| report(&error), |()| ExitCode::SUCCESS)
}

/// One message with the whole chain of causes.
fn report(error: &anyhow::Error) -> ExitCode {
    let broken_pipe = |cause: &(dyn std::error::Error + 'static)| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    };
    // Whoever reads our output has enough of it: `sysmond sql … | head`.
    if error.chain().any(broken_pipe) {
        return ExitCode::SUCCESS;
    }
    let status = if error.downcast_ref::<ConfigErrors>().is_some() { WRONG_USE } else { FAILED };
    // Where nobody is there to read it, the status says it too.
    say(&words(error)).ok();
    ExitCode::from(status)
}

/// The chain of causes. SQLite's last one is the one before it again, behind a number: that is left out.
fn words(error: &anyhow::Error) -> String {
    let mut words: Vec<String> = Vec::new();
    for cause in error.chain().map(ToString::to_string) {
        if words.last().is_none_or(|last| !cause.ends_with(last.as_str())) {
            words.push(cause);
        }
    }
    words.join(": ")
}

/// A word to the user beside what a command prints.
fn say(text: &str) -> std::io::Result<()> {
    writeln!(std::io::stderr(), "sysmond: {text}")
}
