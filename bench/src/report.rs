//! Figures as a table in Markdown.

use std::fmt::Write as _;
use std::time::Duration;

/// One figure of one system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// What it is.
    pub name: String,
    /// As it stands in the table.
    pub value: String,
}

/// The figures of one system, in the order of the table.
#[derive(Clone, Debug, Default)]
pub struct Column(Vec<Figure>);

impl Column {
    /// Adds a figure.
    pub fn add(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push(Figure { name: name.into(), value: value.into() });
    }

    /// How many times as large as in `first` each figure is.
    #[must_use]
    pub fn over(&self, first: &Self) -> Self {
        let ratio = |(last, first): (&Figure, &Figure)| Figure {
            name: last.name.clone(),
            value: ratio(&last.value, &first.value).unwrap_or_default(),
        };
        Self(self.0.iter().zip(&first.0).filter(|(last, first)| last.name == first.name).map(ratio).collect())
    }
}

/// A table; a figure that a column does not have is left empty.
pub fn table(title: &str, columns: &[(String, Column)]) -> String {
    let mut out = format!("## {title}\n\n|  |");
    for (name, _) in columns {
        write!(out, " {name} |").unwrap_or_default();
    }
    write!(out, "\n|---|{}\n", "---|".repeat(columns.len())).unwrap_or_default();
    let mut names: Vec<&str> = Vec::new();
    for figure in columns.iter().flat_map(|(_, column)| &column.0) {
        if !names.contains(&figure.name.as_str()) {
            names.push(&figure.name);
        }
    }
    for name in names {
        write!(out, "| {name} |").unwrap_or_default();
        for (_, column) in columns {
            let found = column.0.iter().find(|figure| figure.name == name);
            write!(out, " {} |", found.map_or("", |figure| &figure.value)).unwrap_or_default();
        }
        out.push('\n');
    }
    out.push('\n');
    out
}

/// The ratios of the numbers in two figures.
fn ratio(last: &str, first: &str) -> Option<String> {
    let pairs = last.split(" / ").zip(first.split(" / "));
    let ratios = pairs.map(|(last, first)| {
        let (last, first): (f64, f64) = (last.parse().ok()?, first.parse().ok()?);
        (first > 0.0).then(|| digits(last / first))
    });
    Some(ratios.collect::<Option<Vec<_>>>()?.join(" / "))
}

/// Milliseconds with three digits that count.
pub fn millis(time: Duration) -> String {
    digits(time.as_secs_f64() * 1e3)
}

/// Two of them: half of all and all but a hundredth are below.
pub fn quantiles(p50: Duration, p99: Duration) -> String {
    format!("{} / {}", millis(p50), millis(p99))
}

/// Megabytes.
pub fn megabytes(bytes: u64) -> String {
    digits(bytes as f64 / 1e6)
}

/// `amount` for each of `count`.
pub fn per(amount: f64, count: f64) -> String {
    if count > 0.0 { digits(amount / count) } else { "none".to_owned() }
}

/// A number with three digits that count.
pub fn digits(number: f64) -> String {
    let decimals = match number.abs() {
        small if small >= 100.0 => 0,
        small if small >= 10.0 => 1,
        small if small >= 1.0 => 2,
        _ => 3,
    };
    format!("{number:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_has_its_row_and_its_system_its_column() {
        let (mut ours, mut other) = (Column::default(), Column::default());
        ours.add("a", "1");
        ours.add("b", "2");
        other.add("b", "3");
        let table = table("T", &[("x".to_owned(), ours), ("y".to_owned(), other)]);
        assert_eq!(table, "## T\n\n|  | x | y |\n|---|---|---|\n| a | 1 |  |\n| b | 2 | 3 |\n\n");
    }

    #[test]
    fn growth_is_a_ratio() {
        let (mut first, mut last) = (Column::default(), Column::default());
        for (name, before, after) in
            [("a", "2", "5"), ("b", "1 / 4", "2 / 4"), ("c", "x", "y"), ("d", "0", "1")]
        {
            first.add(name, before);
            last.add(name, after);
        }
        let values: Vec<_> = last.over(&first).0.into_iter().map(|figure| figure.value).collect();
        assert_eq!(values, ["2.50", "2.00 / 1.00", "", ""]);
    }

    #[test]
    fn three_digits_count() {
        let check = |number, text| assert_eq!(digits(number), text);
        check(1234.5, "1234");
        check(12.345, "12.3");
        check(1.2345, "1.23");
        check(0.12345, "0.123");
        check(0.0, "0.000");
    }
}
