//! The gradients' sum over all ranks, in buckets.

mod bucket;
mod plan;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tch::{Kind, Tensor};

use self::bucket::{Bucket, dense_strides};
pub use self::plan::Buckets;
use crate::ffi::{GradHooks, OnGradient};
use crate::group::Shared;
use crate::{CollectiveError, Group};

/// Sums gradients over all ranks, in buckets, in an order that depends on the parameters alone: the same bits on every rank and in every run
/// of as many processes.
///
/// With [`GradientSync::overlap`] and [`GradientSync::arm`] a bucket's sum starts during backward, as soon as its gradients are there
/// (PyTorch's own engine does the same, but regroups its buckets after the first step, which a resumed run could not repeat bit by bit).
/// Without them the sums start in [`GradientSync::sync`], where copying the next bucket in overlaps the sum of the last.
///
/// ```no_run
/// # fn step(group: &osteon_collective::Group, parameters: &[(String, tch::Tensor)], loss: &tch::Tensor) -> Result<(), osteon_collective::CollectiveError> {
/// use osteon_collective::{Buckets, GradientSync};
///
/// let named: Vec<_> = parameters.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
/// let mut sync = GradientSync::new(group, &named, Buckets::default())?;
/// sync.overlap()?; // once
/// // every step, before the backward of its last micro-batch:
/// sync.arm();
/// loss.backward();
/// let gradients: Vec<_> = parameters.iter().map(|(_, tensor)| tensor.grad()).collect();
/// sync.sync(&gradients, 1.0 / group.world_size() as f64, &[])?;
/// # Ok(())
/// # }
/// ```
pub struct GradientSync {
    engine: Arc<Engine>,
    /// References to the parameters, for the hooks.
    parameters: Vec<Tensor>,
    hooks: Option<GradHooks>,
}

impl GradientSync {
    /// Plans the buckets for these parameters, in order of their creation, and asks all ranks whether they plan the same. Only names,
    /// shapes, types and layout in memory are looked at.
    ///
    /// # Errors
    /// [`CollectiveError::Unequal`] where a rank has other parameters; those of an operation.
    pub fn new(
        group: &Group,
        parameters: &[(&str, &Tensor)],
        buckets: Buckets,
    ) -> Result<Self, CollectiveError> {
        let tensors: Vec<&Tensor> = parameters.iter().map(|(_, tensor)| *tensor).collect();
        let mut items = Vec::with_capacity(parameters.len());
        let mut layout = vec![format!("{buckets:?}")];
        for (name, tensor) in parameters {
            let kind = tensor.f_kind()?;
            items.push((kind, tensor.numel() * kind.elt_size_in_bytes()));
            let (size, stride) = (tensor.size(), tensor.stride());
            let stride = dense_strides(&size, &stride);
            layout.push(format!("{name} {kind:?} {size:?} {stride:?}"));
        }
        group.assert_equal_bytes("the layout of the gradients", layout.join("\n").as_bytes())?;

        let plan = buckets.plan(&items);
        let mut places = vec![(0, 0); parameters.len()];
        let mut made = Vec::with_capacity(plan.len());
        for (bucket, indices) in plan.iter().enumerate() {
            for (slot, &index) in indices.iter().enumerate() {
                places[index] = (bucket, slot);
            }
            // Invariant: no bucket of a plan is empty.
            let first = indices[0];
            let (kind, device) = (items[first].0, tensors[first].device());
            made.push(Bucket::new(indices, &tensors, kind, device)?);
        }
        Ok(Self {
            engine: Arc::new(Engine {
                shared: Arc::clone(group.shared()),
                names: parameters
                    .iter()
                    .map(|(name, _)| (*name).to_owned())
                    .collect(),
                places,
                bytes: items.iter().map(|(_, bytes)| bytes).sum(),
                state: Mutex::new(State {
                    buckets: made,
                    next: 0,
                    armed: false,
                    error: None,
                }),
            }),
            parameters: tensors
                .iter()
                .map(|tensor| tensor.shallow_clone())
                .collect(),
            hooks: None,
        })
    }

