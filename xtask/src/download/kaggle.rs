//! The seed project's data set, from Kaggle's public endpoint (no account needed).

use std::path::{Component, Path, PathBuf};

use anyhow::Result;

use super::dataset::{Arguments, Dataset, Source};
use super::http::Client;

const SET: Dataset = Dataset {
    folder: "kaggle",
    title: "Bone Fracture Multi-Region X-ray Data (B. M. Rodrigo, Kaggle)",
    licence: "Licence as stated there: ODC-By v1.0. Its own split leaks: 97 % of its test files are copies of training files",
    archive: "kaggle-fracture-multi-region-x-ray-data.zip",
    page: "https://www.kaggle.com/datasets/bmadushanirodrigo/fracture-multi-region-x-ray-data",
    place,
    expected: &[
        "train/fractured",
        "train/not fractured",
        "val/fractured",
        "val/not fractured",
        "test/fractured",
        "test/not fractured",
    ],
};

const URL: &str = "https://www.kaggle.com/api/v1/datasets/download/bmadushanirodrigo/fracture-multi-region-x-ray-data";

/// Fetches the set into `data/kaggle`.
pub fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    // Kaggle states neither size nor hash; the CRCs in the zip and the folders in it must do.
    SET.obtain(root, arguments, &Client::patient(), |_| {
        Ok(Source {
            url: URL.into(),
            size: None,
            md5: None,
        })
    })
}

/// The archive wraps the three splits in folders of its own, which say nothing: everything goes up to its split.
fn place(entry: &Path) -> Option<PathBuf> {
    let is_split = |part: &Component<'_>| {
        ["train", "val", "test"]
            .iter()
            .any(|split| part.as_os_str() == *split)
    };
    let parts: Vec<_> = entry.components().collect();
    if parts
        .first()
        .is_some_and(|part| part.as_os_str() == "__MACOSX")
    {
        return None;
    }
    let start = parts.iter().position(is_split)?;
    Some(parts[start..].iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping_folders_are_left_out() {
        let wrapped = "Bone_Fracture_Binary_Classification/Bone_Fracture_Binary_Classification/train/not fractured/1.jpg";
        assert_eq!(
            place(Path::new(wrapped)),
            Some("train/not fractured/1.jpg".into())
        );
        assert_eq!(
            place(Path::new("val/fractured/1.jpg")),
            Some("val/fractured/1.jpg".into())
        );
        assert_eq!(place(Path::new("__MACOSX/train/fractured/._1.jpg")), None);
        assert_eq!(place(Path::new("readme.txt")), None);
    }
}
