//! How long libgomp's threads spin: told before it is loaded.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

use std::process::Command;

/// What libgomp says it was told, as it does when it is loaded, and how the program ended.
fn told(arguments: &[&str], set: &[(&str, &str)]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_osteon"))
        .args(arguments)
        .env_remove("GOMP_SPINCOUNT")
        .env_remove("OMP_WAIT_POLICY")
        .env("OMP_DISPLAY_ENV", "verbose")
        .envs(set.iter().copied())
        .output()
        .expect("starts");
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("Usage"));
    let said = String::from_utf8_lossy(&output.stderr);
    let count = |line: &str| {
        Some(
            line.split_once("GOMP_SPINCOUNT = '")?
                .1
                .split_once('\'')?
                .0
                .to_owned(),
        )
    };
    let found: Vec<String> = said.lines().filter_map(count).collect();
    assert_eq!(found.len(), 1, "libgomp is loaded once: {said}");
    found[0].clone()
}

#[test]
fn what_learns_spins_shorter_unless_it_is_said_how_long() {
    for command in ["train", "sweep"] {
        assert_eq!(told(&[command, "--help"], &[]), "1000");
    }
    assert_eq!(told(&["train", "--help"], &[("GOMP_SPINCOUNT", "7")]), "7");
    let said = told(&["train", "--help"], &[("OMP_WAIT_POLICY", "passive")]);
    assert_ne!(said, "1000");
    assert_ne!(told(&["predict", "--help"], &[]), "1000");
}
