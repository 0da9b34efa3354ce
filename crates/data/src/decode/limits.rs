//! What an image may cost, checked before it is paid.

use crate::DecodeError;

/// What an image may cost, checked from the header before anything is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Width × height at most, in pixels. Default: 100 megapixels.
    pub max_pixels: u64,
    /// Bytes that reading an image may hold at once: the file, what its decoder keeps, and what comes of it. By its header, and so an estimate,
    /// which is above what is held in truth (`tests/memory.rs`). Default: no bound.
    pub max_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_pixels: 100_000_000,
            max_bytes: u64::MAX,
        }
    }
}

/// The longest side of an image in pixels: the longest that JPEG and DICOM can state. What is resized holds the new width times the old height
/// on its way, so that a line of 100 megapixels would cost gigabytes.
const LONGEST: u32 = 65_535;

/// What any decoder takes besides its pixels: tables, rows, colours of the image. [`Limits::afford`] says it.
const FIXED: u64 = 1 << 20;

impl Limits {
    /// Refuses an image by the size its header states.
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
        if width.max(height) > LONGEST {
            return Err(DecodeError::TooLong {
                width,
                height,
                limit: LONGEST,
            });
        }
        Ok(())
    }

    /// Refuses what would take so many bytes at once, besides the mebibyte that every decoder takes for its tables and rows.
    ///
    /// # Errors
    /// [`DecodeError::TooMuchMemory`] above [`Limits::max_bytes`].
    pub fn afford(&self, bytes: u64) -> Result<(), DecodeError> {
        let needed = bytes.saturating_add(FIXED);
        if needed > self.max_bytes {
            return Err(DecodeError::TooMuchMemory {
                needed: needed.div_ceil(1 << 20),
                limit: self.max_bytes >> 20,
            });
        }
        Ok(())
    }
}
