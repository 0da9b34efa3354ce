//! Images that vanish, change or turn to garbage under a run.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;

use osteon_data::Split;
use osteon_train::config::Unreadable;
use osteon_train::{Event, Plan, StopReason, TrainError, train};

use crate::runs::{alone, films, go, plan};

/// The first file of a folder.
fn a_file(folder: &Path) -> PathBuf {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("lists")
        .map(|item| item.expect("entry").path())
        .collect();
    files.sort();
    files.swap_remove(0)
}

/// Images read, and those that did not read, with the reason.
type Told = (usize, Vec<(String, String)>);

/// Trains; once a split was listed, and before its images are read, `harm` is done. What was said of the split: images and unreadable ones.
fn train_with(
    plan: &Plan,
    split: Split,
    harm: impl Fn() + Sync,
) -> (Result<StopReason, TrainError>, Option<Told>) {
    let mut told = None;
    let mut observer = |event: &Event<'_>| match event {
        Event::Reading { split: now, .. } if *now == split => harm(),
        Event::Read {
            split: now,
            films,
            unreadable,
            ..
        } if *now == split => {
            let pairs = unreadable.iter().map(|u| (u.id.clone(), u.reason.clone()));
            told = Some((*films, pairs.collect()));
        }
        _ => {}
    };
    let done = train(plan, &mut observer, &AtomicBool::new(false));
    (done.map(|outcome| outcome.reason), told)
}

#[test]
fn films_that_vanish_or_turn_to_garbage_before_they_are_read_are_named_and_counted() {
    let _alone = alone();
    for split in [Split::Train, Split::Val] {
        for policy in [Unreadable::Skip, Unreadable::Repair, Unreadable::Error] {
            let dir = films();
            let mut plan = plan(dir.path(), "run", 1);
            plan.config.data.unreadable = policy;
            let set = dir.path().join("set").join(split.name());
            let gone = a_file(&set.join("fractured"));
            let garbage = a_file(&set.join("not fractured"));
            let (done, told) = train_with(&plan, split, || {
                std::fs::remove_file(&gone).expect("removes");
                std::fs::write(&garbage, b"\x89PNG\r\n\x1a\nno image").expect("writes");
            });
            let (films, unreadable) = told.expect("read");
            let names: Vec<&str> = unreadable.iter().map(|(id, _)| id.as_str()).collect();
            let ids = [&gone, &garbage].map(|path| {
                let id = path.strip_prefix(dir.path().join("set")).expect("below");
                id.to_str().expect("UTF-8").to_owned()
            });
            assert_eq!(names, ids, "{policy:?}");
            assert!(unreadable[0].1.contains("No such file"), "{unreadable:?}");
            assert_eq!(films, if split == Split::Train { 40 } else { 7 });
            match policy {
                Unreadable::Error => {
                    let said = done.expect_err("two do not read").to_string();
                    assert!(
                        said.contains("2 images of") && said.contains(&ids[0]),
                        "{said}"
                    );
                }
                _ => assert_eq!(done.expect("trains on the rest"), StopReason::Finished),
            }
        }
    }
}

/// A cache holds what its name says or is not made.
#[test]
fn films_that_change_while_they_are_packed_are_named() {
    let _alone = alone();
    let dir = films();
    let mut plan = plan(dir.path(), "run", 1);
    plan.config.data.cache = dir.path().join("cache");
    go(&plan).expect("trains");
    // The pack is found again by what the stamps say of the files: what is decoded anew after a change must be what was looked at.
    let film = a_file(&dir.path().join("set/train/fractured"));
    let other = std::fs::read(a_file(&dir.path().join("set/train/not fractured"))).expect("reads");
    plan.run = dir.path().join("second");
    let (done, told) = train_with(&plan, Split::Train, || {
        std::fs::write(&film, &other).expect("writes");
    });
    assert_eq!(done.expect("trains"), StopReason::Finished);
    assert_eq!(told.expect("read").0, 42);
    plan.run = dir.path().join("third");
    let (done, told) = train_with(&plan, Split::Train, || {
        std::fs::remove_file(&film).expect("removes");
    });
    assert_eq!(done.expect("trains"), StopReason::Finished);
    let (films, unreadable) = told.expect("read");
    assert_eq!((films, unreadable.len()), (41, 1));
}

