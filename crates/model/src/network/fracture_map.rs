//! The network that ships: it says where as well as whether.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::nn::Path;
use tch::{Kind, TchError, Tensor};

use super::block::{Block, BlockShape};
use super::layers::{Conv, ConvNorm, ConvShape, Linear};
use super::local_contrast::with_local_contrast;
use super::{Answer, Network, block, local_contrast};
use crate::export::graph::{Graph, Op, Sketch};
use crate::{Compute, Mode, Precision};

/// Sizes of a [`FractureMap`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FractureMapOptions {
    /// Channels of the stem and of the four stages after it.
    pub widths: [u32; 5],
    /// Residual blocks in each stage.
    pub blocks: [u32; 4],
    /// Channels of the pyramid that the map is read from.
    pub pyramid: u32,
    /// Cells of the map, the highest ones, whose mean counts for the film.
    #[schemars(range(min = 1))]
    pub top: u32,
    /// Probability that a channel of the pyramid is dropped in training, 0..1.
    pub dropout: f64,
    /// Probability that the last block is passed by in training, 0..1; less for those before it.
    pub drop_path: f64,
}

impl Default for FractureMapOptions {
    fn default() -> Self {
        Self {
            widths: [24, 32, 64, 128, 256],
            blocks: [2, 2, 2, 2],
            pyramid: 64,
            top: 8,
            dropout: 0.1,
            drop_path: 0.05,
        }
    }
}

/// A fully convolutional network with a feature pyramid (Lin et al. 2017) and two answers: a map of logits, one for every 8×8 pixels, and
/// one logit from the film as a whole. A film's logit is the mean of the map's highest cells plus that of the whole. 2,893,234 parameters
/// with the default options, for films of any size that 32 divides:
///
/// ```text
/// N×1×384×384 ─level, local contrast→ 2 ─2×2 pixels as channels→ 8×192×192 ─stem 3×3→ 24
///   ─stage 0→ 32×96×96 ─1→ 64×48×48 ─2→ 128×24×24 ─3→ 256×12×12 ─mean, max→ 512 ─whole1─ReLU─whole2→ 1 logit
///                          │             │             │
///                       lateral0     lateral1      lateral2            (1×1, to 64 channels)
///                          + ←── ×2 ─── + ←── ×2 ───── ┘
///                          └ smooth 3×3 ─ReLU→ 64×48×48 ─map 1×1→ N×48×48 logits
/// ```
pub struct FractureMap {
    stem: ConvNorm,
    stages: Vec<Vec<Block>>,
    laterals: [Conv; 3],
    smooth: ConvNorm,
    map: Conv,
    whole: [Linear; 2],
    top: i64,
    dropout: f64,
}

/// Side of a cell of the map, in pixels.
pub(super) const CELL: usize = 8;
/// What the coarsest features are coarser by than the film.
const COARSEST: usize = 32;
/// The map's logit before anything is learned: fractures are rare.
const PRIOR: f64 = -3.0;

impl FractureMapOptions {
    /// The first option that makes no sense, as (key, what it must be).
    pub(super) fn check(&self, side: usize) -> Result<(), (&'static str, &'static str)> {
        let within = |numbers: &[u32], top| numbers.iter().all(|n| (1..=top).contains(n));
        let share = |value: f64| (0.0..1.0).contains(&value);
        let cells = (side / CELL).pow(2);
        let rules = [
            (
                "fracture_map.widths",
                within(&self.widths, 2048),
                "must be numbers from 1 to 2048",
            ),
            (
                "fracture_map.blocks",
                within(&self.blocks, 64),
                "must be numbers from 1 to 64",
            ),
            (
                "fracture_map.pyramid",
                within(&[self.pyramid], 2048),
                "must be from 1 to 2048",
            ),
            (
                "fracture_map.dropout",
                share(self.dropout),
                "must be from 0 to below 1",
            ),
            (
                "fracture_map.drop_path",
                share(self.drop_path),
                "must be from 0 to below 1",
            ),
            (
                "name",
                side.is_multiple_of(COARSEST),
                "fracture_map needs films whose side 32 divides",
            ),
            (
                "fracture_map.top",
                (1..=cells).contains(&(self.top as usize)),
                "must be from 1 to the map's cells, a 64th of the film's pixels",
            ),
        ];
        match rules.into_iter().find(|(_, fine, _)| !fine) {
            Some((key, _, must)) => Err((key, must)),
            None => Ok(()),
        }
    }
}

impl FractureMap {
    /// Fresh weights. The options must have passed [`crate::Architecture::check`].
    pub(super) fn new(at: &Path<'_>, options: &FractureMapOptions) -> Result<Self, TchError> {
        let conv = |input: i64, output: i64, kernel, bias| ConvShape {
            input,
            output,
            kernel,
            stride: 1,
            bias,
        };
        let widths = options.widths.map(i64::from);
        let pyramid = i64::from(options.pyramid);
        let total: u32 = options.blocks.iter().sum();
        let (mut stages, mut built, mut input) = (Vec::new(), 0_u32, widths[0]);
        for (number, (&output, &count)) in widths[1..].iter().zip(&options.blocks).enumerate() {
            let mut stage = Vec::new();
            for index in 0..count {
                let shape = BlockShape {
                    input,
                    output,
                    stride: if index == 0 { 2 } else { 1 },
                    gain: 0.2,
                    drop: options.drop_path * f64::from(built) / f64::from(total),
                };
                stage.push(Block::new(&(at / "stages" / number / index), &shape)?);
                (built, input) = (built + 1, output);
            }
            stages.push(stage);
        }
        let lateral = |number: usize| {
            let shape = conv(widths[number + 2], pyramid, 1, true);
            Conv::new(&(at / "laterals" / number), &shape)
        };
        let map = Conv::new(&(at / "map"), &conv(pyramid, 1, 1, true))?;
        map.set_bias(PRIOR)?;
        Ok(Self {
            stem: ConvNorm::new(at, ("stem", "stem_bn"), &conv(8, widths[0], 3, false))?,
            stages,
            laterals: [lateral(0)?, lateral(1)?, lateral(2)?],
            smooth: ConvNorm::new(
                at,
                ("smooth", "smooth_bn"),
                &conv(pyramid, pyramid, 3, false),
            )?,
            map,
            whole: [
                Linear::new(&(at / "whole1"), 2 * widths[4], 64)?,
                Linear::new(&(at / "whole2"), 64, 1)?,
            ],
            top: i64::from(options.top),
            dropout: options.dropout,
        })
    }
}

