//! Who may depend on whom.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

use crate::{crates, root};

fn metadata() -> Metadata {
    // This platform's packages alone: the others' were never fetched, and a test does not fetch.
    let rustc = Command::new("rustc").arg("-vV").output().unwrap();
    let rustc = String::from_utf8(rustc.stdout).unwrap();
    let host = rustc.lines().find_map(|l| l.strip_prefix("host: "));
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .other_options(["--offline", "--filter-platform", host.unwrap()].map(str::to_owned))
        .exec()
        .unwrap()
}

/// All that a member reaches, tests and build scripts included.
fn reached(metadata: &Metadata, member: &str) -> BTreeSet<String> {
    let members = metadata.workspace_packages();
    let start = members.iter().find(|p| p.name.as_str() == member).unwrap();
    let nodes = &metadata.resolve.as_ref().unwrap().nodes;
    let (mut waiting, mut seen) = (vec![&start.id], BTreeSet::<&PackageId>::new());
    while let Some(id) = waiting.pop() {
        if seen.insert(id) {
            waiting.extend(
                &nodes
                    .iter()
                    .find(|node| &node.id == id)
                    .unwrap()
                    .dependencies,
            );
        }
    }
    seen.into_iter()
        .map(|id| metadata[id].name.to_string())
        .collect()
}

/// These crates must be usable, and xtask must run, without libtorch.
#[test]
fn torch_stays_out_of_the_lower_crates_report_and_xtask() {
    let metadata = metadata();
    for layer in [
        "metrics", "files", "data", "audit", "synth", "gate", "gate-fit", "report", "xtask",
    ] {
        let reached = reached(&metadata, layer);
        assert!(reached.len() > 3, "{layer} has dependencies");
        for torch in ["tch", "torch-sys"] {
            assert!(!reached.contains(torch), "{layer} reaches {torch}");
        }
    }
    assert!(reached(&metadata, "cli").contains("tch"));
}

/// The list in docs/ARCHITECTURE.md, a crate a line: its name, an arrow, and the names of those that it depends on, each in backticks.
fn drawn_edges(page: &str) -> BTreeMap<String, BTreeSet<String>> {
    let section = page.split("\n## Who depends on whom\n").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let names = |text: &str| -> BTreeSet<String> {
        let between = text.split('`').skip(1).step_by(2);
        between.map(str::to_owned).collect()
    };
    let lines = section.lines().filter_map(|line| line.strip_prefix("- "));
    lines
        .map(|line| {
            let (from, to) = line.split_once('→').unwrap();
            (names(from).pop_first().unwrap(), names(to))
        })
        .collect()
}

/// Who reads the page sees the edges that there are, and an edge more is a decision, not an accident.
#[test]
fn the_edges_between_the_crates_are_those_that_are_drawn() {
    let metadata = MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec()
        .unwrap();
    let packages = metadata.workspace_packages();
    let real: BTreeMap<String, BTreeSet<String>> = packages
        .iter()
        .map(|package| {
            let ours = package
                .dependencies
                .iter()
                .filter(|d| d.kind == DependencyKind::Normal && d.path.is_some());
            let ours = ours.map(|d| d.name.clone()).collect();
            (package.name.to_string(), ours)
        })
        .collect();
    let page = std::fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    assert_eq!(drawn_edges(&page), real);
}

/// An error that a caller can take apart is a library's; what is only to be read by a person is a program's.
#[test]
fn anyhow_is_for_programs() {
    let metadata = metadata();
    let users: BTreeSet<_> = metadata
        .workspace_packages()
        .into_iter()
        .filter(|package| {
            let uses = |d: &cargo_metadata::Dependency| {
                d.name == "anyhow" && d.kind == DependencyKind::Normal
            };
            package.dependencies.iter().any(uses)
        })
        .map(|package| package.name.to_string())
        .collect();
    assert_eq!(
        users,
        BTreeSet::from(["cli".to_owned(), "xtask".to_owned()])
    );
}

#[test]
fn every_member_shares_lints_toolchain_and_edition_and_names_no_version() {
    let mut manifests: Vec<_> = crates()
        .iter()
        .map(|name| format!("crates/{name}/Cargo.toml"))
        .collect();
    manifests.push("xtask/Cargo.toml".to_owned());
    for path in manifests {
        let text = std::fs::read_to_string(root().join(&path)).unwrap();
        let manifest: toml::Table = toml::from_str(&text).unwrap();
        let shared = |table: &str, key: &str| {
            let value = manifest
                .get(table)
                .and_then(|t| if key.is_empty() { Some(t) } else { t.get(key) });
            let shared = value
                .and_then(|value| value.get("workspace"))
                .and_then(toml::Value::as_bool);
            assert_eq!(shared, Some(true), "{path}: {table}.{key}");
        };
        shared("lints", "");
        for key in ["version", "edition", "rust-version", "license", "publish"] {
            shared("package", key);
        }
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (name, value) in manifest
                .get(kind)
                .and_then(toml::Value::as_table)
                .into_iter()
                .flatten()
            {
                let shared = value.get("workspace").and_then(toml::Value::as_bool);
                assert_eq!(
                    shared,
                    Some(true),
                    "{path}: {name} has a version of its own"
                );
            }
        }
    }
}

/// The fuzz targets have a lock of their own, which nothing but CI's check of licences reads: a crate that gains a dependency must have it there, too.
#[test]
fn the_lock_of_the_fuzz_targets_knows_every_dependency() {
    let text = std::fs::read_to_string(root().join("fuzz/Cargo.lock")).unwrap();
    let lock: toml::Table = text.parse().unwrap();
    let locked = lock["package"].as_array().unwrap();
    let metadata = metadata();
    let (mut checked, mut missing) = (0, Vec::new());
    for package in metadata.workspace_packages() {
        let ours = |entry: &&toml::Value| {
            entry["name"].as_str() == Some(package.name.as_str()) && entry.get("source").is_none()
        };
        let Some(entry) = locked.iter().find(ours) else {
            continue;
        };
        checked += 1;
        // A name, with its version where there are several of them.
        let known: BTreeSet<&str> = entry["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|name| name.as_str()?.split(' ').next())
            .collect();
        for dependency in &package.dependencies {
            let needed = dependency.kind != DependencyKind::Development && !dependency.optional;
            if needed && !known.contains(dependency.name.as_str()) {
                missing.push(format!("{}: {}", package.name, dependency.name));
            }
        }
        for name in known {
            if !package.dependencies.iter().any(|d| d.name == name) {
                missing.push(format!("{}: {name} is gone", package.name));
            }
        }
    }
    assert!(checked > 4, "{checked} crates are in the lock");
    assert!(
        missing.is_empty(),
        "`cargo update --workspace` in fuzz/: {missing:?}"
    );
}
