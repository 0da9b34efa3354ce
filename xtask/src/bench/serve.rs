//! `cargo xtask bench serve`: `osteon serve` under load, against the same network behind `FastAPI` and `PyTorch`, by wrk.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::contest::{median, replace_between};
use super::peers::Peers;
use super::running::Running;
use crate::download::libtorch;
use crate::workspace;

/// What `cargo xtask bench serve` takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// Folder of the other programs' scripts, whose list of packages has PyTorch
    #[arg(long, default_value = "../shared/peers")]
    peers: PathBuf,
    /// The image that is sent
    #[arg(
        long,
        default_value = "../shared/xrays/fracatlas/val/fractured/IMG0000142.jpg"
    )]
    film: PathBuf,
    /// Runs of each program
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds a run is timed
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// Clients that ask at once
    #[arg(long, default_value_t = 8)]
    clients: usize,
    /// Only contestants whose name contains this
    #[arg(long)]
    only: Option<String>,
    /// Put our server under full load for so many seconds instead, and watch its memory
    #[arg(long, value_name = "SECONDS")]
    soak: Option<u64>,
}

/// Megabytes that the server may take, by the soak.
const MEMORY_MIB: f64 = 512.0;

/// Runs the contest, or the soak.
pub fn run(root: &Path, arguments: &Arguments) -> Result<ExitCode> {
    libtorch::ensure(root)?;
    let mut cargo = workspace::cargo(root);
    cargo.args(["build", "--release", "-p", "cli"]);
    workspace::must_succeed(&mut cargo)?;
    let film = root.join(&arguments.film);
    if !film.is_file() {
        bail!("there is no {}: give --film", film.display());
    }
    let work = tempfile::tempdir()?;
    let script = work.path().join("post.lua");
    std::fs::write(&script, lua(&film))?;
    let bench = Bench {
        root,
        arguments,
        script,
    };
    match arguments.soak {
        Some(seconds) => bench.soak(seconds),
        None => bench.contest(),
    }
}

/// One way of serving.
struct Contestant {
    name: &'static str,
    ours: bool,
    path: &'static str,
    words: &'static [&'static str],
}

const OURS: &str = "/api/v1/predictions";
const PEERS: &str = "/predict";

const CONTESTANTS: [Contestant; 7] = [
    Contestant {
        name: "osteon serve, bf16, 2 networks of 1 thread",
        ours: true,
        path: OURS,
        words: &["--precision", "bf16", "--networks", "2"],
    },
    Contestant {
        name: "osteon serve, bf16",
        ours: true,
        path: OURS,
        words: &["--precision", "bf16"],
    },
    Contestant {
        name: "osteon serve, fp32, 2 networks of 1 thread",
        ours: true,
        path: OURS,
        words: &["--precision", "fp32", "--networks", "2"],
    },
    Contestant {
        name: "osteon serve, fp32",
        ours: true,
        path: OURS,
        words: &["--precision", "fp32"],
    },
    Contestant {
        name: "FastAPI, PyTorch traced and frozen, 2 workers of 1 thread",
        ours: false,
        path: PEERS,
        words: &["--how", "frozen", "--threads", "1", "--workers", "2"],
    },
    Contestant {
        name: "FastAPI, PyTorch eager, 1 worker of 2 threads",
        ours: false,
        path: PEERS,
        words: &["--how", "eager", "--threads", "2", "--workers", "1"],
    },
    Contestant {
        name: "FastAPI, PyTorch eager, as its thread pool has it",
        ours: false,
        path: PEERS,
        words: &["--how", "eager", "--threads", "2", "--workers", "40"],
    },
];

/// What a run measured.
#[derive(Debug, Clone, Copy)]
struct Run {
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    /// Seconds that the network computed, by the clock, summed over threads, a second of the run.
    network: f64,
    memory_mib: f64,
}

struct Bench<'a> {
    root: &'a Path,
    arguments: &'a Arguments,
    script: PathBuf,
}

