//! Boxes as annotation tools write them: COCO JSON, PASCAL VOC XML, YOLO text.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use osteon_files::FileError;
use serde::Deserialize;
use walkdir::WalkDir;

use super::files::relative_id;
use crate::{AnnotationError, BoxFault, BoxProblem, ClassNames, DataError, RelativeBox};

/// The boxes of a file or folder, image by image, and what is wrong among them.
#[derive(Debug, Default)]
pub(crate) struct BoxFiles {
    /// By the image's name: a path below the folder, or as COCO has it; of VOC and YOLO without its ending.
    pub images: BTreeMap<String, Vec<RelativeBox>>,
    /// Whether the names have endings.
    pub endings: bool,
    pub faults: Vec<BoxFault>,
}

/// A box as it stands in a file, before anything of it is believed.
struct Raw {
    /// The file, and the line in it if it has lines.
    file: String,
    line: Option<u64>,
    image: String,
    class: String,
    /// Left, top, right, bottom, relative to the image; or what is wrong already.
    corners: Result<[f64; 4], BoxProblem>,
}

impl BoxFiles {
    /// Whether this is what [`BoxFiles::read`] reads, not a table: a folder, or a file that ends in `.json`.
    pub fn are_meant(path: &Path) -> bool {
        path.is_dir()
            || path
                .extension()
                .is_some_and(|e| e.eq_ignore_ascii_case("json"))
    }

    /// Reads a file of COCO, or a folder with files of VOC or YOLO, in folders of their own or not.
    ///
    /// Where the boxes have several classes, those count whose class has a name of *fractured*; where they have one, it is taken for that.
    pub fn read(path: &Path, names: &ClassNames) -> Result<Self, DataError> {
        if path.is_file() {
            let (raw, listed) = read_coco(path)?;
            return chosen(path, raw, listed, true, names);
        }
        let files = files_below(path)?;
        let with = |ending: &str| -> Vec<&PathBuf> {
            let has = |p: &&PathBuf| {
                p.extension()
                    .is_some_and(|e| e.eq_ignore_ascii_case(ending))
            };
            files.iter().filter(has).collect()
        };
        let (mut raw, mut listed) = (Vec::new(), BTreeSet::new());
        let (xml, json) = (with("xml"), with("json"));
        if !xml.is_empty() {
            for file in xml {
                let (found, image) = read_voc(path, file)?;
                listed.insert(image);
                raw.extend(found);
            }
            return chosen(path, raw, listed, false, names);
        }
        if let Some(file) = json.first() {
            let (raw, listed) = read_coco(file)?;
            return chosen(file, raw, listed, true, names);
        }
        let classes = yolo_classes(path, &files)?;
        let is_list = |file: &Path| file.file_name().is_some_and(|n| n == "classes.txt");
        let texts: Vec<&PathBuf> = with("txt").into_iter().filter(|f| !is_list(f)).collect();
        if texts.is_empty() {
            return Err(fault(path, AnnotationError::NoBoxes));
        }
        for file in texts {
            let image = stem(path, file);
            raw.extend(read_yolo(
                &relative_id(path, file),
                &image,
                &text(file)?,
                &classes,
            ));
            listed.insert(image);
        }
        chosen(path, raw, listed, false, names)
    }

    /// The boxes of the folder `Annotations` of `FracAtlas`: of the first that is there of COCO, VOC and YOLO, which say the same.
    pub fn of_fracatlas(dir: &Path, names: &ClassNames) -> Result<Self, DataError> {
        let folders = ["COCO JSON", "PASCAL VOC", "YOLO"].map(|name| dir.join(name));
        let holds_something =
            |folder: &PathBuf| std::fs::read_dir(folder).is_ok_and(|mut d| d.next().is_some());
        let Some(found) = folders.into_iter().find(holds_something) else {
            return Ok(Self::default());
        };
        let boxes = Self::read(&found, names)?;
        refuse(&found, &boxes.faults)?;
        Ok(boxes)
    }

