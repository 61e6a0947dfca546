//! What people call a container, without its engine's socket: from what engines leave in files, where this user may
//! read them, else from the program that runs in it.

use crate::source::{Roots, SourceError};
use crate::text::{lines, number};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Digits of a container's number that people use.
const SHORT_DIGITS: usize = 12;
/// A file of an engine is read up to here: the description of a container has some kB, the list of all of them some
/// hundred.
const MAX_FILE_BYTES: u64 = 1024 * 1024;
/// Names of logs that are looked at.
const MAX_LOGS: usize = 2048;

/// The program that only holds a pod's network.
const PAUSE: &[u8] = b"pause";

/// What a container is called.
#[derive(Debug, Default)]
pub(crate) struct Name {
    /// Nothing where it is none of those that people run.
    pub(crate) label: Option<Vec<u8>>,
    /// Where it is called after its program, since this user may not read what the engine calls it.
    pub(crate) denial: Option<SourceError>,
}

/// The name of the container with that number, whose first process is `pid`.
pub(crate) fn container(roots: &Roots, id: &[u8], pid: Option<u64>) -> Name {
    let below = |path: &str| roots.rootfs.join(path);
    let text = String::from_utf8_lossy(id);
    let mut denial = None;
    let mut file = |path: PathBuf| match read(&path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let reason = "only root may read it, so containers are called after their programs";
            denial = Some(SourceError::io(path, io::Error::new(error.kind(), reason)));
            None
        }
        text => text.ok(),
    };
    let known = kubernetes(&below("var/log/containers"), id)
        .or_else(|| docker(&file(below("var/lib/docker/containers").join(&*text).join("config.v2.json"))?))
        .or_else(|| {
            let list = below("var/lib/containers/storage/overlay-containers/containers.json");
            podman(&file(list)?, id)
        });
    match known {
        Some(label) => Name { label: Some(label), denial: None },
        None => Name { label: after_program(roots, id, pid), denial },
    }
}

/// What runs in it, and the begin of its number.
fn after_program(roots: &Roots, id: &[u8], pid: Option<u64>) -> Option<Vec<u8>> {
    let short = id.get(..SHORT_DIGITS).unwrap_or(id);
    let program = pid.and_then(|pid| read(&roots.procfs.join(pid.to_string()).join("comm")).ok());
    match program.as_deref().map(<[u8]>::trim_ascii).filter(|program| !program.is_empty()) {
        Some(PAUSE) => None,
        Some(program) => Some([program, b"-", short].concat()),
        None => Some(short.to_vec()),
    }
}

/// The first process of a list.
pub(crate) fn first_process(text: &[u8]) -> Option<u64> {
    lines(text).filter_map(number).find(|pid| *pid > 0)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(MAX_FILE_BYTES).read_to_end(&mut text)?;
    Ok(text)
}

/// Kubernetes links each log as `POD_NAMESPACE_CONTAINER-ID.log`.
fn kubernetes(dir: &Path, id: &[u8]) -> Option<Vec<u8>> {
    let suffix = [b"-", id, b".log"].concat();
    let mut entries = fs::read_dir(dir).ok()?.flatten().take(MAX_LOGS);
    entries.find_map(|entry| {
        let name = entry.file_name();
        let mut parts = name.as_bytes().strip_suffix(&*suffix)?.split(|byte| *byte == b'_');
        let (pod, namespace, container) = (parts.next()?, parts.next()?, parts.next()?);
        Some([namespace, pod, container].join(b"/".as_slice()))
    })
}

/// Docker describes each container in a file of its own, with `"Name":"/web"`.
pub(crate) fn docker(text: &[u8]) -> Option<Vec<u8>> {
    quoted(after(text, b"\"Name\":\"/")?)
}

/// Podman has one list: `"id":"…","names":["web"]`.
pub(crate) fn podman(text: &[u8], id: &[u8]) -> Option<Vec<u8>> {
    let own = after(text, &[b"\"id\":\"", id, b"\""].concat())?;
    let end = position(own, b"\"id\":").unwrap_or(own.len());
    quoted(after(own.get(..end)?, b"\"names\":[\"")?)
}

/// The text up to the next quotation mark. No engine allows one, or a backslash, in a name.
fn quoted(text: &[u8]) -> Option<Vec<u8>> {
    let end = text.iter().position(|byte| *byte == b'"')?;
    text.get(..end).filter(|name| !name.is_empty()).map(<[u8]>::to_vec)
}

fn after<'a>(text: &'a [u8], mark: &[u8]) -> Option<&'a [u8]> {
    text.get(position(text, mark)? + mark.len()..)
}

fn position(text: &[u8], mark: &[u8]) -> Option<usize> {
    text.windows(mark.len()).position(|window| window == mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "3f4e5d6c7b8a99887766554433221100ffeeddccbbaa99887766554433221100";

    struct Host(tempfile::TempDir);

    impl Host {
        fn new(files: &[(&str, &str)]) -> Self {
            let dir = tempfile::tempdir().unwrap();
            for (file, text) in files {
                let path = dir.path().join(file.replace("ID", ID));
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text.replace("ID", ID)).unwrap();
            }
            Self(dir)
        }

        fn name(&self, pid: Option<u64>) -> Option<String> {
            let dir = self.0.path();
            let roots = Roots { procfs: dir.join("proc"), sysfs: dir.into(), rootfs: dir.into() };
            container(&roots, ID.as_bytes(), pid).label.map(|name| String::from_utf8(name).unwrap())
        }
    }

    #[test]
    fn each_engine_leaves_the_name_somewhere() {
        let check = |file: &str, text: &str, expected: &str| {
            assert_eq!(Host::new(&[(file, text)]).name(None).as_deref(), Some(expected), "{file}");
        };
        check("var/log/containers/web-7d9f_shop_nginx-ID.log", "", "shop/web-7d9f/nginx");
        let docker = r#"{"Config":{"Hostname":"x"},"MountPoints":{"/d":{"Name":"vol"}},"Name":"/web","Driver":"overlay2"}"#;
        check("var/lib/docker/containers/ID/config.v2.json", docker, "web");
        let podman = r#"[{"id":"00","names":["other"]},{"id":"ID","names":["db"],"image":"x"},{"id":"11","names":["z"]}]"#;
        check("var/lib/containers/storage/overlay-containers/containers.json", podman, "db");
        let nameless = r#"[{"id":"ID","image":"x"},{"id":"11","names":["z"]}]"#;
        check("var/lib/containers/storage/overlay-containers/containers.json", nameless, "3f4e5d6c7b8a");
    }

    #[test]
    fn without_a_name_it_is_called_after_what_runs_in_it() {
        let host = Host::new(&[("proc/12/comm", "nginx\n"), ("proc/13/comm", "pause\n")]);
        assert_eq!(host.name(Some(12)).as_deref(), Some("nginx-3f4e5d6c7b8a"));
        assert_eq!(host.name(Some(13)), None);
        assert_eq!(host.name(Some(14)).as_deref(), Some("3f4e5d6c7b8a"));
        assert_eq!(first_process(b"0\n12\n13\n"), Some(12));
    }
}
