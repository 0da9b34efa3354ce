//! From the host's memory to the device's.

use osteon_data::Batch;
use tch::{Device, Kind, TchError, Tensor};

/// A loader's batch as tensors on a device: N×1×H×W pixels and N targets. To CUDA by way of pinned memory, in copies that nothing
/// waits for: the next batch travels while the device computes. libtorch keeps the pinned memory until the copy has ended, so the
/// batch may be dropped at once. On other devices, a plain copy.
pub fn to_device(batch: &Batch, device: Device) -> Result<(Tensor, Tensor), TchError> {
    let (count, side) = (batch.len() as i64, batch.side as i64);
    let pixels = send(&batch.pixels, device)?.f_reshape([count, 1, side, side])?;
    Ok((pixels, send(&batch.targets, device)?))
}

/// Values as a tensor on a device.
pub(super) fn send(values: &[f32], device: Device) -> Result<Tensor, TchError> {
    let host = Tensor::f_from_slice(values)?;
    match device {
        Device::Cpu => Ok(host),
        // `_pin_memory`, as the public `pin_memory` warns when a device is named, and tch always names one. Of nothing there is
        // nothing to pin.
        Device::Cuda(_) if !values.is_empty() => host
            .f_internal_pin_memory(device)?
            .f_internal_to_copy((Kind::Float, device), true),
        _ => host.f_to_device(device),
    }
}
