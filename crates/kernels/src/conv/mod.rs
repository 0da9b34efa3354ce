//! Convolution 3×3, bias, ReLU and max-pooling 2×2 as one layer.

mod first;
mod lanes;
mod number;
mod shape;
#[cfg_attr(not(target_arch = "x86_64"), path = "wide_none.rs")]
mod wide;

use tch::{Device, Kind, TchError, Tensor};

use crate::{Instructions, KernelError, with_backward};
use number::{Bf16, Number};
use shape::{Shape, Sink};

const CALL: &str = "conv_relu_pool";

/// What [`conv_relu_pool`] returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pooled {
    /// `Float` or `BFloat16`.
    pub kind: Kind,
    /// N×H×W×C in memory, or else N×C×H×W.
    pub channels_last: bool,
    /// As a rule [`Instructions::best`].
    pub instructions: Instructions,
}

/// max-pool 2×2 of ReLU of a convolution 3×3 with padding 1: N×I×H×W, weight O×I×3×3 and bias O → N×O×(H/2)×(W/2), an odd last row or
/// column left out. One pass over memory and, with gradients, one back, which knows that three of four gradients are 0.
///
/// The input's kind says how it computes: `Float` in f32; `BFloat16` multiplies bfloat16 and adds in f32. A one-channel input is f32, and
/// gets no gradient. On the CPU, with O a multiple of 16, for one channel; and where the processor has AVX-512 (for bfloat16 with its dot
/// products), for 32, 64 or 128 channels with O a multiple of 32. All else is left to libtorch's own layers, to the same result.
///
/// Gradients have the same bits on any number of threads.
pub fn conv_relu_pool(
    input: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    pooled: Pooled,
) -> Result<Tensor, KernelError> {
    let shape = check(input, weight, bias, pooled)?;
    if !fits(&shape, input, weight, pooled) {
        return Ok(plain(input, weight, bias, pooled)?);
    }
    let (rows, columns) = (shape.rows() as i64, shape.columns() as i64);
    let channels = shape.output as i64;
    let size = [shape.films as i64, channels, rows, columns];
    let pixels = rows * columns;
    let strides = if pooled.channels_last {
        [pixels * channels, 1, columns * channels, channels]
    } else {
        [pixels * channels, pixels, columns, 1]
    };
    // Detached: the graph is told of this layer at its end, as one node.
    let (film, kernel) = (input.f_detach()?, weight.f_detach()?.f_contiguous()?);
    let shift = bias.f_detach()?.f_contiguous()?;
    let output = Tensor::f_empty_strided(size, strides, (pooled.kind, Device::Cpu))?;
    let places = [shape.films as i64, rows, columns, channels];
    let places = Tensor::f_empty(places, (Kind::Uint8, Device::Cpu))?;
    let film = if shape.input == 1 {
        film.f_contiguous()?
    } else {
        pixel_by_pixel(&film)?
    };
    let layer = Layer {
        shape,
        film,
        kernel,
        places,
        pooled,
    };
    if pooled.kind == Kind::BFloat16 {
        layer.forward::<Bf16>(&shift, &output)?;
    } else {
        layer.forward::<f32>(&shift, &output)?;
    }
    let wants_input = input.requires_grad();
    let backward = move |grad: &Tensor| layer.backward(grad, wants_input);
    with_backward(output, &[input, weight, bias], Box::new(backward))
}

/// N×C×H×W → N×H×W×C, without a copy where it is so in memory.
fn pixel_by_pixel(tensor: &Tensor) -> Result<Tensor, TchError> {
    tensor.f_permute([0, 2, 3, 1])?.f_contiguous()
}

fn check(
    input: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    pooled: Pooled,
) -> Result<Shape, KernelError> {
    let fault = |name, must, found| KernelError::Input {
        call: CALL,
        name,
        must,
        found,
    };
    let sizes = |tensor: &Tensor| format!("{:?}", tensor.size());
    let &[films, channels, height, width] = input.size().as_slice() else {
        return Err(fault("input", "have four dimensions", sizes(input)));
    };
    let output = weight.size().first().copied().unwrap_or_default();
    if weight.size() != [output, channels, 3, 3] {
        return Err(fault("weight", "be O×I×3×3", sizes(weight)));
    }
    if bias.size() != [output] {
        return Err(fault("bias", "have a number for each output", sizes(bias)));
    }
    if !matches!(pooled.kind, Kind::Float | Kind::BFloat16) {
        let found = format!("{:?}", pooled.kind);
        return Err(fault("output", "be Float or BFloat16", found));
    }
    Ok(Shape {
        films: films as usize,
        input: channels as usize,
        height: height as usize,
        width: width as usize,
        output: output as usize,
    })
}

/// Whether there is a kernel for it.
fn fits(shape: &Shape, input: &Tensor, weight: &Tensor, pooled: Pooled) -> bool {
    let kind = input.kind();
    let cpu = [input, weight].iter().all(|t| t.device() == Device::Cpu);
    let some = shape.films > 0 && shape.rows() > 0 && shape.columns() > 0;
    let shapes = if shape.input == 1 {
        shape.output.is_multiple_of(16) && kind == Kind::Float && !input.requires_grad()
    } else {
        let least = match kind {
            Kind::Float => Instructions::Avx512,
            Kind::BFloat16 => Instructions::Avx512Bf16,
            _ => return false,
        };
        matches!(shape.input, 32 | 64 | 128)
            && shape.output.is_multiple_of(32)
            && pooled.instructions.at_most() >= least
    };
    cpu && some && shapes && weight.kind() == Kind::Float && shape.output > 0
}

