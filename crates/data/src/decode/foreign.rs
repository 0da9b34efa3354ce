//! Formats that are known and not read, by their content: whoever has one hears its name rather than that it is damaged.

use super::markers::{self, JPEG_LS};
use super::tiff;

/// Bytes in which a text may come to its point: declarations and comments go before it.
const HEAD: usize = 4096;

/// The name of a format that is not read, in words that fit "by its content this is …".
pub(super) fn name(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xd8, ..] => jpeg(bytes),
        [b'I', b'I', 43, 0, ..] | [b'M', b'M', 0, 43, ..] => Some("BigTIFF"),
        [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => tiff::foreign(bytes),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => Some(media(bytes)),
        _ => signature(bytes).or_else(|| text(bytes)),
    }
}

fn signature(bytes: &[u8]) -> Option<&'static str> {
    const SIGNATURES: &[(&[u8], &str)] = &[
        (b"\xff\x0a", "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"\xff\x4f\xff\x51", "JPEG 2000"),
        (b"II\xbc", "JPEG XR"),
        (b"8BPS", "a Photoshop file (PSD)"),
        (b"gimp xcf", "a GIMP file (XCF)"),
        (b"\0\0\x01\0", "an icon (ICO)"),
        (b"\x76\x2f\x31\x01", "OpenEXR"),
        (b"#?RADIANCE", "Radiance HDR"),
        (b"qoif", "QOI"),
        (b"DDS ", "DDS"),
        (b"\x8aMNG\r\n\x1a\n", "MNG"),
        (b"SIMPLE  =", "FITS"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"NRRD000", "NRRD"),
        (b"P1\n", "PBM"),
        (b"P2\n", "PGM"),
        (b"P3\n", "PPM"),
        (b"P4\n", "PBM"),
        (b"P5\n", "PGM"),
        (b"P6\n", "PPM"),
        (b"P5 ", "PGM"),
        (b"P6 ", "PPM"),
        (b"P7\n", "PAM"),
        (b"AT&TFORM", "DjVu"),
        (b"%!PS", "PostScript"),
        (b"\xc5\xd0\xd3\xc6", "PostScript"),
        (b"{\\rtf", "an RTF document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office document"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"Rar!\x1a\x07", "a RAR archive"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        (b"\x1f\x8b", "a gzip archive"),
        (b"\x1a\x45\xdf\xa3", "a Matroska video"),
    ];
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"AVI ") {
        return Some("an AVI video");
    }
    SIGNATURES
        .iter()
        .find(|(signature, _)| bytes.starts_with(signature))
        .map(|&(_, name)| name)
}

/// Of a file of ISO boxes: the brand tells, its own before those that it is compatible with.
fn media(bytes: &[u8]) -> &'static str {
    let length = bytes.first_chunk().map_or(0, |&n| u32::from_be_bytes(n));
    let brands = bytes.get(8..length as usize).unwrap_or(&bytes[8..]);
    let (brands, _) = brands.as_chunks::<4>();
    // The second is a version.
    let others = brands.iter().skip(2).take(32);
    let of = |brand: &[u8; 4]| match brand {
        b"avif" | b"avis" => Some("AVIF"),
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" => Some("HEIC"),
        b"jp2 " | b"jpx " | b"jpm " => Some("JPEG 2000"),
        b"jxl " => Some("JPEG XL"),
        b"crx " => Some("a camera's raw file (CR3)"),
        _ => None,
    };
    let first = brands.first().and_then(of);
    let still = brands
        .iter()
        .any(|brand| brand == b"mif1" || brand == b"msf1");
    first
        .or_else(|| others.copied().find_map(|brand| of(&brand)))
        .unwrap_or(if still { "HEIF" } else { "a video" })
}

fn text(bytes: &[u8]) -> Option<&'static str> {
    let head = &bytes[..bytes.len().min(HEAD)];
    // Others than browsers and viewers may write before it.
    if head.windows(5).take(1024).any(|five| five == b"%PDF-") {
        return Some("PDF");
    }
    let start = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let start = start.trim_ascii_start();
    if !start.starts_with(b"<") {
        return None;
    }
    let has = |word: &[u8]| {
        let is = |part: &[u8]| part.eq_ignore_ascii_case(word);
        start.windows(word.len()).any(is)
    };
    if has(b"<svg") && !has(b"<html") {
        Some("SVG")
    } else if [
        &b"<!doctype html"[..],
        b"<html",
        b"<head",
        b"<body",
        b"<title",
    ]
    .into_iter()
    .any(has)
    {
        Some("a web page (HTML)")
    } else if start.starts_with(b"<?xml") {
        Some("an XML file")
    } else {
        None
    }
}

/// A JPEG of a kind that no decoder here reads.
fn jpeg(bytes: &[u8]) -> Option<&'static str> {
    let header = markers::jpeg(bytes)?;
    match header.frame {
        JPEG_LS => Some("JPEG-LS"),
        0xc3 => Some("lossless JPEG"),
        // libjpeg-turbo reads these.
        0xc9 | 0xca if header.bits == 8 && cfg!(feature = "turbo") => None,
        0xc9..=0xcb | 0xcd..=0xcf => Some("arithmetic-coded JPEG"),
        0xc5..=0xc7 => Some("hierarchical JPEG"),
        _ if header.bits == 12 => Some("12-bit JPEG"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brands_and_first_words_tell() {
        let boxed = |brands: &[&[u8; 4]]| {
            let mut bytes = (8 + 4 * brands.len() as u32).to_be_bytes().to_vec();
            bytes.extend(b"ftyp");
            bytes.extend(brands.iter().copied().flatten());
            bytes.extend(b"\0\0\0\x10moovheic");
            bytes
        };
        for (brands, expected) in [
            (&[b"heic", b"\0\0\0\0", b"mif1", b"heic"][..], "HEIC"),
            (&[b"mif1", b"\0\0\0\0", b"heic", b"mif1"], "HEIC"),
            (&[b"mif1", b"\0\0\0\0", b"avif", b"mif1"], "AVIF"),
            (&[b"avif", b"\0\0\0\0", b"mif1"], "AVIF"),
            (&[b"mif1", b"\0\0\0\0", b"miaf"], "HEIF"),
            (&[b"isom", b"\0\0\x02\0", b"mp41"], "a video"),
            (&[b"qt  ", b"\0\0\0\0"], "a video"),
        ] {
            assert_eq!(name(&boxed(brands)), Some(expected), "{brands:?}");
        }
        for (text, expected) in [
            (&b"%PDF-1.7\n"[..], Some("PDF")),
            (b"\n\n%PDF-1.3", Some("PDF")),
            (b"<svg xmlns='x'/>", Some("SVG")),
            (
                b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- a -->\n<svg/>",
                Some("SVG"),
            ),
            (b"  <!DocType HTML><p>", Some("a web page (HTML)")),
            (
                b"<html><body><svg/></body></html>",
                Some("a web page (HTML)"),
            ),
            (b"<?xml version='1.0'?><a/>", Some("an XML file")),
            (b"a letter about <html>", None),
            (b"BM", None),
            (b"", None),
        ] {
            assert_eq!(name(text), expected, "{}", text.escape_ascii());
        }
    }
}
