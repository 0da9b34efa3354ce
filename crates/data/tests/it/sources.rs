//! Data sets in every layout, as published, on disk.

use std::fmt::Write as _;
use std::path::Path;

use osteon_data::{
    Catalog, ClassNames, DataError, Entry, Label, Layout, Split, SplitRecord, write_manifest,
};
use osteon_synth::write_synth;

use crate::{put, real_films};

fn ids(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|e| e.id.as_str()).collect()
}

fn field<'a>(entry: &'a Entry, name: &str) -> Option<&'a str> {
    entry.fields.get(name).map(String::as_str)
}

/// `FracAtlas` in small, with the files as published.
fn fracatlas(dir: &Path) {
    put(dir, "images/Fractured/IMG0000019.jpg", "x");
    put(dir, "images/Fractured/IMG0000044.jpg", "x");
    put(dir, "images/Non_fractured/IMG0000000.jpg", "x");
    put(
        dir,
        "dataset.csv",
        "image_id,hand,leg,hip,shoulder,mixed,hardware,multiscan,fractured,fracture_count,frontal,lateral,oblique\n\
         IMG0000000.jpg,0,1,0,0,0,0,1,0,0,1,1,0\n\
         IMG0000019.jpg,1,0,0,0,0,0,0,1,1,1,0,0\n\
         IMG0000044.jpg,1,0,0,1,1,0,0,1,1,1,0,0\n",
    );
    put(
        dir,
        "Utilities/Fracture Split/train.csv",
        "image_id\nIMG0000019.jpg\n",
    );
}

const COCO: &str = r#"{"info":{"description":"my-project-name"},
    "images":[{"id":1,"width":2304,"height":2880,"file_name":"IMG0000019.jpg"}],
    "annotations":[{"id":0,"iscrowd":0,"image_id":1,"category_id":1,"segmentation":[],"bbox":[1242,929,273,147],"area":1}],
    "categories":[{"id":1,"name":"fractured"}]}"#;

const VOC: &str = "<annotation>\n  <filename>IMG0000019.jpg</filename>\n  <source><database>MLBFR</database></source>\n  \
    <size><width>2304</width><height>2880</height><depth>3</depth></size>\n  <object>\n    <name>fractured</name>\n    \
    <bndbox><xmin>1242</xmin><ymin>929</ymin><xmax>1515</xmax><ymax>1076</ymax></bndbox>\n  </object>\n</annotation>\n";

#[test]
fn fracatlas_as_published() {
    let annotations = [
        ("Annotations/COCO JSON/COCO_fracture_masks.json", COCO),
        ("Annotations/PASCAL VOC/IMG0000019.xml", VOC),
        (
            "Annotations/YOLO/IMG0000019.txt",
            "0 0.5985 0.3482 0.1186 0.0512\n",
        ),
    ];
    for (file, text) in annotations {
        let dir = tempfile::tempdir().expect("temporary folder");
        let set = dir.path().join("FracAtlas");
        fracatlas(&set);
        put(&set, file, text);
        // As it unzips, one folder deeper, too.
        for root in [&set, dir.path()] {
            let catalog = Catalog::open(root).expect("opens");
            assert_eq!(catalog.layout(), Layout::FracAtlas);
            let films = catalog.split(Split::Test).expect("all are test");
            assert_eq!(films.len(), 3);
            let film = |name: &str| films.iter().find(|f| f.id.ends_with(name)).expect("listed");
            let broken = film("Fractured/IMG0000019.jpg");
            assert_eq!(broken.label, Label::Fractured);
            assert_eq!(
                (field(broken, "region"), field(broken, "frontal")),
                (Some("hand"), Some("1"))
            );
            let [found] = broken.boxes[..] else {
                panic!("one box from {file}")
            };
            for (is, should) in [
                (found.cx, 0.5983),
                (found.cy, 0.3481),
                (found.w, 0.1185),
                (found.h, 0.051),
            ] {
                assert!((is - should).abs() < 5e-4, "{file}: {found:?}");
            }
            assert_eq!(field(film("IMG0000044.jpg"), "region"), Some("mixed"));
            let whole = film("Non_fractured/IMG0000000.jpg");
            assert_eq!((whole.label, whole.boxes.len()), (Label::NotFractured, 0));
            assert!(field(whole, "fractured").is_none(), "the label is no field");
        }
    }
}

