//! Trains a small network from another program, with lines of its own: `cargo run --release -p train --example train -- DATA RUN`.
//!
//! For DATA without images of your own: `cargo run -p cli -- data synth films --images 600`.
#![allow(clippy::print_stdout, reason = "an example that prints its progress")]

use std::sync::atomic::AtomicBool;

use osteon_train::config::Layers;
use osteon_train::{Event, Plan, train};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(data), Some(run)) = (words.next(), words.next()) else {
        return Err("usage: train DATA RUN".into());
    };
    // As on the command line: a file, and keys on top.
    let layers = Layers {
        file: Some("configs/quick.toml".into()),
        set: vec!["train.epochs=8".to_owned()],
    };
    let mut config = layers.resolve()?;
    config.data.dir = data.into();
    let plan = Plan {
        config,
        run: run.into(),
        resume: false,
        force: false,
    };
    // Set it from anywhere, a signal or a button: the run ends cleanly after the step.
    let stop = AtomicBool::new(false);
    let mut told = |event: &Event<'_>| {
        if let Event::Epoch(epoch) = event {
            println!("epoch {}: loss {:.3}", epoch.epoch, epoch.train_loss);
        }
    };
    let outcome = train(&plan, &mut told, &stop)?;
    println!(
        "best epoch {}: {}",
        outcome.best_epoch,
        outcome.model.display()
    );
    Ok(())
}
