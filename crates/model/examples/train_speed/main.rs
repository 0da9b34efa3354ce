//! Training steps a second of the seed's network, the batch resident in memory: our contestant in `cargo xtask bench train`.
//!
//! ```text
//! train_speed [threads=2] [seconds=10] [precision=fp32|bf16] [memory_format=contiguous|channels_last] [fused=true|false] [lr=1e-3] [network=seed_cnn|residual]
//! ```
//!
//! A step: forget the gradients, forward, binary cross-entropy, backward, Adam at 1e-3; 32 images of 150 × 150 (residual: 224 × 224). Prints one line of JSON.
//! `lr=0` keeps the weights as they were drawn: the backward pass skips what ReLU took, which depends on them.
#![allow(clippy::print_stdout, reason = "its result")]

#[path = "../speed/mod.rs"]
mod speed;

use std::time::Instant;

use osteon_kernels::{AdamState, AdamStep, Scaled, clear_grads, fused_adam};
use osteon_model::{Device, Net};
use speed::{Clock, Options};
use tch::{Kind, Reduction, Tensor};

const BATCH: i64 = 32;

/// Adam at PyTorch's defaults, by libtorch's fused kernel or by one operation after another.
struct Adam {
    params: Vec<Tensor>,
    means: Vec<Tensor>,
    squares: Vec<Tensor>,
    counts: Vec<Tensor>,
    steps: i32,
    fused: bool,
    lr: f64,
}

impl Adam {
    fn new(net: &Net, fused: bool, lr: f64) -> Self {
        let params = net.store.trainable_variables();
        let zeros = || params.iter().map(|p| p.detach().zeros_like()).collect();
        Self {
            means: zeros(),
            squares: zeros(),
            counts: params.iter().map(|_| Tensor::from(0.0_f32)).collect(),
            params,
            steps: 0,
            fused,
            lr,
        }
    }

    fn step(&mut self) -> Result<(), Box<dyn std::error::Error>> {
        let grads: Vec<_> = self.params.iter().map(Tensor::grad).collect();
        self.steps += 1;
        if self.fused {
            for count in &mut self.counts {
                let _ = count.f_fill_(f64::from(self.steps))?;
            }
            let state = AdamState {
                params: &self.params,
                grads: &grads,
                exp_avgs: &self.means,
                exp_avg_sqs: &self.squares,
                steps: &self.counts,
            };
            let step = AdamStep {
                lr: self.lr,
                beta1: 0.9,
                beta2: 0.999,
                weight_decay: 0.0,
                eps: 1e-8,
                decoupled: false,
            };
            fused_adam(state, step, Scaled::default())?;
            return Ok(());
        }
        let bias = (
            1.0 - 0.9_f64.powi(self.steps),
            1.0 - 0.999_f64.powi(self.steps),
        );
        tch::no_grad(|| {
            for (i, grad) in grads.iter().enumerate() {
                let _ = self.means[i].f_lerp_(grad, 0.1)?;
                let square = (grad * grad) * 0.001;
                let _ = self.squares[i].f_mul_scalar_(0.999)?.f_add_(&square)?;
                let root = self.squares[i].f_sqrt()? / bias.1.sqrt() + 1e-8;
                let _ = self.params[i].f_sub_(&(&self.means[i] / root * (self.lr / bias.0)))?;
            }
            Ok(())
        })
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    osteon_model::keep_freed_memory();
    let options = Options::parse(std::env::args().skip(1))?;
    tch::set_num_threads(options.threads);
    tch::manual_seed(0);
    let net = options.net()?;
    let side = options.side();
    let films = Tensor::randn([BATCH, 1, side, side], (Kind::Float, Device::Cpu));
    let films = options.compute.memory_format.apply(&films)?;
    let targets = Tensor::rand([BATCH], (Kind::Float, Device::Cpu))
        .lt(0.5)
        .to_kind(Kind::Float);
    let mut adam = Adam::new(&net, options.fused, options.lr);
    let mut step = || -> Result<Tensor, Box<dyn std::error::Error>> {
        clear_grads(&adam.params)?;
        let logits = net.forward(&films, true)?;
        let none = None::<&Tensor>;
        let loss =
            logits.f_binary_cross_entropy_with_logits(&targets, none, none, Reduction::Mean)?;
        loss.f_backward()?;
        adam.step()?;
        Ok(loss)
    };
    for _ in 0..5 {
        step()?.f_double_value(&[])?;
    }
    let clock = Clock::start();
    let start = Instant::now();
    let mut steps = 0;
    let loss = loop {
        let loss = step()?;
        steps += 1;
        if start.elapsed().as_secs_f64() >= options.seconds {
            break loss.f_double_value(&[])?;
        }
    };
    let seconds = start.elapsed().as_secs_f64();
    let images = f64::from(steps) * BATCH as f64;
    let (own, foreign) = clock.stop();
    println!(
        "{}",
        serde_json::json!({
            "name": format!("osteon-train-{}", options.tag()),
            "img_per_s": images / seconds,
            "peak_rss_mb": speed::peak_memory(),
            "threads": options.threads,
            "ms_per_step": seconds / f64::from(steps) * 1e3,
            "img_per_cpu_s": images / own.max(1e-9),
            "foreign_cpu": foreign,
            "loss": loss,
        })
    );
    Ok(())
}
