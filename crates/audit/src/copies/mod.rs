//! Which images show the same picture: rotated, mirrored, resized, cropped at the rim or encoded anew.

mod cluster;
mod forest;
mod polar;
mod register;
mod thumb;

pub use cluster::{Clusters, Link, Matcher, Thresholds};
pub(crate) use polar::Window;
pub(crate) use register::Detail;
pub use thumb::Thumb;
