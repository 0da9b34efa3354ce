//! Boxes beside a data set: COCO, PASCAL VOC and YOLO, what is believed of them, and what is not.

use std::path::Path;

use image::{GrayImage, ImageBuffer, Luma};
use osteon_data::{BoxProblem, Catalog, Decoder, Label, Layout, Split};

use crate::put;

/// Two fractured images and one other, in class folders.
fn set(root: &Path) {
    for name in [
        "train/fractured/a.png",
        "train/fractured/b.png",
        "train/not fractured/c.png",
    ] {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("folder");
        GrayImage::from_pixel(200, 100, Luma([90]))
            .save(path)
            .expect("writes");
    }
}

fn coco(annotations: &str, categories: &str) -> String {
    format!(
        r#"{{"images":[{{"id":1,"width":200,"height":100,"file_name":"a.png"}},{{"id":2,"width":200,"height":100,"file_name":"fractured/b.png"}},
        {{"id":3,"width":200,"height":100,"file_name":"c.png"}}],"annotations":[{annotations}],"categories":[{categories}]}}"#
    )
}

fn found(catalog: &Catalog, end: &str) -> Vec<[f32; 4]> {
    let entry = catalog
        .entries()
        .iter()
        .find(|e| e.id.ends_with(end))
        .expect("listed");
    entry.boxes.iter().map(|b| [b.cx, b.cy, b.w, b.h]).collect()
}

const A: [f32; 4] = [0.25, 0.5, 0.1, 0.2];

#[test]
fn three_formats_give_the_same_boxes() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let root = dir.path();
    set(&root.join("set"));
    let catalog = Catalog::open(root.join("set")).expect("opens");
    put(
        root,
        "boxes.json",
        coco(
            r#"{"image_id":1,"category_id":1,"bbox":[40,40,20,20]}"#,
            r#"{"id":1,"name":"lesion"}"#,
        ),
    );
    put(
        root,
        "voc/train/a.xml",
        "<annotation><filename>a.png</filename><size><width>200</width><height>100</height></size><object><name>fracture</name><bndbox>\
         <xmin>40</xmin><ymin>40</ymin><xmax>60</xmax><ymax>60</ymax></bndbox></object></annotation>",
    );
    put(
        root,
        "yolo/labels/a.txt",
        "3 0.25 0.5 0.1 0.2\n0 0.7 0.7 0.1 0.1\n",
    );
    put(root, "yolo/labels/c.txt", "0 0.7 0.7 0.1 0.1\n");
    put(
        root,
        "yolo/meta.yaml",
        "nc: 4\nnames: ['text', 'metal', 'cast', 'fracture']\n",
    );
    for path in ["boxes.json", "voc", "yolo/labels"] {
        let (with, faults) = catalog.with_boxes(&root.join(path)).expect("reads");
        assert_eq!(
            (found(&with, "a.png"), &faults[..]),
            (vec![A], &[][..]),
            "{path}"
        );
        assert!(found(&with, "b.png").is_empty() && found(&with, "c.png").is_empty());
        // The same by the way of a table, as configs name it.
        let (again, without) = catalog.annotated_partly(&root.join(path)).expect("reads");
        assert_eq!((found(&again, "a.png"), without.len()), (vec![A], 0));
        assert_ne!(catalog.fingerprint(), again.fingerprint());
    }
}

#[test]
fn boxes_that_cannot_be_right_are_named() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let root = dir.path();
    set(&root.join("set"));
    let catalog = Catalog::open(root.join("set")).expect("opens");
    let fracture = r#"{"id":0,"name":"fracture"}"#;
    for (annotation, problem) in [
        (
            r#"{"image_id":1,"bbox":[190,40,40,20]}"#,
            BoxProblem::Outside,
        ),
        (r#"{"image_id":1,"bbox":[40,40,0,20]}"#, BoxProblem::Empty),
        (
            r#"{"image_id":1,"bbox":[0.2,0.4,0.1,0.2]}"#,
            BoxProblem::Fractions,
        ),
        (
            r#"{"image_id":3,"bbox":[40,40,20,20]}"#,
            BoxProblem::NotFractured,
        ),
    ] {
        put(root, "boxes.json", coco(annotation, fracture));
        let (with, faults) = catalog.with_boxes(&root.join("boxes.json")).expect("reads");
        assert_eq!(
            faults.iter().map(|f| f.problem).collect::<Vec<_>>(),
            [problem]
        );
        assert!(with.entries().iter().all(|e| e.boxes.is_empty()));
        let said = catalog
            .annotated(&root.join("boxes.json"))
            .expect_err("refused")
            .to_string();
        assert!(
            said.starts_with("1 boxes in ") && said.ends_with(&problem.to_string()),
            "{said}"
        );
    }
    for (text, line, problem) in [
        ("0 0.5 0.5 0.1 0.1\n0 90 40 20 20\n", 2, BoxProblem::Pixels),
        ("0 0.5 0.5 0.1\n", 1, BoxProblem::NotYolo),
    ] {
        put(root, "yolo/b.txt", text);
        let (_, faults) = catalog.with_boxes(&root.join("yolo")).expect("reads");
        let [fault] = &faults[..] else {
            panic!("{faults:?}")
        };
        assert_eq!((fault.line, fault.problem), (Some(line), problem));
        assert!(
            fault
                .to_string()
                .starts_with(&format!("b.txt, line {line}: "))
        );
    }
    // An image that is not there is named where something is marked on it.
    put(root, "other/gone.txt", "0 0.5 0.5 0.1 0.1\n");
    put(root, "other/nothing.txt", "");
    let (_, faults) = catalog.with_boxes(&root.join("other")).expect("reads");
    assert_eq!(
        (faults.len(), faults[0].problem, faults[0].image.as_str()),
        (1, BoxProblem::NoImage, "gone")
    );
}

