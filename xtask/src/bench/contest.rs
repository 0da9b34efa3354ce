//! Programs that do the same work, run in turn, several rounds; medians.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Sets malloc to keep its memory, as one does who knows.
pub const KEEP: [(&str, &str); 2] = [
    ("MALLOC_MMAP_THRESHOLD_", "4294967296"),
    ("MALLOC_TRIM_THRESHOLD_", "17179869184"),
];

/// One program with one way of calling it.
pub struct Contestant {
    /// As it stands in the table.
    pub name: String,
    /// Ours, or one that ours is measured against.
    pub ours: bool,
    /// Program and arguments.
    pub words: Vec<String>,
    /// Added to the environment.
    pub env: Vec<(&'static str, &'static str)>,
}

/// The line of JSON that a contestant prints; what else it holds is not looked at.
#[derive(Debug, Clone, Deserialize)]
struct Line {
    img_per_s: f64,
    #[serde(default)]
    img_per_cpu_s: Option<f64>,
    peak_rss_mb: f64,
    #[serde(default)]
    foreign_cpu: Option<f64>,
    #[serde(default)]
    input_wait: Option<f64>,
}

/// A contestant's median over the rounds.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// As it stands in the table.
    pub name: String,
    /// Ours.
    pub ours: bool,
    /// Images a second by the clock: median, least, greatest.
    pub speed: (f64, f64, f64),
    /// Images a second of processor time, which other programs hardly disturb.
    pub cpu_speed: Option<f64>,
    /// Peak resident memory, MB, all processes.
    pub memory: f64,
    /// The part of the time in which the network waited for its input, 0..=1, where that is told.
    pub input_wait: Option<f64>,
}

/// Runs each contestant once a round, in turn. `foreign` collects how much of the machine others used, where a contestant says it.
pub fn run(
    contestants: &[Contestant],
    rounds: usize,
    dir: &Path,
    foreign: &mut Vec<f64>,
) -> Result<Vec<Row>> {
    let mut lines: BTreeMap<usize, Vec<Line>> = BTreeMap::new();
    for round in 1..=rounds {
        for (number, contestant) in contestants.iter().enumerate() {
            let line: Line = once(contestant, dir)?;
            eprintln!(
                "round {round}/{rounds}  {:<44} {:>9.1} images/s",
                contestant.name, line.img_per_s
            );
            foreign.extend(line.foreign_cpu);
            lines.entry(number).or_default().push(line);
        }
    }
    let row = |(number, lines): (usize, Vec<Line>)| {
        let of = |value: fn(&Line) -> Option<f64>| median(lines.iter().filter_map(value).collect());
        let speeds = || lines.iter().map(|line| line.img_per_s);
        Row {
            name: contestants[number].name.clone(),
            ours: contestants[number].ours,
            speed: (
                of(|line| Some(line.img_per_s)).unwrap_or_default(),
                speeds().fold(f64::INFINITY, f64::min),
                speeds().fold(0.0, f64::max),
            ),
            cpu_speed: of(|line| line.img_per_cpu_s),
            memory: of(|line| Some(line.peak_rss_mb)).unwrap_or_default(),
            input_wait: of(|line| line.input_wait),
        }
    };
    Ok(lines.into_iter().map(row).collect())
}

/// Runs a contestant and reads its last line of JSON.
pub fn once<T: DeserializeOwned>(contestant: &Contestant, dir: &Path) -> Result<T> {
    let (program, arguments) = contestant.words.split_first().context("a program")?;
    let output = Command::new(program)
        .args(arguments)
        .envs(contestant.env.iter().copied())
        .current_dir(dir)
        .output()
        .with_context(|| format!("could not start {program}"))?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let line = printed.lines().rev().find(|line| line.starts_with('{'));
    match line {
        Some(line) if output.status.success() => serde_json::from_str(line)
            .with_context(|| format!("{} printed no result: {line}", contestant.name)),
        _ => {
            let said = String::from_utf8_lossy(&output.stderr);
            let last: Vec<_> = said.lines().rev().take(3).collect();
            bail!(
                "{} failed ({}): {}",
                contestant.name,
                output.status,
                last.join(" / ")
            )
        }
    }
}

