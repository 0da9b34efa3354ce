//! What follows from answers whose truth is known: calibration, operating points, and what can be promised.

use osteon_metrics::{BandOptions, Promise, Side, doubt_band, one_per_group};
use osteon_model::{
    Calibration, DoubtBand, FittedOn, ModelInfo, OperatingPoint, Promised, Promises,
};

use super::Judged;
use crate::config::ThresholdRule;
use crate::{Config, TrainError};

/// Fits calibration, operating points and doubt band to answers and writes them into a header, with what they were fitted `on`.
pub(crate) fn fit(
    judged: &Judged,
    on: FittedOn,
    info: &mut ModelInfo,
    config: &Config,
) -> Result<(), TrainError> {
    let Judged { labels, logits, .. } = judged;
    let calibrate = &config.calibrate;
    info.calibration = Calibration::fit(calibrate.method, labels, logits)?;
    let score = |logit: &f64| info.calibration.score(*logit);
    let scores: Vec<f64> = logits.iter().map(score).collect();
    let point = match calibrate.threshold {
        ThresholdRule::Youden => OperatingPoint::youden(labels, &scores)?,
        ThresholdRule::Fixed => OperatingPoint::fixed(calibrate.fixed, labels, &scores)?,
    };
    info.operating_points = vec![point];
    info.operating_points.extend(OperatingPoint::screening(
        calibrate.screening,
        labels,
        &scores,
    )?);
    info.fitted_on = Some(on);
    promise(judged, info, config)
}

/// Puts the doubt band and what it promises into the header, or why there is none.
fn promise(judged: &Judged, info: &mut ModelInfo, config: &Config) -> Result<(), TrainError> {
    (info.doubt_band, info.doubt_refusal, info.promises) = (None, None, None);
    let calibrate = &config.calibrate;
    if calibrate.fractured_error <= 0.0 {
        return Ok(());
    }
    // Images of one group are not independent draws.
    let chosen = one_per_group(&judged.groups, config.train.seed);
    let labels: Vec<bool> = chosen.iter().map(|&i| judged.labels[i]).collect();
    // Logits and not scores: an isotonic calibration has flat pieces, on which the order of the images is lost.
    let logits: Vec<f64> = chosen.iter().map(|&i| judged.logits[i]).collect();
    let options = BandOptions {
        fractured: Promise {
            error: calibrate.fractured_error,
            confidence: calibrate.fractured_confidence,
        },
        missed: Promise {
            error: calibrate.missed_error,
            confidence: calibrate.missed_confidence,
        },
    };
    let found = doubt_band(&labels, &logits, options)?;
    let promised = |side: &Side| {
        let Promise { error, confidence } = side.promise();
        let (wrong, of) = match *side {
            Side::Fractured { called, wrong, .. } => (wrong, called),
            Side::Missed {
                fractures, missed, ..
            } => (missed, fractures),
            _ => (0, 0),
        };
        Promised {
            error,
            confidence,
            // A calibration only ever makes scores equal: beyond the end's score lie fewer images than beyond its logit, and both promises hold.
            cut: side.cut().map(|cut| info.calibration.score(cut)),
            of,
            wrong,
            refusal: side.cut().is_none().then(|| side.to_string()),
        }
    };
    let promises = Promises {
        fractured: promised(&found.fractured),
        missed: promised(&found.missed),
    };
    let (low, high) = (promises.missed.cut, promises.fractured.cut);
    if low.is_none() && high.is_none() {
        info.doubt_refusal = Some(format!("{} {}", found.fractured, found.missed));
    } else {
        info.doubt_band = Some(DoubtBand {
            low: low.unwrap_or(0.0).min(info.threshold()),
            high: high.unwrap_or(1.0).max(info.threshold()),
            error: None,
            confidence: None,
        });
    }
    info.promises = Some(promises);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use osteon_model::{Architecture, FittedSource};

    fn info() -> ModelInfo {
        ModelInfo::new(Architecture::default(), osteon_data::Preprocess::default())
    }

    /// Logits from −4 to 4; above 1 all are fractured, below −1 none, between every second.
    fn judged(images: usize) -> Judged {
        let logits: Vec<f64> = (0..images)
            .map(|i| 8.0 * i as f64 / images as f64 - 4.0)
            .collect();
        Judged {
            labels: logits
                .iter()
                .enumerate()
                .map(|(i, &x)| x > 1.0 || (x > -1.0 && i % 2 == 0))
                .collect(),
            logits,
            groups: (0..images).collect(),
        }
    }

    fn fitted(judged: &Judged) -> ModelInfo {
        let mut info = info();
        let on = FittedOn {
            source: FittedSource::OutOfFold,
            folds: Some(5),
            ..judged.counted()
        };
        fit(judged, on, &mut info, &Config::default()).expect("fits");
        info
    }

    #[test]
    fn the_band_lies_between_two_promises_around_the_threshold() {
        let info = fitted(&judged(400));
        let promises = info.promises.as_ref().expect("made");
        let (low, high) = (
            promises.missed.cut.expect("held"),
            promises.fractured.cut.expect("held"),
        );
        let band = info.doubt_band.expect("there");
        assert!(band.low <= info.threshold() && info.threshold() <= band.high);
        assert!((band.low - low.min(info.threshold())).abs() < 1e-12);
        assert!((band.high - high.max(info.threshold())).abs() < 1e-12);
        // 400 images, half of them fractured but for one.
        assert_eq!(promises.missed.of, 199);
        assert!(promises.fractured.of > 150 && promises.fractured.wrong < 15);
        assert_eq!(
            info.fitted_on.expect("said").to_string(),
            "out-of-fold scores over 5 folds: 400 images, 199 fractured"
        );
    }

    #[test]
    fn what_cannot_be_promised_is_refused_with_its_reason() {
        let info = fitted(&judged(20));
        assert_eq!(info.doubt_band, None);
        let why = info.doubt_refusal.expect("said");
        assert!(
            why.contains("there are 20 images") && why.contains("there are 10 fractures"),
            "{why}"
        );
        // Four images of one patient are one.
        let mut twins = judged(160);
        twins.groups = (0..160).map(|i| i / 4).collect();
        let info = fitted(&twins);
        assert!(info.promises.expect("tried").missed.cut.is_none());
    }

    #[test]
    fn an_isotonic_calibration_only_leaves_more_to_a_person() {
        let judged = judged(400);
        let mut config = Config::default();
        config.calibrate.method = osteon_model::CalibrationMethod::Isotonic;
        let mut info = info();
        fit(&judged, judged.counted(), &mut info, &config).expect("fits");
        let rule = info.default_rule();
        let missed = judged
            .labels
            .iter()
            .zip(&judged.logits)
            .filter(|(label, logit)| {
                **label
                    && rule.decide(info.calibration.score(**logit))
                        == osteon_model::Decision::NotFractured
            });
        let promised = info.promises.as_ref().expect("made");
        assert!(missed.count() as u64 <= promised.missed.wrong);
    }
}
