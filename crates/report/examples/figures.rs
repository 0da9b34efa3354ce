//! Draws the figures of a run: `cargo run -p report --example figures -- runs/mine/metrics.jsonl OUT`.

use osteon_report::{learning_curves, lr_finder, read_metrics};

fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip(1);
    let (Some(metrics), Some(out)) = (args.next(), args.next()) else {
        return Err(std::io::Error::other("give a metrics.jsonl and a folder"));
    };
    let metrics = read_metrics(&std::fs::read_to_string(metrics)?);
    let out = std::path::Path::new(&out);
    std::fs::create_dir_all(out)?;
    if !metrics.epochs.is_empty() {
        std::fs::write(
            out.join("learning_curves.svg"),
            learning_curves(&metrics.epochs),
        )?;
    }
    if !metrics.find_lr.is_empty() {
        let lowest = metrics.find_lr.iter().filter(|p| p.smoothed.is_some());
        let lowest = lowest.min_by(|a, b| {
            a.smoothed
                .partial_cmp(&b.smoothed)
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        std::fs::write(
            out.join("lr_finder.svg"),
            lr_finder(&metrics.find_lr, lowest.map(|p| p.lr / 10.0)),
        )?;
    }
    Ok(())
}
