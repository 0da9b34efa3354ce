//! Model files that are damaged, or made up to do harm: always an error, never a crash, a huge allocation or an answer.

use std::path::Path;

use osteon_data::Preprocess;
use osteon_files::{SEAL, UNSEALED, seal_header};
use osteon_model::{
    Architecture, ArchitectureName, Device, ModelError, ModelInfo, Predictor, ResidualOptions,
    info_of, load_bytes, read_tensors, save,
};
use serde_json::{Value, json};

/// The bytes of a model so small that every bit of it can be tried.
pub fn tiny() -> Vec<u8> {
    let architecture = Architecture {
        name: ArchitectureName::Residual,
        residual: ResidualOptions {
            widths: vec![2],
            blocks: vec![1],
            ..ResidualOptions::default()
        },
        ..Architecture::default()
    };
    let preprocess = Preprocess {
        size: 16,
        ..Preprocess::default()
    };
    let net = architecture.build(16, Device::Cpu).expect("builds");
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = dir.path().join("model.safetensors");
    save(&path, &net, &ModelInfo::new(architecture, preprocess)).expect("saves");
    std::fs::read(path).expect("reads")
}

/// The bytes of a header's JSON, and of the values after it.
fn parts(file: &[u8]) -> (&[u8], &[u8]) {
    let length = u64::from_le_bytes(file[..8].try_into().expect("8 bytes")) as usize;
    (&file[8..8 + length], &file[8 + length..])
}

/// A file of this header and these values.
fn file_of(header: &[u8], values: &[u8]) -> Vec<u8> {
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header);
    file.extend(values);
    file
}

/// A safetensors file with another header, and its right checksum.
pub fn edited(file: &[u8], edit: impl Fn(String) -> String) -> Vec<u8> {
    let (header, values) = parts(file);
    let header = edit(String::from_utf8(header.to_vec()).expect("UTF-8"));
    let mut out = file_of(header.as_bytes(), values);
    seal_header(&mut out);
    out
}

/// A model file whose `osteon` entry was edited, with the header's right checksum.
pub fn with_info(file: &[u8], edit: impl Fn(&str) -> String) -> Vec<u8> {
    edited(file, |header| {
        let mut header: Value = serde_json::from_str(&header).expect("JSON");
        let entry = &mut header["__metadata__"]["osteon"];
        *entry = Value::String(edit(entry.as_str().expect("text")));
        header.to_string()
    })
}

/// As [`with_info`], by a replacement that must find its place.
fn replaced(file: &[u8], from: &str, to: &str) -> Vec<u8> {
    with_info(file, |info| {
        assert!(info.contains(from), "{from} is not in {info}");
        info.replacen(from, to, 1)
    })
}

