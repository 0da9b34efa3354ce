//! What lies among images and is none: by its name, by its size, and, where the name does not speak of an image, by its first bytes.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use osteon_files::FileError;
use serde::Serialize;

use crate::DataError;

/// A file or folder within a data set that is no image of it: not labelled, not counted, but named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Aside {
    /// Where it lies; a folder stands for all that is in it.
    pub path: PathBuf,
    /// Why it was left aside.
    pub why: NoImage,
}

/// Why a file or folder was left aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NoImage {
    /// Systems and file managers leave such things behind: hidden files, `Thumbs.db`, `@eaDir` with its thumbnails, `lost+found`.
    Litter,
    /// Nothing is in the file.
    Empty,
    /// By name and content a text, a table, an archive, …
    Other,
    /// No file that could be read: a pipe, a socket, a device.
    Special,
    /// An image, but in no class's folder.
    NoClass,
    /// A folder beside the splits that is none of them.
    NoSplit,
}

impl NoImage {
    /// The reason in a few words.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Litter => "left behind by a system or file manager",
            Self::Empty => "an empty file",
            Self::Other => "no image",
            Self::Special => "no file",
            Self::NoClass => "in no class's folder",
            Self::NoSplit => "none of the splits train, val and test",
        }
    }
}

/// Names that systems and file managers give to what they leave behind, in lower case.
const LITTER: [&str; 27] = [
    "thumbs.db",
    "ehthumbs.db",
    "ehthumbs_vista.db",
    "desktop.ini",
    "desktop.db",
    "folder.ini",
    "picasa.ini",
    "zbthumbnail.info",
    "icon\r",
    "icon\u{f00d}",
    "__macosx",
    "network trash folder",
    "temporary items",
    "$recycle.bin",
    "recycle.bin",
    "recycler",
    "recycled",
    "system volume information",
    "@eadir",
    "@recycle",
    "@recently-snapshot",
    "@tmp",
    "@sharebin",
    "@__thumb",
    "#recycle",
    "#snapshot",
    "lost+found",
];

/// What such names begin and end with, in lower case.
const LITTER_STARTS: [&str; 5] = [
    "synophoto_thumb_",
    "synophoto_film_",
    "synoindex_media_info",
    "synovideo_",
    "~$",
];
const LITTER_ENDS: [&str; 5] = [
    "@synoeastream",
    "@synoresource",
    ":zone.identifier",
    ":encryptable",
    ":afp_afpinfo",
];

/// Whether a file or folder of this name is what a system or file manager leaves behind, in any case of letters.
pub(super) fn is_litter(name: &OsStr) -> bool {
    // What is hidden is no image that anyone lost.
    if name.as_encoded_bytes().starts_with(b".") {
        return true;
    }
    let name = name.to_string_lossy().to_lowercase();
    LITTER.contains(&name.as_str())
        || LITTER_STARTS.iter().any(|start| name.starts_with(start))
        || LITTER_ENDS.iter().any(|end| name.ends_with(end))
}

/// Endings of names that speak of an image, whatever is in the file: what a decoder says of it is for the reader to see.
/// PDF and SVG are among them: people keep pictures so, and are told what to do about it.
const IMAGES: [&str; 44] = [
    "jpg",
    "jpeg",
    "jpe",
    "jfif",
    "jif",
    "pjpeg",
    "jpg_large",
    "png",
    "apng",
    "gif",
    "bmp",
    "dib",
    "tif",
    "tiff",
    "btf",
    "tf8",
    "webp",
    "dcm",
    "dicom",
    "dic",
    "ima",
    "acr",
    "heic",
    "heif",
    "avif",
    "jxl",
    "jp2",
    "j2k",
    "j2c",
    "jpf",
    "jpx",
    "jpc",
    "jls",
    "jph",
    "ljpg",
    "pgm",
    "ppm",
    "pnm",
    "pbm",
    "tga",
    "psd",
    "pdf",
    "svg",
    "svgz",
];

/// Endings of names that speak of something else: believed unless the content is an image after all.
const OTHERS: [&str; 57] = [
    "txt", "text", "md", "rst", "rtf", "log", "csv", "tsv", "xls", "xlsx", "ods", "odt", "doc",
    "docx", "ppt", "pptx", "tex", "json", "jsonl", "ndjson", "xml", "yaml", "yml", "toml", "ini",
    "cfg", "conf", "html", "htm", "css", "js", "py", "ipynb", "r", "m", "sh", "bat", "ps1", "exe",
    "dll", "lnk", "url", "webloc", "db", "sqlite", "zip", "gz", "tgz", "tar", "bz2", "xz", "7z",
    "rar", "md5", "sha1", "sha256", "bak",
];

/// What a file that is there is, if no image. A name that speaks of an image is believed, and the file not opened; of any other the first
/// bytes are read. What they do not tell stays an image, for its reader to judge.
pub(super) fn no_image(path: &Path) -> Result<Option<NoImage>, DataError> {
    let io = |source| FileError::new("read", path, source);
    if std::fs::metadata(path).map_err(io)?.len() == 0 {
        return Ok(Some(NoImage::Empty));
    }
    let ending = ending(path);
    if IMAGES.contains(&ending.as_str()) {
        return Ok(None);
    }
    let mut head = Vec::with_capacity(HEAD as usize);
    // Without permission nothing is known, and its reader says why.
    if let Ok(file) = File::open(path) {
        file.take(HEAD).read_to_end(&mut head).map_err(io)?;
    }
    let other = !is_image(&head) && (OTHERS.contains(&ending.as_str()) || is_other(&head));
    Ok(other.then_some(NoImage::Other))
}

/// Whether the name of a file speaks of an image.
pub(super) fn named_as_image(path: &Path) -> bool {
    IMAGES.contains(&ending(path).as_str())
}

