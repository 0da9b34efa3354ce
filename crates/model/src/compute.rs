//! How a network computes: number format and memory layout. What is stored stays plain f32 in any case.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Kind, TchError, Tensor};

/// The number format of convolutions and linear layers. Weights, norms, loss and logits stay f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 32 bits throughout.
    #[default]
    Fp32,
    /// 16 bits with f32's range: needs no loss scaling.
    Bf16,
    /// 16 bits with a small range: training needs a loss scaler. For CUDA.
    Fp16,
}

/// The order of an image's numbers in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MemoryFormat {
    /// Channel by channel, N×C×H×W.
    #[default]
    Contiguous,
    /// Pixel by pixel, N×H×W×C: what oneDNN and cuDNN prefer, most of all at 16 bits.
    ChannelsLast,
}

/// How a network computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Compute {
    /// The number format.
    pub precision: Precision,
    /// The memory layout.
    pub memory_format: MemoryFormat,
}

/// What a forward pass is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode {
    /// Dropout and batch statistics are on.
    pub train: bool,
    /// Of convolutions and linear layers.
    pub precision: Precision,
}

impl Mode {
    /// Judging, at full precision.
    pub const EVAL: Self = Self {
        train: false,
        precision: Precision::Fp32,
    };
    /// Training, at full precision.
    pub const TRAIN: Self = Self {
        train: true,
        precision: Precision::Fp32,
    };
}

impl Compute {
    /// A training pass at this precision.
    #[must_use]
    pub fn training(self) -> Mode {
        Mode {
            train: true,
            precision: self.precision,
        }
    }

    /// A judging pass at this precision.
    #[must_use]
    pub fn judging(self) -> Mode {
        Mode {
            train: false,
            precision: self.precision,
        }
    }
}

impl Precision {
    /// Whether this processor has instructions for it. Without them libtorch widens each number first, which takes several times as long as
    /// 32 bits throughout.
    #[must_use]
    pub fn has_instructions(self) -> bool {
        match self {
            Self::Fp32 => true,
            Self::Bf16 => osteon_kernels::has_bf16(),
            Self::Fp16 => false,
        }
    }

    /// libtorch's name for it.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Self::Fp32 => Kind::Float,
            Self::Bf16 => Kind::BFloat16,
            Self::Fp16 => Kind::Half,
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fp32 => "fp32",
            Self::Bf16 => "bf16",
            Self::Fp16 => "fp16",
        })
    }
}

impl fmt::Display for MemoryFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Contiguous => "contiguous",
            Self::ChannelsLast => "channels_last",
        })
    }
}

impl MemoryFormat {
    /// The same N×C×H×W tensor in this order, copied where it is in another. One channel is in both orders at once: it gets the strides
    /// by which libtorch tells that it is channels-last, without a copy. Other than four dimensions stay as they are.
    pub fn apply(self, tensor: &Tensor) -> Result<Tensor, TchError> {
        let &[n, c, h, w] = tensor.size().as_slice() else {
            return Ok(tensor.shallow_clone());
        };
        match self {
            Self::Contiguous => tensor.f_contiguous(),
            Self::ChannelsLast if c == 1 => {
                let strides = [h * w, 1, w, 1];
                tensor
                    .f_contiguous()?
                    .f_as_strided([n, c, h, w], strides, None)
            }
            Self::ChannelsLast => tensor
                .f_permute([0, 2, 3, 1])?
                .f_contiguous()?
                .f_permute([0, 3, 1, 2]),
        }
    }
}
