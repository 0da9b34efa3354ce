//! The archives that were fetched, kept in the user's cache folder and shared by every checkout.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};

use super::hash;

/// What an archive must hash to.
#[derive(Clone, Copy)]
pub enum Pin<'a> {
    /// This SHA-256, written down in the source.
    Published(&'a str),
    /// The SHA-256 that was recorded beside the archive when it was fetched and checked by other means: its publisher states none.
    Recorded,
}

/// The folder of kept archives. Made when first locked.
pub struct Cache {
    folder: PathBuf,
}

/// While this lives, no other `cargo xtask` of this user fetches or unpacks anything.
pub struct Lock {
    _file: File,
}

impl Cache {
    /// The user's own: `$XDG_CACHE_HOME/osteon`, or what stands for it on this system.
    pub fn of_user() -> Result<Self> {
        let variable = |name: &str| {
            std::env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        // The XDG rules say that a relative path counts as unset.
        let xdg = variable("XDG_CACHE_HOME").filter(|path| path.is_absolute());
        let home = || variable(if cfg!(windows) { "USERPROFILE" } else { "HOME" });
        let base = xdg.or_else(|| {
            if cfg!(windows) {
                variable("LOCALAPPDATA")
            } else if cfg!(target_os = "macos") {
                home().map(|home| home.join("Library").join("Caches"))
            } else {
                home().map(|home| home.join(".cache"))
            }
        });
        let base = base.ok_or_else(|| {
            anyhow!("no cache folder is known, since neither XDG_CACHE_HOME nor HOME is set; set XDG_CACHE_HOME to a folder with room for 1 GB")
        })?;
        Ok(Self::at(base.join("osteon")))
    }

    /// A cache in any folder.
    pub fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The folder itself.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the archive of this name lies, or would lie.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Makes the folder and waits until no one else works in it.
    pub fn lock(&self) -> Result<Lock> {
        let unusable = || {
            format!(
                "the cache folder {} cannot be written; make it writable, or set XDG_CACHE_HOME to another folder",
                self.folder.display()
            )
        };
        fs::create_dir_all(&self.folder).with_context(unusable)?;
        let path = self.folder.join("lock");
        let file = File::options()
            .create(true)
            .append(true)
            .open(&path)
            .with_context(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                eprintln!(
                    "another `cargo xtask` is fetching (it holds {}); waiting for it to end",
                    path.display()
                );
                file.lock().with_context(unusable)?;
            }
            Err(TryLockError::Error(error)) => return Err(error).with_context(unusable),
        }
        Ok(Lock { _file: file })
    }

    /// The archive, if it is there and whole. One that is damaged is named and removed, so that it is fetched again.
    pub fn verified(&self, name: &str, pin: Pin<'_>) -> Result<Option<PathBuf>> {
        let path = self.path(name);
        if !path.is_file() {
            return Ok(None);
        }
        let expected = match pin {
            Pin::Published(expected) => Some(expected.to_owned()),
            Pin::Recorded => fs::read_to_string(self.record(name))
                .ok()
                .map(|text| text.trim().to_owned()),
        };
        let Some(expected) = expected else {
            // Killed between the fetch and the record: nothing vouches for it.
            eprintln!(
                "{} was never checked to the end; removing it and fetching it again",
                path.display()
            );
            self.forget(name)?;
            return Ok(None);
        };
        let found = hash::sha256(&path)?;
        if found == expected {
            return Ok(Some(path));
        }
        eprintln!(
            "{} is damaged (its SHA-256 is {found}, not {expected}); removing it and fetching it again",
            path.display()
        );
        self.forget(name)?;
        Ok(None)
    }

    /// Moves a freshly fetched file of this cache's file system into place, if it hashes to `expected`.
    pub fn keep_pinned(&self, fetched: &Path, name: &str, expected: &str) -> Result<PathBuf> {
        let found = hash::sha256(fetched)?;
        if found != expected {
            fs::remove_file(fetched)
                .with_context(|| format!("could not remove {}", fetched.display()))?;
            return Err(anyhow!(
                "{name} was fetched, but its SHA-256 is {found} where {expected} was expected, so it was thrown away; \
                 try again, and if it happens again something between here and its publisher changes files"
            ));
        }
        self.move_in(fetched, name)
    }

