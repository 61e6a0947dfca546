//! Real nginx with the very file that we ship, in front of a real aggregator.

use futures_util::StreamExt;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Message;

const SHIPPED: &str = include_str!("../../../../deploy/nginx/sysmon.conf");
const TOKEN: &str = "a-token-of-this-test-and-no-other";
/// The proxy as the aggregator sees it.
const PROXY: Ipv4Addr = Ipv4Addr::LOCALHOST;
/// A browser's machine: all of 127.0.0.0/8 is this one, so that two clients can have two addresses.
const BROWSER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// The address that a liar says it has.
const FORGED: &str = "203.0.113.7";
const DEADLINE: Duration = Duration::from_secs(20);

/// A process that is asked to end, and waited for, when the test ends.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).spawn().unwrap_or_else(|error| panic!("{command:?}: {error}")))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // SIGTERM and not SIGKILL: nginx's master takes its workers with it.
        let asked = Pid::from_raw(self.0.id().cast_signed()).map(|pid| kill_process(pid, Signal::TERM));
        let ended = self.0.wait();
        if !std::thread::panicking() {
            assert!(matches!((asked, ended), (Some(Ok(())), Ok(_))), "it ran until now");
        }
    }
}

/// nginx in front of an aggregator. Fields drop in this order.
struct Proxied {
    _nginx: Running,
    _aggregator: Running,
    front: SocketAddr,
    aggregator: SocketAddr,
    folder: TempDir,
}

impl Proxied {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let aggregator = start_aggregator(folder.path());
        let back = wait_for("the aggregator's address", || {
            let path = folder.path().join("address");
            async move { fs::read_to_string(path).ok()?.trim().parse::<SocketAddr>().ok() }
        })
        .await;
        let (nginx, front) = start_nginx(folder.path(), back).await;
        Self { _nginx: nginx, _aggregator: aggregator, front, aggregator: back, folder }
    }

    /// What nginx answers to a browser that asks for `path`.
    async fn get(&self, path: &str) -> Answer {
        ask(BROWSER, self.front, &format!("GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", self.front)).await
    }

    /// What nginx answers to a push of one sample at `path`.
    async fn push(&self, path: &str) -> Answer {
        let sample = serde_json::json!({
            "timestamp": sysmond::clock::now(), "metric_type": "cpu.total_usage", "value": 34.5, "tags": "",
        });
        let body = serde_json::json!({
            "hostname": "web-01", "version": "0.5.0", "platform": "Linux", "tags": {}, "metrics": [sample],
        })
        .to_string();
        let head = format!(
            "POST {path} HTTP/1.0\r\nHost: {}\r\nContent-Type: application/json\r\nX-SysMon-Token: {TOKEN}\r\n",
            self.front
        );
        ask(BROWSER, self.front, &format!("{head}Content-Length: {}\r\n\r\n{body}", body.len())).await
    }

    /// The line of the access log that has `mark` in it.
    async fn logged(&self, mark: &str) -> String {
        let path = self.folder.path().join("access.log");
        wait_for(mark, || {
            let path = path.clone();
            async move {
                let text = fs::read_to_string(path).ok()?;
                text.lines().find(|line| line.contains(mark)).map(str::to_owned)
            }
        })
        .await
    }
}

fn start_aggregator(folder: &Path) -> Running {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sysmond"));
    command
        .args(["aggregator", "--listen", "127.0.0.1:0", "--allowed-host", "sysmon.example.org"])
        .args(["--trusted-proxy", &PROXY.to_string()])
        .args([Path::new("--data-dir"), folder, Path::new("--addr-file"), &folder.join("address")])
        .args([Path::new("--log-file"), &folder.join("sysmond.log")])
        .args([Path::new("--access-log-file"), &folder.join("access.log")])
        .env("SYSMON_TOKEN", TOKEN);
    Running::start(&mut command)
}

/// nginx on a free port with the shipped file, whose ports and upstream alone are replaced.
async fn start_nginx(folder: &Path, back: SocketAddr) -> (Running, SocketAddr) {
    let front = free_address();
    let site = SHIPPED
        .replace("listen 80;", &format!("listen {front};"))
        .replace("    listen [::]:80;\n", "")
        .replace("server 127.0.0.1:9000;", &format!("server {back};"));
    assert_eq!(site.matches(&format!(" {front};")).count(), 1, "the shipped file listens where we think");
    assert_eq!(site.matches(&format!(" {back};")).count(), 1, "the shipped file proxies to where we think");
    fs::write(folder.join("site.conf"), site).expect("written");
    fs::write(folder.join("nginx.conf"), around(folder)).expect("written");
    let mut command = Command::new(nginx_program());
    command.arg("-p").arg(folder).args(["-c", "nginx.conf", "-e", "nginx-error.log", "-g", "daemon off;"]);
    let nginx = Running::start(&mut command);
    wait_for("nginx", || async move { TcpStream::connect(front).await.ok() }).await;
    (nginx, front)
}

/// What Debian's own nginx.conf says around a site, with all paths below `folder`.
fn around(folder: &Path) -> String {
    let user = if rustix::process::geteuid().is_root() { "user root;" } else { "" };
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {}/{name};\n", folder.display()))
        .concat();
    format!(
        "{user} worker_processes 1; pid nginx.pid;\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}\
         include site.conf;\n}}\n"
    )
}

fn nginx_program() -> PathBuf {
    let places = ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"].map(PathBuf::from);
    places.into_iter().find(|path| path.exists()).expect("nginx is installed: scripts/test.sh installs it")
}

/// A port that was free a moment ago: nginx cannot say which one port 0 gave it.
fn free_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind((PROXY, 0)).expect("a free port");
    listener.local_addr().expect("it is bound")
}

