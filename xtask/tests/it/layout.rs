//! What lies where.

use crate::{crates, root};

/// What a person sees first. Another folder at the top is a decision, not an accident.
const TOP: &[&str] = &[
    ".cargo",
    ".ci",
    ".dockerignore",
    ".gitignore",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "build",
    "clippy.toml",
    "configs",
    "crates",
    "data",
    "deny.toml",
    "docs",
    "fuzz",
    "packaging",
    "rustfmt.toml",
    "xtask",
];

#[test]
fn the_top_level_is_as_agreed() {
    let Ok(git) = std::process::Command::new("git")
        .current_dir(root())
        .args(["ls-tree", "--name-only", "HEAD"])
        .output()
    else {
        println!("skipped: there is no git");
        return;
    };
    let text = String::from_utf8(git.stdout).unwrap();
    if !git.status.success() {
        println!("skipped: this is no checkout");
        return;
    }
    let strange: Vec<_> = text.lines().filter(|name| !TOP.contains(name)).collect();
    assert!(strange.is_empty(), "at the top: {strange:?}");
}

/// A person who needs one crate reads its README first, and what it shows is run.
#[test]
fn every_crate_has_a_readme_whose_example_is_run() {
    for name in crates() {
        let folder = root().join("crates").join(&name);
        let readme = std::fs::read_to_string(folder.join("README.md"));
        let readme = readme.unwrap_or_else(|_| panic!("{name} has no README.md"));
        let library = std::fs::read_to_string(folder.join("src/lib.rs"));
        let Ok(library) = library else {
            // A program: its example is a command.
            assert!(
                readme.contains("```sh") || readme.contains("```console"),
                "{name}"
            );
            continue;
        };
        assert!(
            library.contains("#![doc = include_str!(\"../README.md\")]"),
            "{name}: the README's example is not run"
        );
        let runs = readme
            .lines()
            .any(|line| ["```rust", "```rust,no_run"].contains(&line.trim()));
        assert!(runs, "{name}: the README has no example");
        assert!(folder.join("examples").is_dir(), "{name} has no examples");
        assert!(
            folder.join("tests/it/main.rs").is_file(),
            "{name} has no integration tests"
        );
    }
    assert!(root().join("xtask/README.md").is_file());
}
