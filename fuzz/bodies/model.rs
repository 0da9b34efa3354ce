//! A model file: what loads is whole, finite, and answers with a number.

use std::path::Path;

use osteon_model::{Device, Predictor, Prepared, info_of, load_bytes};
use safetensors::SafeTensors;
use sha2::{Digest, Sha256};

/// Bytes that one input may have held at once.
pub const MOST: usize = 256 << 20;

pub fn run(bytes: &[u8]) {
    let path = Path::new("fuzzed.safetensors");
    let info = info_of(path, bytes);
    if let Err(error) = &info {
        assert!(!error.to_string().is_empty());
    }
    judge(path, bytes);
    // Hardly any change keeps the weights' checksum: put right, what lies behind it is reached too.
    if let Some(right) = with_checksum(bytes) {
        // The other way round it need not hold: what stood twice in the header stands there once now.
        assert!(info.is_err() || info_of(path, &right).is_ok());
        judge(path, &right);
    }
}

fn judge(path: &Path, bytes: &[u8]) {
    let (net, info) = match load_bytes(path, bytes, Device::Cpu) {
        Ok(loaded) => loaded,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    for (name, tensor) in net.tensors() {
        let finite = tensor.isfinite().all().int64_value(&[]) != 0;
        assert!(finite, "{name} holds what is no number");
    }
    assert!((0.0..=1.0).contains(&info.threshold()));
    let Ok(predictor) = Predictor::from_bytes(bytes, Device::Cpu) else {
        return;
    };
    let side = info.preprocess.side();
    let film = Prepared::of_pixels(vec![0.5; side * side], side).expect("so many pixels");
    if let Ok(answers) = predictor.predict_prepared(&[&film]) {
        let score = answers[0].score;
        assert!((0.0..=1.0).contains(&score), "a score of {score}");
    }
}

/// The same file with the checksum that its weights have, if it is so far in order.
fn with_checksum(bytes: &[u8]) -> Option<Vec<u8>> {
    let (_, header) = SafeTensors::read_metadata(bytes).ok()?;
    let mut metadata = header.metadata().clone()?;
    let tensors = SafeTensors::deserialize(bytes).ok()?;
    let mut by_name: Vec<_> = tensors.iter().collect();
    by_name.sort_by_key(|(name, _)| *name);
    let mut hash = Sha256::new();
    for (_, view) in &by_name {
        hash.update(view.data());
    }
    let mut said: serde_json::Value = serde_json::from_str(metadata.get("osteon")?).ok()?;
    let found = osteon_files::hex(&hash.finalize());
    said.as_object_mut()?
        .insert("weights_sha256".to_owned(), found.into());
    metadata.insert("osteon".to_owned(), said.to_string());
    safetensors::serialize(by_name, Some(metadata)).ok()
}
