//! An epoch judged on val, and the best one made into a model file.

use std::path::Path;
use std::sync::Arc;

use osteon_data::{Dataset, LoadOptions, Shard};
use osteon_metrics::{
    Confusion, Summary, SummaryOptions, average_precision, brier, roc_auc, sigmoid,
};
use osteon_model::{FittedOn, FittedSource, Mode, ModelInfo, Net, TrainingData, logits_of, save};

use super::fit::fit;
use crate::config::Monitor;
use crate::team::Team;
use crate::{Config, TrainError};

/// The network's answers on val, with the images' labels.
pub(crate) struct Judged {
    pub labels: Vec<bool>,
    pub logits: Vec<f64>,
    /// Which images belong together, as [`Dataset::groups`] has it.
    pub groups: Vec<usize>,
}

/// Figures of an epoch.
pub(crate) struct ValMetrics {
    pub loss: f64,
    pub brier: Option<f64>,
    pub roc_auc: Option<f64>,
    pub average_precision: Option<f64>,
    pub confusion: Confusion,
}

impl ValMetrics {
    /// The figure that chooses the best epoch, turned so that greater is better; `None` where it is undefined.
    pub fn monitored(&self, monitor: Monitor) -> Option<f64> {
        match monitor {
            Monitor::ValLoss => Some(-self.loss),
            Monitor::ValBrier => self.brier.map(|brier| -brier),
            Monitor::ValRocAuc => self.roc_auc,
            Monitor::ValAveragePrecision => self.average_precision,
            Monitor::ValAccuracy => self.confusion.accuracy(),
            Monitor::ValBalancedAccuracy => self.confusion.balanced_accuracy(),
            Monitor::ValF1 => self.confusion.f1(),
            Monitor::ValSensitivity => self.confusion.sensitivity(),
            Monitor::ValSpecificity => self.confusion.specificity(),
            Monitor::LastEpoch => None,
        }
        .filter(|value| value.is_finite())
    }
}

impl Judged {
    /// What a network says of images, in 32 bits whatever it is trained in: as the model file will. Each process judges its share.
    pub fn new(net: &Net, films: &Arc<Dataset>, team: &Team) -> Result<Self, TrainError> {
        let options = LoadOptions {
            shard: Shard {
                rank: team.rank(),
                world: team.world(),
            },
            ..LoadOptions::plain(32)
        };
        let mut share = Vec::new();
        for (index, logit) in logits_of(net, films.loader(options), Mode::EVAL, &|_| {})? {
            share.extend((index as u64).to_le_bytes());
            share.extend(logit.to_le_bytes());
        }
        let mut logits = vec![f64::NAN; films.len()];
        for share in team.gather(&share)? {
            for row in share.chunks_exact(16) {
                let (index, value) = row.split_at(8);
                // Invariant: chunks of 16 are two of 8.
                let number = |bytes: &[u8]| <[u8; 8]>::try_from(bytes).unwrap_or_default();
                let index = u64::from_le_bytes(number(index)) as usize;
                if let Some(place) = logits.get_mut(index) {
                    *place = f64::from_le_bytes(number(value));
                }
            }
        }
        Ok(Self {
            labels: films.truths(),
            logits,
            groups: films.groups().to_vec(),
        })
    }

    /// Plain figures, before any calibration, at a probability of 0.5.
    pub fn metrics(&self) -> Result<ValMetrics, TrainError> {
        let probabilities: Vec<f64> = self.logits.iter().map(|&x| sigmoid(x)).collect();
        Ok(ValMetrics {
            loss: bce(&self.labels, &self.logits),
            brier: brier(&self.labels, &probabilities)?,
            roc_auc: roc_auc(&self.labels, &self.logits)?,
            average_precision: average_precision(&self.labels, &self.logits)?,
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
        self.describe(&mut info, config)?;
        info.training_data = training_data;
        let stated = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        info.licence = stated(&config.data.licence);
        info.attribution = stated(&config.data.attribution);
        Ok(save(path, net, &info)?)
    }

    /// Fits what follows from the answers on val and writes it into a header: calibration, operating points, promises, figures.
    pub fn describe(&self, info: &mut ModelInfo, config: &Config) -> Result<(), TrainError> {
        fit(self, self.counted(), info, config)?;
        info.metrics.out_of_fold = None;
        info.metrics.val = Some(self.summary(info)?);
        Ok(())
    }

    /// What is fitted on, taken for val.
    pub fn counted(&self) -> FittedOn {
        FittedOn {
            source: FittedSource::Val,
            folds: None,
            images: self.labels.len() as u64,
            fractured: self.labels.iter().filter(|label| **label).count() as u64,
        }
    }

    /// The figures at the header's calibration and threshold.
    pub fn summary(&self, info: &ModelInfo) -> Result<Summary, TrainError> {
        let scores: Vec<f64> = self
            .logits
            .iter()
            .map(|&logit| info.calibration.score(logit))
            .collect();
        let options = SummaryOptions::default();
        let groups = Some(self.groups.as_slice());
        let threshold = info.threshold();
        Ok(Summary::new(
            &self.labels,
            &scores,
            groups,
            threshold,
            0.95,
            options,
        )?)
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
