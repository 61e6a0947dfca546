//! Reading a push by predicting its text.
//!
//! An agent sends the same words again and again; only times and values differ. From a push that the generic parser
//! took we learn a [`Pattern`]: the literal bytes between the numbers. The next push is compared with it, sample by
//! sample, and only its numbers are read; no field is looked for, no name hashed, no string made. Whatever is not as
//! predicted makes the whole push go through the generic parser, which also tells all errors. So the outcome is the
//! same for any input, and only the cost differs.
//!
//! Why it is the same: the list of samples is cut out of the body, and what remains is parsed as any other push, which
//! shows that the list stood where `metrics` stands and that the rest is right. Each sample is, byte by byte but for
//! two numbers of right spelling, one that the generic parser took. Times outside of the window, numbers that are not
//! finite and tables that are too thin are not judged here at all.
//!
//! Patterns are shared: a fleet of equal hosts has one. Which host uses which is only a hint, found by the body's first
//! bytes, mostly the hostname.

mod decimal;
mod learn;
mod number;
mod pattern;
#[cfg(test)]
mod tests;

use super::super::counters::Refused;
use super::body::{self, BodyError, Head, Push};
use super::sample::Window;
use pattern::Pattern;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use sysmond_model::HostInfo;
use sysmond_model::limits::MAX_HOSTS;

/// Bytes before the list of samples: a hostname, tags and static data fit.
const MAX_ENVELOPE_BYTES: usize = 32 * 1024;
/// Bytes by which a host is told from others; its name is mostly among them.
const MAX_KEY_BYTES: usize = 320;
/// One pattern, bytes: five thousand series have about half of it.
const MAX_PATTERN_BYTES: usize = 1024 * 1024;
/// All patterns, bytes: a thousand hosts of which none has the series of another, each with a hundred.
const MAX_BYTES: usize = 16 * 1024 * 1024;
/// Patterns that are tried for a host that is not known yet: a fleet has few kinds of hosts.
const MAX_GUESSES: usize = 4;
/// Bytes around the list of samples, at most, that are remembered of a host: an agent's are some two hundred.
const MAX_KNOWN_ENVELOPE_BYTES: usize = 1024;
/// Pushes after which a host that sent none may make room for another.
const STALE_PUSHES: u64 = 100_000;

/// Reads pushes; remembers what they look like.
#[derive(Debug, Default)]
pub struct Predictor {
    keys: RandomState,
    memory: Mutex<Memory>,
    hits: AtomicU64,
}

#[derive(Debug, Default)]
struct Memory {
    /// By the hash of a body's first bytes.
    hosts: HashMap<u64, Known>,
    /// Those in use, each once.
    patterns: Vec<Arc<Pattern>>,
    bytes: usize,
    pushes: u64,
}

#[derive(Debug)]
struct Known {
    /// `None` where nothing could be learned.
    pattern: Option<Arc<Pattern>>,
    envelope: Option<Arc<Envelope>>,
    /// Pushes in a row that were not as predicted.
    misses: u32,
    /// The number of the last push.
    used: u64,
}

/// All text of a push but its samples, and what it says: who the host is, and that nothing else comes with its
/// samples. The same text says the same.
#[derive(Debug)]
struct Envelope {
    before: Box<[u8]>,
    behind: Box<[u8]>,
    host: HostInfo,
}

/// What is tried of a host.
#[derive(Default)]
struct Candidates {
    own: Option<Arc<Pattern>>,
    envelope: Option<Arc<Envelope>>,
    /// Whether the last push was not as predicted.
    missed: bool,
    /// Others' patterns, for a host that is not known.
    guesses: Vec<Arc<Pattern>>,
}

