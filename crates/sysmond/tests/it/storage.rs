//! What the aggregator says and does about the room for its history.

use crate::program::{Place, Program, wait_until};
use crate::stage::{Stage, eventually, metric, now, push_body};
use rustix::process::Signal;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use sysmond::aggregator::Limits;

/// A small file system, which is taken away again.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts one at `path`; says loudly where there can be none.
    fn mount(path: &Path) -> Option<Self> {
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=32m", "tmpfs"]).arg(path).output();
        let is_mounted = mount.as_ref().is_ok_and(|output| output.status.success());
        if !is_mounted {
            let word = format!("SKIPPED: no small file system can be mounted here: {mount:?}\n");
            std::io::stderr().write_all(word.as_bytes()).expect("somebody listens");
        }
        is_mounted.then(|| Self(path.to_owned()))
    }

    /// One in the folder `full` of `place`.
    fn in_place(place: &Place) -> Option<Self> {
        let full = place.path("full");
        std::fs::create_dir(&full).expect("ours");
        Self::mount(&full)
    }

    /// Fills it to the last byte.
    fn fill(&self) -> PathBuf {
        let filler = self.0.join("filler");
        let room = rustix::fs::statvfs(&self.0).expect("mounted");
        let room = usize::try_from(room.f_bavail * room.f_frsize).expect("small");
        std::fs::write(&filler, vec![1; room]).expect("room");
        filler
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let gone = Command::new("umount").arg("-l").arg(&self.0).status();
        assert!(gone.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

#[tokio::test]
async fn a_full_disk_is_told_to_agents_and_passes_by_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(disk) = SmallDisk::mount(folder.path()) else { return };
    let stage =
        Stage::start_with(Limits::default(), |config| config.data_dir = folder.path().join("data")).await;
    let at = now() - 100;
    let body = |n: i64| push_body("a", &[(at + n, "m", n as f64)]);
    assert_eq!(stage.push(&body(0)).await.status, 200);

    let filler = disk.fill();
    let refused = stage.push(&body(1)).await;
    assert_eq!(refused.problem(), (507, "no_space".to_owned()));
    assert!(!refused.header("retry-after").is_empty(), "agents wait and try again");
    let ready = stage.get("/readyz").await;
    assert_eq!(ready.problem(), (503, "no_space".to_owned()));
    assert!(ready.text().contains("disk is full: nothing is stored since 20"), "{}", ready.text());
    assert_eq!(stage.own_metric("sysmond_store_full").await, 1);
    assert_eq!(stage.own_metric("sysmond_pushes_total{outcome=\"no_space\"}").await, 1);
    assert_eq!(stage.get("/api/storage").await.json()["full"]["bound"], "disk");
    let points = async || {
        let told = stage.get(&format!("/api/history?host=a&metric=m&from={at}")).await.json();
        told["points"].as_array().expect("a list").len()
    };
    assert_eq!(points().await, 1, "what was stored is still answered");
    assert_eq!(stage.get("/api/storage").await.status, 200);

    std::fs::remove_file(&filler).expect("ours");
    eventually("room", async || (stage.push(&body(1)).await.status == 200).then_some(())).await;
    assert_eq!(points().await, 2);
    assert_eq!(stage.get("/readyz").await.json()["status"], "ready");
    assert_eq!(stage.own_metric("sysmond_store_full").await, 0);
    assert_eq!(stage.get("/api/storage").await.json()["full"], serde_json::Value::Null);
    stage.stop().await;
}

#[test]
fn a_full_disk_keeps_no_server_from_starting_and_health_says_what_is_wrong() {
    let place = Place::new();
    let Some(disk) = SmallDisk::in_place(&place) else { return };
    let aggregator = format!("aggregator --data-dir {}", disk.0.join("data").display());
    let program = place.serve(&aggregator);
    let token = std::fs::read_to_string(disk.0.join("data/token")).expect("made");
    let at = now() - 100;
    let push =
        |program: &Program, n: i64| program.push(token.trim(), &push_body("a", &[(at + n, "m", 0.5)])).0;
    assert_eq!(push(&program, 0), 200);
    program.signal(Signal::KILL);
    program.end();

    let filler = disk.fill();
    let program = place.serve(&aggregator);
    let history = format!("/api/history?host=a&metric=m&from={at}");
    assert_eq!(program.get_json(&history)["points"].as_array().map(Vec::len), Some(1));
    assert_eq!((program.get("/").0, program.get("/readyz").0), (200, 503));
    let health = format!("health --addr-file {}", place.path("address").display());
    let (status, stdout, stderr) = place.run(&health);
    assert_eq!((status, stdout.as_str()), (Some(1), ""), "not a word of being well");
    assert!(stderr.contains("disk is full"), "{stderr}");
    assert_eq!(push(&program, 1), 507);
    let logged = |words: &[&str]| {
        let stderr = program.stderr();
        stderr.lines().any(|line| words.iter().all(|word| line.contains(word))).then_some(())
    };
    wait_until("the log says it", || logged(&["ERROR", "disk is full"]));

    std::fs::remove_file(filler).expect("ours");
    assert_eq!((push(&program, 1), place.run(&health).0), (200, Some(0)));
    wait_until("the log says it", || logged(&["INFO", "there is room again"]));
    program.stop();
}

#[test]
fn a_full_disk_keeps_no_agent_from_starting() {
    let place = Place::new();
    let Some(disk) = SmallDisk::in_place(&place) else { return };
    let aggregator = place.serve("aggregator");
    let flags = format!(
        "agent --aggregator http://{} --token-file {} --data-dir {} --hostname a --interval 100ms --push-interval 100ms",
        aggregator.address(),
        place.path("data/token").display(),
        disk.0.join("data").display()
    );
    let start = || place.start(place.command(&flags));
    let agent = start();
    let received = || metric(&aggregator.get("/metrics").1, "sysmond_samples_received_total");
    wait_until("it pushes", || (received() > 0).then_some(()));
    agent.signal(Signal::KILL);
    agent.end();
    let filler = disk.fill();
    let mut agent = start();
    wait_until("it collects, and keeps in its head", || {
        assert!(agent.ended().is_none(), "{}", agent.stderr());
        agent.stderr().contains("no space left").then_some(())
    });
    let before = received();
    std::fs::remove_file(filler).expect("ours");
    wait_until("it delivers again", || (received() > before).then_some(()));
    agent.stop();
    aggregator.stop();
}

#[tokio::test]
async fn a_damaged_database_is_told_of_for_as_long_as_it_is_kept() {
    let stage = Stage::start().await;
    stage.push_value("a", "m", 0.1).await;
    let data = stage.stop().await;
    std::fs::write(data.path().join("aggregator.db"), vec![7; 100_000]).expect("ours");
    let mut data = Some(data);
    // Also a later start knows of it.
    for _ in 0..2 {
        let stage = Stage::start_in(data.take().expect("put back"), Limits::default(), |_| {}).await;
        let named = stage.get("/api/storage").await.json()["damaged_file"].as_str().map(str::to_owned);
        let named = named.expect("a name");
        assert!(named.starts_with("aggregator.db.corrupt-"), "{named}");
        let warning = stage.get("/readyz").await.json()["warnings"][0].to_string();
        assert!(warning.contains(&named) && warning.contains("remove it"), "{warning}");
        assert_eq!(stage.own_metric("sysmond_store_damaged_files").await, 1);
        data = Some(stage.stop().await);
    }
    let data = data.expect("put back");
    for file in std::fs::read_dir(data.path()).expect("ours").flatten() {
        if file.file_name().to_string_lossy().contains(".corrupt-") {
            std::fs::remove_file(file.path()).expect("ours");
        }
    }
    let stage = Stage::start_in(data, Limits::default(), |_| {}).await;
    assert_eq!(stage.get("/readyz").await.json()["warnings"], serde_json::Value::Null);
    assert_eq!(stage.own_metric("sysmond_store_damaged_files").await, 0);
    stage.stop().await;
}

#[tokio::test]
async fn readiness_tells_of_damage_and_the_log_of_what_was_lost() {
    let stage = Stage::start().await;
    stage.push_value("a", "m", 0.1).await;
    let data = stage.stop().await;
    let database = data.path().join("aggregator.db");
    let bytes = std::fs::read(&database).expect("ours");
    // The only row of the log is found by its value, which no codec makes small; any wrong byte in it breaks its
    // checksum.
    let value = 0.1_f64.to_le_bytes();
    let places: Vec<usize> = (0..bytes.len() - 8).filter(|at| bytes[*at..].starts_with(&value)).collect();
    let mut broken = bytes.clone();
    for at in places {
        broken[at] ^= 1;
    }
    assert_ne!(broken, bytes, "the value is in the file");
    std::fs::write(&database, &broken).expect("ours");

    let stage = Stage::start_in(data, Limits::default(), |_| {}).await;
    let storage = stage.get("/api/storage").await.json();
    assert_eq!((&storage["quarantine"]["count"], &storage["damaged_reads"]), (&1.into(), &1.into()));
    assert_eq!(storage["quarantine"]["newest"][0]["origin"], "log");
    let ready = stage.get("/readyz").await;
    assert_eq!((ready.status.as_u16(), ready.json()["status"].as_str()), (200, Some("ready")));
    assert!(ready.json()["warnings"][0].as_str().expect("a warning").contains("/api/storage"));
    assert_eq!(stage.own_metric("sysmond_store_quarantined_total").await, 1);
    stage.push_value("a", "m", 2.0).await;
    stage.stop().await;
}
