//! One drawn set of changes, as geometry and tone.

/// One drawn set of changes to one image.
///
/// Order: mirror, shear, zoom, rotation and shift in one bilinear warp about the centre; erasing; gamma, brightness, contrast; noise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Transform {
    /// Mirrored left to right.
    pub flip: bool,
    /// Radians, counter-clockwise positive in image axes (y down).
    pub rotate: f32,
    /// Fractions of the side, right and down.
    pub shift: (f32, f32),
    /// Factor on lengths, at least 0.1.
    pub zoom: f32,
    /// Radians.
    pub shear: f32,
    /// Factor on gray levels.
    pub brightness: f32,
    /// Factor on the distance from the mean.
    pub contrast: f32,
    /// Exponent on gray levels in 0..=1; 1: none.
    pub gamma: f32,
    /// Standard deviation of Gaussian noise, in gray levels of 255; 0: none.
    pub noise: f32,
    /// What the noise is drawn from.
    pub noise_seed: u64,
    /// A rectangle that takes the image's mean gray.
    pub erase: Option<Patch>,
}

/// A rectangle in fractions of width and height, inside the image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Patch {
    /// Left edge.
    pub x: f32,
    /// Upper edge.
    pub y: f32,
    /// Width.
    pub w: f32,
    /// Height.
    pub h: f32,
}

impl Transform {
    /// What leaves an image as it is.
    pub const NONE: Self = Self {
        flip: false,
        rotate: 0.0,
        shift: (0.0, 0.0),
        zoom: 1.0,
        shear: 0.0,
        brightness: 1.0,
        contrast: 1.0,
        gamma: 1.0,
        noise: 0.0,
        noise_seed: 0,
        erase: None,
    };

    /// Whether the pixels keep their places.
    #[must_use]
    #[expect(clippy::float_cmp, reason = "a range of 0 draws exactly 0 or 1")]
    pub fn moves_nothing(&self) -> bool {
        !self.flip
            && self.rotate == 0.0
            && self.shift == (0.0, 0.0)
            && self.zoom == 1.0
            && self.shear == 0.0
    }

    /// The 2×3 matrix, row by row, that takes a pixel of a `from`-sized image to its place in a `to`-sized one (width, height): the
    /// centres fall together but for the shift, and lengths change by `zoom` alone, so a smaller `to` is a crop of the middle.
    pub(super) fn forward(&self, from: (u32, u32), to: (u32, u32)) -> [f64; 6] {
        let centre = |(w, h): (u32, u32)| ((f64::from(w) - 1.0) / 2.0, (f64::from(h) - 1.0) / 2.0);
        let (from_x, from_y) = centre(from);
        let (to_x, to_y) = centre(to);
        let mirror = if self.flip { -1.0 } else { 1.0 };
        let (sin, cos) = f64::from(self.rotate).sin_cos();
        let d = f64::from(self.zoom);
        let (a, b) = (d * mirror, d * f64::from(self.shear).tan());
        // Rotation · [a b; 0 d].
        let (m00, m01, m10, m11) = (cos * a, cos * b - sin * d, sin * a, sin * b + cos * d);
        let shift_x = f64::from(self.shift.0) * f64::from(to.0);
        let shift_y = f64::from(self.shift.1) * f64::from(to.1);
        [
            m00,
            m01,
            to_x + shift_x - (m00 * from_x + m01 * from_y),
            m10,
            m11,
            to_y + shift_y - (m10 * from_x + m11 * from_y),
        ]
    }

    /// The 2×3 matrix `[a, b, c, d, e, f]` that takes pixel (x, y) of a `to`-sized result (width, height) to its place
    /// (a·x + b·y + c, d·x + e·y + f) in a `from`-sized image. Whole numbers are the middles of pixels.
    #[must_use]
    pub fn backward(&self, from: (u32, u32), to: (u32, u32)) -> [f64; 6] {
        let [a, b, c, d, e, f] = self.forward(from, to);
        // Invariant: the determinant is ±zoom², and zoom is at least 0.1.
        let det = a * e - b * d;
        let (ia, ib, id, ie) = (e / det, -b / det, -d / det, a / det);
        [ia, ib, -(ia * c + ib * f), id, ie, -(id * c + ie * f)]
    }

    /// The erased rectangle of an image of this size, as [`Patch::pixels`].
    #[must_use]
    pub fn erased(&self, size: (u32, u32)) -> Option<(usize, usize, usize, usize)> {
        Some(self.erase?.pixels(size))
    }
}

impl Patch {
    /// In pixels of an image of this size (width, height): (left, top, right, bottom), right and bottom exclusive.
    #[must_use]
    pub fn pixels(&self, (w, h): (u32, u32)) -> (usize, usize, usize, usize) {
        let place = |part: f32, side: u32| {
            ((part * side as f32).round().max(0.0) as usize).min(side as usize)
        };
        (
            place(self.x, w),
            place(self.y, h),
            place(self.x + self.w, w),
            place(self.y + self.h, h),
        )
    }
}
