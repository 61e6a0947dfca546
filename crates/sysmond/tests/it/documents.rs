//! The commands of the documents, run as they are written: each block of `sh` in a shell, one document after the
//! other in a home of its own. What cannot be run here has a mark with the reason before it, and is counted.
//!
//! `<!-- not run: REASON -->` stands before a block that is not run. `<!-- runs until: CONDITION -->` stands before one
//! that goes on until it is stopped: the condition is a command that is tried until it succeeds; then the block gets a
//! SIGTERM and has to end with status 0. After `<!-- ready when: CONDITION -->` the block's end is followed by waiting
//! for it.

use crate::program::wait_until;
use rustix::process::Signal;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The documents with commands, and in each the blocks that are run and those that are not.
const DOCUMENTS: &[(&str, usize, usize)] = &[
    ("CONTRIBUTING.md", 0, 1),
    ("README.md", 2, 2),
    ("deploy/README.md", 0, 1),
    ("docs/api.md", 16, 1),
    ("docs/fleet.md", 5, 5),
    ("docs/operations.md", 7, 3),
    ("docs/performance.md", 0, 1),
    ("docs/quickstart.md", 5, 0),
    ("docs/reliability.md", 0, 1),
    ("docs/sql.md", 8, 0),
    ("docs/storage.md", 2, 0),
];

/// What is done with a block.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Mark {
    Run,
    RunUntil(String),
    ReadyWhen(String),
    NotRun(String),
}

#[derive(Debug)]
struct Block {
    language: String,
    line: usize,
    text: String,
    mark: Mark,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository is there")
}

fn mark(line: &str) -> Option<Mark> {
    let inside = line.strip_prefix("<!-- ")?.strip_suffix(" -->")?;
    let (word, rest) = inside.split_once(": ")?;
    match word {
        "runs until" => Some(Mark::RunUntil(rest.to_owned())),
        "ready when" => Some(Mark::ReadyWhen(rest.to_owned())),
        "not run" => Some(Mark::NotRun(rest.to_owned())),
        _ => None,
    }
}

/// The fenced blocks of a document.
fn blocks(text: &str) -> Vec<Block> {
    let (mut found, mut next, mut open) = (Vec::new(), Mark::Run, false);
    for (number, line) in text.lines().enumerate() {
        match (line.strip_prefix("```"), open) {
            (Some(language), false) => {
                let mark = std::mem::replace(&mut next, Mark::Run);
                found.push(Block {
                    language: language.to_owned(),
                    line: number + 1,
                    text: String::new(),
                    mark,
                });
                open = true;
            }
            (Some(_), true) => open = false,
            (None, true) => {
                let block: &mut Block = found.last_mut().expect("one is open");
                block.text.extend([line, "\n"]);
            }
            (None, false) if line.is_empty() => {}
            (None, false) => next = mark(line).unwrap_or(Mark::Run),
        }
    }
    found
}

#[test]
fn blocks_have_their_marks() {
    let text = "a\n\n```sh\nx\n```\n<!-- not run: why -->\n\n```sh\ny\nz\n```\n<!-- not run: lost -->\ntext\n```toml\n```\n";
    let found: Vec<_> =
        blocks(text).into_iter().map(|block| (block.language, block.text, block.mark)).collect();
    let sh = |text: &str, mark| ("sh".to_owned(), text.to_owned(), mark);
    let toml = ("toml".to_owned(), String::new(), Mark::Run);
    assert_eq!(found, [sh("x\n", Mark::Run), sh("y\nz\n", Mark::NotRun("why".to_owned())), toml]);
}

#[test]
fn every_document_with_commands_is_tried() {
    let listed =
        Command::new("git").args(["ls-files", "*.md"]).current_dir(root()).output().expect("git runs");
    let names = String::from_utf8(listed.stdout).expect("our file names are UTF-8");
    let with_commands: Vec<&str> = names
        .lines()
        .filter(|name| {
            let text = fs::read_to_string(root().join(name)).unwrap_or_default();
            blocks(&text).iter().any(|block| block.language == "sh")
        })
        .collect();
    let tried: Vec<&str> = DOCUMENTS.iter().map(|(name, ..)| *name).collect();
    assert_eq!(with_commands, tried, "documents with commands, and those that are tried");
}

/// A home with a checkout in it whose programs are those of this build.
struct Session {
    home: tempfile::TempDir,
    /// What stands for the documented ports.
    ports: [u16; 2],
}

