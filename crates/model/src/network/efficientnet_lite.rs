//! EfficientNet-Lite below a map head: a backbone that may begin from what it learned of ImageNet.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::nn::Path;
use tch::{TchError, Tensor};

use super::block::kept;
use super::graph::{Graph, Op, Sketch, Value};
use super::layers::{ConvNorm, ConvShape, NormRule, Padding};
use super::local_contrast::with_local_contrast;
use super::map_head::{CELL, COARSEST, HeadShape, MapHead};
use super::{Answer, Network, local_contrast, map_head};
use crate::{Compute, Mode};

/// Options of an [`EfficientNetLite`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EfficientNetLiteOptions {
    /// Which of the family.
    pub variant: LiteVariant,
    /// Channels of the pyramid that the map is read from.
    pub pyramid: u32,
    /// Cells of the map, the highest ones, whose mean counts for the image.
    #[schemars(range(min = 1))]
    pub top: u32,
    /// Probability that a channel of the pyramid is dropped in training, 0..1.
    pub dropout: f64,
    /// Probability that a pooled feature of the whole image is dropped in training, 0..1.
    pub whole_dropout: f64,
    /// Probability that the last block is passed by in training, 0..1; less for those before it.
    pub drop_path: f64,
    /// Stages of the backbone, of 7, that stay as they begin, the stem with the first of them: cheaper to train, 0 to 7.
    #[schemars(range(max = 7))]
    pub frozen_stages: u32,
}

/// The sizes of the backbone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LiteVariant {
    /// Width 1, depth 1.
    #[default]
    Lite0,
    /// Width 1, depth 1.1.
    Lite1,
    /// Width 1.1, depth 1.2.
    Lite2,
}

impl LiteVariant {
    /// All, the smallest first.
    pub const ALL: [Self; 3] = [Self::Lite0, Self::Lite1, Self::Lite2];

    /// As in the config: `lite0`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lite0 => "lite0",
            Self::Lite1 => "lite1",
            Self::Lite2 => "lite2",
        }
    }

    /// Tenths of width and depth.
    fn scale(self) -> (u32, u32) {
        match self {
            Self::Lite0 => (10, 10),
            Self::Lite1 => (10, 11),
            Self::Lite2 => (11, 12),
        }
    }

    /// The blocks in their order, each with the number of its stage.
    pub(super) fn blocks(self) -> Vec<(usize, BlockPlan)> {
        let (width, depth) = self.scale();
        let mut blocks = Vec::new();
        let mut input = STEM;
        for (number, stage) in STAGES.iter().enumerate() {
            // The first and the last stage are as deep in every variant.
            let ends = number == 0 || number + 1 == STAGES.len();
            let repeats = if ends {
                stage.repeats
            } else {
                (stage.repeats * depth).div_ceil(10)
            };
            let output = rounded(stage.channels, width);
            for index in 0..repeats {
                let plan = BlockPlan {
                    input,
                    output,
                    expanded: input * stage.expansion,
                    kernel: stage.kernel,
                    stride: if index == 0 { stage.stride } else { 1 },
                };
                blocks.push((number, plan));
                input = output;
            }
        }
        blocks
    }
}

/// Channels of the stem, in every variant.
pub(super) const STEM: u32 = 32;
/// Channels of the convolution behind the blocks, in every variant.
pub(super) const LAST: u32 = 1280;
/// Channels that the stem takes: the level and the local contrast.
pub(super) const INPUTS: u32 = 2;
/// Stages whose outputs are an 8th, a 16th and a 32nd of the image's size.
const LEVELS: [usize; 3] = [2, 4, 6];
/// TensorFlow's, as the published weights expect.
const NORM: NormRule = NormRule {
    eps: 1e-3,
    momentum: 0.03,
};
/// Where the backbone's tensors are.
pub(crate) const BODY: &str = "body";

/// A stage as published for width and depth 1.
struct Stage {
    kernel: u32,
    stride: u32,
    expansion: u32,
    channels: u32,
    repeats: u32,
}

const fn stage(kernel: u32, stride: u32, expansion: u32, channels: u32, repeats: u32) -> Stage {
    Stage {
        kernel,
        stride,
        expansion,
        channels,
        repeats,
    }
}

const STAGES: [Stage; 7] = [
    stage(3, 1, 1, 16, 1),
    stage(3, 2, 6, 24, 2),
    stage(5, 2, 6, 40, 2),
    stage(3, 2, 6, 80, 3),
    stage(5, 1, 6, 112, 3),
    stage(5, 2, 6, 192, 4),
    stage(3, 1, 6, 320, 1),
];

/// The stem's convolution and norm.
const STEM_NAMES: (&str, &str) = ("_conv_stem", "_bn0");

