//! Processes that are killed at any step, and go on to the bit.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;

use osteon_model::read_tensors;
use osteon_train::{Event, Plan, train};
use serde_json::Value;

use crate::runs::{films, plan};

const RUN: &str = "OSTEON_TEST_RUN";
const STEPS: &str = "OSTEON_TEST_STEPS";

/// The run that is killed: an average of weights, dropout, two passes a step, momentum; two threads, as one has.
fn the_plan(dir: &Path, run: &str) -> Plan {
    let mut plan = plan(dir, run, 3);
    plan.config.train.batch_size = 4;
    plan.config.train.accumulate = 2;
    plan.config.train.ema = 0.9;
    plan.config.train.checkpoint_steps = 2;
    plan.config.train.log_every = 1;
    plan.config.train.threads = 2;
    plan.config.optimizer.clip_norm = 5.0;
    plan
}

/// Not a test of its own: what [`ten_kills_change_nothing`] starts as a process. It trains the run that the environment names and, after
/// as many steps as it says, says so and waits to be killed.
#[test]
#[ignore = "started by another test"]
fn child() {
    let Ok(run) = std::env::var(RUN) else { return };
    let run = Path::new(&run);
    let name = run.file_name().and_then(|n| n.to_str()).expect("a name");
    let mut plan = the_plan(run.parent().expect("a folder"), name);
    plan.resume = run.join("config.toml").exists();
    let mut left: usize = std::env::var(STEPS)
        .expect("set")
        .parse()
        .expect("a number");
    let mut observer = |event: &Event<'_>| {
        if matches!(event, Event::Step { .. }) {
            left -= 1;
            if left == 0 {
                writeln!(std::io::stdout(), "\nready").expect("says so");
                loop {
                    std::thread::park();
                }
            }
        }
    };
    train(&plan, &mut observer, &AtomicBool::new(false)).expect("trains");
}

/// Starts the child; kills it after so many steps, or waits for its end.
fn run_child(run: &Path, steps: Option<usize>) {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "kill::child", "--ignored", "--nocapture"])
        .env(RUN, run)
        .env(STEPS, steps.unwrap_or(usize::MAX).to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    if steps.is_some() {
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let ready = output
            .lines()
            .map_while(Result::ok)
            .any(|line| line == "ready");
        if ready {
            // SIGKILL: no handler runs, nothing is flushed.
            child.kill().expect("kills");
            child.wait().expect("ends");
            return;
        }
    }
    let output = child.wait_with_output().expect("ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// Every tensor of the newest checkpoint and of the model, and every figure of the log but the times.
fn left_by(run: &Path) -> (Vec<(String, tch::Tensor)>, Vec<Value>) {
    let mut files: Vec<_> = std::fs::read_dir(run.join("checkpoints"))
        .expect("lists")
        .map(|item| item.expect("entry").path())
        .collect();
    files.sort();
    let mut tensors: Vec<_> = read_tensors(files.last().expect("one"))
        .expect("whole")
        .0
        .into_iter()
        .collect();
    tensors.extend(
        read_tensors(&run.join("model.safetensors"))
            .expect("whole")
            .0,
    );
    let log = std::fs::read_to_string(run.join("metrics.jsonl")).expect("reads");
    let lines = log.lines().map(|line| {
        let mut line: Value = serde_json::from_str(line).expect("JSON");
        for timed in ["images_per_second", "input_wait", "seconds"] {
            line.as_object_mut().expect("an object").remove(timed);
        }
        line
    });
    (tensors, lines.collect())
}

#[test]
fn ten_kills_change_nothing() {
    let dir = films();
    let (whole, killed) = (dir.path().join("whole"), dir.path().join("killed"));
    run_child(&whole, None);
    // Steps from one start to the next kill, drawn once: checkpoints are two steps apart, so that some kills lose a step and one all.
    for steps in [1, 3, 2, 4, 1, 3, 3, 5, 2, 3] {
        run_child(&killed, Some(steps));
    }
    run_child(&killed, None);
    let (a, b) = (left_by(&whole), left_by(&killed));
    assert_eq!(a.0.len(), b.0.len());
    for ((name, whole), (_, killed)) in a.0.iter().zip(&b.0) {
        assert!(whole == killed, "{name} differs");
    }
    // 42 films in steps of 8: 6 steps and an epoch line, three times.
    assert_eq!(a.1.len(), 21);
    assert_eq!(a.1, b.1);
}
