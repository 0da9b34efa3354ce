//! The two words that everything else is labelled with: class and split.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::DataError;

/// Class names in label order: index 0 is *not fractured*, index 1 *fractured*. Never taken from the file system's order.
pub const CLASS_NAMES: [&str; 2] = ["not_fractured", "fractured"];

/// What a film shows. The positive class is [`Label::Fractured`], label 1, everywhere.
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

    /// The class of a folder by its name, or `None` for a name that means neither.
    ///
    /// Case, spaces, `-` and `_` do not matter: `not fractured`, `Non-Fractured`, `normal` and `negative` are label 0;
    /// `fractured`, `Fracture`, `positive` are label 1.
    #[must_use]
    pub fn from_folder(name: &str) -> Option<Self> {
        let plain: String = name
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_lowercase();
        match plain.as_str() {
            "fractured" | "fracture" | "positive" => Some(Self::Fractured),
            "notfractured" | "nonfractured" | "unfractured" | "notfracture" | "nofracture"
            | "normal" | "negative" => Some(Self::NotFractured),
            _ => None,
        }
    }

    /// The class that a cell of a table names: as [`Label::from_folder`] has it, or 1 and 0.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "1" => Some(Self::Fractured),
            "0" => Some(Self::NotFractured),
            other => Self::from_folder(other),
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(CLASS_NAMES[usize::from(self.is_fractured())])
    }
}

/// The three uses of a film. Model choice, calibration and thresholds happen on [`Split::Val`] only; [`Split::Test`] is read once.
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
    fn folder_names_people_use() {
        for name in [
            "not fractured",
            "Not_Fractured",
            "non-fractured",
            "NORMAL",
            "negative",
        ] {
            assert_eq!(
                Label::from_folder(name),
                Some(Label::NotFractured),
                "{name}"
            );
        }
        for name in ["fractured", "Fracture", "positive"] {
            assert_eq!(Label::from_folder(name), Some(Label::Fractured), "{name}");
        }
        assert_eq!(Label::from_folder("hands"), None);
        assert_eq!(Split::from_folder("Validation"), Some(Split::Val));
        assert!("holdout".parse::<Split>().is_err());
    }

    #[test]
    fn fractured_is_label_one() {
        assert_eq!(Label::Fractured as u8, 1);
        assert_eq!(CLASS_NAMES[Label::Fractured as usize], "fractured");
    }
}
