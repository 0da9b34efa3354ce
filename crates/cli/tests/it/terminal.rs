//! `train --tui` on a terminal that util-linux's `script` makes: what it draws, what it hears, and how it gives the terminal back.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::set;

const ENTER: &str = "\u{1b}[?1049h";
const LEAVE: &str = "\u{1b}[?1049l";

#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn script_is_there() -> bool {
    let version = Command::new("script").arg("--version").output();
    let there = version.is_ok_and(|said| said.stdout.windows(10).any(|part| part == b"util-linux"));
    if !there {
        println!("skipped: there is no `script` of util-linux");
    }
    there
}

/// Types `keys` once the terminal shows `sign`; what it showed in all, and the exit code. Afterwards `stty` tells how it was left.
fn on_a_terminal(command: &str, sign: &str, keys: &[u8]) -> (String, Option<i32>) {
    let dir = set();
    let osteon = env!("CARGO_BIN_EXE_osteon");
    let line = format!("stty rows 40 cols 120; '{osteon}' {command}; code=$?; stty -a; exit $code");
    let mut child = Command::new("script")
        .args([
            "--quiet",
            "--return",
            "--flush",
            "--command",
            &line,
            "/dev/null",
        ])
        .current_dir(dir.path())
        .env("SHELL", "/bin/sh")
        .env("TERM", "xterm-256color")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut out = child.stdout.take().expect("piped");
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = out.read(&mut buffer) {
            if send.send(buffer[..count].to_vec()).is_err() {
                break;
            }
        }
    });
    let mut stdin = child.stdin.take().expect("piped");
    let (mut shown, mut typed) = (Vec::new(), false);
    let end = Instant::now() + Duration::from_mins(5);
    // Ends when the program has closed the terminal.
    while let Ok(part) = receive.recv_timeout(end.saturating_duration_since(Instant::now())) {
        shown.extend(part);
        if !typed && String::from_utf8_lossy(&shown).contains(sign) {
            stdin.write_all(keys).expect("types");
            typed = true;
        }
    }
    let code = child.wait().expect("ends").code();
    (String::from_utf8_lossy(&shown).into_owned(), code)
}

#[test]
fn q_ends_the_dashboard_and_the_terminal_is_as_it_was() {
    if !script_is_there() {
        return;
    }
    let command = "train --tui --config tiny.toml --data set --run run --device cpu --set train.epochs=100000 --set train.patience=0";
    // Scrolls, asks for a fresh picture, then for the end.
    let (shown, code) = on_a_terminal(command, "img/s", b"kj\x0cq");
    assert_eq!(code, Some(130), "{shown}");
    let enter = shown.find(ENTER).expect("takes the screen");
    let leave = shown.rfind(LEAVE).expect("gives it back");
    assert!(enter < leave);
    // The run's lines stay on the terminal, and what else is typed is shown again.
    let after = &shown[leave..];
    assert!(after.contains("interrupted "), "{after}");
    // At once: nothing is judged.
    assert!(!after.contains("ROC-AUC"), "{after}");
    assert!(after.contains("goes on"), "{after}");
    assert!(
        after.contains(" icanon") && after.contains(" echo "),
        "{after}"
    );
}

#[test]
fn v_stops_and_judges() {
    if !script_is_there() {
        return;
    }
    let command = "train --tui --config tiny.toml --data set --run run --device cpu --set train.epochs=100000 --set train.patience=0";
    let (shown, code) = on_a_terminal(command, "img/s", b"v");
    assert_eq!(code, Some(130), "{shown}");
    let after = &shown[shown.rfind(LEAVE).expect("gives it back")..];
    assert!(after.contains("interrupted after"), "{after}");
    assert!(after.contains("ROC-AUC"), "{after}");
}

#[test]
fn a_run_that_ends_by_itself_gives_the_terminal_back() {
    if !script_is_there() {
        return;
    }
    let command = "train --tui --config tiny.toml --data set --run run --device cpu";
    let (shown, code) = on_a_terminal(command, ENTER, b"");
    assert_eq!(code, Some(0), "{shown}");
    let after = &shown[shown.rfind(LEAVE).expect("gives it back")..];
    assert!(after.contains("epoch   2/2"), "{after}");
    assert!(
        after.contains(" icanon") && after.contains(" echo "),
        "{after}"
    );
}
