//! A model as a library: `cargo run -p model --example predict -- film.jpg …` (the model that ships).
#![allow(clippy::print_stdout, reason = "an example prints")]

use osteon_model::{Device, ModelError, Predictor};

fn main() -> Result<(), ModelError> {
    let predictor = Predictor::shipped(Device::Cpu)?;
    for film in std::env::args_os().skip(1) {
        let answer = predictor.predict_path(film.as_ref())?;
        println!("{:.3} {} {}", answer.score, answer.decision, film.display());
    }
    Ok(())
}
