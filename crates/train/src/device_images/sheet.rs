//! All numbers that a batch is made by, in one piece of memory: one copy to the device instead of one for each.

use tch::{Device, TchError, Tensor};

use super::transfer;

/// Numbers on the host, part after part.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    values: Vec<f32>,
}

/// Where a part lies in a sheet, and its shape.
#[derive(Debug, Clone)]
pub(super) struct Part {
    start: i64,
    shape: Vec<i64>,
}

/// A sheet on the device.
pub(super) struct Sent(Tensor);

impl Sheet {
    /// Adds a part; as many values as the shape has places.
    pub fn put<const D: usize>(
        &mut self,
        shape: [i64; D],
        values: impl IntoIterator<Item = f32>,
    ) -> Part {
        let start = self.values.len() as i64;
        self.values.extend(values);
        Part {
            start,
            shape: shape.to_vec(),
        }
    }

    pub fn send(self, device: Device) -> Result<Sent, TchError> {
        Ok(Sent(transfer::send(&self.values, device)?))
    }
}

impl Sent {
    /// A part as a tensor: a view.
    pub fn take(&self, part: &Part) -> Result<Tensor, TchError> {
        let length = part.shape.iter().product();
        self.0
            .f_narrow(0, part.start, length)?
            .f_reshape(&part.shape[..])
    }
}
