//! Latency of one image and speed of 32 of the seed's network, images resident in memory: our contestant in `cargo xtask bench train`.
//!
//! ```text
//! infer_speed [threads=2] [seconds=10] [precision=fp32|bf16] [memory_format=contiguous|channels_last]
//!     [network=seed_cnn|residual] [frozen=true|false]
//! ```
//!
//! Prints one line of JSON.
#![allow(clippy::print_stdout, reason = "its result")]

#[path = "../speed/mod.rs"]
mod speed;

use std::time::Instant;

use osteon_model::{Device, Net};
use speed::{Clock, Options};
use tch::{Kind, Tensor};

/// Seconds of each call, in order.
fn times(net: &Net, films: &Tensor, seconds: f64) -> Result<Vec<f64>, Box<dyn std::error::Error>> {
    let mut times = Vec::new();
    let start = Instant::now();
    let mut calls = 0;
    while start.elapsed().as_secs_f64() < seconds || times.is_empty() {
        let call = Instant::now();
        let logits = tch::no_grad(|| net.forward(films, false))?;
        logits.f_double_value(&[0])?;
        calls += 1;
        if calls > 10 {
            times.push(call.elapsed().as_secs_f64());
        }
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    osteon_model::keep_freed_memory();
    let options = Options::parse(std::env::args().skip(1))?;
    tch::set_num_threads(options.threads);
    tch::manual_seed(0);
    let mut net = options.net()?;
    if options.frozen {
        net.freeze()?;
    }
    let side = options.side();
    let films = |count| -> Result<Tensor, tch::TchError> {
        let films = Tensor::f_randn([count, 1, side, side], (Kind::Float, Device::Cpu))?;
        options.compute.memory_format.apply(&films)
    };
    let clock = Clock::start();
    let one = times(&net, &films(1)?, options.seconds / 2.0)?;
    let many = times(&net, &films(32)?, options.seconds / 2.0)?;
    let (_, foreign) = clock.stop();
    let at = |times: &[f64], share: f64| {
        let index = (share * times.len() as f64) as usize;
        times[index.min(times.len() - 1)] * 1e3
    };
    println!(
        "{}",
        serde_json::json!({
            "name": format!("osteon-infer-{}", options.tag()),
            "img_per_s": 32e3 / at(&many, 0.5),
            "peak_rss_mb": speed::peak_memory(),
            "threads": options.threads,
            "b1_p50_ms": at(&one, 0.5),
            "b1_p99_ms": at(&one, 0.99),
            "b32_p50_ms": at(&many, 0.5),
            "foreign_cpu": foreign,
        })
    );
    Ok(())
}
