//! Bytes as a DICOM file: its data set, its samples and its gray levels.

use osteon_data::{DecodeError, Decoder, Limits, read_dicom};

/// Small, so that no input is slow.
const PIXELS: u64 = 1 << 16;
/// Bytes that decoding may hold at once.
pub const MOST: usize = 64 << 20;

/// The 128 bytes and `DICM` of a file are put before what does not begin so: most inputs get past them.
pub fn run(bytes: &[u8]) {
    let limits = Limits {
        max_pixels: PIXELS,
        max_bytes: MOST as u64,
    };
    let decoder = Decoder {
        limits,
        ..Decoder::default()
    };
    let mut file = Vec::new();
    if bytes.get(128..132) != Some(b"DICM") {
        file.resize(128, 0);
        file.extend(b"DICM");
    }
    file.extend(bytes);
    let object = read_dicom(&file, limits);
    let samples = decoder.dicom_samples(&file);
    let film = decoder.decode(&file);
    for error in [
        object.as_ref().err(),
        samples.as_ref().err(),
        film.as_ref().err(),
    ] {
        assert!(error.is_none_or(|error| !error.to_string().is_empty()));
    }
    // A file whose data set does not read has no samples, and an image's size is that of its samples.
    if object.is_err() {
        assert!(samples.is_err() && film.is_err());
    }
    if let Ok(samples) = &samples {
        let count = u64::from(samples.width) * u64::from(samples.height);
        assert!(0 < count && count <= PIXELS);
        assert_eq!(samples.values.len() as u64, count);
        assert!(
            samples
                .values
                .iter()
                .all(|value| (-0x8000..=0xffff).contains(value))
        );
    }
    match (&samples, &film) {
        (Ok(samples), Ok(film)) => {
            assert_eq!((samples.width, samples.height), film.dimensions());
        }
        (_, Ok(film)) => {
            let count = u64::from(film.width()) * u64::from(film.height());
            assert!(0 < count && count <= PIXELS);
        }
        (_, Err(DecodeError::UnknownFormat | DecodeError::NoDicom)) => {
            panic!("begins like a DICOM file, and is not taken for one");
        }
        _ => {}
    }
}
