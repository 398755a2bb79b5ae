//! How figures are shown: several rounds' values as one cell, cells as a table.

use std::fmt::Write as _;

/// How a figure is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unit {
    Thousands,
    Plain,
    Percent,
    Count,
}

impl Unit {
    pub(super) fn show(self, value: f64) -> String {
        match self {
            Self::Thousands if value >= 100_000.0 => format!("{:.0}k", value / 1e3),
            Self::Thousands => format!("{:.1}k", value / 1e3),
            Self::Plain if value >= 100.0 => format!("{value:.0}"),
            Self::Plain if value >= 10.0 => format!("{value:.1}"),
            Self::Plain => format!("{value:.2}"),
            Self::Percent => format!("{:.0}%", value * 100.0),
            Self::Count => format!("{value:.0}"),
        }
    }
}

/// Several rounds' values of one figure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) lowest: f64,
    pub(super) highest: f64,
}

impl Spread {
    pub(super) fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let (lowest, highest) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median =
            if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 };
        Some(Self { median, lowest, highest })
    }

    pub(super) fn show(&self, unit: Unit) -> String {
        let [median, lowest, highest] =
            [self.median, self.lowest, self.highest].map(|value| unit.show(value));
        if lowest == highest { median } else { format!("{median} ({lowest}-{highest})") }
    }
}

pub(crate) fn write_table(text: &mut String, title: &str, rows: &[Vec<String>]) {
    let columns = rows.first().map_or(0, Vec::len);
    let widths: Vec<usize> =
        (0..columns).map(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or(0)).collect();
    let _ = writeln!(text, "{title}");
    for row in rows {
        let line: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        let _ = writeln!(text, "  {}", line.join("  ").trim_end());
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_the_median_with_its_borders() {
        assert!(Spread::of(std::iter::empty()).is_none());
        let show = |values: &[f64], unit| Spread::of(values.iter().copied()).unwrap().show(unit);
        assert_eq!(show(&[3.0, 1.0, 2.0], Unit::Plain), "2.00 (1.00-3.00)");
        assert_eq!(show(&[1.0, 2.0], Unit::Plain), "1.50 (1.00-2.00)");
        assert_eq!(show(&[403_400.0], Unit::Thousands), "403k");
        assert_eq!(show(&[0.5, 0.501], Unit::Percent), "50%");
    }
}