impl Bench<'_> {
    fn contest(&self) -> Result<ExitCode> {
        let peers = Peers::find(self.root, &self.root.join(&self.arguments.peers))?;
        peers.add_fastapi()?;
        let python = peers.python;
        let only = self.arguments.only.as_deref().unwrap_or_default();
        let chosen: Vec<&Contestant> = CONTESTANTS
            .iter()
            .filter(|one| one.name.contains(only))
            .collect();
        let mut runs: Vec<Vec<Run>> = vec![Vec::new(); chosen.len()];
        for round in 1..=self.arguments.rounds {
            for (one, runs) in chosen.iter().zip(&mut runs) {
                let mut server = self.start(one, &python)?;
                let run = self.measure(&mut server, one)?;
                eprintln!(
                    "round {round}/{}  {:<58} {:>6.1} requests/s  p99 {:>6.0} ms",
                    self.arguments.rounds, one.name, run.per_second, run.p99_ms
                );
                runs.push(run);
            }
        }
        let medians: Vec<Run> = runs.iter().map(|runs| middle(runs)).collect();
        let text = table(&chosen, &medians, self.arguments);
        println!("{text}");
        let path = self.root.join("docs/BENCHMARKS.md");
        let document = std::fs::read_to_string(&path)?;
        if self.arguments.only.is_none() && document.contains("<!-- serve -->") {
            std::fs::write(&path, replace_between(&document, "serve", &text)?)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Full load for a long time: the memory of the second half against that of the first.
    fn soak(&self, seconds: u64) -> Result<ExitCode> {
        let one = &CONTESTANTS[0];
        let mut server = self.start(one, Path::new("python3"))?;
        let warm = 5.max(seconds / 10);
        self.wrk(&server, one, warm)?;
        let mut load = self
            .wrk_command(&server, one, seconds)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut sizes = Vec::new();
        while load.try_wait()?.is_none() {
            sizes.push(memory(&server, "VmRSS:")?);
            sleep(Duration::from_secs(1));
        }
        let mut printed = String::new();
        if let Some(out) = &mut load.stdout {
            std::io::Read::read_to_string(out, &mut printed)?;
        }
        let halves = sizes.split_at(sizes.len() / 2);
        let first = median(halves.0.to_vec()).context("too short a soak")?;
        let second = median(halves.1.to_vec()).context("too short a soak")?;
        let peak = memory(&server, "VmHWM:")?;
        let growth = (second / first - 1.0) * 100.0;
        let per_second = number_after(&printed, "Requests/sec:").unwrap_or_default();
        println!(
            "{seconds} s at {per_second:.1} requests/s: {first:.0} MiB in the first half, {second:.0} MiB in the second ({growth:+.1} %), at most {peak:.0} MiB"
        );
        server.end()?;
        let fine = growth <= 5.0 && peak <= MEMORY_MIB && !printed.contains("Non-2xx");
        println!(
            "target: flat within 5 %, at most {MEMORY_MIB:.0} MiB: {}",
            if fine { "reached" } else { "missed" }
        );
        Ok(ExitCode::from(u8::from(!fine)))
    }

    fn start(&self, one: &Contestant, python: &Path) -> Result<Running> {
        Running::start(one.name, |port| {
            let mut command = if one.ours {
                let mut ours = Command::new(self.root.join("target/release/osteon"));
                ours.args(["serve", "--rate", "0", "--log", "quiet", "--addr"])
                    .arg(format!("127.0.0.1:{port}"));
                ours
            } else {
                let mut peer = Command::new(python);
                let folder = self.root.join("xtask/src/bench/peers");
                peer.arg(folder.join("serve_torch.py"))
                    .args(["--port", &port.to_string(), "--model"])
                    .arg(self.root.join("crates/model/shipped/accurate.safetensors"));
                peer
            };
            command.args(one.words);
            command
        })
    }

    fn wrk_command(&self, server: &Running, one: &Contestant, seconds: u64) -> Command {
        let mut wrk = Command::new("wrk");
        wrk.args(["-t1", "--latency", "--timeout", "30s"])
            .arg(format!("-c{}", self.arguments.clients))
            .arg(format!("-d{seconds}s"))
            .arg("-s")
            .arg(&self.script)
            .arg(format!("http://127.0.0.1:{}{}", server.port, one.path));
        wrk
    }

    fn wrk(&self, server: &Running, one: &Contestant, seconds: u64) -> Result<String> {
        let output = self.wrk_command(server, one, seconds).output();
        let output = output.context("could not start wrk (Debian package wrk)")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() || text.contains("Non-2xx") {
            bail!(
                "{}: {text}{}",
                one.name,
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(text)
    }

    fn measure(&self, server: &mut Running, one: &Contestant) -> Result<Run> {
        let seconds = self.arguments.seconds;
        self.wrk(server, one, 2)?;
        let before = network_seconds(server, one)?;
        let text = self.wrk(server, one, seconds)?;
        let network = (network_seconds(server, one)? - before) / seconds as f64;
        let told = |what| number_after(&text, what).with_context(|| format!("wrk said: {text}"));
        let run = Run {
            per_second: told("Requests/sec:")?,
            p50_ms: told(" 50%")?,
            p99_ms: told(" 99%")?,
            network,
            memory_mib: memory(server, "VmHWM:")?,
        };
        server.end()?;
        Ok(run)
    }
}

/// Seconds that its network has computed so far.
fn network_seconds(server: &Running, one: &Contestant) -> Result<f64> {
    let (path, key) = if one.ours {
        ("metrics", "osteon_network_duration_seconds_sum")
    } else {
        ("spent", "\"network\":")
    };
    let url = format!("http://127.0.0.1:{}/{path}", server.port);
    let text = ureq::get(&url).call()?.body_mut().read_to_string()?;
    number_after(&text, key).with_context(|| format!("no {key} in {text}"))
}

/// A line of its `/proc/…/status`, in MiB.
fn memory(server: &Running, key: &str) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id()))?;
    Ok(number_after(&status, key).context("no such line")? / 1024.0)
}

