//! What to do about an error: the libraries say what is the case, the program which of its flags and commands help.

use osteon_data::{DataError, RowError};
use osteon_evaluate::EvaluateError;
use osteon_model::ModelError;
use osteon_train::{MissingDevice, TrainError};

use crate::{exit, service};

/// The advice on an error or one of its causes, if there is any.
pub fn on(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(|cause| {
        if let Some(hinted) = cause.downcast_ref::<Hinted>() {
            return Some(hinted.hint.clone());
        }
        None.or_else(|| of_data(cause.downcast_ref()?))
            .or_else(|| of_model(cause.downcast_ref()?))
            .or_else(|| of_training(cause.downcast_ref()?))
            .or_else(|| of_evaluation(cause.downcast_ref()?))
            .or_else(|| service::advice(cause))
    })
}

fn of_data(error: &DataError) -> Option<String> {
    let advice = match error {
        DataError::NoFolder { .. } => {
            "fetch a data set with `cargo xtask download sample` (synthetic, at once), `kaggle` or `fracatlas`, \
             or point --data at a folder laid out as train|val|test / fractured|not fractured"
        }
        DataError::Boxes { .. } => "`osteon data audit DATA --boxes PATH` lists them all",
        DataError::NoSplit { divided: false, .. } => "`osteon data split` divides it",
        DataError::UnknownClass { .. }
        | DataError::NoClasses { .. }
        | DataError::Row {
            source: RowError::UnknownLabel { .. },
            ..
        } => {
            "rename what is meant as a class, move the rest out of the data set, or say what your classes are called, for folders and tables alike: \
             --set 'data.classes={ fractured = [\"kırık\"], not_fractured = [\"kırık değil\"] }', \
             or in a config, under [data]: classes = { fractured = [\"kırık\"], not_fractured = [\"kırık değil\"] }"
        }
        _ => return None,
    };
    Some(advice.to_owned())
}

fn of_model(error: &ModelError) -> Option<String> {
    let advice = match error {
        ModelError::NoFile { .. } => "`osteon train` writes one to runs/<name>/model.safetensors",
        _ => return None,
    };
    Some(advice.to_owned())
}

fn of_training(error: &TrainError) -> Option<String> {
    Some(match error {
        TrainError::Data(error) => return of_data(error),
        TrainError::Model(error) => return of_model(error),
        TrainError::NoDevice { reason, .. } => match reason {
            MissingDevice::CpuBuild => {
                "`cargo xtask download libtorch --cuda` fetches the CUDA build; --device cpu works now"
            }
            MissingDevice::NoDriver => "see `nvidia-smi`; --device cpu works now",
            MissingDevice::FewerCards | MissingDevice::NoMps => return None,
        }
        .to_owned(),
        TrainError::RunExists { path } => format!(
            "continue it with `--resume --run {}`, or choose another folder with --run",
            path.display()
        ),
        TrainError::RunInUse { .. } => {
            "wait for its end, or choose another folder with --run".to_owned()
        }
        TrainError::Unreadable { .. } => {
            "replace or remove them, or train without them by --set data.unreadable=skip".to_owned()
        }
        TrainError::SharedGroups { .. } => {
            "divide the data set anew with `osteon data split`, keep its splits and leave out what they share with `osteon data split --clean`, \
             or train anyway with --allow-leak"
                .to_owned()
        }
        TrainError::OutOfMemory {
            batch_size,
            accumulate,
            ..
        } => format!(
            "halve the batch and keep the step: --set train.batch_size={} --set train.accumulate={}",
            (batch_size / 2).max(1),
            accumulate * 2
        ),
        TrainError::Changed { .. } => "with --force it resumes anyway".to_owned(),
        _ => return None,
    })
}

fn of_evaluation(error: &EvaluateError) -> Option<String> {
    match error {
        EvaluateError::Data(error) => of_data(error),
        EvaluateError::Model(error) => of_model(error),
        _ => None,
    }
}

/// An error with a hint of its command's own.
#[derive(Debug)]
pub struct Hinted {
    /// What went wrong, causes included.
    error: String,
    /// What to do about it.
    hint: String,
}

impl Hinted {
    pub fn new(error: &anyhow::Error, hint: String) -> Self {
        Self {
            error: exit::paragraph(error),
            hint,
        }
    }
}

impl std::fmt::Display for Hinted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.error)
    }
}

impl std::error::Error for Hinted {}
