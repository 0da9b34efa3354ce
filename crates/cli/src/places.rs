//! Names for what is written of images: one for each, whatever they are called.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// A folder in which each image gets a name of its own.
pub struct Places {
    dir: PathBuf,
    /// Names given already, in small letters: not every disk tells them apart.
    taken: BTreeSet<String>,
}

impl Places {
    /// Makes the folder if it is not there.
    pub fn open(dir: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        Ok(Self {
            dir: dir.to_owned(),
            taken: BTreeSet::new(),
        })
    }

    /// An image's name in this folder without what says what the file is: its stem, or `STEM-2` for the second of a stem.
    pub fn of(&mut self, film: &Path) -> Place {
        let stem = film.file_stem().unwrap_or_default().to_string_lossy();
        let mut name = stem.clone().into_owned();
        let mut number = 2;
        while !self.taken.insert(name.to_lowercase()) {
            name = format!("{stem}-{number}");
            number += 1;
        }
        Place(self.dir.join(name))
    }
}

/// An image's name in a folder.
pub struct Place(PathBuf);

impl Place {
    /// With what says what the file is, such as `.heatmap.png`.
    pub fn with(&self, kind: &str) -> PathBuf {
        let mut name = self.0.clone().into_os_string();
        name.push(kind);
        name.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_film_takes_another_s_place() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let mut places = Places::open(&dir.path().join("new")).expect("makes it");
        let mut name = |film: &str| {
            let place = places.of(Path::new(film)).with(".heatmap.png");
            place
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        };
        assert_eq!(name("a/film.png"), "film.heatmap.png");
        assert_eq!(name("b/film.jpg"), "film-2.heatmap.png");
        assert_eq!(name("b/FILM.jpg"), "FILM-3.heatmap.png");
        assert_eq!(name("film-2.dcm"), "film-2-2.heatmap.png");
        assert_eq!(name("x.heatmap.png"), "x.heatmap.heatmap.png");
    }
}
