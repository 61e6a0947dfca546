//! What every answer says to browsers: load nothing foreign, frame nothing, guess nothing.

use super::answer::JSON;
use axum::http::HeaderMap;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};

/// `connect-src 'self'` covers the WebSocket of the same origin as well.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
     connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

/// Room for these and for those that an answer has of its own.
const MAX_HEADERS: usize = 12;

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

/// The headers, made once: copying them costs less than putting each in its place.
#[derive(Debug)]
pub(super) struct Security {
    documents: HeaderMap,
    parts: HeaderMap,
    /// All headers of an answer that has none of its own but that it is JSON.
    json: HeaderMap,
}

impl Default for Security {
    /// An answer that says nothing of caching is not to be cached: values change every second.
    fn default() -> Self {
        let mut parts = HeaderMap::with_capacity(MAX_HEADERS);
        for (name, value) in &ALWAYS {
            parts.insert(name.clone(), HeaderValue::from_static(value));
        }
        parts.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let mut documents = parts.clone();
        documents.reserve(MAX_HEADERS - documents.len());
        for (name, value) in &OF_DOCUMENTS {
            documents.insert(name.clone(), HeaderValue::from_static(value));
        }
        let mut json = documents.clone();
        json.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
        Self { documents, parts, json }
    }
}

impl Security {
    /// Adds them. Where one is there already, as that of caching may be, it stays as it is.
    pub(super) fn add_to(&self, headers: &mut HeaderMap) {
        if headers.len() == 1 && headers.get(CONTENT_TYPE).is_some_and(|kind| kind == JSON) {
            headers.clone_from(&self.json);
            return;
        }
        let part_of_a_page = headers.get(CONTENT_TYPE).is_some_and(|kind| {
            [b"text/javascript".as_slice(), b"text/css"].iter().any(|part| kind.as_bytes().starts_with(part))
        });
        let fitting = if part_of_a_page { &self.parts } else { &self.documents };
        let own = std::mem::replace(headers, fitting.clone());
        headers.extend(own);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_has_what_fits_it_and_keeps_its_own() {
        let check = |own: &[(HeaderName, &'static str)], name: &str, expected: Option<&str>| {
            let mut headers: HeaderMap =
                own.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
            Security::default().add_to(&mut headers);
            let found: Vec<_> = headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect();
            assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{name} of {own:?}");
        };
        let json = [(CONTENT_TYPE, "application/json")];
        let script = [(CONTENT_TYPE, "text/javascript"), (CACHE_CONTROL, "max-age=60")];
        check(&json, "x-frame-options", Some("DENY"));
        check(&[json[0].clone(), script[1].clone()], "cache-control", Some("max-age=60"));
        check(&json, "content-type", Some("application/json"));
        check(&json, "cache-control", Some("no-store"));
        check(&json, "content-security-policy", Some(POLICY));
        check(&json, "x-content-type-options", Some("nosniff"));
        check(&script, "cache-control", Some("max-age=60"));
        check(&script, "content-security-policy", None);
        check(&script, "referrer-policy", None);
        check(&[], "x-frame-options", Some("DENY"));
    }
}