    /// Bytes summed a step, the extras apart.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.engine.bytes
    }

    /// How many buckets there are.
    #[must_use]
    pub fn buckets(&self) -> usize {
        self.engine.state().buckets.len()
    }

    /// Hooks into backward: from now on, in a pass after [`GradientSync::arm`], each parameter's gradient is copied into its bucket as soon as
    /// it is made, and full buckets are sent on their way. Until this is dropped; a parameter has one such hook at most.
    ///
    /// # Errors
    /// [`CollectiveError::Gradient`] for a parameter that is no leaf or needs no gradient.
    pub fn overlap(&mut self) -> Result<(), CollectiveError> {
        let leaves: Vec<&Tensor> = self.parameters.iter().collect();
        if let Some(index) = leaves
            .iter()
            .position(|leaf| !leaf.requires_grad() || !leaf.is_leaf())
        {
            return Err(CollectiveError::Gradient {
                name: self.engine.names[index].clone(),
                problem: "the parameter is no leaf that requires one".to_owned(),
            });
        }
        let target: Arc<dyn OnGradient> = Arc::clone(&self.engine) as _;
        let hooked = GradHooks::new(&leaves, &target);
        self.hooks = Some(hooked.map_err(|problem| CollectiveError::Gradient {
            name: "every parameter".to_owned(),
            problem,
        })?);
        Ok(())
    }

    /// Says that the next backward pass is the step's last one: its gradients are complete. Without [`GradientSync::overlap`] it does nothing.
    pub fn arm(&mut self) {
        self.engine.state().armed = self.hooks.is_some();
    }

    /// Sums the gradients over all ranks and multiplies them by `scale`, in place: 1 ÷ world size for the mean of the ranks' means.
    ///
    /// `gradients` come in the order of the parameters. `extras` ride along: small tensors of any type and length (the same on all ranks),
    /// summed in double precision, in place, without the scale: sums of losses, counts, running statistics.
    ///
    /// # Errors
    /// [`CollectiveError::Gradient`] names the parameter whose gradient is missing or of another shape; those of an operation.
    pub fn sync(
        &mut self,
        gradients: &[Tensor],
        scale: f64,
        extras: &[Tensor],
    ) -> Result<(), CollectiveError> {
        let mut state = self.engine.state();
        state.armed = false;
        let done = self.engine.sync(&mut state, gradients, scale, extras);
        if done.is_err() {
            state.next = 0;
            state.buckets.iter_mut().for_each(Bucket::reset);
        }
        done
    }
}

impl Drop for GradientSync {
    fn drop(&mut self) {
        // Before the engine: no hook may outlive what it was put up for.
        self.hooks = None;
    }
}

struct State {
    buckets: Vec<Bucket>,
    /// The first bucket that is not on its way: they start in order, whatever order the gradients come in.
    next: usize,
    armed: bool,
    /// What went wrong during backward.
    error: Option<CollectiveError>,
}

struct Engine {
    shared: Arc<Shared>,
    names: Vec<String>,
    /// Of each parameter: its bucket, and its place in it.
    places: Vec<(usize, usize)>,
    bytes: usize,
    state: Mutex<State>,
}

impl OnGradient for Engine {
    fn on_gradient(&self, index: usize, gradient: &Tensor) {
        let mut state = self.state();
        if !state.armed || state.error.is_some() {
            return;
        }
        if let Err(error) = self.take(&mut state, index, gradient) {
            state.error = Some(error);
        }
    }
}

impl Engine {
    fn state(&self) -> MutexGuard<'_, State> {
        // A panic in between is caught at the hook's border; `sync` then finds the bucket unfilled and fills it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Copies a gradient into its bucket and starts the buckets whose turn it is.
    fn take(
        &self,
        state: &mut State,
        index: usize,
        gradient: &Tensor,
    ) -> Result<(), CollectiveError> {
        let (bucket, slot) = self.places[index];
        if let Err(problem) = state.buckets[bucket].fill(slot, gradient)? {
            let name = self.names[index].clone();
            return Err(CollectiveError::Gradient { name, problem });
        }
        while let Some(bucket) = state.buckets.get_mut(state.next)
            && bucket.is_full()
        {
            bucket.work = Some(Shared::all_reduce(&self.shared, bucket.flat())?);
            state.next += 1;
        }
        Ok(())
    }

    fn sync(
        &self,
        state: &mut State,
        gradients: &[Tensor],
        scale: f64,
        extras: &[Tensor],
    ) -> Result<(), CollectiveError> {
        if let Some(error) = state.error.take() {
            return Err(error);
        }
        if gradients.len() != self.names.len() {
            return Err(CollectiveError::Gradient {
                name: "all".to_owned(),
                problem: format!(
                    "{} were given for {} parameters",
                    gradients.len(),
                    self.names.len()
                ),
            });
        }
        for bucket in 0..state.buckets.len() {
            for index in state.buckets[bucket].unfilled() {
                self.take(state, index, &gradients[index])?;
            }
        }
        let riding = self.start_extras(extras)?;
        for bucket in &mut state.buckets {
            bucket.empty(gradients, scale)?;
        }
        state.next = 0;
        if let Some(work) = riding {
            let sums = work.wait()?;
            let mut start = 0;
            for extra in extras {
                let length = extra.numel() as i64;
                let sum = sums.f_narrow(0, start, length)?.f_view_(extra.size())?;
                extra.f_detach()?.f_copy_(&sum)?;
                start += length;
            }
        }
        Ok(())
    }

    fn start_extras(&self, extras: &[Tensor]) -> Result<Option<crate::Work>, CollectiveError> {
        if extras.is_empty() {
            return Ok(None);
        }
        let mut parts = Vec::with_capacity(extras.len());
        for extra in extras {
            parts.push(extra.f_detach()?.f_to_kind(Kind::Double)?.f_reshape([-1])?);
        }
        Shared::all_reduce(&self.shared, Tensor::f_cat(&parts, 0)?).map(Some)
    }
}
