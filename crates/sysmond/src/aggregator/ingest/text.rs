//! Which characters names may have. serde accepts all of them, NUL included; logs, terminals and pages do not.

/// Whether `c` could hide, reorder or break the text around it: control characters, line separators, bidirectional
/// overrides, byte order marks.
pub(super) fn is_forbidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Why `text` is no name of at most `limit` bytes.
pub(super) fn fault(text: &str, limit: usize) -> Option<String> {
    if text.len() > limit {
        return Some(format!("is longer than {limit} bytes"));
    }
    let bad = text.chars().find(|&c| is_forbidden(c))?;
    Some(format!("contains the forbidden character U+{:04X}", u32::from(bad)))
}

/// `text` without forbidden characters and cut to `limit` bytes, for words that describe and identify nothing.
pub(super) fn cleaned(text: &str, limit: usize) -> String {
    let mut out: String = text.chars().filter(|&c| !is_forbidden(c)).collect();
    out.truncate(out.floor_char_boundary(limit));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_or_reorders_is_forbidden() {
        for c in ['\0', '\n', '\u{1b}', '\u{7f}', '\u{85}', '\u{202e}', '\u{2066}', '\u{feff}'] {
            assert!(fault(&format!("a{c}b"), 10).is_some(), "{c:?}");
            assert_eq!(cleaned(&format!("a{c}b"), 10), "ab", "{c:?}");
        }
        for text in ["", "web-01", "Zürich", "<b>&", "日本"] {
            assert_eq!(fault(text, 10), None, "{text}");
        }
    }

    #[test]
    fn lengths_are_bytes() {
        assert!(fault("äääää", 9).is_some());
        assert_eq!(cleaned("äää", 5), "ää");
    }
}
