//! Writes sample reports, to look at: `cargo run -p report --example report -- OUT`.
#![allow(clippy::expect_used, reason = "samples that are known to be whole")]

#[path = "../tests/it/sample.rs"]
mod sample;

use osteon_report::{figures_csv, scores_csv};

fn main() -> std::io::Result<()> {
    let Some(out) = std::env::args().nth(1) else {
        return Err(std::io::Error::other("give a folder"));
    };
    let out = std::path::Path::new(&out);
    let samples = vec![
        ("rich", sample::rich()),
        ("poor", sample::poor()),
        ("healthy", sample::of_labels(&[false; 40])),
        ("nothing", sample::of_labels(&[])),
    ];
    for (name, sample) in samples {
        let folder = out.join(name);
        std::fs::create_dir_all(&folder)?;
        let html = sample.report().html().map_err(std::io::Error::other)?;
        std::fs::write(folder.join("report.html"), html)?;
        std::fs::write(folder.join("scores.csv"), scores_csv(&sample.films))?;
        std::fs::write(folder.join("figures.csv"), figures_csv(&sample.judgement))?;
    }
    Ok(())
}
