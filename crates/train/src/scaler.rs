//! The loss scaler of half precision (Micikevicius et al. 2018): gradients too small for 16 bits are lifted into their range.

use serde::{Deserialize, Serialize};

/// Where the scaler stands.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct ScalerState {
    /// What the loss is multiplied by, a power of two.
    pub scale: f32,
    /// Steps without an overflow since it last changed.
    pub good_steps: i32,
}