    /// The boxes of an image by its file's name.
    pub fn of(&self, file: &str) -> &[RelativeBox] {
        let key = if self.endings {
            file
        } else {
            file.rsplit_once('.').map_or(file, |(stem, _)| stem)
        };
        self.images.get(key).map_or(&[], Vec::as_slice)
    }
}

/// Leaves out the boxes of other classes, and those that cannot be right.
fn chosen(
    path: &Path,
    raw: Vec<Raw>,
    listed: BTreeSet<String>,
    endings: bool,
    names: &ClassNames,
) -> Result<BoxFiles, DataError> {
    let classes: BTreeSet<String> = raw.iter().map(|found| found.class.clone()).collect();
    let only = classes.len() == 1;
    let counts = |class: &str| {
        let label = names.of_folder(class);
        only || label.is_some_and(crate::Label::is_fractured)
    };
    if !raw.is_empty() && !classes.iter().any(|class| counts(class)) {
        let found = classes.into_iter().collect();
        return Err(fault(path, AnnotationError::NoFractureClass { found }));
    }
    let mut boxes = BoxFiles {
        images: listed
            .into_iter()
            .map(|image| (image, Vec::new()))
            .collect(),
        endings,
        faults: Vec::new(),
    };
    for found in raw.into_iter().filter(|found| counts(&found.class)) {
        match found.corners.and_then(believed) {
            Ok(one) => boxes.images.entry(found.image).or_default().push(one),
            Err(problem) => boxes.faults.push(BoxFault {
                file: found.file,
                line: found.line,
                image: found.image,
                problem,
            }),
        }
    }
    Ok(boxes)
}

/// An error that names the first of boxes that cannot be right, if there are any.
pub(crate) fn refuse(path: &Path, faults: &[BoxFault]) -> Result<(), DataError> {
    match faults.first() {
        None => Ok(()),
        Some(first) => Err(DataError::Boxes {
            path: path.to_owned(),
            count: faults.len(),
            first: first.to_string(),
        }),
    }
}

/// A box of which at least half lies on its image.
fn believed([left, top, right, bottom]: [f64; 4]) -> Result<RelativeBox, BoxProblem> {
    let area = (right - left) * (bottom - top);
    // A NaN fails it.
    if !(right > left && bottom > top && area.is_finite()) {
        return Err(BoxProblem::Empty);
    }
    let cut = RelativeBox::from_corners(left, top, right, bottom);
    cut.filter(|b| f64::from(b.w) * f64::from(b.h) >= 0.5 * area)
        .ok_or(BoxProblem::Outside)
}

/// In pixels, of an image of this size.
fn in_pixels(
    [left, top, right, bottom]: [f64; 4],
    width: f64,
    height: f64,
) -> Result<[f64; 4], BoxProblem> {
    let small = [left, top, right, bottom]
        .iter()
        .all(|v| (0.0..=1.0).contains(v));
    if small && right > left && bottom > top && width > 2.0 && height > 2.0 {
        return Err(BoxProblem::Fractions);
    }
    Ok([left / width, top / height, right / width, bottom / height])
}

fn fault(path: &Path, source: AnnotationError) -> DataError {
    DataError::Annotation {
        path: path.to_owned(),
        source: Box::new(source),
    }
}

fn files_below(dir: &Path) -> Result<Vec<PathBuf>, DataError> {
    let mut files = Vec::new();
    for item in WalkDir::new(dir).sort_by_file_name() {
        let item = item.map_err(|e| FileError::new("read", dir, e.into()))?;
        if item.file_type().is_file() {
            files.push(item.into_path());
        }
    }
    Ok(files)
}

fn text(path: &Path) -> Result<String, DataError> {
    std::fs::read_to_string(path).map_err(|source| FileError::new("read", path, source).into())
}

/// A file's name below the folder, without its ending.
fn stem(dir: &Path, file: &Path) -> String {
    relative_id(dir, &file.with_extension(""))
}

#[derive(Deserialize)]
struct Coco {
    images: Vec<CocoImage>,
    annotations: Vec<CocoBox>,
    #[serde(default)]
    categories: Vec<CocoClass>,
}

