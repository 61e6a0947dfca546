//! Manual pages, made from the command line's own definition.

use crate::cli;
use anyhow::Context;
use clap::{Arg, Command};
use clap_mangen::Man;
use std::collections::BTreeSet;
use std::fmt::Write as _;
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
    // `sysmond help` shows what these pages show, and has none of its own.
    let mut command = cli::command().disable_help_subcommand(true);
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
    out.extend(synopsis(command).bytes());
    man.render_description_section(&mut out)?;
    man.render_options_section(&mut out)?;
    if command.get_subcommands().next().is_some() {
        man.render_subcommands_section(&mut out)?;
    }
    let is_program = command.get_subcommands().next().is_some();
    let mut text = tidied(&String::from_utf8_lossy(&out)) + EXIT_STATUS;
    if is_program {
        text += ENVIRONMENT_AND_FILES;
    }
    if let Some(examples) = command.get_after_help() {
        text += &section(&examples.to_string());
    }
    Ok(text + &see_also(&title(command)))
}

const EXIT_STATUS: &str = "\
.SH EXIT STATUS
0 done, 1 failed, 2 wrong usage or configuration.
SIGTERM and SIGINT end a server in good order, with 0.
";

const ENVIRONMENT_AND_FILES: &str = r".SH ENVIRONMENT
.TP
\fBSYSMON_\fR\fI\.\|.\|.\fR
Each setting has a variable, which its option names. It counts before the configuration file; one that is empty counts
as unset.
.TP
\fBSYSMON_TOKEN\fR
The token that agents show to the aggregator.
.TP
\fBSYSMON_CONFIG\fR
The configuration file, as \fB\-\-config\fR.
.TP
\fBNO_COLOR\fR
Set to anything: nothing is coloured.
.TP
\fBSTATE_DIRECTORY\fR, \fBCREDENTIALS_DIRECTORY\fR, \fBNOTIFY_SOCKET\fR, \fBWATCHDOG_USEC\fR
As systemd sets them for a service: folder of the databases, folder of the secret \fItoken\fR, where to say that it is ready
and alive.
.SH FILES
.TP
\fI~/.config/sysmon/sysmon.toml\fR, else \fI/etc/sysmon/sysmon.toml\fR
Settings.
.TP
\fI~/.sysmon/\fR
Databases and token, unless \fB\-\-data\-dir\fR says otherwise; of a package's services \fI/var/lib/sysmon/\fR and
\fI/var/lib/sysmon\-agent/\fR.
.TP
\fIaggregator.db\fR, \fIagent.db\fR
In that folder: what an aggregator received; what an agent collected. SQLite.
.TP
\fItoken\fR
In that folder: the token, made at an aggregator's first start.
";

/// The command with all its options and their values. Of its own, since the generator leaves the values out.
fn synopsis(command: &Command) -> String {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let mut out = format!(".SH SYNOPSIS\n.nh\n.ad l\n\\fB{}\\fR", escaped(name));
    let args: Vec<&Arg> = command.get_arguments().filter(|arg| !arg.is_hide_set()).collect();
    let (places, options): (Vec<&Arg>, Vec<&Arg>) = args.into_iter().partition(|arg| arg.is_positional());
    for arg in options.into_iter().chain(places) {
        let flag = arg.get_long().map(|long| format!("\\fB\\-\\-{}\\fR", escaped(long)));
        let takes = arg.get_num_args().is_some_and(|count| count.takes_values());
        let names = arg.get_value_names().filter(|_| takes).unwrap_or_default();
        let values = names.iter().map(|name| format!("\\fI{}\\fR", escaped(name)));
        // One word, so that no line ends between an option and its value.
        let word = flag.into_iter().chain(values).collect::<Vec<_>>().join("\\ ");
        let (open, close) = if arg.is_required_set() { ("", "") } else { ("[", "]") };
        write!(out, "\n{open}{word}{close}").expect("writing to a String does not fail");
    }
    if command.get_subcommands().next().is_some() {
        out += "\n[\\fICOMMAND\\fR]";
    }
    out + "\n.ad b\n.hy\n"
}

/// The other pages.
fn see_also(own: &str) -> String {
    let command = built();
    let titles: BTreeSet<String> =
        std::iter::once(&command).chain(command.get_subcommands()).map(title).collect();
    let others = titles.iter().filter(|title| *title != own);
    let others: Vec<String> = others.map(|title| format!("\\fB{}\\fR(1)", escaped(title))).collect();
    format!(".SH SEE ALSO\n.nh\n.ad l\n{}\n", others.join(",\n"))
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-")
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
        let line = escaped(line);
        let guard = if line.starts_with(['.', '\'']) { "\\&" } else { "" };
        out.extend([guard, &line, "\n"]);
    }
    out + ".fi\n"
}
