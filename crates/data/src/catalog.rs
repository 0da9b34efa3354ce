//! What films exist: the class-folder layout.

use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::{DataError, Decoder, Label, LoadOptions, Loader, Preprocess, Split};

/// One film of a data set, not yet read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it lies.
    pub path: PathBuf,
    /// Its name within the data set: the path below the root, with `/`. Stable across machines.
    pub id: String,
    /// Its class.
    pub label: Label,
    /// Its use.
    pub split: Split,
}

/// All films of a data set, sorted by split, then by id: the order never depends on the disk.
#[derive(Debug, Clone)]
pub struct Catalog {
    root: PathBuf,
    entries: Vec<Entry>,
    present: Vec<Split>,
}

impl Catalog {
    /// Opens a data set laid out as `train|val|test / fractured|not fractured`, also one folder deeper, as archives unzip.
    ///
    /// Two class folders without splits are taken as `test`: films to judge. A folder beside the classes that is no class and holds
    /// files is an error, for its films would be lost without a word. Hidden files are passed over, all others are catalogued:
    /// whether they are images shows when they are read.
    pub fn open(root: impl AsRef<Path>) -> Result<Self, DataError> {
        let root = root.as_ref();
        if !root.is_dir() {
            return Err(DataError::NoFolder {
                path: root.to_owned(),
            });
        }
        let base = find_base(root)?;
        let mut entries = Vec::new();
        let mut present = Vec::new();
        for folder in folders(&base)? {
            if let Some(split) = Split::from_folder(&name_of(&folder)) {
                read_classes(root, &folder, split, &mut entries)?;
                present.push(split);
            }
        }
        if present.is_empty() {
            read_classes(root, &base, Split::Test, &mut entries)?;
            present.push(Split::Test);
        }
        present.sort_unstable();
        present.dedup();
        entries.sort_by(|a, b| (a.split, &a.id).cmp(&(b.split, &b.id)));
        Ok(Self {
            root: root.to_owned(),
            entries,
            present,
        })
    }

    /// The folder it was opened from.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Every film, in order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The splits that are there.
    #[must_use]
    pub fn splits(&self) -> &[Split] {
        &self.present
    }

    /// The films of one split, which must hold both classes.
    pub fn split(&self, split: Split) -> Result<&[Entry], DataError> {
        if !self.present.contains(&split) {
            return Err(DataError::NoSplit {
                root: self.root.clone(),
                split,
                present: self.present.clone(),
            });
        }
        let start = self.entries.partition_point(|e| e.split < split);
        let end = self.entries.partition_point(|e| e.split <= split);
        let films = &self.entries[start..end];
        for label in [Label::Fractured, Label::NotFractured] {
            if !films.iter().any(|e| e.label == label) {
                return Err(DataError::EmptyClass {
                    root: self.root.clone(),
                    split,
                    label,
                });
            }
        }
        Ok(films)
    }

    /// [`Loader::stream`] of one split.
    pub fn loader(
        &self,
        split: Split,
        decoder: &Decoder,
        preprocess: &Preprocess,
        skip_unreadable: bool,
        options: LoadOptions,
    ) -> Result<Loader, DataError> {
        let entries = self.split(split)?.to_vec();
        Ok(Loader::stream(
            entries,
            decoder,
            preprocess,
            skip_unreadable,
            options,
        ))
    }
}

/// The folder that holds the splits or the classes: the root, or, as zips unpack, the one folder in it that does.
fn find_base(root: &Path) -> Result<PathBuf, DataError> {
    let is_base = |dir: &Path| -> Result<bool, DataError> {
        Ok(folders(dir)?.iter().any(|f| {
            let name = name_of(f);
            Split::from_folder(&name).is_some() || Label::from_folder(&name).is_some()
        }))
    };
    if is_base(root)? {
        return Ok(root.to_owned());
    }
    let inner = folders(root)?;
    let mut bases = Vec::new();
    for folder in &inner {
        if is_base(folder)? {
            bases.push(folder.clone());
        }
    }
    match bases.len() {
        1 => Ok(bases.remove(0)),
        _ => Err(DataError::NoClasses {
            path: root.to_owned(),
            found: inner.iter().take(8).map(|f| name_of(f)).collect(),
        }),
    }
}

fn read_classes(
    root: &Path,
    dir: &Path,
    split: Split,
    entries: &mut Vec<Entry>,
) -> Result<(), DataError> {
    let mut classes = 0;
    for folder in folders(dir)? {
        let Some(label) = Label::from_folder(&name_of(&folder)) else {
            if image_files(&folder)?.is_empty() {
                continue;
            }
            return Err(DataError::UnknownClass { path: folder });
        };
        classes += 1;
        for path in image_files(&folder)? {
            let id = relative_id(root, &path);
            entries.push(Entry {
                path,
                id,
                label,
                split,
            });
        }
    }
    if classes == 0 {
        let found = folders(dir)?.iter().map(|f| name_of(f)).collect();
        return Err(DataError::NoClasses {
            path: dir.to_owned(),
            found,
        });
    }
    Ok(())
}

