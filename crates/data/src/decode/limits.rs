//! What a film may cost, checked before it is paid.

use crate::DecodeError;

/// What a film may cost, checked from the header before anything is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Width × height at most, in pixels. Default: 100 megapixels.
    pub max_pixels: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_pixels: 100_000_000,
        }
    }
}

impl Limits {
    /// Refuses a film by the size its header states.
    pub fn check(&self, width: u32, height: u32) -> Result<(), DecodeError> {
        let (w, h) = (u64::from(width), u64::from(height));
        if w * h > self.max_pixels {
            return Err(DecodeError::TooLarge {
                width: w,
                height: h,
                limit: self.max_pixels / 1_000_000,
            });
        }
        if w * h == 0 {
            return Err(DecodeError::NoPixels { width, height });
        }
        Ok(())
    }
}
