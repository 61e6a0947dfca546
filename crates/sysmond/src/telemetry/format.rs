//! How a text line's fields are written: nothing from outside may end the line or steer a terminal.

use crate::config::values::is_unprintable;
use std::fmt::{self, Debug, Write};
use tracing::field::Field;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{Writer, debug_fn};

/// `message key=value key=value`, control characters escaped in each value.
pub(super) fn escaped_fields() -> impl for<'a> FormatFields<'a> + Send + Sync + 'static {
    debug_fn(field).delimited(" ")
}

fn field(writer: &mut Writer<'_>, field: &Field, value: &dyn Debug) -> fmt::Result {
    if field.name() == "message" {
        return write!(Escaping(writer), "{value:?}");
    }
    write!(writer, "{}=", field.name())?;
    write!(Escaping(writer), "{value:?}")
}

struct Escaping<'a, 'w>(&'a mut Writer<'w>);

impl Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|c| self.write_char(c))
    }

    fn write_char(&mut self, c: char) -> fmt::Result {
        if is_unprintable(c) { write!(self.0, "{}", c.escape_debug()) } else { self.0.write_char(c) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("no test panicked with it").write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(log: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .fmt_fields(escaped_fields())
            .with_ansi(false)
            .without_time()
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, log);
        let bytes = lines.0.lock().expect("no test panicked with it").clone();
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn nothing_from_outside_begins_a_line_or_steers_a_terminal() {
        let hostile = "x\n2026-01-01T00:00:00Z ERROR all is lost\r\u{1b}[2J\u{9b}31m\u{202e}\u{7}";
        let line = logged(|| {
            tracing::info!(host = %hostile, quoted = hostile, debug = ?hostile, "said {hostile}");
        });
        assert_eq!(line.lines().count(), 1, "{line:?}");
        let bad = line.trim_end_matches('\n').chars().find(|c| is_unprintable(*c));
        assert_eq!(bad, None, "{line:?}");
        assert!(line.contains("all is lost"), "it is still told: {line:?}");
    }

    #[test]
    fn plain_values_stay_plain() {
        let line = logged(|| tracing::info!(address = %"127.0.0.1:9000", hosts = 3, name = "ü", "listening"));
        assert!(line.contains("listening address=127.0.0.1:9000 hosts=3 name=\"ü\""), "{line}");
    }
}