impl Session {
    fn new() -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        let place = |name: &str| home.path().join(name);
        let sysmond = env!("CARGO_BIN_EXE_sysmond");
        fs::create_dir_all(place("bin")).expect("ours");
        fs::create_dir_all(place("sysmon/target/release")).expect("ours");
        symlink(sysmond, place("bin/sysmond")).expect("ours");
        symlink(sysmond, place("sysmon/target/release/sysmond")).expect("ours");
        for folder in ["scripts", "deploy", "docs"] {
            symlink(root().join(folder), place("sysmon").join(folder)).expect("ours");
        }
        let listeners = [(), ()].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
        let ports = listeners.map(|listener| listener.local_addr().expect("it is bound").port());
        Self { home, ports }
    }

    /// The text with this session's names for what is another on each machine.
    fn adapted(&self, text: &str) -> String {
        let [server, prometheus] = self.ports;
        let token = self.home.path().join(".sysmon/token");
        let backup = self.home.path().join("backup");
        text.replace("127.0.0.1:9000", &format!("127.0.0.1:{server}"))
            .replace("http://monitor:9000", &format!("http://127.0.0.1:{server}"))
            .replace("127.0.0.1:9100", &format!("127.0.0.1:{prometheus}"))
            .replace("/etc/sysmon/token", &token.display().to_string())
            .replace("/backup/", &format!("{}/", backup.display()))
    }

    fn shell(&self, text: &str) -> Command {
        let mut command = Command::new("bash");
        let path = std::env::vars_os().find(|(name, _)| name == "PATH").expect("a PATH").1;
        let path = format!("{}:{}", self.home.path().join("bin").display(), path.to_string_lossy());
        command
            .args(["-euo", "pipefail", "-c", &self.adapted(text)])
            .current_dir(self.home.path().join("sysmon"))
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", path)
            .env("SYSMOND_BIN", env!("CARGO_BIN_EXE_sysmond"))
            .env("SYSMON_LISTEN", format!("127.0.0.1:{}", self.ports[0]))
            .stdin(Stdio::null());
        command
    }

    /// Runs to the end.
    fn run(&self, text: &str) -> Result<String, String> {
        let log = self.home.path().join("said");
        let out = fs::File::create(&log).expect("ours");
        // A file and no pipe: what is started in the background keeps it open.
        let mut command = self.shell(text);
        command.stdout(out.try_clone().expect("a file")).stderr(out).process_group(0);
        let mut child = Group(command.spawn().expect("bash runs"));
        let status = wait_until(text, || child.0.try_wait().expect("our child"));
        let said = fs::read_to_string(&log).unwrap_or_default();
        if status.success() { Ok(said) } else { Err(said) }
    }

    /// Runs until the condition holds, and has it end.
    fn run_until(&self, text: &str, condition: &str) -> Result<String, String> {
        let log = self.home.path().join("going");
        let out = fs::File::create(&log).expect("ours");
        let mut command = self.shell(text);
        command.stdout(out.try_clone().expect("a file")).stderr(out).process_group(0);
        let mut child = Group(command.spawn().expect("bash runs"));
        let mut ended = None;
        wait_until(condition, || {
            ended = child.0.try_wait().expect("our child");
            (ended.is_some() || self.run(condition).is_ok()).then_some(())
        });
        if ended.is_none() {
            child.signal(Signal::TERM);
        }
        let status = wait_until("it ends", || child.0.try_wait().expect("our child"));
        let said = fs::read_to_string(&log).unwrap_or_default();
        // A shell that waits for the program is ended by the signal itself.
        let is_well = ended.is_none() && (status.success() || status.code().is_none());
        if is_well { Ok(said) } else { Err(said) }
    }
}

/// A block that goes on, with all that it started; ended whatever becomes of the test.
struct Group(Child);

impl Group {
    fn signal(&self, signal: Signal) {
        // Where all have ended already there is nobody to tell.
        rustix::process::kill_process_group(rustix::process::Pid::from_child(&self.0), signal).ok();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.signal(Signal::KILL);
            self.0.wait().ok();
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.run("scripts/stop.sh").ok();
    }
}

/// Runs the blocks of one document.
fn check(name: &str) {
    let (_, expected_run, expected_not) =
        *DOCUMENTS.iter().find(|(document, ..)| *document == name).expect("it is among them");
    let text = fs::read_to_string(root().join(name)).expect("it is there");
    let session = Session::new();
    fs::create_dir(session.home.path().join("backup")).expect("ours");
    let (mut run, mut not_run) = (0, 0);
    for Block { line, text, mark, .. } in blocks(&text).into_iter().filter(|block| block.language == "sh") {
        let outcome = match mark {
            Mark::Run => session.run(&text),
            Mark::RunUntil(condition) => session.run_until(&text, &condition),
            Mark::ReadyWhen(condition) => session.run(&text).inspect(|_| {
                wait_until(&condition, || session.run(&condition).ok());
            }),
            Mark::NotRun(reason) => {
                assert!(reason.len() > 10, "{name}:{line}: a reason");
                not_run += 1;
                continue;
            }
        };
        run += 1;
        assert!(outcome.is_ok(), "{name}:{line}:\n{text}\nsaid: {}", outcome.unwrap_or_else(|said| said));
    }
    assert_eq!((run, not_run), (expected_run, expected_not), "{name}: blocks that are run, and that are not");
}

#[test]
fn readme() {
    check("README.md");
    check("CONTRIBUTING.md");
    check("deploy/README.md");
}

#[test]
fn quickstart() {
    check("docs/quickstart.md");
}

#[test]
fn fleet() {
    check("docs/fleet.md");
}

#[test]
fn operations() {
    check("docs/operations.md");
}

#[test]
fn api() {
    check("docs/api.md");
}

#[test]
fn others() {
    for name in ["docs/performance.md", "docs/reliability.md", "docs/sql.md", "docs/storage.md"] {
        check(name);
    }
}

/// Pieces of configuration are right too.
#[test]
fn configuration() {
    let place = crate::program::Place::new();
    let mut pieces = 0;
    for (name, ..) in DOCUMENTS {
        let text = fs::read_to_string(root().join(name)).expect("it is there");
        for Block { line, text, .. } in blocks(&text).into_iter().filter(|block| block.language == "toml") {
            pieces += 1;
            let file = place.write("sysmon.toml", &text);
            let (status, stdout, stderr) = place.run(&format!("check-config --config {file}"));
            assert_eq!(status, Some(0), "{name}:{line}: {stdout}{stderr}");
        }
    }
    assert!(pieces >= 1);
}
