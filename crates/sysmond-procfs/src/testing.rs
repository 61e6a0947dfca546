//! What the tests of the readings share.

use crate::file_source::Reading;
use crate::source::Values;
use rustix::process::{Gid, Uid, geteuid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use std::time::Duration;
use sysmond_model::Series;

/// Each value as `metric{tags} value`.
pub(crate) fn values(out: &Values) -> Vec<String> {
    out.iter().map(|(metric, tags, value)| format!("{} {value}", Series::new(metric.name, tags))).collect()
}

/// The value of one series in such lines, as written there.
pub(crate) fn value<'a>(lines: &'a [String], series: &str) -> &'a str {
    let found = lines.iter().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no {series} in {lines:?}"))
}

/// The values of two texts read one after the other, each with its time in milliseconds.
pub(crate) fn readings(reading: &mut impl Reading, texts: &[(u64, &str); 2]) -> (Vec<String>, Vec<String>) {
    let [first, second] = texts.map(|(at, text)| {
        let mut out = Values::default();
        reading.take(text.as_bytes(), Duration::from_millis(at), &mut out).expect("a text of a kernel");
        values(&out)
    });
    (first, second)
}

/// Runs `test` as a user who is nobody, on a thread of its own: what root may not read cannot be tried as root.
pub(crate) fn as_nobody<T: Send>(test: impl FnOnce() -> T + Send) -> T {
    const NOBODY: u32 = 65_534;
    let run = || {
        if geteuid().is_root() {
            let (user, group) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
            set_thread_groups(&[]).expect("root may");
            set_thread_res_gid(group, group, group).expect("root may");
            set_thread_res_uid(user, user, user).expect("root may");
        }
        test()
    };
    std::thread::scope(|scope| scope.spawn(run).join().expect("the test holds"))
}
