//! Ctrl-C and SIGTERM: real signals to the real program.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::{assert_code, osteon, set};

/// `osteon` at work, and what it says on stderr, line by line.
struct Running {
    child: Child,
    lines: Receiver<String>,
    said: String,
}

/// Far longer than anything here takes: a test that waits so long has failed.
const LONG: Duration = Duration::from_mins(2);

impl Running {
    fn start(dir: &Path, arguments: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_osteon"))
            .current_dir(dir)
            .args(arguments.split_whitespace())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            lines,
            said: String::new(),
        }
    }

    /// Waits for a line that holds these words; whether it came before the end.
    fn says(&mut self, words: &str) -> bool {
        while let Ok(line) = self.lines.recv_timeout(LONG) {
            self.said = format!("{}{line}\n", self.said);
            if line.contains(words) {
                return true;
            }
        }
        false
    }

    fn send(&self, signal: &str) {
        let sent = Command::new("kill")
            .args(["-s", signal, &self.child.id().to_string()])
            .status();
        // It may have ended by itself: then there is nobody to send to.
        assert!(sent.is_ok(), "there is no `kill`");
    }

    /// Its end, and all it said.
    fn end(mut self) -> (ExitStatus, String) {
        self.says("\0");
        (self.child.wait().expect("ends"), self.said)
    }
}

const LONG_RUN: &str = "train --config tiny.toml --data set --device cpu --set train.threads=1 --set train.epochs=40 --set train.patience=0 --run";

fn model(dir: &Path, run: &str) -> Vec<u8> {
    std::fs::read(dir.join(run).join("model.safetensors")).expect("a model")
}

#[test]
fn once_finishes_the_step_and_going_on_ends_with_the_same_bits() {
    let dir = set();
    let dir = dir.path();
    assert_code(&osteon(dir, &format!("{LONG_RUN} whole")), 0);
    for (run, signal) in [("int", "INT"), ("term", "TERM")] {
        let mut running = Running::start(dir, &format!("{LONG_RUN} {run}"));
        assert!(running.says("epoch"), "{}", running.said);
        running.send(signal);
        let (status, said) = running.end();
        assert_eq!(status.code(), Some(130), "{status}: {said}");
        assert!(said.contains("stopping after this step"), "{said}");
        assert!(
            said.contains(&format!("`osteon train --resume --run {run}` goes on")),
            "{said}"
        );
        let kept = std::fs::read_dir(dir.join(run).join("checkpoints")).expect("lists");
        assert!(kept.count() > 0);
        assert_code(
            &osteon(
                dir,
                &format!("evaluate --model {run}/model.safetensors --data set --split val"),
            ),
            0,
        );
        // From the run's own config; nothing is asked for anew.
        assert_code(&osteon(dir, &format!("train --resume --run {run}")), 0);
        assert!(
            model(dir, run) == model(dir, "whole"),
            "{signal}: another model"
        );
    }
}

/// Wherever it comes, while images are read, within a step, while val is judged: 130 and nothing lost, until the run ends by itself.
#[test]
fn at_any_moment_it_is_130_and_nothing_is_lost() {
    let dir = set();
    let dir = dir.path();
    assert_code(&osteon(dir, &format!("{LONG_RUN} whole")), 0);
    let mut arguments = format!("{LONG_RUN} often");
    let mut interrupted = 0;
    for delay in [0, 3, 11, 29, 47, 90, 130, 210] {
        let mut running = Running::start(dir, &arguments);
        // From the first line on the signal has a handler.
        assert!(running.says(""), "it said nothing");
        std::thread::sleep(Duration::from_millis(delay));
        running.send("INT");
        let (status, said) = running.end();
        match status.code() {
            Some(130) => interrupted += 1,
            Some(0) => break,
            _ => panic!("{status}: {said}"),
        }
        "train --resume --run often".clone_into(&mut arguments);
    }
    println!("interrupted {interrupted} times");
    assert!(interrupted > 0);
    assert_code(&osteon(dir, "train --resume --run often"), 0);
    assert!(model(dir, "often") == model(dir, "whole"), "another model");
}

