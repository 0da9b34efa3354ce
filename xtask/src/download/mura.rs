//! MURA: how a person gets it. Its terms forbid passing it on, so there is nothing that a program may fetch.

use std::path::Path;

/// What must lie in the folder.
const EXPECTED: [&str; 4] = [
    "train_labeled_studies.csv",
    "train_image_paths.csv",
    "valid_labeled_studies.csv",
    "valid_image_paths.csv",
];

/// Says what to do, or that all is there.
pub fn run(root: &Path) {
    println!("{}", text(&root.join("data").join("mura")));
}

fn text(target: &Path) -> String {
    // As the archive unpacks, or with its contents moved up.
    let places = [target.to_owned(), target.join("MURA-v1.1")];
    let best = places
        .iter()
        .map(|place| missing(place))
        .min_by_key(Vec::len)
        .unwrap_or_default();
    let shown = target.display();
    if best.is_empty() {
        return format!(
            "MURA is in {shown}. Train on it by `cargo run --release -p cli -- train --data {shown}`.\n{CAVEAT}"
        );
    }
    let state = if best.len() == EXPECTED.len() {
        format!("Nothing of it is in {shown} yet.")
    } else {
        format!("In {shown} these are missing: {}.", best.join(", "))
    };
    format!(
        "\
MURA-v1.1 (Rajpurkar et al. 2017, 40,561 images of 14,863 upper-extremity studies; Stanford AIMI Center)
Licence: Stanford University School of Medicine MURA Dataset Research Use Agreement: research only, not to be passed on.

1. Read and agree to the terms at https://aimi.stanford.edu/datasets/mura-msk-xrays, with an account of your own.
2. Download MURA-v1.1.zip (about 3 GB) with the link that you are given there.
3. Unpack it: unzip MURA-v1.1.zip -d {shown}
4. See that it is whole: cargo xtask download mura-instructions

{state}
{CAVEAT}"
    )
}

const CAVEAT: &str = "Its label is abnormal, not fractured: hardware, arthritis and more count, too. Figures on it are not of fractures alone.";

fn missing(folder: &Path) -> Vec<&'static str> {
    let absent = |name: &&str| !folder.join(name).is_file();
    EXPECTED.into_iter().filter(absent).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_and_what_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        let said = text(dir.path());
        assert!(said.contains("Nothing of it") && said.contains("Research Use Agreement"));
        let inner = dir.path().join("MURA-v1.1");
        std::fs::create_dir(&inner).unwrap();
        for name in &EXPECTED[1..] {
            std::fs::write(inner.join(name), "").unwrap();
        }
        assert!(text(dir.path()).contains("missing: train_labeled_studies.csv."));
        std::fs::write(inner.join(EXPECTED[0]), "").unwrap();
        assert!(text(dir.path()).starts_with("MURA is in"));
    }
}
