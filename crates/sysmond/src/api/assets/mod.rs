//! The dashboard's files, embedded in the program.

mod modules;

use axum::body::{Body, Bytes};
use axum::http::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use modules::Joined;
use rust_embed::RustEmbed;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

#[derive(RustEmbed)]
#[folder = "../../dashboard/src/"]
struct Files;

const PAGE: &str = "index.html";
/// The module that the page begins with, sent with all that it imports.
const ENTRY: &str = "main.js";
/// The style sheets that the page links, as one. It lies where they lie, since they name pictures.
const STYLES: &str = "css/page.css";
const STYLE_LINK: &str = "<link rel=\"stylesheet\" href=\"";

/// The kinds of files that a page needs; what else lies among the sources stays there.
const KINDS: [(&str, &str); 8] = [
    ("html", "text/html; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("ico", "image/x-icon"),
    ("webmanifest", "application/manifest+json"),
    ("woff2", "font/woff2"),
];

/// Asked for again each time and answered with 304: a new program never meets an old page.
const CACHING: (HeaderName, HeaderValue) = (CACHE_CONTROL, HeaderValue::from_static("no-cache"));

/// The files as they are sent: each is packed once, when it is first asked for, as small as gzip can. Packing all of
/// them anew for each visit took the quickest level and made the page a seventh larger.
#[derive(Clone, Default)]
pub(super) struct Assets {
    /// By name, of which there are as many as files.
    prepared: Arc<Mutex<HashMap<String, Arc<Prepared>>>>,
}

struct Prepared {
    tag: HeaderValue,
    plain: Bytes,
    packed: Bytes,
}

impl Assets {
    /// The file at `path`, where there is one.
    pub(super) fn serve(&self, method: &Method, path: &str, headers: &HeaderMap) -> Option<Response> {
        let name = match path.strip_prefix('/')? {
            "" => "index.html",
            name => name,
        };
        let (_, extension) = name.rsplit_once('.')?;
        let (_, kind) = KINDS.iter().find(|(known, _)| *known == extension)?;
        let prepared = self.prepared(name)?;
        if method != Method::GET && method != Method::HEAD {
            let allow = [(ALLOW, HeaderValue::from_static("GET,HEAD"))];
            return Some((allow, super::routes::wrong_method(method)).into_response());
        }
        Some(answer(&prepared, kind, headers))
    }

    /// A debug build reads the files from where they are written, so that one may be another than before.
    fn prepared(&self, name: &str) -> Option<Arc<Prepared>> {
        // Nothing is left half done where a thread panicked: an entry is put in whole.
        let mut all = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        if !cfg!(debug_assertions)
            && let Some(known) = all.get(name)
        {
            return Some(Arc::clone(known));
        }
        let plain = content(name)?;
        let tag = HeaderValue::try_from(entity_tag(&Sha256::digest(&plain).into())).ok()?;
        if let Some(known) = all.get(name).filter(|known| known.tag == tag) {
            return Some(Arc::clone(known));
        }
        let packed = pack(&plain).ok()?;
        let prepared = Arc::new(Prepared { tag, plain: Bytes::from(plain), packed });
        all.insert(name.to_owned(), Arc::clone(&prepared));
        Some(prepared)
    }
}

/// What is sent under a name: a file, or several as one.
fn content(name: &str) -> Option<Vec<u8>> {
    if name == STYLES {
        return Some(styles(&text(PAGE)?)?.into_bytes());
    }
    let file = Files::get(name)?.data;
    match name.rsplit_once('.') {
        _ if name == PAGE => Some(with_one_sheet(&text(PAGE)?).into_bytes()),
        Some((_, "js")) => Some(script(name)?.into_bytes()),
        Some((_, "css")) => Some(without_comments(&text(name)?).into_bytes()),
        _ => Some(file.into_owned()),
    }
}

fn text(name: &str) -> Option<String> {
    Files::get(name).map(|file| String::from_utf8_lossy(&file.data).into_owned())
}

fn code(name: &str) -> Option<String> {
    text(name).map(|text| without_comments(&text))
}

fn script(name: &str) -> Option<String> {
    let joined = Joined::of(ENTRY, &code);
    match joined {
        Ok(joined) if name == ENTRY => Some(joined.script()),
        Ok(joined) => Some(joined.beside(name, &code(name)?)),
        Err(error) => {
            tracing::error!(%error, "the dashboard's modules cannot be sent as one");
            code(name) // as they are written they work too
        }
    }
}

/// The sheets that `page` links, in its order.
fn linked(page: &str) -> impl Iterator<Item = &str> {
    page.lines().filter_map(|line| line.trim().strip_prefix(STYLE_LINK)?.split('"').next())
}

fn styles(page: &str) -> Option<String> {
    linked(page).map(code).collect()
}

/// The page with one link where it had many.
fn with_one_sheet(page: &str) -> String {
    let mut out = String::with_capacity(page.len());
    let mut linked = false;
    for line in page.lines() {
        let is_link = line.trim().starts_with(STYLE_LINK);
        if !is_link {
            out.push_str(line);
            out.push('\n');
        } else if !linked {
            linked = true;
            out.push_str(STYLE_LINK);
            out.push_str(STYLES);
            out.push_str("\" />\n");
        }
    }
    out
}

fn pack(plain: &[u8]) -> std::io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 2), Compression::best());
    encoder.write_all(plain)?;
    Ok(Bytes::from(encoder.finish()?))
}