#[derive(Deserialize)]
struct CocoImage {
    id: u64,
    width: f64,
    height: f64,
    file_name: String,
}

#[derive(Deserialize)]
struct CocoBox {
    image_id: u64,
    #[serde(default)]
    category_id: u64,
    /// Left, top, width, height in pixels.
    bbox: [f64; 4],
}

#[derive(Deserialize)]
struct CocoClass {
    id: u64,
    name: String,
}

fn read_coco(path: &Path) -> Result<(Vec<Raw>, BTreeSet<String>), DataError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    parse_coco(&name, &text(path)?).map_err(|source| fault(path, source))
}

fn parse_coco(file: &str, text: &str) -> Result<(Vec<Raw>, BTreeSet<String>), AnnotationError> {
    let coco: Coco = serde_json::from_str(text)?;
    let images: HashMap<u64, &CocoImage> = coco.images.iter().map(|i| (i.id, i)).collect();
    let classes: HashMap<u64, &str> = coco
        .categories
        .iter()
        .map(|c| (c.id, c.name.as_str()))
        .collect();
    let mut raw = Vec::new();
    for found in &coco.annotations {
        let Some(image) = images.get(&found.image_id) else {
            return Err(AnnotationError::UnknownImage { id: found.image_id });
        };
        let [x, y, w, h] = found.bbox;
        let class = classes.get(&found.category_id);
        raw.push(Raw {
            file: file.to_owned(),
            line: None,
            image: image.file_name.clone(),
            class: class.map_or_else(|| found.category_id.to_string(), |&name| name.to_owned()),
            corners: in_pixels([x, y, x + w, y + h], image.width, image.height),
        });
    }
    let listed = coco
        .images
        .into_iter()
        .map(|image| image.file_name)
        .collect();
    Ok((raw, listed))
}

#[derive(Deserialize)]
struct Voc {
    size: VocSize,
    #[serde(default)]
    object: Vec<VocObject>,
}

#[derive(Deserialize)]
struct VocSize {
    width: f64,
    height: f64,
}

#[derive(Deserialize)]
struct VocObject {
    #[serde(default)]
    name: String,
    bndbox: VocBox,
}

/// Corners in pixels.
#[derive(Deserialize)]
struct VocBox {
    xmin: f64,
    ymin: f64,
    xmax: f64,
    ymax: f64,
}

fn read_voc(dir: &Path, file: &Path) -> Result<(Vec<Raw>, String), DataError> {
    let image = stem(dir, file);
    let found = parse_voc(&relative_id(dir, file), &image, &text(file)?);
    Ok((found.map_err(|source| fault(file, source))?, image))
}

fn parse_voc(file: &str, image: &str, text: &str) -> Result<Vec<Raw>, AnnotationError> {
    let voc: Voc = quick_xml::de::from_str(text)?;
    let raw = |object: &VocObject| {
        let b = &object.bndbox;
        Raw {
            file: file.to_owned(),
            line: None,
            image: image.to_owned(),
            class: object.name.clone(),
            corners: in_pixels(
                [b.xmin, b.ymin, b.xmax, b.ymax],
                voc.size.width,
                voc.size.height,
            ),
        }
    };
    Ok(voc.object.iter().map(raw).collect())
}

/// The names of YOLO's classes by their numbers: `classes.txt`, a name a line, or the `names` of a YAML file; empty where there is neither.
fn yolo_classes(dir: &Path, files: &[PathBuf]) -> Result<Vec<String>, DataError> {
    let beside = [dir.parent(), Some(dir)].into_iter().flatten();
    let above: Vec<PathBuf> = beside
        .flat_map(|folder| ["classes.txt", "data.yaml", "meta.yaml"].map(|name| folder.join(name)))
        .filter(|file| file.is_file())
        .collect();
    for file in above.iter().chain(files) {
        let name = file.file_name().unwrap_or_default();
        let yaml = file.extension().is_some_and(|e| e == "yaml" || e == "yml");
        if name == "classes.txt" {
            return Ok(text(file)?.lines().map(|l| l.trim().to_owned()).collect());
        }
        if yaml {
            return Ok(yaml_names(&text(file)?));
        }
    }
    Ok(Vec::new())
}

