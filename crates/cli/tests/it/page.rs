//! The web page of `osteon serve`, driven in a real browser. See `crates/serve/tests/browser`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::serve::serve;

/// Node's modules (`OSTEON_NODE`, or where CI puts them) and the browser; or what is missing.
fn browser() -> Result<(PathBuf, PathBuf), String> {
    let made = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/node");
    let modules = std::env::var_os("OSTEON_NODE").map_or(made, PathBuf::from);
    for name in ["playwright-core", "axe-core"] {
        if !modules.join("node_modules").join(name).is_dir() {
            return Err(format!(
                "{} has no {name} (set OSTEON_NODE)",
                modules.display()
            ));
        }
    }
    let chromium =
        std::env::var_os("OSTEON_CHROMIUM").map_or("/usr/bin/chromium".into(), PathBuf::from);
    if !chromium.is_file() {
        return Err(format!(
            "no browser at {} (set OSTEON_CHROMIUM)",
            chromium.display()
        ));
    }
    match Command::new("node").arg("--version").output() {
        Ok(output) if output.status.success() => Ok((modules, chromium)),
        _ => Err("no node".to_owned()),
    }
}

#[test]
fn the_page_does_what_it_says_in_a_browser() {
    let (modules, chromium) = match browser() {
        Ok(found) => found,
        Err(missing) => {
            eprintln!("skipped: {missing}");
            return;
        }
    };
    let dir = tempfile::tempdir().expect("temporary folder");
    let token = "a-token-for-this-test-and-no-other";
    std::fs::write(dir.path().join("token"), token).expect("writes");
    // A busy machine takes its time.
    let patient = ["--timeout", "120", "--log", "quiet"];
    let open = serve(dir.path(), &patient);
    let guarded = serve(
        dir.path(),
        &[&patient[..], &["--token-file", "token"]].concat(),
    );
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../serve/tests/browser");
    let run = Command::new("node")
        .arg(scripts.join("run.mjs"))
        .args([open.url.as_str(), guarded.url.as_str(), token])
        .env("OSTEON_NODE", modules)
        .env("OSTEON_CHROMIUM", chromium)
        .output()
        .expect("starts");
    let said = String::from_utf8_lossy(&run.stdout);
    let complained = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}\n{complained}");
    // None was lost on the way: a folder that is not found has no checks that fail.
    assert!(
        said.lines().filter(|line| line.starts_with("ok ")).count() >= 30,
        "{said}"
    );
    println!("{said}");
}
