//! A decoded image that is lent, and what it is wanted for.

use image::GrayImage;

use crate::{DecodeError, Fit};

/// An image's gray levels, row by row, lent from a [`DecodeScratch`](crate::DecodeScratch) or a [`GrayImage`].
///
/// A JPEG may have been decoded at M/8 of its size ([`Wanted`]); the view then knows how large the image was, so that a resize
/// lands on the very pixels that it would have from the full size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrayView<'a> {
    width: u32,
    height: u32,
    full: (u32, u32),
    eighths: u32,
    pixels: &'a [u8],
}

impl<'a> GrayView<'a> {
    /// A view of `width`×`height` levels; an error unless there are exactly that many.
    pub fn new(width: u32, height: u32, pixels: &'a [u8]) -> Result<Self, DecodeError> {
        Self::reduced((width, height), (width, height), 8, pixels)
    }

    /// An image that was fitted into a square.
    ///
    /// # Panics
    /// If `pixels` is not side×side long.
    pub(crate) fn fitted(pixels: &'a [u8], side: u32) -> Self {
        assert_eq!(pixels.len(), side as usize * side as usize);
        Self {
            width: side,
            height: side,
            full: (side, side),
            eighths: 8,
            pixels,
        }
    }

    /// A view of an image of `full` size that was decoded at `eighths`/8 of it.
    pub(crate) fn reduced(
        (width, height): (u32, u32),
        full: (u32, u32),
        eighths: u32,
        pixels: &'a [u8],
    ) -> Result<Self, DecodeError> {
        if u64::from(width) * u64::from(height) != pixels.len() as u64 {
            return Err(DecodeError::NoPixels { width, height });
        }
        Ok(Self {
            width,
            height,
            full,
            eighths,
            pixels,
        })
    }

    /// Pixels across.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Pixels down.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Width and height of the whole image, the right way up: more than [`GrayView::width`] and [`GrayView::height`] if it was
    /// decoded smaller.
    #[must_use]
    pub fn full_size(&self) -> (u32, u32) {
        self.full
    }

    /// The part of the view that the image fills, in pixels of the view: its last column and row may reach beyond the image's edge
    /// when it was decoded smaller.
    #[must_use]
    pub fn extent(&self) -> (f64, f64) {
        let scale = f64::from(self.eighths) / 8.0;
        (
            (f64::from(self.full.0) * scale).min(f64::from(self.width)),
            (f64::from(self.full.1) * scale).min(f64::from(self.height)),
        )
    }

    /// Gray levels, row by row.
    #[must_use]
    pub fn pixels(&self) -> &'a [u8] {
        self.pixels
    }

    /// A copy that owns its pixels.
    #[must_use]
    pub fn to_image(&self) -> GrayImage {
        // Invariant: the constructor made sure of the length, so nothing falls back to an empty image.
        GrayImage::from_raw(self.width, self.height, self.pixels.to_vec()).unwrap_or_default()
    }
}

impl<'a> From<&'a GrayImage> for GrayView<'a> {
    fn from(film: &'a GrayImage) -> Self {
        let (width, height) = film.dimensions();
        Self {
            width,
            height,
            full: (width, height),
            eighths: 8,
            // An image may own more than it shows.
            pixels: &film.as_raw()[..width as usize * height as usize],
        }
    }
}

/// What an image is decoded for: the box that it will be resized into, and how. A decoder that can decode at a fraction of the
/// size for less (JPEG) need not give more than this asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// How the image is fitted into them.
    pub fit: Fit,
}

/// An image from [`Decoder::decode_with`](crate::Decoder::decode_with).
#[derive(Debug, Clone, Copy)]
pub struct Decoded<'a> {
    /// The image.
    pub view: GrayView<'a>,
    /// Whether the file is damaged and only what decodes of it is shown ([`Decoder::repair`](crate::Decoder::repair)).
    pub repaired: bool,
}
