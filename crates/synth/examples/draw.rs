//! Draws synthetic radiographs.
//!
//! `cargo run --release -p synth --example draw -- OUT [COUNT] [SEED]` writes `OUT/0.png`, … and says of each whether it is fractured, and where.
#![allow(clippy::print_stdout, reason = "an example that prints")]

use std::error::Error;
use std::path::PathBuf;

use osteon_synth::Synth;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let out = PathBuf::from(args.next().ok_or("usage: draw OUT [COUNT] [SEED]")?);
    let mut number = |default| args.next().map_or(Ok(default), |text| text.parse::<u64>());
    let (count, seed) = (number(8)?, number(1)?);
    std::fs::create_dir_all(&out)?;
    for index in 0..count {
        let image = Synth::new(seed).image(index);
        image.pixels.save(out.join(format!("{index}.png")))?;
        println!("{index}.png: {:?} {:?}", image.fracture, image.boxes);
    }
    Ok(())
}
