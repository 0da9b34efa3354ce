//! The fused layer beside libtorch's own three: `cargo run --release -p kernels --example fused_layer`.
//!
//! Prints how far results and gradients lie apart, and how much time the fused layer takes of that of the others: both one after the other in each
//! round, the median of the rounds.
#![allow(clippy::print_stdout, reason = "an example that prints a table")]

use std::time::{Duration, Instant};

use osteon_kernels::{Instructions, KernelError, Pooled, conv_relu_pool};
use tch::{Kind, Tensor};

const ROUNDS: usize = 9;

fn main() -> Result<(), KernelError> {
    let pooled = Pooled {
        kind: Kind::Float,
        channels_last: true,
        instructions: Instructions::best(),
    };
    println!(
        "{:<24} {:>10} {:>10} {:>8}",
        "films", "result", "gradient", "time"
    );
    for (films, side) in [(8, 64), (32, 150)] {
        let film = Tensor::randn([films, 1, side, side], (Kind::Float, tch::Device::Cpu));
        let weight = Tensor::randn([64, 1, 3, 3], (Kind::Float, tch::Device::Cpu));
        let weight = weight.set_requires_grad(true);
        let bias = Tensor::zeros([64], (Kind::Float, tch::Device::Cpu)).set_requires_grad(true);
        let fused = || conv_relu_pool(&film, &weight, &bias, pooled);
        let plain = || -> Result<Tensor, KernelError> {
            let convolved = film.f_conv2d(&weight, Some(&bias), [1, 1], [1, 1], [1, 1], 1)?;
            Ok(convolved
                .f_relu()?
                .f_max_pool2d([2, 2], [2, 2], [0, 0], [1, 1], false)?)
        };
        let (ours, our_gradient, _) = once(&fused, &weight)?;
        let (theirs, their_gradient, _) = once(&plain, &weight)?;
        let mut shares = Vec::new();
        for _ in 0..ROUNDS {
            let (.., a) = once(&fused, &weight)?;
            let (.., b) = once(&plain, &weight)?;
            shares.push(a.as_secs_f64() / b.as_secs_f64());
        }
        shares.sort_by(f64::total_cmp);
        println!(
            "{:<24} {:>10.1e} {:>10.1e} {:>6.0} %",
            format!("{films} of {side}×{side}"),
            apart(&ours, &theirs)?,
            apart(&our_gradient, &their_gradient)?,
            100.0 * shares[ROUNDS / 2]
        );
    }
    Ok(())
}

/// Forwards and backwards: the result, the weight's gradient, the time of both.
fn once(
    layer: &dyn Fn() -> Result<Tensor, KernelError>,
    weight: &Tensor,
) -> Result<(Tensor, Tensor, Duration), KernelError> {
    let start = Instant::now();
    let output = layer()?;
    let gradients =
        Tensor::f_run_backward(&[output.f_mean(Kind::Float)?], &[weight], false, false)?;
    let time = start.elapsed();
    Ok((output.f_detach()?, gradients[0].shallow_clone(), time))
}

/// The greatest distance, relative to the greatest value.
fn apart(a: &Tensor, b: &Tensor) -> Result<f64, KernelError> {
    let distance = a.f_sub(b)?.f_abs()?.f_max()?.f_double_value(&[])?;
    Ok(distance / b.f_abs()?.f_max()?.f_double_value(&[])?)
}
