//! A table beside a data set: what it adds to the images, and what is wrong with it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use osteon_data::{Catalog, DataError, Entry, Label, Split, subgroup_columns, write_manifest};

use crate::{put, real_films};

/// Two splits; `a.png` is in both, and in both classes of val.
const FILMS: [&str; 6] = [
    "train/fractured/a.png",
    "train/not fractured/b.png",
    "train/not fractured/c.png",
    "val/fractured/a.png",
    "val/not fractured/a.png",
    "val/not fractured/d.png",
];

const TABLE: &str = "split,class,file,cluster,hand,leg,age,boxes_cx_cy_w_h\n\
    train,fractured,a.png,7,1,0,30,0.5 0.5 0.1 0.1;0.2 0.2 0.1 0.1\n\
    train,not fractured,b.png,7,0,1,31,\n\
    train,not fractured,c.png,8,1,1,32,\n\
    val,fractured,a.png,9,1,0,33,0.5 0.5 0.2 0.2\n\
    val,not fractured,a.png,10,1,0,34,\n\
    val,not fractured,d.png,,0,0,35,\n";

fn set(dir: &Path) -> Catalog {
    for film in FILMS {
        put(dir, film, "x");
    }
    Catalog::open(dir).expect("opens")
}

fn film<'a>(catalog: &'a Catalog, id: &str) -> &'a Entry {
    let mut films = catalog.entries().iter();
    films.find(|e| e.id == id).expect("listed")
}

fn field<'a>(entry: &'a Entry, name: &str) -> Option<&'a str> {
    entry.fields.get(name).map(String::as_str)
}

#[test]
fn rows_go_to_their_films() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let plain = set(dir.path());
    put(dir.path(), "about.csv", TABLE);
    let about = dir.path().join("about.csv");
    let catalog = plain.annotated(&about).expect("fits");
    let broken = film(&catalog, "val/fractured/a.png");
    assert_eq!(broken.group.as_deref(), Some("9"));
    assert_eq!((broken.boxes.len(), broken.boxes[0].w), (1, 0.2));
    assert_eq!(
        (field(broken, "region"), field(broken, "age")),
        (Some("hand"), Some("33"))
    );
    assert!(field(broken, "class").is_none() && field(broken, "boxes_cx_cy_w_h").is_none());
    assert_eq!(film(&catalog, "train/fractured/a.png").boxes.len(), 2);
    let whole = film(&catalog, "val/not fractured/a.png");
    assert_eq!((whole.boxes.len(), field(whole, "age")), (0, Some("34")));
    let both = film(&catalog, "train/not fractured/c.png");
    assert_eq!(field(both, "region"), Some("mixed"));
    let unknown = film(&catalog, "val/not fractured/d.png");
    assert_eq!(
        (unknown.group.as_deref(), field(unknown, "region")),
        (None, None)
    );
    let ids = |c: &Catalog| -> Vec<_> { c.entries().iter().map(|e| e.id.clone()).collect() };
    assert_eq!(ids(&catalog), ids(&plain));
    assert_ne!(catalog.fingerprint(), plain.fingerprint());
    assert_eq!(catalog.splits(), plain.splits());
}

#[test]
fn a_published_table_fits_after_the_films_were_divided_anew() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let mut entries = set(dir.path()).entries().to_vec();
    for entry in &mut entries {
        entry.split = match entry.split {
            Split::Train => Split::Val,
            _ => Split::Train,
        };
    }
    let manifest = dir.path().join("manifest.csv");
    write_manifest(&manifest, &entries, &osteon_data::SplitRecord::default()).expect("writes");
    put(dir.path(), "about.csv", TABLE);
    let catalog = Catalog::open(dir.path()).expect("opens");
    let catalog = catalog
        .annotated(&dir.path().join("about.csv"))
        .expect("fits");
    let moved = film(&catalog, "train/fractured/a.png");
    assert_eq!((moved.split, field(moved, "age")), (Split::Val, Some("30")));
}

#[test]
fn a_path_names_a_film_and_nothing_is_overwritten() {
    let dir = tempfile::tempdir().expect("temporary folder");
    put(dir.path(), "a.png", "x");
    put(dir.path(), "b.png", "x");
    put(
        dir.path(),
        "manifest.csv",
        "path,label,group,view,boxes\na.png,1,own,frontal,0.5 0.5 0.1 0.1\nb.png,0,,,\n",
    );
    put(
        dir.path(),
        "about.csv",
        "path;patient;view;sex;boxes\n./a.png;p1;lateral;f;0.1 0.1 0.1 0.1\nb.png;p2;lateral;m;\n",
    );
    let plain = Catalog::open(dir.path()).expect("opens");
    let catalog = plain
        .annotated(&dir.path().join("about.csv"))
        .expect("fits");
    let (a, b) = (film(&catalog, "a.png"), film(&catalog, "b.png"));
    assert_eq!(
        (a.group.as_deref(), field(a, "view")),
        (Some("own"), Some("frontal"))
    );
    assert_eq!((field(a, "sex"), a.boxes[0].cx), (Some("f"), 0.5));
    assert_eq!(
        (b.group.as_deref(), field(b, "view")),
        (Some("p2"), Some("lateral"))
    );
}

