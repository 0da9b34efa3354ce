//! The model file: what is written is read, and what is wrong is named.

use std::path::{Path, PathBuf};

use osteon_data::Preprocess;
use osteon_model::{
    Architecture, ArchitectureName, Compute, Device, MemoryFormat, ModelError, ModelInfo, Net,
    load, read_info, save,
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

/// Rewrites the header of a safetensors file; lengths and offsets stay right.
fn edit_header(path: &Path, edit: impl Fn(String) -> String) {
    let bytes = std::fs::read(path).expect("reads");
    let length = u64::from_le_bytes(bytes[..8].try_into().expect("8 bytes")) as usize;
    let header = edit(String::from_utf8(bytes[8..8 + length].to_vec()).expect("UTF-8"));
    let mut padded = header.into_bytes();
    padded.resize(padded.len().next_multiple_of(8), b' ');
    let mut out = (padded.len() as u64).to_le_bytes().to_vec();
    out.extend(padded);
    out.extend(&bytes[8 + length..]);
    std::fs::write(path, out).expect("writes");
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
        h.replace("\\\"format_version\\\":1", "\\\"format_version\\\":99")
    });
    assert!(refusal(&path).contains("model format 99; this program reads format 1"));
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
