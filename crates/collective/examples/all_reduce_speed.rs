//! How long a sum over all ranks takes: one JSON object a size, printed by rank 0. Run it under a launcher, one process a rank:
//!
//! ```sh
//! torchrun --no-python --nproc-per-node 2 target/release/examples/all_reduce_speed
//! ```
//!
//! or by hand, in two shells: `MASTER_ADDR=127.0.0.1 MASTER_PORT=29500 WORLD_SIZE=2 RANK=0 …` and `RANK=1`.
//! `--bytes N` measures that size alone, `--repeats N` times; `--cuda` uses NCCL.

#![allow(clippy::print_stdout, reason = "an example prints its result")]

use std::error::Error;
use std::time::{Duration, Instant};

use osteon_collective::{Backend, Environment, Group};
use tch::{Device, Kind, Tensor};

/// 4 KiB to 64 MiB, and between them the gradients of the default residual network (1.26 M) and of the seed's CNN (2.82 M parameters).
const SIZES: [usize; 8] = [
    4 << 10,
    64 << 10,
    1 << 20,
    4 * 1_260_000,
    4 * 2_822_945,
    25 << 20,
    44 << 20,
    64 << 20,
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut sizes = SIZES.to_vec();
    let mut repeats = 30;
    let mut backend = Backend::Gloo;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || {
            let value = arguments.next();
            let number = value.and_then(|value| value.parse::<usize>().ok());
            number.ok_or_else(|| format!("{argument} needs a whole number"))
        };
        match argument.as_str() {
            "--bytes" => sizes = vec![number()?],
            "--repeats" => repeats = number()?.max(1),
            "--cuda" => backend = Backend::Nccl,
            other => return Err(format!("unknown argument {other:?}").into()),
        }
    }
    let environment = Environment::read()?
        .ok_or("no launcher: set MASTER_ADDR, MASTER_PORT, RANK and WORLD_SIZE")?;
    let group = Group::connect(&environment, backend, Duration::from_mins(1))?;
    let device = match backend {
        Backend::Gloo => Device::Cpu,
        Backend::Nccl => Device::Cuda(environment.local_rank),
    };
    for bytes in sizes {
        let mut tensor = Tensor::zeros([(bytes / 4) as i64], (Kind::Float, device));
        let mut milliseconds = Vec::with_capacity(repeats);
        for repeat in 0..repeats + 3 {
            group.barrier()?;
            let since = Instant::now();
            group.all_reduce_sum(&mut tensor)?;
            if repeat >= 3 {
                milliseconds.push(since.elapsed().as_secs_f64() * 1e3);
            }
        }
        milliseconds.sort_by(f64::total_cmp);
        let (median, best) = (milliseconds[repeats / 2], milliseconds[0]);
        if group.is_main() {
            println!(
                "{}",
                serde_json::json!({
                    "backend": backend.name(),
                    "world_size": group.world_size(),
                    "launcher_serves": environment.launcher_serves,
                    "bytes": bytes,
                    "repeats": repeats,
                    "milliseconds": {"median": median, "best": best},
                    // What a link would have to carry for this: see docs/SCALING.md.
                    "bus_gigabits_per_second": 2.0 * (group.world_size() - 1) as f64
                        / group.world_size() as f64 * bytes as f64 * 8e-6 / median,
                })
            );
        }
    }
    group.close()?;
    Ok(())
}
