//! An interval for what the bootstrap of groups leaves without one.

use crate::bootstrap::Groups;
use crate::interval::{wilson_bounds, z_value};
use crate::{Estimate, MetricsError};

/// Which groups bear on a figure.
#[derive(Debug, Clone, Copy)]
pub(super) enum Counted {
    All,
    /// With a fractured image.
    Fractured,
    /// With an unfractured one.
    Unfractured,
    /// With an image called fractured.
    Called,
    /// With an image called unfractured.
    Spared,
    /// With an image that is fractured, called so, or both.
    Concerned,
    /// The scarcer of those with a fractured and those with an unfractured image.
    Both,
}

/// Where a figure lies.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scale {
    /// In [0, 1].
    Share,
    /// In [−1, 1].
    Correlation,
    /// From 0 upwards without end.
    Unbounded,
}

/// How many groups bear on each figure.
pub(super) struct Fallback {
    all: u64,
    fractured: u64,
    unfractured: u64,
    called: u64,
    spared: u64,
    concerned: u64,
}

impl Fallback {
    pub fn new(labels: &[bool], scores: &[f64], groups: &Groups, threshold: f64) -> Self {
        let mut seen = vec![[false; 4]; groups.count];
        for ((label, score), group) in labels.iter().zip(scores).zip(&groups.of) {
            let [fractured, unfractured, called, spared] = &mut seen[*group];
            *(if *label { fractured } else { unfractured }) = true;
            *(if *score >= threshold { called } else { spared }) = true;
        }
        let with = |what: usize| seen.iter().filter(|group| group[what]).count() as u64;
        Self {
            all: groups.count as u64,
            fractured: with(0),
            unfractured: with(1),
            called: with(2),
            spared: with(3),
            concerned: seen.iter().filter(|group| group[0] || group[2]).count() as u64,
        }
    }

    /// The bootstrap's estimate, or one by Wilson's interval over groups where the bootstrap's has no width or no ends.
    pub fn where_needed(
        &self,
        found: Estimate,
        counted: Counted,
        scale: Scale,
        confidence: f64,
    ) -> Result<Estimate, MetricsError> {
        let Some(value) = found.value else {
            return Ok(found);
        };
        if let (Some(low), Some(high)) = (found.low, found.high)
            // What differs by rounding alone does not differ.
            && high - low > 1e-12 * value.abs().max(1.0)
        {
            return Ok(found);
        }
        let trials = match counted {
            Counted::All => self.all,
            Counted::Fractured => self.fractured,
            Counted::Unfractured => self.unfractured,
            Counted::Called => self.called,
            Counted::Spared => self.spared,
            Counted::Concerned => self.concerned,
            Counted::Both => self.fractured.min(self.unfractured),
        };
        let z = z_value(confidence)?;
        let ends = |share: f64| wilson_bounds(share.clamp(0.0, 1.0), trials as f64, z);
        Ok(match scale {
            // Kappa is defined with one class absent, where no group bears on it.
            _ if trials == 0 => Estimate {
                value: Some(value),
                ..Estimate::UNDEFINED
            },
            Scale::Share => {
                let (low, high) = ends(value);
                Estimate::new(value, low, high)
            }
            Scale::Correlation => {
                let (low, high) = ends(f64::midpoint(value, 1.0));
                Estimate::new(value, 2.0 * low - 1.0, 2.0 * high - 1.0)
            }
            Scale::Unbounded => Estimate {
                value: Some(value),
                ..Estimate::UNDEFINED
            },
        })
    }
}