async fn wait_for<T, F: Future<Output = Option<T>>>(what: &str, mut attempt: impl FnMut() -> F) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = attempt().await {
            return found;
        }
        assert!(start.elapsed() < DEADLINE, "no {what} after {DEADLINE:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    /// The value at `pointer` in a JSON body.
    fn value(&self, pointer: &str) -> serde_json::Value {
        value(&self.body, pointer)
    }
}

fn value(json: &str, pointer: &str) -> serde_json::Value {
    let whole: serde_json::Value =
        serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"));
    whole.pointer(pointer).unwrap_or_else(|| panic!("no {pointer} in {json}")).clone()
}

/// Sends `request` from `client` and reads until the other side closes.
async fn ask(client: Ipv4Addr, server: SocketAddr, request: &str) -> Answer {
    let mut stream = connect(client, server).await;
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut text = Vec::new();
    let read = tokio::time::timeout(DEADLINE, stream.read_to_end(&mut text)).await;
    read.expect("answered in time").expect("read");
    let text = String::from_utf8(text).expect("all that we ask for is text");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("a status");
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

async fn connect(client: Ipv4Addr, server: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind((client, 0).into()).expect("any of 127.0.0.0/8 can be bound");
    socket.connect(server).await.expect("it listens")
}

/// The page and all that it asks for by `src` and `href`, below `prefix`.
async fn check_page(prefix: &str) {
    let proxied = Proxied::start().await;
    let page = proxied.get(prefix).await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let quoted: Vec<&str> = ["src=\"", "href=\""]
        .iter()
        .flat_map(|attribute| page.body.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()))
        .filter(|address| !address.starts_with(['#', '?']) && !address.starts_with("data:"))
        .collect();
    assert!(quoted.len() >= 2, "a page without style and script: {}", page.body);
    for address in quoted {
        assert!(!address.starts_with('/') && !address.contains("://"), "{address} leaves a sub-path");
        let asset = proxied.get(&format!("{prefix}{}", address.trim_start_matches("./"))).await;
        assert_eq!(asset.status, 200, "{address}");
    }
}

/// A push below `prefix` is stored, and the API there shows it.
async fn check_push_and_query(prefix: &str) {
    let proxied = Proxied::start().await;
    let pushed = proxied.push(&format!("{prefix}api/metrics")).await;
    assert_eq!((pushed.status, pushed.value("/metrics_stored")), (200, 1.into()), "{}", pushed.body);
    let hosts = proxied.get(&format!("{prefix}api/hosts")).await;
    assert_eq!((hosts.status, hosts.value("/hosts/0/hostname")), (200, "web-01".into()));
}

/// A WebSocket below `prefix` gives its first frame, and later ones as they come.
async fn check_live(prefix: &str) {
    let proxied = Proxied::start().await;
    assert_eq!(proxied.push("/api/metrics").await.status, 200);
    let address = format!("ws://{}{prefix}api/live", proxied.front);
    let (mut socket, _) = tokio_tungstenite::connect_async(address).await.expect("an upgrade");
    let mut kinds = Vec::new();
    while !kinds.contains(&"fleet".into()) {
        let next = tokio::time::timeout(DEADLINE, socket.next()).await.expect("a frame in time");
        if let Message::Text(text) = next.expect("open").expect("a frame") {
            kinds.push(value(&text, "/type"));
        }
    }
    assert_eq!(kinds.first(), Some(&"static".into()));
}

#[tokio::test]
async fn the_page_at_the_root() {
    check_page("/").await;
}

#[tokio::test]
async fn the_page_below_a_path() {
    check_page("/sysmon/").await;
}

#[tokio::test]
async fn push_and_query_at_the_root() {
    check_push_and_query("/").await;
}

#[tokio::test]
async fn push_and_query_below_a_path() {
    check_push_and_query("/sysmon/").await;
}

#[tokio::test]
async fn live_frames_at_the_root() {
    check_live("/").await;
}

#[tokio::test]
async fn live_frames_below_a_path() {
    check_live("/sysmon/").await;
}

#[tokio::test]
async fn the_path_without_its_slash_is_redirected() {
    let answer = Proxied::start().await.get("/sysmon?host=web-01").await;
    assert_eq!((answer.status, answer.header("location")), (308, Some("/sysmon/?host=web-01")));
}

#[tokio::test]
async fn the_log_has_the_client_s_address_and_not_the_proxy_s() {
    let proxied = Proxied::start().await;
    assert_eq!(proxied.get("/api/hosts").await.status, 200);
    let line = proxied.logged("/api/hosts").await;
    assert!(line.contains(&BROWSER.to_string()), "{line}");
}

#[tokio::test]
async fn a_forged_address_is_believed_neither_through_the_proxy_nor_past_it() {
    let proxied = Proxied::start().await;
    for (server, path) in [(proxied.front, "/api/hosts"), (proxied.aggregator, "/api/fleet/summary")] {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {server}\r\nX-Forwarded-For: {FORGED}\r\nConnection: close\r\n\r\n"
        );
        assert_eq!(ask(BROWSER, server, &request).await.status, 200);
        let line = proxied.logged(path).await;
        assert!(line.contains(&BROWSER.to_string()) && !line.contains(FORGED), "{line}");
    }
}

#[tokio::test]
async fn only_allowed_names_reach_the_aggregator() {
    let proxied = Proxied::start().await;
    let check = async |host: &str, expected: u16| {
        let request = format!("GET /api/hosts HTTP/1.0\r\nHost: {host}\r\n\r\n");
        assert_eq!(ask(BROWSER, proxied.front, &request).await.status, expected, "{host}");
    };
    check("sysmon.example.org", 200).await;
    check("sysmon.example.org:8080", 200).await;
    check("evil.example.net", 421).await;
}
