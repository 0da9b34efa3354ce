//! What sits on a backbone of several levels and says where as well as whether: pyramid, map, whole.

use tch::nn::Path;
use tch::{Kind, TchError, Tensor};

use super::Answer;
use super::graph::{Op, Sketch, Value};
use super::layers::{Conv, ConvNorm, ConvShape, Linear};
use crate::{Compute, Mode, Precision};

/// Side of a cell of the map, in pixels: the finest level is so much coarser than the image.
pub(super) const CELL: usize = 8;
/// What the coarsest level is coarser by than the image.
pub(super) const COARSEST: usize = 32;
/// Features between the whole image's and its logit.
const HIDDEN: i64 = 64;
/// The map's logit before anything is learned: fractures are rare.
const PRIOR: f64 = -3.0;

/// Sizes of a [`MapHead`].
pub(super) struct HeadShape {
    /// Channels of the levels at a 8th, a 16th and a 32nd of the image's size.
    pub levels: [i64; 3],
    /// Channels of the pyramid that the map is read from.
    pub pyramid: i64,
    /// Channels of the features that the whole image's logit is read from.
    pub whole: i64,
    /// Cells of the map, the highest ones, whose mean counts for the image.
    pub top: i64,
    /// Probability that a channel of the pyramid is dropped in training, 0..1.
    pub dropout: f64,
    /// Probability that a pooled feature of the whole image is dropped in training, 0..1.
    pub whole_dropout: f64,
}

/// A feature pyramid (Lin et al. 2017) with two answers: a map of logits, one for every 8×8 pixels, and one logit from the image as a
/// whole. An image's logit is the mean of the map's highest cells plus that of the whole.
///
/// ```text
/// levels  C0×H/8×W/8      C1×H/16×W/16     C2×H/32×W/32           features of the whole, W×h×w
///            │                │                │                          │ mean, max → 2W
///         lateral0         lateral1         lateral2   (1×1)           whole1 ─ReLU─ whole2 → 1 logit
///            + ←───── ×2 ───── + ←───── ×2 ──── ┘
///            └ smooth 3×3 ─ReLU→ pyramid ─map 1×1→ H/8×W/8 logits
/// ```
pub(super) struct MapHead {
    laterals: [Conv; 3],
    smooth: ConvNorm,
    map: Conv,
    whole: [Linear; 2],
    top: i64,
    dropout: f64,
    whole_dropout: f64,
}

impl MapHead {
    /// Fresh weights, named `laterals.0` to `.2`, `smooth`, `smooth_bn`, `map`, `whole1` and `whole2` below `at`.
    pub fn new(at: &Path<'_>, shape: &HeadShape) -> Result<Self, TchError> {
        let pyramid = shape.pyramid;
        let lateral = |number: usize| {
            let conv = ConvShape::dense(shape.levels[number], pyramid, 1, 1).with_bias();
            Conv::new(&(at / "laterals" / number), &conv)
        };
        let map = Conv::new(
            &(at / "map"),
            &ConvShape::dense(pyramid, 1, 1, 1).with_bias(),
        )?;
        map.set_bias(PRIOR)?;
        Ok(Self {
            laterals: [lateral(0)?, lateral(1)?, lateral(2)?],
            smooth: ConvNorm::new(
                at,
                ("smooth", "smooth_bn"),
                &ConvShape::dense(pyramid, pyramid, 3, 1),
            )?,
            map,
            whole: [
                Linear::new(&(at / "whole1"), 2 * shape.whole, HIDDEN)?,
                Linear::new(&(at / "whole2"), HIDDEN, 1)?,
            ],
            top: shape.top,
            dropout: shape.dropout,
            whole_dropout: shape.whole_dropout,
        })
    }

    /// The levels, the finest first → the pyramid, N×pyramid×H/8×W/8.
    pub fn pyramid(&self, levels: [&Tensor; 3], mode: Mode) -> Result<Tensor, TchError> {
        let lateral = |n: usize| self.laterals[n].forward(levels[n], mode.precision);
        let mut sum = lateral(2)?;
        for number in [1, 0] {
            let finer = lateral(number)?;
            let size = finer.size();
            sum = finer.f_add(&sum.f_upsample_nearest2d([size[2], size[3]], None, None)?)?;
        }
        self.smooth.forward(&sum, mode)?.f_relu_()
    }

    /// The pyramid and the features of the whole image, N×whole×h×w → the answer.
    pub fn answer(&self, pyramid: &Tensor, whole: &Tensor, mode: Mode) -> Result<Answer, TchError> {
        let kept = pyramid.f_feature_dropout(self.dropout, mode.train)?;
        // From here on in 32 bits: what is left is small, and 16 bits would round the logits.
        let kept = kept.f_to_kind(Kind::Float)?;
        let map = self.map.forward(&kept, Precision::Fp32)?.f_squeeze_dim(1)?;
        let (highest, _) = map.f_flatten(1, 2)?.f_topk(self.top, 1, true, false)?;
        let mean = whole.f_mean_dim([2, 3].as_slice(), false, Kind::Float)?;
        let peak = whole.f_amax([2, 3], false)?.f_to_kind(Kind::Float)?;
        let mut pooled = Tensor::f_cat(&[mean, peak], 1)?;
        // Drawn only where asked for: a network without it draws what it always drew.
        if self.whole_dropout > 0.0 {
            pooled = pooled.f_dropout(self.whole_dropout, mode.train)?;
        }
        let whole = self.whole[0].forward(&pooled, Precision::Fp32)?.f_relu_()?;
        let whole = self.whole[1]
            .forward(&whole, Precision::Fp32)?
            .f_squeeze_dim(1)?;
        let logits = highest.f_mean_dim(1, false, Kind::Float)?.f_add(&whole)?;
        Ok(Answer {
            logits,
            map: Some(map),
            whole: Some(whole),
        })
    }

    /// Puts the norm into the convolution before it.
    pub fn freeze(&mut self, compute: Compute) -> Result<(), TchError> {
        self.smooth.freeze(compute)
    }
}

/// What [`MapHead`] computes, for export: the levels, the finest first, and the features of the whole image → the logit and the map.
pub(super) fn draw(
    sketch: &mut Sketch,
    levels: [Value; 3],
    whole: Value,
    top: u32,
) -> (Value, Value) {
    let mut sum = sketch.conv(levels[2], "laterals.2", 1);
    for number in [1, 0] {
        let finer = sketch.conv(levels[number], &format!("laterals.{number}"), 1);
        let coarser = sketch.step(Op::Nearest(2), &[sum]);
        sum = sketch.step(Op::Add, &[finer, coarser]);
    }
    let smooth = ("smooth".to_owned(), "smooth_bn".to_owned());
    let pyramid = sketch.conv_norm(sum, smooth, 3, 1);
    let pyramid = sketch.relu(pyramid);
    let map = sketch.conv(pyramid, "map", 1);
    let map = sketch.step(Op::Squeeze, &[map]);
    let cells = sketch.step(Op::Flatten, &[map]);
    let highest = sketch.step(Op::TopMean(i64::from(top)), &[cells]);
    let whole = sketch.mean_and_max(whole);
    let whole = sketch.linear(whole, "whole1");
    let whole = sketch.relu(whole);
    let whole = sketch.linear(whole, "whole2");
    let whole = sketch.step(Op::Squeeze, &[whole]);
    (sketch.step(Op::Add, &[highest, whole]), map)
}
