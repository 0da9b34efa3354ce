//! The worst errors as small pictures.

use osteon_data::audit::contact_jpeg;
use osteon_model::Predictor;
use osteon_report::judgement::Thumbnail;
use osteon_report::worst as worst_of;

use super::Judged;
use crate::heat;

/// Errors shown of each kind.
const SHOWN: usize = 12;
/// Pixels.
const HEIGHT: u32 = 224;

/// The worst misses and false alarms, with heat and the boxes that are known beside them. An image that does not read any more is not shown.
pub fn worst(judged: &Judged, predictor: &Predictor) -> Vec<Thumbnail> {
    let (misses, alarms) = worst_of(&judged.films, judged.judgement.summary.threshold, SHOWN);
    misses
        .into_iter()
        .chain(alarms)
        .filter_map(|film| {
            let (path, boxes) = (&judged.paths[film], &judged.boxes[film]);
            Some(Thumbnail {
                film,
                jpeg: contact_jpeg(path, &judged.decoder, HEIGHT).ok()?,
                heatmap: heat::contact_jpeg(predictor, (path, &judged.decoder), boxes, HEIGHT),
            })
        })
        .collect()
}
