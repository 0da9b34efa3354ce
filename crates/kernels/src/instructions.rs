//! Which instructions the processor has.

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
    /// The best that this processor has.
    #[must_use]
    pub fn best() -> Self {
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
