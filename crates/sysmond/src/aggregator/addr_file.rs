//! The file that tells scripts where the server listens.

use anyhow::Context;
use std::fs;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;

/// Removes what an earlier run left: whoever waits for the file must not find an address where nobody listens any
/// more.
pub(super) fn remove(path: &Path) -> anyhow::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Writes `address` and a line's end; whoever sees the file sees all of it.
pub(super) fn write(path: &Path, address: SocketAddr) -> anyhow::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let draft = path.with_file_name(name);
    fs::write(&draft, format!("{address}\n"))
        .and_then(|()| fs::rename(&draft, path))
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_address_goes_and_the_new_one_is_whole() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("addr");
        remove(&path).expect("absent is fine");
        fs::write(&path, "old").expect("written");
        remove(&path).expect("removed");
        assert!(!path.exists());
        write(&path, SocketAddr::from(([127, 0, 0, 1], 9000))).expect("written");
        assert_eq!(fs::read_to_string(&path).expect("readable"), "127.0.0.1:9000\n");
        assert_eq!(fs::read_dir(dir.path()).expect("a folder").count(), 1, "no draft stays");
    }
}
