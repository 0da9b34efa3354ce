//! Whether the header of a safetensors file is as it was written.
//!
//! `cargo run -p files --example check_header -- FILE`
#![allow(clippy::print_stdout, reason = "an example that prints")]

use std::error::Error;

use osteon_files::{Seal, check_seal, header};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: check_header FILE")?;
    let file = std::fs::read(&path)?;
    let bytes = header(&file).ok_or("not a safetensors file")?.len();
    let said = match check_seal(&file) {
        Seal::Sound => "as it was written",
        Seal::Absent => "without a checksum",
        Seal::Broken => "damaged",
    };
    println!("{path}: a header of {bytes} bytes, {said}");
    Ok(())
}
