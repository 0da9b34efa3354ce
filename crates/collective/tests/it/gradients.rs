//! Gradients against the arithmetic.

use osteon_collective::{Buckets, CollectiveError, GradientSync, Group};
use tch::{Device, Kind, Tensor};

use crate::processes::play;
use crate::roles::tell;

/// Small enough that this small network has several.
const BUCKETS: Buckets = Buckets {
    bytes: 1500,
    first_bytes: 64,
};

#[test]
fn gradients_of_many_processes_are_those_of_one() {
    for world_size in [2, 3] {
        for told in play("gradients", world_size, 60) {
            assert_eq!(told, ["done"]);
        }
    }
}

struct Net {
    parameters: Vec<(&'static str, Tensor)>,
}

impl Net {
    fn new() -> Self {
        let make = |seed: f64, size: &[i64]| {
            let place = Tensor::arange(size.iter().product::<i64>(), (Kind::Float, Device::Cpu));
            (place * 0.37 + seed).sin().view(size) * 0.3
        };
        // Channels last, as the trainer lays convolutions out.
        let conv = make(1.0, &[6, 3, 3, 3]).permute([0, 2, 3, 1]).contiguous();
        let conv = conv.permute([0, 3, 1, 2]);
        Self {
            parameters: vec![
                ("conv.weight", conv.set_requires_grad(true)),
                ("conv.bias", make(2.0, &[6]).set_requires_grad(true)),
                ("fc.weight", make(3.0, &[1, 6 * 36]).set_requires_grad(true)),
                ("fc.bias", make(4.0, &[1]).set_requires_grad(true)),
            ],
        }
    }

    fn named(&self) -> Vec<(&str, &Tensor)> {
        let named = self.parameters.iter();
        named.map(|(name, tensor)| (*name, tensor)).collect()
    }

    /// The mean loss over images `from..to` of a fixed set.
    fn loss(&self, from: i64, to: i64) -> Tensor {
        let place = Tensor::arange((to - from) * 3 * 64, (Kind::Float, Device::Cpu));
        let images = ((place + (from * 3 * 64) as f64) * 0.113).sin();
        let p: Vec<&Tensor> = self.parameters.iter().map(|(_, tensor)| tensor).collect();
        let hidden = images
            .view([-1, 3, 8, 8])
            .conv2d(p[0], Some(p[1]), 1, 0, 1, 1);
        let logits = hidden.relu().flatten(1, -1).linear(p[2], Some(p[3]));
        let targets = Tensor::arange_start(from, to, (Kind::Float, Device::Cpu)).remainder(2);
        logits.view(-1).binary_cross_entropy_with_logits::<Tensor>(
            &targets,
            None,
            None,
            tch::Reduction::Mean,
        )
    }

    fn zero(&mut self) {
        for (_, tensor) in &mut self.parameters {
            tensor.zero_grad();
        }
    }

    fn gradients(&self) -> Vec<Tensor> {
        self.parameters.iter().map(|(_, p)| p.grad()).collect()
    }
}

pub(crate) fn role(group: &Group) -> Result<(), CollectiveError> {
    let (rank, world) = (group.rank() as i64, group.world_size() as i64);
    let each = 4;
    let (from, to) = (rank * each, (rank + 1) * each);
    let scale = 1.0 / world as f64;

    // One process with the whole batch.
    let whole = Net::new();
    whole.loss(0, world * each).backward();
    let whole = whole.gradients();

    // After backward.
    let net = Net::new();
    let mut sync = GradientSync::new(group, &net.named(), BUCKETS)?;
    assert_eq!(sync.bytes(), (162 + 6 + 216 + 1) * 4);
    assert!(sync.buckets() >= 2, "{}", sync.buckets());
    net.loss(from, to).backward();
    let after = net.gradients();
    let count = Tensor::from(each);
    let stats = Tensor::from_slice(&[rank as f32, 0.5]);
    sync.sync(
        &after,
        scale,
        &[count.shallow_clone(), stats.shallow_clone()],
    )?;
    for (ours, whole) in after.iter().zip(&whole) {
        assert!(ours.allclose(whole, 1e-5, 1e-7, false));
    }
    let kept: Vec<Tensor> = after.iter().map(Tensor::copy).collect();
    // The gradients were changed in place, and the extras rode along, unscaled.
    assert!(net.gradients()[0].equal(&kept[0]));
    assert_eq!(count.int64_value(&[]), each * world);
    assert_eq!(stats.double_value(&[0]) as i64, world * (world - 1) / 2);
    assert_eq!(
        stats.double_value(&[1]).to_bits(),
        (world as f64 / 2.0).to_bits()
    );
    let items = || kept.iter().map(|tensor| ("gradient", tensor));
    group.assert_equal("the gradients", items())?;

    // During backward: the same bits, again and again, also after a micro-batch that was not the last.
    let mut net = Net::new();
    let mut sync = GradientSync::new(group, &net.named(), BUCKETS)?;
    sync.overlap()?;
    for _ in 0..3 {
        net.zero();
        sync.arm();
        net.loss(from, to).backward();
        let gradients = net.gradients();
        sync.sync(&gradients, scale, &[])?;
        for (ours, kept) in gradients.iter().zip(&kept) {
            assert!(ours.equal(kept));
        }
    }
    net.zero();
    let half = from + each / 2;
    (net.loss(from, half) * 0.5).backward();
    sync.arm();
    (net.loss(half, to) * 0.5).backward();
    let gradients = net.gradients();
    sync.sync(&gradients, scale, &[])?;
    for (ours, whole) in gradients.iter().zip(&whole) {
        assert!(ours.allclose(whole, 1e-5, 1e-7, false));
    }

    // Armed for two passes: what was sent is not what is there.
    net.zero();
    sync.arm();
    net.loss(from, to).backward();
    net.loss(from, to).backward();
    let error = sync.sync(&net.gradients(), scale, &[]).unwrap_err();
    assert!(
        error.to_string().contains("second backward pass"),
        "{error}"
    );

    // Dropped, the hooks are gone: backward works without.
    drop(sync);
    net.zero();
    net.loss(from, to).backward();
    group.barrier()?;
    tell("done");
    Ok(())
}
