//! What a network could read off a file instead of looking at bone.

use osteon_data::Entry;
use osteon_metrics::{Estimate, delong};
use serde::Serialize;

use super::read::{Facts, Film};

/// How far from chance the AUC of a figure must lie before it is called telling: less is of no use to anyone.
const TELLING: f64 = 0.1;

/// Of the interval that must leave out chance. Sixteen figures are looked at in every data set: at 95 % each, some figure would be accused
/// by chance in every second set.
const CONFIDENCE: f64 = 0.99;

/// One figure that has nothing to do with fractures, and how well it tells the classes apart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrivialFeature {
    /// Which figure.
    pub feature: &'static str,
    /// The probability that a fractured file has more of it than an unfractured one, over all splits; `None` with one class only.
    pub auc: Option<f64>,
    /// DeLong's 99 % interval of it; `None` as `auc`.
    pub low: Option<f64>,
    /// Its other end.
    pub high: Option<f64>,
    /// Whether it lies 0.1 or more from chance (0.5), and its interval leaves chance out.
    pub telling: bool,
    /// What that means, in plain words.
    pub note: String,
}

type Measure = fn(&Facts, &Film) -> f64;

const MEASURES: [(&str, &str, Measure); 16] = [
    ("width", "are wider", |_, f| f64::from(f.width)),
    ("height", "are taller", |_, f| f64::from(f.height)),
    ("aspect", "are broader for their height", |_, f| {
        f64::from(f.width) / f64::from(f.height)
    }),
    ("megapixels", "have more pixels", |_, f| {
        f64::from(f.width) * f64::from(f.height) / 1e6
    }),
    ("file_size", "are larger files", |x, _| x.bytes as f64),
    ("bytes_per_pixel", "are less compressed", |x, f| {
        x.bytes as f64 / (f64::from(f.width) * f64::from(f.height))
    }),
    ("mean_brightness", "are brighter", |_, f| f.gray.mean),
    ("contrast", "have more contrast", |_, f| f.gray.std),
    ("black_share", "have more black", |_, f| f.gray.black),
    ("white_share", "have more white", |_, f| f.gray.white),
    ("corner_brightness", "have brighter corners", |_, f| {
        f.gray.corners
    }),
    ("is_color", "are stored in colour more often", |x, _| {
        f64::from(u8::from(x.color == Some(true)))
    }),
    ("is_jpeg", "are JPEG more often", |x, _| {
        f64::from(u8::from(x.format == Some("jpeg")))
    }),
    ("is_png", "are PNG more often", |x, _| {
        f64::from(u8::from(x.format == Some("png")))
    }),
    ("has_exif", "have EXIF more often", |x, _| {
        f64::from(u8::from(x.exif))
    }),
    ("is_square", "are square more often", |_, f| {
        f64::from(u8::from(f.width == f.height))
    }),
];

/// The table, most telling first.
pub(super) fn table(entries: &[Entry], facts: &[Facts]) -> Vec<TrivialFeature> {
    let read: Vec<(bool, &Facts, &Film)> = entries
        .iter()
        .zip(facts)
        .filter_map(|(e, x)| x.film.as_ref().map(|f| (e.label.is_fractured(), x, f)))
        .collect();
    let labels: Vec<bool> = read.iter().map(|r| r.0).collect();
    let mut rows: Vec<TrivialFeature> = MEASURES
        .iter()
        .map(|&(feature, more, measure)| {
            let values: Vec<f64> = read.iter().map(|(_, x, f)| measure(x, f)).collect();
            // Invariant: as many values as labels, all finite: widths and heights are at least 1.
            let auc = delong(&labels, &values, CONFIDENCE);
            row(feature, more, auc.unwrap_or(Estimate::UNDEFINED))
        })
        .collect();
    let strength = |r: &TrivialFeature| r.auc.map_or(-1.0, |a| (a - 0.5).abs());
    rows.sort_by(|a, b| strength(b).total_cmp(&strength(a)));
    rows
}

fn row(feature: &'static str, more: &str, auc: Estimate) -> TrivialFeature {
    let far = auc.value.is_some_and(|a| (a - 0.5).abs() >= TELLING);
    let excluded = auc.low.is_some_and(|low| low > 0.5) || auc.high.is_some_and(|high| high < 0.5);
    let telling = far && excluded;
    let note = match auc.value {
        None => "one class only: nothing to tell apart".to_owned(),
        Some(_) if far && !excluded => "with so few files, chance may do this".to_owned(),
        Some(_) if !telling => "says little".to_owned(),
        Some(a) => {
            let (who, percent) = if a > 0.5 {
                ("fractured", a)
            } else {
                ("unfractured", 1.0 - a)
            };
            format!(
                "{who} images {more}: a network can score {:.0} % of pairs right by this alone",
                percent * 100.0
            )
        }
    };
    TrivialFeature {
        feature,
        auc: auc.value,
        low: auc.low,
        high: auc.high,
        telling,
        note,
    }
}
