//! Fits the gate of a model file, and measures one.
//!
//! ```sh
//! cargo run --release -p gate-fit --example gate -- fit MODEL OUT --films DIR [--pictures DIR] [--drawn N] [--seed S]
//! cargo run --release -p gate-fit --example gate -- cross --films DIR [--pictures DIR] [--drawn N] [--seed S]
//! cargo run --release -p gate-fit --example gate -- copy MODEL TO OUT
//! cargo run --release -p gate-fit --example gate -- measure MODEL --pictures DIR [--write OUT] [--list]
//! cargo run --release -p gate-fit --example gate -- show DIR
//! ```
//!
//! `fit` takes a folder of radiographs, draws all kinds of other pictures, adds those found in `DIR/<class>/<source>/…` (classes `radiograph`,
//! `outside`, `cross_section`, `other`), and writes the model file with the gate in its header. `cross` says what becomes of the pictures of each source by gates
//! fitted without it. Both take the options of the fit (`--hidden`, `--epochs`, `--threshold` …), and `--examples FILE` keeps what was measured of the pictures
//! for the next call. `copy` writes the model file TO with the gate of MODEL. `measure` says what becomes of the pictures of each source of another such
//! folder, which no source of the fit may be in, and of drawn ones of another seed; `--write` puts the figures into the header. `show` draws each kind.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example talks to the person who runs it"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use image::imageops::{self, FilterType};
use image::{DynamicImage, RgbImage};
use osteon_data::{DecodeScratch, GrayView, image_files};
use osteon_gate::{Class, FEATURES, Gate, Picture, Rate, Verdict};
use osteon_gate_fit::{
    Example, FitOptions, Source, attach, attached, draw, drawn, fit, found, held_out, seen, varied,
};
use rayon::prelude::*;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Drawn pictures that are measured are of this seed, those that a gate is fitted on of another.
const MEASURED_SEED: u64 = 0x6d65_6173;

/// The source of the images that the model learned from.
const FILMS: &str = "films";

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let at = args.iter().position(|arg| arg == name)?;
        args.get(at + 1).map(String::as_str)
    };
    let number = |name: &str, default: usize| value(name).map_or(Ok(default), str::parse);
    let plan = || -> Result<Plan, Failure> {
        let mut options = FitOptions {
            seed: number("--seed", 1)? as u64,
            ..FitOptions::default()
        };
        options.members = number("--members", options.members)?;
        options.hidden = number("--hidden", options.hidden)?;
        options.epochs = number("--epochs", options.epochs)?;
        for (name, option) in [
            ("--rate", &mut options.rate),
            ("--decay", &mut options.decay),
            ("--noise", &mut options.noise),
            ("--dropout", &mut options.dropout),
        ] {
            if let Some(text) = value(name) {
                *option = text.parse()?;
            }
        }
        if let Some(text) = value("--threshold") {
            options.threshold = text.parse()?;
        }
        Ok(Plan {
            films: value("--films").map(PathBuf::from),
            pictures: value("--pictures").map(PathBuf::from),
            kept: value("--examples").map(PathBuf::from),
            drawn: number("--drawn", 60)?,
            options,
        })
    };
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["fit", model, out, ..] => {
            let gate = plan()?.fit()?;
            std::fs::write(out, attach(&std::fs::read(model)?, &gate)?)?;
            eprintln!(
                "{out}: threshold {:.4}, {} numbers",
                gate.threshold,
                gate.parameters()
            );
        }
        ["cross", ..] => plan()?.cross()?,
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
        ["copy", from, to, out] => {
            let gate = attached(&std::fs::read(from)?)?.ok_or("the model has no gate")?;
            std::fs::write(out, attach(&std::fs::read(to)?, &gate)?)?;
        }
        ["show", dir] => show(Path::new(dir))?,
        _ => return Err("usage: gate fit|cross|copy|measure|show …".into()),
    }
    Ok(())
}

struct Plan {
    films: Option<PathBuf>,
    pictures: Option<PathBuf>,
    /// File of examples: read if it is there, written if not.
    kept: Option<PathBuf>,
    /// Pictures of each drawn kind.
    drawn: usize,
    options: FitOptions,
}

impl Plan {
    fn fit(&self) -> Result<Gate, Failure> {
        let examples = self.examples()?;
        eprintln!("fitting on {} examples", examples.len());
        Ok(fit(&examples, &self.options, &|| {})?)
    }

    /// Measured pictures, varied: all that a gate is fitted on.
    fn examples(&self) -> Result<Vec<Example>, Failure> {
        match &self.kept {
            Some(file) if file.exists() => read_examples(file),
            Some(file) => {
                let examples = self.measured()?;
                write_examples(file, &examples)?;
                Ok(examples)
            }
            None => self.measured(),
        }
    }

