//! Where a drawn image comes from, as its own file says: a text of the PNG, which every reader of pictures passes over.

use flate2::Crc;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Signature, length and name of the header, its 13 bytes and their checksum: what every PNG begins with.
const HEAD: usize = 8 + 8 + 13 + 4;
const KEYWORD: &[u8] = b"osteon synth\0";

/// A PNG with a note of where it comes from, in Latin letters. What is no PNG stays as it is.
#[must_use]
pub fn with_provenance(png: &[u8], from: &str) -> Vec<u8> {
    let Some((head, rest)) = png
        .starts_with(SIGNATURE)
        .then(|| png.split_at_checked(HEAD))
        .flatten()
    else {
        return png.to_vec();
    };
    let text = [b"tEXt", KEYWORD, from.as_bytes()].concat();
    let mut sum = Crc::new();
    sum.update(&text);
    // Invariant: a name of a few dozen bytes.
    let length = (text.len() - 4) as u32;
    let mut out = Vec::with_capacity(png.len() + text.len() + 8);
    out.extend(head);
    out.extend(length.to_be_bytes());
    out.extend(text);
    out.extend(sum.sum().to_be_bytes());
    out.extend(rest);
    out
}

/// The note in a file, if it is a PNG that has one.
#[must_use]
pub fn provenance(file: &[u8]) -> Option<String> {
    let mut rest = file.strip_prefix(SIGNATURE)?;
    loop {
        let length = u32::from_be_bytes(*rest.first_chunk()?) as usize;
        let name = rest.get(4..8)?;
        if name == b"IDAT" || name == b"IEND" {
            return None;
        }
        let data = rest.get(8..8_usize.checked_add(length)?)?;
        if let (b"tEXt", Some(from)) = (name, data.strip_prefix(KEYWORD)) {
            return String::from_utf8(from.to_vec()).ok();
        }
        rest = rest.get(length.checked_add(12)?..)?;
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn a_note_is_read_back_and_the_picture_is_the_same() {
        let film = image::GrayImage::from_fn(9, 7, |x, y| image::Luma([(x * y) as u8]));
        let mut png = Cursor::new(Vec::new());
        film.write_to(&mut png, image::ImageFormat::Png)
            .expect("encodes");
        let noted = with_provenance(png.get_ref(), "seed 3, image 8");
        assert_eq!(provenance(&noted).as_deref(), Some("seed 3, image 8"));
        let back = image::load_from_memory(&noted)
            .expect("decodes")
            .into_luma8();
        assert_eq!(back, film);
        assert_eq!(provenance(png.get_ref()), None);
    }

    #[test]
    fn whatever_is_no_png_has_none() {
        assert_eq!(with_provenance(b"JPEG", "x"), b"JPEG");
        for bytes in [
            &b""[..],
            b"JPEG",
            SIGNATURE,
            b"\x89PNG\r\n\x1a\n\xff\xff\xff\xfftEXtosteon synth\0x",
        ] {
            assert_eq!(provenance(bytes), None);
        }
    }
}
