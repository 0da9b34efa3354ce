//! A DICOM image in, its answer as DICOM out: `cargo run -p dicom --example answer -- FILM.dcm [DIR]`.
//!
//! Writes `overlay.dcm` and `report.dcm` to DIR (the current folder), by the model that ships.
#![allow(
    clippy::print_stdout,
    reason = "a program for the terminal, not a library"
)]

use std::error::Error;
use std::path::PathBuf;

use osteon_dicom::answer_bytes;
use osteon_model::{Device, Predictor};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let film = arguments.next().ok_or("usage: answer FILM.dcm [DIR]")?;
    let dir = PathBuf::from(arguments.next().unwrap_or_else(|| ".".to_owned()));
    let predictor = Predictor::shipped(Device::Cpu)?;
    let (explained, answer) = answer_bytes(&predictor, &std::fs::read(film)?, None)?;
    std::fs::write(dir.join("overlay.dcm"), &answer.capture.bytes)?;
    std::fs::write(dir.join("report.dcm"), &answer.report.bytes)?;
    let prediction = explained.prediction;
    println!("{:.3} {}", prediction.score, prediction.decision);
    Ok(())
}
