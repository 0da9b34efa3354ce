//! What must be refused, with a message that says why: nothing, headers alone, and headers that promise 40,000 × 40,000 pixels.

use osteon_data::{DecodeError, Decoder};

const SIDE: u32 = 40_000;

fn jpeg() -> Vec<u8> {
    let side = (SIDE as u16).to_be_bytes();
    let mut bytes = vec![0xff, 0xd8, 0xff, 0xc0, 0, 11, 8];
    bytes.extend([side[0], side[1], side[0], side[1], 1, 1, 0x11, 0]);
    bytes.extend([0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0]);
    bytes
}

fn png() -> Vec<u8> {
    let mut header = b"IHDR".to_vec();
    header.extend(SIDE.to_be_bytes());
    header.extend(SIDE.to_be_bytes());
    header.extend([8, 0, 0, 0, 0]);
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
    bytes.extend(&header);
    bytes.extend(crc32(&header).to_be_bytes());
    // An empty IDAT: the decoder reads up to it before it tells the size.
    bytes.extend(b"\0\0\0\0IDAT\x35\xaf\x06\x1e");
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc: u32, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            crc >> 1 ^ (0xedb8_8320 * (crc & 1))
        })
    })
}

fn bmp() -> Vec<u8> {
    let mut bytes = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    bytes.extend(SIDE.to_le_bytes());
    bytes.extend(SIDE.to_le_bytes());
    bytes.extend([1, 0, 24, 0]);
    bytes.extend([0; 24]);
    bytes
}

fn tiff() -> Vec<u8> {
    let mut bytes = b"II\x2a\0\x08\0\0\0".to_vec();
    let entries = [
        (256_u16, SIDE),
        (257, SIDE),
        (258, 8),
        (259, 1),
        (262, 1),
        (273, 8),
        (277, 1),
        (278, SIDE),
        (279, 100),
    ];
    bytes.extend((entries.len() as u16).to_le_bytes());
    for (tag, value) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend([4, 0, 1, 0, 0, 0]);
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend([0; 4]);
    bytes
}

fn gif() -> Vec<u8> {
    let side = (SIDE as u16).to_le_bytes();
    let mut bytes = b"GIF89a".to_vec();
    bytes.extend([
        side[0], side[1], side[0], side[1], 0x80, 0, 0, 0, 0, 0, 255, 255, 255,
    ]);
    bytes.extend([
        0x2c, 0, 0, 0, 0, side[0], side[1], side[0], side[1], 0, 2, 2, 0x4c, 1, 0, 0x3b,
    ]);
    bytes
}

/// WebP cannot say 40,000; 16,383 each way is 2.7 times the default limit.
fn webp() -> Vec<u8> {
    let packed: u32 = (16383 - 1) | (16383 - 1) << 14;
    let mut bytes = b"RIFF\x1a\0\0\0WEBPVP8L\x0e\0\0\0\x2f".to_vec();
    bytes.extend(packed.to_le_bytes());
    bytes.extend([0; 9]);
    bytes
}

#[test]
fn headers_that_promise_too_much_are_refused_by_their_size() {
    for (name, bytes) in [
        ("JPEG", jpeg()),
        ("PNG", png()),
        ("BMP", bmp()),
        ("TIFF", tiff()),
        ("GIF", gif()),
        ("WebP", webp()),
    ] {
        for repair in [false, true] {
            let decoder = Decoder {
                repair,
                ..Decoder::default()
            };
            let refused = decoder.decode(&bytes);
            assert!(
                matches!(refused, Err(DecodeError::TooLarge { limit: 100, .. })),
                "{name}: {refused:?}"
            );
        }
    }
}

#[test]
fn nothing_and_headers_alone_are_refused() {
    for bytes in [
        &b""[..],
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"BM",
        b"II\x2a\0",
        b"MM\0\x2a",
        b"GIF89a",
        b"RIFF\x1a\0\0\0WEBP",
        b"<svg/>",
    ] {
        for repair in [false, true] {
            let decoder = Decoder {
                repair,
                ..Decoder::default()
            };
            let error = decoder.decode(bytes).expect_err("no image").to_string();
            assert!(
                error.len() > 10 && !error.contains("TODO"),
                "{bytes:?}: {error}"
            );
        }
    }
}
