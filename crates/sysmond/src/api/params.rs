//! The query of a request, where a parameter may stand several times.

use super::problem::Problem;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use std::str::FromStr;

/// Parameters in one query; a question for many hosts and metrics fits.
const MAX_PARAMS: usize = 256;

/// The decoded `key=value` pairs of a query, in order. Unknown keys are ignored.
#[derive(Debug)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    /// All values of `key`.
    pub(super) fn all<'a>(&'a self, key: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// The value of `key` where it is given; given twice is an error.
    pub(super) fn optional(&self, key: &str) -> Result<Option<&str>, Problem> {
        let mut values = self.all(key);
        match (values.next(), values.next()) {
            (first, None) => Ok(first),
            _ => Err(Problem::invalid("repeated_parameter", format!("the parameter `{key}` is given twice"))),
        }
    }

    /// The value of `key`, which has to be given and not empty.
    pub(super) fn required(&self, key: &str) -> Result<&str, Problem> {
        match self.optional(key)? {
            Some(value) if !value.is_empty() => Ok(value),
            _ => Err(missing(key)),
        }
    }

    /// The value of `key` read as a number or another plain type.
    pub(super) fn parsed<T: FromStr>(&self, key: &str, what: &str) -> Result<Option<T>, Problem> {
        let Some(text) = self.optional(key)? else { return Ok(None) };
        let unreadable = || Problem::unreadable("bad_parameter", format!("`{key}={text}` is not {what}"));
        text.parse().map(Some).map_err(|_| unreadable())
    }
}

/// The answer where `key` is needed and absent.
pub(super) fn missing(key: &str) -> Problem {
    Problem::invalid("missing_parameter", format!("the parameter `{key}` is needed"))
}

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|error| Problem::unreadable("bad_query", error.body_text()))?;
        if pairs.len() > MAX_PARAMS {
            return Err(Problem::invalid(
                "too_many_parameters",
                format!("more than {MAX_PARAMS} parameters"),
            ));
        }
        Ok(Self(pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(query: &str) -> Params {
        let uri = format!("http://localhost/?{query}").parse().expect("a URI");
        let Query(pairs) = Query::try_from_uri(&uri).expect("readable");
        Params(pairs)
    }

    #[test]
    fn a_parameter_may_stand_once_or_often() {
        let given = params("host=a&host=b%20c&metric=m&points=x");
        assert_eq!(given.all("host").collect::<Vec<_>>(), ["a", "b c"]);
        assert_eq!(given.required("metric").expect("given"), "m");
        assert_eq!(given.optional("tags").expect("absent is fine"), None);
        let check = |problem: Problem, status: u16| assert_eq!(problem.status().as_u16(), status);
        check(given.required("host").expect_err("twice"), 422);
        check(given.required("from").expect_err("absent"), 422);
        check(given.parsed::<usize>("points", "a number").expect_err("no number"), 400);
    }
}
