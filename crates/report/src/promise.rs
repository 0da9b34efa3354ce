//! Promises of a model, held against the images judged.

use osteon_metrics::{Estimate, MetricsError, clopper_pearson};
use serde::{Deserialize, Serialize};

use crate::text::grouped;

/// Both promises of a model, as they did on the images judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Promises {
    /// Of the images called *fractured* at most so many are not.
    pub fractured: PromiseCheck,
    /// Of all fractures at most so many are called *not fractured*.
    pub missed: PromiseCheck,
    /// What they were made on, in words.
    pub made_on: String,
}

/// A promise of a model, as it did on the images judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromiseCheck {
    /// The largest share of errors that was promised, or was to be.
    pub error: f64,
    /// How surely.
    pub confidence: f64,
    /// Why it was not, in words.
    pub refusal: Option<String>,
    /// Of the images judged, those called fractured, or all fractures.
    pub of: u64,
    /// Those of them called wrongly.
    pub wrong: u64,
    /// The share, with Clopper and Pearson's exact 95 % interval.
    pub share: Estimate,
    /// What becomes of the promise.
    pub verdict: Verdict,
}

/// What becomes of a promise on the images judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// None was made.
    NotMade,
    /// So few images that one wrong among them would be more than was promised, and not so many wrong that it cannot be chance.
    TooFew,
    /// The share wrong is at most what was promised.
    Held,
    /// It is greater, and so great by chance in one case of twenty or more, though the promise be kept.
    NotHeldPerhapsByChance,
    /// It is greater, and hardly by chance.
    NotHeld,
}

/// As a person promises: "10 %", and "14.8 %" where that is not all.
fn percent(share: f64) -> String {
    format!("{} %", (share * 1000.0).round() / 10.0)
}

impl PromiseCheck {
    /// Holds a promise of at most `error` against `wrong` of `of` images.
    ///
    /// # Errors
    /// More wrong than there are.
    pub fn new(
        (error, confidence): (f64, f64),
        refusal: Option<String>,
        (wrong, of): (u64, u64),
    ) -> Result<Self, MetricsError> {
        let share = clopper_pearson(wrong, of, 0.95)?;
        // One-sided at 5 %: the lower end of the 90 % interval.
        let surely = clopper_pearson(wrong, of, 0.9)?.low;
        let verdict = if refusal.is_some() {
            Verdict::NotMade
        } else if surely.is_some_and(|low| low > error) {
            Verdict::NotHeld
        } else if of as f64 * error < 1.0 {
            Verdict::TooFew
        } else if wrong as f64 <= error * of as f64 {
            Verdict::Held
        } else {
            Verdict::NotHeldPerhapsByChance
        };
        Ok(Self {
            error,
            confidence,
            refusal,
            of,
            wrong,
            share,
            verdict,
        })
    }

    /// What was counted, and what becomes of the promise.
    fn counted(&self) -> String {
        let share = self
            .share
            .value
            .map_or_else(String::new, |share| format!(" ({})", percent(share)));
        let counts = format!("{} of {}{share}", grouped(self.wrong), grouped(self.of));
        match self.verdict {
            Verdict::NotMade => counts,
            Verdict::Held => format!("The promise held on these images: {counts}."),
            Verdict::NotHeld => format!(
                "The promise did not hold on these images: {counts}. They are not like those it was made on."
            ),
            Verdict::NotHeldPerhapsByChance => format!(
                "The promise did not hold on these images: {counts}. So few images may show so many by chance."
            ),
            Verdict::TooFew => {
                format!("Here it is {counts}, too few to say whether the promise holds.")
            }
        }
    }
}

impl Promises {
    /// A sentence a side: what was promised, and what becomes of it here.
    #[must_use]
    pub fn sentences(&self) -> [String; 2] {
        let sentence = |check: &PromiseCheck, what: &str, none: &str| match &check.refusal {
            Some(why) => format!("{none} {why}"),
            None => format!(
                "Promised with {} confidence: {what}. {}",
                percent(check.confidence),
                check.counted()
            ),
        };
        let fractured = format!(
            "of the images called fractured at most {} are not",
            percent(self.fractured.error)
        );
        let missed = format!(
            "of all fractures at most {} are called not fractured",
            percent(self.missed.error)
        );
        [
            sentence(&self.fractured, &fractured, "No image is called fractured."),
            sentence(&self.missed, &missed, "No image is called not fractured."),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(error: f64, wrong: u64, of: u64) -> Verdict {
        PromiseCheck::new((error, 0.9), None, (wrong, of))
            .expect("counts")
            .verdict
    }

    /// `scipy.stats.binom.sf(8, 61, p)`: 0.0042 at 5 %, 0.152 at 10 %.
    #[test]
    fn a_promise_holds_or_not_or_perhaps() {
        assert_eq!(verdict(0.05, 9, 61), Verdict::NotHeld);
        assert_eq!(verdict(0.1, 9, 61), Verdict::NotHeldPerhapsByChance);
        assert_eq!(verdict(0.1, 6, 61), Verdict::Held);
        assert_eq!(verdict(0.1, 0, 9), Verdict::TooFew);
        assert_eq!(verdict(0.1, 1, 9), Verdict::TooFew);
        assert_eq!(verdict(0.1, 0, 0), Verdict::TooFew);
        assert_eq!(verdict(0.1, 4, 5), Verdict::NotHeld);
        assert!(PromiseCheck::new((0.1, 0.9), None, (2, 1)).is_err());
    }

    #[test]
    fn it_is_told_with_its_counts() {
        let check = |wrong, of| PromiseCheck::new((0.1, 0.9), None, (wrong, of)).expect("counts");
        let refusal = Some("There are 9 fractures, and it takes 22.".to_owned());
        let all = Promises {
            fractured: check(9, 61),
            missed: PromiseCheck::new((0.1, 0.9), refusal, (0, 9)).expect("counts"),
            made_on: "val".to_owned(),
        };
        let [fractured, missed] = all.sentences();
        assert_eq!(
            fractured,
            "Promised with 90 % confidence: of the images called fractured at most 10 % are not. The promise did not hold on these \
             images: 9 of 61 (14.8 %). So few images may show so many by chance."
        );
        assert_eq!(
            missed,
            "No image is called not fractured. There are 9 fractures, and it takes 22."
        );
    }
}