#[test]
fn what_is_wrong_is_said_with_its_row() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let plain = set(dir.path());
    let about = dir.path().join("about.csv");
    let said = |text: &str| {
        std::fs::write(&about, text).expect("writes");
        let error = plain.annotated(&about).expect_err("refused");
        error
            .to_string()
            .replace(&format!("{}/", dir.path().display()), "")
    };
    assert_eq!(
        said(&TABLE.replace("train,not fractured,b.png", "train,fractured,b.png")),
        "about.csv, line 3, column class: b.png is called fractured here, but is not_fractured in the data set"
    );
    assert_eq!(
        said(&TABLE.replace("c.png", "b.png")),
        "about.csv, line 4, column file: b.png is the same file as in line 3"
    );
    assert_eq!(
        said(&TABLE.replace("d.png", "e.png")),
        "about.csv, line 7, column file: the data set has no image e.png"
    );
    assert_eq!(
        said("file,age\na.png,3\n"),
        "about.csv, line 2, column file: 3 images of the data set are called a.png: \
         name them by path, or by file, split and class"
    );
    assert_eq!(
        said("file,split\nb.png,tset\n"),
        "about.csv, line 2, column split: unknown split \"tset\": expected train, val or test"
    );
    assert!(said("file,boxes\nb.png,1 2\n").contains("line 2, column boxes: \"1 2\" is no box"));
    assert!(said("name,boxes\nb.png,1 2\n").contains("has no column path (nor file"));
    assert_eq!(
        said("file\nb.png\nc.png\n"),
        "about.csv has no row for 4 of 6 images: train/fractured/a.png, val/fractured/a.png, val/not fractured/a.png, …"
    );
    let (catalog, without) = plain.annotated_partly(&about).expect("in part");
    assert_eq!((catalog.entries().len(), without.len()), (6, 4));
    assert!(matches!(
        plain.annotated(Path::new("/no/such.csv")),
        Err(DataError::File(_))
    ));
}

#[test]
fn columns_that_make_subgroups() {
    let entries: Vec<Entry> = (0..40)
        .map(|i| {
            let label = [Label::Fractured, Label::NotFractured][i % 2];
            let mut entry = Entry::new("x".into(), format!("{i}.png"), label, Split::Test);
            let mut add = |name: &str, value: String| {
                entry.fields.insert(name.to_owned(), value);
            };
            add("constant", "1".to_owned());
            add("name", i.to_string());
            add("site", ["a", "b", "c"][i % 3].to_owned());
            add("decade", ((i / 3 % 4) * 5).to_string());
            add("count", (i % 2).to_string());
            // Of no interest: how large the picture is, and what a column names already.
            add("orig_w", ((i / 2 % 3) * 100).to_string());
            add("hand", (i / 2 % 2).to_string());
            add("region", ["leg", "hand"][i / 2 % 2].to_owned());
            if i < 8 {
                add("rare", i.to_string());
            }
            entry
        })
        .collect();
    let columns = subgroup_columns(&entries);
    let strings = |values: &[&str]| values.iter().map(|&v| v.to_owned()).collect::<Vec<_>>();
    assert_eq!(
        columns,
        [
            ("decade".to_owned(), strings(&["0", "5", "10", "15"])),
            ("region".to_owned(), strings(&["hand", "leg"])),
            ("site".to_owned(), strings(&["a", "b", "c"]))
        ]
    );
    assert!(subgroup_columns(&[]).is_empty());
}

fn count<'a>(values: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    counts
}

/// The figures are Python's, of the manifest alone: `csv.DictReader`; groups as `len({r["cluster"] …})`, boxes as the parts of
/// `boxes_cx_cy_w_h.split(";")` that are not empty, region and view as the name of the one of `hand leg hip shoulder` and `frontal lateral oblique`
/// that is "1", `mixed` where more are.
#[test]
fn fracatlas_by_its_manifest() {
    let (Some(root), Some(manifests)) = (real_films("fracatlas"), real_films("manifests")) else {
        return;
    };
    let plain = Catalog::open(root).expect("opens");
    let catalog = plain
        .annotated(&manifests.join("fracatlas.csv"))
        .expect("fits");
    let of = |split| catalog.split(split).expect("there");
    for (split, films, groups, boxes) in
        [(Split::Train, 2378, 2304, 556), (Split::Val, 436, 417, 82)]
    {
        let names: BTreeSet<_> = of(split)
            .iter()
            .filter_map(|e| e.group.as_deref())
            .collect();
        let marked: usize = of(split).iter().map(|e| e.boxes.len()).sum();
        assert_eq!(
            (of(split).len(), names.len(), marked),
            (films, groups, boxes),
            "{split}"
        );
    }
    let counts = |name: &str| count(catalog.entries().iter().filter_map(|e| field(e, name)));
    let regions = [
        ("hand", 869),
        ("hip", 130),
        ("leg", 1450),
        ("mixed", 288),
        ("shoulder", 77),
    ];
    assert_eq!(counts("region"), BTreeMap::from(regions));
    let views = [
        ("frontal", 1492),
        ("lateral", 813),
        ("mixed", 269),
        ("oblique", 240),
    ];
    assert_eq!(counts("view"), BTreeMap::from(views));
    assert!(
        catalog
            .entries()
            .iter()
            .all(|e| e.label.is_fractured() || e.boxes.is_empty())
    );
    let columns = subgroup_columns(catalog.entries());
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "cluster_rep",
            "hardware",
            "mixed",
            "multiscan",
            "orig_mode",
            "region",
            "view",
        ]
    );
}

#[test]
fn kaggle_by_its_manifest() {
    let (Some(root), Some(manifests)) = (real_films("kaggle"), real_films("manifests")) else {
        return;
    };
    let plain = Catalog::open(root).expect("opens");
    let catalog = plain
        .annotated(&manifests.join("kaggle.csv"))
        .expect("fits");
    let groups: BTreeSet<_> = catalog
        .entries()
        .iter()
        .filter_map(|e| e.group.as_deref())
        .collect();
    assert_eq!((catalog.entries().len(), groups.len()), (8211, 401));
    let turned = catalog
        .entries()
        .iter()
        .filter(|e| field(e, "rotated_copy") == Some("1"));
    assert_eq!(turned.count(), 7399);
}
