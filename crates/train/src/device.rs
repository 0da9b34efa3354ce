//! Where tensors live and arithmetic happens.

use tch::{Cuda, Device};

use crate::TrainError;

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
                return Err(missing(
                    "this libtorch is the CPU build. `cargo xtask download libtorch --cuda` fetches the CUDA one; --device cpu works now",
                ));
            }
            if !Cuda::is_available() {
                return Err(missing(
                    "libtorch has CUDA, but no driver or no card is found (see `nvidia-smi`)",
                ));
            }
            if n as i64 >= Cuda::device_count() {
                return Err(missing("there are fewer CUDA cards than that"));
            }
            Ok(Device::Cuda(n))
        }
        Asked::This(Device::Mps) if !tch::utils::has_mps() => {
            Err(missing("MPS needs an Apple GPU"))
        }
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
        let said = choose_device("cuda").expect_err("no CUDA").to_string();
        assert!(
            said.contains("--device cpu") || said.contains("nvidia-smi"),
            "{said}"
        );
    }
}
