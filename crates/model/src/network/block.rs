//! The residual block that the networks are made of.

use tch::nn::Path;
use tch::{Kind, TchError, Tensor};

use super::graph::{Op, Sketch, Value};
use super::layers::{ConvNorm, ConvShape};
use crate::{Compute, Mode};

/// Sizes of a [`Block`].
pub(super) struct BlockShape {
    pub input: i64,
    pub output: i64,
    /// 2 halves height and width, in the first convolution and by the mean of 2×2 in the shortcut (He et al. 2019, "ResNet-D").
    pub stride: i64,
    /// Gain that the second norm begins with: below 1, a deep network begins near to its shortcuts.
    pub gain: f64,
    /// Probability that an image passes by the shortcut alone in training, 0..1 (stochastic depth, Huang et al. 2016).
    pub drop: f64,
}

/// Two 3×3 convolutions beside a shortcut:
///
/// ```text
/// conv1 3×3─bn1─ReLU─conv2 3×3─bn2─ (+ input, by shortcut 1×1─shortcut_bn where widths or sizes differ) ─ReLU
/// ```
pub(super) struct Block {
    first: ConvNorm,
    second: ConvNorm,
    shortcut: Option<ConvNorm>,
    stride: i64,
    drop: f64,
}

impl Block {
    pub fn new(at: &Path<'_>, shape: &BlockShape) -> Result<Self, TchError> {
        let conv = |input, kernel, stride| ConvShape::dense(input, shape.output, kernel, stride);
        let shortcut = if shape.input == shape.output && shape.stride == 1 {
            None
        } else {
            let names = ("shortcut", "shortcut_bn");
            Some(ConvNorm::new(at, names, &conv(shape.input, 1, 1))?)
        };
        let second = ConvNorm::new(at, ("conv2", "bn2"), &conv(shape.output, 3, 1))?;
        second.set_gain(shape.gain)?;
        let first = conv(shape.input, 3, shape.stride);
        Ok(Self {
            first: ConvNorm::new(at, ("conv1", "bn1"), &first)?,
            second,
            shortcut,
            stride: shape.stride,
            drop: shape.drop,
        })
    }

    /// N×input×H×W → N×output×(H/stride)×(W/stride).
    pub fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let branch = self.first.forward(x, mode)?.f_relu_()?;
        let mut branch = self.second.forward(&branch, mode)?;
        if mode.train && self.drop > 0.0 {
            branch = branch.f_mul(&kept(&branch, self.drop)?)?;
        }
        let mut sum = match &self.shortcut {
            None => branch.f_add_(x)?,
            Some(shortcut) if self.stride == 1 => branch.f_add_(&shortcut.forward(x, mode)?)?,
            Some(shortcut) => {
                let halved = x.f_avg_pool2d([2, 2], [2, 2], [0, 0], true, false, None)?;
                branch.f_add_(&shortcut.forward(&halved, mode)?)?
            }
        };
        sum.f_relu_()
    }

    pub fn freeze(&mut self, compute: Compute) -> Result<(), TchError> {
        self.first.freeze(compute)?;
        self.second.freeze(compute)?;
        match &mut self.shortcut {
            Some(shortcut) => shortcut.freeze(compute),
            None => Ok(()),
        }
    }
}

/// What [`Block`] computes, for export.
pub(super) fn draw(
    sketch: &mut Sketch,
    x: Value,
    place: &str,
    (input, output): (u32, u32),
    stride: i64,
) -> Value {
    let named = |conv: &str, norm: &str| (format!("{place}.{conv}"), format!("{place}.{norm}"));
    let branch = sketch.conv_norm(x, named("conv1", "bn1"), 3, stride);
    let branch = sketch.relu(branch);
    let branch = sketch.conv_norm(branch, named("conv2", "bn2"), 3, 1);
    let mut beside = x;
    if stride > 1 {
        let halves = Op::MeanPool {
            window: 2,
            stride: 2,
            padding: 0,
        };
        beside = sketch.step(halves, &[beside]);
    }
    if input != output || stride > 1 {
        beside = sketch.conv_norm(beside, named("shortcut", "shortcut_bn"), 1, 1);
    }
    let sum = sketch.step(Op::Add, &[branch, beside]);
    sketch.relu(sum)
}

/// N×1×1×1: 0 with probability `drop`, else what keeps the mean.
pub(super) fn kept(like: &Tensor, drop: f64) -> Result<Tensor, TchError> {
    Tensor::f_rand([like.size()[0], 1, 1, 1], (Kind::Float, like.device()))?
        .f_ge(drop)?
        .f_to_kind(like.kind())?
        .f_div_scalar(1.0 - drop)
}
