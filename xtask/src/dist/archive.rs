//! The archive: the same bytes for the same files, on any machine.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};
use walkdir::WalkDir;

/// Packs a folder under its own name: entries sorted, all of one time, owned by no one.
pub fn pack(folder: &Path, to: &Path, time: u64) -> Result<()> {
    let writing = || format!("could not write {}", to.display());
    let part = to.with_extension("part");
    let file = BufWriter::new(File::create(&part).with_context(writing)?);
    // Neither name nor time of the packing in the header.
    let gzip = GzBuilder::new()
        .mtime(0)
        .write(file, Compression::default());
    let mut tar = Builder::new(gzip);
    let parent = folder.parent().unwrap_or(folder);
    for entry in WalkDir::new(folder).sort_by_file_name() {
        let entry = entry?;
        let name = entry.path().strip_prefix(parent)?;
        let mut header = Header::new_gnu();
        header.set_mtime(time);
        header.set_uid(0);
        header.set_gid(0);
        if entry.file_type().is_dir() {
            header.set_entry_type(EntryType::Directory);
            header.set_mode(0o755);
            header.set_size(0);
            tar.append_data(&mut header, name, std::io::empty())
                .with_context(writing)?;
        } else {
            let runs = name.iter().any(|part| part == "bin");
            header.set_entry_type(EntryType::Regular);
            header.set_mode(if runs { 0o755 } else { 0o644 });
            header.set_size(entry.metadata()?.len());
            let reading = || format!("could not read {}", entry.path().display());
            let file = File::open(entry.path()).with_context(reading)?;
            tar.append_data(&mut header, name, file)
                .with_context(writing)?;
        }
    }
    let gzip = tar.into_inner().with_context(writing)?;
    let mut file = gzip.finish().with_context(writing)?;
    file.flush().with_context(writing)?;
    file.get_ref().sync_all().with_context(writing)?;
    fs::rename(&part, to).with_context(writing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(folder: &Path, order: &[&str]) {
        for name in order {
            let path = folder.join("osteon").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
    }

    #[test]
    fn the_same_files_make_the_same_bytes() {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        tree(a.path(), &["bin/osteon", "lib/x.so", "a"]);
        std::thread::sleep(std::time::Duration::from_millis(20));
        tree(b.path(), &["a", "lib/x.so", "bin/osteon"]);
        let mut bytes = Vec::new();
        for folder in [&a, &b] {
            let to = folder.path().join("osteon.tar.gz");
            pack(&folder.path().join("osteon"), &to, 1_700_000_000).unwrap();
            bytes.push(fs::read(to).unwrap());
        }
        assert!(bytes[0] == bytes[1]);
    }

    /// Read by another program.
    #[test]
    fn tar_sees_sorted_entries_with_their_modes_and_the_time() {
        let folder = tempfile::tempdir().unwrap();
        tree(folder.path(), &["lib/x.so", "bin/osteon"]);
        let to = folder.path().join("osteon.tar.gz");
        pack(&folder.path().join("osteon"), &to, 1_700_000_000).unwrap();
        let Ok(output) = std::process::Command::new("tar")
            .args(["--utc", "--numeric-owner", "-tvzf"])
            .arg(&to)
            .output()
        else {
            println!("skipped: there is no tar");
            return;
        };
        let text = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<Vec<&str>> = text
            .lines()
            .map(|l| l.split_whitespace().collect())
            .collect();
        let names: Vec<_> = lines.iter().map(|line| line[5]).collect();
        let expected = [
            "osteon",
            "osteon/bin",
            "osteon/bin/osteon",
            "osteon/lib",
            "osteon/lib/x.so",
        ];
        assert_eq!(names, expected);
        let modes: Vec<_> = lines.iter().map(|line| line[0]).collect();
        assert_eq!(
            modes,
            [
                "drwxr-xr-x",
                "drwxr-xr-x",
                "-rwxr-xr-x",
                "drwxr-xr-x",
                "-rw-r--r--"
            ]
        );
        assert!(
            lines.iter().all(|l| l[1] == "0/0" && l[3] == "2023-11-14"),
            "{text}"
        );
    }
}
