//! What the page on operations says that the program says, it says: whoever is on call looks for these words.

use crate::program::{Place, wait_until};
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What the first column of the table below that heading quotes.
fn quoted(heading: &str) -> Vec<String> {
    let page = fs::read_to_string(root().join("docs/operations.md")).expect("the page is there");
    let section =
        page.split("\n### ").find_map(|section| section.strip_prefix(heading)).expect("it is there");
    let rows = section.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let words: Vec<String> =
        rows.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect();
    assert!(words.len() > 4, "{heading}: {words:?}");
    words
}

/// The program's own text, and what it was seen to say of wrong uses.
fn said() -> String {
    let mut said =
        fs::read_to_string(root().join("crates/sysmond/tests/it/snapshots/wrong_use.txt")).expect("there");
    let mut folders = vec![root().join("crates/sysmond/src"), root().join("crates/sysmond-tsdb/src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of sources") {
            let path = entry.expect("ours").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                said += &fs::read_to_string(path).expect("a source");
            }
        }
    }
    said
}

#[test]
fn each_word_of_the_tables_is_one_of_the_program_s() {
    let said = said();
    for heading in ["A host does not appear", "The start fails"] {
        for words in quoted(heading) {
            // A status is a field of the line, and is the next test's.
            for piece in words.split('…').map(str::trim).filter(|piece| !piece.starts_with("status=")) {
                assert!(said.contains(piece), "{heading}: nothing says `{piece}`");
            }
        }
    }
}

/// Answers every request with that status.
fn answering(status: u16) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            // To its end: a socket with something unread is reset when it is closed, and its answer is lost.
            let read = read_request(&mut BufReader::new(&stream));
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            read.and_then(|()| stream.write_all(answer.as_bytes())).ok();
        }
    });
    address
}

fn read_request(stream: &mut impl BufRead) -> io::Result<()> {
    let (mut length, mut line) = (0, String::new());
    while stream.read_line(&mut line)? > 2 {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        line.clear();
    }
    stream.read_exact(&mut vec![0; length])
}

/// Whatever keeps an agent from its aggregator, the table has the word for it that its log has.
#[test]
fn an_agent_s_log_has_the_words_of_the_table() {
    let table = quoted("A host does not appear");
    let check = |aggregator: &str, word: &str| {
        assert!(table.iter().any(|words| words == word), "{word}: {table:?}");
        let place = Place::new();
        let flags = "--interval 1s --push-interval 1s --hostname web";
        let mut command = place.command(&format!("agent --aggregator http://{aggregator} {flags}"));
        command.env("SYSMON_TOKEN", "a-token-of-this-test-0123");
        let agent = place.start(command);
        wait_until(word, || agent.stderr().contains(word).then_some(()));
        agent.stop();
    };
    let free =
        TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    check(&free.to_string(), "cannot connect");
    // A label of more than 63 letters: no name server is asked for it.
    check(&format!("{}:9000", "x".repeat(64)), "cannot look up the name");
    for status in [401, 404, 421] {
        check(&answering(status).to_string(), &format!("status={status}"));
    }
}
