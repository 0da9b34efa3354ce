//! What an image holds in memory while it is decoded, against what [`Limits::max_bytes`] took it for. A program of its own: it counts for the
//! whole process.

use std::path::Path;

use osteon_data::{DecodeError, DecodeScratch, Decoder, Limits};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// What is held at most while an image is read under a limit, its file among it.
fn read(path: &Path, max_bytes: u64) -> (Result<(), DecodeError>, u64) {
    let decoder = Decoder {
        limits: Limits {
            max_bytes,
            ..Limits::default()
        },
        ..Decoder::default()
    };
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let bytes = std::fs::read(path).expect("is there");
    let mut scratch = DecodeScratch::default();
    let read = decoder.decode_in_color(&bytes, None, &mut scratch);
    let read = read.map(|_| ());
    drop((bytes, scratch));
    let peak = MEMORY.peak_usage() - before;
    (read, peak as u64)
}

/// Large images in small files (`oracles/make_large.py`): bombs, but honest ones.
#[test]
fn a_film_holds_no_more_than_it_was_taken_for() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracles/large");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("is there")
        .map(|file| file.expect("a file").path())
        .collect();
    files.sort();
    assert!(files.len() >= 22);
    let mut wrong = Vec::new();
    for path in files {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let (whole, held) = read(&path, u64::MAX);
        whole.expect("decodes");
        // The least limit under which it is read.
        let (mut low, mut high) = (0, 1 << 30);
        while high - low > 1 << 16 {
            let middle = u64::midpoint(low, high);
            match read(&path, middle) {
                (Ok(()), _) => high = middle,
                (Err(_), refused) => {
                    low = middle;
                    // Refused before it was paid for.
                    if refused > middle + (1 << 20) {
                        wrong.push(format!("{name}: {refused} held under a limit of {middle}"));
                    }
                }
            }
        }
        let pixels = 1203 * 901;
        println!(
            "{name:<24} {:>5.1} bytes a pixel held, {:>5.1} taken for",
            held as f64 / f64::from(pixels),
            high as f64 / f64::from(pixels),
        );
        if held > high {
            wrong.push(format!("{name}: {held} bytes held, taken for {high}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // In the same test: two at once would count each other's.
    lengths_are_not_believed();
}

/// Why a file is refused under a limit, before next to anything was held for it.
fn refused(path: &Path, max_bytes: u64) -> DecodeError {
    let (read, held) = read(path, max_bytes);
    assert!(held < 8 << 20, "{held} bytes held");
    read.expect_err("is refused")
}

/// 100 bytes of WebP whose EXIF says that it has two gigabytes: found by fuzzing.
fn lengths_are_not_believed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracles/formats");
    let mut webp = std::fs::read(folder.join("exif6.webp")).expect("is there");
    let exif = webp.windows(4).position(|w| w == b"EXIF").expect("a chunk");
    webp[exif + 4..exif + 8].copy_from_slice(&0x7fff_fffe_u32.to_le_bytes());
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), webp).expect("writes");
    let (_, held) = read(file.path(), u64::MAX);
    assert!(held < 8 << 20, "{held} bytes held");

    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds");
    let error = refused(&seeds.join("image/holds_64_mib.tif"), u64::MAX);
    assert!(matches!(error, DecodeError::Image { .. }), "{error:?}");

    // A DICOM file whose meta group has an element of another group, and 800 megabytes after it.
    let mut dicom = std::fs::read(seeds.join("dicom/plain.dcm")).expect("is there");
    let place = |bytes: &[u8], head: &[u8]| {
        let at = bytes.windows(head.len()).position(|w| w == head);
        at.expect("an element")
    };
    let first = place(&dicom, b"\x02\0\x02\0UI");
    dicom[first] = 0x10;
    let second = place(&dicom, b"\x02\0\x03\0UI");
    dicom.splice(second + 4..second + 8, *b"UN\0\0\0\0\0\x31");
    std::fs::write(file.path(), dicom).expect("writes");
    let error = refused(file.path(), u64::MAX);
    // The group ends where another begins, before it has said how the data set is coded.
    assert!(
        matches!(error, DecodeError::DicomAttribute { .. }),
        "{error:?}"
    );

    // Two bytes of an eight-byte number, of which the parser reads none and loses its place: found by fuzzing.
    let error = refused(&seeds.join("dicom/odd_length.dcm"), u64::MAX);
    assert!(
        matches!(error, DecodeError::DicomLength { .. }),
        "{error:?}"
    );

    // One byte of padding where pixels are signed, which the parser takes for a two-byte number, whatever its type is said to be. Read from one
    // byte before, the element after it has two gigabytes.
    let mut dicom = std::fs::read(seeds.join("dicom/plain.dcm")).expect("is there");
    let signed = place(&dicom, b"\x28\0\x03\x01US");
    let odd = *b"\x28\0\x20\x01OB\0\0\x01\0\0\0\0\x28\0\x30\x4fFD\x08\0\xff\xff\x7f\0\0\0\0\0";
    dicom[signed + 8] = 1;
    dicom.splice(signed + 10..signed + 10, odd);
    std::fs::write(file.path(), dicom).expect("writes");
    let error = refused(file.path(), u64::MAX);
    assert!(
        matches!(error, DecodeError::DicomLength { .. }),
        "{error:?}"
    );

    // Run lengths: 117 million segments, found by fuzzing; and half a megabyte that would become 32, of which no more is laid out than the image has
    // room for.
    let mut dicom = std::fs::read(seeds.join("dicom/rle_segments.dcm")).expect("is there");
    // What else was spoiled in it is refused before its segments are looked at.
    let name = place(&dicom, b"DICMCHROME2");
    dicom[name..name + 4].copy_from_slice(b"MONO");
    std::fs::write(file.path(), dicom).expect("writes");
    let error = refused(file.path(), u64::MAX);
    assert!(
        matches!(error, DecodeError::DicomSegments { .. }),
        "{error:?}"
    );
    let mut dicom = std::fs::read(seeds.join("dicom/rle.dcm")).expect("is there");
    let table = place(&dicom, b"\xfe\xff\0\xe0");
    dicom.truncate(table);
    let runs = [129, 0].repeat(1 << 18);
    let starts: Vec<u8> = [2_u32, 64, 66]
        .into_iter()
        .flat_map(u32::to_le_bytes)
        .collect();
    dicom.extend(b"\xfe\xff\0\xe0\0\0\0\0\xfe\xff\0\xe0");
    dicom.extend((64 + 2 + runs.len() as u32).to_le_bytes());
    dicom.extend(&starts);
    dicom.resize(dicom.len() + 64 - starts.len(), 0);
    dicom.extend([129, 0]);
    dicom.extend(&runs);
    dicom.extend(b"\xfe\xff\xdd\xe0\0\0\0\0");
    std::fs::write(file.path(), dicom).expect("writes");
    let (read, held) = read(file.path(), u64::MAX);
    let error = read.expect_err("too short a first segment");
    assert!(matches!(error, DecodeError::DicomTruncated), "{error:?}");
    assert!(held < 8 << 20, "{held} bytes held");
}
