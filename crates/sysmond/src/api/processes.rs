//! `GET /api/processes`: which processes took the most of a host, at a moment or over a stretch.

use super::answer;
use super::app::App;
use super::history::time;
use super::params::Params;
use super::problem::Problem;
use crate::aggregator::views::whole_seconds;
use crate::clock;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use std::sync::Arc;
use sysmond_model::{ProcessReading, Timestamp};
use sysmond_tsdb::{MeanMax, ProcessTotal, ProcessUsage, ProgramTotal, Usage};

/// How old a snapshot may be to stand for a moment, milliseconds: the largest machines have one a minute, and pushes
/// may be some minutes apart.
const MAX_AGE_MS: i64 = 5 * 60 * 1000;
/// How far back a stretch goes that does not say where it begins, milliseconds.
const DEFAULT_RANGE_MS: i64 = 5 * 60 * 1000;
/// The longest stretch, milliseconds: seven days of snapshots are read in some tenths of a second.
const MAX_RANGE_MS: i64 = 7 * 24 * 3600 * 1000;
/// Processes by each figure where the question does not say.
const DEFAULT_TOP: usize = 10;
/// Processes by each figure.
const MAX_TOP: usize = 100;

#[derive(Serialize)]
struct Moment<'a> {
    host: &'a str,
    at: Timestamp,
    snapshot: Option<ProcessReading>,
    timestamp: Timestamp,
}

#[derive(Serialize)]
struct Stretch<'a> {
    host: &'a str,
    from: Timestamp,
    to: Timestamp,
    snapshots: u64,
    seconds: f64,
    processes: Vec<Process>,
    programs: Vec<Program>,
    timestamp: Timestamp,
}

#[derive(Serialize)]
struct Process {
    pid: u32,
    name: String,
    command: Option<String>,
    user: u32,
    #[serde(flatten)]
    figures: Figures,
}

#[derive(Serialize)]
struct Program {
    name: String,
    processes: u64,
    #[serde(flatten)]
    figures: Figures,
}

#[derive(Serialize)]
struct Figures {
    snapshots: u64,
    first: Timestamp,
    last: Timestamp,
    cpu_percent: Option<Figure>,
    memory_bytes: Figure,
    read_bytes: Option<Figure>,
    write_bytes: Option<Figure>,
}

#[derive(Serialize)]
struct Figure {
    mean: f64,
    max: f64,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Question {
    At(Timestamp),
    Between { from: Timestamp, to: Timestamp, top: usize },
}

pub(super) async fn show(State(app): State<Arc<App>>, params: Params) -> Result<Response, Problem> {
    let now = clock::now();
    let host = params.required("host")?.to_owned();
    let question = Question::read(&params, now)?;
    app.store().host(&host).ok_or_else(|| Problem::unknown_host(&host))?;
    let timestamp = whole_seconds(now);
    match question {
        Question::At(at) => {
            let (name, since) = (host.clone(), at.plus_millis(-MAX_AGE_MS));
            let snapshot = app.query(move |store| store.processes_at(&name, since, at)).await?;
            Ok(answer::json(StatusCode::OK, &Moment { host: &host, at, snapshot, timestamp }))
        }
        Question::Between { from, to, top } => {
            let name = host.clone();
            let usage = app.query(move |store| store.processes_between(&name, (from, to), top)).await?;
            let ProcessUsage { snapshots, seconds, processes, programs } = usage;
            let processes = processes.into_iter().map(Process::from).collect();
            let programs = programs.into_iter().map(Program::from).collect();
            let host = host.as_str();
            let answer = Stretch { host, from, to, snapshots, seconds, processes, programs, timestamp };
            Ok(answer::json(StatusCode::OK, &answer))
        }
    }
}

impl Question {
    fn read(params: &Params, now: Timestamp) -> Result<Self, Problem> {
        let (at, from, to) = (time(params, "at")?, time(params, "from")?, time(params, "to")?);
        if from.is_none() && to.is_none() {
            return Ok(Self::At(at.unwrap_or(now)));
        }
        if at.is_some() {
            return Err(Problem::invalid("bad_range", "either `at` or a stretch from `from` to `to`"));
        }
        let to = to.unwrap_or(now);
        let from = from.unwrap_or_else(|| to.plus_millis(-DEFAULT_RANGE_MS));
        if from > to {
            return Err(Problem::invalid("bad_range", "`from` is after `to`"));
        }
        if to.as_millis() - from.as_millis() > MAX_RANGE_MS {
            return Err(Problem::invalid("too_large", "a stretch has at most seven days"));
        }
        let top = params.parsed("top", "a number of processes")?.unwrap_or(DEFAULT_TOP);
        if top == 0 {
            return Err(Problem::invalid("bad_top", "`top` is at least 1"));
        }
        Ok(Self::Between { from, to, top: top.min(MAX_TOP) })
    }
}

impl From<ProcessTotal> for Process {
    fn from(total: ProcessTotal) -> Self {
        let ProcessTotal { pid, name, command, user, usage } = total;
        Self { pid, name, command, user, figures: usage.into() }
    }
}

impl From<ProgramTotal> for Program {
    fn from(total: ProgramTotal) -> Self {
        let ProgramTotal { name, processes, usage } = total;
        Self { name, processes, figures: usage.into() }
    }
}

impl From<Usage> for Figures {
    fn from(usage: Usage) -> Self {
        let Usage { snapshots, first, last, cpu_percent, memory_bytes, read_bytes, write_bytes } = usage;
        Self {
            snapshots,
            first,
            last,
            cpu_percent: cpu_percent.map(Figure::from),
            memory_bytes: memory_bytes.into(),
            read_bytes: read_bytes.map(Figure::from),
            write_bytes: write_bytes.map(Figure::from),
        }
    }
}

impl From<MeanMax> for Figure {
    /// Two more digits than a single figure has are enough of a mean.
    fn from(MeanMax { mean, max }: MeanMax) -> Self {
        Self { mean: (mean * 10_000.0).round() / 10_000.0, max }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::extract::FromRequestParts;

    fn read(query: &str) -> Result<Question, u16> {
        let request =
            axum::http::Request::get(format!("/api/processes?{query}")).body(()).expect("a request");
        let (mut parts, ()) = request.into_parts();
        let params = Params::from_request_parts(&mut parts, &());
        let params = futures_util::FutureExt::now_or_never(params).expect("no waiting").expect("readable");
        Question::read(&params, Timestamp::from_seconds(1000)).map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn a_moment_is_asked_for_or_a_stretch() {
        let at = |seconds| Timestamp::from_seconds(seconds);
        let check = |query: &str, question| assert_eq!(read(query), question, "{query}");
        check("", Ok(Question::At(at(1000))));
        check("at=500.5", Ok(Question::At(Timestamp::from_millis(500_500))));
        check("from=500", Ok(Question::Between { from: at(500), to: at(1000), top: 10 }));
        check("to=900&top=5000", Ok(Question::Between { from: at(600), to: at(900), top: 100 }));
        for wrong in ["at=1&from=1", "from=2&to=1", "from=0&to=604801", "from=1&top=0", "at=-1"] {
            check(wrong, Err(422));
        }
        check("at=noon", Err(400));
        check("from=1&top=x", Err(400));
    }
}
