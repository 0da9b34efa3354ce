//! What results look like on stdout.

use std::io::Write;

use osteon_metrics::{Confusion, Estimate, Summary};
use serde::Serialize;

/// Writes a line to stdout. A reader that went away is an error the caller ends on, not a panic.
pub fn line(text: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout().lock(), "{text}")
}

/// Writes a text that has its line ends.
pub fn text(text: &str) -> std::io::Result<()> {
    write!(std::io::stdout().lock(), "{text}")
}

/// Writes one JSON object on one line.
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(&serde_json::to_string(value)?)?;
    Ok(())
}

/// How a column of a table stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    Left,
    Right,
}

/// Rows as lines of text, each column as wide as its widest cell and two spaces from the next, so that cells never run into each other
/// whatever they hold. Columns beyond `stand` are left.
pub fn table(rows: &[Vec<String>], stand: &[Column]) -> String {
    let wide = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let line = |row: &Vec<String>| {
        let cells = row.iter().enumerate().map(|(column, cell)| {
            let width = wide(column);
            match stand.get(column) {
                Some(Column::Right) => format!("{cell:>width$}"),
                _ => format!("{cell:<width$}"),
            }
        });
        let cells: Vec<String> = cells.collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// `93.6 %  (82.8 to 97.8)`, or a dash where undefined.
pub fn percent(e: Estimate) -> String {
    match (e.value, e.low, e.high) {
        (Some(v), Some(l), Some(h)) => format!(
            "{:5.1} %   ({:.1} to {:.1})",
            v * 100.0,
            l * 100.0,
            h * 100.0
        ),
        (Some(v), ..) => format!("{:5.1} %", v * 100.0),
        (None, ..) => "    – (undefined: no image to count)".to_owned(),
    }
}

/// `0.871   (0.812 to 0.913)`, or a dash where undefined.
pub fn number(e: Estimate) -> String {
    match (e.value, e.low, e.high) {
        (Some(v), Some(l), Some(h)) => format!("{v:5.3}     ({l:.3} to {h:.3})"),
        (Some(v), ..) => format!("{v:5.3}"),
        (None, ..) => "    – (undefined: one class only)".to_owned(),
    }
}

/// A difference of rates in points: `+3.5 points   (−1.0 to 8.0)`.
pub fn points(e: Estimate) -> String {
    match (e.value, e.low, e.high) {
        (Some(v), Some(l), Some(h)) => format!(
            "{:+5.1} points  ({:+.1} to {:+.1})",
            v * 100.0,
            l * 100.0,
            h * 100.0
        ),
        (Some(v), ..) => format!("{:+5.1} points", v * 100.0),
        (None, ..) => "    –".to_owned(),
    }
}

/// A difference of figures: `+0.031    (−0.010 to +0.070)`.
pub fn signed(e: Estimate) -> String {
    match (e.value, e.low, e.high) {
        (Some(v), Some(l), Some(h)) => format!("{v:+5.3}     ({l:+.3} to {h:+.3})"),
        (Some(v), ..) => format!("{v:+5.3}"),
        (None, ..) => "    –".to_owned(),
    }
}

/// The figures of a judgement as a table for people; rates with 95 % intervals.
pub fn summary(s: &Summary) -> String {
    let Confusion { tp, fn_, fp, tn } = s.confusion;
    let plain = |v: Option<f64>| v.map_or_else(|| "    –".to_owned(), |v| format!("{v:5.3}"));
    format!(
        "                    called fractured   called not
  fractured         {tp:>16}   {fn_:>10}
  not fractured     {fp:>16}   {tn:>10}

  sensitivity       {}   recall of fractured
  specificity       {}   recall of not fractured
  precision         {}
  npv               {}
  accuracy          {}
  F1                {}
  ROC-AUC           {}
  average precision {}
  Brier score       {}
  ECE               {}

Positive class: fractured. Threshold {:.3}, as the model file has it. In brackets: 95 % intervals.",
        percent(s.sensitivity),
        percent(s.specificity),
        percent(s.precision),
        percent(s.npv),
        percent(s.accuracy),
        number(s.f1),
        number(s.roc_auc),
        number(s.average_precision),
        plain(s.brier),
        plain(s.ece),
        s.threshold,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_never_run_into_each_other() {
        let estimate = |value, low, high| Estimate {
            value: Some(value),
            low: Some(low),
            high: Some(high),
        };
        let wide = number(estimate(0.912, 0.412, 0.991));
        let row = |cells: [&str; 4]| cells.map(str::to_owned).to_vec();
        let rows = [
            row(["", "A", "B", "n"]),
            row(["  ROC-AUC", &wide, &number(estimate(1.0, 1.0, 1.0)), "7"]),
            row([
                "  a long name of a figure",
                &percent(Estimate::UNDEFINED),
                "–",
                "1,234,567",
            ]),
        ];
        let text = table(
            &rows,
            &[Column::Left, Column::Left, Column::Left, Column::Right],
        );
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].contains("(0.412 to 0.991)"), "{text}");
        // Every column begins at one place, with two spaces before it.
        let places: Vec<usize> = ["1.000     (", "–"]
            .iter()
            .zip(&lines[1..])
            .map(|(cell, line)| line[..line.rfind(cell).expect("there")].chars().count())
            .collect();
        assert_eq!(places[0], places[1], "{text}");
        assert!(lines[2].ends_with("  1,234,567"), "{text}");
        for line in &lines[1..] {
            assert!(!line.contains(")1") && !line.contains(")–"), "{text}");
        }
    }
}
