//! Fits the gate of a model file, and measures one.
//!
//! ```sh
//! cargo run --release -p gate --example gate -- fit MODEL OUT --films DIR [--pictures DIR] [--drawn N] [--seed S]
//! cargo run --release -p gate --example gate -- measure MODEL --pictures DIR [--write OUT] [--list]
//! cargo run --release -p gate --example gate -- show DIR
//! ```
//!
//! `fit` takes a folder of radiographs, draws all kinds of other pictures, adds those found in `DIR/<class>/<source>/…` (classes `radiograph`,
//! `cross_section`, `other`), and writes the model file with the gate in its header. `measure` says what becomes of the pictures of each source of another such
//! folder, which no source of the fit may be in, and of drawn ones of another seed; `--write` puts the figures into the header. `show` draws each kind.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example talks to the person who runs it"
)]

use std::path::{Path, PathBuf};
use std::time::Instant;

use image::imageops::{self, FilterType};
use image::{DynamicImage, RgbImage};
use osteon_data::{DecodeScratch, GrayView, image_files};
use osteon_gate::{
    Class, FitOptions, Gate, Picture, Rate, Source, Verdict, attach, attached, draw, drawn, fit,
    found, seen, varied,
};
use rayon::prelude::*;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Drawn pictures that are measured are of this seed, those that a gate is fitted on of another.
const MEASURED_SEED: u64 = 0x6d65_6173;

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let at = args.iter().position(|arg| arg == name)?;
        args.get(at + 1).map(String::as_str)
    };
    let number = |name: &str, default: usize| value(name).map_or(Ok(default), str::parse);
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["fit", model, out, ..] => {
            let films = value("--films").ok_or("--films DIR is missing")?;
            let plan = Plan {
                films: films.into(),
                pictures: value("--pictures").map(PathBuf::from),
                drawn: number("--drawn", 30)?,
                seed: number("--seed", 1)? as u64,
            };
            let gate = plan.fit()?;
            std::fs::write(out, attach(&std::fs::read(model)?, &gate)?)?;
            eprintln!(
                "{out}: threshold {:.4}, {} numbers",
                gate.threshold,
                gate.parameters()
            );
        }
        ["measure", model, ..] => {
            let bytes = std::fs::read(model)?;
            let mut gate = attached(&bytes)?.ok_or("the model has no gate")?;
            let folder = value("--pictures").ok_or("--pictures DIR is missing")?;
            let list = args.iter().any(|arg| arg == "--list");
            gate.measured = measure(&gate, Path::new(folder), list)?;
            if let Some(out) = value("--write") {
                std::fs::write(out, attach(&bytes, &gate)?)?;
            }
        }
        ["show", dir] => show(Path::new(dir))?,
        _ => return Err("usage: gate fit|measure|show …".into()),
    }
    Ok(())
}

struct Plan {
    films: PathBuf,
    pictures: Option<PathBuf>,
    /// Pictures of each drawn kind.
    drawn: usize,
    seed: u64,
}

impl Plan {
    fn fit(&self) -> Result<Gate, Failure> {
        let start = Instant::now();
        let mut examples = drawn(self.drawn, self.seed, &|| {});
        let mut sources = self.pictures.as_deref().map_or(Ok(Vec::new()), found)?;
        sources.push(Source {
            class: Class::Radiograph,
            name: "films".to_owned(),
            files: image_files(&self.films)?,
        });
        for source in &sources {
            // Small sources are varied more often, so that each is looked at from many sides.
            let times = match source.class {
                Class::Radiograph => 2,
                _ => (700 / source.files.len().max(1)).clamp(2, 10),
            };
            examples.extend(varied(source, times, self.seed, &|| {}));
            eprintln!(
                "{}: {} files ({:.0?})",
                source.name,
                source.files.len(),
                start.elapsed()
            );
        }
        eprintln!("fitting on {} examples", examples.len());
        let options = FitOptions {
            seed: self.seed,
            ..FitOptions::default()
        };
        Ok(fit(&examples, &options, &|| {})?)
    }
}

fn measure(gate: &Gate, folder: &Path, list: bool) -> Result<Vec<Rate>, Failure> {
    println!(
        "| what | source | pictures | refused | cross-section | annotated |\n|---|---|---|---|---|---|"
    );
    let mut rates = Vec::new();
    for source in found(folder)? {
        let seen: Vec<(&PathBuf, Verdict)> = source
            .files
            .par_iter()
            .map_init(DecodeScratch::default, |scratch, file| {
                seen(file, scratch).map(|picture| (file, gate.judge(&picture)))
            })
            .flatten()
            .collect();
        rates.push(rate(
            gate,
            source.class,
            &source.name,
            &seen.iter().map(|(_, v)| *v),
        ));
        for (file, verdict) in seen.iter().filter(|_| list) {
            if gate.admits(verdict.xray_score) != (source.class == Class::Radiograph) {
                println!("  {:.4} {}", verdict.xray_score, file.display());
            }
        }
    }
    for kind in draw::KINDS {
        let seen: Vec<Verdict> = (0..100)
            .into_par_iter()
            .map(|index| gate.judge(&of_drawing(&kind.draw(MEASURED_SEED, index))))
            .collect();
        let name = format!("drawn: {}", kind.name);
        rates.push(rate(gate, kind.class, &name, &seen.into_iter()));
    }
    Ok(rates)
}

fn of_drawing(image: &RgbImage) -> Picture {
    let color = osteon_data::ColorSample::of(image.width(), image.height(), |i| {
        let [r, g, b, ..] = image.as_raw()[3 * i..] else {
            return [0; 3];
        };
        [r, g, b]
    });
    let gray = DynamicImage::ImageRgb8(image.clone()).to_luma8();
    Picture::new(GrayView::from(&gray), Some(color))
}

/// Counts and prints what became of a source.
fn rate(
    gate: &Gate,
    class: Class,
    source: &str,
    seen: &(impl Iterator<Item = Verdict> + Clone),
) -> Rate {
    let count = |test: &dyn Fn(&Verdict) -> bool| seen.clone().filter(|v| test(v)).count() as u64;
    let rate = Rate {
        class,
        source: source.to_owned(),
        pictures: seen.clone().count() as u64,
        refused: count(&|v| !gate.admits(v.xray_score)),
        cross_section: count(&|v| v.cross_section >= gate.cross_section_threshold),
        annotated: count(&|v| v.annotated),
    };
    println!(
        "| {} | {source} | {} | {} ({:.1} %) | {} | {} |",
        class.name(),
        rate.pictures,
        rate.refused,
        100.0 * rate.refused as f64 / rate.pictures.max(1) as f64,
        rate.cross_section,
        rate.annotated
    );
    rate
}

fn show(dir: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(dir)?;
    for kind in draw::KINDS {
        let mut sheet = RgbImage::new(1000, 250);
        for i in 0..4 {
            let picture = imageops::resize(&kind.draw(1, i as u64), 245, 245, FilterType::Triangle);
            imageops::replace(&mut sheet, &picture, 250 * i, 0);
        }
        sheet.save(dir.join(format!("{}.png", kind.name)))?;
    }
    Ok(())
}