/// The first number after a word; times in wrk's units become milliseconds.
fn number_after(text: &str, word: &str) -> Option<f64> {
    let rest = text.split_once(word)?.1.trim_start();
    let end = rest
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(rest.len());
    let number: f64 = rest[..end].parse().ok()?;
    Some(match &rest[end..] {
        unit if unit.starts_with("us") => number / 1e3,
        unit if unit.starts_with("s\n") => number * 1e3,
        unit if unit.starts_with("m\n") => number * 6e4,
        _ => number,
    })
}

/// A script of wrk that sends the image as a form.
fn lua(film: &Path) -> String {
    format!(
        r#"local file = assert(io.open("{}", "rb"))
local image = file:read("*a")
file:close()
wrk.method = "POST"
wrk.headers["Content-Type"] = "multipart/form-data; boundary=x-osteon-x"
wrk.body = "--x-osteon-x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"film.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n" .. image .. "\r\n--x-osteon-x--\r\n"
"#,
        film.display()
    )
}

fn middle(runs: &[Run]) -> Run {
    let of = |value: fn(&Run) -> f64| median(runs.iter().map(value).collect()).unwrap_or_default();
    Run {
        per_second: of(|run| run.per_second),
        p50_ms: of(|run| run.p50_ms),
        p99_ms: of(|run| run.p99_ms),
        network: of(|run| run.network),
        memory_mib: of(|run| run.memory_mib),
    }
}

fn table(chosen: &[&Contestant], runs: &[Run], arguments: &Arguments) -> String {
    let peers = || chosen.iter().zip(runs).filter(|(one, _)| !one.ours);
    let best = peers().map(|(_, run)| run.per_second).fold(0.0, f64::max);
    let quickest = peers()
        .map(|(_, run)| run.p99_ms)
        .fold(f64::INFINITY, f64::min);
    let mut text = format!(
        "{} rounds of {} s each, in turn; medians; {} clients, 2 cores.\n\n\
         | program | requests/s, × best peer | p50, × its own p99 | p99, × best peer | seconds in the network a second | peak memory, MiB |\n\
         |---|---:|---:|---:|---:|---:|\n",
        arguments.rounds, arguments.seconds, arguments.clients
    );
    for (one, run) in chosen.iter().zip(runs) {
        let name = if one.ours {
            format!("**{}**", one.name)
        } else {
            one.name.to_owned()
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {name} | {:.2} | {:.2} | {:.2} | {:.2} | {:.0} |",
            run.per_second / best,
            run.p50_ms / run.p99_ms,
            run.p99_ms / quickest,
            run.network,
            run.memory_mib
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wrk_prints_is_read_in_milliseconds() {
        let text = "    Latency  14ms  9.00ms 20.00ms   68.50%\n  Latency Distribution\n     50%   14.60ms\n     75%   900.00us\n     99%    1.20s\n 8 requests\nRequests/sec:     48.31\n";
        for (word, number) in [
            (" 50%", 14.6),
            ("75%", 0.9),
            (" 99%", 1200.0),
            ("Requests/sec:", 48.31),
        ] {
            assert!((number_after(text, word).expect(word) - number).abs() < 1e-9);
        }
        assert_eq!(number_after("{\"network\":1.5}", "\"network\":"), Some(1.5));
        assert_eq!(number_after("VmRSS:\t  2048 kB\n", "VmRSS:"), Some(2048.0));
        assert_eq!(number_after("nothing", "x"), None);
    }
}
