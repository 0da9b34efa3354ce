//! The two words that everything else is labelled with: class and split.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::DataError;

/// Class names in label order: index 0 is *not fractured*, index 1 *fractured*. Never taken from the file system's order.
pub const CLASS_NAMES: [&str; 2] = ["not_fractured", "fractured"];

/// What an image shows. The positive class is [`Label::Fractured`], label 1, everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    /// Label 0.
    NotFractured,
    /// Label 1, the positive class.
    Fractured,
}

impl Label {
    /// Whether this is the positive class.
    #[must_use]
    pub fn is_fractured(self) -> bool {
        self == Self::Fractured
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(CLASS_NAMES[usize::from(self.is_fractured())])
    }
}

/// The three uses of an image. Model choice, calibration and thresholds happen on [`Split::Val`] only; [`Split::Test`] is read once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// Weights are fitted on it.
    Train,
    /// The model, its calibration and thresholds are chosen on it.
    Val,
    /// Reported, never chosen on.
    Test,
}

impl Split {
    /// All splits, in order.
    pub const ALL: [Self; 3] = [Self::Train, Self::Val, Self::Test];

    /// The name used in files and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Val => "val",
            Self::Test => "test",
        }
    }

    /// The split of a folder by its name (`valid` and `validation` are `val`), or `None`.
    #[must_use]
    pub fn from_folder(name: &str) -> Option<Self> {
        match name.to_lowercase().as_str() {
            "train" | "training" => Some(Self::Train),
            "val" | "valid" | "validation" => Some(Self::Val),
            "test" | "testing" => Some(Self::Test),
            _ => None,
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Split {
    type Err = DataError;

    fn from_str(name: &str) -> Result<Self, DataError> {
        Self::from_folder(name).ok_or_else(|| DataError::UnknownSplit {
            name: name.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_by_the_names_people_use() {
        assert_eq!(Split::from_folder("Validation"), Some(Split::Val));
        assert!("holdout".parse::<Split>().is_err());
    }

    #[test]
    fn fractured_is_label_one() {
        assert_eq!(Label::Fractured as u8, 1);
        assert_eq!(CLASS_NAMES[Label::Fractured as usize], "fractured");
    }
}
