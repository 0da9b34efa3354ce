//! The workspace held to what docs/ARCHITECTURE.md says of it.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]
#![allow(clippy::print_stdout, reason = "a test that is skipped says why")]

mod chores;
mod ci_steps;
mod commands;
mod contests;
mod layers;
mod layout;
mod pages;
mod places;
mod small;
mod sources;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The workspace's root folder.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// How a command ended, and what it said on stdout and on stderr.
fn run(command: &mut Command) -> (Output, String, String) {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    (output, out, err)
}

/// Names of the folders in `crates/`.
fn crates() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(root().join("crates"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().join("Cargo.toml").is_file())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(names.len() > 5, "{names:?}");
    names
}

/// Every file below a folder with one of these extensions, with its path from the root. Made folders are left out.
fn files(below: &str, extensions: &[&str]) -> Vec<(String, String)> {
    let root = root();
    let made = |name: &str| name == "target" || name == "node_modules" || name.starts_with('.');
    let mut found = Vec::new();
    let walk = walkdir::WalkDir::new(root.join(below)).sort_by_file_name();
    for entry in walk
        .into_iter()
        .filter_entry(|entry| !made(&entry.file_name().to_string_lossy()))
    {
        let entry = entry.unwrap();
        let extension = entry
            .path()
            .extension()
            .unwrap_or_default()
            .to_string_lossy();
        if entry.file_type().is_file() && extensions.contains(&extension.as_ref()) {
            let path = entry.path().strip_prefix(&root).unwrap();
            let text = std::fs::read_to_string(entry.path()).unwrap();
            found.push((path.to_string_lossy().replace('\\', "/"), text));
        }
    }
    found
}
