//! Grad-CAM: Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization", ICCV 2017.

use tch::{Kind, TchError, Tensor};

use crate::Mode;
use crate::network::Network;

/// Of N films' features the heat N×h×w on the finest of them (f32), 0..=1 with 1 in each film's hottest cell: all 0 where nothing
/// speaks for a fracture.
///
/// Only what comes after the features is gone through backwards, so frozen networks will do. Channels are weighted by the mean of the
/// gradient of the logit; in 32 bits whatever the network computes in.
pub(super) fn grad_cam(
    network: &dyn Network,
    features: &[Tensor],
    mode: Mode,
) -> Result<Tensor, TchError> {
    let Some((finest, rest)) = features.split_first() else {
        return Err(TchError::Shape("the network has no features".to_owned()));
    };
    let finest = finest.f_detach()?.f_to_kind(Kind::Float)?;
    let leaf = finest.f_detach()?.f_set_requires_grad(true)?;
    let mut all = vec![leaf.shallow_clone()];
    for other in rest {
        all.push(other.f_detach()?);
    }
    // Whatever the thread had chosen; nothing in here panics.
    let gradient = tch::with_grad(|| {
        let logits = network.answer(&all, mode)?.logits;
        // Films do not mix in judging: the gradient of the sum is each film's own.
        Tensor::f_run_backward(&[logits.f_sum(Kind::Float)?], &[&leaf], false, false)
    })?;
    let Some(gradient) = gradient.into_iter().next() else {
        return Err(TchError::Shape("no gradient came back".to_owned()));
    };
    let weights = gradient.f_mean_dim([2, 3].as_slice(), true, Kind::Float)?;
    let heat = finest
        .f_mul(&weights)?
        .f_sum_dim_intlist([1].as_slice(), false, Kind::Float)?
        .f_relu()?;
    // Tiny sums are rounding, and must not be blown up to a peak.
    let peak = heat.f_amax([1, 2], true)?.f_clamp_min(1e-12)?;
    heat.f_div(&peak)
}
