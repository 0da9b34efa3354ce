//! Unpacking zip files (wheels are zip files) so that the target is either the old one or the whole new one.

use std::fs::{self, File};
use std::io::{BufReader, Write};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use tempfile::TempDir;
use zip::ZipArchive;

use crate::progress::{Progress, size};

/// Begins the names of folders that are not finished; a killed run leaves them, and the next one clears them away.
const UNFINISHED: &str = ".incoming-";
/// Files from this size on are forced to disk. Thousands of small headers are not: that takes minutes on some disks.
const SYNC_FROM: u64 = 1 << 20;
/// What must stay free beside what is unpacked.
const SPARE: u64 = 100 << 20;

/// A folder in the making, beside its targets so that a rename suffices. Removed if it is dropped unfinished.
pub struct Staging {
    folder: TempDir,
    parent: PathBuf,
}

impl Staging {
    /// A new folder inside `parent`. The caller holds the cache's lock, so what an earlier run left there is no one's any more.
    pub fn inside(parent: &Path) -> Result<Self> {
        let writing = || format!("could not write into {}", parent.display());
        fs::create_dir_all(parent).with_context(writing)?;
        for entry in fs::read_dir(parent).with_context(writing)?.flatten() {
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                fs::remove_dir_all(entry.path()).with_context(|| {
                    format!("could not remove the left-over {}", entry.path().display())
                })?;
            }
        }
        let folder = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .tempdir_in(parent)
            .with_context(writing)?;
        Ok(Self {
            folder,
            parent: parent.to_owned(),
        })
    }

    /// Where to unpack to.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Moves the finished `name` to its place in the parent folder, in the stead of what was there.
    pub fn finish(&self, name: &str) -> Result<PathBuf> {
        let (new, target) = (self.path().join(name), self.parent.join(name));
        let old = self.path().join(format!("{name}.old"));
        let moving = || format!("could not move {} to {}", new.display(), target.display());
        let replaces = target.exists();
        if replaces {
            // Removed together with this folder.
            fs::rename(&target, &old).with_context(moving)?;
        }
        if let Err(error) = fs::rename(&new, &target) {
            if replaces {
                fs::rename(&old, &target).with_context(moving)?;
            }
            return Err(error).with_context(moving);
        }
        Ok(target)
    }
}

/// Unpacks the entries for which `place` gives a path (relative to `into`); how many files that made.
///
/// An entry that would land outside `into`, or is a symbolic link, condemns the whole archive. The reader checks every CRC.
pub fn unpack(zip: &Path, into: &Path, place: &dyn Fn(&Path) -> Option<PathBuf>) -> Result<usize> {
    let unreadable = || format!("{} cannot be read as a zip file", zip.display());
    let file = File::open(zip).with_context(unreadable)?;
    let mut archive = ZipArchive::new(BufReader::new(file)).with_context(unreadable)?;
    let plan = plan(&mut archive, zip, place)?;
    let total = plan.iter().map(|(_, _, size)| size).sum();
    enough_room(into, total)?;
    let name = zip.file_name().unwrap_or_default().to_string_lossy();
    let mut progress = Progress::new(format!("unpacking {name}"), Some(total));
    for (index, relative, _) in &plan {
        let target = into.join(relative);
        let writing = || format!("could not write {}", target.display());
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).with_context(writing)?;
        }
        let mut entry = archive.by_index(*index).with_context(unreadable)?;
        let mut output = Counted {
            file: File::create(&target).with_context(writing)?,
            progress: &mut progress,
        };
        let length = std::io::copy(&mut entry, &mut output).with_context(|| {
            format!(
                "{} of {} could not be unpacked",
                relative.display(),
                zip.display()
            )
        })?;
        if length >= SYNC_FROM {
            output.file.sync_all().with_context(writing)?;
        }
    }
    Ok(plan.len())
}

