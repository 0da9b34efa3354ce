//! Files that are there whole or not at all.

use std::io::Write;
use std::path::Path;

use crate::DataError;

/// Writes a file under a temporary name beside it, syncs it to the disk and renames it: a kill at any moment leaves the old file or
/// the new one, and once this returns so does a loss of power. Missing parent folders are made.
///
/// # Errors
/// What the system says, with the path.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), DataError> {
    let io = |action| {
        move |source| DataError::Io {
            action,
            path: path.to_owned(),
            source,
        }
    };
    let dir = match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(dir).map_err(|source| DataError::Io {
        action: "create",
        path: dir.to_owned(),
        source,
    })?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".").suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // A temporary file is private by default; what takes its name is an ordinary file, as the umask has it.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(dir).map_err(io("write"))?;
    file.write_all(bytes).map_err(io("write"))?;
    file.as_file().sync_all().map_err(io("write"))?;
    file.persist(path).map_err(|e| io("write")(e.error))?;
    sync_folder(dir)
}

/// Puts the names in a folder on the disk: a rename is there only when its folder is.
///
/// # Errors
/// What the system says, with the path.
pub fn sync_folder(folder: &Path) -> Result<(), DataError> {
    // Only Unix opens folders as files; elsewhere a rename is as safe as the system makes it.
    if cfg!(unix) {
        std::fs::File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|source| DataError::Io {
                action: "write",
                path: folder.to_owned(),
                source,
            })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_whole_and_leaves_nothing_else() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("deep/er/file.json");
        write_atomic(&path, b"one").expect("writes");
        write_atomic(&path, b"two").expect("replaces");
        assert_eq!(std::fs::read(&path).expect("reads"), b"two");
        let around = std::fs::read_dir(path.parent().expect("parent"))
            .expect("lists")
            .count();
        assert_eq!(around, 1);
    }

    #[test]
    fn the_path_is_named_when_it_fails() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let blocked = dir.path().join("file");
        std::fs::write(&blocked, b"").expect("file");
        let error = write_atomic(&blocked.join("below"), b"x")
            .expect_err("a file is no folder")
            .to_string();
        assert!(error.contains("file"), "{error}");
    }
}
