//! What a gate measures of pictures, as CSV: a row a picture, its name and [`FEATURES`] numbers.
//!
//! `cargo run --release -p gate --example measure -- FOLDER`
#![allow(clippy::print_stdout, reason = "an example that prints a table")]

use std::error::Error;
use std::path::PathBuf;

use osteon_data::{Decoder, image_files};
use osteon_gate::{FEATURES, Picture, features};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("usage: measure FOLDER")?);
    for path in image_files(&folder)? {
        let image = Decoder::default().decode_path(&path)?;
        let numbers = features(&Picture::new(&image, None));
        debug_assert_eq!(numbers.len(), FEATURES);
        let numbers: Vec<String> = numbers.iter().map(f32::to_string).collect();
        println!("{},{}", path.display(), numbers.join(","));
    }
    Ok(())
}
