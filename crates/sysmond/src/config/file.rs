//! The configuration file.
//!
//! The document is walked against the table of keys rather than read into a struct: a struct gives up at the
//! first mistake, and whoever mends a file wants to see all of them, each with its line.

use super::environment::Environment;
use super::given::{Origin, Typed};
use super::keys::{self, Form, KEYS, Key};
use super::problem::Problem;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A configuration file is a page or two; more is some other file given by mistake.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// The file to read: the one that was named, else the user's, else the machine's, where present.
pub fn locate(named: Option<PathBuf>, environment: &Environment) -> Option<PathBuf> {
    let of_user = environment
        .path("XDG_CONFIG_HOME")
        .or_else(|| environment.home().map(|home| home.join(".config")))
        .map(|folder| folder.join("sysmon/sysmon.toml"));
    let places = of_user.into_iter().chain([PathBuf::from("/etc/sysmon/sysmon.toml")]);
    named
        .or_else(|| environment.path(keys::CONFIG_ENV))
        .or_else(|| places.into_iter().find(|place| place.exists()))
}

/// What a file says, and what is wrong with it.
#[derive(Debug, Default)]
pub struct Contents {
    /// The settings that could be read.
    pub settings: Vec<(&'static Key, Typed)>,
    /// The mistakes.
    pub problems: Vec<Problem>,
}

/// Reads the file at `path`.
pub fn read(path: &Path) -> Contents {
    let path: Arc<Path> = path.into();
    match read_text(&path) {
        Ok(text) => parse(&path, &text),
        Err(reason) => {
            Contents { problems: vec![Problem::Unreadable { path, reason }], ..Contents::default() }
        }
    }
}

fn read_text(path: &Path) -> std::io::Result<String> {
    use std::io::Read;
    let mut text = String::new();
    std::fs::File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(std::io::Error::other("it is larger than 1 MiB"));
    }
    Ok(text)
}

fn parse(path: &Arc<Path>, text: &str) -> Contents {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut walk = Walk { path, text, found: Contents::default() };
    for error in errors {
        let line = error.span().map_or(1, |span| walk.line(span.start));
        let reason = error.message().to_owned();
        walk.found.problems.push(Problem::Syntax { path: path.clone(), line, reason });
    }
    if walk.found.problems.is_empty() {
        walk.table("", document.get_ref());
        // Tables are walked by name; people read by line.
        walk.found.problems.sort_by_key(Problem::line);
    }
    walk.found
}

struct Walk<'a> {
    path: &'a Arc<Path>,
    text: &'a str,
    found: Contents,
}

impl Walk<'_> {
    fn table(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let full = format!("{prefix}{}", name.get_ref());
            match (keys::by_name(&full), value.get_ref()) {
                (Some(key), _) => self.setting(key, value),
                // Of a section that there is none of, each setting is told: with where it belongs.
                (None, DeValue::Table(inner)) if is_section(&full) || !inner.is_empty() => {
                    self.table(&format!("{full}."), inner);
                }
                _ => self.unknown(full, name.span().start),
            }
        }
    }

    fn setting(&mut self, key: &'static Key, value: &Spanned<DeValue<'_>>) {
        let line = self.line(value.span().start);
        match texts(key.form, value.get_ref()) {
            Some(texts) => {
                let origin = Origin::File { path: self.path.clone(), line };
                self.found.settings.push((key, Typed { texts, origin }));
            }
            None => self.found.problems.push(Problem::Form {
                path: self.path.clone(),
                line,
                name: key.name.to_owned(),
                found: value.get_ref().type_str(),
                right: right(key),
            }),
        }
    }

    fn unknown(&mut self, name: String, at: usize) {
        let nearest = nearest(&name).map(place);
        let line = self.line(at);
        self.found.problems.push(Problem::Unknown { path: self.path.clone(), line, name, nearest });
    }

    fn line(&self, at: usize) -> usize {
        1 + self.text.bytes().take(at).filter(|byte| *byte == b'\n').count()
    }
}

fn is_section(name: &str) -> bool {
    KEYS.iter().any(|key| key.name.split_once('.').is_some_and(|(section, _)| section == name))
}

fn texts(form: Form, value: &DeValue<'_>) -> Option<Vec<String>> {
    match (form, value) {
        (Form::Text, DeValue::String(text)) => Some(vec![text.to_string()]),
        (Form::Number, DeValue::Integer(number)) if number.radix() == 10 => {
            Some(vec![number.as_str().to_owned()])
        }
        (Form::List, DeValue::Array(items)) => {
            items.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect()
        }
        (Form::Table, DeValue::Table(pairs)) => pairs.iter().map(pair).collect(),
        _ => None,
    }
}

/// An equals sign in a key would make another pair of it than was written.
fn pair((key, value): (&Spanned<toml::de::DeString<'_>>, &Spanned<DeValue<'_>>)) -> Option<String> {
    let (key, value) = (key.get_ref(), value.get_ref().as_str()?);
    (!key.contains('=')).then(|| format!("{key}={value}"))
}

/// How a key is written, for the message of a mistake.
pub fn right(key: &Key) -> String {
    let name = key.name.rsplit_once('.').map_or(key.name, |(_, last)| last);
    match key.form {
        Form::Text => format!("`{name} = \"{}\"`", key.example),
        Form::Number => format!("`{name} = {}`", key.example),
        Form::List => format!("`{name} = [{}]`", key.example),
        Form::Table => format!("`[{}]` and below it lines such as `{}`", key.name, key.example),
    }
}

