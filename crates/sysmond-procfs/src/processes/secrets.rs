//! Which words of a command line are secrets, and which announce one. Pure.
//!
//! No list can know what every program takes for a password. So what looks like one is masked whatever the program is,
//! and rather too much than too little.

use std::ops::Range;

/// What a name with one of these in it has for a value, or what follows a flag of that name, is a secret.
pub(super) const SECRET: [&str; 15] = [
    "pass",
    "pwd",
    "secret",
    "token",
    "apikey",
    "api-key",
    "api_key",
    "accesskey",
    "access-key",
    "access_key",
    "private",
    "credential",
    "cookie",
    "bearer",
    "signature",
];
/// Names that are those of secrets as a whole, and only with a value behind `=` or `:`: `--key FILE` is none.
pub(super) const SECRET_WITH_VALUE: [&str; 8] = ["key", "sig", "sid", "pin", "psk", "jwt", "pw", "otp"];
/// What stands between the name of a header and its secret, in arguments of their own.
const SCHEMES: [&str; 5] = ["Bearer", "Basic", "Digest", "Token", "Negotiate"];
/// Programs that are given secrets without a flag's word: their names begin so, and these letters are the flags.
const LETTERS: [(&str, &str); 14] = [
    ("mysql", "p"),
    ("mariadb", "p"),
    ("mongo", "p"),
    ("sshpass", "p"),
    ("7z", "p"),
    ("rar", "ph"),
    ("redis-cli", "a"),
    ("valkey-cli", "a"),
    ("curl", "bu"),
    ("ldap", "w"),
    ("snmp", "cAaX"),
    ("openssl", "kK"),
    ("dig", "y"),
    ("nsupdate", "y"),
];
/// Programs that are given secrets without any flag: nothing behind them is shown.
const POSITIONAL: [&str; 3] = ["passwd", "passphrase", "mkpasswd"];
/// Long flags with one dash that only look like `-p` with its password: of browsers, Java, `find` and many daemons. The
/// last ones have it behind them.
const NO_PASSWORD: [&str; 17] = [
    "-parentBuildID",
    "-prefMapHandle",
    "-prefMapSize",
    "-prefsHandle",
    "-prefsLen",
    "-print",
    "-print0",
    "-profile",
    "-path",
    "-pidfile",
    "-port",
    "-pass",
    "-passin",
    "-passout",
    "-passphrase",
    "-passwd",
    "-password",
];

/// Flags that end in `p` and have no password behind them, above all Java's class path.
const WITHOUT_PASSWORD: [&str; 3] = ["cp", "tcp", "udp"];

/// What is to be done with the next word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Next {
    #[default]
    Shown,
    /// Masked.
    Secret,
    /// Masked, and so are all others up to a flag.
    Run,
    /// Masked, and so is the rest of the line.
    All,
    /// Masked, but a flag or what looks like ports: what is behind `-p`.
    NotPorts,
    /// Masked where it is `name:password`: what is behind `-u`.
    WithUser,
}

impl Next {
    /// Whether `text` is to be masked.
    pub(super) fn hides(self, text: &str) -> bool {
        match self {
            Self::Shown => false,
            Self::Secret | Self::All => true,
            Self::Run => !text.starts_with('-'),
            Self::NotPorts => !(is_ports(text) || text.starts_with('-') && text.len() > 1),
            Self::WithUser => has_password_of_user(text),
        }
    }

    /// What is to be done behind `text`, of which nothing, or not its end, is shown.
    pub(super) fn behind(self, text: &str, letters: &str) -> Self {
        if self == Self::All {
            return self;
        }
        let last = text.split(is_between).rfind(|word| !word.is_empty()).unwrap_or_default();
        let is_scheme = SCHEMES.iter().any(|scheme| last.eq_ignore_ascii_case(scheme));
        if is_scheme || value_of_secret(last) == Some(last.len()) {
            return Self::Secret;
        }
        match announced(last, letters) {
            Self::Shown if self == Self::Run => Self::Run,
            next => next,
        }
    }
}

/// What `word` says of the next one, where it is a flag; `letters` are the flags of the programs of this line.
pub(super) fn announced(word: &str, letters: &str) -> Next {
    let is_whole = !word.contains(['=', ':']);
    let Some(flag) = word.strip_prefix('-').filter(|_| is_whole) else { return Next::Shown };
    if has_secret_word(flag) {
        return Next::Secret;
    }
    if flag.starts_with('-') {
        return if flag.ends_with("user") { Next::WithUser } else { Next::Shown };
    }
    // One letter, or some of which the last has the value: `-sSu name:password`.
    let is_letters = flag.len() <= 4 && flag.bytes().all(|byte| byte.is_ascii_alphabetic());
    match flag.chars().last().filter(|_| is_letters) {
        Some(letter) if letters.contains(letter) => Next::Secret,
        Some('p' | 'P') if !WITHOUT_PASSWORD.contains(&flag) => Next::NotPorts,
        Some('u' | 'U') => Next::WithUser,
        _ => Next::Shown,
    }
}

/// What a word that is no flag says of the next one: `set-password name password`, or a program that takes one so.
pub(super) fn announced_by_name(word: &str, is_first: bool) -> Next {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    if POSITIONAL.iter().any(|program| base(word).ends_with(program)) {
        return Next::All;
    }
    let is_bare = !is_first && !word.starts_with('-') && word.chars().all(is_name);
    if is_bare && has_secret_word(word) { Next::Run } else { Next::Shown }
}

