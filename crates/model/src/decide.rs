//! From a score to a decision: the doubt band and its promises, and the rule that an image is decided by.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Decision, Flags, ModelError, ModelInfo, OperatingPoint, Prediction};

/// Scores from `low` to `high` are left to a person.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DoubtBand {
    /// Below it: not fractured.
    pub low: f64,
    /// Above it: fractured.
    pub high: f64,
    /// In files without [`Promises`]: at most this share of the images that are decided is decided wrongly, 0..=1 …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<f64>,
    /// … with this probability over the draw of val.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
}

/// What is promised of decisions outside the doubt band, of images like those it was made on: one promise a side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Promises {
    /// Of the images called *fractured* at most so many are not.
    pub fractured: Promised,
    /// Of all fractures at most so many are called *not fractured*.
    pub missed: Promised,
}

/// One of [`Promises`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Promised {
    /// The largest share of errors, strictly between 0 and 1 …
    pub error: f64,
    /// … which is kept with this probability over the draw of the images it was made on.
    pub confidence: f64,
    /// The score to which it reaches, 0..=1: above it images are called fractured, or below it not fractured. `None` where it was
    /// refused: then none is called so.
    pub cut: Option<f64>,
    /// Of the images it was made on, one a group: those called fractured, or all fractures.
    pub of: u64,
    /// Those of them called wrongly.
    pub wrong: u64,
    /// Why it was refused, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
}

/// Where the scores come from that calibration, operating points and promises were fitted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FittedOn {
    /// Which images.
    pub source: FittedSource,
    /// Folds, where it was out of fold and they are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folds: Option<u64>,
    /// Images.
    pub images: u64,
    /// Fractured ones among them.
    pub fractured: u64,
}

/// The images of [`FittedOn`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FittedSource {
    /// Those of val, judged by this very model.
    Val,
    /// Those of train and val, each judged by a model of the same recipe that had not seen it.
    OutOfFold,
}

impl fmt::Display for FittedOn {
    /// As in "fitted on …".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.source, self.folds) {
            (FittedSource::Val, _) => f.write_str("val")?,
            (FittedSource::OutOfFold, Some(folds)) => {
                write!(f, "out-of-fold scores over {folds} folds")?;
            }
            (FittedSource::OutOfFold, None) => f.write_str("out-of-fold scores")?,
        }
        write!(f, ": {} images, {} fractured", self.images, self.fractured)
    }
}

/// A threshold, the doubt band around it, and whether the input gate is heard.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// A score at or above it leans to a fracture, 0..=1.
    pub threshold: f64,
    /// Scores that are left to a person.
    pub band: Option<DoubtBand>,
    /// What the gate takes for no radiograph is decided anyway.
    pub judge_anyway: bool,
}

impl Rule {
    /// What follows from a score, of a picture that the gate takes.
    #[must_use]
    pub fn decide(&self, score: f64) -> Decision {
        match self.band {
            Some(DoubtBand { low, high, .. }) if (low..=high).contains(&score) => Decision::Doubt,
            _ if score >= self.threshold => Decision::Fractured,
            _ => Decision::NotFractured,
        }
    }

    /// What follows from a score, of a picture that the gate takes and that has these flags: nothing is ruled out on one that shows nothing.
    #[must_use]
    pub fn decide_flagged(&self, score: f64, flags: Flags) -> Decision {
        match self.decide(score) {
            Decision::NotFractured if flags.hide() => Decision::Doubt,
            decision => decision,
        }
    }

    /// The same answer, decided by this rule.
    #[must_use]
    pub fn apply(&self, said: Prediction) -> Prediction {
        let refused = said.decision == Decision::NotAnXray || said.judged_anyway;
        Prediction {
            decision: if refused && !self.judge_anyway {
                Decision::NotAnXray
            } else {
                self.decide_flagged(said.score, said.flags)
            },
            judged_anyway: refused && self.judge_anyway,
            ..said
        }
    }
}

impl ModelInfo {
    /// The threshold used where none is asked for.
    #[must_use]
    pub fn threshold(&self) -> f64 {
        self.operating_points
            .first()
            .map_or(0.5, |point| point.threshold)
    }

    /// The operating point of this name; `None`: the first.
    ///
    /// # Errors
    /// If the model has none of this name.
    pub fn operating_point(&self, name: Option<&str>) -> Result<&OperatingPoint, ModelError> {
        let found = match name {
            None => self.operating_points.first(),
            Some(name) => self
                .operating_points
                .iter()
                .find(|point| point.name == name),
        };
        found.ok_or_else(|| ModelError::NoOperatingPoint {
            name: name.unwrap_or_default().to_owned(),
            known: self
                .operating_points
                .iter()
                .map(|point| point.name.clone())
                .collect(),
        })
    }

    /// How images are decided at an operating point; `None`: the first.
    ///
    /// # Errors
    /// If the model has none of this name.
    pub fn rule(&self, point: Option<&str>) -> Result<Rule, ModelError> {
        let threshold = self.operating_point(point)?.threshold;
        Ok(self.rule_at(threshold))
    }

    /// How images are decided where none asks for anything.
    #[must_use]
    pub fn default_rule(&self) -> Rule {
        self.rule_at(self.threshold())
    }

    /// The band reaches to the threshold: between a side that promises and a threshold beyond it nothing is called, and both promises
    /// hold for the smaller sides, too.
    fn rule_at(&self, threshold: f64) -> Rule {
        let band = self.doubt_band.map(|band| {
            let (low, high) = match &self.promises {
                Some(promises) => (
                    promises.missed.cut.unwrap_or(0.0),
                    promises.fractured.cut.unwrap_or(1.0),
                ),
                None => (band.low, band.high),
            };
            DoubtBand {
                low: low.min(threshold),
                high: high.max(threshold),
                ..band
            }
        });
        Rule {
            threshold,
            band,
            judge_anyway: false,
        }
    }
}

