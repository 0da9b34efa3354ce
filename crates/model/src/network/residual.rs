//! The default network: a compact residual CNN.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::nn::Path;
use tch::{Kind, TchError, Tensor};

use super::block::{Block, BlockShape};
use super::graph::{Graph, Op, Sketch};
use super::layers::{ConvNorm, ConvShape, Linear};
use super::{Answer, Network, block};
use crate::{Compute, Mode, Precision};

/// Sizes of a [`Residual`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ResidualOptions {
    /// A size by name, which then has its own `widths` and `blocks`; `custom`: as those two say.
    pub size: ResidualSize,
    /// Channels of each stage, if the size is `custom`; every stage halves height and width.
    pub widths: Vec<u32>,
    /// Residual blocks in each stage, if the size is `custom`; as many numbers as `widths`.
    pub blocks: Vec<u32>,
    /// Stride of the stem, 1 or 2: 1 looks at every pixel, at up to four times the price.
    #[schemars(range(min = 1, max = 2))]
    pub stem_stride: u32,
    /// Probability that a pooled feature is dropped in training, 0..1.
    pub dropout: f64,
}

/// Sizes with a name. Parameters do not depend on the image's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResidualSize {
    /// As `widths` and `blocks` say, which as they stand are those of `medium`.
    #[default]
    Custom,
    /// 222,257 parameters: 16, 32, 64, 96 channels, a block a stage.
    Small,
    /// 1,255,265 parameters: 32, 64, 128, 192 channels; 1, 2, 2, 1 blocks.
    Medium,
    /// 3,825,361 parameters: 48, 96, 192, 256 channels, two blocks a stage.
    Large,
}

impl ResidualSize {
    /// Channels and blocks of the four stages; `None` of `custom`.
    fn stages(self) -> Option<([u32; 4], [u32; 4])> {
        match self {
            Self::Custom => None,
            Self::Small => Some(([16, 32, 64, 96], [1; 4])),
            Self::Medium => Some(([32, 64, 128, 192], [1, 2, 2, 1])),
            Self::Large => Some(([48, 96, 192, 256], [2; 4])),
        }
    }
}

impl Default for ResidualOptions {
    fn default() -> Self {
        Self {
            size: ResidualSize::Custom,
            widths: vec![32, 64, 128, 192],
            blocks: vec![1, 2, 2, 1],
            stem_stride: 2,
            dropout: 0.2,
        }
    }
}

/// A residual CNN with global mean and maximum pooling (after He et al. 2016), for images of any size. In its sizes:
///
/// ```text
///                        small         medium (default)   large
/// N×1×224×224 ─stem 3×3/2→ 16×112×112    32×112×112         48×112×112
///             ─stage 0→    16×56×56      32×56×56           48×56×56  two blocks
///             ─stage 1→    32×28×28      64×28×28 two blocks 96×28×28  two blocks
///             ─stage 2→    64×14×14      128×14×14 two blocks 192×14×14 two blocks
///             ─stage 3→    96×7×7        192×7×7            256×7×7   two blocks
///             ─mean, max→  192           384                512      ─fc→ 1 logit
/// stage: max-pool 2, then blocks; block: conv1 3×3─bn1─ReLU─conv2 3×3─bn2─ (+ input, by 1×1 where widths differ) ─ReLU
/// ```
pub struct Residual {
    stem: ConvNorm,
    stages: Vec<Vec<Block>>,
    dropout: f64,
    fc: Linear,
}

impl ResidualOptions {
    /// Channels and blocks of each stage.
    pub(super) fn stages(&self) -> (Vec<u32>, Vec<u32>) {
        match self.size.stages() {
            Some((widths, blocks)) => (widths.to_vec(), blocks.to_vec()),
            None => (self.widths.clone(), self.blocks.clone()),
        }
    }

