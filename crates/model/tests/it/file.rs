//! The model file: what is written is read, and what is wrong is named.

use std::path::{Path, PathBuf};

use osteon_data::Preprocess;

use crate::damage::edited;
use osteon_model::{
    Architecture, ArchitectureName, Compute, Device, MemoryFormat, ModelError, ModelInfo, Net,
    Storage, load, load_bytes, read_info, read_tensors, save, save_as,
};
use tch::{Kind, Tensor};

fn small() -> (Net, ModelInfo) {
    let architecture = Architecture {
        name: ArchitectureName::SeedCnn,
        ..Architecture::default()
    };
    let preprocess = Preprocess {
        size: 32,
        ..Preprocess::default()
    };
    let net = architecture.build(32, Device::Cpu).expect("builds");
    (net, ModelInfo::new(architecture, preprocess))
}

fn written() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = dir.path().join("model.safetensors");
    let (net, info) = small();
    save(&path, &net, &info).expect("saves");
    (dir, path)
}

/// Rewrites the header of a safetensors file, with a right checksum; lengths and offsets stay right.
fn edit_header(path: &Path, edit: impl Fn(String) -> String) {
    let bytes = std::fs::read(path).expect("reads");
    std::fs::write(path, edited(&bytes, edit)).expect("writes");
}

fn refusal(path: &Path) -> String {
    match load(path, Device::Cpu) {
        Ok(_) => panic!("{} was taken for good", path.display()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_is_written_is_read() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = dir.path().join("model.safetensors");
    let (net, mut info) = small();
    info.training_data.name = "ours".to_owned();
    info.calibration.slope = 0.7;
    save(&path, &net, &info).expect("saves");
    let (again, header) = load(&path, Device::Cpu).expect("loads");
    assert_eq!(
        header,
        ModelInfo {
            weights_sha256: header.weights_sha256.clone(),
            ..info
        }
    );
    assert_eq!(read_info(&path).expect("reads"), header);
    let films = Tensor::randn([2, 1, 32, 32], (Kind::Float, Device::Cpu));
    let (a, b) = (net.forward(&films, false), again.forward(&films, false));
    assert_eq!(a.expect("computes"), b.expect("computes"));
}

#[test]
fn any_safetensors_reader_can_open_it() {
    let (_dir, path) = written();
    let bytes = std::fs::read(&path).expect("reads");
    let file = safetensors::SafeTensors::deserialize(&bytes).expect("opens");
    assert_eq!(
        file.tensor("conv1.weight").expect("there").shape(),
        [64, 1, 3, 3]
    );
}

#[test]
fn a_truncated_file_is_refused_at_every_length() {
    let (_dir, path) = written();
    let bytes = std::fs::read(&path).expect("reads");
    for keep in [0, 7, 8, 100, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..keep]).expect("writes");
        assert!(
            refusal(&path).contains("is not a whole safetensors file"),
            "{keep} bytes"
        );
    }
}

#[test]
fn a_flipped_bit_is_noticed() {
    let (_dir, path) = written();
    let mut bytes = std::fs::read(&path).expect("reads");
    let place = bytes.len() - 5;
    bytes[place] ^= 4;
    std::fs::write(&path, bytes).expect("writes");
    assert!(matches!(
        load(&path, Device::Cpu),
        Err(ModelError::Checksum { .. })
    ));
}

#[test]
fn files_of_others_and_of_the_future_are_named() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let absent = dir.path().join("none.safetensors");
    assert!(refusal(&absent).contains("there is no model file"));
    let (_dir, path) = written();
    edit_header(&path, |h| h.replace("\"osteon\":", "\"other\":"));
    assert!(refusal(&path).contains("no Osteon model"));
    let (_dir, path) = written();
    edit_header(&path, |h| {
        h.replace("\\\"format_version\\\":2", "\\\"format_version\\\":99")
    });
    assert!(refusal(&path).contains("model format 99; this program reads formats up to 2"));
}

