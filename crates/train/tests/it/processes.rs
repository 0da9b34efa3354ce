//! Processes that train together, over loopback.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::AtomicBool;

use osteon_model::{ArchitectureName, read_tensors};
use osteon_train::{Event, Plan, train};
use serde_json::Value;

use crate::runs::{films, plan};

const RUN: &str = "OSTEON_TEST_RUN";
const BATCH: &str = "OSTEON_TEST_BATCH";
const WAIT_AT: &str = "OSTEON_TEST_WAIT_AT";

/// A network without batch statistics: with them, each process has its own, as everywhere.
fn the_plan(run: &Path, batch_size: usize) -> Plan {
    let name = run.file_name().and_then(|n| n.to_str()).expect("a name");
    let mut plan = plan(run.parent().expect("a folder"), name, 2);
    plan.config.model.name = ArchitectureName::SeedCnn;
    plan.config.optimizer.lr = 1e-3;
    plan.config.train.batch_size = batch_size;
    plan.config.train.log_every = 1;
    plan.config.train.rank_timeout = 40.0;
    plan.config.augment.mixup = 0.4;
    plan.resume = run.join("config.toml").exists() && run.join("checkpoints").exists();
    plan
}

/// Not a test of its own: one process of those that train together. It says when it has taken as many steps as it is told to wait after.
#[test]
#[ignore = "started by another test"]
fn child() {
    let Ok(run) = std::env::var(RUN) else { return };
    let number = |name| {
        std::env::var(name)
            .ok()
            .and_then(|n: String| n.parse::<usize>().ok())
    };
    let mut plan = the_plan(Path::new(&run), number(BATCH).expect("set"));
    // Another number of processes is another batch in each, so that the steps stay the same.
    plan.force = plan.resume;
    let wait_at = number(WAIT_AT);
    let mut seen = 0;
    let mut observer = |event: &Event<'_>| {
        seen += usize::from(matches!(event, Event::Step { .. }));
        if Some(seen) == wait_at {
            writeln!(std::io::stdout(), "\nready").expect("says so");
            loop {
                std::thread::park();
            }
        }
    };
    if let Err(error) = train(&plan, &mut observer, &AtomicBool::new(false)) {
        writeln!(std::io::stderr(), "error: {error}").expect("says so");
        std::process::exit(1);
    }
}

fn start(run: &Path, world: usize, rank: usize, port: u16, wait_at: Option<usize>) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command
        .args(["--exact", "processes::child", "--ignored", "--nocapture"])
        .env(RUN, run)
        .env(BATCH, (8 / world).to_string())
        .env("OMP_NUM_THREADS", "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if world > 1 {
        command
            .env("MASTER_ADDR", "127.0.0.1")
            .env("MASTER_PORT", port.to_string())
            .env("RANK", rank.to_string())
            .env("WORLD_SIZE", world.to_string())
            .env("LOCAL_RANK", rank.to_string());
    }
    if let Some(wait_at) = wait_at {
        command.env(WAIT_AT, wait_at.to_string());
    }
    command.spawn().expect("starts")
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    listener.local_addr().expect("an address").port()
}

fn end(child: Child) -> Output {
    child.wait_with_output().expect("ends")
}

fn must(output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// Trains to the end in so many processes.
fn together(run: &Path, world: usize) {
    let port = free_port();
    let children: Vec<Child> = (0..world)
        .map(|rank| start(run, world, rank, port, None))
        .collect();
    for child in children {
        must(&end(child));
    }
}

fn losses(run: &Path) -> Vec<(String, f64)> {
    let log = std::fs::read_to_string(run.join("metrics.jsonl")).expect("reads");
    let line = |line: &str| {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let key = if line["kind"] == "step" {
            "loss"
        } else {
            "val_loss"
        };
        let name = format!("{} {}", line["kind"], line["step"]);
        (name, line[key].as_f64().expect("a number"))
    };
    log.lines().map(line).collect()
}

fn weights(run: &Path) -> osteon_model::TensorRecord {
    // 42 images in steps of 8: 6 steps an epoch.
    let last = run.join("checkpoints/step-000000012.safetensors");
    let (tensors, _) = read_tensors(&last).expect("whole");
    let weights = tensors
        .into_iter()
        .filter(|(name, _)| name.starts_with("weights."));
    weights.collect()
}

fn assert_near(one: &Path, other: &Path, what: &str) {
    let (a, b) = (losses(one), losses(other));
    assert_eq!(a.len(), 14, "12 steps and 2 epochs");
    for ((name, a), (other_name, b)) in a.iter().zip(&b) {
        assert_eq!(name, other_name, "{what}");
        assert!((a - b).abs() < 1e-5, "{what}: {name}: {a} and {b}");
    }
    for (name, a) in weights(one) {
        let most = (a - &weights(other)[&name]).abs().max().double_value(&[]);
        // Adam divides by the root of a gradient's square: rounding of a gradient near 0 moves a weight by up to its step.
        assert!(most < 2e-4, "{what}: {name} is off by {most}");
    }
}

#[test]
fn two_processes_train_as_one_does() {
    let dir = films();
    let (one, two, three) = (
        dir.path().join("one"),
        dir.path().join("two"),
        dir.path().join("both"),
    );
    together(&one, 1);
    together(&two, 2);
    assert_near(&one, &two, "two processes");

    // Begun by two, ended by one: the second of two dies, and the run goes on alone from its checkpoint.
    let port = free_port();
    let first = start(&three, 2, 0, port, None);
    let mut second = start(&three, 2, 1, port, None);
    // Ranks other than 0 tell no steps; the run's first checkpoint says that both are in the second epoch.
    let checkpoint = three.join("checkpoints/step-000000006.safetensors");
    while !checkpoint.exists() && second.try_wait().expect("asks").is_none() {
        std::thread::yield_now();
    }
    // It may be through already: then this is a run that has ended, and the comparison below holds anyway.
    let _ = second.kill();
    let _ = second.wait();
    let ended = end(first);
    if !ended.status.success() {
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(said.contains("rank 1"), "{said}");
    }
    together(&three, 1);
    assert_near(&one, &three, "begun by two, ended by one");
}

#[test]
fn a_dead_rank_is_named() {
    let dir = films();
    let run = dir.path().join("run");
    let port = free_port();
    // Rank 0 is the one that tells its steps, so it is the one that can be caught in one.
    let mut first = start(&run, 2, 0, port, Some(3));
    let second = start(&run, 2, 1, port, None);
    let output = BufReader::new(first.stdout.take().expect("piped"));
    assert!(
        output
            .lines()
            .map_while(Result::ok)
            .any(|line| line == "ready")
    );
    first.kill().expect("kills");
    first.wait().expect("ends");
    let ended = end(second);
    assert_eq!(ended.status.code(), Some(1));
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(said.contains("rank 0"), "{said}");
}
