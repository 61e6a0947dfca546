//! `GET /api/history`: stretches of series as charts need them.

use super::answer;
use super::app::App;
use super::params::{self, Params};
use super::problem::Problem;
use crate::aggregator::views::SeriesView;
use crate::clock;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use std::sync::Arc;
use sysmond_model::limits::{MAX_POINTS, MAX_SERIES_PER_ANSWER};
use sysmond_model::{SeriesRange, Timestamp, catalogue, tags};
use sysmond_tsdb::{QueryError, RangeQuery, Store, TagMatch};

/// Hosts in one question; a comparison shows eight.
const MAX_HOSTS: usize = 32;
/// Metrics in one question; a host's page shows about twenty charts.
const MAX_METRICS: usize = 64;
/// Points of all series in one answer: some 40 MB of JSON, well beyond any chart.
const MAX_POINTS_PER_ANSWER: usize = 1_000_000;
/// How far back a question goes that does not say, milliseconds.
const DEFAULT_RANGE_MS: i64 = 300_000;
/// Points of a series where the question does not say.
const DEFAULT_POINTS: usize = 300;

/// A checked question.
#[derive(Debug)]
struct Question {
    hosts: Vec<String>,
    metrics: Vec<String>,
    tags: TagMatch,
    from: Timestamp,
    to: Timestamp,
    points: usize,
}

#[derive(Serialize)]
struct Answer<'a> {
    series: Vec<SeriesView<'a>>,
}

pub(super) async fn show(State(app): State<Arc<App>>, params: Params) -> Result<Response, Problem> {
    let question = Question::read(&params, clock::now())?;
    if let Some(unknown) = question.hosts.iter().find(|host| app.store().host(host).is_none()) {
        return Err(Problem::unknown_host(unknown));
    }
    let is_known = |metric: &&String| catalogue::find(metric).is_some() || app.store().has_metric(metric);
    if let Some(unknown) = question.metrics.iter().find(|metric| !is_known(metric)) {
        return Err(Problem::unknown_metric(unknown));
    }
    let body = app.query(move |store| question.answer(store)).await?;
    Ok(answer::raw(StatusCode::OK, body))
}

impl Question {
    fn read(params: &Params, now: Timestamp) -> Result<Self, Problem> {
        let hosts = names(params, "host", MAX_HOSTS)?;
        let metrics = names(params, "metric", MAX_METRICS)?;
        let tags = match params.optional("tags")? {
            Some("*") => TagMatch::Any,
            given => TagMatch::Exactly(tags::canonical(given.unwrap_or_default()).map_err(|error| {
                Problem::invalid("bad_tags", format!("`tags` is neither `*` nor a set of tags: {error}"))
            })?),
        };
        let to = time(params, "to")?.unwrap_or(now);
        let from = time(params, "from")?.unwrap_or_else(|| to.plus_millis(-DEFAULT_RANGE_MS));
        if from > to {
            return Err(Problem::invalid("bad_range", "`from` is after `to`"));
        }
        let points = params.parsed("points", "a number of points")?.unwrap_or(DEFAULT_POINTS);
        if points == 0 {
            return Err(Problem::invalid("bad_points", "`points` is at least 1"));
        }
        Ok(Self { hosts, metrics, tags, from, to, points: points.min(MAX_POINTS) })
    }

    /// The series that was asked for, where exactly one was.
    fn single(&self) -> Option<(&str, &str, &str)> {
        match (self.hosts.as_slice(), self.metrics.as_slice(), &self.tags) {
            ([host], [metric], TagMatch::Exactly(tags)) => Some((host, metric, tags)),
            _ => None,
        }
    }

    /// The body of the answer.
    fn answer(&self, store: &Store) -> Result<Vec<u8>, QueryError> {
        let ranges = self.ranges(store)?;
        let view = |(host, range)| SeriesView::new(host, range, self.from, self.to);
        let mut series =
            ranges.iter().flat_map(|(host, ranges)| ranges.iter().map(move |range| (*host, range))).map(view);
        let json = if let Some((host, metric, tags)) = self.single() {
            let empty = || SeriesView::empty(host, metric, tags, self.from, self.to);
            serde_json::to_vec(&series.next_back().unwrap_or_else(empty))
        } else {
            serde_json::to_vec(&Answer { series: series.collect() })
        };
        // Plain data with string keys and finite numbers always serializes.
        Ok(json.unwrap_or_default())
    }

