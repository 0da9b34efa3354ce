//! What about a picture should make whoever reads an answer careful.

use std::fmt;

use osteon_data::GrayView;
use serde::{Deserialize, Serialize};

/// One reason to be careful.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// Parts of the picture have colours, as a radiograph has none: arrows, circles or text drawn on it.
    Annotated,
    /// It looks like a slice of a CT or MR scan, for which the model was not made.
    CrossSection,
    /// It is a radiograph of a region that the model did not learn from, such as a chest, a skull or a spine.
    OutsideTraining,
    /// The model learned from this image or was chosen on it: the score shows memory, not skill.
    SeenInTraining,
    /// Next to all of it is black: a wrong window, or a few bright pixels that took the whole range. Nothing can be seen on it.
    NearlyBlack,
    /// Next to all of it is white.
    NearlyWhite,
}

impl Flag {
    /// All there are.
    pub const ALL: [Self; 6] = [
        Self::Annotated,
        Self::CrossSection,
        Self::OutsideTraining,
        Self::SeenInTraining,
        Self::NearlyBlack,
        Self::NearlyWhite,
    ];

    /// Whether next to nothing can be seen on a picture with this flag, so that it must not be called free of fractures.
    #[must_use]
    pub fn hides(self) -> bool {
        matches!(self, Self::NearlyBlack | Self::NearlyWhite)
    }

    /// Whether an image is nearly black or nearly white: 19 of 20 pixels lie in the darkest or the brightest eighth of the levels. Of 2,500 real
    /// images, the darkest has its 95 % at level 51, and the brightest its 2 % at level 147.
    pub(crate) fn of_exposure(image: GrayView<'_>) -> Option<Self> {
        let (mut black, mut white) = (0, 0);
        for &level in image.pixels() {
            black += usize::from(level < 32);
            white += usize::from(level >= 224);
        }
        let most = image.pixels().len() * 19 / 20;
        if black > most {
            Some(Self::NearlyBlack)
        } else if white > most {
            Some(Self::NearlyWhite)
        } else {
            None
        }
    }
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Annotated => "annotated",
            Self::CrossSection => "cross_section",
            Self::OutsideTraining => "outside_training",
            Self::SeenInTraining => "seen_in_training",
            Self::NearlyBlack => "nearly_black",
            Self::NearlyWhite => "nearly_white",
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

    /// Whether next to nothing can be seen on the picture ([`Flag::hides`]).
    #[must_use]
    pub fn hide(self) -> bool {
        self.iter().any(Flag::hides)
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

    #[test]
    fn what_is_next_to_black_or_white_is_told() {
        let of = |level: u8, other: u8, others: usize| {
            let mut pixels = vec![level; 1000];
            pixels[..others].fill(other);
            Flag::of_exposure(GrayView::new(100, 10, &pixels).expect("1000"))
        };
        assert_eq!(of(16, 255, 0), Some(Flag::NearlyBlack));
        assert_eq!(of(31, 255, 49), Some(Flag::NearlyBlack));
        assert_eq!(of(31, 255, 50), None);
        assert_eq!(of(32, 255, 1), None);
        assert_eq!(of(255, 0, 49), Some(Flag::NearlyWhite));
        assert_eq!(of(223, 0, 1), None);
        assert_eq!(
            Flag::ALL.map(Flag::hides),
            [false, false, false, false, true, true]
        );
    }
}