#[test]
fn another_architecture_or_shape_is_refused() {
    let (_dir, path) = written();
    edit_header(&path, |h| {
        h.replace(
            "\\\"name\\\":\\\"seed_cnn\\\"",
            "\\\"name\\\":\\\"residual\\\"",
        )
    });
    let said = refusal(&path);
    assert!(
        said.contains("does not fit its architecture: tensor conv1.bias is unknown"),
        "{said}"
    );
    let (_dir, path) = written();
    edit_header(&path, |h| {
        h.replace(
            "\\\"name\\\":\\\"seed_cnn\\\"",
            "\\\"name\\\":\\\"transformer\\\"",
        )
    });
    assert!(refusal(&path).contains("unknown variant `transformer`"));
    let (_dir, path) = written();
    edit_header(&path, |h| h.replace("\\\"size\\\":32", "\\\"size\\\":64"));
    let said = refusal(&path);
    assert!(
        said.contains("tensor fc1.weight has shape [64, 2048], expected [64, 8192]"),
        "{said}"
    );
    let (_dir, path) = written();
    edit_header(&path, |h| h.replace("\\\"std\\\":0.5", "\\\"std\\\":0.0"));
    assert!(refusal(&path).contains("preprocess.std must be above 0"));
}

#[test]
fn weights_that_are_no_numbers_are_refused() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = dir.path().join("model.safetensors");
    let (net, info) = small();
    let mut bias = net
        .tensors()
        .into_iter()
        .find(|(n, _)| n == "fc2.bias")
        .expect("there")
        .1
        .detach();
    let _ = bias.fill_(f64::NAN);
    save(&path, &net, &info).expect("saves");
    assert!(refusal(&path).contains("tensor fc2.bias holds values that are not finite"));
}

#[test]
fn a_channels_last_network_is_written_plain_and_reads_back() {
    let dir = tempfile::tempdir().expect("temporary folder");
    for name in [ArchitectureName::SeedCnn, ArchitectureName::Residual] {
        let architecture = Architecture {
            name,
            ..Architecture::default()
        };
        let mut net = architecture.build(32, Device::Cpu).expect("builds");
        let pixels: Vec<f32> = (0..2 * 32 * 32).map(|i| (i as f32 * 0.3).sin()).collect();
        let logits = |net: &Net| {
            let films = net.input(&pixels, 2, 32).expect("fits");
            let logits = tch::no_grad(|| net.forward(&films, false)).expect("computes");
            Vec::<f32>::try_from(logits).expect("a vector")
        };
        let plain = logits(&net);
        let weights: Vec<_> = net.tensors();
        net.set_compute(Compute {
            memory_format: MemoryFormat::ChannelsLast,
            ..Compute::default()
        })
        .expect("converts");
        // The handles taken before see the new order: they are the same variables.
        let (_, kernel) = weights
            .iter()
            .find(|(name, tensor)| {
                tensor.dim() == 4 && tensor.size()[1] > 1 && name.ends_with("weight")
            })
            .expect("a convolution");
        assert_eq!(kernel.stride()[1], 1, "channels next to each other");
        let last = logits(&net);
        let path = dir.path().join(format!("{name}.safetensors"));
        let preprocess = Preprocess {
            size: 32,
            ..Preprocess::default()
        };
        save(&path, &net, &ModelInfo::new(architecture, preprocess)).expect("saves");
        let (again, _) = load(&path, Device::Cpu).expect("loads");
        assert_eq!(again.compute(), Compute::default());
        assert_eq!(plain, logits(&again), "{name}");
        for (a, b) in plain.iter().zip(&last) {
            assert!((a - b).abs() < 1e-4, "{name}: {a} and {b}");
        }
    }
}

