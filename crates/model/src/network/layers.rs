//! Layers as PyTorch has them: same names, same initial distributions, errors instead of panics.

use osteon_kernels::{Pooled, conv_relu_pool};
use tch::nn::{Init, Path};
use tch::{TchError, Tensor};

use crate::{Compute, Mode, Precision};

/// A 2-D convolution with square kernel.
pub(super) struct Conv {
    weight: Tensor,
    bias: Option<Tensor>,
    stride: i64,
    padding: Padding,
    groups: i64,
}

/// Zeros around an image, in pixels: above and to the left, below and to the right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Padding {
    pub begin: i64,
    pub end: i64,
}

impl Padding {
    /// Half a kernel on each side.
    pub fn half(kernel: i64) -> Self {
        Self {
            begin: kernel / 2,
            end: kernel / 2,
        }
    }

    /// TensorFlow's `SAME`, for sides that `stride` divides: an odd number of zeros has one more at the end.
    pub fn same(kernel: i64, stride: i64) -> Self {
        let total = (kernel - stride).max(0);
        Self {
            begin: total / 2,
            end: total - total / 2,
        }
    }
}

/// Sizes of a convolution.
pub(super) struct ConvShape {
    pub input: i64,
    pub output: i64,
    pub kernel: i64,
    pub stride: i64,
    pub padding: Padding,
    /// 1, or as many as channels: each channel by itself.
    pub groups: i64,
    pub bias: bool,
}

impl ConvShape {
    /// A convolution over all channels without a bias, padded by half its kernel.
    pub fn dense(input: i64, output: i64, kernel: i64, stride: i64) -> Self {
        Self {
            input,
            output,
            kernel,
            stride,
            padding: Padding::half(kernel),
            groups: 1,
            bias: false,
        }
    }

    /// The same with a bias.
    pub fn with_bias(self) -> Self {
        Self { bias: true, ..self }
    }

    /// Inputs of one output channel.
    fn inputs_each(&self) -> i64 {
        self.input / self.groups
    }
}

impl Conv {
    /// Weights uniform in ±1/√(fan in), as `torch.nn.Conv2d`.
    pub fn new(at: &Path<'_>, shape: &ConvShape) -> Result<Self, TchError> {
        let (output, kernel, input) = (shape.output, shape.kernel, shape.inputs_each());
        let bound = 1.0 / ((input * kernel * kernel) as f64).sqrt();
        let uniform = Init::Uniform {
            lo: -bound,
            up: bound,
        };
        Ok(Self {
            weight: at.f_var("weight", &[output, input, kernel, kernel], uniform)?,
            bias: if shape.bias {
                Some(at.f_var("bias", &[output], uniform)?)
            } else {
                None
            },
            stride: shape.stride,
            padding: shape.padding,
            groups: shape.groups,
        })
    }

    /// Weights normal with variance 2/(fan out), no bias: He et al. 2015, for convolutions before a norm and ReLU.
    pub fn before_norm(at: &Path<'_>, shape: &ConvShape) -> Result<Self, TchError> {
        let (output, kernel, input) = (shape.output, shape.kernel, shape.inputs_each());
        let stdev = (2.0 / (output / shape.groups * kernel * kernel) as f64).sqrt();
        let normal = Init::Randn { mean: 0.0, stdev };
        Ok(Self {
            weight: at.f_var("weight", &[output, input, kernel, kernel], normal)?,
            bias: None,
            stride: shape.stride,
            padding: shape.padding,
            groups: shape.groups,
        })
    }

    /// Computes in `precision`, which is also what it returns.
    pub fn forward(&self, x: &Tensor, precision: Precision) -> Result<Tensor, TchError> {
        let kind = precision.kind();
        let bias = match &self.bias {
            Some(bias) => Some(bias.f_to_kind(kind)?),
            None => None,
        };
        self.convolve(x, &self.weight.f_to_kind(kind)?, bias.as_ref())
    }

    /// The convolution with this weight and bias, in the weight's type.
    fn convolve(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
    ) -> Result<Tensor, TchError> {
        let x = x.f_to_kind(weight.kind())?;
        let Padding { begin, end } = self.padding;
        // libtorch pads both sides alike.
        let x = if begin == end {
            x
        } else {
            x.f_constant_pad_nd([begin, end, begin, end])?
        };
        let padding = if begin == end { begin } else { 0 };
        x.f_conv2d(
            weight,
            bias,
            [self.stride; 2],
            [padding; 2],
            [1, 1],
            self.groups,
        )
    }
}

impl Conv {
    /// Sets every bias, before training.
    pub fn set_bias(&self, value: f64) -> Result<(), TchError> {
        fill(self.bias.as_ref(), value)
    }

    /// max-pool 2×2 of ReLU of the convolution, in one pass over memory; for a 3×3 kernel with a bias. Computes in the precision of `x`.
    pub fn relu_pool(&self, x: &Tensor, pooled: Pooled) -> Result<Tensor, TchError> {
        let Some(bias) = &self.bias else {
            return Err(TchError::Shape("relu_pool needs a bias".to_owned()));
        };
        Ok(conv_relu_pool(x, &self.weight, bias, pooled)?)
    }
}