#[test]
fn an_undivided_set_says_that_it_is() {
    let dir = tempfile::tempdir().expect("temporary folder");
    fracatlas(dir.path());
    let catalog = Catalog::open(dir.path()).expect("opens");
    assert!(!catalog.is_divided());
    let said = catalog
        .split(Split::Train)
        .expect_err("undivided")
        .to_string();
    assert!(
        said.ends_with("has no split train; it has test, for it comes undivided"),
        "{said}"
    );
}

#[test]
fn fracatlas_that_contradicts_itself() {
    let refusal = |change: &dyn Fn(&Path)| {
        let dir = tempfile::tempdir().expect("temporary folder");
        fracatlas(dir.path());
        change(dir.path());
        let said = Catalog::open(dir.path()).expect_err("refused").to_string();
        said.replace(&format!("{}/", dir.path().display()), "")
    };
    let moved = refusal(&|dir| {
        let name = "IMG0000019.jpg";
        std::fs::rename(
            dir.join("images/Fractured").join(name),
            dir.join("images/Non_fractured").join(name),
        )
        .expect("moves");
    });
    assert_eq!(
        moved,
        "dataset.csv, line 3, column fractured: IMG0000019.jpg is called fractured here, but lies in the other class's folder"
    );
    let gone = refusal(&|dir| {
        std::fs::remove_file(dir.join("images/Fractured/IMG0000044.jpg")).expect("removes");
    });
    assert_eq!(
        gone,
        "dataset.csv, line 4, column image_id: there is no file IMG0000044.jpg"
    );
    let half = refusal(&|dir| put(dir, "Annotations/COCO JSON/masks.json", &COCO[..200]));
    assert!(
        half.starts_with("Annotations/COCO JSON/masks.json: not COCO JSON: EOF"),
        "{half}"
    );
    let header = refusal(&|dir| put(dir, "dataset.csv", "file,broken\n"));
    assert_eq!(
        header,
        "dataset.csv has no column image_id; it has file, broken"
    );
}

/// MURA in small, with the files as published.
fn mura(dir: &Path) {
    let films = [
        ("train", "XR_SHOULDER/patient00001/study1_positive", "1"),
        ("train", "XR_WRIST/patient00002/study1_negative", "0"),
        ("valid", "XR_WRIST/patient11185/study1_positive", "1"),
        ("valid", "XR_HAND/patient11186/study2_negative", "0"),
    ];
    for part in ["train", "valid"] {
        let (mut images, mut studies) = (String::new(), String::new());
        for (_, study, label) in films.iter().filter(|(p, ..)| *p == part) {
            writeln!(studies, "MURA-v1.1/{part}/{study}/,{label}").expect("a String");
            for image in 1..=2 {
                let file = format!("{part}/{study}/image{image}.png");
                writeln!(images, "MURA-v1.1/{file}").expect("a String");
                put(dir, &file, "x");
            }
        }
        put(dir, format!("{part}_image_paths.csv"), &images);
        put(dir, format!("{part}_labeled_studies.csv"), &studies);
    }
    // Left behind by a file manager, named by no table.
    put(
        dir,
        "train/XR_WRIST/patient00002/study1_negative/._image1.png",
        "x",
    );
}

#[test]
fn mura_as_published() {
    let dir = tempfile::tempdir().expect("temporary folder");
    // The tables say MURA-v1.1 whatever the folder is called by now.
    let set = dir.path().join("mura");
    mura(&set);
    for root in [&set, dir.path()] {
        let catalog = Catalog::open(root).expect("opens");
        assert_eq!(
            (catalog.layout(), catalog.splits()),
            (Layout::Mura, &[Split::Train, Split::Val][..])
        );
        assert!(
            Layout::Mura
                .caveat()
                .is_some_and(|c| c.contains("abnormal"))
        );
        let val = catalog.split(Split::Val).expect("val");
        let film = val
            .iter()
            .find(|e| {
                e.id.ends_with("valid/XR_WRIST/patient11185/study1_positive/image2.png")
            })
            .expect("listed");
        assert_eq!(
            (film.label, film.group.as_deref()),
            (Label::Fractured, Some("patient11185"))
        );
        assert_eq!(
            (field(film, "body_part"), field(film, "study")),
            (Some("wrist"), Some("study1"))
        );
        assert_eq!(catalog.entries().len(), 8);
    }
    put(
        &set,
        "valid_labeled_studies.csv",
        "MURA-v1.1/valid/XR_WRIST/patient11185/study1_positive/,1\n",
    );
    let said = Catalog::open(&set)
        .expect_err("a study without a label")
        .to_string();
    assert!(said.ends_with("valid_image_paths.csv, line 3, column 1: no label is given for the study valid/XR_HAND/patient11186/study2_negative"), "{said}");
}

