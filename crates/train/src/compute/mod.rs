//! How the machine is used: what the config leaves open is found by trial, and remembered.

mod memory;
mod trial;

use std::fmt;
use std::path::Path;

use osteon_model::{Compute, MemoryFormat, Precision, Waiting};
use serde::{Deserialize, Serialize};
use tch::Device;

use self::trial::Bench;
use crate::config::{MemoryFormatChoice, PlanRule, PrecisionChoice};
use crate::trainer::RunFilms;
use crate::{Config, TrainError};

/// How the machine is used by a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComputePlan {
    /// Number format and memory order of the network.
    pub compute: Compute,
    /// Threads of libtorch.
    pub threads: usize,
    /// Threads that make batches.
    pub loader_threads: usize,
    /// Where this comes from.
    pub origin: Origin,
    /// What was tried, if anything was.
    pub trials: Vec<Trial>,
    /// The part of the trials' time in which other programs had the processors, 0..=1, where the system tells. From a tenth on the plan is
    /// not believed, and not remembered.
    #[serde(default)]
    pub waited: Option<f64>,
    /// How many times as long 16 bits take here as 32 would, where they were asked for on a processor without instructions for them.
    #[serde(default)]
    pub slower_than_fp32: Option<f64>,
}

/// Where a plan comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// From the config, and by rule where that leaves things open.
    Given,
    /// Found by trial just now.
    Measured,
    /// Found by an earlier trial of the same network on this machine.
    Remembered,
}

/// One way of computing, tried.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Number format and memory order.
    pub compute: Compute,
    /// Threads of libtorch.
    pub threads: usize,
    /// Images a second through forward, backward and step.
    pub images_per_second: f64,
}

impl ComputePlan {
    /// Chooses what the config leaves open, writes it there, and sets libtorch's threads.
    pub(crate) fn choose(
        config: &mut Config,
        device: Device,
        films: &RunFilms,
    ) -> Result<Self, TrainError> {
        let plan = if is_complete(config) || config.compute.plan == PlanRule::Fixed {
            by_rule(config, device)
        } else {
            let key = memory::key(config, device);
            let known = match config.compute.plan {
                PlanRule::Auto => memory::recall(&key),
                PlanRule::Measure | PlanRule::Fixed => None,
            };
            if let Some(plan) = known {
                Self {
                    origin: Origin::Remembered,
                    ..plan
                }
            } else {
                let plan = by_trial(config, device, films)?;
                if !plan.is_doubtful() {
                    memory::keep(&key, &plan);
                }
                plan
            }
        };
        let plan = Self {
            slower_than_fp32: slower_than_fp32(config, device, &plan)?,
            ..plan
        };
        plan.apply(config);
        Ok(plan)
    }

    /// Whether other programs were so busy during the trials that another plan may be faster ([`Waiting::is_too_long`]).
    #[must_use]
    pub fn is_doubtful(&self) -> bool {
        self.waited.is_some_and(Waiting::is_too_long)
    }

    /// Takes over what a run chose before, from its own config, where this one leaves it open: a run that goes on computes as it did.
    pub(crate) fn recall(config: &mut Config, of_run: &Path) {
        let text = std::fs::read_to_string(of_run).unwrap_or_default();
        let Ok(before) = toml::from_str::<Config>(&text) else {
            return;
        };
        let compute = &mut config.compute;
        if compute.precision == PrecisionChoice::Auto {
            compute.precision = before.compute.precision;
        }
        if compute.memory_format == MemoryFormatChoice::Auto {
            compute.memory_format = before.compute.memory_format;
        }
        if compute.loader_threads == 0 {
            compute.loader_threads = before.compute.loader_threads;
        }
        if config.train.threads == 0 {
            config.train.threads = before.train.threads;
        }
    }

    /// Makes the config say what was chosen, and sets libtorch's threads.
    pub(crate) fn apply(&self, config: &mut Config) {
        tch::set_num_threads(self.threads as i32);
        config.compute.precision = match self.compute.precision {
            Precision::Fp32 => PrecisionChoice::Fp32,
            Precision::Bf16 => PrecisionChoice::Bf16,
            Precision::Fp16 => PrecisionChoice::Fp16,
        };
        config.compute.memory_format = match self.compute.memory_format {
            MemoryFormat::Contiguous => MemoryFormatChoice::Contiguous,
            MemoryFormat::ChannelsLast => MemoryFormatChoice::ChannelsLast,
        };
        config.train.threads = self.threads;
        config.compute.loader_threads = self.loader_threads;
    }
}

