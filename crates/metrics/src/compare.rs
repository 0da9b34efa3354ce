//! Two models on the same images: whether one is better, and by how much.
//!
//! The images are the same, so the models' luck is shared and two overlapping intervals prove nothing; these figures look at
//! the difference image by image. Decisions are compared by [`mcnemar`], rankings by [`delong_paired`], any other figure by
//! [`paired_bootstrap`]. Differences are always a − b. The first two take images as independent; where several show one
//! patient, pass one an image's group or use the bootstrap of groups.

mod decisions;
mod pair;
mod ranking;

pub use decisions::{McNemar, PairedDecisions, mcnemar};
pub use pair::{Pair, paired_bootstrap};
pub use ranking::{PairedAuc, delong_paired};
