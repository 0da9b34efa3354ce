//! `osteon data synth`.

use osteon_data::Split;
use osteon_synth::write_synth;
use serde_json::json;

use crate::args::SynthArgs;
use crate::exit::Ending;
use crate::{output, progress};

pub fn run(args: &SynthArgs) -> anyhow::Result<Ending> {
    let bar = progress::bar("drawing", args.images as usize);
    let counts = write_synth(&args.dir, args.images as usize, args.seed, &|| bar.inc(1))?;
    bar.finish_and_clear();
    if args.json {
        let splits: serde_json::Map<_, _> = Split::ALL
            .iter()
            .zip(counts.images.iter().zip(counts.fractured))
            .map(|(split, (images, fractured))| {
                (
                    split.to_string(),
                    json!({"images": images, "fractured": fractured}),
                )
            })
            .collect();
        output::json(&json!({"dir": args.dir, "seed": args.seed, "splits": splits}))?;
    } else {
        for (split, (images, fractured)) in Split::ALL
            .iter()
            .zip(counts.images.iter().zip(counts.fractured))
        {
            output::line(&format!(
                "{:>5}: {images} images, {fractured} fractured",
                split.name()
            ))?;
        }
        output::line(&format!(
            "in {}, with the fractures' places in boxes.csv",
            args.dir.display()
        ))?;
    }
    Ok(Ending::Done)
}
