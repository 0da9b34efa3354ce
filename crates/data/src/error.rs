//! What can go wrong between a file and a batch.

use std::path::PathBuf;

use thiserror::Error;

use crate::{Label, Layout, Split};

/// Errors of catalogue, files and data sets.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// The folder given as the data set is not there.
    #[error(
        "there is no folder {}. Fetch a data set with `cargo xtask download sample` (synthetic, at once), `kaggle` or `fracatlas`, \
         or point --data at a folder laid out as train|val|test / fractured|not fractured",
        path.display()
    )]
    NoFolder {
        /// The folder asked for.
        path: PathBuf,
    },
    /// No class folder was found anywhere it is looked for.
    #[error(
        "{} holds no class folders. Expected train|val|test / fractured|not fractured (or the two class folders alone){}",
        path.display(), found_note(found)
    )]
    NoClasses {
        /// The folder asked for.
        path: PathBuf,
        /// Folders that are there instead.
        found: Vec<String>,
    },
    /// A folder beside the class folders whose name is no class: its films would be silently lost.
    #[error(
        "{} is neither a class (fractured, not fractured) nor empty. Rename it or move it out of the data set",
        path.display()
    )]
    UnknownClass {
        /// The folder that has no label.
        path: PathBuf,
    },
    /// A split without one of the two classes cannot be learnt from or judged.
    #[error("{} has no {label} films in split {split}. A split needs both classes", root.display())]
    EmptyClass {
        /// The data set.
        root: PathBuf,
        /// The split asked for.
        split: Split,
        /// The class without films.
        label: Label,
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
    /// A data set without a single film.
    #[error("{} holds no films", path.display())]
    NoFilms {
        /// The data set.
        path: PathBuf,
    },
    /// A link that leads out of the data set.
    #[error(
        "{} is a link to {}, outside of the data set {}. Move the films into it, or name them by a manifest",
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
        /// Why.
        #[source]
        source: Box<AnnotationError>,
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
    /// A film of the data set that the groups say nothing of.
    #[error("{} says nothing of {film}: it was made for other films", path.display())]
    NoGroup {
        /// The file of groups.
        path: PathBuf,
        /// The film's name within the data set.
        film: String,
    },
    /// A field that no film has.
    #[error("no film has a column {name:?}; there are {}", names(known))]
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
    /// As many groups as films are needed, one each.
    #[error("{groups} groups for {films} films: each film needs one")]
    GroupCount {
        /// How many films.
        films: usize,
        /// How many groups.
        groups: usize,
    },
    /// Too few groups to give each part films of both classes.
    #[error(
        "{part} would have no {label} films: the data set has {groups} group(s) with such films, and groups are kept together"
    )]
    TooFewGroups {
        /// The split or fold.
        part: String,
        /// The class it lacks.
        label: Label,
        /// Groups with films of that class.
        groups: usize,
    },
    /// The folder to write to already holds something.
    #[error("{} is not empty. Choose a new folder, or remove it first", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// Reading or writing failed.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried: `read`, `create`, …
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's own word.
        #[source]
        source: std::io::Error,
    },
    /// A file is there but does not decode.
    #[error("{}: {source}", path.display())]
    Decode {
        /// The file.
        path: PathBuf,
        /// Why.
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
    /// A film changed while it was being packed.
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
            Self::Io { source, .. } => source.to_string(),
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

/// What is wrong with a cell of a table.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RowError {
    /// Nothing where something is needed.
    #[error("the cell is empty")]
    Empty,
    /// Bytes that are not text.
    #[error("the cell is not UTF-8")]
    NotUtf8,
    /// A class by a name that means neither.
    #[error("unknown label {value:?}: expected fractured or not fractured, 1 or 0")]
    UnknownLabel {
        /// What the cell says.
        value: String,
    },
    /// A split by a name that means none.
    #[error("unknown split {value:?}: expected train, val or test")]
    UnknownSplit {
        /// What the cell says.
        value: String,
    },
    /// A film without a split where others have one.
    #[error("no split, while other rows have one")]
    NoSplit,
    /// A file that is not there.
    #[error("there is no file {}", file.display())]
    MissingFile {
        /// As the cell names it.
        file: PathBuf,
    },
    /// A file that an earlier row names, be it in other words.
    #[error("{} is the same file as in line {first}", file.display())]
    Duplicate {
        /// As the cell names it.
        file: PathBuf,
        /// The earlier row.
        first: u64,
    },
    /// A film that an earlier row speaks of.
    #[error("an earlier row speaks of {}, too", file.display())]
    Again {
        /// The film.
        file: PathBuf,
    },
    /// A film that lies in the other class's folder.
    #[error("{} is called {label} here, but lies in the other class's folder", file.display())]
    OtherFolder {
        /// The film.
        file: PathBuf,
        /// The class the cell gives.
        label: Label,
    },
    /// A study without a label.
    #[error("no label is given for the study {}", study.display())]
    UnknownStudy {
        /// The study's folder.
        study: PathBuf,
    },
    /// Not four numbers, or not within the film.
    #[error("{value:?} is no box: expected cx cy w h, each from 0 to 1")]
    BadBox {
        /// What the cell says.
        value: String,
    },
}

