//! Judgements made up for tests and for looking at: none of these images exists.

use std::collections::BTreeMap;

use image::codecs::jpeg::JpegEncoder;
use image::{GrayImage, Luma, Rgb, RgbImage};
use osteon_metrics::{
    Confusion, DetectionSummary, Estimate, FALSE_BOXES, FrocPoint, SizeStratum, Summary,
    SummaryOptions, delong, wilson,
};
use osteon_report::judgement::{
    Band, DataCard, Deletion, Doubt, Explanation, Groups, JudgedImage, Judgement, Leak, ModelCard,
    PointFigures, Seen, Subgroup, Thumbnail, Unreadable,
};
use osteon_report::{EpochPoint, Report, worst};

/// All that a report is drawn of.
pub struct Sample {
    pub judgement: Judgement,
    pub films: Vec<JudgedImage>,
    pub thumbnails: Vec<Thumbnail>,
    pub epochs: Vec<EpochPoint>,
}

impl Sample {
    pub fn report(&self) -> Report<'_> {
        Report {
            judgement: &self.judgement,
            films: &self.films,
            thumbnails: &self.thumbnails,
            epochs: &self.epochs,
        }
    }
}

/// Knuth's generator: the same numbers everywhere, without a dependency.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// About normal: a sum of twelve.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.roll()).sum::<f64>() - 6.0
    }
}

const THRESHOLD: f64 = 0.31;
const BAND: Band = Band {
    low: 0.18,
    high: 0.55,
    error: Some(0.08),
    confidence: Some(0.95),
};

/// 406 images of a test set, 57 fractured; leaks, subgroups, groups, two operating points, a doubt band, pictures, epochs.
pub fn rich() -> Sample {
    let mut dice = Dice(7);
    let films: Vec<JudgedImage> = (0..406).map(|n| film(n, n < 57, &mut dice)).collect();
    let epochs = (1..=40).map(epoch).collect();
    let mut judgement = judged(&films, THRESHOLD, Some(BAND));
    judgement.subgroups = subgroups(&films, &["region", "view", "hardware"]);
    judgement.groups = Some(once_each(&films));
    judgement.operating_points = [
        ("default", THRESHOLD, 0.86, 0.90),
        ("screening", 0.12, 0.95, 0.71),
        ("rule in", 0.62, 0.58, 0.98),
    ]
    .map(|(name, threshold, sensitivity, specificity)| {
        point(&films, name, threshold, (sensitivity, specificity))
    })
    .to_vec();
    judgement.explanation = Some(explanation());
    judgement.boxes = Some(boxes());
    judgement.looks = Some(3);
    judgement.unreadable = 2;
    judgement.unreadable_files = ["a.jpg", "b.jpg"]
        .map(|id| Unreadable {
            id: format!("test/fractured/{id}"),
            reason: "no JPEG data".to_owned(),
        })
        .to_vec();
    judgement.warnings = vec!["12 images are labelled both fractured and not fractured in different files; each is judged as it is labelled.".to_owned()];
    let (misses, alarms) = worst(&films, THRESHOLD, 6);
    let thumbnails = misses.into_iter().chain(alarms).map(|film| Thumbnail {
        film,
        jpeg: radiograph(film, None),
        heatmap: film.is_multiple_of(2).then(|| radiograph(film, Some(film))),
    });
    let thumbnails = thumbnails.collect();
    Sample {
        judgement,
        films,
        thumbnails,
        epochs,
    }
}

fn boxes() -> DetectionSummary {
    let share = |part, whole| wilson(part, whole, 0.95).expect("a share");
    DetectionSummary {
        images: 436,
        known: 82,
        found: 310,
        ap50: share(13, 82),
        ap: share(4, 82),
        froc: FALSE_BOXES
            .iter()
            .zip([14, 20, 27, 31])
            .map(|(&false_boxes, found)| FrocPoint {
                false_boxes,
                sensitivity: share(found, 82),
            })
            .collect(),
        sizes: [
            (0.0, 0.002, 6, 20),
            (0.002, 0.01, 20, 50),
            (0.01, 1.0, 5, 12),
        ]
        .map(|(from, to, found, known)| SizeStratum {
            from,
            to,
            known,
            sensitivity: share(found, known),
        })
        .to_vec(),
    }
}