/// `None` of none.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

/// A Markdown table, fastest first, each with its ratio to the best of the others.
pub fn table(rows: &[Row]) -> String {
    let best = |value: fn(&Row) -> Option<f64>| {
        let others = rows.iter().filter(|row| !row.ours).filter_map(value);
        others.fold(0.0, f64::max)
    };
    let (best_speed, best_cpu) = (best(|row| Some(row.speed.0)), best(|row| row.cpu_speed));
    let mut sorted: Vec<&Row> = rows.iter().collect();
    sorted.sort_by(|a, b| b.speed.0.total_cmp(&a.speed.0));
    let mut text = String::from(
        "| program | images/s (least–greatest) | × best peer | images per CPU second | × best peer | peak memory, MB |\n\
         |---|---:|---:|---:|---:|---:|\n",
    );
    for row in sorted {
        let name = if row.ours {
            format!("**{}**", row.name)
        } else {
            row.name.clone()
        };
        let (speed, low, high) = row.speed;
        let ratio = |value: f64, best: f64| {
            if best > 0.0 {
                format!("{:.2}", value / best)
            } else {
                "–".to_owned()
            }
        };
        let cpu = row.cpu_speed.map_or_else(
            || "– | –".to_owned(),
            |cpu| format!("{cpu:.0} | {}", ratio(cpu, best_cpu)),
        );
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {name} | {speed:.0} ({low:.0}–{high:.0}) | {} | {cpu} | {:.0} |",
            ratio(speed, best_speed),
            row.memory
        );
    }
    text
}

/// Puts `text` between the lines `<!-- NAME -->` and `<!-- /NAME -->` of a document.
pub fn replace_between(document: &str, name: &str, text: &str) -> Result<String> {
    let (start, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let (before, rest) = document
        .split_once(&start)
        .with_context(|| format!("the document has no line {}", start.trim()))?;
    let (_, after) = rest
        .split_once(&end)
        .with_context(|| format!("the document has no line {end}"))?;
    Ok(format!("{before}{start}{text}{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(vec![]), None);
    }

    #[test]
    fn ratios_are_to_the_best_of_the_others() {
        let row = |name: &str, ours, speed, cpu_speed| Row {
            name: name.to_owned(),
            ours,
            speed: (speed, speed, speed),
            cpu_speed,
            memory: 1.0,
            input_wait: None,
        };
        let rows = [
            row("slow", false, 50.0, Some(25.0)),
            row("osteon", true, 300.0, Some(100.0)),
            row("peer", false, 100.0, Some(50.0)),
        ];
        let table = table(&rows);
        let lines: Vec<_> = table.lines().skip(2).collect();
        assert_eq!(
            lines[0],
            "| **osteon** | 300 (300–300) | 3.00 | 100 | 2.00 | 1 |"
        );
        assert!(lines[1].starts_with("| peer | 100"), "{table}");
    }

    #[test]
    fn a_part_of_a_document_is_replaced() {
        let document = "a\n<!-- x -->\nold\n<!-- /x -->\nb\n";
        let new = replace_between(document, "x", "new\n").unwrap();
        assert_eq!(new, "a\n<!-- x -->\nnew\n<!-- /x -->\nb\n");
        assert!(replace_between(document, "y", "").is_err());
    }

    #[test]
    fn the_last_line_of_json_counts_and_a_failure_is_told() {
        let contestant = |script: &str| Contestant {
            name: "test".to_owned(),
            ours: false,
            words: ["sh", "-c", script].map(str::to_owned).to_vec(),
            env: vec![("GREETING", "hello")],
        };
        let dir = std::env::temp_dir();
        let line = r#"echo '{"img_per_s":5,"peak_rss_mb":3,"more":1}'; echo $GREETING"#;
        let line: Line = once(&contestant(line), &dir).unwrap();
        assert!((line.img_per_s - 5.0).abs() < 1e-9 && line.foreign_cpu.is_none());
        let error = once::<Line>(&contestant("echo broken >&2; exit 3"), &dir).unwrap_err();
        assert!(error.to_string().contains("broken"), "{error}");
    }
}
