//! The contests of `cargo xtask bench` on a small workspace: who is called, how their figures become the tables of docs/BENCHMARKS.md, and
//! what happens where one fails. The programs answer at once with figures that are known.

use std::path::Path;

use crate::small::{Ended, Small};

/// What every script of the others prints: one line that all contests understand.
const PEER: &str = r#"import json
print("some words first")
print(json.dumps({"img_per_s": 100, "img_per_cpu_s": 50, "peak_rss_mb": 10, "b1_p50_ms": 4, "b1_p99_ms": 8, "foreign_cpu": 0.25}))
"#;
const OURS: &str = r#"{"img_per_s":300,"img_per_cpu_s":150,"peak_rss_mb":5,"b1_p50_ms":2,"b1_p99_ms":3,"foreign_cpu":0.125}"#;

/// With the others' scripts in `peers`, and modules by the names of those that would be installed.
fn small() -> Small {
    let small = Small::new();
    small.write("peers/requirements.txt", "# nothing\n");
    for name in ["albumentations", "cached", "dali", "opencv", "torchvision"] {
        small.write(&format!("peers/{name}_pipeline.py"), PEER);
    }
    small.write(
        "peers/make_xrays.py",
        "import os, sys\nos.makedirs(os.path.join(sys.argv[2], 'mix'))\n",
    );
    for name in ["infer_torch", "train_torch"] {
        small.write(&format!("peers/{name}.py"), PEER);
    }
    for name in [
        "fastapi",
        "multipart",
        "onnx",
        "onnxruntime",
        "PIL",
        "safetensors",
        "sklearn",
        "uvicorn",
    ] {
        small.write(&format!("modules/{name}.py"), "");
    }
    small
}

fn bench(small: &Small, arguments: &[&str]) -> Ended {
    let fixed = ["bench", arguments[0], "--peers", "peers", "--rounds", "2"];
    let mut command = small.xtask(&[&fixed[..], &arguments[1..]].concat());
    Ended::of(command.env("PYTHONPATH", small.root().join("modules")))
}

/// Without Python that makes environments there is no contest.
fn python() -> bool {
    let found = std::process::Command::new("python3")
        .args(["-c", "import ensurepip"])
        .output();
    let found = found.is_ok_and(|output| output.status.success());
    if !found {
        println!("skipped: there is no Python that makes environments");
    }
    found
}

/// What stands between the marks of a contest.
fn table(small: &Small, name: &str) -> String {
    let page = small.read("docs/BENCHMARKS.md");
    let (_, rest) = page.split_once(&format!("<!-- {name} -->\n")).unwrap();
    rest.split_once(&format!("<!-- /{name} -->"))
        .unwrap()
        .0
        .to_owned()
}

#[test]
fn training_and_latency_are_measured_against_the_best_of_the_others() {
    if !python() {
        return;
    }
    let small = small();
    small.example("model", "train_speed", OURS);
    small.example("model", "infer_speed", OURS);
    small.example(
        "train",
        "epoch_speed",
        &OURS.replace("300", "285,\"input_wait\":0.0125"),
    );
    small.write("xtask/src/bench/peers/infer_onnx.py", PEER);
    bench(&small, &["train", "--seconds", "0.5"]).passed();
    let train = table(&small, "train");
    assert!(train.starts_with("2 rounds of 0.5 s each"), "{train}");
    assert!(
        train.contains("other programs used up to 25 % of the machine"),
        "{train}"
    );
    assert!(
        train.contains("| **osteon, bf16** | 300 (300–300) | 3.00 | 150 | 3.00 | 5 |"),
        "{train}"
    );
    assert_eq!(
        train.matches("| PyTorch").count() + train.matches("| the same with torch.compile").count(),
        5,
        "{train}"
    );
    // 300 against 100: the sixfold is not reached, and said not to be.
    assert!(
        train.contains("| ≥ 6.0 × | 3.00 × **not reached** |"),
        "{train}"
    );
    assert!(
        train.contains("| the fastest PyTorch | ≥ 1.0 × | 3.00 × |"),
        "{train}"
    );
    let epoch = table(&small, "epoch");
    assert!(
        epoch.contains("Measured: 95.0 % of its speed; 1.25 % of"),
        "{epoch}"
    );
    let latency = table(&small, "latency");
    assert!(
        latency.contains("**osteon, fp32**") && latency.contains("ONNX Runtime"),
        "{latency}"
    );
}

