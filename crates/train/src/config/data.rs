//! Section `data`.

use std::path::PathBuf;

use osteon_data::{Cache, Catalog, ClassNames, DataError, Decoder, Layout};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Section `data`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DataConfig {
    /// Folder with train|val|test / fractured|not fractured or another layout, or a CSV manifest.
    pub dir: PathBuf,
    /// How it lies on disk.
    pub layout: Layout,
    /// What the classes are called in folders and tables, besides the names that everybody uses:
    /// `{ fractured = ["kırık"], not_fractured = ["kırık değil"] }`.
    pub classes: ClassNames,
    /// Train although a patient, or another group that the data set names, lies in two splits.
    pub allow_leak: bool,
    /// CSV with a row an image of what else is known: its columns become fields, groups and boxes; or boxes alone, a COCO file or a folder of PASCAL VOC or
    /// YOLO files; empty: none.
    pub annotations: PathBuf,
    /// What a file that does not read means for training.
    pub unreadable: Unreadable,
    /// Folder of decoded images, kept between runs; empty: they are decoded anew each time, into memory.
    pub cache: PathBuf,
    /// Licence of the images, noted in the model file.
    pub licence: String,
    /// Whom the images are owed to, noted in the model file.
    pub attribution: String,
}

/// What to do about files that do not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unreadable {
    /// Stop before training and name them.
    Error,
    /// Name them and train on the rest.
    Skip,
    /// Keep what decodes of a damaged image, name it, and skip only what shows nothing.
    Repair,
}

impl Default for DataConfig {
    fn default() -> Self {
        Self {
            dir: "data/sample".into(),
            layout: Layout::Auto,
            classes: ClassNames::default(),
            allow_leak: false,
            annotations: PathBuf::new(),
            unreadable: Unreadable::Skip,
            cache: PathBuf::new(),
            licence: String::new(),
            attribution: String::new(),
        }
    }
}

impl DataConfig {
    /// The data set, with what else is known of its images.
    pub fn catalog(&self) -> Result<Catalog, DataError> {
        let catalog = Catalog::open_as(&self.dir, self.layout, &self.classes)?;
        if self.annotations.as_os_str().is_empty() {
            return Ok(catalog);
        }
        catalog.annotated(&self.annotations)
    }

    pub(crate) fn check(&self) -> Result<(), (&'static str, &'static str)> {
        self.classes.check().map_err(|(key, must)| {
            let key = match key {
                "fractured" => "classes.fractured",
                _ => "classes.not_fractured",
            };
            (key, must)
        })
    }

    /// The folder of decoded images, if there is to be one.
    #[must_use]
    pub fn cache(&self) -> Option<Cache> {
        (!self.cache.as_os_str().is_empty()).then(|| Cache::new(&self.cache))
    }

    /// The decoder that `unreadable` asks for.
    #[must_use]
    pub fn decoder(&self) -> Decoder {
        Decoder {
            repair: self.unreadable == Unreadable::Repair,
            ..Decoder::default()
        }
    }
}
