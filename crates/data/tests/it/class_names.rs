//! What classes may be called: nothing is ever left out of a name but case, spaces, `-` and `_`.

use std::path::Path;

use osteon_data::{Catalog, ClassNames, DataError, Label, Layout, Split};

use crate::{case, put};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("temporary folder")
}

fn own(fractured: &[&str], not_fractured: &[&str]) -> ClassNames {
    let names = |names: &[&str]| names.iter().map(|&n| n.to_owned()).collect();
    ClassNames {
        fractured: names(fractured),
        not_fractured: names(not_fractured),
    }
}

fn refusal(dir: &Path) -> String {
    let said = Catalog::open(dir).expect_err("refused").to_string();
    said.replace(&format!("{}/", dir.display()), "")
        .replace(&dir.display().to_string(), "SET")
}

const KNOWN: &str = "fractured is called fractured, fracture, positive; not fractured is called not fractured, non-fractured, unfractured, \
     not fracture, no fracture, normal, negative";

/// Names that a filter of ASCII letters would have taken for *fractured*.
const STRANGE: [&str; 16] = [
    "не fractured",
    "нет fracture",
    "无fracture",
    "¬fractured",
    "!fractured",
    "~fractured",
    "fractured?",
    "fractured!",
    "(fractured)",
    "fracturé",
    "frаctured", // The third letter is Cyrillic.
    "fractured\u{200b}",
    "\u{feff}fractured",
    "κάταγμα fracture",
    "fracture なし",
    "không fracture",
];

#[test]
fn a_folder_of_a_strange_name_is_an_error_that_lists_the_known_ones() {
    for name in STRANGE {
        for split in ["", "train/"] {
            let dir = folder();
            put(dir.path(), format!("{split}fractured/a.png"), "x");
            put(dir.path(), format!("{split}not fractured/b.png"), "x");
            put(dir.path(), format!("{split}{name}/c.png"), "x");
            assert_eq!(
                refusal(dir.path()),
                format!(
                    "{split}{name} is neither a class nor empty: the name {name:?} is not known. Known names: {KNOWN}"
                )
            );
        }
        let alone = folder();
        put(alone.path(), format!("{name}/a.png"), "x");
        put(alone.path(), format!("x{name}/b.png"), "x");
        let said = refusal(alone.path());
        assert!(said.starts_with("SET holds no class folders"), "{said}");
        assert!(said.contains(KNOWN), "{said}");
    }
}

#[test]
fn a_cell_of_a_strange_name_is_an_error_with_its_place() {
    for name in STRANGE {
        let dir = folder();
        put(dir.path(), "a.png", "x");
        put(dir.path(), "b.png", "x");
        let table = format!("path,label\na.png,fractured\nb.png,{name}\n");
        put(dir.path(), "manifest.csv", table);
        let said = refusal(dir.path());
        assert!(
            said.starts_with(&format!(
                "manifest.csv, line 3, column label: unknown label {name:?}: fractured is called 1, fractured"
            )),
            "{said}"
        );
        assert!(
            said.contains("not fractured is called 0, not fractured"),
            "{said}"
        );
    }
    // A table beside a set is held to the same.
    let dir = folder();
    put(dir.path(), "fractured/a.png", "x");
    put(dir.path(), "normal/b.png", "x");
    put(dir.path(), "more.csv", "file,class\na.png,не fractured\n");
    let catalog = Catalog::open(dir.path()).expect("opens");
    let said = catalog
        .annotated(&dir.path().join("more.csv"))
        .expect_err("refused");
    let said = said.to_string();
    assert!(
        said.contains("line 2, column class: unknown label \"не fractured\""),
        "{said}"
    );
}

