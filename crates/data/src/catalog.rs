//! What images exist, whatever layout they come in.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use osteon_files::hex;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::source::{Aside, Layout, Listing, Source, source_for};
use crate::{
    ClassNames, DataError, DataLoader, Decoder, Label, LoadOptions, Preprocess, RelativeBox, Split,
};

/// One image of a data set, not yet read.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Where it lies.
    pub path: PathBuf,
    /// Its name within the data set: the path below the root, with `/`, bytes that are not UTF-8 as `%XX` and `%` as `%25`. Stable across
    /// machines; no two images share one.
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
    /// An image of which nothing but class and use is known.
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

/// Images that belong together and lie in several splits: a patient's, or any other group's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SharedGroup {
    /// What says that they belong together: `group`, or the name of the patients' column.
    pub column: String,
    /// Whose images they are: what the column says.
    pub value: String,
    /// How many of them lie in each split.
    pub images: BTreeMap<Split, usize>,
}

/// `patient p0: 4 in train, 2 in test`.
impl fmt::Display for SharedGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let images = self
            .images
            .iter()
            .map(|(split, n)| format!("{n} in {split}"));
        let images: Vec<String> = images.collect();
        write!(f, "{} {}: {}", self.column, self.value, images.join(", "))
    }
}

/// All images of a data set, sorted by split, then by id: the order never depends on the disk.
#[derive(Debug, Clone)]
pub struct Catalog {
    root: PathBuf,
    layout: Layout,
    entries: Vec<Entry>,
    present: Vec<Split>,
    divided: bool,
    fingerprint: String,
    class_names: ClassNames,
    /// The classes by the names that the set gives them.
    named: BTreeMap<String, Label>,
    aside: Vec<Aside>,
}

impl Catalog {
    /// Opens a data set in whichever [`Layout`] it has: a folder, or a CSV manifest. Its classes have names that everybody uses.
    pub fn open(root: impl AsRef<Path>) -> Result<Self, DataError> {
        Self::open_as(root, Layout::Auto, &ClassNames::default())
    }

    /// Opens a data set in a given layout, whose classes may have names of one's own, too.
    pub fn open_as(
        root: impl AsRef<Path>,
        layout: Layout,
        names: &ClassNames,
    ) -> Result<Self, DataError> {
        let root = root.as_ref();
        Self::from_source(root, source_for(root, layout, names)?, names)
    }

    /// Opens a data set in a layout of one's own.
    pub fn from_source(
        root: impl AsRef<Path>,
        source: &dyn Source,
        names: &ClassNames,
    ) -> Result<Self, DataError> {
        let root = root.as_ref();
        let Listing {
            mut entries,
            splits: mut present,
            divided,
            names: named,
            mut aside,
        } = source.read(root, names)?;
        aside.sort();
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
            class_names: names.clone(),
            named,
            aside,
        })
    }

    /// The same data set divided otherwise: of these images, which may be fewer, with the splits that they say. What lies among the files and
    /// is no image is not said again.
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
            fingerprint: fingerprint(&entries),
            entries,
            present,
            divided: true,
            aside: Vec::new(),
            ..self.clone()
        })
    }

    /// The same images, in the same order, of which more is known.
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

    /// Every image, in order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The splits that are there.
    #[must_use]
    pub fn splits(&self) -> &[Split] {
        &self.present
    }

    /// Whether it comes divided. If not, every image counts as test.
    #[must_use]
    pub fn is_divided(&self) -> bool {
        self.divided
    }

    /// What its classes may be called, besides the names that everybody uses.
    #[must_use]
    pub fn class_names(&self) -> &ClassNames {
        &self.class_names
    }

    /// What lies among the images and is none, sorted by path: neither labelled nor counted.
    #[must_use]
    pub fn aside(&self) -> &[Aside] {
        &self.aside
    }

    /// The class without a single image, if the data set has one class only, and all names of classes in it, if each means the other one.
    #[must_use]
    pub fn missing_class(&self) -> Option<(Label, Vec<String>)> {
        let both = [Label::Fractured, Label::NotFractured];
        let missing = both
            .into_iter()
            .find(|&label| self.entries.iter().all(|e| e.label != label))?;
        // An empty folder has the missing class's name: then names are not what is wrong.
        let mut named = self.named.clone();
        if named.values().any(|label| *label == missing) {
            named.clear();
        }
        Some((missing, named.into_keys().collect()))
    }

    /// Patients and other groups whose images lie in several splits, by what the data set itself says: [`Entry::group`], and every field
    /// that holds a patient. Sorted by column and value.
    #[must_use]
    pub fn shared_groups(&self) -> Vec<SharedGroup> {
        shared_groups(&self.entries)
    }

    /// SHA-256 over what is catalogued, in 64 hexadecimal digits: which images these are, with which labels, splits, groups, fields and
    /// boxes; not what is in the files. Of each image, in order, a line of JSON is hashed:
    /// `["id","label","split","group",{"field":"value"},"boxes"]`.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The images of one split, which must hold both classes.
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
                    named: match self.missing_class() {
                        Some((missing, named)) if missing == label => named,
                        _ => Vec::new(),
                    },
                });
            }
        }
        Ok(films)
    }

    /// [`DataLoader::stream`] of one split.
    pub fn loader(
        &self,
        split: Split,
        decoder: &Decoder,
        preprocess: &Preprocess,
        skip_unreadable: bool,
        options: LoadOptions,
    ) -> Result<DataLoader, DataError> {
        let entries = self.split(split)?.to_vec();
        Ok(DataLoader::stream(
            entries,
            decoder,
            preprocess,
            skip_unreadable,
            options,
        ))
    }
}