#[test]
fn a_manifest_may_stand_in_the_folder_or_be_named() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let outside = tempfile::tempdir().expect("temporary folder");
    put(outside.path(), "c.png", "x");
    put(dir.path(), "films/a, b.png", "x");
    put(dir.path(), "films/b.png", "x");
    put(dir.path(), "films/d.png", "x");
    let text = format!(
        "path,label,split,group,boxes,hospital,\n\"films/a, b.png\",fractured,train,p1,0.5 0.5 0.25 0.25;0.1 0.1 0.1 0.1,north,0\n\
         films/b.png,0,train,,,north,1\nfilms/d.png,Not Fractured,val,p2,,,2\n{},1,test,p3,,south,3\n",
        outside.path().join("c.png").display()
    );
    put(dir.path(), "manifest.csv", &text);
    put(dir.path(), "other.csv", &text);
    let catalog = Catalog::open(dir.path()).expect("opens");
    assert_eq!(
        (catalog.layout(), catalog.splits()),
        (Layout::Manifest, &Split::ALL[..])
    );
    let films = catalog.entries();
    assert_eq!(
        ids(&films[..3]),
        ["films/a, b.png", "films/b.png", "films/d.png"]
    );
    assert_eq!(
        (films[0].group.as_deref(), films[1].group.as_deref()),
        (Some("p1"), None)
    );
    assert_eq!((films[0].boxes.len(), films[0].boxes[0].w), (2, 0.25));
    assert_eq!(field(&films[0], "hospital"), Some("north"));
    assert_eq!(
        films[1].fields.len(),
        1,
        "a column without a name is a row number: {:?}",
        films[1].fields
    );
    assert_eq!(films[2].label, Label::NotFractured);
    assert_eq!(films[3].path, outside.path().join("c.png"));
    let named = Catalog::open(dir.path().join("other.csv")).expect("opens");
    assert_eq!(named.entries(), films);
    assert_eq!(
        (named.fingerprint(), named.name().as_str()),
        (catalog.fingerprint(), "other")
    );
}