fn stem_shape() -> ConvShape {
    ConvShape {
        padding: Padding::same(3, 2),
        ..ConvShape::dense(i64::from(INPUTS), i64::from(STEM), 3, 2)
    }
}

/// Channels times tenths, to the nearest multiple of 8, but no less than nine tenths of it.
fn rounded(channels: u32, tenths: u32) -> u32 {
    let scaled = f64::from(channels * tenths) / 10.0;
    let nearest = ((scaled + 4.0) as u32 / 8 * 8).max(8);
    if f64::from(nearest) < 0.9 * scaled {
        nearest + 8
    } else {
        nearest
    }
}

/// Sizes of one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BlockPlan {
    pub input: u32,
    pub output: u32,
    /// Channels between; as many as `input` where nothing expands.
    pub expanded: u32,
    pub kernel: u32,
    pub stride: u32,
}

impl BlockPlan {
    fn expands(&self) -> bool {
        self.expanded != self.input
    }

    fn skips(&self) -> bool {
        self.stride == 1 && self.input == self.output
    }

    /// The three convolutions: expanding where there is one, each channel by itself, and projecting.
    fn shapes(&self) -> (Option<ConvShape>, ConvShape, ConvShape) {
        let [input, output, expanded, kernel, stride] = [
            self.input,
            self.output,
            self.expanded,
            self.kernel,
            self.stride,
        ]
        .map(i64::from);
        let expand = self
            .expands()
            .then(|| ConvShape::dense(input, expanded, 1, 1));
        let depthwise = ConvShape {
            groups: expanded,
            padding: Padding::same(kernel, stride),
            ..ConvShape::dense(expanded, expanded, kernel, stride)
        };
        (expand, depthwise, ConvShape::dense(expanded, output, 1, 1))
    }
}

impl Default for EfficientNetLiteOptions {
    fn default() -> Self {
        Self {
            variant: LiteVariant::Lite0,
            pyramid: 96,
            top: 8,
            dropout: 0.1,
            whole_dropout: 0.2,
            drop_path: 0.2,
            frozen_stages: 0,
        }
    }
}

