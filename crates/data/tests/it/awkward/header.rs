//! Lengths, the file meta group, and names.

use osteon_data::{DecodeError, Limits, read_dicom};

use super::{DEEP, Kind, NATIVE, decode, element, error, file, film, levels, words};

/// Bytes in words, as many as there are pixels: an odd number of them, of which the last has no fellow.
#[test]
fn words_of_an_odd_number_of_bytes() {
    let kind = Kind::bytes("MONOCHROME2", (3, 3));
    let film = [1, 20, 40, 60, 80, 100, 120, 140, 251_u8];
    let shown = |film: &[u8]| -> Vec<u8> {
        let range = film.iter().map(|&v| (f32::from(v) - 1.0) * 255.0 / 250.0);
        range.map(|v| v.round() as u8).collect()
    };
    let odd = |type_of: &[u8], big: bool, bytes: &[u8]| {
        let length = bytes.len() as u32;
        let tag: [u8; 4] = if big {
            [0x7f, 0xe0, 0, 0x10]
        } else {
            [0xe0, 0x7f, 0x10, 0]
        };
        let length = if big {
            length.to_be_bytes()
        } else {
            length.to_le_bytes()
        };
        [&tag[..], type_of, &length, bytes].concat()
    };
    // Something behind it, which is found again.
    let behind = element(0xfffc, 0xfffc, b"OB", &[0; 4]);
    for more in [vec![], behind] {
        let data = odd(b"OW\0\0", false, &film);
        assert_eq!(levels(kind, &[data, more.clone()]), shown(&film));
        let data = odd(b"OB\0\0", false, &film);
        assert_eq!(levels(kind, &[data, more]), shown(&film));
    }
    let implicit: Vec<u8> = [
        (2, &1_u16.to_le_bytes()[..]),
        (4, b"MONOCHROME2 "),
        (0x10, &3_u16.to_le_bytes()),
        (0x11, &3_u16.to_le_bytes()),
        (0x100, &8_u16.to_le_bytes()),
        (0x101, &8_u16.to_le_bytes()),
        (0x102, &7_u16.to_le_bytes()),
        (0x103, &0_u16.to_le_bytes()),
    ]
    .into_iter()
    .flat_map(|(number, value): (u16, &[u8])| {
        let length = value.len() as u32;
        [
            &[0x28, 0],
            &number.to_le_bytes()[..],
            &length.to_le_bytes(),
            value,
        ]
        .concat()
    })
    .collect();
    let bytes = file("1.2.840.10008.1.2", &[implicit, odd(b"", false, &film)]);
    assert_eq!(decode(&bytes).expect("decodes"), shown(&film));
    // Of 16 bits the last pixel is half there.
    let deep = Kind {
        size: (2, 2),
        ..DEEP
    };
    let said = error(deep, &[odd(b"OW\0\0", false, &[0; 7])]).to_string();
    assert!(said.contains("1 bytes short"), "{said}");
}

#[test]
fn how_much_is_missing_is_said() {
    for (kind, whole) in [
        (DEEP, 8),
        (Kind::bytes("MONOCHROME1", (4, 2)), 8),
        (Kind::bytes("RGB", (2, 2)), 12),
        (Kind::bytes("YBR_FULL", (2, 2)), 12),
    ] {
        for missing in [2, 4] {
            let data = element(0x7fe0, 0x10, b"OW", &vec![7; whole - missing]);
            let said = error(kind, &[data]);
            assert!(
                matches!(said, DecodeError::DicomShort { missing: found } if found == missing as u64),
                "{}: {said}",
                kind.photometric
            );
        }
    }
}

