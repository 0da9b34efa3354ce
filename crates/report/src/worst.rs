//! The errors worth looking at first.

use crate::judgement::JudgedImage;

/// The worst errors at a threshold, as indices of the images: the misses (fractured, scored below it; lowest score first) and the
/// false alarms (not fractured, scored at or above it; highest score first), at most `count` of each. Among equal scores the
/// earlier image comes first. An image whose score is NaN is neither.
#[must_use]
pub fn worst(films: &[JudgedImage], threshold: f64, count: usize) -> (Vec<usize>, Vec<usize>) {
    let indices = |fractured: bool, wrong: fn(f64, f64) -> bool| {
        let mut found: Vec<usize> = (0..films.len())
            .filter(|&n| films[n].fractured == fractured && wrong(films[n].score, threshold))
            .collect();
        // The sort is stable.
        found.sort_by(|&a, &b| films[a].score.total_cmp(&films[b].score));
        found
    };
    let mut misses = indices(true, |score, threshold| score < threshold);
    let mut alarms = indices(false, |score, threshold| score >= threshold);
    alarms.sort_by(|&a, &b| films[b].score.total_cmp(&films[a].score));
    alarms.truncate(count);
    misses.truncate(count);
    (misses, alarms)
}
