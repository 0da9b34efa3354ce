//! Folders, files, their names, and where links lead.

use std::ffi::OsStr;
use std::fmt::Write;
use std::path::{Component, Path, PathBuf};

use osteon_files::FileError;
use walkdir::WalkDir;

use super::aside::{Aside, NoImage, is_litter, no_image};
use crate::DataError;

/// A data set's folder, which no link below it may leave: what lies elsewhere is not part of what was downloaded, copied or shared.
pub(crate) struct Root {
    real: PathBuf,
    given: PathBuf,
}

impl Root {
    pub(crate) fn new(path: &Path) -> Result<Self, DataError> {
        Ok(Self {
            real: real(path)?,
            given: path.to_owned(),
        })
    }

    /// Refuses what resolves to a place outside; gives the place it resolves to.
    pub(crate) fn hold(&self, path: &Path) -> Result<PathBuf, DataError> {
        let target = real(path)?;
        if target.starts_with(&self.real) {
            return Ok(target);
        }
        Err(DataError::LinkOutside {
            path: path.to_owned(),
            root: self.given.clone(),
            target,
        })
    }

    /// The sub-folders of a folder, sorted, without what systems and file managers leave behind.
    pub(crate) fn folders(&self, dir: &Path) -> Result<Vec<PathBuf>, DataError> {
        Ok(self.items(dir)?.folders)
    }

    /// What lies in a folder, not deeper.
    pub(crate) fn items(&self, dir: &Path) -> Result<Items, DataError> {
        let io = |source| FileError::new("read", dir, source);
        let mut items = Items::default();
        for item in std::fs::read_dir(dir).map_err(io)? {
            let item = item.map_err(io)?;
            let path = item.path();
            if is_litter(&item.file_name()) {
                let why = NoImage::Litter;
                items.aside.push(Aside { path, why });
                continue;
            }
            // A link that leads nowhere or round in a circle is an error: what it stood for would be lost without a word.
            let link = item.file_type().map_err(io)?.is_symlink();
            let is_dir = if link {
                real(&path)?.is_dir()
            } else {
                path.is_dir()
            };
            if !is_dir {
                items.files.push(path);
                continue;
            }
            if link {
                self.hold(&path)?;
            }
            items.folders.push(path);
        }
        items.folders.sort();
        items.files.sort();
        items.aside.sort();
        Ok(items)
    }

    /// What lies below a folder, as [`folder_files`] has it, no link leading out of the root.
    pub(crate) fn files(&self, dir: &Path) -> Result<FolderFiles, DataError> {
        walk(dir, Some(self))
    }
}

/// What lies in a folder, sorted.
#[derive(Default)]
pub(crate) struct Items {
    pub folders: Vec<PathBuf>,
    pub files: Vec<PathBuf>,
    /// Litter, which is in neither.
    pub aside: Vec<Aside>,
}

/// What lies below a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FolderFiles {
    /// Every file that is an image for all that its name, its size and its first bytes say, sorted by path.
    pub images: Vec<PathBuf>,
    /// All else, sorted by path.
    pub aside: Vec<Aside>,
}

fn real(path: &Path) -> Result<PathBuf, DataError> {
    std::fs::canonicalize(path).map_err(|source| FileError::new("read", path, source).into())
}

/// The images of [`folder_files`].
pub fn image_files(dir: &Path) -> Result<Vec<PathBuf>, DataError> {
    Ok(folder_files(dir)?.images)
}

/// Every file below a folder, links followed: images, and what is none. Of a file whose name speaks of an image nothing is read but its
/// size; of others the first bytes are. A loop of links is an error that names it.
pub fn folder_files(dir: &Path) -> Result<FolderFiles, DataError> {
    walk(dir, None)
}

fn walk(dir: &Path, root: Option<&Root>) -> Result<FolderFiles, DataError> {
    let mut walk = WalkDir::new(dir)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter();
    let mut files = FolderFiles::default();
    while let Some(item) = walk.next() {
        let item = match item {
            Ok(item) => item,
            Err(error) => {
                let path = error.path().unwrap_or(dir).to_owned();
                // An editor's lock is a link to nothing.
                if path != dir && path.file_name().is_some_and(is_litter) {
                    let why = NoImage::Litter;
                    files.aside.push(Aside { path, why });
                    continue;
                }
                return Err(FileError::new("read", path, error.into()).into());
            }
        };
        if item.depth() > 0 && is_litter(item.file_name()) {
            if item.file_type().is_dir() {
                walk.skip_current_dir();
            }
            let (path, why) = (item.into_path(), NoImage::Litter);
            files.aside.push(Aside { path, why });
            continue;
        }
        // A folder comes before what it holds: nothing outside is walked.
        if let Some(root) = root.filter(|_| item.path_is_symlink()) {
            root.hold(item.path())?;
        }
        if item.file_type().is_dir() {
            continue;
        }
        let is_file = item.file_type().is_file();
        let path = item.into_path();
        let why = if is_file {
            no_image(&path)?
        } else {
            Some(NoImage::Special)
        };
        match why {
            None => files.images.push(path),
            Some(why) => files.aside.push(Aside { path, why }),
        }
    }
    Ok(files)
}

/// A file or folder name as text, for comparing with known names and for messages.
pub(crate) fn name_of(path: &Path) -> String {
    path.file_name()
        .map(|n| n.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// An image's name within its data set: the path below the root with `/`. Lossless: two paths never share one. Bytes that are not
/// UTF-8 become `%XX`, and so does `%` itself.
pub(crate) fn relative_id(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<String> = below
        .components()
        .filter(|c| *c != Component::CurDir)
        .map(|c| match c {
            // An absolute path keeps its leading `/`.
            Component::RootDir => String::new(),
            other => escape(other.as_os_str()),
        })
        .collect();
    parts.join("/")
}

fn escape(name: &OsStr) -> String {
    let mut text = String::new();
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        text.push_str(&chunk.valid().replace('%', "%25"));
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// The folder itself, or, as archives unpack, the one folder in it that passes the test.
pub(crate) fn here_or_below(
    dir: &Path,
    test: impl Fn(&Path) -> bool,
) -> Result<Option<PathBuf>, DataError> {
    if !dir.is_dir() || test(dir) {
        return Ok(test(dir).then(|| dir.to_owned()));
    }
    let mut below = Root::new(dir)?.folders(dir)?;
    below.retain(|folder| test(folder));
    Ok((below.len() == 1).then(|| below.swap_remove(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_lossless() {
        let id = |path: &str| relative_id(Path::new("/set"), Path::new(path));
        assert_eq!(
            id("/set/train/not fractured/é.png"),
            "train/not fractured/é.png"
        );
        assert_eq!(id("/set/100%.png"), "100%25.png");
        assert_eq!(id("/elsewhere/a.png"), "/elsewhere/a.png");
        assert_eq!(
            relative_id(Path::new("set"), Path::new("set/./a.png")),
            "a.png"
        );
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_not_text_never_collide() {
        use std::os::unix::ffi::OsStrExt;
        let id = |name: &[u8]| relative_id(Path::new("/set"), Path::new(OsStr::from_bytes(name)));
        let names: [&[u8]; 5] = [
            b"a\xff",
            b"a\xfe",
            b"a%FF",
            b"a%25FF",
            "a\u{fffd}".as_bytes(),
        ];
        let ids: std::collections::BTreeSet<_> = names.into_iter().map(id).collect();
        assert_eq!(ids.len(), 5, "{ids:?}");
        assert_eq!(id(b"a\xff"), "a%FF");
    }
}