    /// Moves a freshly fetched file that its caller has checked into place, and records its SHA-256 for later uses.
    pub fn keep_recorded(&self, fetched: &Path, name: &str) -> Result<PathBuf> {
        let found = hash::sha256(fetched)?;
        // The archive first: a record without its archive would vouch for whatever comes under that name next.
        let path = self.move_in(fetched, name)?;
        let record = self.record(name);
        fs::write(&record, found + "\n")
            .with_context(|| format!("could not write {}", record.display()))?;
        Ok(path)
    }

    /// Removes an archive and its record.
    pub fn forget(&self, name: &str) -> Result<()> {
        for path in [self.record(name), self.path(name)] {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error)
                        .with_context(|| format!("could not remove {}", path.display()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn move_in(&self, fetched: &Path, name: &str) -> Result<PathBuf> {
        let path = self.path(name);
        fs::rename(fetched, &path).with_context(|| {
            format!("could not move {} to {}", fetched.display(), path.display())
        })?;
        Ok(path)
    }

    fn record(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.sha256"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn cache() -> (tempfile::TempDir, Cache) {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path().join("osteon"));
        drop(cache.lock().unwrap());
        (folder, cache)
    }

    #[test]
    fn a_good_archive_is_kept_and_found_again() {
        let (_folder, cache) = cache();
        assert!(
            cache
                .verified("a.whl", Pin::Published(ABC))
                .unwrap()
                .is_none()
        );
        let fetched = cache.path("fetched");
        fs::write(&fetched, "abc").unwrap();
        let kept = cache.keep_pinned(&fetched, "a.whl", ABC).unwrap();
        assert_eq!(
            cache.verified("a.whl", Pin::Published(ABC)).unwrap(),
            Some(kept)
        );
        assert!(!fetched.exists());
    }

    #[test]
    fn a_wrong_archive_is_refused_with_both_hashes_and_leaves_nothing() {
        let (_folder, cache) = cache();
        let fetched = cache.path("fetched");
        fs::write(&fetched, "abd").unwrap();
        let message = format!(
            "{:#}",
            cache.keep_pinned(&fetched, "a.whl", ABC).unwrap_err()
        );
        assert!(
            message.contains(ABC) && message.contains("a52d159f262b2c6ddb724a61840befc3"),
            "{message}"
        );
        assert!(!fetched.exists() && !cache.path("a.whl").exists());
    }

    #[test]
    fn a_damaged_archive_is_removed() {
        let (_folder, cache) = cache();
        fs::write(cache.path("a.whl"), "abd").unwrap();
        assert!(
            cache
                .verified("a.whl", Pin::Published(ABC))
                .unwrap()
                .is_none()
        );
        assert!(!cache.path("a.whl").exists());
    }

    #[test]
    fn a_recorded_hash_vouches_for_later_uses() {
        let (_folder, cache) = cache();
        let fetched = cache.path("fetched");
        fs::write(&fetched, "abc").unwrap();
        let kept = cache.keep_recorded(&fetched, "a.zip").unwrap();
        assert!(cache.verified("a.zip", Pin::Recorded).unwrap().is_some());
        fs::write(&kept, "abd").unwrap();
        assert!(cache.verified("a.zip", Pin::Recorded).unwrap().is_none());
        assert!(!kept.exists() && !cache.path("a.zip.sha256").exists());
    }

    #[test]
    fn without_a_record_nothing_vouches_for_an_archive() {
        let (_folder, cache) = cache();
        fs::write(cache.path("a.zip"), "abc").unwrap();
        assert!(cache.verified("a.zip", Pin::Recorded).unwrap().is_none());
    }

    #[test]
    fn the_lock_keeps_others_out() {
        let (_folder, cache) = cache();
        let lock = cache.lock().unwrap();
        let other = File::options()
            .append(true)
            .open(cache.path("lock"))
            .unwrap();
        assert!(matches!(other.try_lock(), Err(TryLockError::WouldBlock)));
        drop(lock);
        other.lock().unwrap();
    }

    #[test]
    fn a_cache_that_is_a_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "").unwrap();
        let Err(error) = Cache::at(path).lock() else {
            panic!("a file is no folder")
        };
        assert!(format!("{error:#}").contains("XDG_CACHE_HOME"));
    }
}