/// Index, target and size of every file to unpack. Made before the first byte is written.
fn plan(
    archive: &mut ZipArchive<BufReader<File>>,
    zip: &Path,
    place: &dyn Fn(&Path) -> Option<PathBuf>,
) -> Result<Vec<(usize, PathBuf, u64)>> {
    let mut plan = Vec::new();
    for index in 0..archive.len() {
        let entry = archive
            .by_index(index)
            .with_context(|| format!("{} cannot be read as a zip file", zip.display()))?;
        let refused = |why: &str| {
            let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
            anyhow!(
                "{} holds the entry {name:?}, {why}; such an archive is not unpacked at all",
                zip.display()
            )
        };
        // The zip crate turns an absolute name into a relative one; here it is a sign of malice, as is every `..`.
        let name = String::from_utf8_lossy(entry.name_raw());
        let evil =
            name.starts_with(['/', '\\']) || name.split(['/', '\\']).any(|part| part == "..");
        let path = entry
            .enclosed_name()
            .filter(|_| !evil)
            .ok_or_else(|| refused("which would land outside the target folder"))?;
        if entry.is_dir() {
            continue;
        }
        if entry.is_symlink() {
            return Err(refused("a symbolic link"));
        }
        let Some(target) = place(&path) else { continue };
        let plain = target
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if !plain || target.as_os_str().is_empty() {
            return Err(refused("which would land outside the target folder"));
        }
        plan.push((index, target, entry.size()));
    }
    ensure!(
        !plan.is_empty(),
        "{} holds none of the files that were sought in it",
        zip.display()
    );
    Ok(plan)
}

fn enough_room(folder: &Path, needed: u64) -> Result<()> {
    // Some network file systems do not tell: then the writing itself will.
    if let Ok(free) = fs4::available_space(folder)
        && free < needed + SPARE
    {
        bail!(
            "{} has {} free, and {} are needed; make room and try again",
            folder.display(),
            size(free),
            size(needed + SPARE)
        );
    }
    Ok(())
}

