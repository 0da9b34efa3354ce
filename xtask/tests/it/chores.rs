//! The commands that build the program and have it work for hours, on a small workspace: what they call, keep, check and leave behind.

use std::path::Path;
use std::process::Command;

use crate::small::{Ended, Small};

/// The lines of what the program was called with.
fn calls(log: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn dist(small: &Small) -> Command {
    small.xtask(&["dist", "--profile", "dev"])
}

const ARCHIVE: &str = "target/dist/osteon-0.1.0-x86_64-unknown-linux-gnu.tar.gz";

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
fn the_archive_is_whole_proved_and_the_same_each_time() {
    let small = Small::new();
    small.lock("");
    let said = Ended::of(&mut dist(&small)).passed();
    assert!(
        said.contains("without environment: 1 images have a score"),
        "{said}"
    );
    let read = || std::fs::read(small.root().join(ARCHIVE)).unwrap();
    let first = read();
    // As people check it.
    let file = Path::new(ARCHIVE).file_name().unwrap().to_str().unwrap();
    let mut check = Command::new("sha256sum");
    check.args(["--check", "--status", &format!("{file}.sha256")]);
    check.current_dir(small.root().join("target/dist"));
    assert!(check.status().unwrap().success());

    let unpacked = small.root().join("unpacked");
    std::fs::create_dir(&unpacked).unwrap();
    let mut tar = Command::new("tar");
    tar.arg("-xzf")
        .arg(small.root().join(ARCHIVE))
        .arg("-C")
        .arg(&unpacked);
    assert!(tar.status().unwrap().success());
    let top = unpacked.join("osteon-0.1.0-x86_64-unknown-linux-gnu");
    for path in [
        "bin/osteon",
        "lib/systemd/system/osteon.service",
        "share/bash-completion/completions/osteon",
        "share/doc/osteon/MODEL_CARD.md",
        "share/doc/osteon/README.md",
        "share/doc/osteon/THIRD-PARTY.txt",
        "share/man/man1/osteon.1",
        "share/osteon/configs/accurate.toml",
        "share/osteon/accurate.safetensors",
    ] {
        assert!(top.join(path).is_file(), "{path}");
    }
    let bill = std::fs::read_to_string(top.join("share/doc/osteon/osteon.cdx.json")).unwrap();
    let bill: serde_json::Value = serde_json::from_str(&bill).unwrap();
    let parts = bill["components"].as_array().unwrap();
    assert!(
        parts
            .iter()
            .any(|part| part["name"] == "accurate.safetensors"),
        "{bill}"
    );

    Ended::of(&mut dist(&small)).passed();
    assert!(read() == first, "a second archive of the same differs");
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
fn a_program_that_gives_no_score_is_not_given_away() {
    let small = Small::new();
    small.lock("");
    let said = Ended::of(dist(&small).env("SMALL_SCORE", "1.5")).failed();
    assert!(said.contains("an image without a score"), "{said}");
}

#[test]
fn the_bill_of_materials_needs_no_build() {
    let small = Small::new();
    small.lock("");
    let said = Ended::of(&mut small.xtask(&["dist", "--sbom"])).passed();
    assert!(said.contains("osteon.cdx.json"), "{said}");
    assert!(!small.root().join("target/debug").exists());
}

/// What `cargo xtask train-shipped` is called with.
fn shipped(small: &Small, more: &[&str]) -> Command {
    small.write("data/fracatlas/train/fractured/a.png", "");
    small.write("data/kaggle/train/fractured/b.png", "");
    for (source, file) in [("fracatlas", "a.png"), ("kaggle", "b.png")] {
        let table =
            format!("split,class,file,cluster,cluster_rep\ntrain,fractured,{file},{source},1\n");
        small.write(&format!("data/manifests/{source}.csv"), &table);
    }
    let fixed = ["train-shipped", "--data", "data", "--out", "runs"];
    let mut command = small.xtask(&[&fixed[..], more].concat());
    command.env("SMALL_LOG", small.root().join("calls"));
    command
}

#[test]
fn a_training_that_broke_off_goes_on_where_it_was_and_only_a_whole_one_ships() {
    let small = Small::new();
    small.example("gate-fit", "gate", "fitted");
    let (accurate, fast) = (
        "crates/model/shipped/accurate.safetensors",
        "crates/model/shipped/fast.safetensors",
    );
    let before = small.read(fast);
    let log = small.root().join("calls");

    let said = Ended::of(&mut shipped(&small, &["--dry-run"])).passed();
    assert!(
        said.contains("accurate-folds: osteon train") && said.contains("then: gate copy"),
        "{said}"
    );
    assert!(calls(&log).is_empty());

    // The last training fails: the first model ships, the second is as it was.
    Ended::of(shipped(&small, &[]).env("SMALL_FAILS", "runs/fast")).failed();
    assert!(
        small
            .read(accurate)
            .contains("accurate-average.safetensors")
    );
    assert_eq!(small.read(fast), before);
    let failed = calls(&log);
    let verbs: Vec<_> = failed
        .iter()
        .map(|call| call.split(' ').next().unwrap())
        .collect();
    assert_eq!(
        verbs,
        ["train", "shrink", "train", "shrink", "info", "train"],
        "{failed:?}"
    );
    // It had begun.
    small.write("runs/fast/config.toml", "");

    let said = Ended::of(&mut shipped(&small, &[])).passed();
    assert!(said.contains("accurate-folds: done, kept"), "{said}");
    assert!(said.contains("ROC-AUC on val 0.9004"), "{said}");
    let rest = &calls(&log)[6..];
    assert!(
        rest[0].starts_with("shrink") && rest[1].starts_with("info --card"),
        "{rest:?}"
    );
    assert!(
        rest[2].starts_with("train --resume --run") && rest[2].ends_with("fast"),
        "{rest:?}"
    );
    assert!(
        rest[3].starts_with("shrink") && rest[4].starts_with("info --card"),
        "{rest:?}"
    );
    assert_eq!(rest.len(), 5);
    assert!(small.read(fast).contains("runs/fast"));
    let card = small.read("docs/MODEL_CARD_FAST.md");
    assert!(card.starts_with("# Card of train"), "{card}");
}

#[test]
fn a_training_without_its_images_does_not_begin() {
    let small = Small::new();
    let words = ["train-shipped", "--data", "none", "--out", "runs"];
    let said = Ended::of(&mut small.xtask(&words)).failed();
    assert!(said.contains("there are no images at"), "{said}");
    assert!(!small.root().join("runs").exists());
}

#[test]
fn quickstart_leads_from_nothing_to_a_judged_model_and_spares_earlier_runs() {
    let small = Small::new();
    let log = small.root().join("calls");
    let quickstart = || Ended::of(small.xtask(&["quickstart"]).env("SMALL_LOG", &log)).passed();
    let said = quickstart();
    assert!(said.contains("0.875 [0.500 to 1.000] (ROC-AUC)"), "{said}");
    assert!(
        said.contains("75.0 %") && said.contains("an undefined share"),
        "{said}"
    );
    let first = calls(&log);
    let verbs: Vec<_> = first
        .iter()
        .map(|call| call.split(' ').next().unwrap())
        .collect();
    assert_eq!(verbs, ["data", "train", "evaluate", "predict"]);
    assert!(first[2].contains("--split test"), "{first:?}");
    // The images are there now, and the first run is not touched.
    quickstart();
    let second = &calls(&log)[4..];
    assert!(second[0].contains("--run runs/quickstart-2"), "{second:?}");
    assert_eq!(second.len(), 3);
}

#[test]
fn parity_hands_both_exports_to_the_comparison_and_ends_as_it_ends() {
    let small = Small::new();
    let script = "import sys\nprint(' '.join(sys.argv[1:]))\nsys.exit(int('--json' in sys.argv))\n";
    small.write("xtask/parity/parity.py", script);
    let parity = |more: &[&str]| {
        let words = [&["parity", "--films", "none", "--count", "4"], more].concat();
        Ended::of(small.xtask(&words).env("OSTEON_PYTHON", "python3"))
    };
    let ended = parity(&[
        "--json",
        "--model",
        "crates/model/shipped/accurate.safetensors",
    ]);
    assert_eq!(ended.output.status.code(), Some(1), "{}", ended.said);
    let said = parity(&[]).passed();
    for part in [
        "--torchscript",
        "--onnx",
        "--osteon",
        "--count 4",
        "target/parity/synthetic",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(small.read("target/parity/model.onnx"), "onnx");
}
