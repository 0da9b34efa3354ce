//! The steps of `cargo xtask ci` on a small workspace: each passes where all is well, and fails where it should.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::root;
use crate::small::{Ended, Small};

/// How the summary says that a step ended.
fn step(small: &Small, name: &str) -> Ended {
    Ended::of(&mut small.xtask(&["ci", "--only", name]))
}

#[track_caller]
fn passes(small: &Small, name: &str) {
    let said = step(small, name).passed();
    assert!(said.contains(&format!("passed   {name}")), "{said}");
}

#[track_caller]
fn fails(small: &Small, name: &str) -> String {
    let said = step(small, name).failed();
    assert!(said.contains(&format!("FAILED   {name}")), "{said}");
    said
}

/// A program of the real workspace's virtual environment, where it has it.
fn tool(small: &Small, program: &str) -> bool {
    let bin = Path::new("target/python/venv/bin").join(program);
    if !cfg!(unix) || !root().join(&bin).is_file() {
        println!("skipped: there is no {}", bin.display());
        return false;
    }
    let here = small.root().join(&bin);
    std::fs::create_dir_all(here.parent().unwrap()).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(root().join(bin), here).unwrap();
    true
}

/// A workspace for fuzz targets beside the other, and both locks.
fn fuzz(small: &Small) {
    let manifest = "[workspace]\n[package]\nname = \"fuzz\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n";
    small.write("fuzz/Cargo.toml", manifest);
    small.write("fuzz/src/lib.rs", "");
    small.lock("");
    small.lock("fuzz");
}

#[test]
fn what_is_not_formatted_is_refused() {
    let small = Small::new();
    small.package("data", "");
    small.write("crates/cli/src/main.rs", "//! Nothing.\nfn main() {}\n");
    passes(&small, "format");
    small.write("crates/data/src/lib.rs", "//! Empty.\nmod   a { }\n");
    let said = fails(&small, "format");
    assert!(said.contains("cargo fmt"), "{said}");
}

#[test]
fn warnings_are_refused_in_code_and_in_its_pages() {
    let small = Small::new();
    small.write("crates/cli/src/main.rs", "//! Nothing.\nfn main() {}\n");
    passes(&small, "clippy");
    passes(&small, "documentation");
    small.write(
        "crates/cli/src/main.rs",
        "//! See [`Nowhere`].\nfn main() {\n    let x = 1;\n}\n",
    );
    assert!(fails(&small, "clippy").contains("unused variable"));
    assert!(fails(&small, "documentation").contains("Nowhere"));
}

#[test]
fn a_test_that_fails_is_told_with_its_name() {
    let small = Small::new();
    small.package("data", "turbo = []\njpeg-ls = []\n");
    small.write("crates/data/tests/it.rs", "//! One.\n#[test]\nfn with_both() {\n    assert!(cfg!(all(feature = \"turbo\", feature = \"jpeg-ls\")));\n}\n");
    let said = step(&small, "codecs").passed();
    assert!(
        ["passed   codecs", "skipped  codecs"]
            .iter()
            .any(|end| said.contains(end)),
        "{said}"
    );
    // Without the features.
    let said = fails(&small, "tests");
    assert!(said.contains("with_both"), "{said}");
    let ended = Ended::of(&mut small.xtask(&["test", "--", "no_such_test"]));
    assert!(ended.passed().contains("0 passed"));
    let ended = Ended::of(&mut small.xtask(&["test"]));
    // Cargo's own exit code.
    assert_eq!(ended.output.status.code(), Some(101), "{}", ended.said);
}

#[test]
fn the_stated_toolchain_is_looked_at() {
    let small = Small::new();
    let said = step(&small, "toolchain").passed();
    assert!(said.contains(env!("CARGO_PKG_RUST_VERSION")), "{said}");
}

#[test]
fn a_licence_that_is_not_allowed_is_refused() {
    let small = Small::new();
    if !tool(&small, "cargo-deny") {
        return;
    }
    fuzz(&small);
    passes(&small, "licences");
    // Only what may be published is looked at.
    let manifest = small.read("crates/cli/Cargo.toml");
    let other = manifest.replace("\"MIT\"\npublish = false", "\"AGPL-3.0-only\"");
    small.write("crates/cli/Cargo.toml", &other);
    let said = fails(&small, "licences");
    assert!(said.contains("AGPL-3.0-only"), "{said}");
    // A lock that is not up to date is refused, not fixed.
    small.write("crates/cli/Cargo.toml", &manifest.replace("0.1.0", "0.2.0"));
    fails(&small, "licences");
}

/// Where cargo-deny looks for `RustSec`'s database; the number is made of its address.
const DATABASE: &str = "home/advisory-dbs/advisory-db-3157b0e258782691";
const HOLE: &str = r#"```toml
[advisory]
id = "RUSTSEC-2026-9999"
package = "libc"
date = "2026-01-01"
categories = ["memory-corruption"]

