//! What was received and what is to be sent, on disk: an image moves from folder to folder by renaming, so that a kill at any moment
//! leaves it in one of them.
//!
//! `incoming` (being received) → `accepted` (its sender was told so) → `outbox` (its answer, to be delivered) → `done` (a mark), or
//! `failed`. Names are SOP Instance UIDs, which were checked to be digits and dots.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use osteon_files::{FileError, sync_folder, write_atomic};
use tempfile::{NamedTempFile, TempDir};

use crate::{Answer, DicomError};

const FOLDERS: [&str; 6] = ["incoming", "accepted", "making", "outbox", "done", "failed"];

/// The folder of a node; nobody else's while it is held.
#[derive(Debug)]
pub(super) struct Spool {
    dir: PathBuf,
    /// Locked as long as it is open.
    _lock: File,
    /// Held while it is decided whether an image is new: two associations may bring the same one.
    accepting: std::sync::Mutex<()>,
}

/// What became of an image that was received whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It will be judged.
    New,
    /// It had been received before.
    Known,
}

impl Spool {
    /// Makes what is missing and tidies up after a kill.
    pub fn open(dir: &Path) -> Result<Self, DicomError> {
        for name in FOLDERS {
            private_folder(&dir.join(name))?;
        }
        let path = dir.join("lock");
        let lock = File::create(&path).map_err(DicomError::io("create", &path))?;
        lock.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => DicomError::SpoolInUse {
                path: dir.to_owned(),
            },
            fs::TryLockError::Error(source) => FileError::new("lock", path, source).into(),
        })?;
        let spool = Self {
            dir: dir.to_owned(),
            _lock: lock,
            accepting: std::sync::Mutex::new(()),
        };
        spool.tidy()?;
        Ok(spool)
    }

    /// Halves that nobody was told of go; what was taken a step further before the kill is not taken again.
    fn tidy(&self) -> Result<(), DicomError> {
        for name in ["incoming", "making"] {
            let folder = self.dir.join(name);
            fs::remove_dir_all(&folder).map_err(DicomError::io("remove", &folder))?;
            private_folder(&folder)?;
        }
        for instance in self.names("accepted")? {
            if self.outbox(&instance).exists() || self.done(&instance).exists() {
                remove(&self.film(&instance))?;
            }
        }
        for instance in self.answers()? {
            if self.done(&instance).exists() {
                let folder = self.outbox(&instance);
                fs::remove_dir_all(&folder).map_err(DicomError::io("remove", &folder))?;
            }
        }
        Ok(())
    }

    /// A file for an image that is being received; goes if it is dropped.
    pub fn incoming(&self) -> Result<NamedTempFile, DicomError> {
        let folder = self.dir.join("incoming");
        NamedTempFile::new_in(&folder).map_err(DicomError::io("write in", folder))
    }

    /// Takes an image that was received whole. When this returns it is on the disk, and its sender may be told so.
    pub fn take(&self, film: NamedTempFile, instance: &str) -> Result<Taken, DicomError> {
        let path = self.film(instance);
        film.as_file()
            .sync_all()
            .map_err(DicomError::io("write", &path))?;
        // A thread that fell over while it held the lock left nothing half-done: the rename is one step.
        let _accepting = self
            .accepting
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if self.knows(instance) {
            return Ok(Taken::Known);
        }
        film.persist(&path)
            .map_err(|error| DicomError::io("write", &path)(error.error))?;
        self.sync("accepted")?;
        Ok(Taken::New)
    }

    /// Whether an image was received before.
    pub fn knows(&self, instance: &str) -> bool {
        self.film(instance).exists()
            || self.outbox(instance).exists()
            || self.done(instance).exists()
            || self.failed(instance).exists()
    }

    /// Images to be judged, the longest there first.
    pub fn films(&self) -> Result<Vec<String>, DicomError> {
        self.names("accepted")
    }

    /// Where an image lies that is to be judged.
    pub fn film(&self, instance: &str) -> PathBuf {
        self.dir.join("accepted").join(format!("{instance}.dcm"))
    }

    /// Keeps the answer for an image, both objects or neither, and forgets the image.
    pub fn answer(&self, instance: &str, answer: &Answer) -> Result<(), DicomError> {
        let making = self.dir.join("making");
        let folder = TempDir::new_in(&making).map_err(DicomError::io("write in", &making))?;
        for (name, object) in [
            ("capture.dcm", &answer.capture),
            ("report.dcm", &answer.report),
        ] {
            write_atomic(&folder.path().join(name), &object.bytes)?;
        }
        let place = self.outbox(instance);
        fs::rename(folder.keep(), &place).map_err(DicomError::io("write", &place))?;
        self.sync("outbox")?;
        remove(&self.film(instance))
    }

    /// Puts an image aside that cannot be judged, with the reason.
    pub fn fail(&self, instance: &str, reason: &str) -> Result<(), DicomError> {
        let place = self.failed(instance);
        write_atomic(&place.with_extension("dcm.txt"), reason.as_bytes())?;
        fs::rename(self.film(instance), &place).map_err(DicomError::io("write", &place))?;
        self.sync("failed")
    }

    /// Forgets an image that is not to be judged.
    pub fn skip(&self, instance: &str) -> Result<(), DicomError> {
        self.mark_done(instance, "not judged: an answer of this program\n")?;
        remove(&self.film(instance))
    }

    /// Images whose answers are to be delivered, the longest there first.
    pub fn answers(&self) -> Result<Vec<String>, DicomError> {
        self.names("outbox")
    }

    /// The objects of an answer that are still to be delivered.
    pub fn parts(&self, instance: &str) -> Result<Vec<PathBuf>, DicomError> {
        let folder = self.outbox(instance);
        let mut parts = Vec::new();
        for entry in fs::read_dir(&folder).map_err(DicomError::io("read", &folder))? {
            parts.push(entry.map_err(DicomError::io("read", &folder))?.path());
        }
        parts.sort();
        Ok(parts)
    }

    /// The node has this object now.
    pub fn sent(part: &Path) -> Result<(), DicomError> {
        remove(part)
    }

    /// The node has all of this image's answer.
    pub fn delivered(&self, instance: &str) -> Result<(), DicomError> {
        self.mark_done(instance, "delivered\n")?;
        let folder = self.outbox(instance);
        fs::remove_dir_all(&folder).map_err(DicomError::io("remove", folder))
    }

    fn mark_done(&self, instance: &str, how: &str) -> Result<(), DicomError> {
        Ok(write_atomic(&self.done(instance), how.as_bytes())?)
    }

    fn outbox(&self, instance: &str) -> PathBuf {
        self.dir.join("outbox").join(instance)
    }

    fn done(&self, instance: &str) -> PathBuf {
        self.dir.join("done").join(instance)
    }

    fn failed(&self, instance: &str) -> PathBuf {
        self.dir.join("failed").join(format!("{instance}.dcm"))
    }

    /// Instances in a folder by age, then name.
    fn names(&self, folder: &str) -> Result<Vec<String>, DicomError> {
        let folder = self.dir.join(folder);
        let mut names = Vec::new();
        for entry in fs::read_dir(&folder).map_err(DicomError::io("read", &folder))? {
            let entry = entry.map_err(DicomError::io("read", &folder))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let instance = name.strip_suffix(".dcm").unwrap_or(&name).to_owned();
            // What somebody else has put there is none of ours.
            if crate::uid::is_valid(&instance) {
                // One that has just gone has no age.
                let age = entry.metadata().and_then(|m| m.modified()).ok();
                names.push((age, instance));
            }
        }
        names.sort();
        Ok(names.into_iter().map(|(_, instance)| instance).collect())
    }

    /// A rename is on the disk only when its folder is.
    fn sync(&self, folder: &str) -> Result<(), DicomError> {
        Ok(sync_folder(&self.dir.join(folder))?)
    }
}

fn remove(path: &Path) -> Result<(), DicomError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(DicomError::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// Makes a folder that only its owner may look into: images say whose they are.
fn private_folder(path: &Path) -> Result<(), DicomError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(path).map_err(DicomError::io("create", path))
}
