//! An image's second channel: how a pixel differs from its surroundings, in units of how much they vary.

use tch::{Kind, TchError, Tensor};

use super::graph::{Op, Sketch, Value};

/// Pixels that are averaged to one before the surroundings are: they are smooth, and there are 16 times fewer.
const COARSE: i64 = 4;
/// Side of the window that is averaged over twice, in coarse pixels: together a bell of about 8 pixels' standard deviation.
const WINDOW: i64 = 5;
/// Added to the deviation: in flat places noise is not blown up.
const FLOOR: f64 = 0.06;
/// Deviations are halved, and cut at ± this.
const LIMIT: f64 = 1.5;

/// N×1×H×W images → N×2×H×W: the image and its local contrast, f32; sides that 4 divides.
pub(super) fn with_local_contrast(films: &Tensor) -> Result<Tensor, TchError> {
    let films = films.f_to_kind(Kind::Float)?;
    let coarse = [COARSE; 2];
    let halves = |x: &Tensor| x.f_avg_pool2d(coarse, coarse, [0, 0], false, false, None);
    let around = |x: &Tensor| {
        // Places beyond the edge are not counted.
        x.f_avg_pool2d([WINDOW; 2], [1, 1], [WINDOW / 2; 2], false, false, None)
    };
    let smooth = |x: &Tensor| around(&around(&halves(x)?)?);
    let size = films.size();
    // One channel lies the same way in either memory order; by its strides libtorch takes it for channels last, whose pooling is slow with
    // one channel. These strides are the plain ones.
    let plain = films
        .f_reshape([size[0], size[2], size[3]])?
        .f_unsqueeze(1)?;
    let mean = smooth(&plain)?;
    let square = smooth(&plain.f_square()?)?;
    let deviation = square
        .f_sub(&mean.f_square()?)?
        .f_clamp_min(0.0)?
        .f_sqrt()?
        .f_add_scalar(FLOOR)?;
    let full = |x: &Tensor| x.f_upsample_bilinear2d([size[2], size[3]], false, None, None);
    let contrast = films
        .f_sub(&full(&mean)?)?
        .f_div(&full(&deviation)?)?
        .f_mul_scalar(0.5)?
        .f_clamp(-LIMIT, LIMIT)?;
    Tensor::f_cat(&[films, contrast], 1)
}

/// What [`with_local_contrast`] computes, for export.
pub(super) fn draw(sketch: &mut Sketch, films: Value) -> Value {
    let mean = smooth(sketch, films);
    let square = sketch.step(Op::Mul, &[films, films]);
    let square = smooth(sketch, square);
    let mean_square = sketch.step(Op::Mul, &[mean, mean]);
    let mut deviation = sketch.step(Op::Sub, &[square, mean_square]);
    for op in [Op::Clamp(Some(0.0), None), Op::Sqrt, Op::AddNumber(FLOOR)] {
        deviation = sketch.step(op, &[deviation]);
    }
    let mean = sketch.step(Op::Bilinear(COARSE), &[mean]);
    let deviation = sketch.step(Op::Bilinear(COARSE), &[deviation]);
    let contrast = sketch.step(Op::Sub, &[films, mean]);
    let mut contrast = sketch.step(Op::Div, &[contrast, deviation]);
    for op in [Op::MulNumber(0.5), Op::Clamp(Some(-LIMIT), Some(LIMIT))] {
        contrast = sketch.step(op, &[contrast]);
    }
    sketch.step(Op::Concat, &[films, contrast])
}

fn smooth(sketch: &mut Sketch, x: Value) -> Value {
    let halves = Op::MeanPool {
        window: COARSE,
        stride: COARSE,
        padding: 0,
    };
    let around = Op::MeanPool {
        window: WINDOW,
        stride: 1,
        padding: WINDOW / 2,
    };
    let x = sketch.step(halves, &[x]);
    let x = sketch.step(around.clone(), &[x]);
    sketch.step(around, &[x])
}