/// The list `names` of a YAML file, in any of the ways that YOLO's data sets write it: `[a, b]`, a line each with `- a`, or with `0: a`.
fn yaml_names(text: &str) -> Vec<String> {
    let bare = |name: &str| name.trim().trim_matches(['\'', '"']).to_owned();
    let mut lines = text.lines().skip_while(|line| !line.starts_with("names:"));
    let Some(first) = lines.next() else {
        return Vec::new();
    };
    let mut inline = first["names:".len()..].trim().to_owned();
    if inline.starts_with('[') {
        for line in lines.by_ref() {
            if inline.ends_with(']') {
                break;
            }
            inline.push_str(line.trim());
        }
        let list = inline.trim_start_matches('[').trim_end_matches(']');
        return list
            .split(',')
            .map(bare)
            .filter(|name| !name.is_empty())
            .collect();
    }
    lines
        .take_while(|line| line.starts_with([' ', '-']))
        .map(|line| {
            let line = line.trim();
            let name = line
                .strip_prefix('-')
                .or_else(|| line.split_once(':').map(|(_, name)| name));
            bare(name.unwrap_or(line))
        })
        .collect()
}

/// Lines of a class number and, relative to the image, centre, width and height, or the corners of an outline.
fn read_yolo(file: &str, image: &str, text: &str, classes: &[String]) -> Vec<Raw> {
    let lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            let numbers: Option<Vec<f64>> =
                line.split_whitespace().map(|n| n.parse().ok()).collect();
            let numbers = numbers.unwrap_or_default();
            let class = line.split_whitespace().next().unwrap_or_default();
            let named = class
                .parse()
                .ok()
                .and_then(|number: usize| classes.get(number));
            Raw {
                file: file.to_owned(),
                line: Some(index as u64 + 1),
                image: image.to_owned(),
                class: named.cloned().unwrap_or_else(|| class.to_owned()),
                corners: yolo_box(numbers.get(1..).unwrap_or_default()),
            }
        })
        .collect()
}

