//! The network that ships: it says where as well as whether.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::nn::Path;
use tch::{TchError, Tensor};

use super::block::{Block, BlockShape};
use super::graph::{Graph, Op, Sketch};
use super::layers::{ConvNorm, ConvShape};
use super::local_contrast::with_local_contrast;
use super::map_head::{CELL, COARSEST, HeadShape, MapHead};
use super::{Answer, Network, block, local_contrast, map_head};
use crate::{Compute, Mode};

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
    /// Cells of the map, the highest ones, whose mean counts for the image.
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

/// A fully convolutional network with a map head (`map_head.rs`): a map of logits, one for every 8×8 pixels, and one logit from the image as a
/// whole. An image's logit is the mean of the map's highest cells plus that of the whole. 2,893,234 parameters with the default options, for
/// images of any size that 32 divides:
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
    head: MapHead,
}

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
                "fracture_map needs images whose side 32 divides",
            ),
            (
                "fracture_map.top",
                (1..=cells).contains(&(self.top as usize)),
                "must be from 1 to the map's cells, a 64th of the image's pixels",
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
        let widths = options.widths.map(i64::from);
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
        let head = HeadShape {
            levels: [widths[2], widths[3], widths[4]],
            pyramid: i64::from(options.pyramid),
            whole: widths[4],
            top: i64::from(options.top),
            dropout: options.dropout,
            whole_dropout: 0.0,
        };
        let head = MapHead::new(at, &head)?;
        let stem = ConvShape::dense(8, widths[0], 3, 1);
        Ok(Self {
            stem: ConvNorm::new(at, ("stem", "stem_bn"), &stem)?,
            stages,
            head,
        })
    }
}

/// What [`FractureMap`] computes on side×side images, for export.
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
    let (logit, map) = map_head::draw(
        &mut sketch,
        [levels[1], levels[2], levels[3]],
        x,
        options.top,
    );
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
        let pyramid = self
            .head
            .pyramid([&levels[1], &levels[2], &levels[3]], mode)?;
        Ok(vec![pyramid, x])
    }

    fn answer(&self, features: &[Tensor], mode: Mode) -> Result<Answer, TchError> {
        let [pyramid, last] = features else {
            return Err(TchError::Shape(
                "fracture_map has two feature maps".to_owned(),
            ));
        };
        self.head.answer(pyramid, last, mode)
    }

    fn freeze(&mut self, compute: Compute) -> Result<(), TchError> {
        self.stem.freeze(compute)?;
        self.head.freeze(compute)?;
        let mut blocks = self.stages.iter_mut().flatten();
        blocks.try_for_each(|block| block.freeze(compute))
    }
}
