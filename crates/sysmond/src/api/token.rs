//! Who may push.

use super::problem::Problem;
use crate::config::Token;
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use sysmond_model::push::TOKEN_HEADER;

/// The answer to whoever has no token or a wrong one; it says not which.
pub(super) struct Unauthorized;

/// Asks for exactly one token, the right one.
pub(super) fn check(headers: &HeaderMap, token: &Token) -> Result<(), Unauthorized> {
    let mut given = headers.get_all(TOKEN_HEADER).iter();
    match (given.next(), given.next()) {
        (Some(given), None) if token.matches(given.as_bytes()) => Ok(()),
        _ => Err(Unauthorized),
    }
}

impl IntoResponse for Unauthorized {
    fn into_response(self) -> Response {
        let detail = "this needs the X-SysMon-Token header with the server's token";
        let mut response = Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail).into_response();
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("X-SysMon-Token"));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_token_passes() {
        let token = Token::new("0123456789abcdef".to_owned());
        let check = |given: &[&str], passes| {
            let mut headers = HeaderMap::new();
            for value in given {
                headers.append(TOKEN_HEADER, value.parse().expect("a header value"));
            }
            assert_eq!(check(&headers, &token).is_ok(), passes, "{given:?}");
        };
        check(&["0123456789abcdef"], true);
        for wrong in ["", "0123456789abcdeF", "0123456789abcde", "0123456789abcdef0"] {
            check(&[wrong], false);
        }
        check(&[], false);
        check(&["0123456789abcdef", "0123456789abcdef"], false);
    }
}