/// What the file meta group says besides how the data set is coded is nothing to the picture.
#[test]
fn the_file_meta_group_may_be_odd() {
    let film = [DEEP.elements(), words(&[0, 1024, 2048, 4095])].concat();
    let syntax = element(2, 0x10, b"UI", NATIVE.as_bytes());
    let length = |value: u32| element(2, 0, b"UL", &value.to_le_bytes());
    let with = |meta: &[Vec<u8>]| {
        let bytes = [&[0; 128][..], b"DICM", &meta.concat(), &film].concat();
        decode(&bytes)
    };
    let right = length(syntax.len() as u32);
    let title = element(2, 0x16, b"AE", b"A TITLE OF TWENTY-ONE");
    let name = element(2, 0x13, b"SH", b"A VERSION OF TWENTY-TWO ");
    let private = element(2, 0x102, b"OB", &[7; 300]);
    for meta in [
        vec![right.clone(), syntax.clone()],
        vec![syntax.clone()],
        vec![length(0), syntax.clone()],
        vec![length(7), syntax.clone(), title.clone()],
        vec![length(900_000), syntax.clone()],
        vec![right, name, syntax.clone(), title, private],
    ] {
        let found = with(&meta).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(found, [0, 64, 128, 255]);
    }
    // Without types, as the data set may be.
    let mut bare = vec![2, 0, 0x10, 0];
    bare.extend((NATIVE.len() as u32 + 1).to_le_bytes());
    bare.extend(NATIVE.as_bytes());
    bare.push(0);
    assert_eq!(with(&[bare]).expect("decodes"), [0, 64, 128, 255]);
    let said = with(&[length(0)]).expect_err("no syntax").to_string();
    assert!(said.contains("Transfer Syntax UID"), "{said}");
    let mut cut = syntax;
    cut[6] = 200;
    assert!(matches!(
        with(&[cut]),
        Err(DecodeError::DicomTruncated
            | DecodeError::DicomAttribute { .. }
            | DecodeError::DicomSyntax { .. })
    ));
}

/// Reports, plans and directories.
#[test]
fn what_is_no_picture_is_said_to_be_none() {
    for class in [
        "1.2.840.10008.5.1.4.1.1.88.11",
        "1.2.840.10008.1.3.10",
        "1.2.840.10008.5.1.4.1.1.481.5",
    ] {
        let bytes = film::file(
            NATIVE,
            class,
            "1.2",
            &[element(8, 0x16, b"UI", class.as_bytes())],
        );
        assert!(
            matches!(decode(&bytes), Err(DecodeError::DicomNoPixels)),
            "{class}"
        );
    }
    let floats = element(0x7fe0, 8, b"OW", &[0; 16]);
    let floats = [&floats[..4], b"OF", &floats[6..]].concat();
    assert!(matches!(
        error(DEEP, &[floats]),
        DecodeError::DicomDepth { bits: 32 }
    ));
}

/// Names in sets that a text switches between, of an image in one of them, and of one that says nothing of it.
#[test]
fn names_are_decoded_or_empty() {
    let name = |sets: &[u8], value: &[u8]| {
        let elements = [
            element(8, 5, b"CS", sets),
            element(0x10, 0x10, b"PN", value),
            element(0x10, 0x20, b"LO", b"PID"),
            DEEP.elements(),
            words(&[0; 4]),
        ];
        let object = read_dicom(&file(NATIVE, &elements), Limits::default()).expect("reads");
        assert_eq!(
            object
                .element_by_name("PatientID")
                .expect("is there")
                .to_str()
                .expect("text")
                .trim(),
            "PID"
        );
        let name = object.element_by_name("PatientName").expect("is there");
        name.to_str().expect("text").into_owned()
    };
    let korean = b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf";
    assert_eq!(
        name(b"\\ISO 2022 IR 149", korean),
        "Hong^Gildong=洪^吉洞=홍^길동"
    );
    assert_eq!(name(b"", b"\x1b$B;3ED\x1b(B"), "山田");
    assert_eq!(name(b"ISO_IR 100", b"M\xfcller"), "Müller");
    assert_eq!(name(b"ISO_IR 192", "山田".as_bytes()), "山田");
    assert_eq!(name(b"ISO_IR 148", b"\xdeen"), "Şen");
    for (sets, value) in [
        (&b"ISO_IR 192"[..], &b"\x1b$B;3ED\x1b(B"[..]),
        (b"\\ISO 2022 IR 159", b"\x1b$(D0!\x1b(B"),
        (b"\\ISO 2022 IR 87", b"Yamada=\x1b$B;"),
    ] {
        assert_eq!(name(sets, value), "", "{}", value.escape_ascii());
    }
}
