//! What the two classes are called: in folders, in tables, and in one's own words.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Label;

/// Names that everybody takes for *fractured*.
const FRACTURED: [&str; 3] = ["fractured", "fracture", "positive"];
/// Names that everybody takes for *not fractured*.
const NOT_FRACTURED: [&str; 7] = [
    "not fractured",
    "non-fractured",
    "unfractured",
    "not fracture",
    "no fracture",
    "normal",
    "negative",
];
/// What a cell of a table may say besides, label by label.
const CELLS: [&str; 2] = ["0", "1"];

/// Names of the two classes in folders and tables, besides those that everybody uses.
///
/// The default has none of one's own: `fractured`, `fracture` and `positive` are label 1; `not fractured`, `non-fractured`, `unfractured`,
/// `not fracture`, `no fracture`, `normal` and `negative` are label 0; in a table so are `1` and `0`. Case, spaces, `-` and `_` do not matter, but
/// for a `-` in front, which is a minus; nothing else is ever left out of a name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClassNames {
    /// More names for *fractured*, such as `["kırık"]`.
    pub fractured: Vec<String>,
    /// More names for *not fractured*, such as `["kırık değil"]`.
    pub not_fractured: Vec<String>,
}

impl ClassNames {
    /// The class of a folder of this name, or `None` for a name that is not known.
    #[must_use]
    pub fn of_folder(&self, name: &str) -> Option<Label> {
        self.own(name).or_else(|| shared(name))
    }

    /// The class that a cell of a table names: as [`ClassNames::of_folder`] has it, or 1 and 0.
    #[must_use]
    pub fn of_cell(&self, name: &str) -> Option<Label> {
        self.own(name).or(match name {
            "1" => Some(Label::Fractured),
            "0" => Some(Label::NotFractured),
            other => shared(other),
        })
    }

    /// Whether the names of one's own make sense: none is empty, none stands for both classes, and none is what everybody calls the other
    /// class. `1` and `0` may change places.
    ///
    /// # Errors
    /// The key at fault, and what must hold.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let lists = [
            ("fractured", Label::Fractured, &self.fractured),
            ("not_fractured", Label::NotFractured, &self.not_fractured),
        ];
        for (key, label, names) in lists {
            for name in names {
                if plain(name).is_empty() {
                    return Err((key, "must hold names, none of them empty"));
                }
                if shared(name).is_some_and(|known| known != label) {
                    return Err((
                        key,
                        "must not hold a name that everybody takes for the other class",
                    ));
                }
            }
        }
        let both = |name: &String| self.not_fractured.iter().any(|other| same(name, other));
        if self.fractured.iter().any(both) {
            return Err(("fractured", "must share no name with not_fractured"));
        }
        Ok(())
    }

    fn own(&self, name: &str) -> Option<Label> {
        let any = |names: &[String]| names.iter().any(|known| same(known, name));
        if any(&self.fractured) {
            Some(Label::Fractured)
        } else if any(&self.not_fractured) {
            Some(Label::NotFractured)
        } else {
            None
        }
    }

    /// Every known name of a class, those of one's own first.
    fn all(&self, label: Label) -> Vec<&str> {
        let (own, shared) = match label {
            Label::Fractured => (&self.fractured, &FRACTURED[..]),
            Label::NotFractured => (&self.not_fractured, &NOT_FRACTURED[..]),
        };
        let own = own.iter().map(String::as_str);
        own.chain(shared.iter().copied()).collect()
    }
}

/// The names that are known, class by class.
impl fmt::Display for ClassNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "fractured is called {}; not fractured is called {}",
            self.all(Label::Fractured).join(", "),
            self.all(Label::NotFractured).join(", ")
        )
    }
}

/// [`ClassNames`] as a table has them: with 1 and 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellNames(pub(crate) ClassNames);

impl fmt::Display for CellNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names = self.0.clone();
        for (label, cell) in [Label::NotFractured, Label::Fractured]
            .into_iter()
            .zip(CELLS)
        {
            if names.of_cell(cell) == Some(label) {
                match label {
                    Label::Fractured => names.fractured.insert(0, cell.to_owned()),
                    Label::NotFractured => names.not_fractured.insert(0, cell.to_owned()),
                }
            }
        }
        names.fmt(f)
    }
}

/// The class that everybody takes a name for.
fn shared(name: &str) -> Option<Label> {
    // Letters beyond ASCII stay: a name that has any is none of these.
    let name = plain(name);
    let is = |known: &&str| plain(known).eq_ignore_ascii_case(&name);
    if FRACTURED.iter().any(is) {
        Some(Label::Fractured)
    } else if NOT_FRACTURED.iter().any(is) {
        Some(Label::NotFractured)
    } else {
        None
    }
}

/// Whether two names differ in case, spaces, `-` and `_` at most. Both cases are asked, for not every letter comes back from its capital:
/// `KIRIK` is `kırık` in Turkish.
fn same(a: &str, b: &str) -> bool {
    let (a, b) = (plain(a), plain(b));
    a.to_lowercase() == b.to_lowercase() || a.to_uppercase() == b.to_uppercase()
}