    fn measured(&self) -> Result<Vec<Example>, Failure> {
        let (start, seed) = (Instant::now(), self.options.seed);
        let films = self.films.as_deref().ok_or("--films DIR is missing")?;
        let mut examples = drawn(self.drawn, seed, &|| {});
        let mut sources = self.pictures.as_deref().map_or(Ok(Vec::new()), found)?;
        sources.push(Source {
            class: Class::Radiograph,
            name: FILMS.to_owned(),
            files: image_files(films)?,
        });
        for source in &sources {
            // Small sources are varied more often, so that each is looked at from many sides.
            let times = match source.class {
                Class::Radiograph if source.name == FILMS => 2,
                Class::Radiograph => 5,
                _ => (1500 / source.files.len().max(1)).clamp(3, 10),
            };
            examples.extend(varied(source, times, seed, &|| {}));
            eprintln!(
                "{}: {} files ({:.0?})",
                source.name,
                source.files.len(),
                start.elapsed()
            );
        }
        Ok(examples)
    }

    /// What becomes of the pictures of each source by gates that were fitted without it. Sources of one origin, named before the first `-`, go together; a fold
    /// has no more than one origin of radiographs.
    fn cross(&self) -> Result<(), Failure> {
        let examples = self.examples()?;
        let origin = |e: &Example| e.source.split('-').next().unwrap_or_default().to_owned();
        let is_drawn = |e: &Example| draw::KINDS.iter().any(|kind| kind.name == e.source);
        let of = |test: &dyn Fn(&Example) -> bool| -> BTreeSet<String> {
            let some = examples.iter().filter(|e| !is_drawn(e) && test(e));
            some.map(origin).collect()
        };
        let is_film = |e: &Example| matches!(e.class, Class::Radiograph | Class::Outside);
        let films: Vec<String> = of(&is_film).into_iter().collect();
        let others: Vec<String> = of(&|_| true)
            .into_iter()
            .filter(|name| !films.contains(name))
            .collect();
        let fold = |e: &Example| {
            let name = origin(e);
            let among = |names: &[String]| names.iter().position(|n| *n == name);
            among(&films).or_else(|| among(&others).map(|at| at % films.len()))
        };
        let fold = |e: &Example| (!is_drawn(e)).then(|| fold(e)).flatten();
        let mut by_source: BTreeMap<(Class, &str), Vec<Verdict>> = BTreeMap::new();
        for (e, verdict) in held_out(&examples, &self.options, &fold, &|| {})? {
            let source = by_source.entry((e.class, &e.source)).or_default();
            source.push(verdict);
        }
        println!(
            "| what | source | pictures | refused below 0.2 | 0.3 | 0.4 | 0.5 | 0.6 | outside | cross-section |"
        );
        println!("|---|---|---|---|---|---|---|---|---|---|");
        for ((class, source), seen) in by_source {
            let share = |test: &dyn Fn(&Verdict) -> bool| {
                let count = seen.iter().filter(|v| test(v)).count();
                format!("{:.1} %", 100.0 * count as f64 / seen.len() as f64)
            };
            let refused: Vec<String> = [0.2, 0.3, 0.4, 0.5, 0.6]
                .map(|threshold| share(&|v| v.xray_score < threshold))
                .to_vec();
            println!(
                "| {} | {source} | {} | {} | {} | {} |",
                class.name(),
                seen.len(),
                refused.join(" | "),
                share(&|v| v.outside >= 0.5),
                share(&|v| v.cross_section >= 0.3),
            );
        }
        Ok(())
    }
}

/// A line an example: class, source, number of the picture, features.
fn write_examples(file: &Path, examples: &[Example]) -> Result<(), Failure> {
    let mut text = BufWriter::new(File::create(file)?);
    for e in examples {
        write!(text, "{},{},{}", e.class.name(), e.source, e.picture)?;
        for v in &e.features {
            write!(text, ",{v}")?;
        }
        writeln!(text)?;
    }
    Ok(text.flush()?)
}

fn read_examples(file: &Path) -> Result<Vec<Example>, Failure> {
    let text = std::fs::read_to_string(file)?;
    let of = |line: &str| -> Result<Example, Failure> {
        let mut fields = line.split(',');
        let mut next = || fields.next().ok_or("a line of the examples is too short");
        let name = next()?;
        let class = Class::ALL.into_iter().find(|class| class.name() == name);
        let (class, source) = (class.ok_or("an example of no known class")?, next()?);
        let picture = next()?.parse()?;
        let features = fields.map(str::parse).collect::<Result<Vec<f32>, _>>()?;
        if features.len() != FEATURES {
            return Err("the examples are of another list of features".into());
        }
        Ok(Example {
            class,
            source: source.to_owned(),
            picture,
            features,
        })
    };
    text.lines().map(of).collect()
}

fn measure(gate: &Gate, folder: &Path, list: bool) -> Result<Vec<Rate>, Failure> {
    println!(
        "| what | source | pictures | refused | cross-section | outside | annotated |\n|---|---|---|---|---|---|---|"
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
            if gate.admits(verdict.xray_score)
                != matches!(source.class, Class::Radiograph | Class::Outside)
            {
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
        outside_training: count(&|v| {
            gate.admits(v.xray_score) && v.outside >= gate.outside_threshold
        }),
        cross_section: count(&|v| v.cross_section >= gate.cross_section_threshold),
        annotated: count(&|v| v.annotated),
    };
    println!(
        "| {} | {source} | {} | {} ({:.1} %) | {} | {} | {} |",
        class.name(),
        rate.pictures,
        rate.refused,
        100.0 * rate.refused as f64 / rate.pictures.max(1) as f64,
        rate.cross_section,
        rate.outside_training,
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
