//! A full disk, a run folder that can only be read, a limit on files, and two trainers on one folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::{assert_code, osteon, set, stderr};

/// Tells an ignored test of this file where its set is: it was started in a mount namespace of its own.
const INSIDE: &str = "OSTEON_TEST_MOUNTS";

/// A checkpoint each step, all of them kept.
const RUN: &str = "train --config tiny.toml --data set --device cpu --set train.threads=1 --set train.checkpoint_steps=1 --set train.keep_checkpoints=1000 --set train.patience=0 --run";

/// Runs an ignored test of this file where it may mount what it likes, and nobody else sees it; `false` where that is not allowed.
fn in_own_mounts(test: &str, dir: &Path) -> bool {
    for how in [&["--mount"][..], &["--map-root-user", "--mount"]] {
        let may = Command::new("unshare")
            .args(how)
            .args(["mount", "-t", "tmpfs", "tmpfs", "/mnt"])
            .output();
        if !may.is_ok_and(|output| output.status.success()) {
            continue;
        }
        let output = Command::new("unshare")
            .args(how)
            .arg(std::env::current_exe().expect("this program"))
            .args(["--exact", test, "--ignored", "--nocapture"])
            .env(INSIDE, dir)
            .output()
            .expect("starts");
        assert_code(&output, 0);
        return true;
    }
    false
}

fn mount(arguments: &[&str], at: &Path) {
    let output = Command::new("mount")
        .args(arguments)
        .arg(at)
        .output()
        .expect("starts");
    assert_code(&output, 0);
}

/// Every file of a run that says what was learned, by its place; `except` for what is not to be there, or is of another time.
fn left(run: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for folder in [run.to_owned(), run.join("checkpoints")] {
        for item in std::fs::read_dir(folder).expect("lists") {
            let path = item.expect("entry").path();
            let name = path.file_name().and_then(|n| n.to_str()).expect("UTF-8");
            let end = path.extension().and_then(|end| end.to_str());
            assert!(end != Some("part"), "{name} was left");
            if end == Some("safetensors") {
                let place = path.strip_prefix(run).expect("below").to_owned();
                found.insert(place, std::fs::read(&path).expect("reads"));
            }
        }
    }
    found
}

/// Holds what a run left to the same files of a whole one: all that is there is whole and the same.
fn assert_part_of(part: &BTreeMap<PathBuf, Vec<u8>>, whole: &BTreeMap<PathBuf, Vec<u8>>) {
    for (place, bytes) in part {
        // The best model so far may be of an earlier epoch.
        if place.starts_with("checkpoints") {
            assert!(whole[place] == *bytes, "{} is another", place.display());
        }
    }
}

#[test]
fn a_full_disk_is_named_and_nothing_is_lost() {
    let dir = set();
    assert_code(&osteon(dir.path(), &format!("{RUN} whole")), 0);
    if !in_own_mounts("faults::full_disk_inside", dir.path()) {
        println!("skipped: neither root nor a user namespace may mount a tmpfs here");
    }
}

#[test]
#[ignore = "started by another test, in a mount namespace"]
fn full_disk_inside() {
    let Ok(dir) = std::env::var(INSIDE) else {
        return;
    };
    let dir = PathBuf::from(dir);
    let run = dir.join("small");
    std::fs::create_dir(&run).expect("makes");
    let whole = left(&dir.join("whole"));
    let checkpoint = whole
        .iter()
        .find(|(place, _)| place.starts_with("checkpoints"))
        .expect("one")
        .1
        .len();
    // Room for about so many checkpoints: the disk is full in the first epoch, in the second, and right at the start.
    for checkpoints in [3, 8, 0] {
        let size = format!("size={}k,mode=700", checkpoint * checkpoints / 1024 + 24);
        mount(&["-t", "tmpfs", "-o", &size, "tmpfs"], &run);
        let output = osteon(&dir, &format!("{RUN} small"));
        assert_code(&output, 1);
        let said = stderr(&output);
        assert!(said.contains("cannot write small/"), "{said}");
        assert!(said.contains("No space left on device"), "{said}");
        assert!(
            said.contains("Free some space there, or choose another place"),
            "{said}"
        );
        let found = if checkpoints == 0 {
            BTreeMap::new()
        } else {
            left(&run)
        };
        assert_part_of(&found, &whole);
        if checkpoints > 0 {
            assert!(
                said.contains("`osteon train --resume --run small` goes on"),
                "{said}"
            );
            assert!(!found.is_empty(), "{said}");
            // Still full: the same again, and still nothing is lost.
            let again = osteon(&dir, "train --resume --run small");
            assert_code(&again, 1);
            assert!(stderr(&again).contains("No space left on device"));
            assert_eq!(left(&run), found);
        }
        mount(&["-o", "remount,size=64m"], &run);
        let go_on = if run.join("config.toml").exists() {
            "train --resume --run small".to_owned()
        } else {
            format!("{RUN} small")
        };
        assert_code(&osteon(&dir, &go_on), 0);
        assert!(left(&run) == whole, "another end");
        let gone = Command::new("umount").arg(&run).status();
        assert!(gone.expect("starts").success());
    }
}

#[test]
fn a_run_folder_that_can_only_be_read_is_named_and_nothing_is_lost() {
    let dir = set();
    assert_code(&osteon(dir.path(), &format!("{RUN} whole")), 0);
    if !in_own_mounts("faults::read_only_inside", dir.path()) {
        println!("skipped: neither root nor a user namespace may mount a tmpfs here");
    }
}

