//! What the program says to people: help, errors with what to do, completions, manual pages, colours.

use crate::program::{Place, finished};
use std::fmt::Write;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Holds a text against the file of that name; `UPDATE_SNAPSHOTS=1` accepts it.
fn check_text(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/it/snapshots/{name}.txt"));
    if std::env::vars_os().any(|(key, _)| key == "UPDATE_SNAPSHOTS") {
        std::fs::write(&path, text).expect("written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    // Not the texts: they are long, and what changed is seen best once it is accepted.
    assert!(text == kept, "{name} is another; UPDATE_SNAPSHOTS=1 accepts it");
}

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

#[test]
fn help_is_as_it_was_when_somebody_last_read_it() {
    let place = Place::new();
    let mut all = String::new();
    for arguments in std::iter::once("-h".to_owned()).chain(COMMANDS.map(|command| format!("{command} -h"))) {
        let (status, stdout, stderr) = place.run(&arguments);
        assert_eq!((status, stderr.as_str()), (Some(0), ""), "{arguments}");
        assert!(stdout.contains("Example"), "{arguments} shows one");
        writeln!(all, "$ sysmond {arguments}\n{stdout}").expect("memory takes it");
    }
    check_text("help", &all);
}

#[test]
fn long_help_has_every_setting_with_its_other_names() {
    let place = Place::new();
    let (_, short, _) = place.run("agent -h");
    let (_, long, _) = place.run("agent --help");
    for word in ["--retention-10m", "[env: SYSMON_PROCFS]", "[file: agent.interval]"] {
        assert!(long.contains(word) && !short.contains(word), "{word}");
    }
}

#[test]
fn help_can_be_asked_for_as_a_command() {
    let place = Place::new();
    for (asked, same) in
        [("help", "--help"), ("help agent", "agent --help"), ("help health", "health --help")]
    {
        let (status, stdout, _) = place.run(asked);
        assert_eq!((status, stdout), (Some(0), place.run(same).1), "{asked}");
    }
}

/// What people type, and what is in the place for it.
const WRONG: &[&str] = &[
    "--no-such-flag",
    "agnet",
    "--interval 5s agent",
    "agent",
    "agent --aggregator monitor:9000",
    "agent --aggregator https://monitor:9000",
    "agent --aggregator http://monitor:9000",
    "agent --aggregator http://monitor:9000 --hostname -x",
    "agent --aggregator http://monitor:9000 --tag role",
    "--listen 9000",
    "--listen TAKEN",
    "--listen 192.0.2.1:9000",
    "--data-dir PLACE/file",
    "--data-dir PLACE/open",
    "--config PLACE/nothing.toml",
    "check-config --config PLACE/unknown.toml",
    "check-config --config PLACE/broken.toml",
    "--token-file PLACE/open-token",
    "--token-file PLACE/nothing",
    "--token-file PLACE/documented-token",
    "--max-disk 1MB",
    "--retention 15",
    "--log-level loud",
    "aggregator --trusted-proxy proxy",
    "aggregator --allowed-host http://monitor",
    "aggregator --listen 127.0.0.1:0 --data-dir PLACE/newer",
    "aggregator --listen 127.0.0.1:0 --data-dir PLACE/foreign",
    "demo --hosts 0",
    "sql",
    "sql SELECT",
    "export --from yesterday",
    "export --format xml",
    "backup",
    "backup --output x.db",
    "restore PLACE/nothing",
    "redeliver",
    "health --listen 127.0.0.1:0",
    "completions tcsh",
    "man nothing",
];

fn database(path: &Path, statements: &str) {
    std::fs::create_dir(path.parent().expect("in a folder")).expect("made");
    rusqlite::Connection::open(path).and_then(|conn| conn.execute_batch(statements)).expect("a database");
}

#[test]
fn wrong_uses_say_what_to_do() {
    let place = Place::new();
    place.write("file", "");
    std::fs::create_dir(place.path("open")).expect("made");
    std::fs::set_permissions(place.path("open"), Permissions::from_mode(0o777)).expect("ours");
    place.write("unknown.toml", "intervall = \"5s\"\n[log]\nlevel = 3\n");
    place.write("broken.toml", "retention = [\n");
    place.write("open-token", "a-token-of-a-test-0123456789");
    std::fs::set_permissions(place.path("open-token"), Permissions::from_mode(0o644)).expect("ours");
    place.write("documented-token", "sysmon-secret-token");
    std::fs::set_permissions(place.path("documented-token"), Permissions::from_mode(0o600)).expect("ours");
    let ours = "PRAGMA application_id = 1937339245; PRAGMA user_version = 99; CREATE TABLE hosts (x);";
    database(&place.path("newer/aggregator.db"), ours);
    database(&place.path("foreign/aggregator.db"), "CREATE TABLE recipes (x);");
    let other = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let taken = other.local_addr().expect("it is bound").to_string();
    let folder = place.path("").display().to_string();
    let folder = folder.trim_end_matches('/');
    let mut all = String::new();
    for line in WRONG {
        let (status, stdout, stderr) = place.run(&line.replace("PLACE", folder).replace("TAKEN", &taken));
        assert!(matches!(status, Some(1 | 2)) && !stderr.is_empty(), "{line}: {status:?} {stdout}{stderr}");
        // The log of a start says when and where in the code; the last word is what counts.
        let said: Vec<&str> = stderr.lines().filter(|line| !line.contains(" sysmond::")).collect();
        let port = taken.rsplit(':').next().expect("a port");
        let said = said.join("\n").replace(folder, "PLACE").replace(&taken, "TAKEN").replace(port, "PORT");
        let status = status.expect("matched above");
        writeln!(all, "$ sysmond {line}\n{}\nstatus {status}\n", said.trim_end()).expect("memory takes it");
    }
    let version = rusqlite::Connection::open(place.path("newer/aggregator.db")).expect("there");
    let known: i64 = version.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("there");
    assert_eq!(known, 99, "left alone");
    let words = all.split("knows up to ").collect::<Vec<_>>();
    // Our own version grows with every migration.
    let all = match words.as_slice() {
        [before, after] => {
            format!("{before}knows up to N{}", after.trim_start_matches(|c: char| c.is_ascii_digit()))
        }
        _ => all,
    };
    check_text("wrong_use", &all);
}

/// A shell with the program on its path; says loudly where there is no such shell.
fn shell(name: &str, script: &str) -> Option<String> {
    let place = Place::new();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_sysmond"), place.path("sysmond")).expect("ours");
    let path = format!("{}:/usr/bin:/bin", place.path("").display());
    let mut command = Command::new(name);
    command
        .args(["-c", script])
        .env_clear()
        .env("PATH", path)
        .env("HOME", place.path(""))
        .env("TERM", "dumb");
    if Command::new(name).arg("--version").output().is_err() {
        std::io::Write::write_all(
            &mut std::io::stderr(),
            format!("SKIPPED: there is no {name} here\n").as_bytes(),
        )
        .expect("somebody listens");
        return None;
    }
    let (status, stdout, stderr) = finished(&mut command);
    assert_eq!(status, Some(0), "{name}: {stdout}{stderr}");
    Some(stdout)
}

#[test]
fn bash_completes() {
    let complete = |words: &str, current: u8| {
        let script = format!(
            "source <(sysmond completions bash); COMP_WORDS=({words}); COMP_CWORD={current}; \
             _sysmond sysmond \"${{COMP_WORDS[{current}]}}\" \"${{COMP_WORDS[{current}-1]}}\"; echo \"${{COMPREPLY[@]}}\""
        );
        shell("bash", &script).expect("bash is everywhere").trim().to_owned()
    };
    assert_eq!(complete("sysmond ag", 1), "agent aggregator");
    assert_eq!(complete("sysmond agent --agg", 2), "--aggregator");
    assert_eq!(complete("sysmond --log-level wa", 2), "warn");
}

#[test]
fn fish_completes() {
    let script =
        "sysmond completions fish | source; complete -C 'sysmond ag'; complete -C 'sysmond agent --agg'";
    let Some(said) = shell("fish", script) else { return };
    let words: Vec<&str> = said.lines().filter_map(|line| line.split('\t').next()).collect();
    assert_eq!(words, ["agent", "aggregator", "--aggregator"]);
}

#[test]
fn zsh_completes() {
    // A terminal of its own, in which a tab is typed.
    let script = "
        zmodload zsh/zpty
        zpty shell 'zsh -f -i'
        send() { zpty -w shell \"$1\" }
        send \"PS1=; autoload -U compinit; compinit -u; source <(sysmond completions zsh); echo re''ady\"
        while zpty -r shell line && [[ $line != *ready* ]]; do :; done
        zpty -n -w shell $'sysmond redel\\t--help\\n'
        while zpty -r shell line; do print -r -- $line; [[ $line == *'Usage: sysmond redeliver'* ]] && break; done
        zpty -d shell";
    let Some(said) = shell("zsh", script) else { return };
    assert!(said.contains("Usage: sysmond redeliver"), "{said}");
}

#[test]
fn manual_pages_are_clean_and_one_for_each_command() {
    let place = Place::new();
    let (status, _, stderr) = finished(place.command("man --output").arg(place.path("man1")));
    assert_eq!(status, Some(0), "{stderr}");
    let names = COMMANDS.map(|command| format!("sysmond-{command}.1"));
    for name in names.iter().map(String::as_str).chain(["sysmond.1"]) {
        let path = place.path("man1").join(name);
        let text = std::fs::read_to_string(&path).expect("it is there");
        assert!(text.contains(".SH EXAMPLE"), "{name} has an example");
        let Ok(lint) = Command::new("mandoc").args(["-Tlint", "-W", "warning"]).arg(&path).output() else {
            std::io::Write::write_all(&mut std::io::stderr(), b"SKIPPED: there is no mandoc here\n")
                .expect("heard");
            continue;
        };
        assert!(lint.stdout.is_empty(), "{name}: {}", String::from_utf8_lossy(&lint.stdout));
    }
    let (_, program, _) = place.run("man");
    for title in ["EXIT STATUS", "ENVIRONMENT", "FILES", "SEE ALSO"] {
        assert!(program.contains(&format!("\n.SH {title}\n")), "{title}");
    }
    let (_, one, _) = place.run("man agent");
    assert!(one.contains("[\\fB\\-\\-aggregator\\fR\\ \\fIURL\\fR]"), "values are in the synopsis:\n{one}");
    assert!(one.contains("\\fBsysmond\\fR(1)"), "{one}");
    assert_eq!(one, place.read("man1/sysmond-agent.1"));
}

#[test]
fn nothing_is_coloured_where_nobody_looks() {
    let place = Place::new();
    for arguments in ["--help", "agnet", "sql SELECT", "check-config"] {
        let (_, stdout, stderr) = place.run(arguments);
        assert!(!stdout.contains('\u{1b}') && !stderr.contains('\u{1b}'), "{arguments}");
    }
}

/// The same on a terminal, which `script` makes.
#[test]
fn colours_and_progress_are_for_terminals_and_no_color_is_obeyed() {
    let place = Place::new();
    place.serve("aggregator").stop();
    let on_terminal = |line: &str, no_color: &str| {
        let line = format!("{} {line}", env!("CARGO_BIN_EXE_sysmond"));
        let mut command = Command::new("script");
        command
            .args(["-qec", &line, "/dev/null"])
            .env_clear()
            .env("HOME", place.path(""))
            .env("TERM", "xterm");
        command.env("SYSMON_DATA_DIR", place.path("data")).env("NO_COLOR", no_color);
        finished(&mut command).1
    };
    let is_coloured =
        |text: &str| text.contains("\u{1b}[1m") || text.contains("\u{1b}[3") || text.contains("\u{1b}[4m");
    assert!(is_coloured(&on_terminal("agnet", "")));
    assert!(!is_coloured(&on_terminal("agnet", "1")));
    let copy = place.path("copy.db").display().to_string();
    let said = on_terminal(&format!("backup --output {copy}"), "1");
    assert!(said.contains("copied") && said.contains("and checked"), "{said}");
}
