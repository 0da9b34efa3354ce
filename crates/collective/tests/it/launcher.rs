//! Under torchrun itself, where a Python with torch is at hand.

use std::path::{Path, PathBuf};
use std::process::Command;

/// `OSTEON_TORCH_PYTHON`, else the benchmarks' virtual environment.
fn python() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("OSTEON_TORCH_PYTHON") {
        return Some(named.into());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = root.join("target/bench/venv/bin/python");
    python.exists().then_some(python)
}

/// The example beside this test: cargo builds it with the tests of the package.
fn example() -> Option<PathBuf> {
    let test = std::env::current_exe().ok()?;
    let profile = test.parent()?.parent()?;
    let example = profile.join("examples/all_reduce_speed");
    example.exists().then_some(example)
}

#[test]
fn torchrun_launches_two() {
    let Some(python) = python() else {
        eprintln!("skipped: no Python with torch; name one in OSTEON_TORCH_PYTHON");
        return;
    };
    let Some(example) = example() else {
        eprintln!("skipped: the example is not built (`cargo test -p collective` builds it)");
        return;
    };
    let output = Command::new(&python)
        .args(["-m", "torch.distributed.run", "--no-python", "--standalone"])
        .args(["--nproc-per-node", "2"])
        .arg(example)
        .args(["--bytes", "4000", "--repeats", "2"])
        .env("OMP_NUM_THREADS", "1")
        .env_remove("LD_LIBRARY_PATH")
        .output()
        .unwrap();
    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    if stderr.contains("No module named") {
        eprintln!("skipped: {} has no torch", python.display());
        return;
    }
    assert!(output.status.success(), "{stdout}\n{stderr}");
    let lines: Vec<&str> = stdout
        .lines()
        .filter(|line| line.starts_with('{'))
        .collect();
    // Rank 0 alone speaks.
    assert_eq!(lines.len(), 1, "{stdout}");
    let said: serde_json::Value = serde_json::from_str(lines[0]).unwrap();
    assert_eq!(said["world_size"], 2);
    assert_eq!(said["launcher_serves"], true);
    assert_eq!(said["bytes"], 4000);
}