#[test]
#[ignore = "started by another test, in a mount namespace"]
fn read_only_inside() {
    let Ok(dir) = std::env::var(INSIDE) else {
        return;
    };
    let dir = PathBuf::from(dir);
    let run = dir.join("locked");
    std::fs::create_dir(&run).expect("makes");
    mount(&["-t", "tmpfs", "-o", "size=64m", "tmpfs"], &run);
    let whole = left(&dir.join("whole"));
    // From the beginning.
    mount(&["-o", "remount,ro"], &run);
    let output = osteon(&dir, &format!("{RUN} locked"));
    assert_code(&output, 1);
    let said = stderr(&output);
    assert!(
        said.contains("cannot write locked/run.lock: Read-only file system"),
        "{said}"
    );
    assert!(said.contains("Make it writable again"), "{said}");
    // A folder within a run that goes on.
    mount(&["-o", "remount,rw"], &run);
    let kept = run.join("checkpoints");
    std::fs::create_dir(&kept).expect("makes");
    mount(&["-t", "tmpfs", "-o", "size=64m,ro", "tmpfs"], &kept);
    std::fs::write(
        run.join("config.toml"),
        std::fs::read(dir.join("whole/config.toml")).expect("reads"),
    )
    .expect("writes");
    let output = osteon(&dir, "train --resume --run locked");
    assert_code(&output, 1);
    let said = stderr(&output);
    assert!(
        said.contains(
            "cannot write locked/checkpoints/step-000000001.safetensors: Read-only file system"
        ),
        "{said}"
    );
    assert!(
        said.contains("`osteon train --resume --run locked` goes on"),
        "{said}"
    );
    mount(&["-o", "remount,rw"], &kept);
    assert_code(&osteon(&dir, "train --resume --run locked"), 0);
    assert!(left(&run) == whole, "another end");
}

/// The way that needs nothing of the system: the kernel ends a process that writes beyond its limit (SIGXFSZ), as hard as a kill.
#[test]
fn a_limit_on_the_size_of_files_loses_nothing() {
    let dir = set();
    let dir = dir.path();
    assert_code(&osteon(dir, &format!("{RUN} whole")), 0);
    let whole = left(&dir.join("whole"));
    let size = |name: &str| {
        whole
            .iter()
            .filter(|(place, _)| place.starts_with(name))
            .map(|(_, bytes)| bytes.len())
            .max()
    };
    // Checkpoints fit, the model does not.
    let (checkpoint, model) = (
        size("checkpoints").expect("one"),
        size("model.safetensors").expect("one"),
    );
    let limit = checkpoint.min(model).saturating_sub(1);
    let limited = Command::new("prlimit")
        .arg(format!("--fsize={limit}"))
        .arg(env!("CARGO_BIN_EXE_osteon"))
        .args(format!("{RUN} limited").split_whitespace())
        .current_dir(dir)
        .output();
    let Ok(limited) = limited else {
        println!("skipped: there is no prlimit");
        return;
    };
    assert!(!limited.status.success());
    println!("{}: {}", limited.status, stderr(&limited));
    assert_code(&osteon(dir, "train --resume --run limited"), 0);
    assert!(left(&dir.join("limited")) == whole, "another end");
}

/// A process that does not outlive its test.
struct Guarded(Child);

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_second_trainer_is_refused_until_the_first_is_gone() {
    let dir = set();
    let dir = dir.path();
    let long = RUN.replace("--run", "--set train.epochs=100000 --run");
    let first = Command::new(env!("CARGO_BIN_EXE_osteon"))
        .args(format!("{long} run").split_whitespace())
        .current_dir(dir)
        .stderr(Stdio::null())
        .spawn();
    let mut first = Guarded(first.expect("starts"));
    // It holds the folder before it reads an image.
    while !dir.join("run/checkpoints").exists() {
        assert!(first.0.try_wait().expect("asks").is_none(), "it ended");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    for second in [
        format!("{long} run"),
        "train --resume --run run".to_owned(),
        "train --resume --force --run run".to_owned(),
    ] {
        let output = osteon(dir, &second);
        assert_code(&output, 1);
        let said = stderr(&output);
        assert!(
            said.contains("error: run is in use by another training process"),
            "{said}"
        );
    }
    // Reading is free: the best model is whole at any moment.
    while !dir.join("run/model.safetensors").exists() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_code(
        &osteon(
            dir,
            "evaluate --model run/model.safetensors --data set --split val",
        ),
        0,
    );
    assert_code(
        &osteon(dir, "predict --model run/model.safetensors set/val"),
        0,
    );
    assert!(
        first.0.try_wait().expect("asks").is_none(),
        "the first goes on"
    );
    drop(first);
    // The lock goes with the process, however it ended.
    assert_code(
        &osteon(dir, "train --resume --force --run run --set train.epochs=1"),
        0,
    );
}

/// The report at the end reads val once more.
#[test]
fn a_film_of_val_that_vanishes_under_a_run_is_said() {
    let dir = set();
    let dir = dir.path();
    let run = Command::new(env!("CARGO_BIN_EXE_osteon"))
        .args(format!("{RUN} run --set train.epochs=30").split_whitespace())
        .current_dir(dir)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let mut run = Guarded(run.expect("starts"));
    while !dir.join("run/checkpoints").exists() {
        assert!(run.0.try_wait().expect("asks").is_none(), "it ended");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let film = std::fs::read_dir(dir.join("set/val/fractured"))
        .expect("lists")
        .next();
    let film = film.expect("one").expect("entry").path();
    std::fs::remove_file(film).expect("removes");
    let mut said = String::new();
    std::io::Read::read_to_string(&mut run.0.stderr.take().expect("piped"), &mut said)
        .expect("UTF-8");
    assert_eq!(run.0.wait().expect("ends").code(), Some(0), "{said}");
    assert!(
        said.contains("the model was chosen on 9, the report is of the 8 there are now"),
        "{said}"
    );
    assert!(!said.contains("cannot"), "{said}");
}
