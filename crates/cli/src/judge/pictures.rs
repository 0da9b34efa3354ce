//! The worst errors as small pictures.

use osteon_data::audit::contact_jpeg;
use osteon_report::judgement::Thumbnail;
use osteon_report::worst as worst_of;

use super::Judged;

/// Errors shown of each kind.
const SHOWN: usize = 12;
/// Pixels.
const HEIGHT: u32 = 224;

/// The worst misses and false alarms. A film that does not read any more is not shown.
pub fn worst(judged: &Judged) -> Vec<Thumbnail> {
    let (misses, alarms) = worst_of(&judged.films, judged.judgement.summary.threshold, SHOWN);
    misses
        .into_iter()
        .chain(alarms)
        .filter_map(|film| {
            let jpeg = contact_jpeg(&judged.paths[film], &judged.decoder, HEIGHT).ok()?;
            Some(Thumbnail {
                film,
                jpeg,
                heatmap: None,
            })
        })
        .collect()
}
