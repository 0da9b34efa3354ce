//! What systems, file managers and people leave among images: neither labelled nor counted, and named.

use std::path::Path;

use osteon_data::{
    Aside, Catalog, Dataset, Decoder, NoImage, Preprocess, Split, folder_files, image_files,
};

use crate::{case, put};

/// A set of two images a split and class, all alike, and everything that may lie among them.
fn littered() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("temporary folder");
    let film = |file: String, level: u8| {
        let path = dir.path().join(file);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("folder");
        let film = image::GrayImage::from_fn(16, 16, |x, y| image::Luma([level ^ (x * y) as u8]));
        film.save(path).expect("writes");
    };
    for (number, split) in ["train", "val"].into_iter().enumerate() {
        for (class, name) in ["fractured", "not fractured"].into_iter().enumerate() {
            for n in 0..2 {
                let level = (40 * number + 20 * class + 10 * n) as u8;
                film(format!("{split}/{name}/f{n}.png"), level);
                // The thumbnail of another split's image would be a leak.
                let other = ["val", "train"][number];
                film(
                    format!("{other}/{name}/@eaDir/f{n}.png/SYNOPHOTO_THUMB_M.png"),
                    level,
                );
                film(format!("{split}/{name}/deep/@EADIR/f{n}.png"), level);
                film(format!("{split}/{name}/#Recycle/old{n}.png"), level);
                film(format!("{split}/{name}/__MACOSX/._f{n}.png"), level);
                film(format!("{split}/{name}/.AppleDouble/f{n}.png"), level);
                film(format!("{split}/@Recycle/{name}/f{n}.png"), level);
                film(format!("lost+found/#{n}/f{n}.png"), level);
            }
            for (file, content) in [
                ("Desktop.ini", "[.ShellClassInfo]"),
                ("THUMBS.DB", "x"),
                ("Thumbs.db", "x"),
                ("ehthumbs.db", "x"),
                ("Icon\r", ""),
                (".DS_Store", "x"),
                ("._f0.png", "x"),
                ("notes.txt", "read twice"),
                ("NOTES.TXT.BAK", "read once"),
                ("README", "whose images these are"),
                ("labels.xlsx", "PK\u{3}\u{4}"),
                ("empty.png", ""),
                ("nothing", ""),
            ] {
                put(dir.path(), format!("{split}/{name}/{file}"), content);
            }
        }
    }
    dir
}

fn named(dir: &Path, aside: &[Aside], why: NoImage) -> Vec<String> {
    let these = aside.iter().filter(|a| a.why == why);
    these
        .map(|a| {
            a.path
                .strip_prefix(dir)
                .expect("below")
                .display()
                .to_string()
        })
        .collect()
}

#[test]
fn litter_is_neither_labelled_nor_counted_and_is_named() {
    let dir = littered();
    let catalog = Catalog::open(dir.path()).expect("opens");
    assert_eq!(catalog.entries().len(), 8, "{:?}", catalog.entries());
    for split in [Split::Train, Split::Val] {
        let entries = catalog.split(split).expect("both classes");
        let films = Dataset::load(entries, &Decoder::default(), &Preprocess::default(), &|| {});
        let films = films.expect("reads");
        assert_eq!((films.len(), films.unreadable().len()), (4, 0));
    }
    let aside = catalog.aside();
    let empty = named(dir.path(), aside, NoImage::Empty);
    assert_eq!(empty.len(), 8, "{empty:?}");
    assert!(
        empty.contains(&"val/not fractured/empty.png".to_owned()),
        "{empty:?}"
    );
    let others = named(dir.path(), aside, NoImage::Other);
    assert_eq!(others.len(), 16, "{others:?}");
    assert!(
        others.contains(&"train/fractured/notes.txt".to_owned()),
        "{others:?}"
    );
    let litter = named(dir.path(), aside, NoImage::Litter);
    for one in [
        "train/fractured/@eaDir",
        "train/fractured/deep/@EADIR",
        "train/fractured/#Recycle",
        "train/fractured/THUMBS.DB",
        "train/fractured/Icon\r",
        "train/@Recycle",
        "lost+found",
    ] {
        assert!(litter.contains(&one.to_owned()), "{one}: {litter:?}");
    }
    // A folder stands for all that is in it.
    assert!(
        litter.iter().all(|path| !path.contains("@eaDir/")),
        "{litter:?}"
    );
    assert!(aside.is_sorted());
}

#[test]
fn a_folder_is_listed_without_them() {
    let dir = littered();
    let found = folder_files(&dir.path().join("train")).expect("lists");
    assert_eq!(found.images.len(), 4, "{:?}", found.images);
    assert_eq!(
        image_files(&dir.path().join("train")).expect("lists"),
        found.images
    );
    // A folder that was asked for by its own name is looked into, whatever it is called.
    let own = folder_files(&dir.path().join("train/fractured/@eaDir")).expect("lists");
    assert_eq!(own.images.len(), 0, "its files are thumbnails by name");
}

/// Images that have no split or class are lost to every figure: that is said, and no error.
#[test]
fn images_without_a_place_are_named() {
    let dir = littered();
    for file in [
        "train/loose.png",
        "loose.JPG",
        "masks/a.png",
        "masks/b.png",
        "LICENSE",
        "boxes.txt",
    ] {
        put(dir.path(), file, "x");
    }
    let catalog = Catalog::open(dir.path()).expect("opens");
    assert_eq!(catalog.entries().len(), 8);
    assert_eq!(
        named(dir.path(), catalog.aside(), NoImage::NoClass),
        ["loose.JPG", "train/loose.png"]
    );
    assert_eq!(
        named(dir.path(), catalog.aside(), NoImage::NoSplit),
        ["masks"]
    );
}

/// What a table names is meant, whatever it looks like.
#[test]
fn a_manifest_is_taken_at_its_word() {
    let dir = littered();
    put(
        dir.path(),
        "manifest.csv",
        "path,label\ntrain/fractured/empty.png,1\ntrain/fractured/notes.txt,0\n",
    );
    let catalog = Catalog::open(dir.path()).expect("opens");
    assert_eq!((catalog.entries().len(), catalog.aside().len()), (2, 0));
}

#[cfg(unix)]
#[test]
fn locks_and_pipes_are_no_images() {
    let dir = littered();
    let class = dir.path().join("train/fractured");
    // As Emacs locks a file: a link to nothing.
    std::os::unix::fs::symlink("someone@host.123", class.join(".#f0.png")).expect("links");
    let _socket = std::os::unix::net::UnixListener::bind(class.join("a.png")).expect("binds");
    let catalog = Catalog::open(dir.path()).expect("opens");
    assert_eq!(catalog.entries().len(), 8);
    assert_eq!(
        named(dir.path(), catalog.aside(), NoImage::Special),
        ["train/fractured/a.png"]
    );
}

#[test]
fn the_case() {
    let Some(case) = case("21-folders-with-litter") else {
        return;
    };
    let catalog = Catalog::open(case.join("set")).expect("opens");
    let count = |split| catalog.split(split).expect("both classes").len();
    assert_eq!((count(Split::Train), count(Split::Val)), (8, 4));
    let aside = named(&case.join("set"), catalog.aside(), NoImage::Litter);
    assert_eq!(aside.len(), 14, "{aside:?}");
    assert_eq!(catalog.aside().len(), 14);
}
