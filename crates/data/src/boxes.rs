//! Where on an image a finding is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::RowError;

/// A rectangle by its centre and size, relative to the image's width and height, all within 0..=1.
///
/// As text: the four numbers with spaces between them; several boxes in one cell of a table are separated by `;`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RelativeBox {
    /// Centre from the left, in widths.
    pub cx: f32,
    /// Centre from the top, in heights.
    pub cy: f32,
    /// Width, in widths.
    pub w: f32,
    /// Height, in heights.
    pub h: f32,
}

impl RelativeBox {
    /// The box from left, top to right, bottom, cut at the image's edges; `None` if nothing of it is on the image.
    #[must_use]
    pub fn from_corners(left: f64, top: f64, right: f64, bottom: f64) -> Option<Self> {
        let cut = |v: f64| v.clamp(0.0, 1.0);
        let (left, top, right, bottom) = (cut(left), cut(top), cut(right), cut(bottom));
        // A NaN fails both.
        (right > left && bottom > top).then(|| Self {
            cx: f64::midpoint(left, right) as f32,
            cy: f64::midpoint(top, bottom) as f32,
            w: (right - left) as f32,
            h: (bottom - top) as f32,
        })
    }

    /// A box from four numbers; `None` unless its centre is on the image and its size within 0..=1 and not 0.
    #[must_use]
    pub fn new(cx: f32, cy: f32, w: f32, h: f32) -> Option<Self> {
        let on_image = |v: f32| (0.0..=1.0).contains(&v);
        let fine = on_image(cx) && on_image(cy) && on_image(w) && on_image(h) && w > 0.0 && h > 0.0;
        fine.then_some(Self { cx, cy, w, h })
    }

    /// The boxes in one cell of a table: `cx cy w h;cx cy w h`, or nothing.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, RowError> {
        let boxes = text.split(';').map(str::trim).filter(|b| !b.is_empty());
        boxes.map(str::parse).collect()
    }

    /// What [`RelativeBox::parse_list`] reads.
    #[must_use]
    pub fn list_to_text(boxes: &[Self]) -> String {
        let texts: Vec<_> = boxes.iter().map(Self::to_string).collect();
        texts.join(";")
    }
}

impl fmt::Display for RelativeBox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.cx, self.cy, self.w, self.h)
    }
}

impl FromStr for RelativeBox {
    type Err = RowError;

    fn from_str(text: &str) -> Result<Self, RowError> {
        let numbers: Option<Vec<f32>> = text.split_whitespace().map(|n| n.parse().ok()).collect();
        match numbers.as_deref() {
            Some(&[cx, cy, w, h]) => Self::new(cx, cy, w, h),
            _ => None,
        }
        .ok_or_else(|| RowError::BadBox {
            value: text.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_holds_several_boxes() {
        let text = "0.7872 0.3804 0.0829 0.0411;0.3032 0.3722 0.0719 0.0427";
        let boxes = RelativeBox::parse_list(text).expect("parses");
        assert_eq!((boxes.len(), boxes[1].cy), (2, 0.3722));
        assert_eq!(RelativeBox::list_to_text(&boxes), text);
        assert!(RelativeBox::parse_list(" ").expect("none").is_empty());
        for bad in [
            "0.1 0.2 0.3",
            "0.1 0.2 0.3 x",
            "1.1 0.5 0.1 0.1",
            "0.5 0.5 0 0.1",
            "0.5 NaN 0.1 0.1",
        ] {
            assert!(RelativeBox::parse_list(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn corners_are_cut_at_the_edges() {
        let cut = RelativeBox::from_corners(-0.5, 0.25, 0.5, 0.75).expect("on the image");
        assert_eq!((cut.cx, cut.cy, cut.w, cut.h), (0.25, 0.5, 0.5, 0.5));
        assert!(RelativeBox::from_corners(1.2, 0.0, 1.4, 1.0).is_none());
        assert!(RelativeBox::from_corners(0.5, f64::NAN, 0.6, 1.0).is_none());
    }
}
