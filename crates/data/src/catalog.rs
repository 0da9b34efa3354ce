//! What films exist, whatever layout they come in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::json;
use sha2::{Digest, Sha256};

use crate::source::{Layout, Listing, Source, source_for};
use crate::{DataError, Decoder, Label, LoadOptions, Loader, Preprocess, RelativeBox, Split, hex};

/// One film of a data set, not yet read.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Where it lies.
    pub path: PathBuf,
    /// Its name within the data set: the path below the root, with `/`, bytes that are not UTF-8 as `%XX` and `%` as `%25`. Stable across
    /// machines; no two films share one.
    pub id: String,
    /// Its class.
    pub label: Label,
    /// Its use.
    pub split: Split,
    /// What it must stay on one side of a split with: a patient, a set of copies. `None`: nothing is known to belong with it.
    pub group: Option<String>,
    /// What else is known of it by name, such as body part or view: the subgroups that figures are broken down by.
    pub fields: BTreeMap<String, String>,
    /// Where the fractures are, if marked.
    pub boxes: Vec<RelativeBox>,
}

impl Entry {
    /// A film of which nothing but class and use is known.
    #[must_use]
    pub fn new(path: PathBuf, id: String, label: Label, split: Split) -> Self {
        Self {
            path,
            id,
            label,
            split,
            group: None,
            fields: BTreeMap::new(),
            boxes: Vec::new(),
        }
    }
}

/// All films of a data set, sorted by split, then by id: the order never depends on the disk.
#[derive(Debug, Clone)]
pub struct Catalog {
    root: PathBuf,
    layout: Layout,
    entries: Vec<Entry>,
    present: Vec<Split>,
    divided: bool,
    fingerprint: String,
}

impl Catalog {
    /// Opens a data set in whichever [`Layout`] it has: a folder, or a CSV manifest.
    pub fn open(root: impl AsRef<Path>) -> Result<Self, DataError> {
        Self::open_as(root, Layout::Auto)
    }

    /// Opens a data set in a given layout.
    pub fn open_as(root: impl AsRef<Path>, layout: Layout) -> Result<Self, DataError> {
        let root = root.as_ref();
        Self::from_source(root, source_for(root, layout)?)
    }

    /// Opens a data set in a layout of one's own.
    pub fn from_source(root: impl AsRef<Path>, source: &dyn Source) -> Result<Self, DataError> {
        let root = root.as_ref();
        let Listing {
            mut entries,
            splits: mut present,
            divided,
        } = source.read(root)?;
        if entries.is_empty() {
            return Err(DataError::NoFilms {
                path: root.to_owned(),
            });
        }
        present.sort_unstable();
        present.dedup();
        entries.sort_by(|a, b| (a.split, &a.id).cmp(&(b.split, &b.id)));
        Ok(Self {
            root: root.to_owned(),
            layout: source.layout(),
            fingerprint: fingerprint(&entries),
            entries,
            present,
            divided,
        })
    }

    /// The same data set divided otherwise: of these films, which may be fewer, with the splits that they say.
    pub fn redivided(&self, mut entries: Vec<Entry>) -> Result<Self, DataError> {
        if entries.is_empty() {
            return Err(DataError::NoFilms {
                path: self.root.clone(),
            });
        }
        entries.sort_by(|a, b| (a.split, &a.id).cmp(&(b.split, &b.id)));
        let mut present: Vec<Split> = entries.iter().map(|entry| entry.split).collect();
        present.dedup();
        Ok(Self {
            root: self.root.clone(),
            layout: self.layout,
            fingerprint: fingerprint(&entries),
            entries,
            present,
            divided: true,
        })
    }

    /// The same films, in the same order, of which more is known.
    pub(crate) fn with_entries(&self, entries: Vec<Entry>) -> Self {
        Self {
            fingerprint: fingerprint(&entries),
            entries,
            ..self.clone()
        }
    }

    /// What it was opened from: a folder, or a CSV manifest.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What to call it: the name of its folder, or of a manifest that has a name of its own, without its place on a disk.
    #[must_use]
    pub fn name(&self) -> String {
        let text = |name: Option<&std::ffi::OsStr>| name.map(|n| n.to_string_lossy().into_owned());
        if self.layout != Layout::Manifest || self.root.is_dir() {
            return text(self.root.file_name()).unwrap_or_default();
        }
        match text(self.root.file_stem()) {
            Some(name) if name != "manifest" => name,
            _ => text(self.root.parent().and_then(Path::file_name)).unwrap_or_default(),
        }
    }

    /// The layout it was found in.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
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

    /// Whether it comes divided. If not, every film counts as test.
    #[must_use]
    pub fn is_divided(&self) -> bool {
        self.divided
    }

    /// SHA-256 over what is catalogued, in 64 hexadecimal digits: which films these are, with which labels, splits, groups, fields and
    /// boxes; not what is in the files. Of each film, in order, a line of JSON is hashed:
    /// `["id","label","split","group",{"field":"value"},"boxes"]`.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The films of one split, which must hold both classes.
    pub fn split(&self, split: Split) -> Result<&[Entry], DataError> {
        if !self.present.contains(&split) {
            return Err(DataError::NoSplit {
                root: self.root.clone(),
                split,
                present: self.present.clone(),
                divided: self.divided,
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

/// See [`Catalog::fingerprint`]. The order of the entries does not matter.
pub(crate) fn fingerprint(entries: &[Entry]) -> String {
    let mut ordered: Vec<&Entry> = entries.iter().collect();
    ordered.sort_by(|a, b| (a.split, &a.id).cmp(&(b.split, &b.id)));
    let mut hash = Sha256::new();
    for e in ordered {
        let boxes = RelativeBox::list_to_text(&e.boxes);
        let row = json!([e.id, e.label, e.split, e.group, e.fields, boxes]);
        hash.update(row.to_string());
        hash.update("\n");
    }
    hex(&hash.finalize())
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
