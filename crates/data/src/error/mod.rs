//! What can go wrong between a file and a batch.

mod decode;
mod table;

use std::path::PathBuf;

use osteon_files::FileError;
use thiserror::Error;

pub use decode::DecodeError;
pub use table::{AnnotationError, BoxFault, BoxProblem, RowError};

use crate::{ClassNames, Label, Layout, Split};

/// Errors of catalogue, files and data sets.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// The folder given as the data set is not there.
    #[error("there is no folder {}", path.display())]
    NoFolder {
        /// The folder asked for.
        path: PathBuf,
    },
    /// No class folder was found anywhere it is looked for.
    #[error(
        "{} holds no class folders. Expected train|val|test / fractured|not fractured (or the two class folders alone){}. Known names: {known}",
        path.display(), found_note(found)
    )]
    NoClasses {
        /// The folder asked for.
        path: PathBuf,
        /// Folders that are there instead.
        found: Vec<String>,
        /// The names that classes may have.
        known: Box<ClassNames>,
    },
    /// A folder beside the class folders whose name is no class: its images would be silently lost.
    #[error(
        "{} is neither a class nor empty: the name {name:?} is not known. Known names: {known}",
        path.display()
    )]
    UnknownClass {
        /// The folder that has no label.
        path: PathBuf,
        /// Its name.
        name: String,
        /// The names that classes may have.
        known: Box<ClassNames>,
    },
    /// A folder of one class within a folder of the other: what its images show is not known.
    #[error("{} is called {label}, but lies within a folder that is called {within}", path.display())]
    ClassInClass {
        /// The inner folder.
        path: PathBuf,
        /// What its name means.
        label: Label,
        /// What the outer one's means.
        within: Label,
    },
    /// A split without one of the two classes cannot be learnt from or judged.
    #[error(
        "{} has no {label} images in split {split}. A split needs both classes{}",
        root.display(), one_class_note(named)
    )]
    EmptyClass {
        /// The data set.
        root: PathBuf,
        /// The split asked for.
        split: Split,
        /// The class without images.
        label: Label,
        /// The names of classes in the data set, if all of them mean the other class.
        named: Vec<String>,
    },
    /// The split asked for is not in the data set.
    #[error("{} has no split {split}; it has {}{}", root.display(), list(present), divide_note(*divided))]
    NoSplit {
        /// The data set.
        root: PathBuf,
        /// The split asked for.
        split: Split,
        /// What is there.
        present: Vec<Split>,
        /// Whether the data set comes divided.
        divided: bool,
    },
    /// A split name other than train, val or test.
    #[error("unknown split {name:?}: expected train, val or test")]
    UnknownSplit {
        /// The name given.
        name: String,
    },
    /// A layout by a name that none has.
    #[error("unknown layout {name:?}: expected one of {}", layouts())]
    UnknownLayout {
        /// The name given.
        name: String,
    },
    /// The data set does not lie as the layout that was named wants it.
    #[error("{} is not laid out as {layout}: expected {expected}", path.display())]
    NotThisLayout {
        /// The data set.
        path: PathBuf,
        /// The layout asked for.
        layout: Layout,
        /// What it consists of.
        expected: &'static str,
    },
    /// There is no manifest at the path.
    #[error("there is no manifest {}: a CSV table with the columns path and label", path.display())]
    NoManifest {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A folder of DICOM files needs one table of labels, neither none nor several.
    #[error("{} must hold one CSV table with the columns file and label; it holds {}", path.display(), files(found))]
    OneTable {
        /// The folder.
        path: PathBuf,
        /// The tables in it.
        found: Vec<PathBuf>,
    },
    /// A data set without a single image.
    #[error("{} holds no images", path.display())]
    NoFilms {
        /// The data set.
        path: PathBuf,
    },
    /// A link that leads out of the data set.
    #[error(
        "{} is a link to {}, outside of the data set {}. Move the images into it, or name them by a manifest",
        path.display(), target.display(), root.display()
    )]
    LinkOutside {
        /// The link, or what lies behind it.
        path: PathBuf,
        /// The data set.
        root: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
    /// A table lacks a column.
    #[error("{} has no column {}; it has {}", path.display(), one_of(column), names(found))]
    MissingColumn {
        /// The table.
        path: PathBuf,
        /// The names under which it is looked for.
        column: Vec<String>,
        /// The columns that are there.
        found: Vec<String>,
    },
    /// Two columns of one name.
    #[error("{} has two columns {column:?}", path.display())]
    SameColumn {
        /// The table.
        path: PathBuf,
        /// Their name.
        column: String,
    },
    /// A table in an encoding that is not read.
    #[error("{} is in UTF-16: save it as CSV UTF-8", path.display())]
    Utf16 {
        /// The table.
        path: PathBuf,
    },
    /// A table that is no CSV.
    #[error("{}, line {line}: {source}", path.display())]
    Table {
        /// The table.
        path: PathBuf,
        /// Counted from 1, the header's.
        line: u64,
        /// The reader's own word.
        #[source]
        source: csv::Error,
    },
    /// A cell that makes no sense.
    #[error("{}, line {line}, column {column}: {source}", path.display())]
    Row {
        /// The table.
        path: PathBuf,
        /// Counted from 1, the header's: the row as a spreadsheet numbers it.
        line: u64,
        /// The column's name; its number where there is no header.
        column: String,
        /// What is wrong.
        #[source]
        source: RowError,
    },
    /// A file of boxes that does not read.
    #[error("{}: {source}", path.display())]
    Annotation {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Box<AnnotationError>,
    },
    /// Boxes that cannot be right.
    #[error("{count} boxes in {} cannot be right: {first}", path.display())]
    Boxes {
        /// The file or folder of boxes.
        path: PathBuf,
        /// How many.
        count: usize,
        /// The first, with its place.
        first: String,
    },
    /// A JSON file that does not hold what it should.
    #[error("{}: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// The parser's own word.
        #[source]
        source: serde_json::Error,
    },
    /// A manifest was changed after its record was written.
    #[error(
        "{} is not what its record {} says: its rows have the fingerprint {found:.12}…, not {expected:.12}…. \
         Divide the data set anew, or remove the record",
        path.display(), record.display()
    )]
    ManifestChanged {
        /// The manifest.
        path: PathBuf,
        /// Its record.
        record: PathBuf,
        /// The fingerprint of its rows.
        found: String,
        /// The one in the record.
        expected: String,
    },
    /// A file to write is there already.
    #[error("{} is there already. Name another file, or remove it first", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// An image of the data set that the groups say nothing of.
    #[error("{} says nothing of {film}: it was made for other images", path.display())]
    NoGroup {
        /// The file of groups.
        path: PathBuf,
        /// The image's name within the data set.
        film: String,
    },
    /// Images of the data set of which a table beside it says nothing.
    #[error("{} has no row for {without} of {films} images: {}", path.display(), some(first, *without))]
    NotAnnotated {
        /// The table.
        path: PathBuf,
        /// Images of the data set.
        films: usize,
        /// Those without a row.
        without: usize,
        /// The first of them by name.
        first: Vec<String>,
    },
    /// A field that no image has.
    #[error("no image has a column {name:?}; there are {}", names(known))]
    UnknownField {
        /// The name given.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A division into parts that are no fractions, or leave nothing to train on.
    #[error("{what} must be {must}")]
    SplitOption {
        /// The option.
        what: &'static str,
        /// What it must be.
        must: &'static str,
    },
    /// As many groups as images are needed, one each.
    #[error("{groups} groups for {films} images: each image needs one")]
    GroupCount {
        /// How many images.
        films: usize,
        /// How many groups.
        groups: usize,
    },
    /// Too few groups to give each part images of both classes.
    #[error(
        "{part} would have no {label} images: the data set has {groups} group(s) with such images, and groups are kept together"
    )]
    TooFewGroups {
        /// The split or fold.
        part: String,
        /// The class it lacks.
        label: Label,
        /// Groups with images of that class.
        groups: usize,
    },
    /// The folder to write to already holds something.
    #[error("{} is not empty. Choose a new folder, or remove it first", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// Reading or writing failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file is there but does not decode.
    #[error("{}: {source}", path.display())]
    Decode {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: DecodeError,
    },
    /// A file that did not decode when it was packed.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the decoder said then.
        reason: String,
    },
    /// An image changed while it was being packed.
    #[error("{} changed while it was read. Try again when nothing writes to the data set", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A pack that was just written does not read.
    #[error("the pack {} was written but does not read: {reason}. Is the disk sound?", path.display())]
    Pack {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A pack is no longer what it was when it was opened.
    #[error("the pack {} was written over while it was read; the next run makes it anew", path.display())]
    PackChanged {
        /// The file.
        path: PathBuf,
    },
    /// Writing an image failed.
    #[error("cannot write {}: {source}", path.display())]
    Encode {
        /// The file.
        path: PathBuf,
        /// The encoder's own word.
        #[source]
        source: image::ImageError,
    },
}

