//! HiResCAM: Draelos & Carin, "Use HiResCAM instead of Grad-CAM for faithful explanations of convolutional neural networks", arXiv
//! 2011.08891 (2020). The gradient is multiplied with the activation cell by cell. Grad-CAM (Selvaraju et al., ICCV 2017) takes each
//! channel's mean gradient instead, and where features go through a mean and a maximum, as in the residual networks, that mean's sign
//! may cancel what speaks for a fracture on every cell of every image.

use tch::{Kind, TchError, Tensor};

use crate::Mode;
use crate::network::Network;

/// Of N images' features the heat N×h×w on the finest of them (f32), 0..=1 with 1 in each image's hottest cell: all 0 where nothing
/// speaks for a fracture.
///
/// Only what comes after the features is gone through backwards, so frozen networks will do. Of a network whose logit is linear in its
/// features, the cells' sum before the cut at 0 is the logit but for its bias. In 32 bits whatever the network computes in.
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
        // Images do not mix in judging: the gradient of the sum is each image's own.
        Tensor::f_run_backward(&[logits.f_sum(Kind::Float)?], &[&leaf], false, false)
    })?;
    let Some(gradient) = gradient.into_iter().next() else {
        return Err(TchError::Shape("no gradient came back".to_owned()));
    };
    let heat = finest
        .f_mul(&gradient.f_to_kind(Kind::Float)?)?
        .f_sum_dim_intlist([1].as_slice(), false, Kind::Float)?
        .f_relu()?;
    // Tiny sums are rounding, and must not be blown up to a peak.
    let peak = heat.f_amax([1, 2], true)?.f_clamp_min(1e-12)?;
    heat.f_div(&peak)
}