/// While images of 64 megapixels are read, of which it takes a while until the first is done.
#[test]
fn twice_ends_at_once_whatever_is_under_way() {
    let dir = set();
    let large = dir.path().join("large.png");
    image::GrayImage::new(8000, 8000)
        .save(&large)
        .expect("writes");
    for class in ["fractured", "not fractured"] {
        let films = std::fs::read_dir(dir.path().join("set/train").join(class)).expect("lists");
        for film in films {
            let film = film.expect("entry").path();
            std::fs::remove_file(&film).expect("removes");
            std::fs::hard_link(&large, &film).expect("links");
        }
    }
    for signal in ["INT", "TERM"] {
        let arguments = format!("train --config tiny.toml --data set --device cpu --run {signal}");
        let mut running = Running::start(dir.path(), &arguments);
        // It is there before the first image is read, and after the signal has a handler.
        while !dir.path().join(signal).join("run.lock").exists() {
            assert!(
                running.child.try_wait().expect("asks").is_none(),
                "it ended"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        running.send(signal);
        assert!(
            running.says("once more to stop at once"),
            "{}",
            running.said
        );
        running.send(signal);
        let (status, said) = running.end();
        assert_eq!(status.code(), Some(130), "{status}: {said}");
    }
}

/// The threads of libtorch are at work then: exit handlers that ran beside them would end the process by a crash.
#[test]
fn twice_while_it_computes_is_no_crash() {
    let dir = set();
    for number in 0..8 {
        let run = format!("run-{number}");
        let arguments = format!("{LONG_RUN} {run} --set train.checkpoint_steps=1");
        let mut running = Running::start(dir.path(), &arguments);
        while !dir.path().join(&run).join("checkpoints").exists() {
            assert!(
                running.child.try_wait().expect("asks").is_none(),
                "it ended"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        running.send("INT");
        assert!(
            running.says("once more to stop at once"),
            "{}",
            running.said
        );
        running.send("INT");
        let (status, said) = running.end();
        assert_eq!(status.code(), Some(130), "{status}: {said}");
    }
}

#[test]
fn folds_and_sweeps_go_on_where_they_were() {
    let dir = set();
    let dir = dir.path();
    let folds = "train --folds 3 --config tiny.toml --data set --device cpu --set train.threads=1 --set train.epochs=15 --run";
    assert_code(&osteon(dir, &format!("{folds} whole")), 0);
    let mut running = Running::start(dir, &format!("{folds} parts"));
    assert!(running.says("epoch"), "{}", running.said);
    running.send("INT");
    let (status, said) = running.end();
    assert_eq!(status.code(), Some(130), "{status}: {said}");
    assert!(
        said.contains("--resume --folds 3 --run parts` goes on"),
        "{said}"
    );
    assert_code(&osteon(dir, "train --resume --folds 3 --run parts"), 0);
    let scores =
        |run: &str| std::fs::read_to_string(dir.join(run).join("out_of_fold.csv")).expect("reads");
    assert_eq!(scores("parts"), scores("whole"));

    let sweep = "sweep --config tiny.toml --data set --device cpu --set train.threads=1 --set train.epochs=15 --grid optimizer.lr=1e-3,3e-3 --out";
    assert_code(&osteon(dir, &format!("{sweep} all")), 0);
    let mut running = Running::start(dir, &format!("{sweep} some"));
    assert!(running.says("epoch"), "{}", running.said);
    running.send("INT");
    let (status, said) = running.end();
    assert_eq!(status.code(), Some(130), "{status}: {said}");
    assert!(said.contains("the same command goes on"), "{said}");
    assert_code(&osteon(dir, &format!("{sweep} some")), 0);
    let table =
        |out: &str| std::fs::read_to_string(dir.join(out).join("sweep.csv")).expect("reads");
    assert_eq!(table("some"), table("all"));
}