/// Spaces around a cell are the table's, not the name's; so is a space that does not break.
#[test]
fn spaces_in_a_table_do_not_matter() {
    use Label::{Fractured, NotFractured};
    let dir = folder();
    for name in ["a.png", "b.png", "c.png", "d.png"] {
        put(dir.path(), name, "x");
    }
    put(
        dir.path(),
        "manifest.csv",
        "\u{feff}path;label\na.png; fractured \nb.png;\u{a0}not\u{a0}fractured\u{a0}\nc.png;\t1\nd.png;NON-FRACTURED\r\n",
    );
    let catalog = Catalog::open(dir.path()).expect("opens");
    let labels: Vec<Label> = catalog.entries().iter().map(|e| e.label).collect();
    assert_eq!(labels, [Fractured, NotFractured, Fractured, NotFractured]);
}

/// An image cannot be of both classes.
#[test]
fn a_class_within_the_other_is_an_error() {
    let dir = folder();
    put(dir.path(), "train/fractured/deep/fractured/a.png", "x");
    put(dir.path(), "train/not fractured/wrist/b.png", "x");
    assert_eq!(Catalog::open(dir.path()).expect("opens").entries().len(), 2);
    put(dir.path(), "train/fractured/deep/Normal/1/c.png", "x");
    assert_eq!(
        refusal(dir.path()),
        "train/fractured/deep/Normal is called not_fractured, but lies within a folder that is called fractured"
    );
}

#[test]
fn classes_may_have_names_of_ones_own() {
    let names = own(&["kırık", "骨折"], &["kırık değil", "正常"]);
    let dir = folder();
    for file in [
        "train/Kırık/a.png",
        "train/kırık_değil/b.png",
        "val/骨折/c.png",
        "val/正常/d.png",
        "test/fractured/e.png",
        "test/normal/f.png",
    ] {
        put(dir.path(), file, "x");
    }
    assert!(matches!(
        Catalog::open(dir.path()),
        Err(DataError::UnknownClass { .. } | DataError::NoClasses { .. })
    ));
    for layout in [Layout::Auto, Layout::ClassFolders] {
        let catalog = Catalog::open_as(dir.path(), layout, &names).expect("opens");
        for split in Split::ALL {
            assert_eq!(catalog.split(split).expect("both classes").len(), 2);
        }
    }
    let table = folder();
    put(table.path(), "a.png", "x");
    put(table.path(), "b.png", "x");
    put(
        table.path(),
        "manifest.csv",
        "path,label\na.png,KIRIK\nb.png,kırık değil\n",
    );
    let catalog = Catalog::open_as(table.path(), Layout::Auto, &names).expect("opens");
    assert_eq!(catalog.split(Split::Test).expect("both classes").len(), 2);
    assert!(catalog.entries()[0].label.is_fractured());
    let said = Catalog::open_as(table.path(), Layout::Auto, &own(&["kırık"], &[]))
        .expect_err("half known")
        .to_string();
    assert!(
        said.contains("fractured is called 1, kırık, fractured"),
        "{said}"
    );
}

#[test]
fn the_cases() {
    let Some(cases) = case("22-class-names") else {
        return;
    };
    for set in ["mixed-script", "mixed-zh", "mark", "question", "three"] {
        let said = Catalog::open(cases.join(set)).expect_err(set).to_string();
        assert!(
            said.contains("Known names: fractured is called"),
            "{set}: {said}"
        );
    }
    let said = Catalog::open(cases.join("manifest-negated.csv"))
        .expect_err("negated")
        .to_string();
    assert!(
        said.contains("line 2, column label: unknown label \"не fractured\""),
        "{said}"
    );
    let one = Catalog::open(cases.join("both-mean-1")).expect("opens");
    let (missing, named) = one.missing_class().expect("one class");
    assert_eq!((missing, named.len()), (Label::NotFractured, 2));
    assert!(one.split(Split::Test).is_err());
    // With names of one's own they are what they say.
    let names = own(&[], &["не fractured", "无fracture"]);
    for set in ["mixed-script", "mixed-zh", "three"] {
        let catalog = Catalog::open_as(cases.join(set), Layout::Auto, &names).expect(set);
        let healthy = catalog
            .entries()
            .iter()
            .filter(|e| !e.label.is_fractured())
            .count();
        assert_eq!(healthy, if set == "three" { 4 } else { 2 });
    }
}
