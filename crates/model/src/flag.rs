//! What about a picture should make whoever reads an answer careful.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One reason to be careful.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// Parts of the picture have colours, as a radiograph has none: arrows, circles or text drawn on it.
    Annotated,
    /// It looks like a slice of a CT or MR scan, for which the model was not made.
    CrossSection,
    /// The model learned from this film or was chosen on it: the score shows memory, not skill.
    SeenInTraining,
}

impl Flag {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Annotated, Self::CrossSection, Self::SeenInTraining];
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Annotated => "annotated",
            Self::CrossSection => "cross_section",
            Self::SeenInTraining => "seen_in_training",
        })
    }
}

/// Any number of [`Flag`]s; as JSON the list of their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Flag>", into = "Vec<Flag>")]
pub struct Flags(u8);

impl Flags {
    /// Adds one.
    pub fn insert(&mut self, flag: Flag) {
        self.0 |= 1 << flag as u8;
    }

    /// Whether one is among them.
    #[must_use]
    pub fn contains(self, flag: Flag) -> bool {
        self.0 & (1 << flag as u8) != 0
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those that are there, in the order of [`Flag::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Flag> {
        Flag::ALL
            .into_iter()
            .filter(move |&flag| self.contains(flag))
    }
}

impl From<Vec<Flag>> for Flags {
    fn from(list: Vec<Flag>) -> Self {
        let mut flags = Self::default();
        for flag in list {
            flags.insert(flag);
        }
        flags
    }
}

impl From<Flags> for Vec<Flag> {
    fn from(flags: Flags) -> Self {
        flags.iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_a_list_of_names() {
        let mut flags = Flags::default();
        assert!(flags.is_empty());
        flags.insert(Flag::SeenInTraining);
        flags.insert(Flag::Annotated);
        assert!(flags.contains(Flag::Annotated) && !flags.contains(Flag::CrossSection));
        let json = serde_json::to_string(&flags).expect("serialises");
        assert_eq!(json, r#"["annotated","seen_in_training"]"#);
        let back: Flags = serde_json::from_str(&json).expect("parses");
        assert_eq!(back, flags);
    }
}