[versions]
patched = [">= 999.0.0"]
```

# A hole made up for a test

It is none.
"#;

/// A folder for cargo with the crates that are fetched already, and a database of one hole.
fn home(small: &Small, hole: &str) -> Option<PathBuf> {
    let real = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let real = real.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")))?;
    let git = Command::new("git").arg("--version").output();
    if !real.join("registry/cache").is_dir() || !git.is_ok_and(|git| git.status.success()) {
        println!(
            "skipped: no fetched crates in {}, or no git",
            real.display()
        );
        return None;
    }
    small.write(
        &format!("{DATABASE}/crates/libc/RUSTSEC-2026-9999.md"),
        hole,
    );
    for words in [
        &["init", "--quiet"][..],
        &["add", "."],
        &["commit", "--quiet", "--message", "One"],
    ] {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=none", "-c", "user.email=none@localhost"])
            .args(words);
        let ended = Ended::of(git.current_dir(small.root().join(DATABASE)));
        ended.passed();
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink(real.join("registry"), small.root().join("home/registry")).unwrap();
    Some(small.root().join("home"))
}

/// The program with a dependency of the real workspace, in the real one's version.
fn with_dependency(small: &Small) {
    let real = std::fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let libc = real
        .split("\n\n")
        .find(|part| part.contains("name = \"libc\""))
        .unwrap();
    let manifest = small.read("crates/cli/Cargo.toml") + "\n[dependencies]\nlibc = \"0.2\"\n";
    small.write("crates/cli/Cargo.toml", &manifest);
    let lock = small.read("Cargo.lock");
    let lock = lock.replace(
        "name = \"cli\"\nversion = \"0.1.0\"\n",
        "name = \"cli\"\nversion = \"0.1.0\"\ndependencies = [\n \"libc\",\n]\n",
    );
    small.write(
        "Cargo.lock",
        &format!("{}\n\n{}\n", lock.trim_end(), libc.trim_end()),
    );
}

#[test]
fn a_known_hole_in_what_is_used_is_refused_by_both_programs() {
    for program in ["cargo-deny", "cargo-audit"] {
        let small = Small::new();
        if !tool(&small, program) {
            continue;
        }
        fuzz(&small);
        with_dependency(&small);
        let Some(home) = home(&small, HOLE) else {
            return;
        };
        let advisories = |small: &Small| {
            Ended::of(
                small
                    .xtask(&["ci", "--only", "advisories"])
                    .env("CARGO_HOME", &home),
            )
        };
        let said = advisories(&small).failed();
        assert!(said.contains("RUSTSEC-2026-9999"), "{said}");
        assert!(said.contains("FAILED   advisories"), "{said}");
        // What is fixed since long is no hole.
        let fixed = HOLE.replace("999.0.0", "0.0.1");
        small.write(
            &format!("{DATABASE}/crates/libc/RUSTSEC-2026-9999.md"),
            &fixed,
        );
        let said = advisories(&small).passed();
        assert!(said.contains("passed   advisories"), "{said}");
    }
}

#[test]
fn the_environment_of_judges_is_made_once_and_its_absence_skips() {
    let small = Small::new();
    small.write(".ci/requirements.txt", "no-such-package==1.0\n");
    let said = step(&small, "python").passed();
    assert!(said.contains("skipped  python"), "{said}");
    if said.contains("No module named")
        || !small.root().join("target/python/venv/bin/python").exists()
    {
        println!("skipped: there is no Python that makes environments");
        return;
    }
    small.write(".ci/requirements.txt", "# nothing\n");
    passes(&small, "python");
    assert_eq!(
        small.read("target/python/venv/requirements.txt"),
        "# nothing\n"
    );
    // It is not asked again.
    assert!(!step(&small, "python").passed().contains("pip"));
}

#[test]
fn what_browsers_and_debian_bring_is_asked_for_politely() {
    let small = Small::new();
    assert!(step(&small, "browser").passed().contains("imports nothing"));
    let package = r#"{"name":"none","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"none","version":"1.0.0"}}}"#;
    let folder = "crates/serve/tests/browser";
    small.write(
        &format!("{folder}/package.json"),
        r#"{"name":"none","version":"1.0.0"}"#,
    );
    small.write(&format!("{folder}/package-lock.json"), package);
    let said = step(&small, "browser").passed();
    assert!(
        said.contains("passed   browser") || said.contains("there is no npm"),
        "{said}"
    );
    // Without `--install` nothing is installed.
    let said = step(&small, "packages").passed();
    assert!(!said.contains("$ apt-get"), "{said}");
}

#[test]
fn a_unit_that_systemd_does_not_understand_is_refused() {
    let small = Small::new();
    small.lock("");
    let said = step(&small, "packaging").passed();
    assert!(
        small.root().join("target/dist/osteon.cdx.json").is_file(),
        "{said}"
    );
    if said.contains("no systemd-analyze") {
        println!("skipped: there is no systemd-analyze");
        return;
    }
    let unit = small.read("packaging/osteon.service");
    small.write(
        "packaging/osteon.service",
        &unit.replace("ExecStart=", "ExecStart=relative/"),
    );
    assert!(fails(&small, "packaging").contains("osteon.service"));
}
