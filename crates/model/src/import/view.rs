//! A tensor as a view on stored numbers.

use std::path::Path;
use std::rc::Rc;

use tch::{Kind, Tensor};

use crate::ModelError;
use crate::error::{ImportProblem, WeightProblem};
use crate::file::finite;

/// A tensor as a view on a storage of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    /// The storage's name.
    pub storage: Rc<str>,
    /// PyTorch's name of its element type, such as `Float`.
    pub element: Rc<str>,
    pub offset: usize,
    pub size: Vec<usize>,
    pub stride: Vec<usize>,
}

impl View {
    /// The type of the storage's numbers; `name` is the tensor's.
    pub fn kind(&self, path: &Path, name: &str) -> Result<Kind, ModelError> {
        match &*self.element {
            "Float" => Ok(Kind::Float),
            "Half" => Ok(Kind::Half),
            other => Err(ModelError::Weights {
                path: path.to_owned(),
                problem: WeightProblem::Dtype {
                    name: name.to_owned(),
                    found: other.to_owned(),
                    expected: "Float or Half",
                },
            }),
        }
    }

    /// The tensor of this name, as f32, out of its storage's bytes.
    pub fn tensor(&self, path: &Path, name: &str, numbers: &[u8]) -> Result<Tensor, ModelError> {
        let kind = self.kind(path, name)?;
        let count = numbers.len() / kind.elt_size_in_bytes();
        if !self.lies_within(count) {
            return Err(ModelError::Import {
                path: path.to_owned(),
                problem: ImportProblem::Beyond(name.to_owned()),
            });
        }
        let whole = |sizes: &[usize]| sizes.iter().map(|&n| n as i64).collect::<Vec<i64>>();
        let numbers = &numbers[..count * kind.elt_size_in_bytes()];
        let stored = Tensor::f_from_data_size(numbers, &[count as i64], kind)?;
        let view =
            stored.f_as_strided(whole(&self.size), whole(&self.stride), self.offset as i64)?;
        finite(path, name, view.f_to_kind(Kind::Float)?.f_contiguous()?)
    }

    /// Whether it reaches no further than its storage of so many numbers, and is no larger: one that repeats numbers could be of any size.
    fn lies_within(&self, stored: usize) -> bool {
        let reach = || {
            let (mut last, mut count) = (self.offset, 1_usize);
            for (&size, &stride) in self.size.iter().zip(&self.stride) {
                last = last.checked_add(size.saturating_sub(1).checked_mul(stride)?)?;
                count = count.checked_mul(size)?;
            }
            Some((last, count))
        };
        match reach() {
            _ if self.size.len() != self.stride.len() => false,
            Some((_, 0)) => true,
            Some((last, count)) => last < stored && count <= stored,
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(offset: usize, size: &[usize], stride: &[usize]) -> View {
        View {
            storage: "0".into(),
            element: "Float".into(),
            offset,
            size: size.to_vec(),
            stride: stride.to_vec(),
        }
    }

    #[test]
    fn views_stay_within_their_storage() {
        assert!(view(2, &[2, 2], &[2, 1]).lies_within(6));
        assert!(view(0, &[2, 3], &[1, 2]).lies_within(6), "transposed");
        assert!(view(0, &[], &[]).lies_within(1), "a scalar");
        assert!(!view(3, &[2, 2], &[2, 1]).lies_within(6));
        assert!(
            !view(0, &[1 << 40], &[0]).lies_within(6),
            "one number, repeated"
        );
        assert!(!view(usize::MAX, &[2], &[1]).lies_within(6));
        assert!(!view(0, &[2], &[]).lies_within(6));
    }
}
