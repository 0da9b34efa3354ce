//! Section `compute`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Section `compute`: how the machine is used. What is `auto` (or 0 threads, `train.threads` too) is decided by `plan`, and a run's `config.toml` holds what
/// was decided, so that going on computes the same.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ComputeConfig {
    /// How what is `auto` is decided.
    pub plan: PlanRule,
    /// Numbers that convolutions are computed in; weights, norms and loss stay in 32 bits.
    pub precision: PrecisionChoice,
    /// Order of the values in memory.
    pub memory_format: MemoryFormatChoice,
    /// Threads that make batches; 0: by plan.
    pub loader_threads: usize,
    /// Whether images stay in the device's memory, where they fit, and are augmented there.
    pub device_augment: DeviceAugment,
    /// Only algorithms that give the same bits each time. On the CPU all do; on CUDA it costs speed.
    pub deterministic: bool,
}

/// How the free choices of `compute` are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlanRule {
    /// By trial, once for a machine, a network and a batch: what was found is kept in the user's cache folder, so that the same run
    /// computes the same again.
    #[default]
    Auto,
    /// By trial, whatever was found before.
    Measure,
    /// Without trial: 32 bits, channels last, one thread a core.
    Fixed,
}

/// Whether images stay in the device's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeviceAugment {
    /// On CUDA they do.
    #[default]
    Auto,
    /// They do, on the CPU too, where it is slower.
    On,
    /// Threads make batches, which are copied.
    Off,
}

/// Numbers that convolutions are computed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PrecisionChoice {
    /// By plan.
    #[default]
    Auto,
    /// 32 bits.
    Fp32,
    /// bfloat16: the range of 32 bits, 8 bits of mantissa.
    Bf16,
    /// Half precision, with a loss scaler; CUDA only.
    Fp16,
}

/// Order of the values in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MemoryFormatChoice {
    /// By plan.
    #[default]
    Auto,
    /// N, C, H, W.
    Contiguous,
    /// N, H, W, C.
    ChannelsLast,
}
