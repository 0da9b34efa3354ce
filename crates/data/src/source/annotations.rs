//! Boxes as annotation tools write them: COCO JSON, PASCAL VOC XML, YOLO text.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::{AnnotationError, DataError, RelativeBox};

/// The boxes of a folder `Annotations`.
pub(super) enum Annotations {
    /// There are none.
    None,
    /// One file for all images, by their file names.
    Coco(HashMap<String, Vec<RelativeBox>>),
    /// A folder with an XML file an image.
    Voc(PathBuf),
    /// A folder with a text file an image.
    Yolo(PathBuf),
}

impl Annotations {
    /// The first that is there: COCO, VOC, YOLO. They say the same; the first says it in one file.
    pub(super) fn find(dir: &Path) -> Result<Self, DataError> {
        if let Some(file) = first_json(&dir.join("COCO JSON")) {
            return Ok(Self::Coco(read_coco(&file)?));
        }
        let (voc, yolo) = (dir.join("PASCAL VOC"), dir.join("YOLO"));
        Ok(match (voc.is_dir(), yolo.is_dir()) {
            (true, _) => Self::Voc(voc),
            (false, true) => Self::Yolo(yolo),
            (false, false) => Self::None,
        })
    }

    /// The boxes of the image in this file; none if nothing is said of it.
    pub(super) fn of(&self, name: &str) -> Result<Vec<RelativeBox>, DataError> {
        let beside = |dir: &Path, ending: &str| dir.join(name).with_extension(ending);
        match self {
            Self::None => Ok(Vec::new()),
            Self::Coco(boxes) => Ok(boxes.get(name).cloned().unwrap_or_default()),
            Self::Voc(dir) => read_if_there(&beside(dir, "xml"), read_voc),
            Self::Yolo(dir) => read_if_there(&beside(dir, "txt"), read_yolo),
        }
    }
}

fn first_json(dir: &Path) -> Option<PathBuf> {
    let files = std::fs::read_dir(dir).ok()?.filter_map(Result::ok);
    let jsons = files
        .map(|f| f.path())
        .filter(|p| p.extension().is_some_and(|e| e == "json"));
    jsons.min()
}

fn text(path: &Path) -> Result<String, DataError> {
    std::fs::read_to_string(path).map_err(|source| DataError::Io {
        action: "read",
        path: path.to_owned(),
        source,
    })
}

fn read_if_there(
    path: &Path,
    parse: fn(&str) -> Result<Vec<RelativeBox>, AnnotationError>,
) -> Result<Vec<RelativeBox>, DataError> {
    if !path.is_file() {
        return Ok(Vec::new());
    }
    parse(&text(path)?).map_err(|source| DataError::Annotation {
        path: path.to_owned(),
        source: Box::new(source),
    })
}

#[derive(Deserialize)]
struct Coco {
    images: Vec<CocoImage>,
    annotations: Vec<CocoBox>,
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
    /// Left, top, width, height in pixels.
    bbox: [f64; 4],
}

fn read_coco(path: &Path) -> Result<HashMap<String, Vec<RelativeBox>>, DataError> {
    parse_coco(&text(path)?).map_err(|source| DataError::Annotation {
        path: path.to_owned(),
        source: Box::new(source),
    })
}

fn parse_coco(text: &str) -> Result<HashMap<String, Vec<RelativeBox>>, AnnotationError> {
    let coco: Coco = serde_json::from_str(text)?;
    let images: HashMap<u64, &CocoImage> = coco.images.iter().map(|i| (i.id, i)).collect();
    let mut boxes: HashMap<String, Vec<RelativeBox>> = HashMap::new();
    for CocoBox { image_id, bbox } in &coco.annotations {
        let Some(image) = images.get(image_id) else {
            return Err(AnnotationError::UnknownImage { id: *image_id });
        };
        let [x, y, w, h] = *bbox;
        let found = pixel_box([x, y, x + w, y + h], image.width, image.height)?;
        boxes
            .entry(image.file_name.clone())
            .or_default()
            .push(found);
    }
    Ok(boxes)
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

fn read_voc(text: &str) -> Result<Vec<RelativeBox>, AnnotationError> {
    let voc: Voc = quick_xml::de::from_str(text)?;
    let corners = |o: &VocObject| [o.bndbox.xmin, o.bndbox.ymin, o.bndbox.xmax, o.bndbox.ymax];
    voc.object
        .iter()
        .map(|o| pixel_box(corners(o), voc.size.width, voc.size.height))
        .collect()
}

/// Lines of a class number and, relative to the image, centre, width and height, or the corners of an outline.
fn read_yolo(text: &str) -> Result<Vec<RelativeBox>, AnnotationError> {
    let lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            yolo_box(line).ok_or(AnnotationError::Yolo {
                line: index as u64 + 1,
            })
        })
        .collect()
}