fn answer(file: &Prepared, kind: &'static str, headers: &HeaderMap) -> Response {
    let tag = (ETAG, file.tag.clone());
    let unchanged = words(headers, &IF_NONE_MATCH).any(|known| file.tag == *known || known == "*");
    if unchanged {
        return (StatusCode::NOT_MODIFIED, [CACHING, tag]).into_response();
    }
    let about = [
        CACHING,
        tag,
        (CONTENT_TYPE, HeaderValue::from_static(kind)),
        (VARY, HeaderValue::from_static("accept-encoding")),
    ];
    if takes_gzip(headers) {
        let coding = [(CONTENT_ENCODING, HeaderValue::from_static("gzip"))];
        return (about, coding, Body::from(file.packed.clone())).into_response();
    }
    (about, Body::from(file.plain.clone())).into_response()
}

/// What a header lists, all of its lines together.
fn words<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

/// Every browser names it outright; `*` and weights above nothing are not worth more code.
fn takes_gzip(headers: &HeaderMap) -> bool {
    words(headers, &ACCEPT_ENCODING).any(|word| {
        let (coding, weight) = word.split_once(';').unwrap_or((word, ""));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse().ok()).unwrap_or(1.0);
        coding.trim().eq_ignore_ascii_case("gzip") && weight > 0.0
    })
}

/// A script or a style sheet less indents and the comments that stand on lines of their own: they are a third of what
/// would be sent. Lines keep their numbers, so that an error on the page still tells its place in the source.
fn without_comments(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut inside = false;
    for line in source.lines() {
        let text = line.trim_start();
        if inside || text.starts_with("/*") {
            let end = text.split_once("*/");
            inside = end.is_none();
            out.push_str(end.map_or("", |(_, rest)| rest));
        } else if !text.starts_with("//") {
            out.push_str(text);
        }
        out.push('\n');
    }
    out
}

/// Weak, since the same file may go out compressed. Half of the hash tells the files of one page apart a million times
/// over, and each of them carries it.
fn entity_tag(hash: &[u8; 32]) -> String {
    let mut tag = String::from("W/\"");
    for byte in hash.iter().take(8) {
        // Writing to a String never fails.
        write!(tag, "{byte:02x}").ok();
    }
    tag.push('"');
    tag
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(method: &Method, path: &str) -> Option<u16> {
        Assets::default().serve(method, path, &HeaderMap::new()).map(|response| response.status().as_u16())
    }

    #[test]
    fn the_page_is_there_and_nothing_else_lies_open() {
        assert_eq!(status(&Method::GET, "/"), Some(200));
        assert_eq!(status(&Method::HEAD, "/index.html"), Some(200));
        assert_eq!(status(&Method::POST, "/"), Some(405));
        for path in
            ["/nothing.html", "/../Cargo.toml", "/../test/a.js", "//etc/hosts.html", "/api.d.ts", "/.", ""]
        {
            assert_eq!(status(&Method::GET, path), None, "{path}");
        }
    }

    #[test]
    fn what_every_visit_needs_is_one_script_and_one_sheet() {
        let sent = |name: &str| String::from_utf8(content(name).expect("a file")).expect("text");
        let page = sent(PAGE);
        assert_eq!(
            (page.matches(STYLE_LINK).count(), page.matches("<script type=\"module\"").count()),
            (1, 1)
        );
        assert!(linked(&text(PAGE).expect("the page")).count() > 1);
        let main = sent(ENTRY);
        assert!(main.lines().all(|line| !line.starts_with("import ")) && main.contains("class HostView"));
        assert!(sent("views/fleet.js").contains("$modules[\"lib/dom.js\"]"));
        assert!(sent(STYLES).contains(".topbar"));
    }

    #[test]
    fn comments_stay_here_and_lines_keep_their_numbers() {
        let check = |source: &str, sent: &str| assert_eq!(without_comments(source), sent);
        check("// why\nlet a = 1; // how\n", "\nlet a = 1; // how\n");
        check("/** One. */\nf();\n", "\nf();\n");
        check("/**\n * Two // lines.\n */\nf(\"/* no */\");\n", "\n\n\nf(\"/* no */\");\n");
        check("  /** @type {A} */ (b).c();\n", " (b).c();\n");
    }

    #[test]
    fn a_known_file_is_not_sent_again() {
        let assets = Assets::default();
        let first = assets.serve(&Method::GET, "/", &HeaderMap::new()).expect("the page");
        let tag = first.headers()[ETAG].clone();
        let check = |known: &str, expected: u16| {
            let mut headers = HeaderMap::new();
            headers.insert(IF_NONE_MATCH, known.parse().expect("a header value"));
            let response = assets.serve(&Method::GET, "/", &headers).expect("the page");
            assert_eq!(response.status().as_u16(), expected, "{known}");
        };
        check(tag.to_str().expect("ASCII"), 304);
        check(&format!("\"other\", {}", tag.to_str().expect("ASCII")), 304);
        check("\"other\"", 200);
    }

    #[test]
    fn whoever_takes_gzip_gets_the_same_packed() {
        let check = |accepted: &str, packed: bool| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, accepted.parse().expect("a header value"));
            let answer = Assets::default().serve(&Method::GET, "/main.js", &headers).expect("a script");
            assert_eq!(answer.headers().contains_key(CONTENT_ENCODING), packed, "{accepted}");
            assert_eq!(answer.headers()[VARY], "accept-encoding");
        };
        check("gzip, deflate, br", true);
        check("br;q=1.0, GZIP;q=0.5", true);
        check("gzip;q=0", false);
        check("identity", false);
        check("", false);
    }
}
