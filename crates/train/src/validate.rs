//! An epoch judged on val, and the best one made into a model file.

use std::path::Path;

use osteon_data::Films;
use osteon_metrics::{Confusion, Summary, SummaryOptions, roc_auc};
use osteon_model::{Calibration, ModelInfo, Net, OperatingPoint, TrainingData, save};

use crate::config::ThresholdRule;
use crate::{Config, TrainError};

/// The network's answers on val, with the films' labels.
pub(crate) struct Judged {
    pub labels: Vec<bool>,
    pub logits: Vec<f64>,
}

/// Figures of an epoch.
pub(crate) struct ValMetrics {
    pub loss: f64,
    pub roc_auc: Option<f64>,
    pub confusion: Confusion,
}

impl Judged {
    pub fn new(films: &Films, logits: Vec<f64>) -> Self {
        Self {
            labels: films.truths(),
            logits,
        }
    }

    /// Plain figures, before any calibration, at a probability of 0.5.
    pub fn metrics(&self) -> Result<ValMetrics, TrainError> {
        Ok(ValMetrics {
            loss: bce(&self.labels, &self.logits),
            roc_auc: roc_auc(&self.labels, &self.logits)?,
            confusion: Confusion::at_threshold(&self.labels, &self.logits, 0.0)?,
        })
    }

    /// Calibrates, chooses the threshold and writes the model file: complete and usable from this moment.
    pub fn save_model(
        &self,
        path: &Path,
        net: &Net,
        config: &Config,
        training_data: TrainingData,
    ) -> Result<(), TrainError> {
        let mut info = ModelInfo::new(net.architecture.clone(), config.preprocess.clone());
        info.calibration = Calibration::fit(config.calibrate.method, &self.labels, &self.logits)?;
        let scores: Vec<f64> = self
            .logits
            .iter()
            .map(|&l| info.calibration.score(l))
            .collect();
        let point = match config.calibrate.threshold {
            ThresholdRule::Youden => OperatingPoint::youden(&self.labels, &scores)?,
            ThresholdRule::Fixed => {
                OperatingPoint::fixed(config.calibrate.fixed, &self.labels, &scores)?
            }
        };
        let options = SummaryOptions::default();
        info.metrics.val = Some(Summary::new(
            &self.labels,
            &scores,
            point.threshold,
            0.95,
            options,
        )?);
        info.operating_points = vec![point];
        info.training_data = training_data;
        let stated = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        info.licence = stated(&config.data.licence);
        info.attribution = stated(&config.data.attribution);
        Ok(save(path, net, &info)?)
    }
}

/// Mean binary cross-entropy of logits, stable for any logit: max(x, 0) − x·y + ln(1 + e^−|x|).
pub(crate) fn bce(labels: &[bool], logits: &[f64]) -> f64 {
    let one = |(&label, &x): (&bool, &f64)| {
        let y = f64::from(u8::from(label));
        x.max(0.0) - x * y + (-x.abs()).exp().ln_1p()
    };
    labels.iter().zip(logits).map(one).sum::<f64>() / labels.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use osteon_metrics::sigmoid;

    use super::*;

    #[test]
    fn cross_entropy_is_that_of_the_sigmoid() {
        let (labels, logits) = ([true, false, true], [2.0, -1.0, 0.5]);
        let direct: f64 = labels
            .iter()
            .zip(logits)
            .map(|(&y, x)| -(if y { sigmoid(x) } else { 1.0 - sigmoid(x) }).ln())
            .sum::<f64>()
            / 3.0;
        assert!((bce(&labels, &logits) - direct).abs() < 1e-12);
        assert!((bce(&[true], &[-1000.0]) - 1000.0).abs() < 1e-9);
    }
}
