//! Layers as PyTorch has them: same names, same initial distributions, errors instead of panics.

use osteon_kernels::{Pooled, conv_relu_pool};
use tch::nn::{Init, Path};
use tch::{TchError, Tensor};

use crate::Precision;

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
    /// max-pool 2×2 of ReLU of the convolution, in one pass over memory; for a 3×3 kernel with a bias. Computes in the precision of `x`.
    pub fn relu_pool(&self, x: &Tensor, pooled: Pooled) -> Result<Tensor, TchError> {
        let Some(bias) = &self.bias else {
            return Err(TchError::Shape("relu_pool needs a bias".to_owned()));
        };
        Ok(conv_relu_pool(x, &self.weight, bias, pooled)?)
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
            1e-5,
            true,
        )
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
