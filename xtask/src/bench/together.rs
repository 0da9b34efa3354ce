//! `cargo xtask bench together`: what programs cost each other that compute on the same cores, against one alone.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::contest;
use super::running::Running;
use crate::{download::libtorch, workspace};

/// What `cargo xtask bench together` takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// Runs of each command and each number of programs
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Commands to be run
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "predict,evaluate,train,train-1,serve"
    )]
    commands: Vec<String>,
    /// The program; without one, it is built
    #[arg(long)]
    program: Option<PathBuf>,
    /// Another program that takes turns with it, such as an earlier version
    #[arg(long)]
    before: Option<PathBuf>,
}

/// Programs at once.
const AT_ONCE: [usize; 3] = [1, 2, 4];
/// Drawn images.
const IMAGES: &str = "40";
/// Epochs of a training: so many that it computes most of its time.
const EPOCHS: u32 = 10;

/// Seconds of each round, by number of programs.
type Times = [Vec<f64>; AT_ONCE.len()];

/// Runs the commands and writes the table.
pub fn run(root: &Path, arguments: &Arguments) -> Result<ExitCode> {
    libtorch::ensure(root)?;
    let program = if let Some(program) = &arguments.program {
        program.clone()
    } else {
        let mut cargo = workspace::cargo(root);
        workspace::must_succeed(cargo.args(["build", "--release", "-p", "cli"]))?;
        root.join("target/release/osteon")
    };
    let work = root.join("target").join("bench").join("together");
    if work.exists() {
        std::fs::remove_dir_all(&work)?;
    }
    std::fs::create_dir_all(&work)?;
    let mut synth = Command::new(&program);
    synth.args(["data", "synth", "images", "--seed", "5", "--images", IMAGES]);
    workspace::must_succeed(synth.current_dir(&work).stdout(Stdio::null()))?;
    let mut contestants = vec![("osteon", program)];
    contestants.extend(arguments.before.clone().map(|before| ("before", before)));
    let mut rows = Vec::new();
    for command in &arguments.commands {
        let mut times = vec![Times::default(); contestants.len()];
        for round in 1..=arguments.rounds {
            for (count, programs) in AT_ONCE.into_iter().enumerate() {
                for ((name, program), times) in contestants.iter().zip(&mut times) {
                    let seconds = if command == "serve" {
                        servers_at_once(program, &work, programs)?
                    } else {
                        at_once(program, &work, command, programs)?
                    };
                    eprintln!(
                        "round {round}/{}  {command:<9} {programs} at once, {name:<7} {seconds:>7.2} s",
                        arguments.rounds
                    );
                    times[count].push(seconds);
                }
            }
        }
        let names = contestants.iter().map(|(name, _)| *name);
        rows.push((command.clone(), names.zip(times).collect()));
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let text = format!(
        "{} rounds, in turn; the least time of each, since other programs only add to it; {cores} cores; {IMAGES} drawn images, the model that ships; \
         `train` is {EPOCHS} epochs of the default network at 128 px, `train-1` the same by one thread; `serve` answers for each image once, asked for one at a time.\n\n{}",
        arguments.rounds,
        table(&rows)
    );
    println!("\n{text}");
    let path = root.join("docs").join("BENCHMARKS.md");
    let document = std::fs::read_to_string(&path).context("docs/BENCHMARKS.md")?;
    let document = contest::replace_between(&document, "together", &text)?;
    std::fs::write(&path, document).context("docs/BENCHMARKS.md")?;
    Ok(ExitCode::SUCCESS)
}

/// Seconds until the last of so many programs has ended that began together.
fn at_once(program: &Path, work: &Path, command: &str, programs: usize) -> Result<f64> {
    let start = Instant::now();
    let mut running = Vec::new();
    for number in 0..programs {
        let mut one = Command::new(program);
        one.current_dir(work)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        alone_in_its_environment(&mut one);
        match command {
            "predict" => one.args(["predict", "images"]),
            "evaluate" => one.args(["evaluate", "--data", "images", "--split", "train"]),
            "train" | "train-1" => {
                let run = work.join(format!("run-{number}"));
                if run.exists() {
                    std::fs::remove_dir_all(&run)?;
                }
                one.args([
                    "train", "--data", "images", "--device", "cpu", "--plan", "fixed", "--run",
                ])
                .arg(run)
                .args(["--set", &format!("train.epochs={EPOCHS}")])
                .args(["--set", "preprocess.size=128"])
                .args(["--set", "train.batch_size=8"])
                .args([
                    "--set",
                    if command == "train" {
                        "train.threads=0"
                    } else {
                        "train.threads=1"
                    },
                ])
            }
            other => {
                bail!("there is no command {other:?} to be run: predict, evaluate, train, serve")
            }
        };
        running.push(
            one.spawn()
                .with_context(|| format!("{}", program.display()))?,
        );
    }
    for mut one in running {
        let status = one.wait()?;
        // Images that the gate refuses, or that are all of one class, are no failure here.
        if status.code().is_none_or(|code| code > 1) {
            bail!("osteon {command}: {status}");
        }
    }
    Ok(start.elapsed().as_secs_f64())
}

/// Seconds until the last of so many servers has answered for all images, its start not counted.
fn servers_at_once(program: &Path, work: &Path, programs: usize) -> Result<f64> {
    let bodies: Vec<Vec<u8>> = walkdir::WalkDir::new(work.join("images"))
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.path().extension().is_some_and(|ext| ext == "png"))
        .map(|entry| Ok(form(&std::fs::read(entry.path())?)))
        .collect::<Result<_>>()?;
    if bodies.is_empty() {
        bail!("no images were drawn in {}", work.display());
    }
    let start = |_| {
        Running::start("osteon serve", |port| {
            let mut serve = Command::new(program);
            serve
                .args(["serve", "--rate", "0", "--log", "quiet", "--addr"])
                .arg(format!("127.0.0.1:{port}"))
                .stderr(Stdio::null());
            alone_in_its_environment(&mut serve);
            serve
        })
    };
    let mut servers = (0..programs).map(start).collect::<Result<Vec<_>>>()?;
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let clients: Vec<_> = servers
            .iter()
            .map(|server| {
                let (port, bodies) = (server.port, &bodies);
                scope.spawn(move || ask(port, bodies))
            })
            .collect();
        clients
            .into_iter()
            .try_for_each(|client| client.join().expect("does not panic"))
    })?;
    let seconds = begun.elapsed().as_secs_f64();
    servers.iter_mut().try_for_each(Running::end)?;
    Ok(seconds)
}