/// By libtorch's own layers.
fn plain(
    input: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    pooled: Pooled,
) -> Result<Tensor, TchError> {
    let kind = input.kind();
    let (weight, bias) = (weight.f_to_kind(kind)?, bias.f_to_kind(kind)?);
    let sums = input.f_conv2d(&weight, Some(&bias), [1, 1], [1, 1], [1, 1], 1)?;
    let output = sums
        .f_relu()?
        .f_max_pool2d([2, 2], [2, 2], [0, 0], [1, 1], false)?
        .f_to_kind(pooled.kind)?;
    if pooled.channels_last {
        pixel_by_pixel(&output)?.f_permute([0, 3, 1, 2])
    } else {
        output.f_contiguous()
    }
}

/// What the backward pass needs of the forward pass.
struct Layer {
    shape: Shape,
    /// Detached: N×H×W, or N×H×W×I.
    film: Tensor,
    /// Detached: O×I×3×3, contiguous f32.
    kernel: Tensor,
    /// N×(H/2)×(W/2)×O: which of a window's four was the greatest, 4 where ReLU took all.
    places: Tensor,
    pooled: Pooled,
}

/// A contiguous CPU tensor's numbers.
#[allow(unsafe_code, reason = "reads a tensor's memory")]
fn numbers<T>(tensor: &Tensor) -> &[T] {
    debug_assert!(tensor.device() == Device::Cpu && tensor.is_contiguous());
    // SAFETY: a tensor keeps its memory while it lives; the callers have checked kind, device and order.
    unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast(), tensor.numel()) }
}

/// The numbers of a dense CPU tensor made here, that nobody else has a handle to yet.
#[allow(unsafe_code, reason = "writes a tensor's memory")]
#[allow(clippy::mut_from_ref, reason = "tensors are handles")]
fn numbers_mut<T>(tensor: &Tensor) -> &mut [T] {
    // SAFETY: as above; the callers take each tensor's numbers once.
    unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast(), tensor.numel()) }
}

impl Layer {
    fn forward<O: Number>(&self, bias: &Tensor, output: &Tensor) -> Result<(), KernelError> {
        let (shape, instructions) = (&self.shape, self.pooled.instructions.at_most());
        let sink = Sink::<O>::new(numbers_mut(output), shape, self.pooled.channels_last);
        let places = numbers_mut(&self.places);
        let (kernel, bias) = (numbers(&self.kernel), numbers(bias));
        let film = &self.film;
        if shape.input == 1 {
            first::forward(
                shape,
                numbers(film),
                kernel,
                bias,
                &sink,
                places,
                instructions,
            )
        } else if film.kind() == Kind::BFloat16 {
            wide::forward::<Bf16, O>(shape, numbers(film), kernel, bias, &sink, places)
        } else {
            wide::forward::<f32, O>(shape, numbers(film), kernel, bias, &sink, places)
        }
    }

    fn backward(
        &self,
        grad: &Tensor,
        wants_input: bool,
    ) -> Result<Vec<Option<Tensor>>, KernelError> {
        let shape = &self.shape;
        let (input, output) = (shape.input as i64, shape.output as i64);
        if input == 1 {
            let instructions = self.pooled.instructions.at_most();
            let (film, places) = (numbers(&self.film), numbers(&self.places));
            let sums = if grad.kind() == Kind::BFloat16 {
                let grad = pixel_by_pixel(grad)?;
                first::backward::<Bf16>(shape, film, numbers(&grad), places, instructions)?
            } else {
                let grad = pixel_by_pixel(&grad.f_to_kind(Kind::Float)?)?;
                first::backward::<f32>(shape, film, numbers(&grad), places, instructions)?
            };
            let sums = Tensor::f_from_slice(&sums)?.f_view([output, first::GRADS as i64])?;
            let weight = sums.f_narrow(1, 0, 9)?.f_reshape([output, 1, 3, 3])?;
            let bias = sums.f_select(1, 9)?.f_contiguous()?;
            return Ok(vec![None, Some(weight), Some(bias)]);
        }
        let films = shape.films as i64;
        let size = [films, shape.height as i64, shape.width as i64, input];
        let back = Tensor::f_empty(size, (self.film.kind(), Device::Cpu))?;
        let sums = if self.film.kind() == Kind::BFloat16 {
            self.wide_backward::<Bf16>(grad, &back, wants_input)?
        } else {
            self.wide_backward::<f32>(grad, &back, wants_input)?
        };
        let (kernel, shift) = sums.split_at(9 * shape.input * shape.output);
        let weight = Tensor::f_from_slice(kernel)?
            .f_view([output, 3, 3, input])?
            .f_permute([0, 3, 1, 2])?
            .f_contiguous()?;
        let film = if wants_input {
            Some(back.f_permute([0, 3, 1, 2])?)
        } else {
            None
        };
        Ok(vec![film, Some(weight), Some(Tensor::f_from_slice(shift)?)])
    }

    fn wide_backward<T: wide::Dot>(
        &self,
        grad: &Tensor,
        back: &Tensor,
        wants_input: bool,
    ) -> Result<Vec<f32>, KernelError> {
        let grad = grad.f_to_kind(Kind::Float)?.f_contiguous()?;
        let (film, kernel) = (numbers::<T>(&self.film), numbers(&self.kernel));
        let back = wants_input.then(|| numbers_mut::<T>(back));
        let places = numbers(&self.places);
        wide::backward(&self.shape, film, kernel, numbers(&grad), places, back)
    }
}
