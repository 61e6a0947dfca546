//! Whether files and folders may be used, and who may where we may not: a service's folder is closed to all others.

use crate::partial::folder_of;
use anyhow::{anyhow, bail};
use rustix::fs::Access;
use rustix::io::Errno;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Refuses a database that is not there, with `advice`, or that may not be read.
pub(crate) fn require_database(path: &Path, advice: &str) -> anyhow::Result<()> {
    let missing = || format!("there is no database {}: {advice}", path.display());
    require(path, Access::READ_OK, missing)
}

/// Refuses a file that is not there, with `advice`, or that may not be read.
pub(crate) fn require_file(path: &Path, advice: &str) -> anyhow::Result<()> {
    let missing = || format!("there is no file {}: {advice}", path.display());
    require(path, Access::READ_OK, missing)?;
    if path.is_file() { Ok(()) } else { bail!("{} is no file: {advice}", path.display()) }
}

/// Refuses a folder that may not be written, unless it is still to be made.
pub(crate) fn require_folder(path: &Path) -> anyhow::Result<()> {
    if !path.try_exists().unwrap_or(true) {
        return Ok(());
    }
    let missing = || format!("there is no folder {}", path.display());
    require(path, Access::WRITE_OK | Access::EXEC_OK, missing)
}

fn require(path: &Path, wanted: Access, missing: impl FnOnce() -> String) -> anyhow::Result<()> {
    match rustix::fs::access(path, wanted) {
        Ok(()) => Ok(()),
        Err(Errno::NOENT | Errno::NOTDIR) => bail!(missing()),
        Err(Errno::ACCESS) => Err(denied(path)),
        Err(error) => Err(anyhow!("cannot use {}: {error}", path.display())),
    }
}

/// Says whose it is, or whose the folder is that hides it.
fn denied(path: &Path) -> anyhow::Error {
    let meta = [path, folder_of(path)].into_iter().find_map(|path| std::fs::metadata(path).ok());
    let shown = path.display();
    match meta.map(|meta| (meta.uid(), user_name(meta.uid()))) {
        Some((_, Some(name))) => anyhow!(
            "{shown} is open to its owner alone, the user {name}: as root, `runuser -u {name} -- sysmond …`"
        ),
        Some((uid, None)) => {
            anyhow!("{shown} is open to its owner alone, the user {uid}: run this as that user")
        }
        None => anyhow!("{shown} is in a folder that is closed to you: run this as its owner"),
    }
}

/// The name of a user of this machine.
fn user_name(uid: u32) -> Option<String> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    name_in(&users, uid)
}

fn name_in(users: &str, uid: u32) -> Option<String> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::name_in;

    #[test]
    fn users_are_found_by_number() {
        let users = "root:x:0:0:root:/root:/bin/bash\nbroken\nsysmon:x:997:996::/var/lib/sysmon:/bin/false\n";
        let check = |uid, expected: Option<&str>| assert_eq!(name_in(users, uid).as_deref(), expected);
        check(0, Some("root"));
        check(997, Some("sysmon"));
        check(996, None);
    }
}