/// As Windows, a German Excel and a data frame write tables.
#[test]
fn tables_as_people_have_them() {
    let dir = tempfile::tempdir().expect("temporary folder");
    put(dir.path(), "a, b;c.png", "x");
    put(dir.path(), "d.png", "x");
    let expected = [
        ("a, b;c.png", "an old, \"odd\" fracture"),
        ("d.png", "none"),
    ];
    for text in [
        "\u{feff}path;label;note\r\n\"a, b;c.png\";fractured;\"an old, \"\"odd\"\" fracture\"\r\nd.png;normal;none\r\n",
        "\u{feff}path,label,note\r\n\"a, b;c.png\",fractured,\"an old, \"\"odd\"\" fracture\"\r\nd.png,normal,none",
        "PATH\tLabel\tnote\na, b;c.png\tfractured\t\"an old, \"\"odd\"\" fracture\"\n\nd.png\tnormal\tnone\n",
        ",file,class,note\n0,\"a, b;c.png\", Fractured ,\"an old, \"\"odd\"\" fracture\"\n1,d.png,non-fractured,none\n",
    ] {
        put(dir.path(), "manifest.csv", text);
        let catalog = Catalog::open(dir.path()).unwrap_or_else(|e| panic!("{e}: {text}"));
        let found: Vec<_> = catalog
            .entries()
            .iter()
            .map(|e| (e.id.as_str(), field(e, "note").expect("note")))
            .collect();
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn a_folder_of_dicom_with_a_table() {
    let dir = tempfile::tempdir().expect("temporary folder");
    put(dir.path(), "1.dcm", "x");
    put(dir.path(), "deep/2.dcm", "x");
    put(dir.path(), "3", "x");
    put(
        dir.path(),
        "labels.csv",
        "file;label;PatientID;view\n1;1;p7;AP\ndeep/2.dcm;0;p7;\n3;0;p8;AP\n",
    );
    let catalog = Catalog::open(dir.path()).expect("opens");
    assert_eq!(catalog.layout(), Layout::Dicom);
    let films = catalog.entries();
    assert_eq!(ids(films), ["1.dcm", "3", "deep/2.dcm"]);
    assert_eq!(films[0].group, films[2].group, "one patient");
    assert_eq!(
        (field(&films[0], "view"), field(&films[0], "PatientID")),
        (Some("AP"), Some("p7"))
    );
    put(dir.path(), "more.csv", "file,label\n1,1\n");
    let said = Catalog::open_as(dir.path(), Layout::Dicom, &ClassNames::default())
        .expect_err("which?")
        .to_string();
    assert!(
        said.contains("must hold one CSV table")
            && said.contains("labels.csv")
            && said.contains("more.csv"),
        "{said}"
    );
}

#[test]
fn the_boxes_of_a_synthetic_set_are_read() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let root = dir.path().join("set");
    write_synth(&root, 20, 3, &|| {}).expect("writes");
    let catalog = Catalog::open(&root).expect("opens");
    for film in catalog.entries() {
        assert_eq!(
            !film.boxes.is_empty(),
            film.label == Label::Fractured,
            "{}",
            film.id
        );
        assert_eq!(
            field(film, "kind").is_some(),
            film.label == Label::Fractured
        );
    }
    let boxes = std::fs::read_to_string(root.join("boxes.csv")).expect("reads");
    let film = std::fs::remove_file(root.join("train/fractured").join("00001.png"));
    film.or_else(|_| std::fs::remove_file(root.join("train/not fractured/00001.png")))
        .expect("removes");
    assert_eq!(
        Catalog::open(&root).expect("opens").entries().len(),
        19,
        "boxes may be left over"
    );
    put(
        &root,
        "boxes.csv",
        boxes + "train/fractured/00000.png,oblique,0.5,left,0.1,0.1\n",
    );
    put(&root, "train/fractured/00000.png", "x");
    let said = Catalog::open(&root).expect_err("no box").to_string();
    assert!(
        said.contains("column cx: \"0.5 left 0.1 0.1\" is no box"),
        "{said}"
    );
}

#[test]
fn a_layout_asked_for_is_the_one_opened() {
    let dir = tempfile::tempdir().expect("temporary folder");
    for file in ["train/fractured/a.png", "train/normal/b.png"] {
        put(dir.path(), file, "x");
    }
    put(
        dir.path(),
        "manifest.csv",
        "path,label\ntrain/fractured/a.png,1\n",
    );
    let count = |layout| {
        Catalog::open_as(dir.path(), layout, &ClassNames::default()).map(|c| c.entries().len())
    };
    assert!(matches!(
        (count(Layout::Auto), count(Layout::ClassFolders)),
        (Ok(1), Ok(2))
    ));
    for layout in [Layout::FracAtlas, Layout::Mura] {
        let said = count(layout).expect_err("not that").to_string();
        assert!(
            said.contains(&format!("is not laid out as {layout}: expected")),
            "{said}"
        );
    }
    for layout in Layout::ALL {
        assert_eq!(layout.name().parse::<Layout>().expect("a name"), layout);
        assert_eq!(serde_json::to_value(layout).expect("JSON"), layout.name());
    }
    assert!(
        "kaggle"
            .parse::<Layout>()
            .expect_err("none")
            .to_string()
            .contains("class_folders")
    );
}

#[test]
fn a_manifest_comes_back_as_it_was_written() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let root = dir.path().join("set");
    write_synth(&root, 20, 3, &|| {}).expect("writes");
    let set = Catalog::open(&root).expect("opens");
    let inside = root.join("manifest.csv");
    let fingerprint =
        write_manifest(&inside, set.entries(), &SplitRecord::default()).expect("writes");
    let back = Catalog::open(&root).expect("opens");
    assert_eq!(back.layout(), Layout::Manifest);
    assert_eq!(back.entries(), set.entries());
    assert_eq!(
        (back.fingerprint(), set.fingerprint()),
        (fingerprint.as_str(), fingerprint.as_str())
    );
    assert!(matches!(
        write_manifest(&inside, set.entries(), &SplitRecord::default()),
        Err(DataError::Exists { .. })
    ));

    // Elsewhere, the paths are absolute, and the images the same.
    let elsewhere = dir.path().join("lists/mine.csv");
    write_manifest(&elsewhere, set.entries(), &SplitRecord::default()).expect("writes");
    let far = Catalog::open(&elsewhere).expect("opens");
    for (a, b) in far.entries().iter().zip(set.entries()) {
        assert_eq!(
            (&a.path, a.label, a.split, &a.boxes),
            (&b.path, b.label, b.split, &b.boxes)
        );
    }

    // Moved as a whole, it is the same set; edited, it is not.
    let moved = dir.path().join("moved");
    std::fs::rename(&root, &moved).expect("moves");
    assert_eq!(
        Catalog::open(&moved).expect("opens").fingerprint(),
        fingerprint
    );
    let text = std::fs::read_to_string(moved.join("manifest.csv")).expect("reads");
    put(
        &moved,
        "manifest.csv",
        text.replacen("not_fractured", "fractured", 1),
    );
    let said = Catalog::open(&moved).expect_err("edited").to_string();
    assert!(
        said.contains("manifest.csv is not what its record") && said.contains(&fingerprint[..12]),
        "{said}"
    );
}