/// A setting as a file has it: `listen` in `[aggregator]`.
fn place(name: &str) -> String {
    match name.rsplit_once('.') {
        Some((section, last)) => format!("`{last}` in `[{section}]`"),
        None => format!("`{name}` before all sections"),
    }
}

/// The setting whose name is most like `name`, if any is at all.
fn nearest(name: &str) -> Option<&'static str> {
    let last = |name: &str| name.rsplit_once('.').map_or(name.to_owned(), |(_, last)| last.to_owned());
    let far = most_edits(&last(name));
    let distance = |key: &&&Key| edits(name, key.name).min(edits(&last(name), &last(key.name)));
    // Of names that are as near, the one of the same section.
    let rank = |key: &&&Key| (distance(key), edits(name, key.name));
    KEYS.iter().min_by_key(rank).filter(|key| distance(key) <= far).map(|key| key.name)
}

/// Up to how many edits another name is near to `name`: a long one may have more mistakes than a short one, of which
/// all letters would be other ones.
pub(super) fn most_edits(name: &str) -> usize {
    (name.chars().count() / 3).clamp(1, 3)
}

/// How many letters must be added, removed or changed to make `b` of `a`.
pub(super) fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for ((j, right), above) in b.iter().enumerate().zip(row.windows(2)) {
            let [diagonal, up] = above else { continue };
            let before = next.get(j).copied().unwrap_or(usize::MAX);
            next.push((diagonal + usize::from(left != *right)).min(up + 1).min(before + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        parse(&Path::new("sysmon.toml").into(), text).problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_key_of_the_table_can_be_written() {
        let text = crate::config::docs::example(|line| line.trim_start_matches("#= ").to_owned());
        let found = parse(&Path::new("sysmon.toml").into(), &text);
        assert!(found.problems.is_empty(), "{:?}\n{text}", found.problems);
        assert_eq!(found.settings.len(), KEYS.len());
    }

    #[test]
    fn values_keep_their_line() {
        let found =
            parse(&Path::new("f.toml").into(), "# one\n[agent]\ninterval = \"5s\"\ntags.role = \"web\"\n");
        let seen: Vec<_> =
            found.settings.iter().map(|(key, typed)| (key.name, typed.origin.to_string())).collect();
        assert!(seen.contains(&("agent.interval", "f.toml:3".to_owned())), "{seen:?}");
        assert!(found.settings.iter().any(|(_, typed)| typed.texts == ["role=web"]));
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let text = "data_dri = \"/x\"\nretention = 15\n[agent]\nintervall = \"2s\"\ntags = [\"a\"]\n[other]\nx = 1\n";
        let found = problems(text);
        assert_eq!(
            found,
            [
                "sysmon.toml:1: there is no setting `data_dri`, did you mean `data_dir` before all sections?",
                "sysmon.toml:2: `retention` is given as integer: write `retention = \"30d\"`",
                "sysmon.toml:4: there is no setting `agent.intervall`, did you mean `interval` in `[agent]`?",
                "sysmon.toml:5: `agent.tags` is given as array: write `[agent.tags]` and below it lines such as `environment = \"production\"`",
                "sysmon.toml:7: there is no setting `other.x`",
            ]
        );
    }

    #[test]
    fn a_setting_in_the_wrong_place_is_told_the_right_one() {
        let check =
            |text: &str, expected: &str| assert_eq!(problems(text), [format!("sysmon.toml:{expected}")]);
        check(
            "listen = \"0.0.0.0:9000\"\n",
            "1: there is no setting `listen`, did you mean `listen` in `[aggregator]`?",
        );
        check(
            "[server]\nlisten = \"0.0.0.0:9000\"\n",
            "2: there is no setting `server.listen`, did you mean `listen` in `[aggregator]`?",
        );
        check(
            "[log]\nmaxage = \"1d\"\n",
            "2: there is no setting `log.maxage`, did you mean `max_age` in `[log]`?",
        );
        check(
            "[agent]\ndata_dir = \"/x\"\n",
            "2: there is no setting `agent.data_dir`, did you mean `data_dir` before all sections?",
        );
        check("[server]\n", "1: there is no setting `server`");
        check("x = 1\n", "1: there is no setting `x`");
    }

    #[test]
    fn broken_toml_names_the_line() {
        let found = problems("a = 1\nb = \n");
        assert!(found.iter().any(|problem| problem.starts_with("sysmon.toml:2: ")), "{found:?}");
    }

    #[test]
    fn a_pair_with_an_equals_sign_in_its_key_is_refused() {
        assert_eq!(problems("[agent.tags]\n\"a=b\" = \"c\"\n").len(), 1);
    }

    #[test]
    fn the_users_file_comes_before_the_machines() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("sysmon/sysmon.toml");
        std::fs::create_dir_all(file.parent().expect("it has one")).expect("a folder");
        std::fs::write(&file, "").expect("a file");
        let environment = Environment::of([("XDG_CONFIG_HOME", folder.path().to_str().expect("plain"))]);
        assert_eq!(locate(None, &environment), Some(file));
        assert_eq!(locate(Some("x".into()), &environment), Some("x".into()));
        let named = Environment::of([("XDG_CONFIG_HOME", "/nowhere"), ("SYSMON_CONFIG", "y")]);
        assert_eq!(locate(None, &named), Some("y".into()));
        assert_eq!(locate(Some("x".into()), &named), Some("x".into()));
    }
}
