//! What may stand in the sources.

use crate::files;

/// Lines of one file, at most.
const LONGEST: usize = 600;

#[test]
fn no_file_is_longer_than_a_person_reads() {
    let mut all = files("crates", &["rs", "cpp", "js", "py"]);
    all.extend(files("xtask", &["rs", "py"]));
    all.extend(files("build", &["rs"]));
    assert!(all.len() > 300);
    let long: Vec<_> = all
        .iter()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST)
        .collect();
    assert!(long.is_empty(), "over {LONGEST} lines: {long:?}");
}

/// The lints deny printing in the whole workspace; the front ends alone allow it for themselves.
#[test]
fn libraries_print_nothing() {
    for (path, text) in files("crates", &["rs"]) {
        // Build scripts talk to cargo by printing; tests and examples to whoever runs them.
        let library = path.split('/').nth(2) == Some("src") && !path.starts_with("crates/cli/");
        for lint in ["print_stdout", "print_stderr", "dbg_macro"] {
            assert!(
                !library || !text.contains(&format!("clippy::{lint}")),
                "{path} allows {lint}"
            );
        }
    }
    let workspace = std::fs::read_to_string(crate::root().join("Cargo.toml")).unwrap();
    for lint in ["print_stdout", "print_stderr", "dbg_macro"] {
        assert!(
            workspace.contains(&format!("\n{lint} = \"deny\"\n")),
            "{lint}"
        );
    }
}

/// A library's error says what is the case. Which flag or command helps is the program's to say (`crates/cli/src/advice.rs`), for whoever embeds a crate has
/// neither. `--set` alone may stand: it names the place a setting came from.
#[test]
fn errors_of_libraries_name_no_flag_and_no_command() {
    let advice = ["--", "cargo xtask", "osteon ", "exit code"];
    let (mut read, mut found) = (0, Vec::new());
    for (path, text) in files("crates", &["rs"]) {
        let library = path.split('/').nth(2) == Some("src") && !path.starts_with("crates/cli/");
        if !library || !path.contains("/error") {
            continue;
        }
        read += 1;
        for (number, line) in text.lines().enumerate() {
            let code = line.trim_start();
            let code = if code.starts_with("//") { "" } else { code };
            if code.contains('"')
                && advice
                    .iter()
                    .any(|word| code.replace("--set", "").contains(word))
            {
                found.push(format!("{path}:{}: {code}", number + 1));
            }
        }
    }
    assert!(read >= 7, "only {read} files of errors were found");
    assert!(found.is_empty(), "{found:#?}");
}

/// What of tch and libtorch reads a pickle, or a program with one in it. Importing one is a command of its own.
#[test]
fn no_pickle_is_read_but_by_an_explicit_import() {
    const READERS: &[&str] = &[
        "load_multi",
        "load_multi_with_device",
        "loadz_multi",
        "CModule::load",
        "TrainableCModule::load",
        "pickle_load",
        ".load_partial(",
        "Unpickler",
        "serde_pickle",
    ];
    for (path, text) in files("crates", &["rs", "cpp", "h"]) {
        if path.contains("/tests/") || path.contains("import") {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let found = READERS.iter().find(|reader| code.contains(**reader));
            assert!(found.is_none(), "{path}:{}: {}", number + 1, line.trim());
        }
    }
}

/// Unsafe code is denied by a lint; each file that allows it is named here, so that no new one slips in with a change.
#[test]
fn unsafe_code_is_where_it_was_agreed_on() {
    const AGREED: &[&str] = &[
        "crates/cli/src/openmp.rs",
        "crates/collective/src/ffi",
        "crates/data/src/augment/fused",
        "crates/data/src/dataset/pack.rs",
        "crates/kernels/src",
        "crates/model/src/allocator.rs",
    ];
    for (path, text) in files("crates", &["rs"]) {
        let agreed = AGREED.iter().any(|agreed| path.starts_with(agreed));
        let allows = text.contains("unsafe_code");
        assert!(
            agreed || !allows || path.contains("/tests/"),
            "{path} allows unsafe code"
        );
    }
}

/// Each block says why it is sound, where a person reads it.
#[test]
fn every_unsafe_block_says_why_it_is_sound() {
    for (path, text) in files("crates", &["rs"]) {
        let lines: Vec<&str> = text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if !code.contains("unsafe {") && !code.contains("unsafe impl") {
                continue;
            }
            let before = &lines[number.saturating_sub(8)..=number];
            let says = before.iter().any(|line| line.contains("SAFETY:"));
            assert!(says, "{path}:{}: {}", number + 1, line.trim());
        }
    }
}