/// Sets all of a weight, behind every handle to it.
fn fill(weight: Option<&Tensor>, value: f64) -> Result<(), TchError> {
    match weight {
        None => Ok(()),
        Some(weight) => tch::no_grad(|| weight.shallow_clone().f_fill_(value).map(|_| ())),
    }
}

/// Batch normalisation over N, H, W (Ioffe & Szegedy 2015).
pub(super) struct BatchNorm {
    weight: Tensor,
    bias: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    rule: NormRule,
}

/// How a norm computes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct NormRule {
    /// Added to the variance.
    pub eps: f64,
    /// Share of a batch's statistics in the running ones.
    pub momentum: f64,
}

impl NormRule {
    /// PyTorch's.
    pub const TORCH: Self = Self {
        eps: 1e-5,
        momentum: 0.1,
    };
}

impl BatchNorm {
    /// Begins as the plain normalisation: gain 1, bias 0.
    pub fn new(at: &Path<'_>, channels: i64, rule: NormRule) -> Result<Self, TchError> {
        Ok(Self {
            weight: at.f_ones("weight", &[channels])?,
            bias: at.f_zeros("bias", &[channels])?,
            running_mean: at.f_zeros_no_train("running_mean", &[channels])?,
            running_var: at.f_ones_no_train("running_var", &[channels])?,
            rule,
        })
    }

    /// Keeps the type of `x`; statistics and gain are f32 throughout.
    pub fn forward(&self, x: &Tensor, train: bool) -> Result<Tensor, TchError> {
        x.f_batch_norm(
            Some(&self.weight),
            Some(&self.bias),
            Some(&self.running_mean),
            Some(&self.running_var),
            train,
            self.rule.momentum,
            self.rule.eps,
            true,
        )
    }
}

/// A convolution and the norm after it; once frozen, one convolution.
pub(super) struct ConvNorm {
    conv: Conv,
    norm: BatchNorm,
    /// Weight and bias of both together, in the precision they were frozen for.
    folded: Option<(Tensor, Tensor)>,
}

impl ConvNorm {
    /// The convolution's and the norm's names are `conv` and `norm` below `at`.
    pub fn new(
        at: &Path<'_>,
        (conv, norm): (&str, &str),
        shape: &ConvShape,
    ) -> Result<Self, TchError> {
        Self::with_rule(at, (conv, norm), shape, NormRule::TORCH)
    }

    /// The same with a norm of another rule.
    pub fn with_rule(
        at: &Path<'_>,
        (conv, norm): (&str, &str),
        shape: &ConvShape,
        rule: NormRule,
    ) -> Result<Self, TchError> {
        Ok(Self {
            conv: Conv::before_norm(&(at / conv), shape)?,
            norm: BatchNorm::new(&(at / norm), shape.output, rule)?,
            folded: None,
        })
    }

    /// Sets the norm's gain, before training.
    pub fn set_gain(&self, gain: f64) -> Result<(), TchError> {
        fill(Some(&self.norm.weight), gain)
    }

    /// Computes in the mode's precision, which is also what it returns.
    pub fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        match &self.folded {
            Some((weight, bias)) if !mode.train && weight.kind() == mode.precision.kind() => {
                self.conv.convolve(x, weight, Some(bias))
            }
            _ => {
                let x = self.conv.forward(x, mode.precision)?;
                self.norm.forward(&x, mode.train)
            }
        }
    }

    /// Puts the norm, with the statistics it has now, into the convolution's weights.
    pub fn freeze(&mut self, compute: Compute) -> Result<(), TchError> {
        let kind = compute.precision.kind();
        let norm = &self.norm;
        let root = norm
            .running_var
            .f_add_scalar(self.norm.rule.eps)?
            .f_sqrt()?;
        let gain = norm.weight.f_detach()?.f_div(&root)?;
        let shift = norm.running_mean.f_mul(&gain)?;
        let bias = norm.bias.f_detach()?.f_sub(&shift)?;
        let weight = self.conv.weight.f_detach()?;
        let weight = weight
            .f_mul(&gain.f_view([-1, 1, 1, 1])?)?
            .f_to_kind(kind)?;
        let weight = compute.memory_format.apply(&weight)?;
        self.folded = Some((weight, bias.f_to_kind(kind)?));
        Ok(())
    }
}

/// A fully connected layer.
pub(super) struct Linear {
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    /// Weights uniform in ±1/√inputs, as `torch.nn.Linear`.
    pub fn new(at: &Path<'_>, inputs: i64, outputs: i64) -> Result<Self, TchError> {
        let bound = 1.0 / (inputs as f64).sqrt();
        let uniform = Init::Uniform {
            lo: -bound,
            up: bound,
        };
        Ok(Self {
            weight: at.f_var("weight", &[outputs, inputs], uniform)?,
            bias: at.f_var("bias", &[outputs], uniform)?,
        })
    }

    /// Computes in `precision`, which is also what it returns.
    pub fn forward(&self, x: &Tensor, precision: Precision) -> Result<Tensor, TchError> {
        let kind = precision.kind();
        let bias = self.bias.f_to_kind(kind)?;
        x.f_to_kind(kind)?
            .f_linear(&self.weight.f_to_kind(kind)?, Some(&bias))
    }
}