/// Why a file of boxes does not read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AnnotationError {
    /// Not the JSON of COCO.
    #[error("not COCO JSON: {0}")]
    Coco(#[from] serde_json::Error),
    /// Not the XML of PASCAL VOC.
    #[error("not PASCAL VOC XML: {0}")]
    Voc(#[from] quick_xml::DeError),
    /// Not a line of YOLO.
    #[error("line {line} is no YOLO box: expected a class and cx cy w h from 0 to 1")]
    Yolo {
        /// Counted from 1.
        line: u64,
    },
    /// A box for an image that the file does not list.
    #[error("a box belongs to image {id}, which is not listed")]
    UnknownImage {
        /// The image's number in the file.
        id: u64,
    },
    /// A box of which nothing is on the film.
    #[error("a box from {corners:?} is not on its film of {width}×{height} pixels")]
    BadBox {
        /// Left, top, right, bottom in pixels.
        corners: [f64; 4],
        /// Pixels across.
        width: f64,
        /// Pixels down.
        height: f64,
    },
}

/// Why bytes are not a film.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// No byte at all.
    #[error("the file is empty")]
    Empty,
    /// The bytes begin like no format that is read.
    #[error("not an image that is read here (JPEG, PNG, GIF, BMP, TIFF, WebP, DICOM)")]
    UnknownFormat,
    /// A DICOM file, and a build without the feature `dicom`.
    #[error(
        "DICOM is not built in: build with the feature `dicom`, or export the film as PNG or JPEG"
    )]
    Dicom,
    /// The DICOM file's structure is damaged.
    #[error("damaged DICOM file: {source}")]
    DicomFile {
        /// The parser's own word.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A stated length reaches beyond the end of the file, or pixels are missing.
    #[error("truncated DICOM file: it ends before what it announces")]
    DicomTruncated,
    /// Sequences within sequences without end.
    #[error("damaged DICOM file: sequences are nested more than {limit} deep")]
    DicomNesting {
        /// The limit.
        limit: usize,
    },
    /// A DICOM file that holds no picture.
    #[error("the DICOM file holds no pixel data")]
    DicomNoPixels,
    /// An attribute that is needed is missing, or makes no sense.
    #[error("DICOM attribute {name} is missing or makes no sense")]
    DicomAttribute {
        /// Its name.
        name: &'static str,
    },
    /// A way of coding that is not read.
    #[error(
        "DICOM transfer syntax {uid} is not read{}",
        if uid.starts_with("1.2.840.10008.1.2.4.8") { " in this build (JPEG-LS: build with the feature `jpeg-ls`)" } else { "" }
    )]
    DicomSyntax {
        /// Its identifier.
        uid: String,
    },
    /// Colours that are not turned to luma.
    #[error("DICOM photometric interpretation {name:?} is not read")]
    DicomPhotometric {
        /// As the file has it.
        name: String,
    },
    /// Neither 8 nor 16 bits a sample.
    #[error("DICOM samples of {bits} bits are not read")]
    DicomDepth {
        /// Bits allocated.
        bits: u32,
    },
    /// The compressed frame is of another shape than the data set states.
    #[error(
        "damaged DICOM file: its compressed frame is {width}×{height} of {channels} channels and {bits} bits, unlike its header"
    )]
    DicomFrame {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
        /// Samples a pixel.
        channels: u32,
        /// Bits a sample.
        bits: u32,
    },
    /// The frame's decoder refused.
    #[error("damaged DICOM pixel data: {source}")]
    DicomPixels {
        /// The decoder's own word.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The frame's decoder fell over it.
    #[error("damaged DICOM pixel data: the decoder stumbled over it")]
    DicomPanic,
    /// A 12-bit JPEG that is damaged.
    #[error("damaged 12-bit JPEG: {reason}")]
    Jpeg12 {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// More pixels than [`crate::Limits`] allows, as said by the header, before anything was decoded.
    #[error("{width}×{height} pixels: above the limit of {limit} megapixels")]
    TooLarge {
        /// Pixels across.
        width: u64,
        /// Pixels down.
        height: u64,
        /// The limit in megapixels.
        limit: u64,
    },
    /// No pixel.
    #[error("the image has no pixels ({width}×{height})")]
    NoPixels {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
    },
    /// The file ends before its picture does.
    #[error("truncated JPEG: the file ends before its picture does")]
    Truncated,
    /// The JPEG decoder refused.
    #[error("damaged JPEG: {source}")]
    Jpeg {
        /// The decoder's own word.
        #[source]
        source: zune_jpeg::errors::DecodeErrors,
    },
    /// Another decoder refused.
    #[error("damaged image: {source}")]
    Image {
        /// The decoder's own word.
        #[source]
        source: image::ImageError,
    },
    /// A kind of sample that no decoder gives today.
    #[error("samples of type {color:?} are not read")]
    ColorType {
        /// The kind.
        color: image::ColorType,
    },
}

impl DecodeError {
    /// Whether the file is a film that was damaged, so that some of it may be left to show.
    pub(crate) fn is_damage(&self) -> bool {
        matches!(
            self,
            Self::Truncated | Self::Jpeg { .. } | Self::Image { .. }
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
        ", for it comes undivided. `osteon data split` divides it"
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