impl EfficientNetLiteOptions {
    /// The first option that makes no sense, as (key, what it must be).
    pub(super) fn check(&self, side: usize) -> Result<(), (&'static str, &'static str)> {
        let share = |value: f64| (0.0..1.0).contains(&value);
        let cells = (side / CELL).pow(2);
        let rules = [
            (
                "efficientnet_lite.pyramid",
                (1..=2048).contains(&self.pyramid),
                "must be from 1 to 2048",
            ),
            (
                "efficientnet_lite.dropout",
                share(self.dropout),
                "must be from 0 to below 1",
            ),
            (
                "efficientnet_lite.whole_dropout",
                share(self.whole_dropout),
                "must be from 0 to below 1",
            ),
            (
                "efficientnet_lite.drop_path",
                share(self.drop_path),
                "must be from 0 to below 1",
            ),
            (
                "efficientnet_lite.frozen_stages",
                self.frozen_stages as usize <= STAGES.len(),
                "must be from 0 to 7",
            ),
            (
                "name",
                side > 0 && side.is_multiple_of(COARSEST),
                "efficientnet_lite needs images whose side 32 divides",
            ),
            (
                "efficientnet_lite.top",
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

/// An inverted residual block without squeeze-excitation (Sandler et al. 2018):
///
/// ```text
/// _expand_conv 1×1─_bn0─ReLU6─_depthwise_conv k×k─_bn1─ReLU6─_project_conv 1×1─_bn2 (+ input, where sizes are the same)
/// ```
struct InvertedResidual {
    expand: Option<ConvNorm>,
    depthwise: ConvNorm,
    project: ConvNorm,
    skips: bool,
    drop: f64,
}

impl InvertedResidual {
    fn new(at: &Path<'_>, plan: &BlockPlan, drop: f64) -> Result<Self, TchError> {
        let (expand, depthwise, project) = plan.shapes();
        let layer = |names, shape: &ConvShape| ConvNorm::with_rule(at, names, shape, NORM);
        Ok(Self {
            expand: expand
                .map(|shape| layer(("_expand_conv", "_bn0"), &shape))
                .transpose()?,
            depthwise: layer(("_depthwise_conv", "_bn1"), &depthwise)?,
            project: layer(("_project_conv", "_bn2"), &project)?,
            skips: plan.skips(),
            drop,
        })
    }

    /// N×input×H×W → N×output×(H/stride)×(W/stride).
    fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let expanded = match &self.expand {
            Some(expand) => expand.forward(x, mode)?.f_relu6_()?,
            None => x.shallow_clone(),
        };
        let filtered = self.depthwise.forward(&expanded, mode)?.f_relu6_()?;
        let mut y = self.project.forward(&filtered, mode)?;
        if !self.skips {
            return Ok(y);
        }
        if mode.train && self.drop > 0.0 {
            y = y.f_mul(&kept(&y, self.drop)?)?;
        }
        y.f_add_(x)
    }

    fn freeze(&mut self, compute: Compute) -> Result<(), TchError> {
        if let Some(expand) = &mut self.expand {
            expand.freeze(compute)?;
        }
        self.depthwise.freeze(compute)?;
        self.project.freeze(compute)
    }
}

/// EfficientNet-Lite (Tan & Le 2019, in the form without squeeze-excitation that runs everywhere) below a map head. Tensors of the backbone have
/// the names of the published PyTorch weights, below `body`. For images of any size that 32 divides:
///
/// ```text
/// N×1×384×384 ─level, local contrast→ 2 ─body._conv_stem 3×3/2→ 32×192×192
///   ─stage 0→ 16×192×192 ─1→ 24×96×96 ─2→ 40×48×48 ─3, 4→ 112×24×24 ─5, 6→ 320×12×12 ─body._conv_head 1×1→ 1280×12×12
///                                         │                │                │                          │
///                                      lateral0         lateral1         lateral2                 mean, max, whole
/// ```
pub struct EfficientNetLite {
    stem: ConvNorm,
    /// With the number of each one's stage.
    blocks: Vec<(usize, InvertedResidual)>,
    last: ConvNorm,
    head: MapHead,
    frozen_stages: usize,
    /// All of the backbone stays as it is for now.
    held: bool,
}

impl EfficientNetLite {
    /// Fresh weights. The options must have passed [`crate::Architecture::check`].
    pub(super) fn new(at: &Path<'_>, options: &EfficientNetLiteOptions) -> Result<Self, TchError> {
        let body = at / BODY;
        let layer = |names, shape: &ConvShape| ConvNorm::with_rule(&body, names, shape, NORM);
        let plans = options.variant.blocks();
        let mut blocks = Vec::new();
        let mut levels = [0; STAGES.len()];
        for (index, (stage, plan)) in plans.iter().enumerate() {
            let drop = options.drop_path * index as f64 / plans.len() as f64;
            let block = InvertedResidual::new(&(&body / "_blocks" / index), plan, drop)?;
            blocks.push((*stage, block));
            levels[*stage] = i64::from(plan.output);
        }
        let head = HeadShape {
            levels: LEVELS.map(|stage| levels[stage]),
            pyramid: i64::from(options.pyramid),
            whole: i64::from(LAST),
            top: i64::from(options.top),
            dropout: options.dropout,
            whole_dropout: options.whole_dropout,
        };
        let last = ConvShape::dense(levels[STAGES.len() - 1], i64::from(LAST), 1, 1);
        Ok(Self {
            stem: layer(STEM_NAMES, &stem_shape())?,
            blocks,
            last: layer(("_conv_head", "_bn1"), &last)?,
            head: MapHead::new(at, &head)?,
            frozen_stages: options.frozen_stages as usize,
            held: false,
        })
    }

    /// How stages that stay as they are compute, and whether their gradient is asked for.
    fn part<T>(
        held: bool,
        mode: Mode,
        work: impl FnOnce(Mode) -> Result<T, TchError>,
    ) -> Result<T, TchError> {
        if held && mode.train {
            let judging = Mode {
                train: false,
                ..mode
            };
            tch::no_grad(|| work(judging))
        } else {
            work(mode)
        }
    }

    /// The outputs of the three levels and of the last convolution.
    fn body(&self, films: &Tensor, mode: Mode) -> Result<([Tensor; 3], Tensor), TchError> {
        let held = |stage: usize| self.held || stage < self.frozen_stages;
        let mut x = Self::part(held(0), mode, |mode| {
            let x = with_local_contrast(films)?.f_to_kind(mode.precision.kind())?;
            self.stem.forward(&x, mode)?.f_relu6_()
        })?;
        let mut levels = Vec::new();
        for (number, (stage, block)) in self.blocks.iter().enumerate() {
            x = Self::part(held(*stage), mode, |mode| block.forward(&x, mode))?;
            let ends = self
                .blocks
                .get(number + 1)
                .is_none_or(|(next, _)| next != stage);
            if ends && LEVELS.contains(stage) {
                levels.push(x.shallow_clone());
            }
        }
        let last = Self::part(self.held, mode, |mode| {
            self.last.forward(&x, mode)?.f_relu6_()
        })?;
        let levels = <[Tensor; 3]>::try_from(levels)
            .map_err(|_| TchError::Shape("the backbone has three levels".to_owned()))?;
        Ok((levels, last))
    }
}

impl Network for EfficientNetLite {
    /// The pyramid, N×pyramid×(H/8)×(W/8), and what the last convolution of the backbone gives, N×1280×(H/32)×(W/32).
    fn features(&self, films: &Tensor, mode: Mode) -> Result<Vec<Tensor>, TchError> {
        let ([fine, middle, coarse], last) = self.body(films, mode)?;
        let pyramid = self.head.pyramid([&fine, &middle, &coarse], mode)?;
        Ok(vec![pyramid, last])
    }

    fn answer(&self, features: &[Tensor], mode: Mode) -> Result<Answer, TchError> {
        let [pyramid, last] = features else {
            return Err(TchError::Shape(
                "efficientnet_lite has two feature maps".to_owned(),
            ));
        };
        self.head.answer(pyramid, last, mode)
    }

    fn hold_backbone(&mut self, held: bool) -> bool {
        self.held = held;
        true
    }

    fn freeze(&mut self, compute: Compute) -> Result<(), TchError> {
        self.stem.freeze(compute)?;
        for (_, block) in &mut self.blocks {
            block.freeze(compute)?;
        }
        self.last.freeze(compute)?;
        self.head.freeze(compute)
    }
}

/// What [`EfficientNetLite`] computes, for export.
pub(super) fn graph(options: &EfficientNetLiteOptions) -> Graph {
    let (mut sketch, films) = Sketch::new();
    let x = local_contrast::draw(&mut sketch, films);
    let mut x = draw(&mut sketch, x, BODY, STEM_NAMES, &stem_shape(), true);
    let mut levels = [x; STAGES.len()];
    for (index, (stage, plan)) in options.variant.blocks().iter().enumerate() {
        let at = format!("{BODY}._blocks.{index}");
        let (expand, depthwise, project) = plan.shapes();
        let before = x;
        if let Some(shape) = expand {
            x = draw(&mut sketch, x, &at, ("_expand_conv", "_bn0"), &shape, true);
        }
        let names = ("_depthwise_conv", "_bn1");
        x = draw(&mut sketch, x, &at, names, &depthwise, true);
        x = draw(
            &mut sketch,
            x,
            &at,
            ("_project_conv", "_bn2"),
            &project,
            false,
        );
        if plan.skips() {
            x = sketch.step(Op::Add, &[x, before]);
        }
        levels[*stage] = x;
    }
    let last = ConvShape::dense(0, 0, 1, 1);
    let whole = draw(&mut sketch, x, BODY, ("_conv_head", "_bn1"), &last, true);
    let levels = LEVELS.map(|stage| levels[stage]);
    let (logit, map) = map_head::draw(&mut sketch, levels, whole, options.top);
    sketch.done(logit, Some(map))
}

/// A convolution, its norm and, where asked for, ReLU6.
fn draw(
    sketch: &mut Sketch,
    x: Value,
    at: &str,
    (conv, norm): (&str, &str),
    shape: &ConvShape,
    relu6: bool,
) -> Value {
    let conv = Op::Conv {
        name: format!("{at}.{conv}"),
        kernel: shape.kernel,
        stride: shape.stride,
        padding: shape.padding,
        groups: shape.groups,
        bias: false,
    };
    let x = sketch.step(conv, &[x]);
    let norm = Op::Norm {
        name: format!("{at}.{norm}"),
        eps: NORM.eps,
    };
    let x = sketch.step(norm, &[x]);
    if relu6 {
        sketch.step(Op::Clamp(Some(0.0), Some(6.0)), &[x])
    } else {
        x
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the module that the published weights fit (repeats and channels of `lite2`).
    #[test]
    fn lite2_is_wider_and_deeper() {
        let blocks = LiteVariant::Lite2.blocks();
        let repeats: Vec<usize> = (0..7)
            .map(|stage| blocks.iter().filter(|(of, _)| *of == stage).count())
            .collect();
        assert_eq!(repeats, [1, 3, 3, 4, 4, 5, 1]);
        let channels: Vec<u32> = (0..7)
            .filter_map(|stage| blocks.iter().find(|(of, _)| *of == stage))
            .map(|(_, plan)| plan.output)
            .collect();
        assert_eq!(channels, [16, 24, 48, 88, 120, 208, 352]);
        assert_eq!(LiteVariant::Lite0.blocks().len(), 16);
        assert_eq!(LiteVariant::Lite1.blocks().len(), 21);
    }

    #[test]
    fn padding_as_tensorflow_has_it() {
        let of = |kernel, stride| {
            let Padding { begin, end } = Padding::same(kernel, stride);
            (begin, end)
        };
        assert_eq!((of(3, 1), of(5, 1)), ((1, 1), (2, 2)));
        assert_eq!((of(3, 2), of(5, 2)), ((0, 1), (1, 2)));
    }
}