fn explanation() -> Explanation {
    let share = |part, whole| wilson(part, whole, 0.95).expect("a share");
    let mean = |value: f64| Estimate {
        value: Some(value),
        low: Some(value - 0.05),
        high: Some(value + 0.05),
    };
    let deletion = |share, hottest: f64, random: f64| Deletion {
        share,
        hottest: mean(hottest),
        random: mean(random),
        difference: mean(hottest - random),
    };
    Explanation {
        kind: "fracture_map".to_owned(),
        cells: (48, 48),
        boxed: 55,
        detected: 44,
        tolerance: 0.01,
        pointing_detected: share(37, 44),
        pointing_boxed: share(42, 55),
        iou_detected: mean(0.31),
        iou_boxed: mean(0.27),
        heat_inside_detected: mean(0.44),
        empty_boxed: 0,
        empty_detected: 0,
        deletion: vec![
            deletion(0.05, 0.31, 0.02),
            deletion(0.1, 0.42, 0.04),
            deletion(0.2, 0.47, 0.09),
        ],
    }
}

/// One fractured image among 24, no band, no groups, no subgroups, a model file that says nothing.
pub fn poor() -> Sample {
    let mut dice = Dice(3);
    let films: Vec<JudgedImage> = (0..24)
        .map(|n| JudgedImage {
            group: None,
            seen: Seen::No,
            fields: BTreeMap::new(),
            ..film(n, n == 0, &mut dice)
        })
        .collect();
    let mut judgement = judged(&films, 0.5, None);
    judgement.doubt.refusal = Some(
        "val has 9 fractured images; a promise of at most 5 % errors with 95 % probability needs at least 59 decided images"
            .to_owned(),
    );
    judgement.leak = Leak {
        known: false,
        own_val: false,
        exact: 0,
        near: 0,
        clean: 0,
        clean_summary: None,
    };
    judgement.data = DataCard {
        name: "ward-7".to_owned(),
        path: "films".to_owned(),
        layout: "folders".to_owned(),
        ..DataCard::default()
    };
    judgement.model = ModelCard {
        file: "model.safetensors".to_owned(),
        ..ModelCard::default()
    };
    Sample {
        judgement,
        films,
        thumbnails: Vec::new(),
        epochs: Vec::new(),
    }
}

/// Images of one class only, or none at all.
pub fn of_labels(labels: &[bool]) -> Sample {
    let mut dice = Dice(11);
    let films: Vec<JudgedImage> = labels
        .iter()
        .enumerate()
        .map(|(n, fractured)| film(n, *fractured, &mut dice))
        .collect();
    Sample {
        judgement: judged(&films, 0.5, None),
        films,
        thumbnails: Vec::new(),
        epochs: Vec::new(),
    }
}

fn film(n: usize, fractured: bool, dice: &mut Dice) -> JudgedImage {
    let region = ["hand", "leg", "hip", "shoulder"][[0, 0, 0, 1, 1, 2, 3, 1][n % 8]];
    let hard = if region == "hip" { -0.9 } else { 0.0 };
    let logit = dice.normal() * 1.25 + if fractured { 0.7 + hard } else { -2.6 };
    let score = 1.0 / (1.0 + (-logit).exp());
    let decision = match score {
        s if s < BAND.low => "not_fractured",
        s if s > BAND.high => "fractured",
        _ => "doubt",
    };
    let seen = match n % 29 {
        3 => Seen::Near,
        11 | 17 => Seen::Exact,
        _ => Seen::No,
    };
    let class = if fractured {
        "fractured"
    } else {
        "not_fractured"
    };
    let fields = [
        ("region", region),
        ("view", ["frontal", "lateral", "oblique"][n % 3]),
        ("hardware", if n % 13 == 5 { "yes" } else { "no" }),
    ];
    JudgedImage {
        id: format!("test/{class}/IMG{n:07}.jpg"),
        fractured,
        score,
        decision: decision.to_owned(),
        group: Some(format!(
            "patient-{}",
            if n.is_multiple_of(9) { n / 2 } else { n }
        )),
        seen,
        fields: fields.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
    }
}

pub fn summary(films: &[JudgedImage], threshold: f64) -> Summary {
    let (labels, scores) = columns(films);
    let options = SummaryOptions {
        replicates: 200,
        seed: 1,
    };
    Summary::new(&labels, &scores, None, threshold, 0.95, options).expect("probabilities")
}

fn columns(films: &[JudgedImage]) -> (Vec<bool>, Vec<f64>) {
    films
        .iter()
        .map(|film| (film.fractured, film.score))
        .unzip()
}