#[test]
fn which_class_is_the_fracture_is_known_or_asked() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let root = dir.path();
    set(&root.join("set"));
    let catalog = Catalog::open(root.join("set")).expect("opens");
    put(root, "yolo/a.txt", "0 0.5 0.5 0.1 0.1\n1 0.2 0.2 0.1 0.1\n");
    let said = catalog
        .with_boxes(&root.join("yolo"))
        .expect_err("unknown")
        .to_string();
    assert!(
        said.contains("of the classes 0, 1; none of them is called fracture"),
        "{said}"
    );
    put(root, "yolo/classes.txt", "metal\nfracture\n");
    let (with, _) = catalog.with_boxes(&root.join("yolo")).expect("reads");
    assert_eq!(found(&with, "a.png"), [[0.2, 0.2, 0.1, 0.1]]);
    std::fs::create_dir(root.join("empty")).expect("folder");
    let said = catalog
        .with_boxes(&root.join("empty"))
        .expect_err("empty")
        .to_string();
    assert!(said.contains("there are no boxes in it"), "{said}");
}

/// GRAZPEDWRI-DX in small: the table's own columns, 16 bits, boxes of nine classes.
fn grazpedwri(root: &Path) {
    put(
        root,
        "dataset.csv",
        "filestem,patient_id,study_number,timehash,gender,age,laterality,projection,initial_exam,ao_classification,cast,diagnosis_uncertain,osteopenia,\
         fracture_visible,metal,pixel_spacing,device_manufacturer\n\
         0001_1297860395_01_WRI-L1_M014,1,1,1297860395,M,14.1,L,1,1.0,23-M/2.1,,,,1.0,,0.144,Siemens\n\
         0001_1297860435_01_WRI-L2_M014,1,1,1297860395,M,14.1,L,2,1.0,23-M/2.1,,,,1.0,,0.144,Siemens\n\
         0002_0354485735_01_WRI-R1_F011,2,1,354485735,F,11.2,R,1,1.0,,,,,,,0.144,Siemens\n",
    );
    for (part, stem) in [
        ("images_part1", "0001_1297860395_01_WRI-L1_M014"),
        ("images_part1", "0001_1297860435_01_WRI-L2_M014"),
        ("images_part2", "0002_0354485735_01_WRI-R1_F011"),
    ] {
        let folder = root.join(part);
        std::fs::create_dir_all(&folder).expect("folder");
        let deep = ImageBuffer::from_fn(60, 90, |x, y| Luma([(x * 700 + y * 90) as u16]));
        deep.save(folder.join(format!("{stem}.png")))
            .expect("writes");
    }
    let yolo = root.join("folder_structure/yolov5");
    put(
        &yolo,
        "meta.yaml",
        "names: ['boneanomaly', 'bonelesion', 'foreignbody', 'fracture', 'metal', 'periostealreaction', 'pronatorsign', 'softtissue', 'text']\nnc: 9\n",
    );
    put(
        &yolo,
        "labels/0001_1297860395_01_WRI-L1_M014.txt",
        "3 0.25 0.5 0.1 0.2\n8 0.9 0.1 0.1 0.1\n",
    );
    put(
        &yolo,
        "labels/0001_1297860435_01_WRI-L2_M014.txt",
        "3 0.5 0.5 0.1 0.1\n",
    );
    put(
        &yolo,
        "labels/0002_0354485735_01_WRI-R1_F011.txt",
        "8 0.9 0.1 0.1 0.1\n",
    );
}

#[test]
fn grazpedwri_is_read_as_published() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let set = dir.path().join("grazpedwri");
    grazpedwri(&set);
    for root in [&set, dir.path()] {
        let catalog = Catalog::open(root).expect("opens");
        assert_eq!(
            (catalog.layout(), catalog.is_divided()),
            (Layout::GrazPedWri, false)
        );
        let images = catalog.split(Split::Test).expect("all are test");
        assert_eq!(images.len(), 3);
        let broken = images.iter().find(|e| e.id.contains("L1")).expect("listed");
        let field = |name: &str| broken.fields.get(name).map(String::as_str);
        assert_eq!(
            (broken.label, broken.group.as_deref()),
            (Label::Fractured, Some("1"))
        );
        assert_eq!(
            (field("view"), field("region"), field("study")),
            (Some("frontal"), Some("wrist"), Some("1-1297860395"))
        );
        assert_eq!(found(&catalog, "L1_M014.png"), [A]);
        let whole = images.iter().find(|e| e.id.contains("R1")).expect("listed");
        assert_eq!((whole.label, whole.boxes.len()), (Label::NotFractured, 0));
        let seen = Decoder::default()
            .decode_path(&broken.path)
            .expect("16 bits");
        assert_eq!(seen.dimensions(), (60, 90));
    }
}

#[test]
fn grazpedwri_that_contradicts_itself() {
    let refusal = |from: &str, to: &str| {
        let dir = tempfile::tempdir().expect("temporary folder");
        grazpedwri(dir.path());
        let table = dir.path().join("dataset.csv");
        let text = std::fs::read_to_string(&table).expect("reads");
        std::fs::write(&table, text.replacen(from, to, 1)).expect("writes");
        Catalog::open(dir.path()).expect_err("refused").to_string()
    };
    assert!(refusal("0002_0354485735_01_WRI-R1_F011", "0009_gone").contains("0009_gone.png"));
    assert!(
        refusal(
            "0001_1297860435_01_WRI-L2_M014",
            "0001_1297860395_01_WRI-L1_M014"
        )
        .contains("line 3")
    );
    assert!(refusal(",,,,1.0,,0.144", ",,,,maybe,,0.144").contains("maybe"));
}
