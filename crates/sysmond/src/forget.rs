//! `sysmond forget`: a host that is no more, with all that is kept of it.

use crate::clock;
use crate::config::Settings;
use crate::sql::unknown;
use sysmond_tsdb::{ForgetError, Forgotten};

/// Forgets it, or has the server that runs do so.
pub(crate) fn run(settings: &Settings, hostname: &str) -> anyhow::Result<()> {
    let path = settings.database()?;
    let word = match sysmond_tsdb::forget(&path, hostname, settings.store_options(), clock::now()) {
        Ok(Forgotten::Done) => "is forgotten, with all that was kept of it",
        Ok(Forgotten::Asked) => "will be forgotten by the server that runs within a minute or two",
        Err(error @ ForgetError::Unknown(_)) => {
            return Err(unknown(error, "SELECT hostname FROM hosts"));
        }
        Err(error) => return Err(error.into()),
    };
    Ok(crate::say(&format!("{hostname} {word}"))?)
}
