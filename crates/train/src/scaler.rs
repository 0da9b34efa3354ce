//! The loss scaler of half precision (Micikevicius et al. 2018): gradients too small for 16 bits are lifted into their range.

use osteon_kernels::{ScaleGrowth, unscale, update_scale};
use serde::{Deserialize, Serialize};
use tch::{Device, TchError, Tensor};

/// Where the scaler stands.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct ScalerState {
    /// What the loss is multiplied by, a power of two.
    pub scale: f32,
    /// Steps without an overflow since it last changed.
    pub good_steps: i64,
}

/// A loss scaler, on the device: it is never waited for.
pub(crate) struct Scaler {
    scale: Tensor,
    good_steps: Tensor,
}

impl Scaler {
    /// Begins at 2¹⁶, as PyTorch's.
    pub fn new(device: Device) -> Result<Self, TchError> {
        Self::at(
            ScalerState {
                scale: 65536.0,
                good_steps: 0,
            },
            device,
        )
    }

    /// One that stands there.
    pub fn at(state: ScalerState, device: Device) -> Result<Self, TchError> {
        Ok(Self {
            scale: Tensor::f_from_slice(&[state.scale])?.f_to_device(device)?,
            good_steps: Tensor::f_from_slice(&[state.good_steps as i32])?.f_to_device(device)?,
        })
    }

    /// Where it stands; waits for the device.
    pub fn state(&self) -> Result<ScalerState, TchError> {
        Ok(ScalerState {
            scale: self.scale.f_double_value(&[0])? as f32,
            good_steps: self.good_steps.f_int64_value(&[0])?,
        })
    }

    /// The loss to go backward from.
    pub fn scale(&self, loss: &Tensor) -> Result<Tensor, TchError> {
        loss.f_mul(&self.scale.f_squeeze()?)
    }

    /// Divides gradients by the scale, in place. Gives one f32, 1 where one of them is not finite: the step is then to be left out.
    pub fn unscale(&self, gradients: &[Tensor]) -> Result<Tensor, TchError> {
        let overflow = self.scale.f_zeros_like()?;
        let defined: Vec<Tensor> = gradients
            .iter()
            .filter(|g| g.defined())
            .map(Tensor::shallow_clone)
            .collect();
        unscale(&defined, &overflow, &self.scale.f_reciprocal()?)?;
        Ok(overflow)
    }

    /// Moves the scale after a step: halved after an overflow, doubled after 2,000 steps without one.
    pub fn update(&self, overflow: &Tensor) -> Result<(), TchError> {
        Ok(update_scale(
            &self.scale,
            &self.good_steps,
            overflow,
            ScaleGrowth::default(),
        )?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_are_unscaled_and_overflows_halve_the_scale() {
        let scaler = Scaler::new(Device::Cpu).expect("makes");
        let fine = [Tensor::from_slice(&[65536.0_f32, -131_072.0])];
        let overflow = scaler.unscale(&fine).expect("unscales");
        assert_eq!(Vec::<f32>::try_from(&fine[0]).expect("values"), [1.0, -2.0]);
        assert!(overflow.double_value(&[0]) < 0.5);
        scaler.update(&overflow).expect("moves");
        let broken = [Tensor::from_slice(&[f32::INFINITY, 1.0]), Tensor::new()];
        let overflow = scaler.unscale(&broken).expect("unscales");
        assert!(overflow.double_value(&[0]) > 0.5);
        scaler.update(&overflow).expect("moves");
        let state = scaler.state().expect("reads");
        assert_eq!(
            state,
            ScalerState {
                scale: 32768.0,
                good_steps: 0
            }
        );
        let again = Scaler::at(state, Device::Cpu).expect("makes");
        assert_eq!(again.state().expect("reads"), state);
    }
}
