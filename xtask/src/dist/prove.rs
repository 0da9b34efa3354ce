//! The archive, unpacked elsewhere and run: first with no environment, then in a root that holds the bundle, the system's C and C++
//! run time and nothing else.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;

use super::libraries::{SYSTEM, read};
use crate::workspace;

/// Where Debian and its relatives keep them.
const FOLDERS: &[&str] = &[
    "/lib64",
    "/lib/x86_64-linux-gnu",
    "/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/lib",
];

/// Runs the proofs; a line on each.
pub fn run(archive: &Path, name: &str) -> Result<Vec<String>> {
    let place = tempfile::Builder::new()
        .prefix(".proof-")
        .tempdir_in(archive.parent().unwrap_or(archive))?;
    let root = place.path().join("root");
    let opt = root.join("opt");
    fs::create_dir_all(&opt)?;
    tar::Archive::new(GzDecoder::new(File::open(archive)?))
        .unpack(&opt)
        .with_context(|| format!("could not unpack {}", archive.display()))?;
    fs::rename(opt.join(name), opt.join("osteon"))?;

    let program = opt.join("osteon/bin/osteon");
    let films = root.join("films");
    let test = films.join("test").display().to_string();
    let run = |words: &[&str]| {
        let mut command = Command::new(&program);
        workspace::printed(command.args(words).env_clear().current_dir("/"))
    };
    let shown = films.display().to_string();
    run(&["data", "synth", &shown, "--images", "8"])?;
    let scored = scores(&run(&["predict", "--json", &test])?)?;
    let mut lines = vec![format!(
        "unpacked elsewhere, without environment: {scored} images have a score"
    )];

    system(&program, &root)?;
    // A namespace of one user, whose root is that folder: no privilege is needed where the kernel allows it. libtorch reads
    // /dev/urandom and /proc/cpuinfo.
    let apart = |words: &[&str]| {
        let mut command = Command::new("unshare");
        command
            .args(["--map-root-user", "--mount", "--pid", "--fork", "sh", "-ec"])
            .arg("mount --rbind /dev dev; mount -t proc proc proc; exec chroot . \"$@\"")
            .arg("sh")
            .args(words)
            .current_dir(&root)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        workspace::printed(&mut command)
    };
    lines.push(match apart(&["/opt/osteon/bin/osteon", "--version"]) {
        Err(_) if !allowed() => {
            "not shown here: in a root of its own (`unshare` and mounts are not allowed)".to_owned()
        }
        version => {
            let version = version?;
            let scored = scores(&apart(&["/opt/osteon/bin/osteon", "predict", "--json", "/films/test"])?)?;
            format!(
                "{}, in a root of its own that holds nothing but the bundle and the C and C++ run time: {scored} images have a score",
                version.trim()
            )
        }
    });
    Ok(lines)
}

fn allowed() -> bool {
    let mut command = Command::new("unshare");
    command.args([
        "--map-root-user",
        "--mount",
        "--pid",
        "--fork",
        "--root=/",
        "true",
    ]);
    command.output().is_ok_and(|output| output.status.success())
}

/// Copies the C and C++ run time to where the system has it.
fn system(program: &Path, root: &Path) -> Result<()> {
    let binary = read(program)?.context("the program is no ELF file")?;
    ensure!(!binary.needs.is_empty(), "the program needs no library");
    for name in SYSTEM {
        for found in FOLDERS.iter().map(|folder| Path::new(folder).join(name)) {
            if found.is_file() {
                let to: PathBuf = root.join(found.strip_prefix("/")?);
                fs::create_dir_all(to.parent().unwrap_or(root))?;
                fs::copy(&found, &to)
                    .with_context(|| format!("could not copy {}", found.display()))?;
            }
        }
    }
    for mounted in ["dev", "proc", "tmp"] {
        fs::create_dir_all(root.join(mounted))?;
    }
    Ok(())
}

/// How many lines of `osteon predict --json` have a score between 0 and 1; all must.
fn scores(json: &str) -> Result<usize> {
    let mut count = 0;
    for line in json.lines() {
        let film: serde_json::Value = serde_json::from_str(line)?;
        let score = film["score"].as_f64();
        ensure!(
            score.is_some_and(|score| (0.0..=1.0).contains(&score)),
            "an image without a score: {line}"
        );
        count += 1;
    }
    ensure!(count > 0, "no image was scored");
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_film_without_a_score_is_no_proof() {
        assert_eq!(scores("{\"score\":0.5}\n{\"score\":1.0}\n").unwrap(), 2);
        assert!(scores("").is_err());
        assert!(scores("{\"path\":\"x\",\"error\":\"damaged\"}").is_err());
    }
}
