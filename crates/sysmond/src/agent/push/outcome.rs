//! What an answer to a push means for the samples in it. Pure.

use crate::agent::client::{Answer, CallError};
use hyper::StatusCode;
use serde::Deserialize;
use std::time::Duration;
use sysmond_model::push::PushAnswer;

/// The longest `Retry-After` that is obeyed: a wrong one does not silence a host for hours.
const RETRY_AFTER_LIMIT: Duration = Duration::from_mins(5);
/// Of a reason that the other side gives, so much is logged, characters.
const REASON_CHARS: usize = 200;

/// What became of a push.
#[derive(Debug, PartialEq)]
pub(super) enum Outcome {
    /// It was read, and each sample is stored or refused for good.
    Taken(PushAnswer),
    /// The body as a whole is refused: the same body will be refused again.
    Refused {
        /// With this status.
        status: StatusCode,
        /// And this reason.
        why: String,
    },
    /// Something has to be set right by a person; until then everything is kept.
    Denied {
        /// With this status.
        status: StatusCode,
        /// What is wrong, and what to set.
        advice: String,
    },
    /// Not now.
    Later {
        /// The reason.
        why: String,
        /// Not before this has passed.
        retry_after: Option<Duration>,
    },
}

/// Judges the answer to a push of `sent` samples to `address`.
pub(super) fn judge(answer: Result<Answer, CallError>, sent: usize, address: &str) -> Outcome {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            return Outcome::Later { why: format!("{:#}", anyhow::Error::from(error)), retry_after: None };
        }
    };
    let status = answer.status;
    match status.as_u16() {
        200 => match verdict(&answer, sent) {
            Some(verdict) => Outcome::Taken(verdict),
            None => Outcome::Denied { status, advice: format!("what answers at {address} is no aggregator") },
        },
        // Where all samples were refused one by one, each verdict is final: there is nothing to split.
        422 if sent > 0 => match verdict(&answer, sent) {
            Some(verdict) if verdict.metrics_failed == sent => Outcome::Taken(verdict),
            _ => Outcome::Refused { status, why: reason(&answer) },
        },
        400 | 413 | 422 => Outcome::Refused { status, why: reason(&answer) },
        408 | 425 | 429 | 500..=599 => {
            let retry_after = answer.retry_after.map(|wait| wait.min(RETRY_AFTER_LIMIT));
            Outcome::Later { why: reason(&answer), retry_after }
        }
        _ => Outcome::Denied { status, advice: advice(&answer, address) },
    }
}

/// The answer as the protocol has it, where it is one and speaks of all samples.
fn verdict(answer: &Answer, sent: usize) -> Option<PushAnswer> {
    serde_json::from_slice(&answer.body).ok().filter(|verdict: &PushAnswer| verdict.metrics_received == sent)
}

fn advice(answer: &Answer, address: &str) -> String {
    let status = answer.status;
    match (status.as_u16(), &answer.location) {
        (401, _) => {
            "the token is not the aggregator's: give the agent the one in the aggregator's DATA_DIR/token, \
                     by --token-file or SYSMON_TOKEN"
                .to_owned()
        }
        (403, _) => format!("the token may not push for this host: {}", reason(answer)),
        (404, _) => format!("there is no aggregator at {address}: check host, port and path"),
        (421, _) => {
            format!(
                "the aggregator does not answer for the name in {address}: start it with --allowed-host NAME"
            )
        }
        (300..=399, Some(location)) => {
            format!("{address} leads to {location:?}: give the agent that address")
        }
        _ => format!("{address} answers {}", reason(answer)),
    }
}

/// The status and, where the other side says more, its words.
fn reason(answer: &Answer) -> String {
    #[derive(Deserialize)]
    struct Problem {
        detail: String,
    }
    let status = answer.status;
    match serde_json::from_slice::<Problem>(&answer.body) {
        Ok(problem) => format!("{status}: {}", problem.detail.chars().take(REASON_CHARS).collect::<String>()),
        Err(_) => status.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::body::Bytes;
    use sysmond_model::Timestamp;

    fn verdict_of(received: usize, failed: usize) -> PushAnswer {
        PushAnswer {
            status: "partial".into(),
            hostname: "web-01".into(),
            metrics_received: received,
            metrics_stored: received - failed,
            metrics_failed: failed,
            errors: Vec::new(),
            snapshots_stored: 0,
            snapshots_failed: 0,
            static_wanted: false,
            timestamp: Timestamp::from_seconds(1),
        }
    }

    fn judged(status: u16, body: impl Into<Bytes>) -> Outcome {
        let status = StatusCode::from_u16(status).unwrap();
        let retry_after = Some(Duration::from_hours(2));
        let answer = Answer { status, retry_after, location: Some("/login".into()), body: body.into() };
        judge(Ok(answer), 10, "http://x")
    }

    fn kind(outcome: &Outcome) -> &'static str {
        match outcome {
            Outcome::Taken(_) => "taken",
            Outcome::Refused { .. } => "refused",
            Outcome::Denied { .. } => "denied",
            Outcome::Later { .. } => "later",
        }
    }

    #[test]
    fn each_status_has_its_consequence() {
        let check = |statuses: &[u16], expected: &str| {
            for &status in statuses {
                assert_eq!(kind(&judged(status, "{}")), expected, "{status}");
            }
        };
        check(&[400, 413, 422], "refused");
        check(&[408, 425, 429, 500, 502, 503, 504, 507], "later");
        check(&[401, 403, 404, 405, 415, 421, 301, 308, 204], "denied");
    }

    #[test]
    fn only_an_aggregators_answer_about_all_samples_counts() {
        let json = |answer| serde_json::to_vec(&answer).unwrap();
        let check = |status, body: Vec<u8>, expected: &str| assert_eq!(kind(&judged(status, body)), expected);
        check(200, json(verdict_of(10, 0)), "taken");
        check(200, json(verdict_of(10, 10)), "taken");
        check(200, json(verdict_of(9, 0)), "denied");
        check(200, b"<html>welcome</html>".to_vec(), "denied");
        check(422, json(verdict_of(10, 10)), "taken");
        check(422, json(verdict_of(10, 9)), "refused");
        check(422, json(verdict_of(3, 3)), "refused");
    }

    #[test]
    fn a_wait_of_hours_is_cut() {
        let Outcome::Later { retry_after, why } = judged(503, r#"{"detail":"the disk is full"}"#) else {
            panic!()
        };
        assert_eq!(retry_after, Some(RETRY_AFTER_LIMIT));
        assert_eq!(why, "503 Service Unavailable: the disk is full");
    }

    #[test]
    fn the_advice_names_what_to_set() {
        let check = |status, word: &str| {
            let Outcome::Denied { advice, .. } = judged(status, "") else { panic!("{status}") };
            assert!(advice.contains(word), "{advice}");
        };
        check(401, "--token-file");
        check(404, "http://x");
        check(421, "--allowed-host");
        check(301, "/login");
    }
}
