//! The layouts that images come in, one file each.

mod annotations;
mod aside;
mod class_folders;
mod dicom;
mod files;
mod fracatlas;
mod grazpedwri;
mod manifest;
mod mura;
mod rows;
mod table;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ClassNames, DataError, Entry, Label, Split};

pub(crate) use annotations::{BoxFiles, refuse};
pub use aside::{Aside, NoImage};
pub use class_folders::ClassFolders;
pub use dicom::DicomTable;
pub(crate) use files::relative_id;
pub use files::{FolderFiles, folder_files, image_files};
pub use fracatlas::FracAtlas;
pub(crate) use fracatlas::{MARKED, name_marked};
pub use grazpedwri::GrazPedWri;
pub use manifest::Manifest;
pub use mura::Mura;
pub(crate) use rows::{GROUP, unknown_label};
pub(crate) use table::{Row, Table};

/// How a data set lies on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// Whichever of the others is found.
    #[default]
    Auto,
    /// train|val|test / fractured|not fractured, as the Kaggle set has it.
    ClassFolders,
    /// A CSV table that names each image: `manifest.csv`, or any path that ends in .csv.
    Manifest,
    /// FracAtlas as published: images in two class folders, dataset.csv, Annotations.
    #[serde(rename = "fracatlas")]
    FracAtlas,
    /// GRAZPEDWRI-DX as published: dataset.csv, PNG files of 16 bits, YOLO's labels.
    #[serde(rename = "grazpedwri")]
    GrazPedWri,
    /// MURA as published: train and valid, with the tables of image paths and labelled studies. Its label is abnormal, not fractured.
    Mura,
    /// A folder of DICOM files with a CSV table of their labels.
    Dicom,
}

impl Layout {
    /// Every layout by its name.
    pub const ALL: [Self; 7] = [
        Self::Auto,
        Self::ClassFolders,
        Self::Manifest,
        Self::FracAtlas,
        Self::GrazPedWri,
        Self::Mura,
        Self::Dicom,
    ];

    /// The name used in configs and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::ClassFolders => "class_folders",
            Self::Manifest => "manifest",
            Self::FracAtlas => "fracatlas",
            Self::GrazPedWri => "grazpedwri",
            Self::Mura => "mura",
            Self::Dicom => "dicom",
        }
    }

    /// What must be said wherever figures on such a set are shown.
    #[must_use]
    pub fn caveat(self) -> Option<&'static str> {
        (self == Self::Mura).then_some(
            "MURA labels studies abnormal, which means fractures, but also hardware, arthritis and more: \
             here, fractured stands for abnormal",
        )
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Layout {
    type Err = DataError;

    fn from_str(name: &str) -> Result<Self, DataError> {
        let found = Self::ALL.into_iter().find(|layout| layout.name() == name);
        found.ok_or_else(|| DataError::UnknownLayout {
            name: name.to_owned(),
        })
    }
}

/// What a layout holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Listing {
    /// The images, in any order.
    pub entries: Vec<Entry>,
    /// The splits that are there, images in them or not.
    pub splits: Vec<Split>,
    /// Whether the set comes divided. If not, every image counts as test: an image to judge.
    pub divided: bool,
    /// The classes by the names that the set gives them, of folders or in a table.
    pub names: BTreeMap<String, Label>,
    /// What lies among the images and is none.
    pub aside: Vec<Aside>,
}

/// A layout that can be recognised and read: the one thing a new layout has to be.
pub trait Source {
    /// Its name.
    fn layout(&self) -> Layout;

    /// Whether the data set at this path has this layout. Looks at names and headers alone.
    fn recognises(&self, path: &Path, names: &ClassNames) -> Result<bool, DataError>;

    /// Lists its images without opening one, and what lies among them and is none. Whether an image reads shows when it is read.
    fn read(&self, path: &Path, names: &ClassNames) -> Result<Listing, DataError>;
}

/// The most telling layout first; what no other claims is class folders or says what it lacks to be.
const SOURCES: [&dyn Source; 6] = [
    &Manifest,
    &GrazPedWri,
    &FracAtlas,
    &Mura,
    &DicomTable,
    &ClassFolders,
];

/// The source for a layout; for [`Layout::Auto`] the first that recognises the path.
pub(crate) fn source_for(
    path: &Path,
    layout: Layout,
    names: &ClassNames,
) -> Result<&'static dyn Source, DataError> {
    if layout == Layout::Auto {
        for source in SOURCES {
            if source.recognises(path, names)? {
                return Ok(source);
            }
        }
    }
    let named = SOURCES.into_iter().find(|s| s.layout() == layout);
    Ok(named.unwrap_or(&ClassFolders))
}
