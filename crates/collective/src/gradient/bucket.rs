//! A few gradients in one piece of memory.

use tch::{Device, Kind, Tensor};

use crate::CollectiveError;
use crate::work::Work;

/// One gradient's place in a bucket.
struct Slot {
    /// The parameter's index.
    index: usize,
    /// Its part of the bucket, shaped and laid out in memory like the parameter.
    view: Tensor,
    filled: bool,
}

pub(super) struct Bucket {
    flat: Tensor,
    slots: Vec<Slot>,
    unfilled: usize,
    pub(super) work: Option<Work>,
}

impl Bucket {
    /// Room for the parameters of these indices, which are of one kind.
    pub(super) fn new(
        indices: &[usize],
        parameters: &[&Tensor],
        kind: Kind,
        device: Device,
    ) -> Result<Self, CollectiveError> {
        let numel: usize = indices.iter().map(|&index| parameters[index].numel()).sum();
        let flat = Tensor::f_zeros([numel as i64], (kind, device))?;
        let mut start = 0;
        let mut slots = Vec::with_capacity(indices.len());
        for &index in indices {
            let parameter = parameters[index];
            let size = parameter.size();
            let strides = dense_strides(&size, &parameter.stride());
            slots.push(Slot {
                index,
                view: flat.f_as_strided(size, strides, start)?,
                filled: false,
            });
            start += parameter.numel() as i64;
        }
        Ok(Self {
            flat,
            unfilled: slots.len(),
            slots,
            work: None,
        })
    }

    pub(super) fn is_full(&self) -> bool {
        self.unfilled == 0
    }

    pub(super) fn flat(&self) -> Tensor {
        self.flat.shallow_clone()
    }

    /// Indices of the parameters whose gradient is not in yet.
    pub(super) fn unfilled(&self) -> Vec<usize> {
        let slots = self.slots.iter().filter(|slot| !slot.filled);
        slots.map(|slot| slot.index).collect()
    }

    /// Copies a gradient in. `Err` says what is wrong with it.
    pub(super) fn fill(
        &mut self,
        slot: usize,
        gradient: &Tensor,
    ) -> Result<Result<(), String>, CollectiveError> {
        let slot = &mut self.slots[slot];
        if slot.filled {
            return Ok(Err(
                "there was a second backward pass between arm and sync".to_owned()
            ));
        }
        if !gradient.defined() {
            return Ok(Err(
                "there is none; every parameter must take part in the loss on every rank"
                    .to_owned(),
            ));
        }
        let (size, expected) = (gradient.size(), slot.view.size());
        if size != expected {
            return Ok(Err(format!("its shape is {size:?}, not {expected:?}")));
        }
        slot.view.f_copy_(&gradient.f_detach()?)?;
        slot.filled = true;
        self.unfilled -= 1;
        Ok(Ok(()))
    }

    /// Takes the sum in, and writes it times `scale` to the gradients, given by the parameters' indices. The bucket is empty again.
    pub(super) fn empty(
        &mut self,
        gradients: &[Tensor],
        scale: f64,
    ) -> Result<(), CollectiveError> {
        if let Some(work) = self.work.take() {
            drop(work.wait()?); // the same memory as `flat`
        }
        // A gradient scaled by one keeps its bits without the pass over memory.
        if (scale - 1.0).abs() > 0.0 {
            let _ = self.flat.f_mul_scalar_(scale)?;
        }
        for slot in &self.slots {
            gradients[slot.index].f_detach()?.f_copy_(&slot.view)?;
        }
        self.reset();
        Ok(())
    }

    /// Forgets what is in.
    pub(super) fn reset(&mut self) {
        for slot in &mut self.slots {
            slot.filled = false;
        }
        self.unfilled = self.slots.len();
        self.work = None;
    }
}

/// A tensor's own strides where its elements fill their memory without gap or overlap (contiguous, channels last …), so that copies
/// between the two are plain; else those of a contiguous one.
pub(super) fn dense_strides(size: &[i64], stride: &[i64]) -> Vec<i64> {
    let mut order: Vec<usize> = (0..size.len()).filter(|&d| size[d] != 1).collect();
    order.sort_by_key(|&d| stride[d]);
    let mut expected = 1;
    let dense = order.iter().all(|&d| {
        let fits = stride[d] == expected;
        expected *= size[d];
        fits
    });
    if dense {
        return stride.to_vec();
    }
    let mut contiguous = vec![1; size.len()];
    for d in (1..size.len()).rev() {
        contiguous[d - 1] = contiguous[d] * size[d].max(1);
    }
    contiguous
}

#[cfg(test)]
mod tests {
    use super::dense_strides;

    #[test]
    fn a_dense_layout_is_kept() {
        assert_eq!(
            dense_strides(&[2, 3, 4, 5], &[60, 20, 5, 1]),
            [60, 20, 5, 1]
        );
        // channels last
        assert_eq!(
            dense_strides(&[2, 3, 4, 5], &[60, 1, 15, 3]),
            [60, 1, 15, 3]
        );
        assert_eq!(dense_strides(&[], &[]), Vec::<i64>::new());
    }

    #[test]
    fn gaps_and_overlaps_are_not() {
        assert_eq!(dense_strides(&[2, 3], &[6, 2]), [3, 1]);
        assert_eq!(dense_strides(&[2, 3], &[0, 1]), [3, 1]);
    }
}
