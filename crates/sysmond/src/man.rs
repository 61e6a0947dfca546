//! Manual pages, made from the command line's own definition.

use crate::cli;
use anyhow::Context;
use clap::Command;
use clap_mangen::Man;
use std::io::{self, Write};
use std::path::Path;

/// The day of this version, which pages show; the same in every build.
const RELEASED: &str = "2026-11-22";

/// Prints the page of the program, or of one command.
pub(crate) fn print(name: Option<&str>) -> anyhow::Result<()> {
    let command = built();
    let chosen = name.and_then(|name| command.find_subcommand(name)).unwrap_or(&command);
    Ok(io::stdout().lock().write_all(page(chosen)?.as_bytes())?)
}

/// Writes all pages into a folder: `sysmond.1`, `sysmond-agent.1` and so on.
pub(crate) fn write_all(folder: &Path) -> anyhow::Result<()> {
    let command = built();
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    for one in std::iter::once(&command).chain(command.get_subcommands()) {
        let path = folder.join(format!("{}.1", title(one)));
        std::fs::write(&path, page(one)?).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Each command knows the program's name: `sysmond-agent`.
fn built() -> Command {
    let mut command = cli::command();
    command.build();
    command
}

fn title(command: &Command) -> String {
    command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned()
}

fn page(command: &Command) -> io::Result<String> {
    let version = concat!("sysmond ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone())
        .title(title(command).to_uppercase())
        .date(RELEASED)
        .source(version)
        .manual("sysmon");
    let mut out = Vec::new();
    man.render_title(&mut out)?;
    man.render_name_section(&mut out)?;
    man.render_synopsis_section(&mut out)?;
    man.render_description_section(&mut out)?;
    man.render_options_section(&mut out)?;
    if command.get_subcommands().next().is_some() {
        man.render_subcommands_section(&mut out)?;
    }
    let mut text = tidied(&String::from_utf8_lossy(&out));
    if let Some(examples) = command.get_after_help() {
        text += &section(&examples.to_string());
    }
    Ok(text)
}

/// Without blanks at the ends of lines, and without line breaks beside paragraphs, which readers of pages complain of.
fn tidied(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let is_space = |line: Option<&&str>| line.is_none_or(|line| line.is_empty() || line.starts_with(".sp"));
    let mut out = String::new();
    for (place, line) in lines.iter().enumerate() {
        let before = place.checked_sub(1).and_then(|before| lines.get(before));
        let is_idle = *line == ".br" && (is_space(before) || is_space(lines.get(place + 1)));
        if !is_idle {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

/// What stands behind a command's help, line by line as it is there.
fn section(text: &str) -> String {
    let mut lines = text.lines();
    let title = lines.next().unwrap_or_default().trim_end_matches(':').to_uppercase();
    let mut out = format!(".SH {title}\n.nf\n");
    for line in lines {
        let line = line.replace('\\', "\\e").replace('-', "\\-");
        let guard = if line.starts_with(['.', '\'']) { "\\&" } else { "" };
        out.extend([guard, &line, "\n"]);
    }
    out + ".fi\n"
}
