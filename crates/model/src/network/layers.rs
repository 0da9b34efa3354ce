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
    padding: i64,
}

/// Sizes of a convolution.
pub(super) struct ConvShape {
    pub input: i64,
    pub output: i64,
    pub kernel: i64,
    pub stride: i64,
    pub bias: bool,
}

impl Conv {
    /// Weights uniform in ±1/√(fan in), as `torch.nn.Conv2d`.
    pub fn new(at: &Path<'_>, shape: &ConvShape) -> Result<Self, TchError> {
        let &ConvShape {
            input,
            output,
            kernel,
            stride,
            bias,
        } = shape;
        let bound = 1.0 / ((input * kernel * kernel) as f64).sqrt();
        let uniform = Init::Uniform {
            lo: -bound,
            up: bound,
        };
        Ok(Self {
            weight: at.f_var("weight", &[output, input, kernel, kernel], uniform)?,
            bias: if bias {
                Some(at.f_var("bias", &[output], uniform)?)
            } else {
                None
            },
            stride,
            padding: kernel / 2,
        })
    }

    /// Weights normal with variance 2/(fan out), no bias: He et al. 2015, for convolutions before a norm and ReLU.
    pub fn before_norm(at: &Path<'_>, shape: &ConvShape) -> Result<Self, TchError> {
        let &ConvShape {
            input,
            output,
            kernel,
            stride,
            ..
        } = shape;
        let stdev = (2.0 / (output * kernel * kernel) as f64).sqrt();
        let normal = Init::Randn { mean: 0.0, stdev };
        Ok(Self {
            weight: at.f_var("weight", &[output, input, kernel, kernel], normal)?,
            bias: None,
            stride,
            padding: kernel / 2,
        })
    }

    /// Computes in `precision`, which is also what it returns.
    pub fn forward(&self, x: &Tensor, precision: Precision) -> Result<Tensor, TchError> {
        let kind = precision.kind();
        let (stride, padding) = ([self.stride; 2], [self.padding; 2]);
        let bias = match &self.bias {
            Some(bias) => Some(bias.f_to_kind(kind)?),
            None => None,
        };
        let weight = self.weight.f_to_kind(kind)?;
        x.f_to_kind(kind)?
            .f_conv2d(&weight, bias.as_ref(), stride, padding, [1, 1], 1)
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
}

impl BatchNorm {
    /// Added to the variance.
    const EPS: f64 = 1e-5;

    /// Begins as the plain normalisation: gain 1, bias 0.
    pub fn new(at: &Path<'_>, channels: i64) -> Result<Self, TchError> {
        Ok(Self {
            weight: at.f_ones("weight", &[channels])?,
            bias: at.f_zeros("bias", &[channels])?,
            running_mean: at.f_zeros_no_train("running_mean", &[channels])?,
            running_var: at.f_ones_no_train("running_var", &[channels])?,
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
            0.1,
            Self::EPS,
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
        Ok(Self {
            conv: Conv::before_norm(&(at / conv), shape)?,
            norm: BatchNorm::new(&(at / norm), shape.output)?,
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
                let (stride, padding) = ([self.conv.stride; 2], [self.conv.padding; 2]);
                x.f_to_kind(weight.kind())?
                    .f_conv2d(weight, Some(bias), stride, padding, [1, 1], 1)
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
        let root = norm.running_var.f_add_scalar(BatchNorm::EPS)?.f_sqrt()?;
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
