//! `cargo xtask bench network`: the network that ships, alone, in each way that `PyTorch` has of computing it: how much of a server's time
//! could be won by computing it otherwise.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::contest::replace_between;
use super::peers::Peers;
use crate::workspace;

/// What `cargo xtask bench network` takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// Folder of the other programs' scripts, whose list of packages has PyTorch
    #[arg(long, default_value = "../shared/peers")]
    peers: PathBuf,
    /// Runs of each way, in turn
    #[arg(long, default_value_t = 15)]
    rounds: usize,
}

/// What a tuned peer serves.
const PEER: &str = "fp32, frozen";

/// Runs the script and writes its table.
pub fn run(root: &Path, arguments: &Arguments) -> Result<ExitCode> {
    let peers = Peers::find(root, &root.join(&arguments.peers))?;
    peers.add_fastapi()?;
    let mut script = Command::new(&peers.python);
    script
        .arg(root.join("xtask/src/bench/peers/network_ways.py"))
        .args(["--rounds", &arguments.rounds.to_string(), "--model"])
        .arg(root.join("crates/model/shipped/accurate.safetensors"));
    let printed = workspace::printed(&mut script)?;
    let found: Found =
        serde_json::from_str(&printed).context("network_ways.py printed something else")?;
    let text = table(&found, arguments.rounds)?;
    println!("{text}");
    let path = root.join("docs/BENCHMARKS.md");
    let document = std::fs::read_to_string(&path)?;
    std::fs::write(&path, replace_between(&document, "network", &text)?)?;
    Ok(ExitCode::SUCCESS)
}

/// What the script prints.
#[derive(Deserialize)]
struct Found {
    /// An image, by the way it is computed.
    milliseconds: BTreeMap<String, f64>,
    /// Multiplications of an image.
    macs: f64,
    /// Multiplications a second of large matrix products, by number format.
    products: BTreeMap<String, f64>,
}

/// Times as speeds, relative to what a tuned peer serves, and as a share of what the processor multiplies in that format; the fastest last.
fn table(found: &Found, rounds: usize) -> Result<String> {
    let times = &found.milliseconds;
    let peer = times.get(PEER).context("no time of the peer")?;
    let mut rows: Vec<(&String, &f64)> = times.iter().collect();
    rows.sort_by(|a, b| b.1.total_cmp(a.1));
    let mut text = format!(
        "{rounds} runs of each in turn; medians; one image of {:.2} thousand million multiplications, one core.\n\n\
         | the network alone | speed, × {PEER} | share of a matrix product's speed |\n|---|---:|---:|\n",
        found.macs / 1e9
    );
    for (name, time) in rows.into_iter().filter(|(name, _)| *name != "contrast") {
        let format = name.split(',').next().unwrap_or(name);
        let product = found.products.get(format).context("no such format")?;
        let share = found.macs / (time / 1e3) / product * 100.0;
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| {name} | {:.2} | {share:.0} % |", peer / time);
    }
    let bound = |format: &str| {
        let product = found.products.get(format).context("no such format")?;
        anyhow::Ok(peer / (found.macs / product * 1e3))
    };
    let _ = writeln!(
        text,
        "\nAt the full speed of matrix products: fp32 {:.2} ×, bf16 {:.2} ×, int8 {:.2} ×.",
        bound("fp32")?,
        bound("bf16")?,
        bound("int8")?
    );
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_become_speeds() {
        let map = |pairs: &[(&str, f64)]| {
            let pairs = pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), *value));
            pairs.collect::<BTreeMap<_, _>>()
        };
        let mut found = Found {
            milliseconds: map(&[
                ("contrast", 1.0),
                (PEER, 8.0),
                ("bf16", 4.0),
                ("fp32, as written", 16.0),
            ]),
            macs: 4e6,
            products: map(&[("fp32", 1e9), ("bf16", 2e9), ("int8", 4e9)]),
        };
        let text = table(&found, 3).unwrap();
        let rows: Vec<&str> = text.lines().skip(4).collect();
        let expected = [
            "| fp32, as written | 0.50 | 25 % |",
            "| fp32, frozen | 1.00 | 50 % |",
            "| bf16 | 2.00 | 50 % |",
            "",
            "At the full speed of matrix products: fp32 2.00 ×, bf16 4.00 ×, int8 8.00 ×.",
        ];
        assert_eq!(rows, expected);
        found.milliseconds.remove(PEER);
        assert!(table(&found, 3).is_err());
    }
}
