//! `sysmond health`: whether the server of these settings is well, for health checks of containers and the like.

use crate::agent::Address;
use crate::agent::client::{Answer, Client};
use crate::config::{Settings, loopback_of};
use crate::process;
use anyhow::{Context, bail, ensure};
use hyper::StatusCode;
use serde::Deserialize;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// A server that takes longer for a question without work is not well.
const DEADLINE: Duration = Duration::from_secs(5);
/// Asked is whether it serves and can store.
const PATH: &str = "/readyz";

/// Asks the server, and fails with the reason where it is not well.
pub(crate) fn run(settings: &Settings) -> anyhow::Result<()> {
    let server = server(settings)?;
    let address = format!("http://{server}");
    let client = Client::without_token(address.parse::<Address>()?, env!("CARGO_PKG_VERSION"))?;
    let answer = process::one_thread()?.block_on(client.get(PATH, DEADLINE));
    let answer = answer.with_context(|| {
        format!("the server at {address} is not well (--listen or --addr-file name another address)")
    })?;
    let warnings = judge(&answer).with_context(|| format!("the server at {address} is not well"))?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "the server at {address} is well")?;
    for warning in warnings {
        writeln!(out, "warning: {warning}")?;
    }
    Ok(())
}

/// Where it answers: what it wrote into its file, else what it was told.
fn server(settings: &Settings) -> anyhow::Result<SocketAddr> {
    if let Some(path) = &settings.addr_file {
        return Ok(loopback_of(written(path)?));
    }
    let (address, origin) = &settings.listen;
    ensure!(
        address.port() != 0,
        "the server takes a free port ({origin}): have it write its address with --addr-file, and give that here too"
    );
    Ok(loopback_of(*address))
}

fn written(path: &Path) -> anyhow::Result<SocketAddr> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("no server has written its address to {}", path.display()))?;
    text.trim().parse().with_context(|| format!("there is no address in {}", path.display()))
}

/// The server's warnings, where it is well.
fn judge(answer: &Answer) -> anyhow::Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Readiness {
        status: String,
        #[serde(default)]
        warnings: Vec<String>,
    }
    #[derive(Deserialize)]
    struct Problem {
        detail: String,
    }
    if answer.status == StatusCode::OK {
        let readiness = serde_json::from_slice::<Readiness>(&answer.body).ok();
        return readiness
            .filter(|readiness| readiness.status == "ready")
            .map(|readiness| readiness.warnings)
            .context("what answers there is no aggregator");
    }
    match serde_json::from_slice::<Problem>(&answer.body) {
        Ok(Problem { detail }) => bail!("it answers {}: {detail}", answer.status),
        Err(_) => bail!("it answers {}", answer.status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, Role, Sources};
    use hyper::body::Bytes;

    #[test]
    fn only_a_ready_aggregator_is_well() {
        let check = |status: u16, body: &'static str, expected: Result<&[&str], &str>| {
            let status = StatusCode::from_u16(status).expect("a status");
            let answer = Answer {
                status,
                retry_after: None,
                location: None,
                body: Bytes::from_static(body.as_bytes()),
            };
            let found = judge(&answer).map_err(|error| error.to_string());
            let expected = expected.map(|words| words.iter().map(ToString::to_string).collect());
            assert_eq!(found, expected.map_err(ToOwned::to_owned), "{body}");
        };
        check(200, r#"{"status":"ready"}"#, Ok(&[]));
        check(200, r#"{"status":"ready","warnings":["a","b"]}"#, Ok(&["a", "b"]));
        check(200, "<html>welcome</html>", Err("what answers there is no aggregator"));
        check(200, r#"{"status":"ok"}"#, Err("what answers there is no aggregator"));
        check(404, "", Err("it answers 404 Not Found"));
        let stops = "it answers 503 Service Unavailable: the server stops";
        check(503, r#"{"detail":"the server stops"}"#, Err(stops));
    }

    #[test]
    fn the_address_is_that_of_the_settings() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("address");
        let file = file.to_str().expect("plain");
        let check = |variables: &[(&str, &str)], expected: Result<&str, &str>| {
            let environment =
                Environment::of([("HOME", "/home/ada")].into_iter().chain(variables.iter().copied()));
            let sources = Sources { environment, file: Some("/dev/null".into()), ..Sources::default() };
            let found = server(&Settings::load(Role::Aggregator, sources).expect("no mistakes"));
            match (found, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found.to_string(), expected),
                (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{error}"),
                (found, expected) => panic!("{found:?}, not {expected:?}"),
            }
        };
        check(&[], Ok("127.0.0.1:9000"));
        check(&[("SYSMON_LISTEN", "10.0.0.1:80")], Ok("10.0.0.1:80"));
        check(&[("SYSMON_LISTEN", "0.0.0.0:80")], Ok("127.0.0.1:80"));
        check(&[("SYSMON_LISTEN", "127.0.0.1:0")], Err("with --addr-file"));
        let by_file = [("SYSMON_LISTEN", "127.0.0.1:0"), ("SYSMON_ADDR_FILE", file)];
        check(&by_file, Err("no server has written its address"));
        std::fs::write(file, "[::]:9001\n").expect("ours");
        check(&by_file, Ok("127.0.0.1:9001"));
        std::fs::write(file, "soon\n").expect("ours");
        check(&by_file, Err("there is no address in"));
    }
}
