//! What the gradients' sum costs in a training step of the seed's CNN (2,822,945 parameters, 1×150×150 images of random bits): forward and
//! backward alone, with the sum after backward, and with the sum during backward. Rank 0 prints one JSON object a way.
//!
//! ```sh
//! torchrun --no-python --nproc-per-node 2 target/release/examples/gradient_speed --batch 16
//! ```
//!
//! `--batch N` images a rank, `--steps N` steps a way. Without a launcher: one process, forward and backward alone. Set
//! `OMP_NUM_THREADS` to the cores of a rank.

#![allow(clippy::print_stdout, reason = "an example prints its result")]

use std::error::Error;
use std::time::{Duration, Instant};

use osteon_collective::{Backend, Buckets, CollectiveError, Environment, GradientSync, Group};
use tch::{Device, Kind, Tensor};

struct SeedCnn(Vec<(&'static str, Tensor)>);

impl SeedCnn {
    fn new() -> Self {
        tch::manual_seed(1);
        let shapes: [(&str, &[i64]); 8] = [
            ("conv1.weight", &[64, 1, 3, 3]),
            ("conv1.bias", &[64]),
            ("conv2.weight", &[32, 64, 3, 3]),
            ("conv2.bias", &[32]),
            ("fc1.weight", &[64, 32 * 37 * 37]),
            ("fc1.bias", &[64]),
            ("fc2.weight", &[1, 64]),
            ("fc2.bias", &[1]),
        ];
        Self(Vec::from(shapes.map(|(name, shape)| {
            let values = Tensor::randn(shape, (Kind::Float, Device::Cpu)) * 0.01;
            (name, values.set_requires_grad(true))
        })))
    }

    fn named(&self) -> Vec<(&str, &Tensor)> {
        self.0
            .iter()
            .map(|(name, tensor)| (*name, tensor))
            .collect()
    }

    fn gradients(&self) -> Vec<Tensor> {
        self.0.iter().map(|(_, tensor)| tensor.grad()).collect()
    }

    /// Forward and backward.
    fn pass(&mut self, films: &Tensor, targets: &Tensor) {
        for (_, tensor) in &mut self.0 {
            tensor.zero_grad();
        }
        let w: Vec<&Tensor> = self.0.iter().map(|(_, tensor)| tensor).collect();
        let x = films.conv2d(w[0], Some(w[1]), 1, 1, 1, 1).relu_();
        let x = x.max_pool2d([2, 2], [2, 2], 0, 1, false);
        let x = x.conv2d(w[2], Some(w[3]), 1, 1, 1, 1).relu_();
        let x = x.max_pool2d([2, 2], [2, 2], 0, 1, false).flatten(1, -1);
        let x = x.linear(w[4], Some(w[5])).relu_().linear(w[6], Some(w[7]));
        let mean = tch::Reduction::Mean;
        let loss = x.squeeze_dim(1);
        let loss = loss.binary_cross_entropy_with_logits::<Tensor>(targets, None, None, mean);
        loss.backward();
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let (mut batch, mut steps) = (16, 30);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().and_then(|value| value.parse().ok());
        let value: usize = value.ok_or_else(|| format!("{argument} needs a whole number"))?;
        match argument.as_str() {
            "--batch" => batch = value.max(1),
            "--steps" => steps = value.max(1),
            other => return Err(format!("unknown argument {other:?}").into()),
        }
    }
    let group = match Environment::read()? {
        Some(environment) => Some(Group::connect(
            &environment,
            Backend::Gloo,
            Duration::from_mins(1),
        )?),
        None => None,
    };
    let world_size = group.as_ref().map_or(1, Group::world_size);
    let mut net = SeedCnn::new();
    let films = Tensor::rand([batch as i64, 1, 150, 150], (Kind::Float, Device::Cpu));
    let targets = Tensor::ones([batch as i64], (Kind::Float, Device::Cpu));
    let times = measure(group.as_ref(), &mut net, steps, |net| {
        net.pass(&films, &targets);
    })?;
    for (way, mut milliseconds) in times {
        milliseconds.sort_by(f64::total_cmp);
        let median = milliseconds[milliseconds.len() / 2];
        if group.as_ref().is_none_or(Group::is_main) {
            println!(
                "{}",
                serde_json::json!({
                    "sum": way,
                    "world_size": world_size,
                    "threads": tch::get_num_threads(),
                    "batch_a_rank": batch,
                    "milliseconds_a_step": {"median": median, "best": milliseconds[0]},
                    "films_per_second": (batch * world_size) as f64 * 1e3 / median,
                })
            );
        }
    }
    if let Some(group) = group {
        group.close()?;
    }
    Ok(())
}

/// Milliseconds of each step, by the way of summing. The ways take turns, so that what else the machine does falls on all alike.
fn measure(
    group: Option<&Group>,
    net: &mut SeedCnn,
    steps: usize,
    pass: impl Fn(&mut SeedCnn),
) -> Result<Vec<(&'static str, Vec<f64>)>, CollectiveError> {
    let mut times = vec![("none", Vec::with_capacity(steps))];
    let mut syncs = Vec::new();
    if let Some(group) = group {
        for (way, overlap) in [("after backward", false), ("during backward", true)] {
            let mut sync = GradientSync::new(group, &net.named(), Buckets::default())?;
            if overlap {
                sync.overlap()?;
            }
            syncs.push(sync);
            times.push((way, Vec::with_capacity(steps)));
        }
    }
    // The first rounds are not counted: allocations, and the caches' warming up.
    for round in 0..steps + 3 {
        for (way, (_, milliseconds)) in times.iter_mut().enumerate() {
            if let Some(group) = group {
                group.barrier()?;
            }
            let since = Instant::now();
            match way.checked_sub(1) {
                None => pass(net),
                Some(way) => {
                    let sync = &mut syncs[way];
                    sync.arm();
                    pass(net);
                    sync.sync(&net.gradients(), 1.0 / 2.0, &[])?;
                }
            }
            if round >= 3 {
                milliseconds.push(since.elapsed().as_secs_f64() * 1e3);
            }
        }
    }
    Ok(times)
}