pub fn refusal(file: &[u8]) -> String {
    match load_bytes(Path::new("the file"), file, Device::Cpu) {
        Ok(_) => panic!("taken for good"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn every_flipped_bit_is_noticed() {
    let whole = tiny();
    load_bytes(Path::new("x"), &whole, Device::Cpu).expect("sound");
    let values = whole.len() - parts(&whole).1.len();
    for bit in 0..8 * whole.len() {
        let mut file = whole.clone();
        file[bit / 8] ^= 1 << (bit % 8);
        assert!(
            load_bytes(Path::new("x"), &file, Device::Cpu).is_err(),
            "bit {bit} of byte {}",
            bit / 8
        );
        // What is said of a model without its weights rests on the header alone.
        assert!(bit / 8 >= values || info_of(Path::new("x"), &file).is_err());
    }
    println!(
        "{} bits, {} of them the header's",
        8 * whole.len(),
        8 * values
    );
}

#[test]
fn every_length_but_the_right_one_is_noticed() {
    let whole = tiny();
    for length in 0..whole.len() {
        let said = refusal(&whole[..length]);
        assert!(
            said.contains("not a whole safetensors") || said.contains("is not whole"),
            "{said}"
        );
    }
    let mut longer = whole;
    longer.push(0);
    assert!(refusal(&longer).contains("not a whole safetensors file"));
}

#[test]
fn a_format_without_a_checksum_of_the_header_is_read_and_one_with_it_must_have_it() {
    let whole = tiny();
    let without = |file: &[u8]| {
        edited(file, |header| {
            let mut header: Value = serde_json::from_str(&header).expect("JSON");
            header["__metadata__"]
                .as_object_mut()
                .expect("an object")
                .remove(SEAL);
            header.to_string()
        })
    };
    assert!(refusal(&without(&whole)).contains("the header has no checksum"));
    let first = replaced(&whole, "\"format_version\":2", "\"format_version\":1");
    let (_, info) = load_bytes(Path::new("x"), &without(&first), Device::Cpu).expect("reads");
    assert_eq!(info.format_version, 1);
    // A checksum that stands there is looked at in any format.
    let (header, values) = parts(&first);
    let text = String::from_utf8(header.to_vec()).expect("UTF-8");
    let changed = text.replace("\\\"threshold\\\":0.5", "\\\"threshold\\\":0.4");
    assert_ne!(text, changed);
    assert!(refusal(&file_of(changed.as_bytes(), values)).contains("does not have the checksum"));
    // As another program lays JSON out.
    let spaced = text.replace(&format!("\"{SEAL}\":"), &format!("\"{SEAL}\": "));
    assert_ne!(text, spaced);
    assert!(refusal(&file_of(spaced.as_bytes(), values)).contains("does not have the checksum"));
    for version in ["0", "3", "-1", "1e3", "\"1\""] {
        let other = replaced(
            &whole,
            "\"format_version\":2",
            &format!("\"format_version\":{version}"),
        );
        refusal(&other);
    }
    // What is written anew is of the format of today, and the same file each time.
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = dir.path().join("model.safetensors");
    let (net, info) = load_bytes(Path::new("x"), &without(&first), Device::Cpu).expect("reads");
    save(&path, &net, &info).expect("saves");
    assert_eq!(std::fs::read(path).expect("reads"), whole);
}

#[test]
fn headers_that_are_none_are_refused() {
    let (header, values) = (b"{}".as_slice(), [0; 64]);
    for length in [
        0,
        1,
        65,
        100_000_001,
        1 << 40,
        1 << 63,
        u64::MAX - 7,
        u64::MAX,
    ] {
        let mut file = file_of(header, &values);
        file[..8].copy_from_slice(&length.to_le_bytes());
        assert!(
            refusal(&file).contains("not a whole safetensors file"),
            "{length}"
        );
    }
    let deep = "[".repeat(200_000);
    let deep_entry = format!("{{\"__metadata__\":{{\"osteon\":{}}}}}", json!(deep));
    let deep_object = "{\"a\":".repeat(200_000);
    for header in [
        "",
        " ",
        "{",
        "[]",
        "1",
        "null",
        "\"text\"",
        "\u{feff}{}",
        &deep,
        &deep_object,
        &deep_entry,
        r#"{"__metadata__":[]}"#,
        r#"{"__metadata__":{"osteon":1}}"#,
        r#"{"__metadata__":null}"#,
        r#"{"__metadata__":{"osteon":"{"}}"#,
        r#"{"__metadata__":{"osteon":"[]"}}"#,
        r#"{"__metadata__":{"osteon":"{\"format_version\":2}"}}"#,
    ] {
        refusal(&file_of(header.as_bytes(), b""));
    }
    refusal(&file_of(b"\xff\xfe{}", b""));
    refusal(&file_of(&[0; 8], b""));
}

#[test]
fn tensors_that_lie_where_none_can_are_refused() {
    let place = |from: u64, to: u64, shape: Value| json!({"dtype":"F32","shape":shape,"data_offsets":[from,to]});
    let huge = (1_u64 << 61) - 1;
    let mut overflow = serde_json::Map::new();
    for number in 0..8 {
        let tensor = json!({"dtype":"U8","shape":[huge],"data_offsets":[number * huge, (number + 1) * huge]});
        overflow.insert(format!("t{number}"), tensor);
    }
    for (header, what) in [
        (
            json!({"a": place(0, 8, json!([2])), "b": place(4, 12, json!([2]))}),
            "overlap",
        ),
        (
            json!({"a": place(0, 4, json!([1])), "b": place(8, 16, json!([2]))}),
            "hole",
        ),
        (
            json!({"a": place(0, 4, json!([1])), "b": place(0, 4, json!([1]))}),
            "the same place",
        ),
        (json!({"a": place(0, 160, json!([40]))}), "beyond the end"),
        (json!({"a": place(16, 0, json!([4]))}), "backwards"),
        (json!({"a": place(0, u64::MAX, json!([4]))}), "far beyond"),
        (
            json!({"a": place(0, 16, json!([1_u64 << 62, 1_u64 << 62]))}),
            "shape overflows",
        ),
        (
            json!({"a": place(0, 16, json!([3]))}),
            "shape of another size",
        ),
        (json!({"a": place(0, 16, json!([-4]))}), "negative"),
        (
            json!({"a": {"dtype":"F33","shape":[4],"data_offsets":[0,16]}}),
            "type",
        ),
        (
            json!({"a": {"dtype":"F32","shape":[4],"data_offsets":[0,16,32]}}),
            "three places",
        ),
        (json!({"a": {"dtype":"F32","shape":[4]}}), "no place"),
        (Value::Object(overflow), "the sum overflows"),
    ] {
        let file = file_of(header.to_string().as_bytes(), &[0; 16]);
        let said = refusal(&file);
        assert!(said.contains("the file is not"), "{what}: {said}");
    }
}

#[test]
fn a_name_that_stands_twice_is_refused() {
    let whole = tiny();
    let twice = |from: &str, to: &str| {
        edited(&whole, |header| {
            assert!(header.contains(from), "{header}");
            header.replacen(from, to, 1)
        })
    };
    let tensor = r#""fc.bias":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"#;
    let said = refusal(&twice("\"fc.bias\":", &format!("{tensor}\"fc.bias\":")));
    assert!(said.contains("fc.bias stands twice"), "{said}");
    let said = refusal(&twice("\"osteon\":", "\"osteon\":\"{}\",\"osteon\":"));
    assert!(said.contains("__metadata__.osteon stands twice"), "{said}");
    refusal(&twice(
        "{\"__metadata__\":",
        "{\"__metadata__\":{\"a\":\"b\"},\"__metadata__\":",
    ));
    let said = refusal(&twice(
        &format!("\"{SEAL}\":"),
        &format!("\"{SEAL}\":\"{UNSEALED}\",\"{SEAL}\":"),
    ));
    assert!(said.contains("stands twice"), "{said}");
    // Within an entry.
    let said = refusal(&replaced(&whole, "\"slope\":", "\"slope\":9.0,\"slope\":"));
    assert!(said.contains("duplicate field `slope`"), "{said}");
    let said = refusal(&replaced(
        &whole,
        "\"threshold\":",
        "\"threshold\":0.1,\"threshold\":",
    ));
    assert!(said.contains("duplicate field `threshold`"), "{said}");
}

/// What stands in a header, what is put in its place, and what is said of it. The checksums are right.
const SETTINGS: &[(&str, &str, &str)] = &[
    // Far more memory than any machine has.
    (
        "\"widths\":[2]",
        "\"widths\":[1000000000]",
        "must be 1 to 6 numbers from 1 to 2048",
    ),
    ("\"widths\":[2]", "\"widths\":[-2]", "invalid value"),
    (
        "\"blocks\":[1]",
        "\"blocks\":[1000000000]",
        "each from 1 to 64",
    ),
    (
        "\"blocks\":[1]",
        "\"blocks\":[]",
        "as many numbers as residual.widths",
    ),
    (
        "\"widths\":[2],\"blocks\":[1]",
        "\"widths\":[2048,2048,2048],\"blocks\":[64,64,64]",
        "numbers, and the file",
    ),
    (
        "\"size\":16",
        "\"size\":1000000000",
        "preprocess.size must be from 16 to 2048",
    ),
    (
        "\"size\":16",
        "\"size\":99999999999999999999",
        "expected u32",
    ),
    ("\"size\":16", "\"size\":0", "preprocess.size must be"),
    (
        "\"stem_stride\":2",
        "\"stem_stride\":0",
        "stem_stride must be 1 or 2",
    ),
    // Numbers that are none, or would make every score one.
    (
        "\"threshold\":0.5",
        "\"threshold\":NaN",
        "damaged `osteon` header",
    ),
    (
        "\"threshold\":0.5",
        "\"threshold\":null",
        "damaged `osteon` header",
    ),
    (
        "\"threshold\":0.5",
        "\"threshold\":1e999",
        "number out of range",
    ),
    ("\"threshold\":0.5", "\"threshold\":1.5", "from 0 to 1"),
    ("\"threshold\":0.5", "\"threshold\":-0.1", "from 0 to 1"),
    ("\"slope\":1.0", "\"slope\":-1.0", "calibration.slope"),
    ("\"slope\":1.0", "\"slope\":0.0", "calibration.slope"),
    // Which of the two depends on how serde_json reads numbers, and that on the crates built beside this one.
    (
        "\"mean\":0.5",
        "\"mean\":1e300",
        "number out of range|mean must be a finite number",
    ),
    (
        "\"std\":0.5",
        "\"std\":-0.5",
        "preprocess.std must be above 0",
    ),
    (
        "\"std\":0.5",
        "\"std\":1e-44",
        "so small that pixels become infinite",
    ),
    (
        "\"std\":0.5",
        "\"std\":1e-300",
        "preprocess.std must be above 0",
    ),
    (
        "\"doubt_band\":null",
        "\"doubt_band\":{\"low\":0.9,\"high\":0.1}",
        "in order, from 0 to 1",
    ),
    (
        "\"doubt_band\":null",
        "\"doubt_band\":{\"low\":-1,\"high\":0.1}",
        "in order, from 0 to 1",
    ),
    (
        "\"doubt_band\":null",
        "\"doubt_band\":null,\"promises\":{\"fractured\":{\"error\":0.1,\"confidence\":0.9,\"cut\":1.2,\"of\":57,\"wrong\":2},\"missed\":{\"error\":0.1,\"confidence\":0.9,\"cut\":1.2,\"of\":57,\"wrong\":2}}",
        "promises.cut must be from 0 to 1",
    ),
    (
        "\"doubt_band\":null",
        "\"doubt_band\":null,\"promises\":{\"fractured\":{\"error\":0.1,\"confidence\":0.9,\"cut\":0.2,\"of\":57,\"wrong\":58},\"missed\":{\"error\":0.1,\"confidence\":0.9,\"cut\":0.2,\"of\":57,\"wrong\":58}}",
        "promises.wrong must be at most",
    ),
    (
        "\"doubt_band\":null",
        "\"doubt_band\":null,\"promises\":{\"fractured\":{\"error\":1.0,\"confidence\":0.9,\"cut\":0.2,\"of\":57,\"wrong\":2},\"missed\":{\"error\":1.0,\"confidence\":0.9,\"cut\":0.2,\"of\":57,\"wrong\":2}}",
        "promises.error must be between",
    ),
    (
        "\"doubt_band\":null",
        "\"doubt_band\":null,\"promises\":{\"fractured\":{\"error\":0.1,\"confidence\":0.9,\"cut\":\"high\",\"of\":57,\"wrong\":2},\"missed\":{\"error\":0.1,\"confidence\":0.9,\"cut\":\"high\",\"of\":57,\"wrong\":2}}",
        "damaged `osteon` header",
    ),
    // What decides which class is which.
    (
        "\"class_names\":[\"not_fractured\",\"fractured\"]",
        "\"class_names\":[\"fractured\",\"not_fractured\"]",
        "header.class_names",
    ),
    (
        "\"intercept\":0.0",
        "\"intercept\":0.0,\"isotonic\":{\"knots\":[[0.0,0.9],[1.0,0.1]]}",
        "damaged `osteon` header",
    ),
    (
        "\"intercept\":0.0",
        "\"intercept\":0.0,\"isotonic\":{\"knots\":[]}",
        "damaged `osteon` header",
    ),
    (
        "\"name\":\"residual\"",
        "\"name\":\"../../etc/passwd\"",
        "unknown variant",
    ),
];

#[test]
fn settings_that_no_model_has_are_refused() {
    let whole = tiny();
    for (from, to, says) in SETTINGS {
        let said = refusal(&replaced(&whole, from, to));
        let either = says.split('|').any(|says| said.contains(says));
        assert!(either, "{from} as {to}: {said}");
    }
    let many = format!("\"widths\":[{}]", vec!["1"; 100_000].join(","));
    let said = refusal(&replaced(&whole, "\"widths\":[2]", &many));
    assert!(said.contains("must be 1 to 6 numbers"), "{said}");
    let said = refusal(&with_info(&whole, |info| {
        let mut info: Value = serde_json::from_str(info).expect("JSON");
        info["operating_points"] = json!([]);
        info.to_string()
    }));
    assert!(said.contains("operating_points"), "{said}");
}

#[test]
fn maps_that_no_model_has_are_refused() {
    let whole = tiny();
    for (options, says) in [
        (
            json!({"widths":[2048,2048,2048,2048,2048],"blocks":[64,64,64,64]}),
            "numbers, and the file",
        ),
        (
            json!({"pyramid": 4_000_000_000_u64}),
            "fracture_map.pyramid",
        ),
        (
            json!({"blocks": [1, 1, 1, 4_000_000_000_u64]}),
            "fracture_map.blocks",
        ),
        (json!({"top": 4_000_000_000_u64}), "fracture_map.top"),
    ] {
        let said = refusal(&with_info(&whole, |info| {
            let mut info: Value = serde_json::from_str(info).expect("JSON");
            info["architecture"] = json!({"name": "fracture_map", "fracture_map": options});
            info["preprocess"]["size"] = json!(32);
            info.to_string()
        }));
        assert!(said.contains(says), "{options}: {said}");
    }
}

#[test]
fn weights_that_make_no_answer_are_refused() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = dir.path().join("model.safetensors");
    let whole = tiny();
    let with = |name: &str, value: f64| {
        let (net, info) = load_bytes(Path::new("x"), &whole, Device::Cpu).expect("sound");
        for (known, tensor) in net.tensors() {
            if known.ends_with(name) {
                let _ = tensor.detach().fill_(value);
            }
        }
        save(&path, &net, &info).expect("saves");
        std::fs::read(&path).expect("reads")
    };
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(refusal(&with("fc.weight", value)).contains("not finite"));
    }
    let said = refusal(&with("stem_bn.running_var", -1.0));
    assert!(
        said.contains("tensor stem_bn.running_var is a variance and holds values below 0"),
        "{said}"
    );
    // Each a number, together none: there is no score then, and no decision.
    let predictor = Predictor::from_bytes(&with(".weight", 3e38), Device::Cpu).expect("finite");
    let mut png = std::io::Cursor::new(Vec::new());
    image::GrayImage::from_fn(32, 32, |x, y| image::Luma([(x * 7 + y * 5) as u8]))
        .write_to(&mut png, image::ImageFormat::Png)
        .expect("encodes");
    let error = predictor
        .predict_bytes(png.get_ref())
        .expect_err("no number");
    assert!(matches!(error, ModelError::NoNumber), "{error}");
}

/// What a checkpoint is read by.
#[test]
fn tensors_without_a_checksum_of_their_header_are_no_checkpoint() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = dir.path().join("tensors.safetensors");
    let whole = tiny();
    std::fs::write(&path, &whole).expect("writes");
    read_tensors(&path).expect("sound");
    for bit in (0..8 * (8 + parts(&whole).0.len())).step_by(7) {
        let mut file = whole.clone();
        file[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&path, &file).expect("writes");
        assert!(read_tensors(&path).is_err(), "bit {bit}");
    }
    let (header, values) = parts(&whole);
    let unsealed = String::from_utf8_lossy(header).replace(SEAL, "other");
    std::fs::write(&path, file_of(unsealed.as_bytes(), values)).expect("writes");
    assert!(matches!(
        read_tensors(&path),
        Err(ModelError::NoHeaderChecksum { .. })
    ));
}
