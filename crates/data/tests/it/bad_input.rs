//! Data sets with something wrong: an error that names the place, never a panic and never an image less.

use std::path::Path;

use osteon_data::{Catalog, ClassNames, DataError, Dataset, Decoder, Layout, Preprocess, Split};

use crate::put;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("temporary folder")
}

/// The message of a set that must be refused, the temporary folder's name taken out.
fn refusal(dir: &Path) -> String {
    let said = Catalog::open(dir).expect_err("refused").to_string();
    said.replace(&format!("{}/", dir.display()), "")
        .replace(&dir.display().to_string(), "SET")
}

/// A folder with a.png, b.png and this manifest.
fn manifest(text: impl AsRef<[u8]>) -> String {
    let dir = folder();
    put(dir.path(), "a.png", "x");
    put(dir.path(), "b.png", "x");
    put(dir.path(), "manifest.csv", text);
    refusal(dir.path())
}

#[test]
fn manifests() {
    let cases: &[(&str, &str)] = &[
        (
            "path,lable\na.png,1\n",
            "manifest.csv has no column label (nor class); it has path, lable",
        ),
        (
            "name;label;split\na.png;1;train\n",
            "manifest.csv has no column path (nor file, filename, image); it has name, label, split",
        ),
        (
            "path,label,view,View\n",
            "manifest.csv has two columns \"View\"",
        ),
        ("path,label\n", "SET holds no images"),
        (
            "",
            "manifest.csv has no column path (nor file, filename, image); it has none",
        ),
        (
            "path,label\na.png,1\nb.png,broken\n",
            "manifest.csv, line 3, column label: unknown label \"broken\": fractured is called 1, fractured, fracture, positive; not fractured is called 0, not fractured, non-fractured, unfractured, not fracture, no fracture, normal, negative",
        ),
        (
            "path,label\na.png,1\nb.png,\n",
            "manifest.csv, line 3, column label: unknown label \"\": fractured is called 1, fractured, fracture, positive; not fractured is called 0, not fractured, non-fractured, unfractured, not fracture, no fracture, normal, negative",
        ),
        (
            "path,label,split\r\na.png,1,train\r\n\r\nb.png,0,holdout\r\n",
            "manifest.csv, line 4, column split: unknown split \"holdout\": expected train, val or test",
        ),
        (
            "path,label,split\na.png,1,train\nb.png,0,\n",
            "manifest.csv, line 3, column split: no split, while other rows have one",
        ),
        (
            "path,label,note\na.png,1,\"two\nlines\"\nc.png,0,\n",
            "manifest.csv, line 4, column path: there is no file c.png",
        ),
        (
            "path,label\na.png,1\n,0\n",
            "manifest.csv, line 3, column path: the cell is empty",
        ),
        (
            "path,label\na.png,1\n./a.png,0\n",
            "manifest.csv, line 3, column path: ./a.png is the same file as in line 2",
        ),
        (
            "path,label,boxes\na.png,1,0.5 0.5 0.1\n",
            "manifest.csv, line 2, column boxes: \"0.5 0.5 0.1\" is no box: expected cx cy w h, each from 0 to 1",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(&manifest(text), expected, "{text}");
    }
    let uneven = manifest("path,label\na.png,1\nb.png,0,extra\n");
    assert!(
        uneven.starts_with("manifest.csv, line 3: CSV error"),
        "{uneven}"
    );
    let latin = manifest(b"path,label,note\na.png,1,caf\xe9\n");
    assert_eq!(
        latin,
        "manifest.csv, line 2, column note: the cell is not UTF-8"
    );
    let wide: Vec<u8> = "\u{feff}path,label\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(
        manifest(wide),
        "manifest.csv is in UTF-16: save it as CSV UTF-8"
    );
}

#[test]
fn what_is_not_there() {
    let dir = folder();
    assert_eq!(
        refusal(&dir.path().join("mine.csv")),
        "there is no manifest SET: a CSV table with the columns path and label"
    );
    let said = Catalog::open_as(dir.path(), Layout::Manifest, &ClassNames::default())
        .expect_err("none")
        .to_string();
    assert!(
        said.contains("there is no manifest") && said.contains("manifest.csv"),
        "{said}"
    );
    for layout in [
        Layout::ClassFolders,
        Layout::Dicom,
        Layout::FracAtlas,
        Layout::Mura,
    ] {
        assert!(
            Catalog::open_as(dir.path().join("nowhere"), layout, &ClassNames::default()).is_err()
        );
    }
    put(dir.path(), "note.txt", "x");
    assert!(matches!(
        Catalog::open(dir.path().join("note.txt")),
        Err(DataError::NoFolder { .. })
    ));
}

#[test]
fn folders_without_films() {
    let dir = folder();
    assert!(refusal(dir.path()).starts_with("SET holds no class folders"));
    for class in ["train/fractured", "train/not fractured"] {
        std::fs::create_dir_all(dir.path().join(class)).expect("folder");
    }
    assert_eq!(refusal(dir.path()), "SET holds no images");
    put(dir.path(), "train/fractured/.DS_Store", "x");
    assert_eq!(refusal(dir.path()), "SET holds no images");
}

#[test]
fn an_unknown_class() {
    let dir = folder();
    for class in ["fractured", "not fractured", "doubtful"] {
        put(dir.path(), format!("val/{class}/a.png"), "x");
    }
    assert_eq!(
        refusal(dir.path()),
        "val/doubtful is neither a class nor empty: the name \"doubtful\" is not known. Known names: fractured is called fractured, fracture, positive; not fractured is called not fractured, non-fractured, unfractured, not fracture, no fracture, normal, negative"
    );
}