/// The letters of `program`'s flags that have a secret.
pub(super) fn letters(program: &str) -> &'static str {
    let found = LETTERS.iter().find(|(name, _)| base(program).starts_with(name));
    found.map_or("", |(_, letters)| letters)
}

fn base(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or_default()
}

/// Where in a flag with its value behind it, as `-pPASSWORD` and `--user=NAME:PASSWORD`, the value begins that is a
/// secret.
pub(super) fn joined(word: &str, letters: &str) -> Option<usize> {
    if word.starts_with("/p:") {
        return Some(3);
    }
    if let Some(long) = word.strip_prefix("--") {
        let (name, value) = long.split_once('=')?;
        return (name.ends_with("user") && has_password_of_user(value)).then_some(name.len() + 3);
    }
    let flag = word.strip_prefix('-')?;
    let letter = flag.chars().next().filter(char::is_ascii)?;
    let value = flag.get(1..).filter(|value| !value.is_empty())?;
    if NO_PASSWORD.contains(&word) {
        return None;
    }
    let is_secret = match letter {
        letter if letters.contains(letter) => true,
        'p' | 'P' => !is_ports(value),
        'u' | 'U' => has_password_of_user(value),
        _ => false,
    };
    is_secret.then_some(2)
}

/// `8080`, `127.0.0.1:80:80/tcp`, `1000:1000`: no number in it is longer than one of a port.
fn is_ports(text: &str) -> bool {
    let text = text.strip_suffix("/tcp").or_else(|| text.strip_suffix("/udp")).unwrap_or(text);
    let is_short = |digits: &str| digits.len() <= 5 && digits.bytes().all(|byte| byte.is_ascii_digit());
    !text.is_empty() && text.split([':', '.', ',', '[', ']']).all(is_short)
}

/// `name:password`, and as others write it: `name%password`, `name,password`.
fn has_password_of_user(text: &str) -> bool {
    let is_address = text.split_once("://").is_some_and(|(scheme, _)| {
        !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+')
    });
    text.contains([':', '%', ',']) && !is_ports(text) && !is_address
}

/// Whether a name has the word of a secret in it.
pub(super) fn has_secret_word(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    SECRET.iter().any(|word| lower.contains(word)) || has_auth(&lower)
}

/// `auth`, `x-auth`, `authorization`, but not `author`.
fn has_auth(lower: &str) -> bool {
    let is_author = |rest: &str| {
        rest.starts_with("or") && !["oriz", "oris"].iter().any(|authorize| rest.starts_with(authorize))
    };
    lower.match_indices("auth").any(|(place, _)| lower.get(place + 4..).is_some_and(|rest| !is_author(rest)))
}

/// Where the value begins of the first `name=value` or `name:value` with the name of a secret, in anything: a list
/// of options, a form, JSON, the query of an address, a line of a shell.
pub(super) fn value_of_secret(text: &str) -> Option<usize> {
    let (mut name, mut begin) = ("", None);
    for (place, c) in text.char_indices() {
        if c.is_alphanumeric() || matches!(c, '_' | '-' | '.') {
            begin = begin.or(Some(place));
            continue;
        }
        if let Some(begin) = begin.take() {
            name = text.get(begin..place).unwrap_or_default();
        }
        match c {
            '=' | ':' | '%' if names_a_secret(name) => return Some(place + 1),
            // Between a name and its sign may stand what quotes it: `"password" :`, `user[password]=`.
            '"' | '\'' | ']' | '\\' | ' ' => {}
            _ => name = "",
        }
    }
    None
}

fn names_a_secret(name: &str) -> bool {
    let lower = name.trim_start_matches('-').to_ascii_lowercase();
    let is_session = lower.contains("session");
    is_session || SECRET_WITH_VALUE.contains(&lower.as_str()) || has_secret_word(&lower)
}

/// Where in `text` passwords before an `@` are: `scheme://name:password@host`, `name:password@tcp(host)`. A token
/// alone can stand there, too.
pub(super) fn passwords_of_addresses(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut begin = 0;
    for chunk in text.split_inclusive(is_blank) {
        found.extend(password_of_address(chunk).map(|range| begin + range.start..begin + range.end));
        begin += chunk.len();
    }
    found
}

fn password_of_address(chunk: &str) -> Option<Range<usize>> {
    let end = chunk.rfind('@')?;
    let before = chunk.get(..end)?;
    let scheme = before.find("://").map(|place| place + 3);
    let name = before.get(scheme.unwrap_or(0)..)?;
    let password = match name.find(':') {
        Some(colon) => colon + 1,
        None => scheme.map(|_| 0)?,
    };
    let start = scheme.unwrap_or(0) + password;
    (start < end).then_some(start..end)
}

/// Between words that belong to nothing common; ends of lines have become the sign for what cannot be shown.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '\u{fffd}')
}

/// Between words of a line of a shell, and of lists.
pub(super) fn is_between(c: char) -> bool {
    is_blank(c) || matches!(c, ';' | '|' | '&' | '(' | ')' | '<' | '>' | '`' | ',' | '{' | '}' | '?' | '#')
}
