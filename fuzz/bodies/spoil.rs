//! Seeds spoiled blindly, for those who have no fuzzer: what every `cargo test` tries a little of, and `OSTEON_FUZZ` more.

/// Numbers that are the same in every run.
pub struct Draw(u64);

impl Draw {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 to below `below`, or 0.
    pub fn next(&mut self, below: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below.max(1)
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next(256) as u8).collect()
    }
}

/// A seed with something done to it, or nothing of a seed at all.
pub fn spoiled(draw: &mut Draw, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut input = seeds[draw.next(seeds.len())].clone();
    match draw.next(8) {
        0 => {
            let count = draw.next(3000);
            return draw.bytes(count);
        }
        1 => input.truncate(draw.next(input.len())),
        2 => {
            for _ in 0..=draw.next(20) {
                let at = draw.next(input.len());
                input[at] ^= 1 << draw.next(8);
            }
        }
        3 => {
            // Large numbers in the header, where sizes, counts and lengths stand.
            let at = draw.next(input.len().min(600));
            let count = 1 + draw.next(4);
            for byte in input.iter_mut().skip(at).take(count) {
                *byte = 0xff;
            }
        }
        4 => {
            // One seed's beginning, another's rest.
            input.truncate(draw.next(input.len().min(600)));
            let other = &seeds[draw.next(seeds.len())];
            input.extend(&other[draw.next(other.len())..]);
        }
        5 => {
            // A piece once more.
            let from = draw.next(input.len());
            let piece = input[from..(from + draw.next(200)).min(input.len())].to_vec();
            let at = draw.next(input.len());
            input.splice(at..at, piece);
        }
        6 => {
            let from = draw.next(input.len());
            let to = (from + draw.next(50)).min(input.len());
            input.drain(from..to);
        }
        _ => {
            input.truncate(8 + draw.next(160));
            let count = draw.next(2000);
            let noise = draw.bytes(count);
            input.extend(noise);
        }
    }
    input
}

/// Runs every seed in these folders, and so many spoiled ones: 20 for each seed, or as many as `OSTEON_FUZZ` says. How many seeds there were.
#[allow(dead_code, reason = "not every crate that spoils seeds replays them")]
pub fn replay(folders: &[std::path::PathBuf], run: fn(&[u8])) -> usize {
    let mut seeds = Vec::new();
    for folder in folders {
        for file in std::fs::read_dir(folder).expect("seeds") {
            seeds.push(std::fs::read(file.expect("a file").path()).expect("reads"));
        }
    }
    seeds.sort();
    for seed in &seeds {
        run(seed);
    }
    let more = std::env::var("OSTEON_FUZZ").ok();
    let more = more.and_then(|text| text.parse().ok());
    let mut draw = Draw::new(1);
    for _ in 0..more.unwrap_or(20 * seeds.len()) {
        run(&spoiled(&mut draw, &seeds));
    }
    seeds.len()
}
