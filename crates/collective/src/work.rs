//! An operation under way.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use tch::Tensor;

use crate::CollectiveError;
use crate::ffi::{self, Progress};
use crate::group::Shared;

/// An operation's name and its number in this process, from 1: the same on all ranks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) number: u64,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (operation {})", self.name, self.number)
    }
}

/// An operation under way on a tensor. Dropped without waiting it still runs to its end.
#[must_use = "the sum is there after `wait`"]
pub struct Work {
    shared: Arc<Shared>,
    operation: Operation,
    handle: ffi::Work,
    tensor: Tensor,
}

impl Work {
    pub(crate) fn new(
        shared: Arc<Shared>,
        operation: Operation,
        handle: ffi::Work,
        tensor: Tensor,
    ) -> Self {
        Self {
            shared,
            operation,
            handle,
            tensor,
        }
    }

    /// Waits for the end and gives the tensor with the result.
    ///
    /// # Errors
    /// [`CollectiveError::Dead`], [`Left`](CollectiveError::Left), [`Late`](CollectiveError::Late),
    /// [`LauncherGone`](CollectiveError::LauncherGone) or [`Failed`](CollectiveError::Failed): see [`Group`](crate::Group) for when.
    pub fn wait(self) -> Result<Tensor, CollectiveError> {
        let Self {
            shared,
            operation,
            handle,
            tensor,
        } = self;
        let since = Instant::now();
        let timeout = shared.timeout();
        // gloo's own clock may be a beat ahead of this one, since it began with the operation.
        let beat = shared.heartbeat.timing().beat;
        let late = || {
            if since.elapsed() + beat * 2 >= timeout {
                shared.heartbeat.behind(operation.number)
            } else {
                Vec::new()
            }
        };
        let error = loop {
            let left = timeout.saturating_sub(since.elapsed());
            match shared.progress(&handle, left) {
                Progress::Done => {
                    shared.heartbeat.watch(false);
                    return Ok(tensor);
                }
                Progress::Failed(message) => {
                    break shared.failure(&operation, message, late());
                }
                Progress::Pending => {
                    // Longer than a beat: see who is alive.
                    shared.heartbeat.watch(true);
                    if let Some(finding) = shared.heartbeat.finding(operation.number) {
                        break shared.judge(&operation, Some(finding), |operation| {
                            CollectiveError::Failed {
                                operation,
                                message: String::new(),
                            }
                        });
                    }
                    if left.is_zero() {
                        let message = format!("not done after {} s", timeout.as_secs_f64());
                        break shared.failure(&operation, message, late());
                    }
                }
            }
        };
        // libtorch may still write to the tensor, so it is not given back; it has a reference of its own.
        drop(handle);
        Err(error)
    }
}