impl fmt::Display for ComputePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |compute: Compute| format!("{} {}", compute.precision, compute.memory_format);
        let origin = match self.origin {
            Origin::Given => "as given",
            Origin::Measured => "by trial",
            Origin::Remembered => "found before",
        };
        write!(
            f,
            "plan: {}, {} threads, {} for batches ({origin}",
            name(self.compute),
            self.threads,
            self.loader_threads
        )?;
        for trial in &self.trials {
            let Trial {
                compute,
                threads,
                images_per_second,
            } = trial;
            write!(
                f,
                "; {} × {threads}: {images_per_second:.0} img/s",
                name(*compute)
            )?;
        }
        f.write_str(")")?;
        if let Some(waited) = self.waited.filter(|_| self.is_doubtful()) {
            write!(
                f,
                "\nwarning: other programs had the processors for {:.0} % of the trials' time: another plan may be faster here; this one is not remembered",
                100.0 * waited
            )?;
        }
        if let Some(factor) = self.slower_than_fp32 {
            write!(
                f,
                "\nwarning: this processor has no instructions for {}: a step takes {factor:.1} times as long as in fp32",
                self.compute.precision
            )?;
        }
        Ok(())
    }
}

fn is_complete(config: &Config) -> bool {
    let compute = &config.compute;
    compute.precision != PrecisionChoice::Auto
        && compute.memory_format != MemoryFormatChoice::Auto
        && compute.loader_threads > 0
        && config.train.threads > 0
}

/// Cores for this process: as many as `OMP_NUM_THREADS` says, which launchers set; else those of the machine, divided among the processes
/// that train together on it.
fn cores() -> usize {
    let number = |name| {
        std::env::var(name)
            .ok()?
            .parse()
            .ok()
            .filter(|&n: &usize| n > 0)
    };
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    let share = || (all / number("LOCAL_WORLD_SIZE").unwrap_or(1)).max(1);
    number("OMP_NUM_THREADS").unwrap_or_else(share)
}

/// The config's choices; 32 bits, channels last and a thread a core where it leaves them open.
fn by_rule(config: &Config, device: Device) -> ComputePlan {
    let given = |chosen: usize, other: usize| if chosen > 0 { chosen } else { other };
    let threads = given(config.train.threads, cores());
    ComputePlan {
        compute: Compute {
            precision: precisions(config, device, Precision::Bf16.has_instructions())[0],
            memory_format: *formats(config)
                .last()
                .unwrap_or(&MemoryFormat::ChannelsLast),
        },
        threads,
        loader_threads: given(config.compute.loader_threads, threads.min(cores())),
        origin: Origin::Given,
        trials: Vec::new(),
        waited: None,
        slower_than_fp32: None,
    }
}

/// Times 16 bits against 32 where the config asks for 16 on a processor that has no instructions for them; `None` elsewhere.
fn slower_than_fp32(
    config: &Config,
    device: Device,
    plan: &ComputePlan,
) -> Result<Option<f64>, TrainError> {
    if device != Device::Cpu || plan.compute.precision.has_instructions() {
        return Ok(None);
    }
    let fp32 = Compute {
        precision: Precision::Fp32,
        ..plan.compute
    };
    let speed = |compute| Bench::small(config, compute, device)?.run(plan.threads);
    let (plain, asked) = (speed(fp32)?, speed(plan.compute)?);
    Ok(Some(plain.images_per_second / asked.images_per_second))
}

/// Number formats that the config and the device allow, the plainest first. Without instructions for bfloat16 (`has_bf16`) a CPU is far slower
/// with it than without.
fn precisions(config: &Config, device: Device, has_bf16: bool) -> Vec<Precision> {
    match (config.compute.precision, device) {
        (PrecisionChoice::Bf16, _) => vec![Precision::Bf16],
        (PrecisionChoice::Fp16, _) => vec![Precision::Fp16],
        (PrecisionChoice::Auto, Device::Cuda(_)) => {
            vec![Precision::Fp32, Precision::Bf16, Precision::Fp16]
        }
        (PrecisionChoice::Auto, Device::Cpu) if has_bf16 => vec![Precision::Fp32, Precision::Bf16],
        (PrecisionChoice::Fp32 | PrecisionChoice::Auto, _) => vec![Precision::Fp32],
    }
}

