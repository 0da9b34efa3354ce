//! Checksums of files.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use md5::Md5;
use osteon_files::hex;
use sha2::{Digest, Sha256};

/// SHA-256 of a file, in lower-case hex.
pub fn sha256(path: &Path) -> Result<String> {
    digest::<Sha256>(path)
}

/// MD5 of a file, in lower-case hex. Only because some publishers state nothing better: it finds damage, not malice.
pub fn md5(path: &Path) -> Result<String> {
    digest::<Md5>(path)
}

fn digest<D: Digest>(path: &Path) -> Result<String> {
    let reading = || format!("could not read {}", path.display());
    let mut file = File::open(path).with_context(reading)?;
    let mut hasher = D::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let count = file.read(&mut buffer).with_context(reading)?;
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
    }
    Ok(hex(&hasher.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    // The values are those of `sha256sum` and `md5sum`.
    #[test]
    fn known_values() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, "abc").unwrap();
        assert_eq!(
            sha256(&path).unwrap(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(md5(&path).unwrap(), "900150983cd24fb0d6963f7d28e17f72");
    }

    #[test]
    fn longer_than_the_buffer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, vec![b'a'; (1 << 20) + 3]).unwrap();
        assert_eq!(
            sha256(&path).unwrap(),
            "f5e25b6b994188fdb721357d459785dc479934edfd40f95658a45ab2ce2d8027"
        );
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = sha256(Path::new("no/such/file")).unwrap_err();
        assert!(format!("{error:#}").contains("no/such/file"));
    }
}
