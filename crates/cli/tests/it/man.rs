//! What packagers install beside the program.

use std::process::Command;

use crate::{assert_code, osteon, stderr, stdout};

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().join("man1");
    assert_code(&osteon(folder.path(), "man man1"), 0);
    let read = |name: &str| std::fs::read_to_string(dir.join(name)).expect(name);
    let first = read("osteon.1");
    for command in ["train", "predict", "data", "completions"] {
        assert!(
            first.contains(&format!("osteon\\-{command}(1)")),
            "{command}"
        );
        assert!(read(&format!("osteon-{command}.1")).contains(".SH OPTIONS") || command == "data");
    }
    assert!(read("osteon-data-audit.1").contains("Look for copies"));
    // What is for packagers alone is not among the commands.
    assert!(!first.contains("osteon\\-man"));
    // groff's own word on its markup.
    match Command::new("groff")
        .args(["-man", "-Tutf8", "-ww", "-z", "man1/osteon-train.1"])
        .current_dir(folder.path())
        .output()
    {
        Ok(read) => assert!(
            read.status.success() && read.stderr.is_empty(),
            "{}",
            stderr(&read)
        ),
        Err(_) => println!("skipped: there is no groff"),
    }
}

#[test]
fn completions_name_the_commands_and_are_scripts() {
    let here = std::path::Path::new(".");
    for shell in ["bash", "zsh", "fish"] {
        let output = osteon(here, &format!("completions {shell}"));
        assert_code(&output, 0);
        let script = stdout(&output);
        for word in ["evaluate", "heatmap", "fracatlas"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
        // As the shell itself reads it, where there is one.
        match Command::new(shell).args(["-n", "-c", &script]).output() {
            Ok(read) => assert!(read.status.success(), "{shell}: {}", stderr(&read)),
            Err(_) => println!("skipped: there is no {shell}"),
        }
    }
}