fn yolo_box(numbers: &[f64]) -> Result<[f64; 4], BoxProblem> {
    let corners = match numbers {
        &[cx, cy, w, h] => [cx - w / 2.0, cy - h / 2.0, cx + w / 2.0, cy + h / 2.0],
        outline if outline.len() >= 6 && outline.len() % 2 == 0 => {
            let fold = |from: usize, pick: fn(f64, f64) -> f64, start: f64| {
                outline
                    .iter()
                    .skip(from)
                    .step_by(2)
                    .copied()
                    .fold(start, pick)
            };
            let low = |from| fold(from, f64::min, f64::INFINITY);
            let high = |from| fold(from, f64::max, f64::NEG_INFINITY);
            [low(0), low(1), high(0), high(1)]
        }
        _ => return Err(BoxProblem::NotYolo),
    };
    // A rounded fraction may be a little above 1, and a box may hang over an edge; no fraction is 2.
    if numbers.iter().any(|&v| v >= 2.0) {
        return Err(BoxProblem::Pixels);
    }
    Ok(corners)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(raw: Vec<Raw>) -> RelativeBox {
        let [raw] = <[Raw; 1]>::try_from(raw).unwrap_or_else(|_| panic!("one box"));
        raw.corners.and_then(believed).expect("a box")
    }

    /// One fracture of FracAtlas, IMG0000019.jpg, as the published files give it.
    #[test]
    fn three_formats_say_the_same() {
        let coco = r#"{"images":[{"id":1,"width":2304,"height":2880,"file_name":"IMG0000019.jpg"}],
            "annotations":[{"id":0,"iscrowd":0,"image_id":1,"category_id":1,"segmentation":[[1242,929]],"bbox":[1242,929,273,147],"area":1}]}"#;
        let voc = "<annotation>\n  <folder>PASCAL VOC</folder>\n  <filename>IMG0000019.jpg</filename>\n  <size>\n    <width>2304</width>\n    \
            <height>2880</height>\n    <depth>3</depth>\n  </size>\n  <segmented>0</segmented>\n  <object>\n    <name>fractured</name>\n    \
            <bndbox>\n      <xmin>1242</xmin>\n      <ymin>929</ymin>\n      <xmax>1515</xmax>\n      <ymax>1076</ymax>\n    </bndbox>\n  \
            </object>\n</annotation>\n";
        let coco = one(parse_coco("a.json", coco).expect("COCO").0);
        let voc = one(parse_voc("a.xml", "a", voc).expect("VOC"));
        let yolo = one(read_yolo(
            "a.txt",
            "a",
            "0 0.5985 0.3482 0.1186 0.0512\n",
            &[],
        ));
        for other in [voc, yolo] {
            for (a, b) in [
                (coco.cx, other.cx),
                (coco.cy, other.cy),
                (coco.w, other.w),
                (coco.h, other.h),
            ] {
                assert!((a - b).abs() < 5e-4, "{coco:?} {other:?}");
            }
        }
    }

    #[test]
    fn no_object_is_no_box_and_an_outline_is_its_hull() {
        let none = "<annotation><size><width>10</width><height>10</height></size></annotation>";
        assert!(parse_voc("a.xml", "a", none).expect("reads").is_empty());
        assert!(read_yolo("a.txt", "a", "", &[]).is_empty());
        let hull = one(read_yolo(
            "a.txt",
            "a",
            "0 0.25 0.5 0.75 0.25 0.5 0.75",
            &[],
        ));
        assert_eq!((hull.cx, hull.cy, hull.w, hull.h), (0.5, 0.5, 0.5, 0.5));
    }

    #[test]
    fn what_is_wrong_with_a_box_is_told() {
        for (line, problem) in [
            ("0 0.5 0.5 0.1", BoxProblem::NotYolo),
            ("0 0.5 x 0.1 0.1", BoxProblem::NotYolo),
            ("0 0.5 0.5 0 0.1", BoxProblem::Empty),
            ("0 0.5 NaN 0.1 0.1", BoxProblem::Empty),
            ("0 1.5 0.5 0.1 0.1", BoxProblem::Outside),
            ("0 1.04 0.5 0.1 0.1", BoxProblem::Outside),
            ("0 512 300 40 20", BoxProblem::Pixels),
        ] {
            let found = read_yolo("a.txt", "a", line, &[]).remove(0);
            assert_eq!(found.corners.and_then(believed), Err(problem), "{line}");
        }
        // Over the edge by less than half is cut.
        assert!(believed([0.9, 0.2, 1.05, 0.4]).is_ok());
        assert_eq!(
            in_pixels([0.2, 0.3, 0.4, 0.5], 640.0, 480.0),
            Err(BoxProblem::Fractions)
        );
        let orphan = r#"{"images":[],"annotations":[{"image_id":7,"bbox":[0,0,1,1]}]}"#;
        let said = parse_coco("a.json", orphan)
            .err()
            .expect("orphan")
            .to_string();
        assert!(said.contains('7'));
        assert!(parse_voc("a.xml", "a", "<annotation><size>").is_err());
    }

    #[test]
    fn names_of_classes_in_every_form_of_yaml() {
        let expected = ["fracture", "metal", "text"];
        for text in [
            "nc: 3\nnames: ['fracture', \"metal\", text]\n",
            "names: ['fracture',\n  'metal', 'text']\nnc: 3\n",
            "path: x\nnames:\n  0: fracture\n  1: metal\n  2: text\nnc: 3\n",
            "names:\n- fracture\n- metal\n- 'text'\n",
        ] {
            assert_eq!(yaml_names(text), expected, "{text}");
        }
        assert!(yaml_names("nc: 3").is_empty());
    }
}