fn judged(films: &[JudgedImage], threshold: f64, band: Option<Band>) -> Judgement {
    let seen = |what| films.iter().filter(|film| film.seen == what).count() as u64;
    let clean: Vec<JudgedImage> = films
        .iter()
        .filter(|film| film.seen == Seen::No)
        .cloned()
        .collect();
    let mut columns: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for (column, value) in films.iter().flat_map(|film| &film.fields) {
        *columns
            .entry(column.clone())
            .or_default()
            .entry(value.clone())
            .or_default() += 1;
    }
    let fractured = films.iter().filter(|film| film.fractured).count() as u64;
    Judgement {
        positive_class: "fractured".to_owned(),
        split: "test".to_owned(),
        unreadable: 0,
        unreadable_files: Vec::new(),
        repaired: 0,
        summary: summary(films, threshold),
        intervals: "95 % intervals by image: Wilson's for rates, DeLong's for ROC-AUC, stratified bootstrap with 200 replicates for F1 and average precision".to_owned(),
        doubt: doubt(films, threshold, band),
        gate: None,
        shared_groups: Vec::new(),
        leak: Leak {
            known: true,
            own_val: false,
            exact: seen(Seen::Exact),
            near: seen(Seen::Near),
            clean: clean.len() as u64,
            clean_summary: (!clean.is_empty() && clean.len() < films.len()).then(|| summary(&clean, threshold)),
        },
        groups: None,
        subgroups: Vec::new(),
        operating_points: Vec::new(),
        explanation: None,
        boxes: None,
        looks: Some(1),
        warnings: Vec::new(),
        data: DataCard {
            name: "sample-atlas".to_owned(),
            path: "data/sample-atlas".to_owned(),
            layout: "manifest".to_owned(),
            splits: [("train", (498, 2770)), ("val", (82, 327)), ("test", (fractured, films.len() as u64 - fractured))]
                .map(|(split, counts)| (split.to_owned(), counts))
                .into(),
            groups_known: true,
            columns,
            caveat: None,
            fingerprint: "9b1c7c0e5a1d0b3f6f3f7e0a4e2d9c8b7a6958473625140f1e2d3c4b5a697887".to_owned(),
        },
        model: ModelCard {
            file: "model.safetensors".to_owned(),
            weights_sha256: "3f2a9d7c6b5e4f1a0c9b8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a2b1c0d9e8f7a".to_owned(),
            architecture: "resnet18 {\"norm\":\"batch\"}".to_owned(),
            parameters: 11_170_753,
            input: "8-bit luma, fitted into 224 × 224 pixels with its proportions kept, mean 0.45, deviation 0.22".to_owned(),
            calibration: "Platt, fitted on val: slope 1.31, intercept −0.42".to_owned(),
            program: "osteon 0.1.0".to_owned(),
            trained_on: "sample-atlas".to_owned(),
            train_images: (3268, 498),
            val_images: (409, 82),
            val_apart: false,
            epochs: 27,
            seed: 7,
            licence: Some("CC BY 4.0".to_owned()),
            attribution: None,
            val_roc_auc: Estimate { value: Some(0.941), low: Some(0.912), high: Some(0.961) },
        },
        judged_at: "2026-01-30T09:41:07Z".to_owned(),
    }
}

fn doubt(films: &[JudgedImage], threshold: f64, band: Option<Band>) -> Doubt {
    let decided = |score: f64| band.is_none_or(|band| score < band.low || score > band.high);
    let kept: Vec<&JudgedImage> = films.iter().filter(|film| decided(film.score)).collect();
    let labels: Vec<bool> = kept.iter().map(|film| film.fractured).collect();
    let calls: Vec<bool> = kept.iter().map(|film| film.score >= threshold).collect();
    let rest = Confusion::from_decisions(&labels, &calls).expect("pairs");
    Doubt {
        deferred: (films.len() - kept.len()) as u64,
        confusion_of_the_rest: rest,
        error_of_the_rest: wilson(rest.fn_ + rest.fp, rest.total(), 0.95).expect("a share"),
        band,
        refusal: None,
        promises: None,
    }
}

