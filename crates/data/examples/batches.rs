//! A data set as an iterator of batches, without torch: `cargo run --release -p data --example batches -- DIR [SPLIT] [SIZE]`.
//!
//! DIR is any layout that [`Catalog::open`] knows. One epoch of the split, shuffled and augmented, goes by; of each batch its shape, its share of
//! fractured images and the mean of its pixels are printed. Any framework can take `batch.pixels` from here.
#![allow(clippy::print_stdout, reason = "an example that prints a table")]

use std::error::Error;
use std::time::Instant;

use osteon_data::{Augment, Catalog, Decoder, LoadOptions, Preprocess, Sampler, Split};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments
        .next()
        .ok_or("usage: batches DIR [SPLIT] [SIZE]")?;
    let split: Split = arguments.next().as_deref().unwrap_or("train").parse()?;
    let size = arguments.next().map(|size| size.parse()).transpose()?;
    let usual = Preprocess::default();
    let preprocess = Preprocess {
        size: size.unwrap_or(usual.size),
        ..usual
    };

    let catalog = Catalog::open(&dir)?;
    println!(
        "{} images in {dir}, {} of them {split}",
        catalog.entries().len(),
        catalog.split(split)?.len()
    );
    let options = LoadOptions {
        sampler: Sampler::Shuffled,
        augment: Some(Augment::default()),
        ..LoadOptions::plain(32)
    };
    let start = Instant::now();
    let mut films = 0;
    for batch in catalog.loader(split, &Decoder::default(), &preprocess, true, options)? {
        let batch = batch?;
        films += batch.len();
        let fractured = batch.targets.iter().sum::<f32>() / batch.len() as f32;
        let mean = batch.pixels.iter().sum::<f32>() / batch.pixels.len() as f32;
        println!(
            "batch {:>3}: {}×1×{}×{}, {:>3.0} % fractured, mean {mean:+.3}",
            batch.number,
            batch.len(),
            batch.side,
            batch.side,
            100.0 * fractured
        );
        for file in &batch.unreadable {
            println!("           {file:?}");
        }
    }
    println!("{films} images in {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}
