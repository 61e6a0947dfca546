//! What is wrong with a configuration, in words that say where it was written and what is right.

use super::data_dir::DataDirError;
use super::given::Origin;
use super::token::TokenError;
use super::values::ValueError;
use std::path::Path;
use std::sync::Arc;
use thiserror::Error;

/// One mistake.
#[derive(Debug, Error)]
pub enum Problem {
    /// A value that cannot be used.
    #[error("{key}: `{}` ({origin}) {wrong}", shown(text))]
    Value {
        /// The setting.
        key: &'static str,
        /// What was written.
        text: String,
        /// Where.
        origin: Origin,
        /// What is wrong with it.
        wrong: ValueError,
    },
    /// A name in the file that is no setting.
    #[error("{}:{line}: there is no setting `{}`{}", path.display(), shown(name), nearest.as_ref().map(|near| format!(", did you mean {near}?")).unwrap_or_default())]
    Unknown {
        /// The file.
        path: Arc<Path>,
        /// The line.
        line: usize,
        /// What was written.
        name: String,
        /// The setting whose name is most like it, and where it belongs.
        nearest: Option<String>,
    },
    /// A number where a text belongs, or the like.
    #[error("{}:{line}: `{name}` is given as {found}: write {right}", path.display())]
    Form {
        /// The file.
        path: Arc<Path>,
        /// The line.
        line: usize,
        /// The setting.
        name: String,
        /// What was written.
        found: &'static str,
        /// How it is written.
        right: String,
    },
    /// No TOML at all.
    #[error("{}:{line}: {reason}", path.display())]
    Syntax {
        /// The file.
        path: Arc<Path>,
        /// The line.
        line: usize,
        /// The parser's words.
        reason: String,
    },
    /// The file cannot be read.
    #[error("cannot read the configuration file {}: {reason}; name another with --config, or none to have the usual ones", path.display())]
    Unreadable {
        /// The file.
        path: Arc<Path>,
        /// The system's reason.
        reason: std::io::Error,
    },
    /// A setting without which the command cannot run.
    #[error("{key} is missing: {right}")]
    Missing {
        /// The setting.
        key: &'static str,
        /// How it is given.
        right: &'static str,
    },
    /// The token cannot be used.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The data folder cannot be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
}

impl Problem {
    /// An agent that nobody told where to push.
    pub fn no_aggregator() -> Self {
        let right = "say where to push with --aggregator http://HOST:9000 (or SYSMON_AGGREGATOR, or `aggregator` in [agent])";
        Self::Missing { key: super::keys::AGGREGATOR.name, right }
    }

    /// The line of the file where it stands; 0 where it stands in none.
    pub fn line(&self) -> usize {
        match self {
            Self::Unknown { line, .. } | Self::Form { line, .. } | Self::Syntax { line, .. } => *line,
            _ => 0,
        }
    }
}

/// All mistakes at once: exit status 2.
#[derive(Debug, Error)]
#[error("{}", list(.0))]
pub struct ConfigErrors(pub Vec<Problem>);

impl<P: Into<Problem>> From<P> for ConfigErrors {
    fn from(problem: P) -> Self {
        Self(vec![problem.into()])
    }
}

fn list(problems: &[Problem]) -> String {
    match problems {
        [only] => format!("a mistake in the configuration: {only}"),
        many => {
            many.iter().fold(format!("{} mistakes in the configuration:", many.len()), |text, problem| {
                format!("{text}\n  {problem}")
            })
        }
    }
}

/// Text from outside on one line, without what a terminal would obey, and not longer than a line.
fn shown(text: &str) -> String {
    const MOST: usize = 80;
    let mut out: String = text.escape_debug().take(MOST).collect();
    if text.chars().count() > MOST {
        out.push('…');
    }
    out
}