fn formats(config: &Config) -> Vec<MemoryFormat> {
    match config.compute.memory_format {
        MemoryFormatChoice::Auto => vec![MemoryFormat::Contiguous, MemoryFormat::ChannelsLast],
        MemoryFormatChoice::Contiguous => vec![MemoryFormat::Contiguous],
        MemoryFormatChoice::ChannelsLast => vec![MemoryFormat::ChannelsLast],
    }
}

/// Tries the ways of computing that are open on random images, then divides the cores between network and batches.
fn by_trial(config: &Config, device: Device, films: &RunFilms) -> Result<ComputePlan, TrainError> {
    let threads = match config.train.threads {
        0 => cores(),
        threads => threads,
    };
    let mut trials = Vec::new();
    let waiting = Waiting::start();
    for precision in precisions(config, device, Precision::Bf16.has_instructions()) {
        for memory_format in formats(config) {
            // 16 bits channel by channel has never won; it would cost a trial.
            if precision != Precision::Fp32
                && memory_format == MemoryFormat::Contiguous
                && config.compute.memory_format == MemoryFormatChoice::Auto
            {
                continue;
            }
            let compute = Compute {
                precision,
                memory_format,
            };
            trials.push(Bench::new(config, compute, device)?.run(threads)?);
        }
    }
    let fastest = |trials: &[Trial]| {
        trials
            .iter()
            .copied()
            .max_by(|a, b| a.images_per_second.total_cmp(&b.images_per_second))
    };
    let Some(mut best) = fastest(&trials) else {
        return Ok(by_rule(config, device));
    };
    // Batches take cores away from the network only where they cost as much as a fifth of it.
    let making = trial::films_a_second(config, films)?;
    let share = best.images_per_second / making;
    if config.train.threads == 0 && device == Device::Cpu && threads > 1 && share > 0.2 {
        let fewer = Bench::new(config, best.compute, device)?.run(threads - 1)?;
        trials.push(fewer);
        // With all cores, both share them; with one less, batches have one to themselves.
        let shared = 1.0 / (1.0 / best.images_per_second + 1.0 / (making * threads as f64));
        if fewer.images_per_second.min(making) > shared {
            best = fewer;
        }
    }
    let waited = waiting.share(threads);
    let loader_threads = match config.compute.loader_threads {
        0 => ((1.25 * best.images_per_second / making).ceil() as usize).clamp(1, cores()),
        given => given,
    };
    Ok(ComputePlan {
        compute: best.compute,
        threads: best.threads,
        loader_threads,
        origin: Origin::Measured,
        trials,
        waited,
        slower_than_fp32: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_bits_are_proposed_where_the_processor_has_them_alone() {
        let mut config = Config::default();
        let both = vec![Precision::Fp32, Precision::Bf16];
        assert_eq!(precisions(&config, Device::Cpu, true), both);
        assert_eq!(precisions(&config, Device::Cpu, false), [Precision::Fp32]);
        // A graphics card has its own.
        assert_eq!(precisions(&config, Device::Cuda(0), false).len(), 3);
        config.compute.precision = PrecisionChoice::Bf16;
        assert_eq!(precisions(&config, Device::Cpu, false), [Precision::Bf16]);
    }

    fn plan(waited: Option<f64>, slower_than_fp32: Option<f64>) -> ComputePlan {
        ComputePlan {
            compute: Compute::default(),
            threads: 2,
            loader_threads: 1,
            origin: Origin::Measured,
            trials: Vec::new(),
            waited,
            slower_than_fp32,
        }
    }

    #[test]
    fn a_plan_says_when_it_is_not_to_be_believed() {
        assert!(!plan(None, None).is_doubtful() && !plan(Some(0.02), None).is_doubtful());
        assert!(plan(Some(0.31), None).is_doubtful());
        let said = plan(Some(0.31), Some(8.25)).to_string();
        assert!(said.contains("for 31 % of the trials' time"), "{said}");
        assert!(
            said.contains("8.2 times as long as in fp32") || said.contains("8.3 times"),
            "{said}"
        );
        assert!(!plan(Some(0.02), None).to_string().contains("warning"));
    }
}
