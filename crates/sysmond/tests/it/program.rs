//! A `sysmond` of a test: its own folder, nothing of the developer's environment, and an end whatever becomes
//! of the test.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// For anything that a loaded machine does: only a broken program needs as long.
const DEADLINE: Duration = Duration::from_mins(1);

/// A folder with a home, a data folder and whatever a test puts there.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).expect("the folder is ours");
        path.display().to_string()
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// The program with these arguments, the place's data folder and an environment of nothing but a home.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sysmond"));
        command
            .args(arguments.split_whitespace())
            .env_clear()
            .env("HOME", self.0.path())
            .env("SYSMON_DATA_DIR", self.path("data"))
            .stdin(Stdio::null());
        command
    }

    /// Runs to the end: exit status, standard output, standard error.
    pub(crate) fn run(&self, arguments: &str) -> (Option<i32>, String, String) {
        finished(&mut self.command(arguments))
    }

    /// Starts a server on a free port and waits until it serves.
    pub(crate) fn serve(&self, arguments: &str) -> Program {
        let addr_file = self.path("address");
        // One that an earlier start left names a port that nobody serves any more.
        std::fs::remove_file(&addr_file).ok();
        let flags = format!("{arguments} --listen 127.0.0.1:0 --addr-file {}", addr_file.display());
        self.start(self.command(&flags)).serving(&addr_file)
    }

    /// Starts `command`; its standard error goes to the file `stderr`.
    pub(crate) fn start(&self, mut command: Command) -> Program {
        let stderr = std::fs::File::create(self.path("stderr")).expect("the folder is ours");
        let child = command.stdout(Stdio::null()).stderr(stderr).spawn().expect("it starts");
        Program { child, address: String::new(), stderr: self.path("stderr") }
    }
}

/// Runs to the end: exit status, standard output, standard error.
pub(crate) fn finished(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().expect("it starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (status.code(), text(&stdout), text(&stderr))
}

/// Waits for a condition of another process.
pub(crate) fn wait_until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(start.elapsed() < DEADLINE, "{what}: not after {DEADLINE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A running program, killed at the end of the test where it still runs.
pub(crate) struct Program {
    child: Child,
    address: String,
    stderr: PathBuf,
}

impl Program {
    pub(crate) fn serving(mut self, addr_file: &Path) -> Self {
        let address = wait_until("the server serves", || {
            assert!(self.ended().is_none(), "it ended:\n{}", self.stderr());
            std::fs::read_to_string(addr_file).ok().filter(|text| text.ends_with('\n'))
        });
        address.trim().clone_into(&mut self.address);
        self
    }

    /// The same of one that writes no file: waits until somebody listens at `address`.
    pub(crate) fn serving_at(mut self, address: &str) -> Self {
        wait_until("the server listens", || {
            assert!(self.ended().is_none(), "it ended:\n{}", self.stderr());
            TcpStream::connect(address).ok()
        });
        address.clone_into(&mut self.address);
        self
    }

    pub(crate) fn stderr(&self) -> String {
        std::fs::read_to_string(&self.stderr).unwrap_or_default()
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn id(&self) -> i32 {
        i32::try_from(self.child.id()).expect("the kernel's own type")
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        send(self.id(), signal);
    }

    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("it is our child")
    }

    /// Closes its standard input.
    pub(crate) fn close_input(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        let status = wait_until("the program ends", || self.ended());
        (status, self.stderr())
    }

    /// Asks it to stop, waits, and holds it to a clean end.
    pub(crate) fn stop(self) -> String {
        self.signal(rustix::process::Signal::TERM);
        let (status, stderr) = self.end();
        assert_eq!(status.code(), Some(0), "{stderr}");
        stderr
    }

    /// A request with extra header lines: status and body.
    pub(crate) fn request(&self, head: &str, headers: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(DEADLINE)).expect("a socket has one");
        let length = body.len();
        let address = &self.address;
        let text = format!(
            "{head} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        );
        stream.write_all(text.as_bytes()).expect("it reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("it answers");
        let answer = String::from_utf8_lossy(&answer);
        let status = answer.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("a status line");
        (status, answer.split_once("\r\n\r\n").map_or("", |(_, body)| body).to_owned())
    }

    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        self.request(&format!("GET {path}"), "", "")
    }

    pub(crate) fn get_json(&self, path: &str) -> serde_json::Value {
        let (status, body) = self.get(path);
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).expect("JSON")
    }

    pub(crate) fn hosts(&self) -> Vec<serde_json::Value> {
        let answer = self.get_json("/api/hosts");
        answer.get("hosts").and_then(serde_json::Value::as_array).cloned().expect("a list of hosts")
    }

    /// A push of samples as the document draws it.
    pub(crate) fn push(&self, token: &str, body: &serde_json::Value) -> (u16, String) {
        let headers = format!("Content-Type: application/json\r\nX-SysMon-Token: {token}\r\n");
        self.request("POST /api/metrics", &headers, &body.to_string())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail where it has ended already, which is what is wanted.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

pub(crate) fn send(pid: i32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(pid).expect("no process is 0");
    rustix::process::kill_process(pid, signal).expect("it runs");
}