fn subgroups(films: &[JudgedImage], columns: &[&str]) -> Vec<Subgroup> {
    let mut all = Vec::new();
    for column in columns {
        let mut values: Vec<&String> = films
            .iter()
            .filter_map(|film| film.fields.get(*column))
            .collect();
        values.sort();
        values.dedup();
        for value in values {
            let of: Vec<JudgedImage> = films
                .iter()
                .filter(|film| film.fields.get(*column) == Some(value))
                .cloned()
                .collect();
            let (labels, scores) = self::columns(&of);
            let c = Confusion::at_threshold(&labels, &scores, THRESHOLD).expect("finite");
            all.push(Subgroup {
                column: (*column).to_owned(),
                value: value.clone(),
                images: c.total(),
                fractured: c.positives(),
                sensitivity: wilson(c.tp, c.positives(), 0.95).expect("a share"),
                specificity: wilson(c.tn, c.negatives(), 0.95).expect("a share"),
                roc_auc: delong(&labels, &scores, 0.95).expect("finite"),
            });
        }
    }
    all
}

fn once_each(films: &[JudgedImage]) -> Groups {
    let mut groups: BTreeMap<&Option<String>, Vec<&JudgedImage>> = BTreeMap::new();
    for film in films {
        groups.entry(&film.group).or_default().push(film);
    }
    let means: Vec<JudgedImage> = groups
        .values()
        .map(|of| JudgedImage {
            fractured: of.iter().any(|film| film.fractured),
            score: of.iter().map(|film| film.score).sum::<f64>() / of.len() as f64,
            ..of[0].clone()
        })
        .collect();
    let mixed = groups
        .values()
        .filter(|of| of.iter().any(|film| film.fractured != of[0].fractured));
    Groups {
        groups: groups.len() as u64,
        largest: groups.values().map(Vec::len).max().unwrap_or(0) as u64,
        mixed: mixed.count() as u64,
        summary: summary(&means, THRESHOLD),
    }
}

fn point(films: &[JudgedImage], name: &str, threshold: f64, val: (f64, f64)) -> PointFigures {
    let s = summary(films, threshold);
    PointFigures {
        name: name.to_owned(),
        threshold,
        confusion: s.confusion,
        sensitivity: s.sensitivity,
        specificity: s.specificity,
        precision: s.precision,
        npv: s.npv,
        val_sensitivity: Some(val.0),
        val_specificity: Some(val.1),
    }
}

fn epoch(epoch: u64) -> EpochPoint {
    let t = epoch as f64;
    EpochPoint {
        epoch,
        train_loss: Some(0.7 / t.powf(0.6)),
        val_loss: Some(0.68 / t.powf(0.4) + 0.004 * t),
        val_roc_auc: Some(0.94 - 0.4 / t),
        val_sensitivity: Some(0.82 + 0.05 * (t * 1.7).sin() - 0.3 / t),
        val_specificity: Some(0.9 + 0.03 * (t * 2.3).cos() - 0.3 / t),
        lr: Some(1e-3 * (1.0 - t / 41.0)),
        best: epoch == 5 || epoch == 27,
    }
}

/// A bone of sorts, as a JPEG; with a warm spot on it where there is a heatmap.
fn radiograph(seed: usize, heat: Option<usize>) -> Vec<u8> {
    let mut dice = Dice(seed as u64 + 1);
    let (width, height) = (200, 256);
    let (lean, broken) = (dice.roll() * 60.0 - 30.0, 90.0 + dice.roll() * 80.0);
    let gray = GrayImage::from_fn(width, height, |x, y| {
        let (x, y) = (f64::from(x), f64::from(y));
        let axis = 100.0 + lean * (y - 128.0) / 128.0 + if y > broken { 7.0 } else { 0.0 };
        let bone = (-((x - axis) / 19.0).powi(4)).exp() * 150.0;
        let flesh = (-((x - axis) / 70.0).powi(4)).exp() * 55.0;
        let gap = (-((y - broken) / 2.5).powi(2)).exp() * 70.0;
        Luma([(12.0 + bone + flesh - gap * bone / 150.0).clamp(0.0, 255.0) as u8])
    });
    let mut jpeg = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut jpeg, 80);
    match heat {
        None => gray.write_with_encoder(encoder),
        Some(_) => RgbImage::from_fn(width, height, |x, y| {
            let warm =
                (-((f64::from(x) - 100.0).powi(2) + (f64::from(y) - broken).powi(2)) / 900.0).exp();
            let v = f64::from(gray.get_pixel(x, y).0[0]) * (1.0 - 0.6 * warm);
            Rgb([(v + 150.0 * warm) as u8, (v + 70.0 * warm) as u8, v as u8])
        })
        .write_with_encoder(encoder),
    }
    .expect("a JPEG");
    jpeg
}