fn yolo_box(line: &str) -> Option<RelativeBox> {
    let numbers: Vec<f64> = line
        .split_whitespace()
        .map(|n| n.parse().ok())
        .collect::<Option<_>>()?;
    match numbers.get(1..)? {
        &[cx, cy, w, h] => {
            RelativeBox::from_corners(cx - w / 2.0, cy - h / 2.0, cx + w / 2.0, cy + h / 2.0)
        }
        outline if outline.len() >= 6 && outline.len() % 2 == 0 => {
            let fold = |from: usize, pick: fn(f64, f64) -> f64| {
                outline.iter().skip(from).step_by(2).copied().reduce(pick)
            };
            let (left, top) = (fold(0, f64::min)?, fold(1, f64::min)?);
            RelativeBox::from_corners(left, top, fold(0, f64::max)?, fold(1, f64::max)?)
        }
        _ => None,
    }
}

fn pixel_box(
    [left, top, right, bottom]: [f64; 4],
    width: f64,
    height: f64,
) -> Result<RelativeBox, AnnotationError> {
    RelativeBox::from_corners(left / width, top / height, right / width, bottom / height).ok_or(
        AnnotationError::BadBox {
            corners: [left, top, right, bottom],
            width,
            height,
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One fracture of FracAtlas, IMG0000019.jpg, as the published files give it.
    #[test]
    fn three_formats_say_the_same() {
        let coco = r#"{"images":[{"id":1,"width":2304,"height":2880,"file_name":"IMG0000019.jpg"}],
            "annotations":[{"id":0,"iscrowd":0,"image_id":1,"category_id":1,"segmentation":[[1242,929]],"bbox":[1242,929,273,147],"area":1}]}"#;
        let voc = "<annotation>\n  <folder>PASCAL VOC</folder>\n  <filename>IMG0000019.jpg</filename>\n  <size>\n    <width>2304</width>\n    \
            <height>2880</height>\n    <depth>3</depth>\n  </size>\n  <segmented>0</segmented>\n  <object>\n    <name>fractured</name>\n    \
            <bndbox>\n      <xmin>1242</xmin>\n      <ymin>929</ymin>\n      <xmax>1515</xmax>\n      <ymax>1076</ymax>\n    </bndbox>\n  \
            </object>\n</annotation>\n";
        let coco = parse_coco(coco).expect("COCO")["IMG0000019.jpg"][0];
        let voc = read_voc(voc).expect("VOC")[0];
        let yolo = read_yolo("0 0.5985 0.3482 0.1186 0.0512\n").expect("YOLO")[0];
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
        assert!(read_voc(none).expect("reads").is_empty());
        assert!(read_yolo("").expect("reads").is_empty());
        let hull = read_yolo("0 0.25 0.5 0.75 0.25 0.5 0.75").expect("reads")[0];
        assert_eq!((hull.cx, hull.cy, hull.w, hull.h), (0.5, 0.5, 0.5, 0.5));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let said = |e: AnnotationError| e.to_string();
        assert!(
            said(read_yolo("0 0.5 0.5 0.1 0.1\n0 1 2\n").expect_err("short")).contains("line 2")
        );
        let orphan = r#"{"images":[],"annotations":[{"image_id":7,"bbox":[0,0,1,1]}]}"#;
        assert!(said(parse_coco(orphan).expect_err("orphan")).contains('7'));
        let outside = r#"{"images":[{"id":1,"width":10,"height":10,"file_name":"a"}],"annotations":[{"image_id":1,"bbox":[20,0,1,1]}]}"#;
        assert!(said(parse_coco(outside).expect_err("outside")).contains("10×10"));
        assert!(read_voc("<annotation><size>").is_err());
    }
}