impl Predictor {
    /// Reads a whole body; `window` says which times samples of a host may have.
    pub fn parse(&self, body: &[u8], window: impl Fn(&str) -> Window) -> Result<Push, BodyError> {
        let Some(list) = list(body) else {
            return body::parse(body, window);
        };
        let key = self.keys.hash_one(first_bytes(body));
        let Candidates { own, envelope, missed, guesses } = self.memory().candidates(key);
        let known = envelope.as_deref();
        if let Some(push) = own.as_deref().and_then(|own| predicted(own, body, list, known, &window)) {
            self.hits.fetch_add(1, Ordering::Relaxed);
            if missed || push.envelope.is_some() {
                self.memory().hit(key, push.envelope);
            }
            return Ok(push.push);
        }
        for guess in guesses {
            let full = |push: &Predicted| push.is_full;
            if let Some(push) = predicted(&guess, body, list, known, &window).filter(full) {
                self.hits.fetch_add(1, Ordering::Relaxed);
                let mut memory = self.memory();
                memory.learned(key, Some(guess));
                memory.hit(key, push.envelope);
                return Ok(push.push);
            }
        }
        let push = body::parse(body, window)?;
        if push.received > 0 && push.failed == 0 && self.memory().missed(key) {
            let pattern = learned(body, list, own.as_deref());
            self.memory().learned(key, pattern.map(Arc::new));
        }
        Ok(push)
    }

