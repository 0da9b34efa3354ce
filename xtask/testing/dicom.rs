//! DICOM images that tests write themselves, element by element: shared by the crates whose tests need one.

#![allow(dead_code, reason = "each of the test programs uses some of it")]

/// Computed Radiography Image Storage.
pub const CR: &str = "1.2.840.10008.5.1.4.1.1.1";
/// Explicit VR Little Endian.
pub const NATIVE: &str = "1.2.840.10008.1.2.1";
/// Who an image is of …
pub const PATIENT: &str = "Doe^Jane";
/// … and in which study.
pub const STUDY: &str = "1.2.826.0.1.3680043.8.498.1";

/// An element, explicit little endian; an odd value is made even as its type asks for.
pub fn element(group: u16, number: u16, vr: &[u8], value: &[u8]) -> Vec<u8> {
    let mut value = value.to_vec();
    if value.len() % 2 == 1 {
        value.push(if matches!(vr, b"UI" | b"OB" | b"UN") {
            0
        } else {
            b' '
        });
    }
    let mut bytes = [group.to_le_bytes(), number.to_le_bytes()].concat();
    bytes.extend(vr);
    if matches!(vr, b"OB" | b"OW" | b"SQ" | b"UN") {
        bytes.extend([0, 0]);
        bytes.extend((value.len() as u32).to_le_bytes());
    } else {
        bytes.extend((value.len() as u16).to_le_bytes());
    }
    bytes.extend(value);
    bytes
}

/// An element of 16 bits.
pub fn word(group: u16, number: u16, value: u16) -> Vec<u8> {
    element(group, number, b"US", &value.to_le_bytes())
}

/// A file of elements in the order given.
pub fn file(syntax: &str, class: &str, instance: &str, elements: &[Vec<u8>]) -> Vec<u8> {
    let meta = [
        element(2, 1, b"OB", &[0, 1]),
        element(2, 2, b"UI", class.as_bytes()),
        element(2, 3, b"UI", instance.as_bytes()),
        element(2, 0x10, b"UI", syntax.as_bytes()),
        element(2, 0x12, b"UI", b"1.2.826.0.1.3680043.8.498"),
    ]
    .concat();
    [
        vec![0; 128],
        b"DICM".to_vec(),
        element(2, 0, b"UL", &(meta.len() as u32).to_le_bytes()),
        meta,
        elements.concat(),
    ]
    .concat()
}

/// The SOP Instance UID of an image by its number.
pub fn instance(number: usize) -> String {
    format!("{STUDY}.2.{number}")
}

/// A CR image, 12 bits, MONOCHROME1, explicit little endian, of a slanted bright bar; by its number another one.
pub fn film(number: usize, width: u16, height: u16) -> Vec<u8> {
    let instance = instance(number);
    let mut pixels = Vec::with_capacity(usize::from(width) * usize::from(height) * 2);
    for y in 0..usize::from(height) {
        for x in 0..usize::from(width) {
            let beside = (x * 7 + y * 2 + number * 40) % 1500;
            let value = 3600_usize.saturating_sub(beside * 2) + (x * y + number) % 97;
            pixels.extend((value.min(4095) as u16).to_le_bytes());
        }
    }
    let series = format!("{STUDY}.1");
    let number = number.to_string();
    let elements = [
        element(8, 5, b"CS", b"ISO_IR 100"),
        element(8, 0x16, b"UI", CR.as_bytes()),
        element(8, 0x18, b"UI", instance.as_bytes()),
        element(8, 0x20, b"DA", b"20240229"),
        element(8, 0x30, b"TM", b"101500"),
        element(8, 0x50, b"SH", b"ACC-1"),
        element(8, 0x60, b"CS", b"CR"),
        element(8, 0x70, b"LO", b"Maker"),
        // Latin-1, to come out as UTF-8.
        element(8, 0x90, b"PN", b"M\xfcller^Eva"),
        element(0x10, 0x10, b"PN", PATIENT.as_bytes()),
        element(0x10, 0x20, b"LO", b"PID-42"),
        element(0x10, 0x30, b"DA", b"19700101"),
        element(0x10, 0x40, b"CS", b"F"),
        element(0x20, 0xd, b"UI", STUDY.as_bytes()),
        element(0x20, 0xe, b"UI", series.as_bytes()),
        element(0x20, 0x10, b"SH", b"S1"),
        element(0x20, 0x11, b"IS", b"1"),
        element(0x20, 0x13, b"IS", number.as_bytes()),
        word(0x28, 2, 1),
        element(0x28, 4, b"CS", b"MONOCHROME1"),
        word(0x28, 0x10, height),
        word(0x28, 0x11, width),
        word(0x28, 0x100, 16),
        word(0x28, 0x101, 12),
        word(0x28, 0x102, 11),
        word(0x28, 0x103, 0),
        element(0x7fe0, 0x10, b"OW", &pixels),
    ];
    file(NATIVE, CR, &instance, &elements)
}