/// What a score in the doubt band leans to, in words; never "0 of 100" or "100 of 100".
///
/// ```
/// use osteon_model::doubt_in_words;
///
/// assert_eq!(doubt_in_words(0.998), "fracture likely, 99 of 100 such images; a person should confirm");
/// assert_eq!(doubt_in_words(0.12), "a fracture in 12 of 100 such images; a person should decide");
/// ```
#[must_use]
pub fn doubt_in_words(score: f64) -> String {
    let share = (score * 100.0).round().clamp(1.0, 99.0);
    if score >= 0.5 {
        format!("fracture likely, {share} of 100 such images; a person should confirm")
    } else {
        format!("a fracture in {share} of 100 such images; a person should decide")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Flag;
    use crate::{Architecture, Flags};

    fn promised(cut: Option<f64>) -> Promised {
        Promised {
            error: 0.1,
            confidence: 0.9,
            cut,
            of: 57,
            wrong: 2,
            refusal: None,
        }
    }

    fn info(low: Option<f64>, high: Option<f64>) -> ModelInfo {
        let mut info = ModelInfo::new(Architecture::default(), osteon_data::Preprocess::default());
        info.operating_points[0].threshold = 0.4;
        let mut screening = info.operating_points[0].clone();
        (screening.name, screening.threshold) = ("screening".to_owned(), 0.05);
        info.operating_points.push(screening);
        info.promises = Some(Promises {
            fractured: promised(high),
            missed: promised(low),
        });
        info.doubt_band = Some(DoubtBand {
            low: low.unwrap_or(0.0).min(0.4),
            high: high.unwrap_or(1.0).max(0.4),
            error: None,
            confidence: None,
        });
        info
    }

    fn ends(rule: &Rule) -> (f64, f64) {
        rule.band
            .map_or((f64::NAN, f64::NAN), |band| (band.low, band.high))
    }

    #[test]
    fn the_band_reaches_to_the_threshold_that_is_asked_for() {
        let info = info(Some(0.1), Some(0.7));
        assert_eq!(ends(&info.default_rule()), (0.1, 0.7));
        let screening = info.rule(Some("screening")).expect("known");
        assert_eq!(ends(&screening), (0.05, 0.7));
        assert_eq!(screening.decide(0.07), Decision::Doubt);
        assert_eq!(screening.decide(0.04), Decision::NotFractured);
        let said = info
            .rule(Some("sceening"))
            .expect_err("unknown")
            .to_string();
        assert!(
            said.contains("sceening") && said.contains("balanced, screening"),
            "{said}"
        );
    }

    #[test]
    fn where_the_sides_overlap_the_threshold_decides() {
        let info = info(Some(0.6), Some(0.2));
        assert_eq!(ends(&info.default_rule()), (0.4, 0.4));
        // Below the upper side's end nothing is promised to be fractured.
        assert_eq!(
            ends(&info.rule(Some("screening")).expect("known")),
            (0.05, 0.2)
        );
    }

    #[test]
    fn a_refused_side_is_left_to_a_person() {
        let rule = info(Some(0.1), None).default_rule();
        assert_eq!(
            (rule.decide(1.0), rule.decide(0.09)),
            (Decision::Doubt, Decision::NotFractured)
        );
        let rule = info(None, Some(0.7)).default_rule();
        assert_eq!(
            (rule.decide(0.0), rule.decide(0.71)),
            (Decision::Doubt, Decision::Fractured)
        );
    }

    #[test]
    fn decisions_follow_threshold_and_band() {
        let none = Rule {
            threshold: 0.5,
            band: None,
            judge_anyway: false,
        };
        assert_eq!(none.decide(0.5), Decision::Fractured);
        assert_eq!(none.decide(0.499), Decision::NotFractured);
        let rule = info(Some(0.4), Some(0.6)).default_rule();
        assert_eq!(rule.decide(0.4), Decision::Doubt);
        assert_eq!(rule.decide(0.61), Decision::Fractured);
        assert_eq!(rule.decide(0.39), Decision::NotFractured);
    }

    #[test]
    fn what_the_gate_refuses_can_be_judged_anyway() {
        let mut rule = info(Some(0.1), Some(0.7)).default_rule();
        let refused = Prediction {
            score: 0.9,
            decision: Decision::NotAnXray,
            xray_score: Some(0.02),
            flags: Flags::default(),
            judged_anyway: false,
        };
        assert_eq!(rule.apply(refused), refused);
        rule.judge_anyway = true;
        let judged = rule.apply(refused);
        assert_eq!(
            (judged.decision, judged.judged_anyway),
            (Decision::Fractured, true)
        );
        rule.judge_anyway = false;
        assert_eq!(rule.apply(judged), refused);
        let film = Prediction {
            decision: Decision::Doubt,
            ..refused
        };
        assert!(!rule.apply(film).judged_anyway);
    }

    #[test]
    fn a_picture_that_shows_nothing_is_never_called_free_of_fractures() {
        let rule = Rule {
            threshold: 0.5,
            band: Some(DoubtBand {
                low: 0.4,
                high: 0.6,
                error: None,
                confidence: None,
            }),
            judge_anyway: false,
        };
        for flag in Flag::ALL {
            let flags = Flags::from(vec![flag]);
            let hidden = rule.decide_flagged(0.1, flags);
            assert_eq!(hidden == Decision::Doubt, flag.hides(), "{flag}");
            for score in [0.5, 0.9] {
                assert_eq!(
                    rule.decide_flagged(score, flags),
                    rule.decide(score),
                    "{flag}"
                );
            }
        }
    }
}