impl DataError {
    /// The cause alone, for a listing that names the file already.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Decode { source, .. } => source.to_string(),
            Self::File(FileError { source, .. }) => source.to_string(),
            Self::Unreadable { reason, .. } => reason.clone(),
            other => other.to_string(),
        }
    }

    /// Whether what was asked for is no data set: a matter of the call (exit code 2), not of the work.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::NoFolder { .. }
                | Self::NoClasses { .. }
                | Self::UnknownSplit { .. }
                | Self::NoSplit { .. }
                | Self::NotEmpty { .. }
                | Self::UnknownLayout { .. }
                | Self::NotThisLayout { .. }
                | Self::NoManifest { .. }
                | Self::OneTable { .. }
                | Self::NoFilms { .. }
                | Self::Exists { .. }
                | Self::UnknownField { .. }
                | Self::SplitOption { .. }
        )
    }
}

fn found_note(found: &[String]) -> String {
    if found.is_empty() {
        String::new()
    } else {
        format!("; found {}", found.join(", "))
    }
}

fn one_class_note(named: &[String]) -> String {
    match named {
        [] => String::new(),
        [one] => format!(", and the only class that the data set names is {one:?}"),
        [first, others @ ..] => {
            let others: Vec<String> = others.iter().map(|name| format!("{name:?}")).collect();
            format!(
                ", and {first:?} and {} both mean the other one",
                others.join(", ")
            )
        }
    }
}

fn list(splits: &[Split]) -> String {
    let names: Vec<_> = splits.iter().map(|s| s.name()).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

fn divide_note(divided: bool) -> &'static str {
    if divided {
        ""
    } else {
        ", for it comes undivided"
    }
}

fn layouts() -> String {
    Layout::ALL.map(Layout::name).join(", ")
}

fn names(names: &[String]) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

fn some(first: &[String], all: usize) -> String {
    let more = if first.len() < all { ", …" } else { "" };
    format!("{}{more}", names(first))
}

fn one_of(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [name] => name.clone(),
        [name, others @ ..] => format!("{name} (nor {})", others.join(", ")),
    }
}

fn files(paths: &[PathBuf]) -> String {
    let names: Vec<_> = paths.iter().map(|p| p.display().to_string()).collect();
    self::names(&names)
}
