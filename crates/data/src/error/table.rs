//! What can be wrong in a table or a file of boxes.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;
use thiserror::Error;

use crate::{CellNames, Label};

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
    #[error("unknown label {value:?}: {known}")]
    UnknownLabel {
        /// What the cell says.
        value: String,
        /// The names that are known.
        known: Box<CellNames>,
    },
    /// A label other than 1 and 0 where a published table has only these.
    #[error("unknown label {value:?}: expected 1 or 0")]
    NotOneOrZero {
        /// What the cell says.
        value: String,
    },
    /// A split by a name that means none.
    #[error("unknown split {value:?}: expected train, val or test")]
    UnknownSplit {
        /// What the cell says.
        value: String,
    },
    /// An image without a split where others have one.
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
    /// An image that an earlier row speaks of.
    #[error("an earlier row speaks of {}, too", file.display())]
    Again {
        /// The image.
        file: PathBuf,
    },
    /// An image that lies in the other class's folder.
    #[error("{} is called {label} here, but lies in the other class's folder", file.display())]
    OtherFolder {
        /// The image.
        file: PathBuf,
        /// The class the cell gives.
        label: Label,
    },
    /// An image that the data set does not have.
    #[error("the data set has no image {}", file.display())]
    NoFilm {
        /// As the cell names it.
        file: PathBuf,
    },
    /// A name that several images have.
    #[error(
        "{films} images of the data set are called {}: name them by path, or by file, split and class", file.display()
    )]
    SeveralFilms {
        /// As the cell names it.
        file: PathBuf,
        /// How many there are.
        films: usize,
    },
    /// An image that the data set has in the other class.
    #[error("{} is called {label} here, but is {is} in the data set", file.display())]
    OtherClass {
        /// As the cell names it.
        file: PathBuf,
        /// The class the cell gives.
        label: Label,
        /// The data set's.
        is: Label,
    },
    /// A study without a label.
    #[error("no label is given for the study {}", study.display())]
    UnknownStudy {
        /// The study's folder.
        study: PathBuf,
    },
    /// Not four numbers, or not within the image.
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
    /// A box for an image that the file does not list.
    #[error("a box belongs to image {id}, which is not listed")]
    UnknownImage {
        /// The image's number in the file.
        id: u64,
    },
    /// A folder without any.
    #[error(
        "there are no boxes in it: expected files of PASCAL VOC (.xml), YOLO (.txt) or COCO (.json)"
    )]
    NoBoxes,
    /// Boxes of several classes, none of them *fractured*.
    #[error("its boxes are of the classes {}; none of them is called fracture or fractured", found.join(", "))]
    NoFractureClass {
        /// The classes, by their names or numbers.
        found: Vec<String>,
    },
}

/// What is wrong with a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BoxProblem {
    /// No width or no height.
    #[error("the box has no area")]
    Empty,
    /// More than half of it is not on the image.
    #[error("the box is not on its image")]
    Outside,
    /// Numbers of 2 and more where fractions of the image are due.
    #[error("the box is in pixels; YOLO has fractions of the image, from 0 to 1")]
    Pixels,
    /// Fractions where pixels are due.
    #[error("the box is in fractions of the image; this format has pixels")]
    Fractions,
    /// Not a line of YOLO.
    #[error("not a YOLO box: expected a class and cx cy w h")]
    NotYolo,
    /// The image is called *not fractured*.
    #[error("the image with this box is labelled not fractured")]
    NotFractured,
    /// The data set has no such image.
    #[error("the data set has no such image")]
    NoImage,
    /// Several images have this name.
    #[error("several images of the data set have this name")]
    SeveralImages,
}

/// A box that cannot be right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BoxFault {
    /// The file of boxes, below the folder that was read.
    pub file: String,
    /// The line in it, counted from 1, if it has lines.
    pub line: Option<u64>,
    /// The image, as the file names it.
    pub image: String,
    /// What is wrong.
    pub problem: BoxProblem,
}

impl fmt::Display for BoxFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}, line {line}: {}", self.file, self.problem),
            None => write!(f, "{}, {}: {}", self.file, self.image, self.problem),
        }
    }
}
