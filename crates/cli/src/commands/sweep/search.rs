//! What to try: every combination of given values, or draws from ranges.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::exit::UsageError;

/// One combination of values of the searched keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Counted from 1.
    pub number: usize,
    /// Keys and values as in `--set`, in the order of the command line.
    pub values: Vec<(String, String)>,
}

impl Trial {
    /// As `--set` takes them.
    pub fn set(&self) -> impl Iterator<Item = String> {
        self.values
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
    }

    /// The name of its folder: `03-lr=1e-3,dropout=0.2`, shortened and without what file systems dislike.
    pub fn folder(&self) -> String {
        let values = self.values.iter().map(|(key, value)| {
            let short = key.rsplit('.').next().unwrap_or(key);
            format!("{short}={value}")
        });
        let plain = |c: char| c.is_ascii_alphanumeric() || "-+.=_".contains(c);
        let name: String = values
            .collect::<Vec<_>>()
            .join(",")
            .chars()
            .map(|c| if plain(c) || c == ',' { c } else { '_' })
            .take(60)
            .collect();
        format!("{:02}-{name}", self.number)
    }
}

/// Where the values of one key come from.
#[derive(Debug, PartialEq)]
enum Values {
    Listed(Vec<String>),
    Whole(i64, i64),
    Between { low: f64, high: f64, log: bool },
}

/// The trials that `--grid`, `--range` and `--random` ask for. Draws depend on the seed and their number alone: more draws begin with the
/// same ones.
pub fn trials(
    grid: &[String],
    ranges: &[String],
    draws: Option<usize>,
    seed: u64,
) -> Result<Vec<Trial>, UsageError> {
    let mut axes = Vec::new();
    for given in grid {
        axes.push(listed(given)?);
    }
    for given in ranges {
        axes.push(range(given)?);
    }
    for (n, (key, _)) in axes.iter().enumerate() {
        if axes[..n].iter().any(|(other, _)| other == key) {
            return Err(UsageError(format!("{key} is searched twice")));
        }
    }
    if axes.is_empty() {
        let said = "nothing to search: name keys by --grid KEY=V1,V2 or, with --random N, by --range KEY=LOW..HIGH";
        return Err(UsageError(said.to_owned()));
    }
    let combinations = match draws {
        Some(draws) => (1..=draws)
            .map(|number| draw(&axes, seed, number))
            .collect(),
        None => product(&axes),
    };
    let numbered = combinations.into_iter().zip(1..);
    Ok(numbered
        .map(|(values, number)| Trial { number, values })
        .collect())
}

type Axis = (String, Values);

/// All combinations; the last key changes fastest.
fn product(axes: &[Axis]) -> Vec<Vec<(String, String)>> {
    axes.iter().fold(vec![Vec::new()], |so_far, (key, values)| {
        let Values::Listed(values) = values else {
            // Invariant: clap asks for --random where there is a --range.
            return so_far;
        };
        so_far
            .iter()
            .flat_map(|begun| {
                values.iter().map(move |value| {
                    let mut longer = begun.clone();
                    longer.push((key.clone(), value.clone()));
                    longer
                })
            })
            .collect()
    })
}

fn draw(axes: &[Axis], seed: u64, number: usize) -> Vec<(String, String)> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(number as u64);
    let values = axes.iter().map(|(key, values)| {
        let value = match values {
            Values::Listed(values) => values[rng.random_range(0..values.len())].clone(),
            Values::Whole(low, high) => rng.random_range(*low..=*high).to_string(),
            Values::Between { low, high, log } => {
                let part: f64 = rng.random();
                let value = if *log {
                    (low.ln() + part * (high.ln() - low.ln())).exp()
                } else {
                    low + part * (high - low)
                };
                // What is written is what is tried: four digits are enough to tell trials apart.
                format!("{:.3e}", value.clamp(*low, *high))
            }
        };
        (key.clone(), value)
    });
    values.collect()
}

/// `key=V1,V2`; commas within brackets and quotes divide nothing.
fn listed(given: &str) -> Result<Axis, UsageError> {
    let bad = || {
        UsageError(format!(
            "--grid {given}: expected section.key=VALUE,VALUE,…"
        ))
    };
    let (key, list) = given.split_once('=').ok_or_else(bad)?;
    let mut values = vec![String::new()];
    let (mut depth, mut quote) = (0, None);
    for c in list.chars() {
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            ('[' | '{', None) => depth += 1,
            (']' | '}', None) => depth -= 1,
            _ => {}
        }
        if c == ',' && depth == 0 && quote.is_none() {
            values.push(String::new());
        } else if let Some(value) = values.last_mut() {
            value.push(c);
        }
    }
    let values: Vec<String> = values.iter().map(|v| v.trim().to_owned()).collect();
    if values.iter().any(String::is_empty) {
        return Err(bad());
    }
    Ok((key.trim().to_owned(), Values::Listed(values)))
}

