//! A command line that may be shown: what looks like a secret in it is masked. Best effort, see [`super::secrets`].

use super::secrets::{
    Next, announced, announced_by_name, is_between, joined, letters, passwords_of_addresses, value_of_secret,
};
use crate::table::printable;

/// A command line is kept up to here: it says what runs, not with which hundred files.
const MAX_BYTES: usize = 256;
const MASK: &str = "***";

/// The arguments of `/proc/PID/cmdline`, each ended by a NUL, as one line.
pub(crate) fn line(text: &[u8]) -> Option<String> {
    let mut line = Line::default();
    for (index, argument) in text.strip_suffix(b"\0").unwrap_or(text).split(|byte| *byte == 0).enumerate() {
        if index > 0 {
            line.out.push(' ');
        }
        line.take(&printable(argument), index == 0);
        if line.out.len() > MAX_BYTES {
            break;
        }
    }
    let mut out = line.out;
    let end = (0..=MAX_BYTES.min(out.len())).rev().find(|end| out.is_char_boundary(*end)).unwrap_or(0);
    if end < out.len() {
        out.truncate(end);
        out.push('…');
    }
    (!out.trim().is_empty()).then_some(out)
}

/// A line as it grows.
#[derive(Default)]
struct Line {
    out: String,
    next: Next,
    /// The flags of the programs that came so far: `sudo`, `timeout` and `docker exec` start others.
    letters: String,
}

impl Line {
    /// Adds an argument. Of one with a secret in it (a line of a shell, a title, a form) nothing is shown behind it.
    fn take(&mut self, argument: &str, is_first: bool) {
        if self.next.hides(argument) {
            self.out.push_str(MASK);
            self.next = self.next.behind(argument, &self.letters);
            return;
        }
        self.next = Next::Shown;
        let Parts { shown, secret } = Parts::of(argument);
        if !self.words(&shown, is_first) {
            self.next = self.next.behind(argument, &self.letters);
            return;
        }
        match secret {
            Some(value) if value.trim().is_empty() => self.next = Next::Secret,
            Some(value) => {
                self.out.push_str(MASK);
                self.next = Next::Shown.behind(value, &self.letters);
            }
            None => {}
        }
    }

    /// Adds the words of an argument up to the first secret; whether there was none.
    fn words(&mut self, text: &str, is_first: bool) -> bool {
        let (mut rest, mut is_first) = (text, is_first);
        while !rest.is_empty() {
            let begin = rest.find(|c| !is_between(c)).unwrap_or(rest.len());
            let (between, behind) = rest.split_at_checked(begin).unwrap_or((rest, ""));
            let end = behind.find(is_between).unwrap_or(behind.len());
            let (word, behind) = behind.split_at_checked(end).unwrap_or((behind, ""));
            self.out.push_str(between);
            if !word.is_empty() {
                // A name of a list or of JSON says nothing of the next word.
                let is_alone = behind.is_empty() || behind.starts_with(char::is_whitespace);
                if !self.word(word, is_alone, std::mem::take(&mut is_first)) {
                    return false;
                }
            }
            rest = behind;
        }
        true
    }

    /// Adds a word, masked where it is a secret; whether it is none.
    fn word(&mut self, word: &str, is_alone: bool, is_first: bool) -> bool {
        if self.next.hides(word) {
            self.out.push_str(MASK);
            return false;
        }
        if let Some(flag) = joined(word, &self.letters).and_then(|place| word.get(..place)) {
            self.out.push_str(flag);
            self.out.push_str(MASK);
            self.next = Next::Shown;
            return false;
        }
        self.out.push_str(word);
        self.letters.push_str(letters(word));
        self.next = match announced(word, &self.letters) {
            Next::Shown if is_alone => announced_by_name(word, is_first),
            next => next,
        };
        true
    }
}

/// An argument up to the value of the first name of a secret, and that value.
struct Parts<'a> {
    shown: String,
    secret: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(argument: &'a str) -> Self {
        let mut cut = value_of_secret(argument);
        let mut shown = String::new();
        let mut from = 0;
        for password in passwords_of_addresses(argument) {
            if cut.is_some_and(|cut| cut < password.end) {
                // The name of a secret within a password is a part of it.
                cut = cut.map(|cut| cut.min(password.start));
                break;
            }
            shown.push_str(argument.get(from..password.start).unwrap_or_default());
            shown.push_str(MASK);
            from = password.end;
        }
        let end = cut.unwrap_or(argument.len());
        shown.push_str(argument.get(from..end).unwrap_or_default());
        Self { shown, secret: cut.and_then(|cut| argument.get(cut..)) }
    }
}

#[cfg(test)]
#[path = "command_tests.rs"]
mod tests;
