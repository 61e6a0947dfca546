//! What every answer says to browsers: load nothing foreign, frame nothing, guess nothing.

use axum::http::HeaderMap;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};

/// `connect-src 'self'` covers the WebSocket of the same origin as well.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
     connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

static ALWAYS: [(HeaderName, &str); 2] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// What a browser heeds only on what it can show as a document. A script or a style sheet is none, and the page has
/// some seventy of them: there these would be a quarter of all that is sent.
static OF_DOCUMENTS: [(HeaderName, &str); 4] = [
    (REFERRER_POLICY, "no-referrer"), // a script without one of its own has its page's
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// Adds the headers. An answer that says nothing of caching is not to be cached: values change every second.
pub(super) fn secure(headers: &mut HeaderMap) {
    let part_of_a_page = headers.get(CONTENT_TYPE).is_some_and(|kind| {
        [b"text/javascript".as_slice(), b"text/css"].iter().any(|part| kind.as_bytes().starts_with(part))
    });
    let fitting = OF_DOCUMENTS.iter().filter(|_| !part_of_a_page);
    for (name, value) in ALWAYS.iter().chain(fitting) {
        headers.insert(name.clone(), HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
