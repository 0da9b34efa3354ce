//! What the speed examples share: their options and a clock that knows what other programs took.

use std::time::Instant;

use osteon_model::{
    Architecture, ArchitectureName, Compute, Device, MemoryFormat, ModelError, Net, Precision,
};

/// `key=value` words.
pub struct Options {
    pub threads: i32,
    pub seconds: f64,
    pub compute: Compute,
    pub fused: bool,
    pub lr: f64,
    pub frozen: bool,
    pub name: ArchitectureName,
}

impl Options {
    pub fn parse(words: impl Iterator<Item = String>) -> Result<Self, Box<dyn std::error::Error>> {
        let mut options = Self {
            threads: 2,
            seconds: 10.0,
            compute: Compute::default(),
            fused: true,
            lr: 1e-3,
            frozen: true,
            name: ArchitectureName::SeedCnn,
        };
        for word in words {
            let compute = &mut options.compute;
            match word.split_once('=').unwrap_or((&word, "")) {
                ("threads", value) => options.threads = value.parse()?,
                ("seconds", value) => options.seconds = value.parse()?,
                ("fused", value) => options.fused = value.parse()?,
                ("lr", value) => options.lr = value.parse()?,
                ("frozen", value) => options.frozen = value.parse()?,
                ("network", "seed_cnn") => options.name = ArchitectureName::SeedCnn,
                ("network", "residual") => options.name = ArchitectureName::Residual,
                ("network", "fracture_map") => options.name = ArchitectureName::FractureMap,
                ("precision", "fp32") => compute.precision = Precision::Fp32,
                ("precision", "bf16") => compute.precision = Precision::Bf16,
                ("memory_format", "contiguous") => {
                    compute.memory_format = MemoryFormat::Contiguous;
                }
                ("memory_format", "channels_last") => {
                    compute.memory_format = MemoryFormat::ChannelsLast;
                }
                _ => return Err(format!("{word} is no option with a value it may have").into()),
            }
        }
        Ok(options)
    }

    /// The network asked for.
    pub fn net(&self) -> Result<Net, ModelError> {
        let architecture = Architecture {
            name: self.name,
            ..Architecture::default()
        };
        let mut net = architecture.build(self.side() as usize, Device::Cpu)?;
        net.set_compute(self.compute)?;
        Ok(net)
    }

    /// Of an image, in pixels: the seed project's, or what the others are meant for.
    pub fn side(&self) -> i64 {
        match self.name {
            ArchitectureName::SeedCnn => 150,
            ArchitectureName::Residual => 224,
            ArchitectureName::FractureMap => 448,
            ArchitectureName::EfficientnetLite => 384,
        }
    }

    /// For the name of the result.
    pub fn tag(&self) -> String {
        let fused = if self.fused { "" } else { "-unfused" };
        let Compute {
            precision,
            memory_format,
        } = self.compute;
        format!("{}-{precision}-{memory_format}{fused}", self.name)
    }
}

/// Processor time, by `/proc`; zeros where there is none.
pub struct Clock {
    start: Instant,
    own: f64,
    all: f64,
}

impl Clock {
    pub fn start() -> Self {
        let (own, all) = used();
        Self {
            start: Instant::now(),
            own,
            all,
        }
    }

    /// Processor seconds of this program, and the share of the machine that others used.
    pub fn stop(self) -> (f64, f64) {
        let seconds = self.start.elapsed().as_secs_f64();
        let (own, all) = used();
        let (own, all) = (own - self.own, all - self.all);
        let cores = std::thread::available_parallelism().map_or(1.0, |n| n.get() as f64);
        (own, ((all - own) / (seconds * cores)).max(0.0))
    }
}

/// Processor seconds of this program and of all, at the kernel's hundred ticks a second.
fn used() -> (f64, f64) {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let ticks = |text: &str, from: usize, count: usize| -> f64 {
        let fields = text.split_ascii_whitespace().skip(from).take(count);
        fields.filter_map(|field| field.parse::<f64>().ok()).sum()
    };
    let own = read("/proc/self/stat");
    // After the program's name, which may hold spaces: user and system time are the 12th and 13th fields.
    let own = ticks(own.rsplit(')').next().unwrap_or_default(), 11, 2);
    let stat = read("/proc/stat");
    // user, nice, system; then idle and waiting; then interrupts and what the host took.
    let first = stat.lines().next().unwrap_or_default();
    let all = ticks(first, 1, 3) + ticks(first, 6, 3);
    (own / 100.0, all / 100.0)
}

/// In MB.
pub fn peak_memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_ascii_whitespace().next()?.parse::<f64>().ok());
    kilobytes.unwrap_or_default() / 1024.0
}
