//! Figures on parts of the images, by what else is known of them: source, region, view.

use std::collections::{BTreeMap, BTreeSet};

use osteon_metrics::{Summary, SummaryOptions};
use osteon_model::Subset;

use crate::TrainError;

/// What else is known of each image, by name; a value may be empty.
pub type Fields = BTreeMap<String, String>;

/// A field with more values than this names images, not kinds of them.
const MOST_VALUES: usize = 20;
/// Images below which a value has no figures.
const LEAST_IMAGES: usize = 10;

/// The figures of each value of each field. Scores are probabilities, groups numbers that images of one patient share.
pub(crate) fn subsets(
    labels: &[bool],
    scores: &[f64],
    groups: &[usize],
    fields: &[Fields],
) -> Result<Vec<Subset>, TrainError> {
    let names: BTreeSet<&String> = fields.iter().flat_map(BTreeMap::keys).collect();
    let mut found = Vec::new();
    for name in names {
        let value_of = |i: usize| fields[i].get(name).filter(|value| !value.is_empty());
        let values: BTreeSet<&String> = (0..fields.len()).filter_map(value_of).collect();
        if values.len() > MOST_VALUES {
            continue;
        }
        for value in values {
            let members: Vec<usize> = (0..fields.len())
                .filter(|&i| value_of(i) == Some(value))
                .collect();
            if members.len() < LEAST_IMAGES {
                continue;
            }
            let labels: Vec<bool> = members.iter().map(|&i| labels[i]).collect();
            let values_of: Vec<f64> = members.iter().map(|&i| scores[i]).collect();
            let groups: Vec<usize> = members.iter().map(|&i| groups[i]).collect();
            let options = SummaryOptions::default();
            let summary = Summary::new(&labels, &values_of, Some(&groups), 0.5, 0.95, options)?;
            found.push(Subset {
                field: name.clone(),
                value: value.clone(),
                images: members.len() as u64,
                fractured: labels.iter().filter(|label| **label).count() as u64,
                roc_auc: summary.roc_auc,
                average_precision: summary.average_precision,
                decisions: None,
            });
        }
    }
    Ok(found)
}