/// Half the bytes, nearly the same logits, and what is read is f32 again.
#[test]
fn a_file_of_16_bits_is_half_as_large_and_says_nearly_the_same() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let (full, half) = (dir.path().join("full"), dir.path().join("half"));
    for name in [
        ArchitectureName::SeedCnn,
        ArchitectureName::Residual,
        ArchitectureName::FractureMap,
    ] {
        let architecture = Architecture {
            name,
            ..Architecture::default()
        };
        let net = architecture.build(64, Device::Cpu).expect("builds");
        let films = Tensor::randn([4, 1, 64, 64], (Kind::Float, Device::Cpu));
        // Statistics that are not those of the beginning.
        let _ = net.forward(&films, true).expect("computes");
        let preprocess = Preprocess {
            size: 64,
            ..Preprocess::default()
        };
        let info = ModelInfo::new(architecture, preprocess);
        save(&full, &net, &info).expect("saves");
        save_as(&half, &net, &info, Storage::Half).expect("saves");
        let size = |path: &Path| std::fs::metadata(path).expect("there").len() as f64;
        let share = size(&half) / size(&full);
        assert!(share > 0.49 && share < 0.52, "{name}: {share}");
        let (again, header) = load(&half, Device::Cpu).expect("loads");
        assert_ne!(
            header.weights_sha256,
            read_info(&full).expect("reads").weights_sha256,
            "the checksum is of what is in the file"
        );
        let logits = |net: &Net| net.forward(&films, false).expect("computes");
        let far = (logits(&net) - logits(&again))
            .abs()
            .max()
            .double_value(&[]);
        let scale = logits(&net).abs().max().double_value(&[]).max(1.0);
        assert!(far > 0.0 && far < 1e-2 * scale, "{name}: {far} of {scale}");
        for ((name, a), (_, b)) in net.tensors().into_iter().zip(again.tensors()) {
            assert_eq!(b.kind(), Kind::Float);
            assert!(a.dim() > 1 || a == b, "{name} stays at 32 bits");
        }
        // Rounding first is what storing does.
        net.round_to(Storage::Half).expect("rounds");
        assert_eq!(logits(&net), logits(&again));
        // A checkpoint is of 32 bits and nothing else.
        let error = read_tensors(&half).expect_err("16 bits");
        assert!(
            error
                .to_string()
                .contains("has element type F16, expected F32"),
            "{error}"
        );
    }
}

#[test]
fn a_file_of_16_bits_is_checked_as_any() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = dir.path().join("model.safetensors");
    let (net, info) = small();
    let tensor = |name: &str| {
        let (_, tensor) = net
            .tensors()
            .into_iter()
            .find(|(n, _)| n == name)
            .expect("there");
        tensor.detach()
    };
    save_as(&path, &net, &info, Storage::Half).expect("saves");
    let bytes = std::fs::read(&path).expect("reads");
    let mut flipped = bytes.clone();
    let place = bytes.len() - 5;
    flipped[place] ^= 4;
    assert!(matches!(
        load_bytes("x".as_ref(), &flipped, Device::Cpu),
        Err(ModelError::Checksum { .. })
    ));
    assert!(load_bytes("x".as_ref(), &bytes[..place], Device::Cpu).is_err());
    edit_header(&path, |h| h.replacen("\"F16\"", "\"BF16\"", 1));
    let said = refusal(&path);
    assert!(
        said.contains("has element type BF16, expected F32 or F16"),
        "{said}"
    );

    let _ = tensor("conv2.weight").fill_(7e4);
    let said = save_as(&path, &net, &info, Storage::Half)
        .expect_err("too large")
        .to_string();
    assert!(
        said.contains("tensor conv2.weight holds values that 16 bits do not hold"),
        "{said}"
    );
    let _ = tensor("conv2.weight").fill_(f64::NAN);
    assert!(save_as(&path, &net, &info, Storage::Half).is_err());
}

/// A header with every image of a set of the size of FracAtlas leaves room for the weights in 8 MiB.
#[test]
fn the_hashes_of_a_data_set_take_little_room() {
    let (net, mut info) = small();
    let number =
        |i: u64, width: usize| format!("{:0width$x}", i.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let data = &mut info.training_data;
    data.train_films = (0..2400).map(|i| number(i, 16)).collect();
    let hash = |i: u64| -> osteon_audit::ImageHash {
        // 86 digits of base64 are 512 bits and four of padding.
        let text = format!(
            "{}AA",
            number(i, 16).repeat(6).get(..84).expect("96 digits")
        );
        serde_json::from_value(text.into()).expect("a hash")
    };
    data.train_hashes = (0..2400).map(hash).collect();
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = dir.path().join("model.safetensors");
    save(&path, &net, &info).expect("saves");
    assert_eq!(
        read_info(&path).expect("reads").training_data,
        info.training_data
    );
    let bytes = std::fs::read(&path).expect("reads");
    let header = u64::from_le_bytes(bytes[..8].try_into().expect("8 bytes"));
    println!("a header with 2,400 images: {header} bytes");
    assert!(header < 300 << 10, "{header}");
}