/// `key=LOW..HIGH` or `key=LOW..HIGH:log`. Two whole numbers mean whole numbers between them.
fn range(given: &str) -> Result<Axis, UsageError> {
    let bad = |why: &str| UsageError(format!("--range {given}: {why}"));
    let form = "expected section.key=LOW..HIGH or section.key=LOW..HIGH:log";
    let (key, bounds) = given.split_once('=').ok_or_else(|| bad(form))?;
    let (bounds, log) = match bounds.rsplit_once(':') {
        Some((bounds, "log")) => (bounds, true),
        Some(_) => return Err(bad(form)),
        None => (bounds, false),
    };
    let (low, high) = bounds.split_once("..").ok_or_else(|| bad(form))?;
    let (low, high) = (low.trim(), high.trim());
    let number = |text: &str| {
        let number = text.parse::<f64>().ok().filter(|n| n.is_finite());
        number.ok_or_else(|| bad(&format!("{text:?} is no number")))
    };
    let (from, to) = (number(low)?, number(high)?);
    if from >= to {
        return Err(bad("the lower bound must be below the upper one"));
    }
    if log && from <= 0.0 {
        return Err(bad("a logarithmic range begins above 0"));
    }
    let values = match (low.parse(), high.parse()) {
        (Ok(low), Ok(high)) if !log => Values::Whole(low, high),
        _ => Values::Between {
            low: from,
            high: to,
            log,
        },
    };
    Ok((key.trim().to_owned(), values))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(list: &[&str]) -> Vec<String> {
        list.iter().map(|&s| s.to_owned()).collect()
    }

    #[test]
    fn a_grid_is_every_combination() {
        let grid = strings(&["optimizer.lr=1e-3, 3e-3", "model.residual.widths=[4,8],[8]"]);
        let trials = trials(&grid, &[], None, 1).expect("a grid");
        let folders: Vec<String> = trials.iter().map(Trial::folder).collect();
        assert_eq!(
            folders,
            [
                "01-lr=1e-3,widths=_4,8_",
                "02-lr=1e-3,widths=_8_",
                "03-lr=3e-3,widths=_4,8_",
                "04-lr=3e-3,widths=_8_"
            ]
        );
        assert_eq!(
            trials[2].set().collect::<Vec<_>>(),
            ["optimizer.lr=3e-3", "model.residual.widths=[4,8]"]
        );
    }

    #[test]
    fn draws_stay_in_their_ranges_and_come_again() {
        let grid = strings(&["optimizer.name=adam,adamw"]);
        let ranges = strings(&["optimizer.lr=1e-4..1e-2:log", "train.batch_size=8..64"]);
        let few = trials(&grid, &ranges, Some(20), 7).expect("draws");
        let more = trials(&grid, &ranges, Some(200), 7).expect("draws");
        assert_eq!(few[..], more[..20], "more draws begin with the same");
        assert_ne!(
            few,
            trials(&grid, &ranges, Some(20), 8).expect("draws"),
            "another seed"
        );
        let value = |trial: &Trial, n: usize| trial.values[n].1.parse::<f64>().expect("a number");
        let mut below = 0;
        for trial in &more {
            let lr = value(trial, 1);
            assert!((1e-4..=1e-2).contains(&lr), "{lr}");
            below += usize::from(lr < 1e-3);
            assert!((8.0..=64.0).contains(&value(trial, 2)));
            assert!(!trial.values[2].1.contains('.'), "whole");
        }
        // Half of a logarithmic range lies below its geometric middle: 100 of 200, deviation 7.
        assert!((65..=135).contains(&below), "{below}");
    }

    #[test]
    fn what_is_wrong_is_said() {
        let said = |grid: &[&str], ranges: &[&str]| {
            let draws = (!ranges.is_empty()).then_some(3);
            trials(&strings(grid), &strings(ranges), draws, 1)
                .expect_err("refused")
                .0
        };
        assert!(said(&["optimizer.lr"], &[]).contains("expected section.key=VALUE"));
        assert!(said(&["optimizer.lr=1,,2"], &[]).contains("expected section.key=VALUE"));
        assert!(said(&[], &["a.b=1..x"]).contains("\"x\" is no number"));
        assert!(said(&[], &["a.b=2..1"]).contains("below the upper"));
        assert!(said(&[], &["a.b=0..1:log"]).contains("begins above 0"));
        assert!(said(&[], &["a.b=1..2:lin"]).contains("expected section.key=LOW"));
        assert!(said(&["a.b=1,2"], &["a.b=1..2"]).contains("a.b is searched twice"));
        assert!(said(&[], &[]).contains("nothing to search"));
    }
}