#[test]
fn films_that_changed_between_a_run_and_its_going_on_are_refused() {
    let _alone = alone();
    for cached in [false, true] {
        for split in ["train", "val"] {
            let dir = films();
            let mut plan = plan(dir.path(), "run", 2);
            if cached {
                plan.config.data.cache = dir.path().join("cache");
            }
            let stop = AtomicBool::new(false);
            let mut observer = |event: &Event<'_>| {
                if matches!(event, Event::Step { .. }) {
                    stop.store(true, std::sync::atomic::Ordering::Relaxed);
                }
            };
            train(&plan, &mut observer, &stop).expect("stops");
            plan.resume = true;
            let set = dir.path().join("set").join(split);
            let (film, other) = (
                a_file(&set.join("fractured")),
                a_file(&set.join("not fractured")),
            );
            let before = std::fs::read(&film).expect("reads");
            for change in [
                std::fs::read(&other).expect("reads"),
                b"garbage".to_vec(),
                before[..before.len() / 2].to_vec(),
            ] {
                std::fs::write(&film, change).expect("writes");
                let error = go(&plan).expect_err("other images");
                let said = error.to_string();
                let what = if split == "train" {
                    "training images: "
                } else {
                    "val images: "
                };
                assert!(error.is_usage() && said.contains(what), "{said}");
            }
            std::fs::write(&film, &before).expect("fixes");
            go(&plan).expect("the images are those of the run again");
        }
    }
}

const RUN: &str = "OSTEON_TEST_PACKED_RUN";
const HARM: &str = "OSTEON_TEST_HARM";

fn packed_plan(run: &Path) -> Plan {
    let dir = run.parent().expect("a folder");
    let mut plan = plan(
        dir,
        run.file_name().and_then(|n| n.to_str()).expect("UTF-8"),
        3,
    );
    plan.config.data.cache = dir.join("cache");
    plan.config.train.checkpoint_steps = 1;
    plan.resume = run.join("config.toml").exists();
    plan
}

/// Not a test of its own: trains from a cache and, after four steps, harms the packs that are mapped.
#[test]
#[ignore = "started by another test"]
fn child() {
    let Ok(run) = std::env::var(RUN) else { return };
    let plan = packed_plan(Path::new(&run));
    let harm = std::env::var(HARM).unwrap_or_default();
    let mut steps = 0;
    let mut observer = |event: &Event<'_>| {
        if let Event::Step { .. } = event {
            steps += 1;
            if steps == 4 {
                harm_packs(&plan.config.data.cache, &harm);
            }
        }
    };
    match train(&plan, &mut observer, &AtomicBool::new(false)) {
        Ok(_) => {}
        Err(error) => {
            eprintln!("said: {error}");
            std::process::exit(7);
        }
    }
}

fn harm_packs(cache: &Path, harm: &str) {
    for item in std::fs::read_dir(cache).expect("lists") {
        let path = item.expect("entry").path();
        if path.extension().is_none_or(|e| e != "safetensors") {
            continue;
        }
        let length = std::fs::metadata(&path).expect("there").len();
        match harm {
            "" => {}
            "remove" => std::fs::remove_file(&path).expect("removes"),
            // As root may, and nobody else: a pack is read-only.
            "truncate" => {
                let file = std::fs::OpenOptions::new().write(true).open(&path);
                file.expect("root").set_len(4096).expect("truncates");
            }
            "damage" => {
                use std::os::unix::fs::FileExt;
                let file = std::fs::OpenOptions::new().write(true).open(&path);
                let zeros = vec![0x55; length as usize - 4096];
                file.expect("root")
                    .write_all_at(&zeros, 4096)
                    .expect("writes");
            }
            other => panic!("{other}?"),
        }
    }
}

/// What stands under a run's final names is whole, and going on ends as if nothing had been.
#[test]
fn a_pack_that_is_harmed_while_a_run_reads_it_spoils_nothing() {
    let dir = films();
    let go_on = |run: &Path, harm: &str| {
        Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "vanish::child", "--ignored", "--nocapture"])
            .env(RUN, run)
            .env(HARM, harm)
            .output()
            .expect("starts")
    };
    let whole = dir.path().join("whole");
    assert!(go_on(&whole, "").status.success());
    let expected = std::fs::read(whole.join("model.safetensors")).expect("reads");
    for harm in ["remove", "damage", "truncate"] {
        let run = dir.path().join(harm);
        let output = go_on(&run, harm);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        println!("{harm}: {}", output.status);
        match harm {
            // The name is gone, the file is not before the last who has it open.
            "remove" => assert!(output.status.success(), "{said}"),
            "damage" => assert!(
                output.status.code() == Some(7) && said.contains("safetensors"),
                "{}: {said}",
                output.status
            ),
            // SIGBUS: no program can go on without the memory that it reads.
            _ => assert!(!output.status.success(), "{said}"),
        }
        let again = go_on(&run, "");
        assert!(
            again.status.success(),
            "{}",
            String::from_utf8_lossy(&again.stderr)
        );
        let model = std::fs::read(run.join("model.safetensors")).expect("reads");
        assert!(model == expected, "{harm}: another model");
    }
}