struct Counted<'a> {
    file: File,
    progress: &'a mut Progress,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.progress.add(count as u64);
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    fn archive(folder: &Path, entries: &[(&str, &str)]) -> PathBuf {
        let path = folder.join("a.zip");
        let mut writer = ZipWriter::new(File::create(&path).unwrap());
        for (name, text) in entries {
            writer
                .start_file(*name, SimpleFileOptions::default())
                .unwrap();
            writer.write_all(text.as_bytes()).unwrap();
        }
        writer.finish().unwrap();
        path
    }

    /// The writer refuses evil names, so they are patched in afterwards: same length, no checksum covers a name.
    fn renamed(zip: &Path, from: &str, to: &str) {
        assert_eq!(from.len(), to.len());
        let mut bytes = fs::read(zip).unwrap();
        let at: Vec<_> = (0..bytes.len() - from.len())
            .filter(|&i| bytes[i..].starts_with(from.as_bytes()))
            .collect();
        assert_eq!(at.len(), 2, "once in the entry, once in the directory");
        for at in at {
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        }
        fs::write(zip, bytes).unwrap();
    }

    #[test]
    fn only_what_is_placed_is_unpacked() {
        let folder = tempfile::tempdir().unwrap();
        let zip = archive(
            folder.path(),
            &[("top/a/x", "1"), ("top/b", "2"), ("other", "3")],
        );
        let into = folder.path().join("into");
        fs::create_dir(&into).unwrap();
        let count = unpack(&zip, &into, &|path| {
            path.strip_prefix("top").ok().map(Path::to_owned)
        })
        .unwrap();
        assert_eq!(count, 2);
        assert_eq!(fs::read_to_string(into.join("a/x")).unwrap(), "1");
        assert!(!into.join("other").exists());
    }

    #[test]
    fn an_entry_that_climbs_out_condemns_the_archive() {
        for evil in ["../evil", "/abs/ev", "a/../ev", "..\\evil", "\\abs\\ev"] {
            let folder = tempfile::tempdir().unwrap();
            let zip = archive(folder.path(), &[("good", "1"), ("harmles", "2")]);
            renamed(&zip, "harmles", evil);
            let into = folder.path().join("into");
            fs::create_dir(&into).unwrap();
            let message = format!(
                "{:#}",
                unpack(&zip, &into, &|path| Some(path.to_owned())).unwrap_err()
            );
            assert!(
                message.contains("outside the target") && message.contains(&format!("{evil:?}")),
                "{message}"
            );
            assert!(!folder.path().join("evil").exists());
            assert_eq!(fs::read_dir(&into).unwrap().count(), 0);
        }
    }

    #[test]
    fn a_placement_that_climbs_out_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let zip = archive(folder.path(), &[("a", "1")]);
        assert!(
            unpack(&zip, folder.path(), &|path| Some(
                Path::new("..").join(path)
            ))
            .is_err()
        );
    }

    #[test]
    fn a_symbolic_link_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.zip");
        let mut writer = ZipWriter::new(File::create(&path).unwrap());
        writer
            .add_symlink("link", "/etc/passwd", SimpleFileOptions::default())
            .unwrap();
        writer.finish().unwrap();
        let message = format!(
            "{:#}",
            unpack(&path, folder.path(), &|path| Some(path.to_owned())).unwrap_err()
        );
        assert!(message.contains("symbolic link"), "{message}");
    }

    #[test]
    fn a_damaged_entry_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let text = "something stored long enough to be found again";
        let path = folder.path().join("a.zip");
        let mut writer = ZipWriter::new(File::create(&path).unwrap());
        let stored =
            SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        writer.start_file("a", stored).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
        writer.finish().unwrap();
        let mut bytes = fs::read(&path).unwrap();
        let at = bytes
            .windows(text.len())
            .position(|window| window == text.as_bytes())
            .unwrap();
        bytes[at] ^= 1;
        fs::write(&path, bytes).unwrap();
        assert!(unpack(&path, folder.path(), &|path| Some(path.to_owned())).is_err());
    }

    #[test]
    fn what_is_no_zip_or_holds_nothing_sought_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page.html");
        fs::write(&path, "<html>please log in</html>").unwrap();
        let message = format!("{:#}", unpack(&path, folder.path(), &|_| None).unwrap_err());
        assert!(
            message.contains("cannot be read as a zip file"),
            "{message}"
        );
        let zip = archive(folder.path(), &[("a", "1")]);
        let message = format!("{:#}", unpack(&zip, folder.path(), &|_| None).unwrap_err());
        assert!(message.contains("none of the files"), "{message}");
    }

    #[test]
    fn an_unfinished_staging_leaves_the_target_alone() {
        let folder = tempfile::tempdir().unwrap();
        let parent = folder.path().join("data");
        fs::create_dir_all(parent.join("kaggle")).unwrap();
        fs::write(parent.join("kaggle/old"), "").unwrap();
        {
            let staging = Staging::inside(&parent).unwrap();
            fs::create_dir(staging.path().join("kaggle")).unwrap();
        }
        assert!(parent.join("kaggle/old").exists());
        assert_eq!(fs::read_dir(&parent).unwrap().count(), 1);
    }

    #[test]
    fn a_finished_staging_replaces_the_target_and_clears_up() {
        let folder = tempfile::tempdir().unwrap();
        let parent = folder.path().join("data");
        fs::create_dir_all(parent.join("kaggle")).unwrap();
        fs::write(parent.join("kaggle/old"), "").unwrap();
        // What a killed run left.
        fs::create_dir_all(parent.join(".incoming-dead/kaggle")).unwrap();
        {
            let staging = Staging::inside(&parent).unwrap();
            fs::create_dir(staging.path().join("kaggle")).unwrap();
            fs::write(staging.path().join("kaggle/new"), "").unwrap();
            staging.finish("kaggle").unwrap();
        }
        assert!(parent.join("kaggle/new").exists() && !parent.join("kaggle/old").exists());
        assert_eq!(fs::read_dir(&parent).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_move_puts_the_old_one_back() {
        let folder = tempfile::tempdir().unwrap();
        let parent = folder.path().join("data");
        fs::create_dir_all(parent.join("kaggle")).unwrap();
        let staging = Staging::inside(&parent).unwrap();
        assert!(staging.finish("kaggle").is_err());
        assert!(parent.join("kaggle").exists());
    }
}
