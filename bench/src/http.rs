//! As much of HTTP/1.1 as a load generator needs: one kept connection, one request at a time.

use anyhow::{Context, Result, bail, ensure};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longest wait for bytes; a server that takes longer is broken.
const PATIENCE: Duration = Duration::from_mins(2);
/// Bytes asked for at once.
const CHUNK: usize = 64 * 1024;

/// A connection that is kept.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    address: SocketAddr,
    head: String,
    received: Vec<u8>,
    body: Vec<u8>,
}

/// An answer; its body lies in the connection until the next request.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The status.
    pub status: u16,
    /// The body, whole.
    pub body: &'a [u8],
}

impl Answer<'_> {
    /// The body as JSON, where the status is 200.
    pub fn json(self) -> Result<serde_json::Value> {
        ensure!(self.status == 200, "status {}: {}", self.status, String::from_utf8_lossy(self.body));
        serde_json::from_slice(self.body).context("the answer is not JSON")
    }
}

impl Connection {
    /// Connects.
    pub fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream, address, head: String::new(), received: Vec::new(), body: Vec::new() })
    }

    /// Asks for a path.
    pub fn get(&mut self, path: &str) -> Result<Answer<'_>> {
        self.begin("GET", path)?;
        self.head.push_str("\r\n");
        self.stream.write_all(self.head.as_bytes())?;
        self.answer()
    }

    /// Sends a body; `headers` are whole lines.
    pub fn post(&mut self, path: &str, headers: &str, body: &[u8]) -> Result<Answer<'_>> {
        self.begin("POST", path)?;
        write!(self.head, "content-length: {}\r\n{headers}\r\n", body.len())?;
        // In one segment where it fits.
        self.received.clear();
        self.received.extend_from_slice(self.head.as_bytes());
        self.received.extend_from_slice(body);
        self.stream.write_all(&self.received)?;
        self.answer()
    }

    fn begin(&mut self, method: &str, path: &str) -> Result<()> {
        self.head.clear();
        write!(self.head, "{method} {path} HTTP/1.1\r\nhost: {}\r\n", self.address)?;
        Ok(())
    }

    fn answer(&mut self) -> Result<Answer<'_>> {
        self.received.clear();
        let end = self.read_until(0, b"\r\n\r\n")?;
        let head = std::str::from_utf8(self.received.get(..end).unwrap_or_default())?.to_ascii_lowercase();
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).context("no status line")?;
        self.body.clear();
        let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        if field("transfer-encoding:") == Some("chunked") {
            self.chunks(end)?;
        } else {
            let length: usize = field("content-length:").map_or(Ok(0), str::parse)?;
            self.read_to(end + length)?;
            self.body.extend_from_slice(self.received.get(end..end + length).unwrap_or_default());
        }
        Ok(Answer { status, body: &self.body })
    }

    /// Reads a body in chunks, from `place` on.
    fn chunks(&mut self, mut place: usize) -> Result<()> {
        loop {
            let data = self.read_until(place, b"\r\n")?;
            let line = std::str::from_utf8(self.received.get(place..data).unwrap_or_default())?.trim();
            let length = usize::from_str_radix(line.split(';').next().unwrap_or_default(), 16)?;
            self.read_to(data + length + 2)?;
            self.body.extend_from_slice(self.received.get(data..data + length).unwrap_or_default());
            place = data + length + 2;
            if length == 0 {
                return Ok(());
            }
        }
    }

    /// Reads until `mark` was seen at or behind `from`; the place behind it.
    fn read_until(&mut self, from: usize, mark: &[u8]) -> Result<usize> {
        let mut searched = from;
        loop {
            let rest = self.received.get(searched..).unwrap_or_default();
            if let Some(at) = rest.windows(mark.len()).position(|window| window == mark) {
                return Ok(searched + at + mark.len());
            }
            searched = self.received.len().saturating_sub(mark.len() - 1).max(from);
            self.read_some()?;
        }
    }

    fn read_to(&mut self, length: usize) -> Result<()> {
        while self.received.len() < length {
            self.read_some()?;
        }
        Ok(())
    }

    fn read_some(&mut self) -> Result<()> {
        let filled = self.received.len();
        self.received.resize(filled + CHUNK, 0);
        let read = self.stream.read(self.received.get_mut(filled..).unwrap_or_default());
        self.received.truncate(filled + *read.as_ref().unwrap_or(&0));
        match read.context("no answer")? {
            0 => bail!("the server closed the connection"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// What a client makes of `answer`, sent in pieces of `piece` bytes.
    fn check(answer: &'static str, piece: usize, status: u16, body: &str) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let address = listener.local_addr().expect("bound");
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut request = [0; 1000];
            let length = stream.read(&mut request).expect("a request");
            for part in answer.as_bytes().chunks(piece) {
                stream.write_all(part).expect("it listens");
            }
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        let mut connection = Connection::open(address).expect("it listens");
        let got = connection.post("/path", "x: y\r\n", b"body").expect("an answer");
        assert_eq!((got.status, String::from_utf8_lossy(got.body).as_ref()), (status, body));
        let request = server.join().expect("no panic");
        assert!(request.starts_with("POST /path HTTP/1.1\r\nhost: 127.0.0.1:"), "{request}");
        assert!(request.ends_with("content-length: 4\r\nx: y\r\n\r\nbody"), "{request}");
    }

    #[test]
    fn answers_are_read_however_they_come() {
        for piece in [1, 7, 1000] {
            check("HTTP/1.1 204 No Content\r\nDate: now\r\n\r\n", piece, 204, "");
            check("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", piece, 200, "hello");
            let chunked = "HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\na\r\n0123456789\r\n0\r\n\r\n";
            check(chunked, piece, 500, "abc0123456789");
        }
    }

    #[test]
    fn a_lost_connection_is_an_error() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let mut connection = Connection::open(listener.local_addr().expect("bound")).expect("it listens");
        drop(listener);
        assert!(connection.get("/").is_err());
    }
}
