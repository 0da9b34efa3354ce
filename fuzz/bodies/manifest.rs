//! A manifest: what reads can be written, and is the same when it is read again.

use std::path::PathBuf;
use std::sync::OnceLock;

use osteon_data::{Catalog, ClassNames, Entry, Layout, SplitRecord, write_manifest};

/// Bytes that one input may have held at once.
pub const MOST: usize = 16 << 20;

/// The images that a manifest can name.
const FILMS: [&str; 6] = [
    "a.png",
    "b.png",
    "c d.png",
    "e,f.png",
    "sub/g.png",
    "sub/\u{e9}.png",
];

/// A folder with images, in memory where the system has such folders: the files are written anew for each input.
pub fn folder() -> &'static PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let memory = PathBuf::from("/dev/shm");
        let parent = if memory.is_dir() {
            memory
        } else {
            std::env::temp_dir()
        };
        let dir = parent.join(format!("osteon-fuzz-manifest-{}", std::process::id()));
        std::fs::create_dir_all(dir.join("sub")).expect("a folder");
        for film in FILMS {
            std::fs::write(dir.join(film), b"x").expect("a file");
        }
        dir
    })
}

pub fn run(bytes: &[u8]) {
    let dir = folder();
    let given = dir.join("given.csv");
    std::fs::write(&given, bytes).expect("writes");
    let catalog = match Catalog::open_as(&given, Layout::Manifest, &ClassNames::default()) {
        Ok(catalog) => catalog,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    assert!(!catalog.entries().is_empty() && catalog.fingerprint().len() == 64);
    let written = dir.join("written.csv");
    let record = dir.join("written.split.json");
    for old in [&written, &record] {
        // Not there before the first.
        let _ = std::fs::remove_file(old);
    }
    let fingerprint = write_manifest(&written, catalog.entries(), &SplitRecord::default())
        .expect("what was read can be written");
    let again = Catalog::open_as(&written, Layout::Manifest, &ClassNames::default())
        .expect("what was written is read");
    assert_eq!(again.fingerprint(), fingerprint);
    let (before, after) = (known(catalog.entries()), known(again.entries()));
    assert!(before == after, "{before:#?}\n{after:#?}");
}

/// Entries without the names they had in one manifest: another may call a file by a shorter one.
fn known(entries: &[Entry]) -> Vec<Entry> {
    let mut known: Vec<Entry> = entries
        .iter()
        .map(|entry| Entry {
            path: std::fs::canonicalize(&entry.path).expect("is there"),
            id: String::new(),
            ..entry.clone()
        })
        .collect();
    known.sort_by(|a, b| a.path.cmp(&b.path));
    known
}