#[test]
fn a_contestant_that_fails_ends_the_contest_and_leaves_the_page() {
    if !python() {
        return;
    }
    let small = small();
    let page = small.read("docs/BENCHMARKS.md");
    small.example("model", "train_speed", OURS);
    small.write(
        "peers/train_torch.py",
        "import sys\nsys.exit('out of memory')\n",
    );
    let said = bench(&small, &["train", "--only", "train"]).failed();
    assert!(said.contains("out of memory"), "{said}");
    assert_eq!(small.read("docs/BENCHMARKS.md"), page);
    let ended = Ended::of(&mut small.xtask(&["bench", "train", "--peers", "nowhere"]));
    assert!(ended.failed().contains("Point --peers at"));
}

#[test]
fn the_input_pipeline_is_measured_on_jpeg_films_by_their_content() {
    if !python() {
        return;
    }
    let small = small();
    small.package("data", "turbo = []\n");
    small.example("data", "loader_speed", OURS);
    small.write("films/originals/wrist/no.jpg", "PNG");
    let jpeg = [0xff, 0xd8, 0xff, 0xe0];
    std::fs::write(small.root().join("films/originals/wrist/a.jpg"), jpeg).unwrap();
    let train = small.root().join("films/kaggle/train/fractured");
    std::fs::create_dir_all(&train).unwrap();
    for number in 0..2003 {
        std::fs::write(train.join(format!("{number:04}.jpg")), jpeg).unwrap();
    }
    let said = bench(&small, &["data", "--films", "films", "--seconds", "0.5"]).passed();
    assert!(said.contains("without DALI"), "{said}");
    for name in ["mixed", "originals", "kaggle"] {
        let table = table(&small, &format!("data {name}"));
        assert!(
            table.contains("| **osteon, libjpeg-turbo** | 300 (300–300) | 3.00 |"),
            "{table}"
        );
        assert!(
            table.contains("| OpenCV on threads | 100 (100–100) | 1.00 |"),
            "{table}"
        );
    }
    assert!(table(&small, "data cached").contains("kornia"));
    let count = |folder: &str| files(&small.root().join("target/bench").join(folder));
    assert_eq!(count("originals/wrist"), 1);
    assert_eq!(count("kaggle/fractured"), 2000);
}

fn files(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[test]
fn the_bootstrap_counts_only_where_all_programs_have_the_same_figures() {
    if !python() {
        return;
    }
    let small = small();
    let ours = r#"{"replicates":2000,"replicates_per_s":1000,"replicates_per_cpu_s":500,"peak_rss_mb":9,"summary":{"f1":{"value":0.5}}}"#;
    small.example("metrics", "bootstrap_speed", ours);
    let peer = |f1: f64| {
        format!(
            "import json\nprint(json.dumps({{'replicates': 40, 'replicates_per_s': 4, 'replicates_per_cpu_s': 2, 'peak_rss_mb': 90, 'figures': {{'f1': {f1}}}}}))\n"
        )
    };
    small.write("xtask/src/bench/peers/bootstrap_sklearn.py", &peer(0.5));
    bench(&small, &["metrics"]).passed();
    let known = table(&small, "metrics");
    assert!(
        known.contains("| **osteon** | 2000 | 1000.0 (1000.0–1000.0) | 250.0 |"),
        "{known}"
    );
    small.write("xtask/src/bench/peers/bootstrap_sklearn.py", &peer(0.25));
    let said = bench(&small, &["metrics"]).failed();
    assert!(
        said.contains("f1 is Some(0.5) here and 0.25 there"),
        "{said}"
    );
    assert_eq!(table(&small, "metrics"), known);
}

#[test]
fn the_network_alone_becomes_a_table_of_speeds() {
    if !python() {
        return;
    }
    let small = small();
    let found = r#"{"milliseconds":{"fp32, frozen":8.0,"bf16":4.0},"macs":4e6,"products":{"fp32":1e9,"bf16":2e9,"int8":4e9}}"#;
    small.write(
        "xtask/src/bench/peers/network_ways.py",
        &format!("print('''{found}''')\n"),
    );
    bench(&small, &["network"]).passed();
    assert!(table(&small, "network").contains("| bf16 | 2.00 | 50 % |"));
}

#[test]
fn criterion_s_benchmarks_are_cargo_s() {
    let small = small();
    small.package("metrics", "");
    let ended = Ended::of(&mut small.xtask(&["bench"]));
    assert!(ended.passed().contains("cargo bench --workspace"));
    let ended = Ended::of(&mut small.xtask(&["bench", "criterion", "curve"]));
    assert!(ended.passed().contains("cargo bench --workspace curve"));
}
