//! Where tensors live and arithmetic happens.

use tch::{Cuda, Device};

use crate::TrainError;

/// Why a device is not available.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MissingDevice {
    /// libtorch was built without CUDA.
    #[error("this libtorch is the CPU build")]
    CpuBuild,
    /// libtorch has CUDA, and the machine has no driver or no card.
    #[error("libtorch has CUDA, but no driver or no card is found")]
    NoDriver,
    /// A CUDA device of a higher number than the machine has.
    #[error("there are fewer CUDA cards than that")]
    FewerCards,
    /// No Apple GPU.
    #[error("MPS needs an Apple GPU")]
    NoMps,
}

/// Whether a word names a device, present or not.
pub(crate) fn is_known(name: &str) -> bool {
    parse(name).is_some()
}

/// A device word.
enum Asked {
    Auto,
    This(Device),
}

fn parse(name: &str) -> Option<Asked> {
    match name {
        "auto" => Some(Asked::Auto),
        "cpu" => Some(Asked::This(Device::Cpu)),
        "cuda" => Some(Asked::This(Device::Cuda(0))),
        "mps" => Some(Asked::This(Device::Mps)),
        _ => name
            .strip_prefix("cuda:")?
            .parse()
            .ok()
            .map(|n| Asked::This(Device::Cuda(n))),
    }
}

/// The device of a word: `auto` takes CUDA, then Apple's MPS, then the CPU; any other must be there.
pub fn choose_device(name: &str) -> Result<Device, TrainError> {
    let missing = |reason| TrainError::NoDevice {
        name: name.to_owned(),
        reason,
    };
    match parse(name).ok_or_else(|| TrainError::UnknownDevice {
        name: name.to_owned(),
    })? {
        Asked::Auto if Cuda::is_available() => Ok(Device::Cuda(0)),
        Asked::Auto if tch::utils::has_mps() => Ok(Device::Mps),
        Asked::Auto => Ok(Device::Cpu),
        Asked::This(Device::Cuda(n)) => {
            // Whether CUDA is compiled in; `has_cuda` would also ask for a card.
            if !tch::utils::has_cudart() {
                return Err(missing(MissingDevice::CpuBuild));
            }
            if !Cuda::is_available() {
                return Err(missing(MissingDevice::NoDriver));
            }
            if n as i64 >= Cuda::device_count() {
                return Err(missing(MissingDevice::FewerCards));
            }
            Ok(Device::Cuda(n))
        }
        Asked::This(Device::Mps) if !tch::utils::has_mps() => Err(missing(MissingDevice::NoMps)),
        Asked::This(device) => Ok(device),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        assert_eq!(choose_device("cpu").expect("always there"), Device::Cpu);
        assert!(is_known("cuda:3") && is_known("auto") && is_known("mps"));
        assert!(!is_known("gpu") && !is_known("cuda:") && !is_known("cuda:x"));
        assert!(matches!(
            choose_device("gpu"),
            Err(TrainError::UnknownDevice { .. })
        ));
    }

    #[test]
    fn an_absent_card_is_said_to_be_absent() {
        if Cuda::is_available() {
            println!("skipped: this machine has CUDA");
            return;
        }
        let refused = choose_device("cuda").expect_err("no CUDA");
        assert!(matches!(
            refused,
            TrainError::NoDevice {
                reason: MissingDevice::CpuBuild | MissingDevice::NoDriver,
                ..
            }
        ));
    }
}
