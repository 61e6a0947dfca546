//! Any text as a tags string: refused, or a canonical form that stays as it is.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sysmond_model::tags::{canonical, join, split};

fuzz_target!(|text: &str| {
    let Ok(form) = canonical(text) else { return };
    assert_eq!(canonical(&form).as_deref(), Ok(form.as_str()));
    let pairs = split(&form).expect("a canonical form can be split");
    let again = join(pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    assert_eq!(again.as_deref(), Ok(form.as_str()));
});