    fn ranges(&self, store: &Store) -> Result<Vec<(&str, Vec<SeriesRange>)>, QueryError> {
        let (mut series, mut points) = (0, 0);
        let mut all = Vec::with_capacity(self.hosts.len());
        for host in &self.hosts {
            let ranges = store.range(&RangeQuery {
                host: host.clone(),
                metrics: self.metrics.clone(),
                tags: self.tags.clone(),
                from: self.from,
                to: self.to,
                points: self.points,
            })?;
            series += ranges.len();
            points += ranges.iter().map(|range| range.points.len()).sum::<usize>();
            if series > MAX_SERIES_PER_ANSWER {
                return Err(QueryError::TooLarge(format!("more than {MAX_SERIES_PER_ANSWER} series")));
            }
            if points > MAX_POINTS_PER_ANSWER {
                return Err(QueryError::TooLarge(format!("more than {MAX_POINTS_PER_ANSWER} points")));
            }
            all.push((host.as_str(), ranges));
        }
        Ok(all)
    }
}

/// The different values of `key`, at least one.
fn names(params: &Params, key: &str, limit: usize) -> Result<Vec<String>, Problem> {
    let mut names: Vec<String> = Vec::new();
    for name in params.all(key) {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    if names.is_empty() || names.iter().any(String::is_empty) {
        return Err(params::missing(key));
    }
    if names.len() > limit {
        return Err(Problem::invalid("too_large", format!("more than {limit} times `{key}`")));
    }
    Ok(names)
}

/// The time that `key` gives, where it is given.
pub(super) fn time(params: &Params, key: &str) -> Result<Option<Timestamp>, Problem> {
    let Some(seconds) = params.parsed::<f64>(key, "a time in Unix seconds")? else { return Ok(None) };
    let time = Timestamp::from_seconds_f64(seconds);
    time.map(Some).ok_or_else(|| Problem::invalid("bad_range", format!("`{key}` is no time in Unix seconds")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::extract::FromRequestParts;

    fn read(query: &str) -> Result<Question, u16> {
        let request = axum::http::Request::get(format!("/api/history?{query}")).body(()).expect("a request");
        let (mut parts, ()) = request.into_parts();
        let params = Params::from_request_parts(&mut parts, &());
        let params = futures_util::FutureExt::now_or_never(params).expect("no waiting").expect("readable");
        Question::read(&params, Timestamp::from_seconds(1000)).map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let question = read("host=a&metric=m").expect("enough");
        assert_eq!((question.from.as_seconds(), question.to.as_seconds(), question.points), (700, 1000, 300));
        assert_eq!(question.single(), Some(("a", "m", "")));
        let question = read("host=a&metric=m&to=500.5&from=1.25&points=99999").expect("right");
        assert_eq!((question.from.as_millis(), question.to.as_millis()), (1250, 500_500));
        assert_eq!(question.points, MAX_POINTS);
    }

    #[test]
    fn one_series_is_single_and_more_are_not() {
        let check = |query: &str, single| {
            assert_eq!(read(query).expect("right").single().is_some(), single, "{query}");
        };
        check("host=a&metric=m&tags=core=0", true);
        check("host=a&metric=m&tags=b%3D2,a%3D1", true);
        check("host=a&host=a&metric=m", true);
        check("host=a&host=b&metric=m", false);
        check("host=a&metric=m&metric=n", false);
        check("host=a&metric=m&tags=*", false);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let check = |query: &str, status| assert_eq!(read(query).err(), Some(status), "{query}");
        check("", 422);
        check("host=a", 422);
        check("host=&metric=m", 422);
        check("host=a&metric=m&from=2&to=1", 422);
        check("host=a&metric=m&from=-5", 422);
        check("host=a&metric=m&from=nan", 422);
        check("host=a&metric=m&from=1e999", 422);
        check("host=a&metric=m&from=yesterday", 400);
        check("host=a&metric=m&points=0", 422);
        check("host=a&metric=m&points=-1", 400);
        check("host=a&metric=m&tags=x", 422);
        check("host=a&metric=m&tags=a=1&tags=b=1", 422);
    }
}