fn ending(path: &Path) -> String {
    let ending = path.extension().map(OsStr::to_string_lossy);
    ending.map_or_else(String::new, |e| e.to_lowercase())
}

/// Bytes of a file that are looked at.
const HEAD: u64 = 512;

/// Whether a file that begins so is an image, of whatever kind: also of those that no decoder here reads.
fn is_image(head: &[u8]) -> bool {
    let starts = |magic: &[u8]| head.starts_with(magic);
    let at = |place: usize, magic: &[u8]| head.get(place..).is_some_and(|h| h.starts_with(magic));
    starts(b"\xff\xd8\xff")
        || starts(b"\x89PNG")
        || starts(b"GIF8")
        || (starts(b"BM") && at(6, &[0; 4]))
        || starts(b"II*\0")
        || starts(b"MM\0*")
        || starts(b"II+\0")
        || starts(b"MM\0+")
        || (starts(b"RIFF") && at(8, b"WEBP"))
        || at(128, b"DICM")
        || at(4, b"ftyp")
        || starts(b"\0\0\0\x0cJXL ")
        || starts(b"\0\0\0\x0cjP  ")
        || starts(b"\xff\x0a")
        || starts(b"\xff\x4f\xff\x51")
        || starts(b"8BPS")
        // DICOM without its preamble begins with an element of group 2 or 8.
        || starts(b"\x02\0")
        || starts(b"\x08\0")
}

/// Whether a file that begins so is known to be something else: text, an archive, a document, a database, a program.
fn is_other(head: &[u8]) -> bool {
    const MAGIC: [&[u8]; 15] = [
        b"PK\x03\x04",
        b"PK\x05\x06",
        b"%PDF",
        b"SQLite format 3",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b"\x1f\x8b",
        b"BZh",
        b"\xfd7zXZ\0",
        b"7z\xbc\xaf\x27\x1c",
        b"Rar!",
        b"\x7fELF",
        b"\0\x05\x16\x07",
        b"\0\x05\x16\0",
        b"\xff\xfe",
        b"\xfe\xff",
    ];
    MAGIC.iter().any(|magic| head.starts_with(magic)) || is_text(head)
}

/// Whether these bytes are text in UTF-8 or one of the older alphabets: nothing below a space but tabs, line ends and form feeds.
fn is_text(head: &[u8]) -> bool {
    let control = |&b: &u8| b < b' ' && !matches!(b, b'\t' | b'\n' | b'\r' | 0x0c) || b == 0x7f;
    !head.is_empty() && !head.iter().any(control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn litter_in_any_case_of_letters() {
        for name in [
            "Thumbs.db",
            "THUMBS.DB",
            "ehthumbs.db",
            "EHTHUMBS_VISTA.DB",
            "Desktop.ini",
            "DESKTOP.INI",
            "Icon\r",
            "ICON\r",
            ".DS_Store",
            "._f501.png",
            ".AppleDouble",
            "__MACOSX",
            "__macosx",
            "@eaDir",
            "@EADIR",
            "@Recycle",
            "#recycle",
            "#Recycle",
            "$RECYCLE.BIN",
            "lost+found",
            "LOST+FOUND",
            "System Volume Information",
            "SYNOPHOTO_THUMB_M.jpg",
            "f1.png@SynoEAStream",
            "f1.png:Zone.Identifier",
            "~$labels.xlsx",
        ] {
            assert!(is_litter(OsStr::new(name)), "{name:?}");
        }
        for name in [
            "Icon.png",
            "thumbs.png",
            "icon",
            "recycle",
            "f501.png",
            "eaDir",
            "desktop",
        ] {
            assert!(!is_litter(OsStr::new(name)), "{name:?}");
        }
    }

    #[test]
    fn what_is_no_image_by_content() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let said = |name: &str, content: &[u8]| {
            let path = dir.path().join(name);
            std::fs::write(&path, content).expect("file");
            no_image(&path).expect("reads")
        };
        for (name, content) in [
            ("notes.txt", &b"read by Dr X"[..]),
            ("NOTES.TXT", b"read by Dr X"),
            ("notes", b"read by Dr X\r\n"),
            ("README", "für alle".as_bytes()),
            ("latin", b"f\xfcr alle"),
            ("wide", b"\xff\xfea\0b\0"),
            ("labels.csv", b"path,label\n"),
            ("all.zip", b"PK\x03\x04\x14\0"),
            ("all", b"PK\x03\x04\x14\0"),
            ("report", b"%PDF-1.7"),
            ("cache.db", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0"),
            ("unknown.db", b"\x01\x02\x03"),
        ] {
            assert_eq!(said(name, content), Some(NoImage::Other), "{name}");
        }
        for name in ["a.png", "a", "a.txt", "Icon"] {
            assert_eq!(said(name, b""), Some(NoImage::Empty), "{name}");
        }
        let mut dicom = vec![0; 128];
        dicom.extend(b"DICM");
        for (name, content) in [
            // Named as an image: its decoder says what is wrong with it.
            ("page.jpg", &b"<html>"[..]),
            ("b.PNG", b"x"),
            ("c.dcm", b"x"),
            ("d.pdf", b"%PDF-1.7"),
            ("e.svg", b"<svg/>"),
            // An image under another name, or under none.
            ("scan.txt", b"\x89PNG\r\n\x1a\n"),
            ("scan.bak", b"\xff\xd8\xff\xe0"),
            ("1.2.840.113", &dicom),
            ("IM0001", b"\x08\0\x05\0CS"),
            // Nobody knows: it is not passed over.
            ("blob", b"\x01\x02\x03"),
            ("zeros", &[0; 600]),
        ] {
            assert_eq!(said(name, content), None, "{name}");
        }
    }
}