    /// Pushes that were as predicted.
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the list of samples probably begins, behind its bracket.
fn list(body: &[u8]) -> Option<usize> {
    let head = body.get(..MAX_ENVELOPE_BYTES).unwrap_or(body);
    let brackets = head.iter().enumerate().filter(|(_, byte)| **byte == b'[');
    let is_list = |place: &usize| {
        let before = head.get(..*place).unwrap_or_default().trim_ascii_end();
        before.strip_suffix(b":").is_some_and(|before| before.trim_ascii_end().ends_with(br#""metrics""#))
    };
    brackets.map(|(place, _)| place).find(is_list).map(|place| place + 1)
}

fn first_bytes(body: &[u8]) -> &[u8] {
    let head = body.get(..MAX_KEY_BYTES).unwrap_or(body);
    head.split(|byte| *byte == b',').next().unwrap_or(head)
}

/// A push that was as predicted.
struct Predicted {
    push: Push,
    /// Whether it has a sample of each series.
    is_full: bool,
    /// What is around its samples, where that is worth remembering and not known.
    envelope: Option<Arc<Envelope>>,
}

/// The push, where it is as `pattern` predicts.
fn predicted(
    pattern: &Pattern,
    body: &[u8],
    list: usize,
    known: Option<&Envelope>,
    window: impl Fn(&str) -> Window,
) -> Option<Predicted> {
    let (before, samples) = body.split_at_checked(list)?;
    let reading = pattern.read(samples)?;
    let behind = reading.rest;
    let known = known.filter(|known| *known.before == *before && *known.behind == *behind);
    let without = if known.is_some() { Vec::new() } else { [before, behind].concat() };
    let head = match known {
        Some(_) => None,
        None => Some(around(&without, list)?),
    };
    let host = known.map(|known| &known.host).or(head.as_ref().map(|head| &head.host))?.clone();
    let window = window(&host.hostname);
    let processes = head.as_ref().map(|head| head.processes(window)).transpose().ok()?.unwrap_or_default();
    let Window { oldest, newest } = window;
    let (earliest, latest) = reading.span()?;
    if earliest < oldest || latest > newest {
        return None;
    }
    let is_news = head.as_ref().is_some_and(Head::is_plain);
    let envelope = (is_news && list + behind.len() <= MAX_KNOWN_ENVELOPE_BYTES)
        .then(|| Arc::new(Envelope { before: before.into(), behind: behind.into(), host: host.clone() }));
    let (received, is_full) = (reading.received, reading.is_full());
    let (frame, columns) = reading.finish(pattern);
    let static_info = head.and_then(|head| head.static_info);
    let (refused, errors) = (Refused::default(), Vec::new());
    let push = Push { host, static_info, received, frame, columns, failed: 0, refused, errors, processes };
    Some(Predicted { push, is_full, envelope })
}

/// What a push says but for its samples, which were cut out at `list`.
fn around(without: &[u8], list: usize) -> Option<Head<'_>> {
    let text = std::str::from_utf8(without).ok()?;
    let head = body::head(text).ok()?;
    let emptied = head.metrics.get();
    let is_cut_out = emptied.as_ptr().addr() - text.as_ptr().addr() + 1 == list;
    let is_empty = emptied.strip_prefix('[')?.strip_suffix(']')?.trim_ascii().is_empty();
    (is_cut_out && is_empty).then_some(head)
}

/// The pattern of a push whose samples are all good.
fn learned(body: &[u8], list: usize, known: Option<&Pattern>) -> Option<Pattern> {
    let text = std::str::from_utf8(body).ok()?;
    let metrics = body::head(text).ok()?.metrics;
    let is_list = metrics.get().as_ptr().addr() - text.as_ptr().addr() + 1 == list;
    let pattern = if is_list { learn::learn(metrics, known) } else { None };
    pattern.filter(|pattern| pattern.bytes() <= MAX_PATTERN_BYTES)
}

impl Memory {
    /// The host's own pattern; for one that is not known the latest others.
    fn candidates(&mut self, key: u64) -> Candidates {
        self.pushes += 1;
        let Some(known) = self.hosts.get_mut(&key) else {
            let guesses = self.patterns.iter().rev().take(MAX_GUESSES).cloned().collect();
            return Candidates { guesses, ..Candidates::default() };
        };
        known.used = self.pushes;
        let Known { pattern, envelope, misses, .. } = known;
        Candidates {
            own: pattern.clone(),
            envelope: envelope.clone(),
            missed: *misses > 0,
            guesses: Vec::new(),
        }
    }

    fn hit(&mut self, key: u64, envelope: Option<Arc<Envelope>>) {
        if let Some(known) = self.hosts.get_mut(&key) {
            known.misses = 0;
            if envelope.is_some() {
                known.envelope = envelope;
            }
        }
    }

    /// Takes note of a push that was not as predicted; whether to learn from it. A host that cannot be predicted is
    /// learned from ever more seldom.
    fn missed(&mut self, key: u64) -> bool {
        let Some(known) = self.hosts.get_mut(&key) else { return true };
        known.misses = known.misses.saturating_add(1);
        known.misses.is_power_of_two()
    }

    fn learned(&mut self, key: u64, pattern: Option<Arc<Pattern>>) {
        let pattern = pattern.and_then(|pattern| self.shared(pattern));
        if self.hosts.len() >= MAX_HOSTS && !self.hosts.contains_key(&key) {
            self.make_room();
            if self.hosts.len() >= MAX_HOSTS {
                return;
            }
        }
        let used = self.pushes;
        let known = self.hosts.entry(key).or_insert(Known { pattern: None, envelope: None, misses: 0, used });
        known.pattern = pattern;
    }

    /// The same pattern as others have it, where they do; `None` where there is no room for it.
    fn shared(&mut self, pattern: Arc<Pattern>) -> Option<Arc<Pattern>> {
        if let Some(known) =
            self.patterns.iter().find(|known| Arc::ptr_eq(known, &pattern) || **known == pattern)
        {
            return Some(known.clone());
        }
        let bytes = pattern.bytes();
        if self.bytes + bytes > MAX_BYTES {
            self.make_room();
        }
        if self.bytes + bytes > MAX_BYTES {
            return None;
        }
        self.bytes += bytes;
        self.patterns.push(pattern.clone());
        Some(pattern)
    }

    /// Forgets hosts that fell silent, and patterns that none has any more.
    fn make_room(&mut self) {
        let oldest = self.pushes.saturating_sub(STALE_PUSHES);
        self.hosts.retain(|_, known| known.used >= oldest);
        self.patterns.retain(|pattern| Arc::strong_count(pattern) > 1);
        self.bytes = self.patterns.iter().map(|pattern| pattern.bytes()).sum();
    }
}