/// A file that is called an image and is none is an image that does not read: listed, named, in no figure. Where a table names it, so is an
/// empty file.
#[test]
fn a_file_that_is_no_image() {
    let dir = folder();
    let film = image::GrayImage::from_pixel(8, 8, image::Luma([90]));
    std::fs::create_dir_all(dir.path().join("fractured")).expect("folder");
    film.save(dir.path().join("fractured/a.png"))
        .expect("writes");
    put(dir.path(), "normal/b.png", "");
    put(
        dir.path(),
        "manifest.csv",
        "path,label\nfractured/a.png,1\nnormal/b.png,0\n",
    );
    let catalog = Catalog::open(dir.path()).expect("opens");
    let films = catalog.split(Split::Test).expect("both classes");
    let films = Dataset::load(films, &Decoder::default(), &Preprocess::default(), &|| {})
        .expect("one reads");
    let [unreadable] = films.unreadable() else {
        panic!("one does not")
    };
    assert_eq!(
        (unreadable.id.as_str(), unreadable.reason.as_str()),
        ("normal/b.png", "the file is empty")
    );
}

#[cfg(unix)]
mod links {
    use std::os::unix::fs::symlink;

    use super::*;

    fn set() -> tempfile::TempDir {
        let dir = folder();
        put(dir.path(), "train/fractured/a.png", "x");
        put(dir.path(), "train/normal/b.png", "x");
        dir
    }

    #[test]
    fn may_not_leave_the_data_set() {
        let outside = folder();
        put(outside.path(), "films/secret.png", "x");
        for (target, link) in [
            ("films/secret.png", "train/fractured/c.png"),
            ("films", "train/fractured/more"),
            ("films", "val"),
        ] {
            let dir = set();
            symlink(outside.path().join(target), dir.path().join(link)).expect("links");
            let said = refusal(dir.path());
            assert!(said.starts_with(&format!("{link} is a link to ")), "{said}");
            assert!(
                said.contains("outside of the data set SET. Move the images into it"),
                "{said}"
            );
        }
        let dir = set();
        symlink(
            outside.path().join("films/secret.png"),
            dir.path().join("c.png"),
        )
        .expect("links");
        put(dir.path(), "manifest.csv", "path,label\nc.png,1\n");
        assert!(refusal(dir.path()).starts_with("c.png is a link to "));
    }

    #[test]
    fn may_stay_inside_and_the_set_itself_may_be_one() {
        let dir = set();
        symlink(
            dir.path().join("train/fractured/a.png"),
            dir.path().join("train/fractured/c.png"),
        )
        .expect("links");
        assert_eq!(Catalog::open(dir.path()).expect("opens").entries().len(), 3);
        let other = folder();
        symlink(dir.path(), other.path().join("set")).expect("links");
        let catalog = Catalog::open(other.path().join("set")).expect("opens");
        assert_eq!(catalog.entries()[0].id, "train/fractured/a.png");
    }

    #[test]
    fn in_a_circle_are_named() {
        let dir = set();
        symlink(
            dir.path().join("train"),
            dir.path().join("train/fractured/round"),
        )
        .expect("links");
        let said = refusal(dir.path());
        assert!(
            said.contains("train/fractured/round") && said.contains("loop"),
            "{said}"
        );
        let dir = set();
        symlink("self", dir.path().join("self")).expect("links");
        let said = refusal(dir.path());
        assert!(
            said.starts_with("cannot read self: Too many levels"),
            "{said}"
        );
        put(dir.path(), "manifest.csv", "path,label\nself,1\n");
        assert!(refusal(dir.path()).starts_with("cannot read self: Too many levels"));
    }

    #[test]
    fn to_nothing_are_named() {
        let dir = set();
        symlink("gone.png", dir.path().join("train/fractured/c.png")).expect("links");
        let said = refusal(dir.path());
        assert!(
            said.starts_with("cannot read train/fractured/c.png: "),
            "{said}"
        );
    }
}

#[cfg(target_os = "linux")]
mod names {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use osteon_data::{SplitRecord, write_manifest};

    use super::*;

    /// Names that are not text are images like any other, and come back from a manifest byte for byte.
    #[test]
    fn that_are_not_text() {
        let dir = folder();
        put(dir.path(), "normal/n.png", "x");
        put(dir.path(), "fractured/a%FF.png", "x");
        put(dir.path(), "fractured/ two\nlines, \"quoted\" .png", "x");
        for name in [&b"a\xff.png"[..], b"a\xfe.png"] {
            put(
                dir.path(),
                Path::new("fractured").join(OsStr::from_bytes(name)),
                "x",
            );
        }
        let catalog = Catalog::open(dir.path()).expect("opens");
        let ids: Vec<&str> = catalog.entries().iter().map(|e| e.id.as_str()).collect();
        assert_eq!(
            ids,
            [
                "fractured/ two\nlines, \"quoted\" .png",
                "fractured/a%25FF.png",
                "fractured/a%FE.png",
                "fractured/a%FF.png",
                "normal/n.png",
            ]
        );
        write_manifest(
            &dir.path().join("manifest.csv"),
            catalog.entries(),
            &SplitRecord::default(),
        )
        .expect("writes");
        let back = Catalog::open(dir.path()).expect("opens");
        assert_eq!(
            (back.layout(), back.entries()),
            (Layout::Manifest, catalog.entries())
        );
        let strange = folder();
        put(
            strange.path(),
            Path::new(OsStr::from_bytes(b"cats\xff")).join("a.png"),
            "x",
        );
        assert!(refusal(strange.path()).contains("found cats"));
    }
}
