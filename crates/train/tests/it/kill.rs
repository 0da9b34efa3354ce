//! Processes that are killed at any step, and go on to the bit.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use osteon_model::{Device, load, read_tensors};
use osteon_train::{Config, Event, Plan, train};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use crate::runs::{films, plan};

const RUN: &str = "OSTEON_TEST_RUN";
/// After how many steps the child says so and waits; 0: it says so after each checkpoint, and goes on.
const STEPS: &str = "OSTEON_TEST_STEPS";
/// As [`the_plan`], with so many epochs and a checkpoint each step.
const EPOCHS: &str = "OSTEON_TEST_EPOCHS";

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

/// Not a test of its own: what the others start as a process. It trains the run that the environment names and, after as many steps as it
/// says, says so and waits to be killed.
#[test]
#[ignore = "started by another test"]
fn child() {
    let Ok(run) = std::env::var(RUN) else { return };
    let run = Path::new(&run);
    let name = run.file_name().and_then(|n| n.to_str()).expect("a name");
    let mut plan = the_plan(run.parent().expect("a folder"), name);
    plan.resume = run.join("config.toml").exists();
    if let Ok(epochs) = std::env::var(EPOCHS) {
        plan.config.train.epochs = epochs.parse().expect("a number");
        plan.config.train.checkpoint_steps = 1;
        // Checkpoints of half a megabyte, which take a while to write.
        plan.config.model.residual.widths = vec![16, 32];
    }
    let mut left: usize = std::env::var(STEPS)
        .expect("set")
        .parse()
        .expect("a number");
    let mut observer = |event: &Event<'_>| {
        if left == 0 && matches!(event, Event::Checkpoint { .. }) {
            writeln!(std::io::stdout(), "\nready").expect("says so");
        } else if left > 0 && matches!(event, Event::Step { .. }) {
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

fn command(run: &Path, steps: usize) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command
        .args(["--exact", "kill::child", "--ignored", "--nocapture"])
        .env(RUN, run)
        .env(STEPS, steps.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Starts the child; kills it after so many steps, or waits for its end.
fn run_child(run: &Path, steps: Option<usize>) {
    let mut child = command(run, steps.unwrap_or(usize::MAX))
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

fn assert_same(
    a: &(Vec<(String, tch::Tensor)>, Vec<Value>),
    b: &(Vec<(String, tch::Tensor)>, Vec<Value>),
) {
    assert_eq!(a.0.len(), b.0.len());
    for ((name, whole), (_, killed)) in a.0.iter().zip(&b.0) {
        assert!(whole == killed, "{name} differs");
    }
    assert_eq!(a.1, b.1);
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
    // 42 images in steps of 8: 6 steps and an epoch line, three times.
    assert_eq!(a.1.len(), 21);
    assert_same(&a, &b);
}

/// What killing at a random moment came to.
enum End {
    Killed,
    /// It ended before.
    Done,
}

/// When a child is killed.
#[derive(Clone, Copy)]
enum Moment {
    /// So long after its process began.
    Starting(Duration),
    /// So long after its first checkpoint.
    Training(Duration),
    /// After its first checkpoint, as soon as a file is seen under its temporary name, and so long after that.
    Writing(Duration),
}

/// Whether a file of a run is being written.
fn is_writing(run: &Path) -> bool {
    [run.to_owned(), run.join("checkpoints")]
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten().flatten())
        .any(|item| item.file_name().to_string_lossy().ends_with(".part"))
}

/// Starts the child and kills it.
fn kill_at(run: &Path, epochs: u64, moment: Moment) -> End {
    let mut child = command(run, 0)
        .env(EPOCHS, epochs.to_string())
        .spawn()
        .expect("starts");
    let output = BufReader::new(child.stdout.take().expect("piped"));
    // Open until the end: what is said from there on nobody reads, and it is little.
    let mut lines = output.lines().map_while(Result::ok);
    let began = matches!(moment, Moment::Starting(_)) || lines.any(|line| line == "ready");
    // Where all steps were taken before there is nothing to wait for but the end.
    if began {
        match moment {
            Moment::Starting(delay) | Moment::Training(delay) => std::thread::sleep(delay),
            Moment::Writing(delay) => {
                while !is_writing(run) && child.try_wait().expect("asks").is_none() {}
                std::thread::sleep(delay);
            }
        }
        child.kill().expect("kills");
    }
    let output = child.wait_with_output().expect("ends");
    if output.status.success() {
        return End::Done;
    }
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.signal() == Some(9),
        "it failed by itself: {said}"
    );
    End::Killed
}

/// Goes on with a run to its end.
fn to_the_end(run: &Path, epochs: u64) {
    let output = command(run, 0)
        .env(EPOCHS, epochs.to_string())
        .output()
        .expect("starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// What stands in a run folder under a final name is whole, and there is nothing else but one file that was being written. Gives whether there is that.
fn assert_readable(run: &Path) -> bool {
    let mut parts = 0;
    for folder in [run.to_owned(), run.join("checkpoints")] {
        for item in std::fs::read_dir(&folder).into_iter().flatten() {
            let path = item.expect("entry").path();
            let name = path.file_name().and_then(|n| n.to_str()).expect("UTF-8");
            let text = || std::fs::read_to_string(&path).expect("reads");
            match name {
                "config.toml" => drop(toml::from_str::<Config>(&text()).expect("a whole config")),
                "model.safetensors" => drop(load(&path, Device::Cpu).expect("a whole model")),
                "metrics.jsonl" => {
                    let text = text();
                    assert!(text.is_empty() || text.ends_with('\n'), "half a line");
                    for line in text.lines() {
                        serde_json::from_str::<Value>(line).expect("a whole line");
                    }
                }
                "checkpoints" | "run.lock" => {}
                _ if path.extension().is_some_and(|end| end == "part") => parts += 1,
                name if name.starts_with("events.out.tfevents.") => assert_events(&path),
                name if name.starts_with("step-") => drop(read_tensors(&path).expect("whole")),
                _ => panic!("what is {}?", path.display()),
            }
        }
    }
    assert!(parts <= 1, "{parts} half files lie around");
    parts == 1
}

/// Records one after the other, the last of which may be half.
fn assert_events(path: &Path) {
    let bytes = std::fs::read(path).expect("reads");
    let mut rest = &bytes[..];
    while let Some((length, _)) = rest.split_first_chunk::<8>() {
        let length = u64::from_le_bytes(*length) as usize;
        assert!(
            length < 1 << 20,
            "{} has a record of {length} bytes",
            path.display()
        );
        rest = rest.get(length + 16..).unwrap_or_default();
    }
}

/// Kills at random moments, drawn from a seed: within a step, within the writing of a checkpoint, a model or a log, while the process starts.
/// `OSTEON_KILLS=200` for as many, `OSTEON_SEED=…` for others.
#[test]
fn kills_at_random_moments_change_nothing() {
    let number = |key: &str| std::env::var(key).ok().and_then(|n| n.parse::<u64>().ok());
    let wanted = number("OSTEON_KILLS").unwrap_or(10);
    let seed = number("OSTEON_SEED").unwrap_or(1);
    // 6 steps an epoch, of which a kill lets some pass.
    let epochs = (wanted / 3).max(3);
    let dir = films();
    let whole = dir.path().join("whole");
    to_the_end(&whole, epochs);
    assert!(!assert_readable(&whole), "nothing half is left by an end");
    // The times only make it likely that kills meet everything; what must hold is the same for all.
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut kills, mut halves, mut early, mut runs) = (0, 0, 0, 0);
    while kills < wanted {
        runs += 1;
        let run = dir.path().join(format!("killed-{runs}"));
        while kills < wanted {
            let part = random.random::<f64>();
            let moment = match random.random_range(0..10) {
                0..2 => Moment::Starting(Duration::from_millis(1500).mul_f64(part)),
                2..6 => Moment::Training(Duration::from_millis(150).mul_f64(part)),
                _ => Moment::Writing(Duration::from_micros(500).mul_f64(part)),
            };
            match kill_at(&run, epochs, moment) {
                End::Done => break,
                End::Killed => {
                    kills += 1;
                    early += u64::from(matches!(moment, Moment::Starting(_)));
                    halves += u64::from(assert_readable(&run));
                }
            }
        }
        to_the_end(&run, epochs);
        assert!(!assert_readable(&run), "nothing half is left by an end");
        assert_same(&left_by(&whole), &left_by(&run));
    }
    println!(
        "{kills} kills with seed {seed} in {runs} runs of {} steps, {early} of them while the process started, {halves} within the writing of a file",
        epochs * 6
    );
}
