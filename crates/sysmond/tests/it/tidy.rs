//! The rules of the repository that no compiler and no linter sees.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What we write by hand and a reader reads; fixtures, snapshots and lock files are not.
const SOURCES: &[&str] =
    &["rs", "js", "mjs", "ts", "css", "html", "sh", "bash", "py", "sql", "toml", "conf", "json"];
/// A file that is longer has more than one subject.
const MAX_LINES: usize = 500;
const MAX_LINE_CHARS: usize = 120;
/// Texts of others, as they wrote them.
const QUOTED: &[&str] = &["crates/sysmond-tsdb/src/sql/documented.sql"];
/// More crates than this, our own included, need a word on why: each is built, licensed, updated and trusted.
const MAX_CRATES: usize = 200;

struct File {
    path: String,
    text: String,
}

impl File {
    fn has_extension(&self, extensions: &[&str]) -> bool {
        Path::new(&self.path).extension().is_some_and(|found| extensions.iter().any(|known| found == *known))
    }

    fn is_source(&self) -> bool {
        let made = ["/fixtures/", "/snapshots/", "/seeds/", "package-lock.json"];
        (self.has_extension(SOURCES) || self.text.starts_with("#!"))
            && !made.iter().any(|part| self.path.contains(part))
    }

    fn is_below(&self, folder: &str) -> bool {
        self.path.starts_with(folder)
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository is there")
}

/// All tracked files that are text.
fn files() -> Vec<File> {
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output().expect("git runs");
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let names = String::from_utf8(listed.stdout).expect("our file names are UTF-8");
    let files: Vec<File> = names
        .split_terminator('\0')
        .filter_map(|path| {
            let text = String::from_utf8(fs::read(root().join(path)).ok()?).ok()?;
            Some(File { path: path.to_owned(), text })
        })
        .collect();
    assert!(files.len() > 50, "only {} files: is this the repository?", files.len());
    files
}

/// Fails with all that `complaint` says of the files, one line each.
fn check_files(complaint: impl Fn(&File) -> Vec<String>) {
    let complaints: Vec<String> = files()
        .iter()
        .flat_map(|file| complaint(file).into_iter().map(move |what| format!("{}:{what}", file.path)))
        .collect();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// Fails with each line of the chosen files for which `is_bad`.
fn check_lines(chosen: impl Fn(&File) -> bool, is_bad: impl Fn(&str) -> bool) {
    check_files(|file| {
        let lines = file.text.lines().enumerate().filter(|(_, line)| chosen(file) && is_bad(line));
        lines.map(|(index, line)| format!("{}: {}", index + 1, line.trim())).collect()
    });
}

/// `pattern` written with a `~` in it, so that this file does not match itself.
fn contains(line: &str, pattern: &str) -> bool {
    line.contains(&pattern.replace('~', ""))
}

#[test]
fn lines_are_short() {
    let too_long = |line: &str| line.chars().count() > MAX_LINE_CHARS;
    let is_comment = |line: &str| line.trim_start().starts_with("//");
    // A text that is quoted stands as it is, and so does a type that is one line of JSDoc.
    let is_whole = |line: &str| line.contains('"') || line.contains("/** @") || line.contains("* @param");
    // Formatters hold the code, but for what macros contain; comments they leave alone.
    check_lines(|file| file.has_extension(&["rs"]), |line| is_comment(line) && too_long(line));
    check_lines(
        |file| file.is_source() && !file.has_extension(&["rs"]),
        |line| too_long(line) && !is_whole(line),
    );
}

#[test]
fn files_are_short() {
    check_files(|file| {
        let lines = file.text.lines().count();
        let long = lines > MAX_LINES && file.is_source();
        long.then(|| format!(" {lines} lines")).into_iter().collect()
    });
}

#[test]
fn white_space_is_plain() {
    let bad = |line: &str| line.contains('\t') || line.ends_with([' ', '\r']);
    let is_ours = |file: &File| !QUOTED.contains(&file.path.as_str());
    check_lines(|file| (file.is_source() || file.has_extension(&["md"])) && is_ours(file), bad);
    check_files(|file| {
        let ends_badly = !file.text.ends_with('\n') || file.text.ends_with("\n\n");
        let bad = ends_badly && file.is_source() && !file.text.is_empty();
        bad.then(|| " ends without one newline".to_owned()).into_iter().collect()
    });
}

#[test]
fn nothing_is_left_half_done() {
    let marks =
        ["to~do!(", "unimple~mented!(", "db~g!(", "FIX~ME", "XX~X", "TO~DO", "debug~ger;", "console.l~og("];
    check_lines(File::is_source, |line| marks.iter().any(|mark| contains(line, mark)));
}

#[test]
fn fuzz_targets_give_a_reason_where_they_panic() {
    check_lines(|file| file.is_below("fuzz/") && file.is_source(), |line| contains(line, ".unw~rap()"));
}

#[test]
fn the_page_writes_text_only_and_fetches_nothing_from_elsewhere() {
    let marks =
        ["inner~HTML", "outer~HTML", "insertAdjacent~HTML", "document.wri~te", "ev~al(", "new Func~tion("];
    let elsewhere = |line: &str| {
        ["http:~//", "https:~//", "ws:~//", "wss:~//"].iter().any(|mark| contains(line, mark))
            && !contains(line, "http:~//www.w3.org/")
    };
    check_lines(|file| file.is_below("dashboard/src/"), |line| marks.iter().any(|mark| contains(line, mark)));
    check_lines(|file| file.is_below("dashboard/src/") && file.is_source(), elsewhere);
}

#[test]
fn no_registry_is_named() {
    let hosts = [
        "index.crates~.io",
        "static.crates~.io",
        "//crates~.io",
        "npmjs~.org",
        "npmjs~.com",
        "pypi~.org",
        "python~hosted.org",
        "deb.deb~ian.org",
        "security.deb~ian.org",
    ];
    check_lines(|_| true, |line| hosts.iter().any(|host| contains(line, host)));
}

#[test]
fn modules_say_what_they_are_and_have_names_that_mean_something() {
    check_files(|file| {
        let name = Path::new(&file.path).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut complaints = Vec::new();
        let is_part = name == "tests" || name.ends_with("_tests");
        if file.has_extension(&["rs"]) && !is_part && !file.text.starts_with("//!") {
            complaints.push(" does not open with //!".to_owned());
        }
        if file.is_source()
            && ["utils", "util", "common", "helpers", "helper", "misc"].contains(&name.as_str())
        {
            complaints.push(" is named after nothing".to_owned());
        }
        complaints
    });
}

#[test]
fn the_model_does_no_io_and_the_leaves_know_no_runtime() {
    let io = ["std::fs", "std::net", "std::process", "std::thread", "std::env"];
    check_lines(
        |file| file.is_below("crates/sysmond-model/src/"),
        |line| io.iter().any(|path| line.contains(path)),
    );
    let runtime = ["tokio::", "tokio.workspace", "hyper::", "hyper.workspace", "axum::", "axum.workspace"];
    let leaves = ["crates/sysmond-model/", "crates/sysmond-procfs/", "crates/sysmond-tsdb/"];
    check_lines(
        |file| leaves.iter().any(|leaf| file.is_below(leaf)) && file.has_extension(&["rs", "toml"]),
        |line| runtime.iter().any(|name| line.contains(name)),
    );
}

#[test]
fn what_starts_with_a_shebang_can_be_run() {
    check_files(|file| {
        let mode = fs::metadata(root().join(&file.path)).expect("it was read").permissions().mode();
        let wrong = file.text.starts_with("#!") && !file.text.starts_with("#![") && mode & 0o111 == 0;
        wrong.then(|| " is not executable".to_owned()).into_iter().collect()
    });
}

/// Those of tests and benches alone are not among them.
#[test]
fn few_crates_make_the_program() {
    let tree = [
        "tree",
        "--locked",
        "--offline",
        "--package=sysmond",
        "--edges=normal,build",
        "--target=all",
        "--prefix=none",
    ];
    let asked = Command::new(env!("CARGO")).args(tree).arg("--format={p}").current_dir(root()).output();
    let asked = asked.expect("cargo runs");
    assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
    let listed = String::from_utf8(asked.stdout).expect("names of crates are ASCII");
    let crates: BTreeSet<&str> = listed.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    let count = crates.len();
    assert!((100..=MAX_CRATES).contains(&count), "{count} crates are in the program or build it");
    let page =
        fs::read_to_string(root().join("docs/decisions/2026-11-22-dependencies.md")).expect("it is there");
    assert!(
        page.contains(&format!("\n{count} crates are in the program")),
        "{count} crates, says the page of another"
    );
}

#[test]
fn each_decision_is_listed() {
    let folder = root().join("docs/decisions");
    let list = fs::read_to_string(folder.join("README.md")).expect("the list is there");
    let names =
        fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("ours").file_name());
    let names: Vec<_> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    assert!(names.len() > 10, "{names:?}");
    let is_missing = |name: &&String| *name != "README.md" && !list.contains(&format!("]({name})"));
    let missing: Vec<_> = names.iter().filter(is_missing).collect();
    assert!(missing.is_empty(), "not in docs/decisions/README.md: {missing:?}");
}

#[test]
fn links_in_documents_lead_somewhere() {
    check_files(|file| {
        if !file.has_extension(&["md"]) {
            return Vec::new();
        }
        let folder = root().join(&file.path).parent().expect("a file is in a folder").to_path_buf();
        let dead = link_targets(&file.text).into_iter().filter(|target| !folder.join(target).exists());
        dead.map(|target| format!(" links to {target}, which is not there")).collect()
    });
}

/// The files that a document links to: `[text](target)`, less anchors and addresses.
fn link_targets(text: &str) -> BTreeSet<String> {
    let after_brackets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    after_brackets
        .map(|target| target.split('#').next().unwrap_or_default().to_owned())
        .filter(|target| !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:"))
        .collect()
}

#[test]
fn a_link_s_target_is_found() {
    let text = "See [a](docs/a.md#part), [b](https://example.org/b.md), [c](#c) and ![picture](docs/p.png).";
    let targets: Vec<_> = link_targets(text).into_iter().collect();
    assert_eq!(targets, ["docs/a.md", "docs/p.png"]);
}

#[test]
fn workspaces_of_their_own_lock_what_the_product_does() {
    for folder in ["fuzz", "bench"] {
        let manifest = format!("--manifest-path={folder}/Cargo.toml");
        let metadata = ["metadata", "--locked", "--offline", "--format-version=1", &manifest];
        let asked = Command::new(env!("CARGO")).args(metadata).current_dir(root()).output();
        let asked = asked.expect("cargo runs");
        let said = String::from_utf8_lossy(&asked.stderr);
        assert!(
            asked.status.success(),
            "{said}\nAfter a change of dependencies: cargo metadata in {folder}/"
        );
    }
}

/// An agent reads: it starts no program and takes no commands. What `demo` starts is `sysmond` itself.
#[test]
fn an_agent_never_executes_anything() {
    let files = files();
    let product = |file: &&File| {
        let below = ["crates/sysmond/src/", "crates/sysmond-procfs/src/", "crates/sysmond-model/src/"];
        let may =
            ["crates/sysmond/src/demo.rs", "crates/sysmond/src/cli.rs", "crates/sysmond/src/commands.rs"];
        file.has_extension(&["rs"])
            && below.iter().any(|folder| file.is_below(folder))
            && !may.contains(&file.path.as_str())
    };
    let mut count = 0;
    for file in files.iter().filter(product) {
        count += 1;
        for word in ["process::Command", "Command::new", "execve", "posix_spawn", "fork("] {
            assert!(!file.text.contains(word), "{} has {word}", file.path);
        }
    }
    assert!(count > 100, "only {count} files");
}
