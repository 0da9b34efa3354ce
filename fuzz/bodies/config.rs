//! A configuration: what reads can be written, and is the same when it is read again.

use std::path::PathBuf;
use std::sync::OnceLock;

use osteon_train::config::{Config, Layers};

/// Bytes that one input may have held at once.
pub const MOST: usize = 64 << 20;

/// A file in memory where the system has such folders: it is written anew for each input.
pub fn place() -> &'static PathBuf {
    static PLACE: OnceLock<PathBuf> = OnceLock::new();
    PLACE.get_or_init(|| {
        let memory = PathBuf::from("/dev/shm");
        let parent = if memory.is_dir() {
            memory
        } else {
            std::env::temp_dir()
        };
        parent.join(format!("osteon-fuzz-config-{}.toml", std::process::id()))
    })
}

fn resolve(text: &[u8]) -> Result<Config, String> {
    std::fs::write(place(), text).expect("writes");
    let layers = Layers {
        file: Some(place().clone()),
        set: Vec::new(),
    };
    layers.resolve().map_err(|error| error.to_string())
}

pub fn run(bytes: &[u8]) {
    match resolve(bytes) {
        Ok(config) => {
            let text = config.to_toml().expect("what was read can be written");
            let again = resolve(text.as_bytes()).expect("what was written is read");
            assert!(again == config, "{text}");
        }
        Err(said) => assert!(!said.is_empty()),
    }
    // The first line as a `--set`.
    let line = bytes
        .split(|&byte| byte == b'\n')
        .next()
        .unwrap_or_default();
    if let Ok(line) = std::str::from_utf8(line) {
        let layers = Layers {
            file: None,
            set: vec![line.to_owned()],
        };
        if let Ok(config) = layers.resolve() {
            let text = config.to_toml().expect("what was set can be written");
            assert!(
                resolve(text.as_bytes()).is_ok_and(|again| again == config),
                "{line}: {text}"
            );
        }
    }
}
