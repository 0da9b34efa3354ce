//! Files that are there whole or not at all.

use std::io::Write;
use std::path::Path;

use crate::FileError;

/// Writes a file under a temporary name beside it, syncs it to the disk and renames it: a kill at any moment leaves the old file or
/// the new one, and once this returns so does a loss of power. Missing parent folders are made.
///
/// # Errors
/// What the system says, with the path.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let io = |source| FileError::new("write", path, source);
    let dir = match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(dir).map_err(|source| FileError::new("create", dir, source))?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".").suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // A temporary file is private by default; what takes its name is an ordinary file, as the umask has it.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(dir).map_err(io)?;
    file.write_all(bytes).map_err(io)?;
    file.as_file().sync_all().map_err(io)?;
    file.persist(path).map_err(|e| io(e.error))?;
    sync_folder(dir)
}

/// Puts the names in a folder on the disk: a rename is there only when its folder is.
///
/// # Errors
/// What the system says, with the path.
pub fn sync_folder(folder: &Path) -> Result<(), FileError> {
    // Only Unix opens folders as files; elsewhere a rename is as safe as the system makes it.
    if cfg!(unix) {
        std::fs::File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|source| FileError::new("write", folder, source))?;
    }
    Ok(())
}
