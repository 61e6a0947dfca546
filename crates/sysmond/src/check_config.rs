//! `sysmond check-config`: what counts, and where it was written. Never a secret.

use crate::config::problem::Problem;
use crate::config::{ConfigErrors, Role, Settings, keys};
use std::fmt::Write;
use std::path::PathBuf;

/// The effective values as aligned lines.
pub(crate) fn text(settings: &Settings) -> String {
    let value = |value: &str| if value.is_empty() { "(none)".to_owned() } else { value.to_owned() };
    let mut rows: Vec<[String; 3]> = settings
        .effective
        .iter()
        .map(|one| [one.key.name.to_owned(), value(&one.value), one.origin.to_string()])
        .collect();
    let order = |name: &str| keys::KEYS.iter().position(|key| key.name == name);
    rows.sort_by_key(|[name, ..]| order(name));
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let (names, values) = (width(0).unwrap_or_default(), width(1).unwrap_or_default());
    let file = settings.file.as_ref().map_or("none".to_owned(), |path| path.display().to_string());
    let mut out = format!("configuration file: {file}\ntoken: from {}\n\n", settings.token);
    for [name, value, origin] in &rows {
        writeln!(out, "{name:names$}  {value:values$}  {origin}").expect("writing to a String does not fail");
    }
    for one in &settings.misspelt {
        writeln!(out, "\nwarning: {one}").expect("writing to a String does not fail");
    }
    out
}

/// The effective value of one setting, a path in full; empty where it has none.
pub(crate) fn value(settings: &Settings, name: &str) -> String {
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
    let expanded = match name {
        "data_dir" => Some(settings.data_dir.display().to_string()),
        "log.file" => path(&settings.log.file),
        "log.access_file" => path(&settings.log.access_file),
        _ => None,
    };
    let written = || settings.effective.iter().find(|one| one.key.name == name).map(|one| one.value.clone());
    expanded.or_else(written).unwrap_or_default()
}

/// What would keep the role from starting, beyond single values.
pub(crate) fn errors(role: Role, settings: &Settings) -> Result<(), ConfigErrors> {
    let mut problems = settings.check_files();
    if role == Role::Agent && settings.aggregator.is_none() {
        problems.push(Problem::no_aggregator());
    }
    if problems.is_empty() { Ok(()) } else { Err(ConfigErrors(problems)) }
}