/// Sends one image after the other.
fn ask(port: u16, bodies: &[Vec<u8>]) -> Result<()> {
    for body in bodies {
        ureq::post(format!("http://127.0.0.1:{port}/api/v1/predictions"))
            .content_type(format!("multipart/form-data; boundary={BOUNDARY}"))
            .send(&body[..])?
            .body_mut()
            .read_to_vec()?;
    }
    Ok(())
}

const BOUNDARY: &str = "x-osteon-x";

/// An image as a form sends it.
fn form(image: &[u8]) -> Vec<u8> {
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"image.png\"\r\nContent-Type: image/png\r\n\r\n"
    );
    let tail = format!("\r\n--{BOUNDARY}--\r\n");
    [head.as_bytes(), image, tail.as_bytes()].concat()
}

/// Without what a person may have said of libgomp's threads.
fn alone_in_its_environment(command: &mut Command) {
    command
        .env_remove("GOMP_SPINCOUNT")
        .env_remove("OMP_WAIT_POLICY");
}

fn least(times: &[f64]) -> f64 {
    times.iter().copied().fold(f64::INFINITY, f64::min)
}

fn table(rows: &[(String, Vec<(&str, Times)>)]) -> String {
    let mut text = String::from(
        "| command | program | alone, s | two at once, s | ÷ 2 × alone | four at once, s | ÷ 4 × alone |\n\
         |---|---|---:|---:|---:|---:|---:|\n",
    );
    for (command, contestants) in rows {
        for (name, times) in contestants {
            let [alone, two, four] = [0, 1, 2].map(|count| least(&times[count]));
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "| `{command}` | {name} | {alone:.2} | {two:.2} | {:.2} | {four:.2} | {:.2} |",
                two / (2.0 * alone),
                four / (4.0 * alone)
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_to_one_alone() {
        let ours = [vec![3.0, 2.0], vec![4.2, 5.0], vec![8.4]];
        let theirs = [vec![2.0, 2.5], vec![17.0], vec![31.0]];
        let text = table(&[(
            "predict".to_owned(),
            vec![("osteon", ours), ("before", theirs)],
        )]);
        let rows: Vec<&str> = text.lines().skip(2).collect();
        assert_eq!(
            rows[0],
            "| `predict` | osteon | 2.00 | 4.20 | 1.05 | 8.40 | 1.05 |"
        );
        assert!(rows[1].contains("| 17.00 | 4.25 |"), "{text}");
    }
}
