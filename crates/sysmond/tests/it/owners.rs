//! Databases of another user: what root puts back is the service's, what may not be read says whose it is, and what may
//! not be written can be read.

use crate::program::{Place, finished};
use crate::unprivileged::{AS_NOBODY, NOBODY};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

/// Only root has other users; says loudly where nothing is tried.
fn is_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        std::io::Write::write_all(&mut std::io::stderr(), b"SKIPPED: only root can be several users\n")
            .expect("somebody listens");
    }
    is_root
}

/// A place that every user may look into.
fn open_place() -> Place {
    let place = Place::new();
    fs::set_permissions(place.path(""), Permissions::from_mode(0o755)).expect("ours");
    place
}

/// The program of nobody, with this data folder.
fn as_nobody(arguments: &str, data: &Path) -> Command {
    let mut command = Command::new(AS_NOBODY[0]);
    command.args(&AS_NOBODY[1..]).arg(env!("CARGO_BIN_EXE_sysmond")).args(arguments.split_whitespace());
    command.env_clear().env("PATH", "/usr/bin:/bin").env("SYSMON_DATA_DIR", data);
    command
}

fn check(mut command: Command, expected: i32, word: &str) {
    let (status, stdout, stderr) = finished(&mut command);
    assert_eq!(status, Some(expected), "{stdout}{stderr}");
    assert!(format!("{stdout}{stderr}").contains(word), "`{word}` is not in: {stdout}{stderr}");
}

/// Gives a folder and all in it to nobody.
fn give_away(folder: &Path) {
    let all = fs::read_dir(folder).expect("ours").flatten().map(|entry| entry.path());
    for path in all.chain([folder.to_path_buf()]) {
        chown(path, Some(NOBODY), Some(NOBODY)).expect("root may");
    }
}

/// A place with both databases of a standalone in the folder `data`, which is nobody's.
fn of_nobody() -> Place {
    let place = open_place();
    place.serve("--hostname a --interval 100ms").stop();
    give_away(&place.path("data"));
    place
}

#[test]
fn what_root_makes_in_the_folder_of_a_service_is_the_service_s() {
    if !is_root() {
        return;
    }
    let place = of_nobody();
    let data = place.path("data");
    for whose in ["aggregator", "agent"] {
        let copy = place.path(&format!("{whose}-copy.db"));
        let mut backup = place.command(&format!("backup {whose} --output"));
        backup.arg(&copy);
        check(backup, 0, "");
        // As in a new place: lock and database are made.
        for suffix in ["", ".lock"] {
            fs::remove_file(data.join(format!("{whose}.db{suffix}"))).expect("there");
        }
        for _ in 0..2 {
            let mut restore = place.command("restore");
            restore.arg(&copy).arg(whose);
            check(restore, 0, "");
        }
    }
    check(place.command("redeliver"), 0, "");
    for entry in fs::read_dir(&data).expect("ours").flatten() {
        let meta = entry.metadata().expect("there");
        assert_eq!((meta.uid(), meta.gid()), (NOBODY, NOBODY), "{:?}", entry.path());
    }
    let mut sql = as_nobody("sql --csv", &data);
    sql.arg("SELECT hostname FROM hosts");
    check(sql, 0, "a");
    let addr_file = data.join("address");
    let flags = format!("--listen 127.0.0.1:0 --hostname a --addr-file {}", addr_file.display());
    place.start(as_nobody(&flags, &data)).serving(&addr_file).stop();
}

#[test]
fn a_backup_is_put_back_from_where_nothing_may_be_written() {
    if !is_root() {
        return;
    }
    let place = open_place();
    place.serve("aggregator").stop();
    let shelf = place.path("shelf");
    fs::create_dir(&shelf).expect("ours");
    let mut backup = place.command("backup --output");
    backup.arg(shelf.join("new.db"));
    check(backup, 0, "");
    // As older programs made them: a file that says that it has a log of its own.
    let mut bytes = fs::read(shelf.join("new.db")).expect("there");
    bytes.get_mut(18..20).expect("a header").fill(2);
    fs::write(shelf.join("old.db"), bytes).expect("ours");
    let of_nobody = place.path("of-nobody");
    fs::create_dir(&of_nobody).expect("ours");
    give_away(&of_nobody);
    for name in ["new.db", "old.db"] {
        fs::set_permissions(shelf.join(name), Permissions::from_mode(0o444)).expect("ours");
    }
    fs::set_permissions(&shelf, Permissions::from_mode(0o555)).expect("ours");
    for name in ["new.db", "old.db"] {
        let mut restore = as_nobody("restore", &of_nobody.join(name));
        restore.arg(shelf.join(name));
        check(restore, 0, "");
    }
    // The database itself can be asked there too.
    fs::rename(place.path("data/aggregator.db"), place.path("data/moved")).expect("ours");
    fs::copy(shelf.join("old.db"), place.path("data/aggregator.db")).expect("ours");
    fs::set_permissions(place.path("data"), Permissions::from_mode(0o555)).expect("ours");
    let mut sql = as_nobody("sql", &place.path("data"));
    sql.arg("SELECT count(*) FROM hosts");
    check(sql, 0, "0");
    assert_eq!(fs::read_dir(&shelf).expect("ours").count(), 2, "nothing is left beside a backup");
}

#[test]
fn what_may_not_be_read_says_whose_it_is() {
    if !is_root() {
        return;
    }
    let place = open_place();
    place.serve("aggregator").stop();
    let data = place.path("data");
    let word = "the user root: as root, `runuser -u root -- sysmond …`";
    let with = |arguments: &str, last: &Path| {
        let mut command = as_nobody(arguments, &data);
        command.arg(last);
        command
    };
    let all = || {
        check(with("backup --output", &place.path("x.db")), 1, word);
        check(with("sql", Path::new("SELECT 1")), 1, word);
        check(as_nobody("export", &data), 1, word);
        check(with("restore", &data.join("aggregator.db")), 1, word);
    };
    all();
    // The folder is open and the file is not.
    fs::set_permissions(&data, Permissions::from_mode(0o755)).expect("ours");
    all();
    fs::write(place.path("data/agent.db"), "").expect("ours");
    check(as_nobody("redeliver", &data), 1, word);
}
