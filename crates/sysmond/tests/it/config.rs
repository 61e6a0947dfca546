//! Settings and tokens as a user meets them: what is printed, what is refused, and the exit status.

use crate::program::{Place, finished};
use std::os::unix::fs::PermissionsExt;

const SECRET: &str = "a-secret-of-a-test-0123456789";

fn mode(place: &Place, name: &str) -> u32 {
    std::fs::metadata(place.path(name)).expect("it is there").permissions().mode() & 0o777
}

fn set_mode(place: &Place, name: &str, mode: u32) {
    std::fs::set_permissions(place.path(name), std::fs::Permissions::from_mode(mode)).expect("it is ours");
}

#[test]
fn wrong_usage_is_status_2_and_says_what_is_right() {
    let check = |arguments: &str, word: &str| {
        let (status, _, stderr) = Place::new().run(arguments);
        assert_eq!(status, Some(2), "{arguments}: {stderr}");
        assert!(stderr.contains(word), "{arguments}: {stderr}");
    };
    check("--no-such-flag", "--no-such-flag");
    check("no-such-command", "no-such-command");
    check("--listen nowhere", "127.0.0.1:9000");
    check("aggregator --offline-after 5", "2s, 10m or 15d");
    check("agent", "agent.aggregator is missing");
    check("agent --aggregator monitor:9000", "http://");
    check("--config /no/such/file", "/no/such/file");
    check("demo --hosts 101", "101");
}

#[test]
fn check_config_tells_values_and_where_they_were_written() {
    let place = Place::new();
    let file = place.write("sysmon.toml", "retention = \"30d\"\n\n[agent]\ninterval = \"5s\"\n");
    let mut command =
        place.command(&format!("check-config agent --config {file} --aggregator http://a:9000"));
    let (status, stdout, stderr) =
        finished(command.env("SYSMON_TOKEN", SECRET).env("SYSMON_PUSH_INTERVAL", "20s"));
    assert_eq!(status, Some(0), "{stderr}");
    let line = |name: &str| {
        let found = stdout.lines().find(|line| line.starts_with(name)).expect("every setting has a line");
        found.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("retention"), format!("30d {file}:1"));
    assert_eq!(line("agent.interval"), format!("5s {file}:4"));
    assert_eq!(line("agent.push_interval"), "20s environment SYSMON_PUSH_INTERVAL");
    assert_eq!(line("agent.aggregator"), "http://a:9000 flag --aggregator");
    assert_eq!(line("log.keep"), "5 default");
    assert!(stdout.contains("environment SYSMON_TOKEN"));
    assert!(!stdout.contains(SECRET) && !stderr.contains(SECRET));
}

#[test]
fn check_config_tells_all_mistakes_at_once_and_changes_nothing() {
    let place = Place::new();
    let file = place.write("sysmon.toml", "retention = 30\n[agent]\nintervall = \"5s\"\n");
    let mut command = place.command(&format!("check-config --config {file}"));
    let (status, _, stderr) = finished(command.env("SYSMON_LISTEN", "9000"));
    assert_eq!(status, Some(2));
    for word in
        ["3 mistakes", ":1: `retention`", "did you mean `interval` in `[agent]`", "environment SYSMON_LISTEN"]
    {
        assert!(stderr.contains(word), "{word}: {stderr}");
    }
    assert!(!place.path("data").exists());
}

#[test]
fn check_config_looks_at_the_token_too() {
    let place = Place::new();
    let file = place.write("token", SECRET);
    set_mode(&place, "token", 0o644);
    let (status, _, stderr) = place.run(&format!("check-config --token-file {file}"));
    assert!(status == Some(2) && stderr.contains("chmod 600"), "{stderr}");
}

#[test]
fn the_first_start_makes_a_private_folder_and_token() {
    let place = Place::new();
    let program = place.serve("");
    assert_eq!((mode(&place, "data"), mode(&place, "data/token")), (0o700, 0o600));
    let token = place.read("data/token");
    assert_eq!(token.trim().len(), 64);
    assert!(!program.stop().contains(token.trim()));
}

#[test]
fn weak_or_open_tokens_keep_it_from_starting() {
    let place = Place::new();
    let check = |secret: &str, file_mode: u32, word: &str| {
        let file = place.write("token", secret);
        set_mode(&place, "token", file_mode);
        let (status, _, stderr) = place.run(&format!("--listen 127.0.0.1:0 --token-file {file}"));
        assert!(status == Some(2) && stderr.contains(word), "{secret}: {stderr}");
        assert!(!stderr.contains(secret), "{stderr}");
    };
    check("sysmon-secret-token", 0o600, "documentation");
    check("short", 0o600, "less than 16");
    check(SECRET, 0o604, "chmod 600");
    let (status, _, stderr) = finished(place.command("").env("SYSMON_TOKEN", "sysmon-secret-token"));
    assert!(status == Some(2) && stderr.contains("SYSMON_TOKEN"), "{stderr}");
}

#[test]
fn an_agent_without_a_token_says_where_it_is() {
    let (status, _, stderr) = Place::new().run("agent --aggregator http://127.0.0.1:1");
    assert!(
        status == Some(2) && stderr.contains("~/.sysmon/token") && stderr.contains("--token-file"),
        "{stderr}"
    );
}

#[test]
fn a_folder_that_everybody_may_write_is_refused() {
    let place = Place::new();
    std::fs::create_dir(place.path("data")).expect("the folder is ours");
    set_mode(&place, "data", 0o777);
    let (status, _, stderr) = place.run("--listen 127.0.0.1:0");
    assert!(status == Some(2) && stderr.contains("may be written by everybody"), "{stderr}");
}

#[test]
fn completions_and_manual_page_name_every_command() {
    let place = Place::new();
    let check = |arguments: &str| {
        let (status, stdout, stderr) = place.run(arguments);
        assert_eq!(status, Some(0), "{stderr}");
        for word in ["agent", "aggregator", "demo", "check", "data", "listen"] {
            assert!(stdout.contains(word), "{arguments}: {word}");
        }
        stdout
    };
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        check(&format!("completions {shell}"));
    }
    assert!(check("man").starts_with(".ie"));
    let (_, page, _) = place.run("man agent");
    assert!(page.contains("sysmond\\-agent") && page.contains("push\\-interval"), "{page}");
    let script = place.write("completions", &check("completions bash"));
    let (status, _, stderr) = finished(std::process::Command::new("bash").args(["-n", &script]));
    assert_eq!(status, Some(0), "{stderr}");
}

#[test]
fn a_misspelt_variable_is_told_of_and_that_of_a_platform_is_not() {
    let place = Place::new();
    let file = place.write("address", "");
    let variables = [("SYSMON_INTERVALL", "2s"), ("SYSMON_SERVICE_HOST", "10.0.0.1")];
    let word = "there is no variable SYSMON_INTERVALL, did you mean SYSMON_INTERVAL?";
    let mut command = place.command("check-config");
    let (status, stdout, stderr) = finished(command.envs(variables));
    assert_eq!(status, Some(0), "{stderr}");
    assert!(stdout.contains(&format!("warning: {word}")) && !stdout.contains("SERVICE_HOST"), "{stdout}");
    std::fs::remove_file(&file).expect("ours");
    let mut command = place.command(&format!("aggregator --listen 127.0.0.1:0 --addr-file {file}"));
    command.envs(variables);
    let stderr = place.start(command).serving(&place.path("address")).stop();
    assert!(stderr.contains(word) && !stderr.contains("SERVICE_HOST"), "{stderr}");
}