/// Groups whose images lie in several splits; see [`Catalog::shared_groups`].
#[must_use]
pub fn shared_groups(entries: &[Entry]) -> Vec<SharedGroup> {
    let mut columns: BTreeSet<&str> = BTreeSet::new();
    for entry in entries {
        let patients = entry.fields.keys().filter(|name| is_patient(name));
        columns.extend(patients.map(String::as_str));
    }
    let groups: Vec<Option<&str>> = entries.iter().map(|e| e.group.as_deref()).collect();
    let mut by: Vec<(&str, Vec<Option<&str>>)> = Vec::new();
    for column in columns {
        let values = entries.iter().map(|e| e.fields.get(column));
        by.push((column, values.map(|v| v.map(String::as_str)).collect()));
    }
    // Where the groups are the patients, they are called so.
    if by.iter().all(|(_, values)| *values != groups) {
        by.push(("group", groups));
    }
    let mut found = Vec::new();
    for (column, values) in by {
        let mut images: BTreeMap<&str, BTreeMap<Split, usize>> = BTreeMap::new();
        for (value, entry) in values.into_iter().zip(entries) {
            if let Some(value) = value {
                let splits = images.entry(value).or_default();
                *splits.entry(entry.split).or_default() += 1;
            }
        }
        let shared = images.into_iter().filter(|(_, splits)| splits.len() > 1);
        found.extend(shared.map(|(value, images)| SharedGroup {
            column: column.to_owned(),
            value: value.to_owned(),
            images,
        }));
    }
    found.sort_by(|a, b| (&a.column, &a.value).cmp(&(&b.column, &b.value)));
    found
}

/// Whether a column of this name says whose images they are.
pub(crate) fn is_patient(column: &str) -> bool {
    let kept = column
        .chars()
        .filter(|c| !matches!(c, ' ' | '-' | '_' | '.'));
    let plain: String = kept.collect::<String>().to_ascii_lowercase();
    matches!(
        plain.as_str(),
        "patient"
            | "patientid"
            | "patients"
            | "patientno"
            | "patientnr"
            | "patientnumber"
            | "patientkey"
            | "patientname"
            | "subject"
            | "subjectid"
            | "subjectno"
            | "subjectnr"
            | "subjectnumber"
    )
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
        assert_eq!(no, "there is no folder /no/such/folder");
        let empty = tree(&["train/fractured/a.png", "train/not fractured/.keep"]);
        let e = Catalog::open(empty.path())
            .expect("opens")
            .split(Split::Train)
            .expect_err("one class")
            .to_string();
        assert!(
            e.ends_with("has no not_fractured images in split train. A split needs both classes"),
            "{e}"
        );
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
    fn two_names_of_one_class_are_no_two_classes() {
        let dir = tree(&["fracture/a.png", "positive/b.png"]);
        let catalog = Catalog::open(dir.path()).expect("opens");
        let named = vec!["fracture".to_owned(), "positive".to_owned()];
        assert_eq!(catalog.missing_class(), Some((Label::NotFractured, named)));
        let said = catalog
            .split(Split::Test)
            .expect_err("one class")
            .to_string();
        assert!(
            said.ends_with(
                "has no not_fractured images in split test. A split needs both classes, and \"fracture\" and \"positive\" both mean the other one"
            ),
            "{said}"
        );
    }

    #[test]
    fn a_patient_in_two_splits() {
        use Split::{Test, Train, Val};
        let entry = |id: &str, split, group: Option<&str>, patient: Option<&str>| {
            let mut entry = Entry::new(id.into(), id.to_owned(), Label::Fractured, split);
            entry.group = group.map(str::to_owned);
            if let Some(patient) = patient {
                entry
                    .fields
                    .insert("Patient_ID".to_owned(), patient.to_owned());
            }
            entry
        };
        let shared = |entries: &[Entry]| -> Vec<(String, String, usize)> {
            let found = shared_groups(entries).into_iter();
            found
                .map(|g| (g.column, g.value, g.images.values().sum()))
                .collect()
        };
        let one = |column: &str, value: &str, images| (column.to_owned(), value.to_owned(), images);
        // The groups are the patients: each is named once, by the column's own name.
        let patients = [
            entry("a", Train, Some("p0"), Some("p0")),
            entry("b", Train, Some("p0"), Some("p0")),
            entry("c", Test, Some("p0"), Some("p0")),
            entry("d", Test, Some("p1"), Some("p1")),
        ];
        assert_eq!(shared(&patients), [one("Patient_ID", "p0", 3)]);
        // Groups of copies beside patients: both are looked at.
        let both = [
            entry("a", Train, Some("copies 1"), Some("p0")),
            entry("b", Val, Some("copies 1"), Some("p1")),
            entry("c", Test, None, Some("p0")),
        ];
        assert_eq!(
            shared(&both),
            [one("Patient_ID", "p0", 2), one("group", "copies 1", 2)]
        );
        let apart = [
            entry("a", Train, Some("p0"), None),
            entry("b", Val, None, None),
        ];
        assert_eq!(shared(&apart), []);
    }
}