    /// The first option that makes no sense, as (key, what it must be).
    pub(super) fn check(&self, side: usize) -> Result<(), (&'static str, &'static str)> {
        let (widths, blocks) = self.stages();
        if widths.is_empty() || widths.len() > 6 || widths.iter().any(|w| !(1..=2048).contains(w)) {
            return Err(("residual.widths", "must be 1 to 6 numbers from 1 to 2048"));
        }
        if blocks.len() != widths.len() || blocks.iter().any(|b| !(1..=64).contains(b)) {
            return Err((
                "residual.blocks",
                "must be as many numbers as residual.widths, each from 1 to 64",
            ));
        }
        if !(1..=2).contains(&self.stem_stride) {
            return Err(("residual.stem_stride", "must be 1 or 2"));
        }
        let after_stem = side.div_ceil(self.stem_stride as usize);
        if after_stem >> widths.len() == 0 {
            return Err((
                "residual.widths",
                "must have fewer stages for images this small: each halves the image",
            ));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(("residual.dropout", "must be from 0 to below 1"));
        }
        Ok(())
    }
}

impl Residual {
    /// Fresh weights. The options must have passed [`crate::Architecture::check`].
    pub(super) fn new(at: &Path<'_>, options: &ResidualOptions) -> Result<Self, TchError> {
        let (widths, blocks) = options.stages();
        let first = i64::from(widths[0]);
        let stem = ConvShape::dense(1, first, 3, i64::from(options.stem_stride));
        let mut channels = first;
        let mut stages = Vec::new();
        for (number, (&width, &count)) in widths.iter().zip(&blocks).enumerate() {
            let mut stage = Vec::new();
            for index in 0..count {
                let place = at / "stages" / number / index;
                let shape = BlockShape {
                    input: channels,
                    output: i64::from(width),
                    stride: 1,
                    gain: 1.0,
                    drop: 0.0,
                };
                stage.push(Block::new(&place, &shape)?);
                channels = shape.output;
            }
            stages.push(stage);
        }
        Ok(Self {
            stem: ConvNorm::new(at, ("stem", "stem_bn"), &stem)?,
            stages,
            dropout: options.dropout,
            fc: Linear::new(&(at / "fc"), 2 * channels, 1)?,
        })
    }
}

/// What [`Residual`] computes, for export.
pub(super) fn graph(options: &ResidualOptions) -> Graph {
    let (widths, blocks) = options.stages();
    let (mut sketch, films) = Sketch::new();
    let stem = ("stem".to_owned(), "stem_bn".to_owned());
    let x = sketch.conv_norm(films, stem, 3, i64::from(options.stem_stride));
    let mut x = sketch.relu(x);
    let mut input = widths[0];
    for (number, (&output, &count)) in widths.iter().zip(&blocks).enumerate() {
        x = sketch.step(Op::MaxPool, &[x]);
        for index in 0..count {
            let place = format!("stages.{number}.{index}");
            x = block::draw(&mut sketch, x, &place, (input, output), 1);
            input = output;
        }
    }
    x = sketch.mean_and_max(x);
    x = sketch.linear(x, "fc");
    let logit = sketch.step(Op::Squeeze, &[x]);
    sketch.done(logit, None)
}

impl Network for Residual {
    /// The last stage, N×width×h×w.
    fn features(&self, films: &Tensor, mode: Mode) -> Result<Vec<Tensor>, TchError> {
        let mut x = self.stem.forward(films, mode)?.f_relu_()?;
        for stage in &self.stages {
            x = x.f_max_pool2d([2, 2], [2, 2], [0, 0], [1, 1], false)?;
            for block in stage {
                x = block.forward(&x, mode)?;
            }
        }
        Ok(vec![x])
    }

    fn answer(&self, features: &[Tensor], mode: Mode) -> Result<Answer, TchError> {
        let [x] = features else {
            return Err(TchError::Shape("residual has one feature map".to_owned()));
        };
        // The mean says what the image shows as a whole; the maximum keeps what one spot alone shows, as a fracture does.
        let mean = x.f_mean_dim([2, 3].as_slice(), false, Kind::Float)?;
        let highest = x.f_amax([2, 3], false)?.f_to_kind(Kind::Float)?;
        let kept = Tensor::f_cat(&[mean, highest], 1)?.f_dropout(self.dropout, mode.train)?;
        // 16 bits would round the logits and save nothing.
        let logits = self.fc.forward(&kept, Precision::Fp32)?.f_squeeze_dim(1)?;
        Ok(Answer::of(logits))
    }

    fn freeze(&mut self, compute: Compute) -> Result<(), TchError> {
        self.stem.freeze(compute)?;
        let mut blocks = self.stages.iter_mut().flatten();
        blocks.try_for_each(|block| block.freeze(compute))
    }
}