/// A name without spaces, `-` and `_`. A `-` in front stays: `-fractured` may well mean the opposite.
fn plain(name: &str) -> String {
    let name = name.trim_matches(is_space);
    let (minus, rest) = match name.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", name),
    };
    let kept = rest
        .chars()
        .filter(|&c| !is_space(c) && c != '-' && c != '_');
    minus.chars().chain(kept).collect()
}

/// A space of any width, but no tab and no line end: those are no part of a name by mistake only.
fn is_space(c: char) -> bool {
    c.is_whitespace() && !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(fractured: &[&str], not_fractured: &[&str]) -> ClassNames {
        let names = |names: &[&str]| names.iter().map(|&n| n.to_owned()).collect();
        ClassNames {
            fractured: names(fractured),
            not_fractured: names(not_fractured),
        }
    }

    #[test]
    fn names_people_use() {
        let names = ClassNames::default();
        for name in [
            "not fractured",
            "Not_Fractured",
            "non-fractured",
            "NORMAL",
            "negative",
            "not\u{a0}fractured",
            " _no-Fracture_ ",
        ] {
            let found = names.of_folder(name);
            assert_eq!(found, Some(Label::NotFractured), "{name}");
        }
        for name in [
            "fractured",
            "Fracture",
            "positive",
            "FRACTURED_",
            "frac tured",
        ] {
            assert_eq!(names.of_folder(name), Some(Label::Fractured), "{name}");
        }
        assert_eq!(names.of_cell("1"), Some(Label::Fractured));
        assert_eq!(names.of_cell("0"), Some(Label::NotFractured));
        assert_eq!(names.of_folder("1"), None);
    }

    /// Whatever is not exactly known is not known at all: a letter, a sign or a mark may turn the meaning round.
    #[test]
    fn nothing_is_left_out_of_a_name() {
        let names = ClassNames::default();
        for name in [
            "не fractured",
            "нет fracture",
            "无fracture",
            "無 fracture",
            "¬fractured",
            "¬ fractured",
            "!fractured",
            "~fractured",
            "-fractured",
            "- fractured",
            "−fractured",
            "fractured?",
            "fractured!",
            "(fractured)",
            "fractured.",
            "fractured/not",
            "fracturé",
            "fracture\u{301}",
            "frаctured", // The third letter is Cyrillic.
            "ｆractured",
            "poſitive",
            "fractured2",
            "2 fractured",
            "fractured\u{200b}",
            "\u{feff}fractured",
            "fractured\n",
            "fractured\t",
            "fractured\u{fffd}",
            "❌fractured",
            "لا fractured",
            "non–fractured",
            "not fractured ?",
            "+1",
            "-1",
            "1.0",
            "hands",
            "",
            " ",
            "-",
        ] {
            assert_eq!(names.of_folder(name), None, "{name:?}");
            assert_eq!(names.of_cell(name), None, "{name:?}");
        }
    }

    #[test]
    fn names_of_ones_own() {
        let names = own(&["kırık", "骨折"], &["kırık değil", "正常"]);
        names.check().expect("sensible");
        for (name, label) in [
            ("kırık", Label::Fractured),
            ("Kırık", Label::Fractured),
            ("KIRIK", Label::Fractured),
            ("骨折", Label::Fractured),
            ("kırık_değil", Label::NotFractured),
            ("Kırık Değil", Label::NotFractured),
            ("正常", Label::NotFractured),
            ("normal", Label::NotFractured),
        ] {
            assert_eq!(names.of_folder(name), Some(label), "{name}");
            assert_eq!(names.of_cell(name), Some(label), "{name}");
        }
        for name in ["kırık?", "kırıkdeğil!", "骨折なし", "kirik degil"] {
            assert_eq!(names.of_folder(name), None, "{name}");
        }
        // Zero and one the other way round, and two numbers that mean nothing by themselves.
        let turned = own(&["0"], &["1"]);
        turned.check().expect("sensible");
        assert_eq!(turned.of_cell("0"), Some(Label::Fractured));
        assert_eq!(turned.of_cell("1"), Some(Label::NotFractured));
        assert_eq!(own(&["2"], &["1"]).of_cell("-2"), None);
    }

    #[test]
    fn names_that_make_no_sense() {
        assert_eq!(
            own(&["a", " "], &[]).check().expect_err("empty").0,
            "fractured"
        );
        assert_eq!(
            own(&[], &["Fracture"]).check().expect_err("the other's").0,
            "not_fractured"
        );
        let said = own(&["kırık"], &["KIRIK"]).check().expect_err("both").1;
        assert_eq!(said, "must share no name with not_fractured");
    }

    #[test]
    fn what_is_known_is_told() {
        let names = own(&["kırık"], &[]);
        assert_eq!(
            names.to_string(),
            "fractured is called kırık, fractured, fracture, positive; not fractured is called not fractured, non-fractured, unfractured, \
             not fracture, no fracture, normal, negative"
        );
        let cells = CellNames(ClassNames::default()).to_string();
        assert!(
            cells.starts_with("fractured is called 1, fractured"),
            "{cells}"
        );
        assert!(cells.contains("not fractured is called 0, not"), "{cells}");
    }
}
