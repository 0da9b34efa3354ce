//! Which instructions the processor has.

use std::sync::LazyLock;

/// The environment variable that makes [`Instructions::best`] pass for an older processor: `scalar`, `avx2` or `avx512`.
pub const MAX_CPU_ISA: &str = "OSTEON_MAX_CPU_ISA";

/// Instruction sets that the fused layers are written for, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Instructions {
    /// Any processor.
    Scalar,
    /// AVX2 with FMA.
    Avx2,
    /// AVX-512 with its byte and word parts.
    Avx512,
    /// The same with dot products of bfloat16.
    Avx512Bf16,
}

impl Instructions {
    /// The best that this processor has, or that [`MAX_CPU_ISA`] allows, which is read once.
    #[must_use]
    pub fn best() -> Self {
        static BEST: LazyLock<Instructions> = LazyLock::new(|| {
            let named = std::env::var(MAX_CPU_ISA).ok();
            let most = named.as_deref().and_then(Instructions::named);
            most.map_or(Instructions::found(), |most| {
                most.min(Instructions::found())
            })
        });
        *BEST
    }

    /// By its name in [`MAX_CPU_ISA`], in any case of letters.
    fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "scalar" => Some(Self::Scalar),
            "avx2" => Some(Self::Avx2),
            "avx512" => Some(Self::Avx512),
            "avx512bf16" => Some(Self::Avx512Bf16),
            _ => None,
        }
    }

    fn found() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl");
            if avx512 && is_x86_feature_detected!("avx512bf16") {
                return Self::Avx512Bf16;
            }
            if avx512 {
                return Self::Avx512;
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                return Self::Avx2;
            }
        }
        Self::Scalar
    }

    /// This, or the best there is where the processor lacks it.
    #[must_use]
    pub fn at_most(self) -> Self {
        self.min(Self::best())
    }
}

/// Whether the processor multiplies bfloat16 by instructions of its own. Where it does not, libtorch widens each number first, and 16 bits
/// are several times slower than 32.
#[must_use]
pub fn has_bf16() -> bool {
    #[cfg(target_arch = "aarch64")]
    {
        std::arch::is_aarch64_feature_detected!("bf16")
    }
    #[cfg(not(target_arch = "aarch64"))]
    {
        Instructions::best() == Instructions::Avx512Bf16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_instruction_sets() {
        assert_eq!(Instructions::named("AVX2"), Some(Instructions::Avx2));
        assert_eq!(Instructions::named("scalar"), Some(Instructions::Scalar));
        assert_eq!(Instructions::named("avx3"), None);
    }
}
