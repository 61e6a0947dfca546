//! The dashboard's files, embedded in the program.

use axum::body::Body;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};
use std::fmt::Write as _;

#[derive(RustEmbed)]
#[folder = "../../dashboard/src/"]
struct Files;

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

/// The file at `path`, where there is one.
pub(super) fn serve(method: &Method, path: &str, headers: &HeaderMap) -> Option<Response> {
    let name = match path.strip_prefix('/')? {
        "" => "index.html",
        name => name,
    };
    let (_, extension) = name.rsplit_once('.')?;
    let (_, kind) = KINDS.iter().find(|(known, _)| *known == extension)?;
    let file = Files::get(name)?;
    if method != Method::GET && method != Method::HEAD {
        let allow = [(ALLOW, HeaderValue::from_static("GET,HEAD"))];
        return Some((allow, super::routes::wrong_method(method)).into_response());
    }
    Some(answer(file, kind, headers))
}

fn answer(file: EmbeddedFile, kind: &'static str, headers: &HeaderMap) -> Response {
    let tag = entity_tag(&file.metadata.sha256_hash());
    let unchanged = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|known| known.trim() == tag || known.trim() == "*");
    // Asked for again each time and answered with 304: a new program never meets an old page.
    let caching = (CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    let Ok(tag) = HeaderValue::try_from(tag) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    if unchanged {
        return (StatusCode::NOT_MODIFIED, [caching, (ETAG, tag)]).into_response();
    }
    let body = if kind.starts_with("text/javascript") {
        Body::from(without_comments(&String::from_utf8_lossy(&file.data)))
    } else {
        Body::from(file.data)
    };
    ([caching, (ETAG, tag), (CONTENT_TYPE, HeaderValue::from_static(kind))], body).into_response()
}

/// A script less the comments that stand on lines of their own: they are a third of what would be sent. Lines keep
/// their numbers, so that an error on the page still tells its place in the source.
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

/// Weak, since the same file may go out compressed.
fn entity_tag(hash: &[u8; 32]) -> String {
    let mut tag = String::from("W/\"");
    for byte in hash.iter().take(16) {
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
        serve(method, path, &HeaderMap::new()).map(|response| response.status().as_u16())
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
    fn comments_stay_here_and_lines_keep_their_numbers() {
        let check = |source: &str, sent: &str| assert_eq!(without_comments(source), sent);
        check("// why\nlet a = 1; // how\n", "\nlet a = 1; // how\n");
        check("/** One. */\nf();\n", "\nf();\n");
        check("/**\n * Two // lines.\n */\nf(\"/* no */\");\n", "\n\n\nf(\"/* no */\");\n");
        check("  /** @type {A} */ (b).c();\n", " (b).c();\n");
    }

    #[test]
    fn a_known_file_is_not_sent_again() {
        let first = serve(&Method::GET, "/", &HeaderMap::new()).expect("the page");
        let tag = first.headers()[ETAG].clone();
        let check = |known: &str, expected: u16| {
            let mut headers = HeaderMap::new();
            headers.insert(IF_NONE_MATCH, known.parse().expect("a header value"));
            let response = serve(&Method::GET, "/", &headers).expect("the page");
            assert_eq!(response.status().as_u16(), expected, "{known}");
        };
        check(tag.to_str().expect("ASCII"), 304);
        check(&format!("\"other\", {}", tag.to_str().expect("ASCII")), 304);
        check("\"other\"", 200);
    }
}