fn relative_id(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    below
        .components()
        .map(|c| c.as_os_str().to_string_lossy())
        .collect::<Vec<_>>()
        .join("/")
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .map(|n| n.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn is_hidden(name: &str) -> bool {
    // What file managers leave behind is no film that anyone lost.
    name.starts_with('.') || ["Thumbs.db", "desktop.ini", "__MACOSX"].contains(&name)
}

/// The sub-folders of a folder, sorted, hidden ones left out.
fn folders(dir: &Path) -> Result<Vec<PathBuf>, DataError> {
    let io = |source| DataError::Io {
        action: "read",
        path: dir.to_owned(),
        source,
    };
    let mut found = Vec::new();
    for item in std::fs::read_dir(dir).map_err(io)? {
        let path = item.map_err(io)?.path();
        if path.is_dir() && !is_hidden(&name_of(&path)) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Every file below a folder, sorted by path, hidden files and folders left out, links followed.
pub fn image_files(dir: &Path) -> Result<Vec<PathBuf>, DataError> {
    let walk = WalkDir::new(dir)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter();
    let mut files = Vec::new();
    for item in
        walk.filter_entry(|e| e.depth() == 0 || !is_hidden(&e.file_name().to_string_lossy()))
    {
        let item = item.map_err(|e| DataError::Io {
            action: "read",
            path: e.path().unwrap_or(dir).to_owned(),
            source: e.into(),
        })?;
        if item.file_type().is_file() {
            files.push(item.into_path());
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("temporary folder");
        for file in files {
            let path = dir.path().join(file);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
            std::fs::write(path, b"x").expect("file");
        }
        dir
    }

    #[test]
    fn kaggle_layout_sorted_and_one_deeper() {
        let files = [
            "train/not fractured/b.jpg",
            "train/not fractured/a.jpg",
            "train/fractured/z.png",
            "val/fractured/v.png",
        ];
        let flat = tree(&files);
        let deeper: Vec<String> = files.iter().map(|f| format!("Bone_Fracture/{f}")).collect();
        let nested = tree(&deeper.iter().map(String::as_str).collect::<Vec<_>>());
        for (dir, prefix) in [(&flat, ""), (&nested, "Bone_Fracture/")] {
            let catalog = Catalog::open(dir.path()).expect("opens");
            let ids: Vec<_> = catalog
                .split(Split::Train)
                .expect("train")
                .iter()
                .map(|e| e.id.clone())
                .collect();
            let expected = [
                "train/fractured/z.png",
                "train/not fractured/a.jpg",
                "train/not fractured/b.jpg",
            ];
            assert_eq!(ids, expected.map(|e| format!("{prefix}{e}")));
            assert_eq!(catalog.splits(), [Split::Train, Split::Val]);
        }
    }

    #[test]
    fn bare_classes_are_films_to_judge() {
        let dir = tree(&["fractured/a.png", "normal/b.png"]);
        let catalog = Catalog::open(dir.path()).expect("opens");
        assert_eq!(catalog.split(Split::Test).expect("test").len(), 2);
        assert!(matches!(
            catalog.split(Split::Train),
            Err(DataError::NoSplit { .. })
        ));
    }

    #[test]
    fn what_is_missing_is_named() {
        let no = Catalog::open("/no/such/folder")
            .expect_err("absent")
            .to_string();
        assert!(no.contains("cargo xtask download"), "{no}");
        let empty = tree(&["train/fractured/a.png", "train/not fractured/.keep"]);
        let e = Catalog::open(empty.path())
            .expect("opens")
            .split(Split::Train)
            .expect_err("one class")
            .to_string();
        assert!(e.contains("no not_fractured films in split train"), "{e}");
        let strange = tree(&[
            "train/fractured/a.png",
            "train/not fractured/b.png",
            "train/doubtful/c.png",
        ]);
        assert!(matches!(
            Catalog::open(strange.path()),
            Err(DataError::UnknownClass { .. })
        ));
        let none = tree(&["cats/a.png", "dogs/b.png"]);
        assert!(
            Catalog::open(none.path())
                .expect_err("no classes")
                .to_string()
                .contains("cats, dogs")
        );
    }

    #[test]
    fn hidden_files_are_no_films() {
        let dir = tree(&[
            "fractured/a.png",
            "fractured/.DS_Store",
            "fractured/Thumbs.db",
            "normal/b.png",
        ]);
        assert_eq!(Catalog::open(dir.path()).expect("opens").entries().len(), 2);
    }
}