/// The fingerprint is a promise: the same images have it on every machine and in every version.
#[test]
fn the_fingerprint_stays() {
    let dir = tempfile::tempdir().expect("temporary folder");
    put(dir.path(), "a.png", "x");
    put(dir.path(), "b.png", "y");
    put(
        dir.path(),
        "manifest.csv",
        "path,label,split,group,view,boxes\nb.png,0,test,,,\na.png,1,train,p1,AP,0.5 0.5 0.25 0.25\n",
    );
    let catalog = Catalog::open(dir.path()).expect("opens");
    // printf '%s\n' '["a.png","fractured","train","p1",{"view":"AP"},"0.5 0.5 0.25 0.25"]' '["b.png","not_fractured","test",null,{},""]' | sha256sum
    assert_eq!(
        catalog.fingerprint(),
        "61aaf26f163b89470d2f387c4998513ce35906e2c2aea2c65cedf25038fcc78e"
    );
}

/// The real sets beside the checkout: as class folders, and as a manifest with everything their table knows.
#[test]
fn real_sets() {
    let Some(root) = real_films("") else { return };
    let kaggle = Catalog::open(root.join("kaggle")).expect("opens");
    assert_eq!(
        (kaggle.layout(), kaggle.entries().len()),
        (Layout::ClassFolders, 8211)
    );
    let table = std::fs::read_to_string(root.join("manifests/fracatlas.csv")).expect("reads");
    let mut lines = table.lines();
    let mut text = format!("path,group,{}\n", lines.next().expect("header"));
    let rows = lines.map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        let (split, class, file, cluster) = (cells[1], cells[2], cells[3], cells[4]);
        let path = std::fs::canonicalize(root.join("fracatlas").join(split).join(class).join(file))
            .expect("there");
        format!("{},{cluster},{line}\n", path.display())
    });
    text.extend(rows);
    let dir = tempfile::tempdir().expect("temporary folder");
    put(dir.path(), "fracatlas.csv", &text);
    let catalog = Catalog::open(dir.path().join("fracatlas.csv")).expect("opens");
    let count = |split| catalog.split(split).expect("split").len();
    assert_eq!((count(Split::Train), count(Split::Val)), (2378, 436));
    for film in catalog.entries() {
        let fractures: usize = field(film, "fracture_count")
            .expect("a column")
            .parse()
            .expect("a number");
        assert_eq!(film.boxes.len(), fractures, "{}", film.id);
    }
}
