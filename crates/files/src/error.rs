//! What is said when reading or writing fails.

use std::io::{Error, ErrorKind};
use std::path::PathBuf;

/// Reading or writing a file or folder failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}{}", path.display(), remedy(source))]
pub struct FileError {
    /// What was tried: `read`, `create`, …
    pub action: &'static str,
    /// The file or folder.
    pub path: PathBuf,
    /// The system's own word.
    #[source]
    pub source: Error,
}

impl FileError {
    /// What the system said when this was tried.
    pub fn new(action: &'static str, path: impl Into<PathBuf>, source: Error) -> Self {
        Self {
            action,
            path: path.into(),
            source,
        }
    }
}

/// What fixes a fault of the disk, as the end of a message; empty of other faults.
fn remedy(fault: &Error) -> &'static str {
    match fault.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            ". Free some space there, or choose another place"
        }
        ErrorKind::ReadOnlyFilesystem => ". Make it writable again, or choose another place",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_says_what_fixes_it_and_other_faults_do_not() {
        let said = |kind: ErrorKind| FileError::new("write", "a/b", kind.into()).to_string();
        assert!(
            said(ErrorKind::StorageFull)
                .ends_with("Free some space there, or choose another place")
        );
        let other = said(ErrorKind::NotFound);
        assert!(
            other.starts_with("cannot write a/b: ") && !other.contains("choose"),
            "{other}"
        );
    }
}
