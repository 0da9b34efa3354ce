//! How figures are written, in text and on the page.

use crate::TrivialFeature;

/// `12.3 %`, or a dash where undefined.
#[must_use]
pub fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |s| format!("{:.1} %", s * 100.0))
}

impl TrivialFeature {
    /// Its ROC-AUC with the interval, as `0.812 (0.701 to 0.889)`; a dash where undefined.
    #[must_use]
    pub fn auc_in_words(&self) -> String {
        let range = self.low.zip(self.high);
        let range = range.map_or_else(String::new, |(low, high)| {
            format!(" ({low:.3} to {high:.3})")
        });
        let auc = self
            .auc
            .map_or_else(|| "–".to_owned(), |auc| format!("{auc:.3}"));
        format!("{auc}{range}")
    }
}
