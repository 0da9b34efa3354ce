//! The moving average of the weights (Polyak & Juditsky 1992), which often judges better than the weights themselves.

use osteon_model::{Net, TensorRecord};
use tch::{Kind, TchError, Tensor};

/// A second set of weights that follows the first, running statistics included.
pub(crate) struct Ema {
    decay: f64,
    average: Vec<(String, Tensor)>,
}

const PREFIX: &str = "ema.";

impl Ema {
    /// Begins at the weights as they are.
    pub fn new(decay: f64, net: &Net) -> Result<Self, TchError> {
        let average = net
            .tensors()
            .into_iter()
            .map(|(name, tensor)| Ok((name, tensor.f_detach_copy()?)))
            .collect::<Result<_, TchError>>()?;
        Ok(Self { decay, average })
    }

    /// After step number `step`, counted from 1. At first the average forgets faster, so that the random start does not linger:
    /// decay = min(`decay`, (1 + step) / (10 + step)).
    pub fn update(&mut self, net: &Net, step: u64) -> Result<(), TchError> {
        let step = step as f64;
        let decay = self.decay.min((1.0 + step) / (10.0 + step));
        let weights = net.tensors();
        tch::no_grad(|| {
            for ((_, average), (_, weight)) in self.average.iter_mut().zip(&weights) {
                let _ = average.f_lerp_(weight, 1.0 - decay)?;
            }
            Ok(())
        })
    }

    /// Does something with the average in the network's place.
    pub fn with<T, E: From<TchError>>(
        &self,
        net: &Net,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let kept = net
            .tensors()
            .into_iter()
            .map(|(_, weight)| weight.f_detach_copy())
            .collect::<Result<Vec<_>, _>>()?;
        put(net, self.average.iter().map(|(_, tensor)| tensor))?;
        let done = work();
        put(net, kept.iter())?;
        done
    }

    /// The average, named `ema.<weight>`.
    pub fn state(&self) -> impl Iterator<Item = (String, Tensor)> + '_ {
        let named =
            |(name, tensor): &(String, Tensor)| (format!("{PREFIX}{name}"), tensor.shallow_clone());
        self.average.iter().map(named)
    }

    /// Takes over what [`Ema::state`] gave. The name of the first tensor that is missing or of another shape is the inner error.
    pub fn restore(&mut self, state: &TensorRecord) -> Result<Result<(), String>, TchError> {
        for (name, tensor) in &mut self.average {
            let name = format!("{PREFIX}{name}");
            match state.get(&name) {
                Some(saved) if saved.size() == tensor.size() => {
                    tensor.f_copy_(&saved.f_to_kind(Kind::Float)?)?;
                }
                _ => return Ok(Err(name)),
            }
        }
        Ok(Ok(()))
    }
}

fn put<'a>(net: &Net, values: impl Iterator<Item = &'a Tensor>) -> Result<(), TchError> {
    for ((_, weight), value) in net.tensors().into_iter().zip(values) {
        weight.detach().f_copy_(value)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use osteon_model::{Architecture, Device};

    use super::*;

    #[test]
    fn it_follows_and_steps_aside() {
        let net = Architecture::default()
            .build(32, Device::Cpu)
            .expect("builds");
        let weight = || net.tensors()[0].1.detach();
        let _ = weight().fill_(1.0);
        let mut ema = Ema::new(0.9, &net).expect("copies");
        let _ = weight().fill_(2.0);
        // Step 1: decay 2/11; step 100: 101/110 is above 0.9.
        ema.update(&net, 1).expect("updates");
        let value = || weight().flatten(0, -1).double_value(&[0]);
        let inside = ema
            .with(&net, || Ok::<_, TchError>(value()))
            .expect("swaps");
        assert!((inside - (2.0 - 2.0 / 11.0)).abs() < 1e-6, "{inside}");
        assert!((value() - 2.0).abs() < 1e-12, "the weights are back");
        ema.update(&net, 100).expect("updates");
        let later = ema
            .with(&net, || Ok::<_, TchError>(value()))
            .expect("swaps");
        assert!((later - (0.9 * inside + 0.1 * 2.0)).abs() < 1e-6, "{later}");
    }
}
