//! The steps of `cargo xtask ci` on a small workspace: each passes where all is well, and fails where it should.

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

/// The virtual environment of the real workspace, where it has one with this program.
fn tools(small: &Small, program: &str) -> bool {
    let real = root().join("target/python/venv");
    if !real.join("bin").join(program).is_file() {
        println!("skipped: {program} is not in target/python/venv");
        return false;
    }
    std::fs::create_dir_all(small.root().join("target/python")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(real, small.root().join("target/python/venv")).unwrap();
    cfg!(unix)
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
    if !tools(&small, "cargo-deny") {
        return;
    }
    small.write(
        "fuzz/Cargo.toml",
        "[workspace]\n[package]\nname = \"fuzz\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n",
    );
    small.write("fuzz/src/lib.rs", "");
    small.lock("");
    small.lock("fuzz");
    passes(&small, "licences");
    // Only what may be published is looked at.
    let manifest = small.read("crates/cli/Cargo.toml");
    let other = manifest.replace("\"MIT\"\npublish = false", "\"AGPL-3.0-only\"");
    small.write("crates/cli/Cargo.toml", &other);
    let said = fails(&small, "licences");
    assert!(said.contains("AGPL-3.0-only"), "{said}");
    // A lock that is not up to date is refused, not mended.
    small.write("crates/cli/Cargo.toml", &manifest.replace("0.1.0", "0.2.0"));
    fails(&small, "licences");
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
