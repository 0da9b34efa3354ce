//! The network of the student project that Osteon grew from.

use osteon_kernels::{Instructions, Pooled};
use tch::nn::Path;
use tch::{Device, Kind, TchError, Tensor};

use super::graph::{Graph, Op, Sketch};
use super::layers::{Conv, ConvShape, Linear};
use super::{Answer, Network};
use crate::{Mode, Precision};

/// The seed's CNN, 2,822,945 parameters at 150 px:
///
/// ```text
/// N×1×150×150 ─conv1 3×3─ReLU─pool 2→ N×64×75×75 ─conv2 3×3─ReLU─pool 2→ N×32×37×37 ─fc1→ 64 ─ReLU─fc2→ 1 logit
/// ```
pub struct SeedCnn {
    conv1: Conv,
    conv2: Conv,
    fc1: Linear,
    fc2: Linear,
}

impl SeedCnn {
    /// Fresh weights for side×side images; `side`, 4 or more, sets the width of `fc1`.
    pub(super) fn new(at: &Path<'_>, side: usize) -> Result<Self, TchError> {
        let pooled = (side / 4) as i64;
        let conv = |input, output| ConvShape::dense(input, output, 3, 1).with_bias();
        Ok(Self {
            conv1: Conv::new(&(at / "conv1"), &conv(1, 64))?,
            conv2: Conv::new(&(at / "conv2"), &conv(64, 32))?,
            fc1: Linear::new(&(at / "fc1"), 32 * pooled * pooled, 64)?,
            fc2: Linear::new(&(at / "fc2"), 64, 1)?,
        })
    }
}

impl SeedCnn {
    /// Both convolutions with their ReLU and pooling: N×1×H×W → N×32×(H/4)×(W/4).
    fn convolutions(&self, films: &Tensor, precision: Precision) -> Result<Tensor, TchError> {
        if films.device() == Device::Cpu && precision != Precision::Fp16 {
            let pooled = |kind, channels_last| Pooled {
                kind,
                channels_last,
                instructions: Instructions::best(),
            };
            let x = self
                .conv1
                .relu_pool(films, pooled(precision.kind(), true))?;
            return self.conv2.relu_pool(&x, pooled(Kind::Float, false));
        }
        let pool = |x: Tensor| x.f_max_pool2d([2, 2], [2, 2], [0, 0], [1, 1], false);
        let x = pool(self.conv1.forward(films, precision)?.f_relu_()?)?;
        pool(self.conv2.forward(&x, precision)?.f_relu_()?)
    }
}

/// What [`SeedCnn`] computes, for export.
pub(super) fn graph() -> Graph {
    let (mut sketch, mut x) = Sketch::new();
    for name in ["conv1", "conv2"] {
        x = sketch.conv(x, name, 3);
        x = sketch.relu(x);
        x = sketch.step(Op::MaxPool, &[x]);
    }
    x = sketch.step(Op::Flatten, &[x]);
    x = sketch.linear(x, "fc1");
    x = sketch.relu(x);
    x = sketch.linear(x, "fc2");
    let logit = sketch.step(Op::Squeeze, &[x]);
    sketch.done(logit, None)
}

impl Network for SeedCnn {
    /// What both convolutions leave, N×32×(H/4)×(W/4).
    fn features(&self, films: &Tensor, mode: Mode) -> Result<Vec<Tensor>, TchError> {
        Ok(vec![self.convolutions(films, mode.precision)?])
    }

    fn answer(&self, features: &[Tensor], mode: Mode) -> Result<Answer, TchError> {
        let [x] = features else {
            return Err(TchError::Shape("seed_cnn has one feature map".to_owned()));
        };
        // With a few images, `fc1` is all reading of weights: to cast them first would cost more than it saves.
        let linear = if x.device() == Device::Cpu {
            Precision::Fp32
        } else {
            mode.precision
        };
        let x = self.fc1.forward(&x.f_flatten(1, -1)?, linear)?.f_relu_()?;
        // 16 bits would round the logits and save nothing.
        let logits = self.fc2.forward(&x, Precision::Fp32)?.f_squeeze_dim(1)?;
        Ok(Answer::of(logits))
    }
}
