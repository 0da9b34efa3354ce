//! Bytes as an image in any format but DICOM (and DICOM too, where the bytes say so).

use osteon_data::{DecodeError, DecodeScratch, Decoder, Fit, Limits, Wanted};

/// Small, so that no input is slow.
const PIXELS: u64 = 1 << 18;
/// Bytes that decoding may hold at once.
pub const MOST: usize = 64 << 20;

/// The last byte says how the rest is decoded: an image's own bytes begin as its format has it.
pub fn run(bytes: &[u8]) {
    let Some((&how, bytes)) = bytes.split_last() else {
        return;
    };
    let decoder = Decoder {
        limits: Limits {
            max_pixels: PIXELS,
            max_bytes: MOST as u64,
        },
        repair: how & 1 != 0,
        ..Decoder::default()
    };
    let wanted = (how & 2 != 0).then_some(Wanted {
        width: 32,
        height: 24,
        fit: Fit::Letterbox,
    });
    let mut scratch = DecodeScratch::default();
    let first = match decoder.decode_with(bytes, wanted, &mut scratch) {
        Ok(film) => {
            let (width, height) = (film.view.width(), film.view.height());
            let (across, down) = film.view.full_size();
            assert!(u64::from(across) * u64::from(down) <= PIXELS);
            assert!(0 < width && width <= across && 0 < height && height <= down);
            assert!(decoder.repair || !film.repaired);
            Ok((film.view.to_image(), film.repaired))
        }
        Err(error) => Err(told(&error)),
    };
    // Buffers that another image was in, or half of one, change nothing.
    let again = decoder
        .decode_with(bytes, wanted, &mut scratch)
        .map(|film| (film.view.to_image(), film.repaired))
        .map_err(|error| told(&error));
    assert!(first == again, "two decodings of one file differ");
    let in_color = decoder.decode_in_color(bytes, wanted, &mut scratch);
    match (&first, in_color) {
        (Ok((film, _)), Ok((again, color))) => {
            if let Some(color) = color {
                let (w, h) = (color.width(), color.height());
                assert_eq!(color.pixels().len() as u64, u64::from(w) * u64::from(h));
                assert!(w <= 256 && h <= 256);
            }
            // Of a damaged JPEG that zune-jpeg takes for whole, the luma hangs on whether the colours were decoded, too.
            if !bytes.starts_with(b"\xff\xd8") {
                assert!(
                    again.view.to_image() == *film,
                    "in colour it is another image"
                );
            }
        }
        // A fault of the colours alone, or another of the same file.
        _ if bytes.starts_with(b"\xff\xd8") => {}
        (Err(a), Err(b)) => assert_eq!(*a, told(&b)),
        (first, _) => panic!("read once: {}", first.is_ok()),
    }
    if let (None, Ok((film, _)), false) = (wanted, &first, decoder.repair) {
        assert!(decoder.decode(bytes).is_ok_and(|whole| whole == *film));
    }
}

/// An error's words, which there must be.
fn told(error: &DecodeError) -> String {
    let said = error.to_string();
    assert!(!said.is_empty());
    said
}
