//! An upright rectangle.

/// An upright rectangle, in pixels, cells or whatever else is said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rect {
    /// Left edge.
    pub left: f64,
    /// Upper edge.
    pub top: f64,
    /// Right edge.
    pub right: f64,
    /// Lower edge.
    pub bottom: f64,
}

impl Rect {
    /// Its area; 0 for one that is inside out.
    #[must_use]
    pub fn size(&self) -> f64 {
        (self.right - self.left).max(0.0) * (self.bottom - self.top).max(0.0)
    }

    /// Intersection over union, 0..=1; 0 where neither has any area.
    #[must_use]
    pub fn overlap(&self, other: &Self) -> f64 {
        let both = Self {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        }
        .size();
        let union = self.size() + other.size() - both;
        if union > 0.0 { both / union } else { 0.0 }
    }
}
