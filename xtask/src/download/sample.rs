//! `cargo xtask download sample`: synthetic radiographs, made here rather than fetched.

use std::path::Path;

use anyhow::Result;

use crate::download::libtorch;
use crate::workspace;

/// The sample's folder, from the workspace's root.
pub const FOLDER: &str = "data/sample";

/// Makes the sample if it is not there.
pub fn run(root: &Path) -> Result<()> {
    if is_present(root) {
        eprintln!("{FOLDER} is already there");
    } else {
        // The program that makes the sample is the one that trains, so it needs libtorch to be built.
        libtorch::ensure(root)?;
        let mut cargo = workspace::cargo(root);
        cargo.args(["run", "--quiet"]).args(workspace::LIGHT);
        cargo.args(["--", "data", "synth", FOLDER]);
        cargo.args(["--images", "1000", "--seed", "1"]);
        workspace::must_succeed(&mut cargo)?;
    }
    println!(
        "synthetic radiographs are in {}",
        root.join(FOLDER).display()
    );
    Ok(())
}

/// Whether every split has pictures of both classes.
pub fn is_present(root: &Path) -> bool {
    ["train", "val", "test"].iter().all(|split| {
        ["fractured", "not fractured"].iter().all(|class| {
            let folder = root.join(FOLDER).join(split).join(class);
            std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
        })
    })
}
