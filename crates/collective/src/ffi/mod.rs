//! libtorch's c10d behind safe types. The only unsafe code of the crate.

#[cfg(not(without_c10d))]
mod c10d;
#[cfg(not(without_c10d))]
pub(crate) use c10d::{Backend, GradHooks, Store, Work};

#[cfg(without_c10d)]
mod absent;
#[cfg(without_c10d)]
pub(crate) use absent::{Backend, GradHooks, Store, Work};

/// How far an operation is.
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(
    without_c10d,
    expect(dead_code, reason = "no operation ever starts there")
)]
pub(crate) enum Progress {
    Pending,
    Done,
    Failed(String),
}

/// Receives a parameter's gradient during backward, by the parameter's index.
#[cfg_attr(
    without_c10d,
    expect(dead_code, reason = "no hook is ever called there")
)]
pub(crate) trait OnGradient: Send + Sync {
    fn on_gradient(&self, index: usize, gradient: &tch::Tensor);
}