/// What [`FractureMap`] computes on side×side films, for export.
pub(super) fn graph(options: &FractureMapOptions, side: usize) -> Graph {
    let (mut sketch, films) = Sketch::new();
    let x = local_contrast::draw(&mut sketch, films);
    let unshuffle = Op::Unshuffle {
        channels: 2,
        side: side as i64,
    };
    let x = sketch.step(unshuffle, &[x]);
    let x = sketch.conv_norm(x, ("stem".to_owned(), "stem_bn".to_owned()), 3, 1);
    let mut x = sketch.relu(x);
    let (mut levels, mut input) = (Vec::new(), options.widths[0]);
    for (number, (&output, &count)) in options.widths[1..].iter().zip(&options.blocks).enumerate() {
        for index in 0..count {
            let place = format!("stages.{number}.{index}");
            let stride = if index == 0 { 2 } else { 1 };
            x = block::draw(&mut sketch, x, &place, (input, output), stride);
            input = output;
        }
        levels.push(x);
    }
    let mut sum = sketch.conv(levels[3], "laterals.2", 1);
    for number in [1, 0] {
        let finer = sketch.conv(levels[number + 1], &format!("laterals.{number}"), 1);
        let coarser = sketch.step(Op::Nearest(2), &[sum]);
        sum = sketch.step(Op::Add, &[finer, coarser]);
    }
    let smooth = ("smooth".to_owned(), "smooth_bn".to_owned());
    let pyramid = sketch.conv_norm(sum, smooth, 3, 1);
    let pyramid = sketch.relu(pyramid);
    let map = sketch.conv(pyramid, "map", 1);
    let map = sketch.step(Op::Squeeze, &[map]);
    let cells = sketch.step(Op::Flatten, &[map]);
    let highest = sketch.step(Op::TopMean(i64::from(options.top)), &[cells]);
    let whole = sketch.mean_and_max(x);
    let whole = sketch.linear(whole, "whole1");
    let whole = sketch.relu(whole);
    let whole = sketch.linear(whole, "whole2");
    let whole = sketch.step(Op::Squeeze, &[whole]);
    let logit = sketch.step(Op::Add, &[highest, whole]);
    sketch.done(logit, Some(map))
}

impl Network for FractureMap {
    /// The pyramid, N×pyramid×(H/8)×(W/8), and the last stage, N×width×(H/32)×(W/32).
    fn features(&self, films: &Tensor, mode: Mode) -> Result<Vec<Tensor>, TchError> {
        let x = with_local_contrast(films)?.f_pixel_unshuffle(2)?;
        let x = x.f_to_kind(mode.precision.kind())?;
        let mut x = self.stem.forward(&x, mode)?.f_relu_()?;
        let mut levels = Vec::new();
        for stage in &self.stages {
            for block in stage {
                x = block.forward(&x, mode)?;
            }
            levels.push(x.shallow_clone());
        }
        let lateral = |n: usize| self.laterals[n].forward(&levels[n + 1], mode.precision);
        let mut sum = lateral(2)?;
        for number in [1, 0] {
            let finer = lateral(number)?;
            let size = finer.size();
            sum = finer.f_add(&sum.f_upsample_nearest2d([size[2], size[3]], None, None)?)?;
        }
        Ok(vec![self.smooth.forward(&sum, mode)?.f_relu_()?, x])
    }

    fn answer(&self, features: &[Tensor], mode: Mode) -> Result<Answer, TchError> {
        let [pyramid, last] = features else {
            return Err(TchError::Shape(
                "fracture_map has two feature maps".to_owned(),
            ));
        };
        let kept = pyramid.f_feature_dropout(self.dropout, mode.train)?;
        // From here on in 32 bits: what is left is small, and 16 bits would round the logits.
        let kept = kept.f_to_kind(Kind::Float)?;
        let map = self.map.forward(&kept, Precision::Fp32)?.f_squeeze_dim(1)?;
        let (highest, _) = map.f_flatten(1, 2)?.f_topk(self.top, 1, true, false)?;
        let mean = last.f_mean_dim([2, 3].as_slice(), false, Kind::Float)?;
        let peak = last.f_amax([2, 3], false)?.f_to_kind(Kind::Float)?;
        let whole = self.whole[0]
            .forward(&Tensor::f_cat(&[mean, peak], 1)?, Precision::Fp32)?
            .f_relu_()?;
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

    fn freeze(&mut self, compute: Compute) -> Result<(), TchError> {
        self.stem.freeze(compute)?;
        self.smooth.freeze(compute)?;
        let mut blocks = self.stages.iter_mut().flatten();
        blocks.try_for_each(|block| block.freeze(compute))
    }
}
