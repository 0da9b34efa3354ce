//! A node in a process of its own: this very program, called to be one.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use osteon_dicom::listen::{Options, listen};
use osteon_model::{Device, Predictor};

/// How long something may take that is sure to come: a loaded machine is no failure.
pub const PATIENCE: Duration = Duration::from_mins(5);

/// What the child is told, in the order of [`Setting`]'s fields.
const VARIABLE: &str = "OSTEON_TEST_NODE";

/// What differs from the defaults.
#[derive(Debug, Clone, Copy, Default)]
pub struct Setting<'a> {
    pub node: &'a str,
    pub caller: &'a str,
    /// 0 for the default.
    pub max_associations: usize,
    pub max_object: u64,
    /// Seconds.
    pub timeout: u64,
    pub max_pause: u64,
}

/// Not a test but the child: listens until SIGTERM if it was called by one.
#[test]
fn child() {
    let Ok(told) = std::env::var(VARIABLE) else {
        return;
    };
    let told: Vec<&str> = told.split('\n').collect();
    let number = |at: usize| told[at].parse::<u64>().expect("a number");
    let given = |at: usize| Some(number(at)).filter(|&n| n > 0);
    let mut options = Options::new(
        "OSTEON".parse().expect("a title"),
        ([127, 0, 0, 1], 0).into(),
        told[0].into(),
    );
    options.node = Some(told[1])
        .filter(|n| !n.is_empty())
        .map(|n| n.parse().expect("a node"));
    options.callers.extend(
        Some(told[2])
            .filter(|c| !c.is_empty())
            .map(|c| c.parse().expect("a title")),
    );
    options.max_associations = given(3).map_or(options.max_associations, |n| n as usize);
    options.max_object = given(4).unwrap_or(options.max_object);
    options.timeout = given(5).map_or(options.timeout, Duration::from_secs);
    options.max_pause = given(6).map_or(options.max_pause, Duration::from_secs);
    let stop = Arc::new(AtomicBool::new(false));
    let asked = stop.clone();
    ctrlc::set_handler(move || asked.store(true, Ordering::Relaxed)).expect("once");
    let predictor = Predictor::shipped(Device::Cpu).expect("loads");
    let ended = listen(&predictor, &options, &stop, &|event| eprintln!("{event}"));
    if let Err(error) = ended {
        eprintln!("{error}");
        std::process::exit(1);
    }
    std::process::exit(0);
}

/// This program, to be a node with its spool in `dir`.
pub fn command(dir: &Path, setting: Setting<'_>) -> Command {
    let Setting {
        node,
        caller,
        max_associations,
        max_object,
        timeout,
        max_pause,
    } = setting;
    let spool = dir.join("spool");
    let spool = spool.display();
    let told = format!(
        "{spool}\n{node}\n{caller}\n{max_associations}\n{max_object}\n{timeout}\n{max_pause}"
    );
    let mut command = Command::new(std::env::current_exe().expect("has a place"));
    command
        .args([
            "--exact",
            "node::child",
            "--nocapture",
            "--test-threads",
            "1",
        ])
        .env(VARIABLE, told)
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

/// A node on a free port, and what it has said.
pub struct Node {
    child: Child,
    pub port: u16,
    said: Arc<(Mutex<Vec<String>>, Condvar)>,
}

impl Node {
    pub fn start(dir: &Path, setting: Setting<'_>) -> Self {
        let mut child = command(dir, setting).spawn().expect("starts");
        let said = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        let heard = said.clone();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                heard.0.lock().expect("whole").push(line);
                heard.1.notify_all();
            }
        });
        let mut node = Self {
            child,
            port: 0,
            said,
        };
        let line = node.wait("listening on", 1);
        let address = line
            .split("listening on ")
            .nth(1)
            .and_then(|rest| rest.split(';').next());
        let port = address.and_then(|a| a.rsplit(':').next());
        node.port = port.and_then(|p| p.parse().ok()).expect("a port");
        node
    }

    /// Waits until it has said this so often; gives the last line that does.
    pub fn wait(&self, what: &str, times: usize) -> String {
        let lines = self.said.0.lock().expect("whole");
        let count = |lines: &[String]| lines.iter().filter(|l| l.contains(what)).count();
        let (lines, late) = self
            .said
            .1
            .wait_timeout_while(lines, PATIENCE, |lines| count(lines) < times)
            .expect("whole");
        assert!(
            !late.timed_out(),
            "{times} × {what:?} never came: {lines:#?}"
        );
        lines
            .iter()
            .rfind(|line| line.contains(what))
            .cloned()
            .unwrap_or_default()
    }

    pub fn has_said(&self, what: &str) -> usize {
        let lines = self.said.0.lock().expect("whole");
        lines.iter().filter(|line| line.contains(what)).count()
    }

    /// SIGTERM; gives the exit code.
    pub fn stop(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").arg(pid).status().expect("starts");
        assert!(asked.success());
        self.child.wait().expect("ends").code()
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().expect("is there");
        self.child.wait().expect("ends");
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
