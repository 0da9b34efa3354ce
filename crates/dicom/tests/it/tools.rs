//! The tools of others that look at DICOM.

use std::path::Path;
use std::process::{Command, Output};

/// Whether a tool is installed; says so where it is not.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
pub fn has(tool: &str) -> bool {
    let there = Command::new(tool).arg("--version").output().is_ok();
    if !there {
        println!("skipped: no {tool} here");
    }
    there
}

/// What a tool says of a file.
pub fn said(tool: &str, arguments: &[&str], file: &Path) -> String {
    let output: Output = Command::new(tool)
        .args(arguments)
        .arg(file)
        .output()
        .expect("starts");
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// The errors that `dciodvfy` (dicom3tools) finds in an object, by its definition in the standard.
pub fn errors(file: &Path) -> Vec<String> {
    said("dciodvfy", &[], file)
        .lines()
        .filter(|line| line.starts_with("Error"))
        .map(str::to_owned)
        .collect()
}
