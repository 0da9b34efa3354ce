//! The boxes that the model's map gives, held against the boxes that are known.

use osteon_data::{Dataset, Entry, RelativeBox};
use osteon_metrics::{BoxedImage, Detection, DetectionSummary, Rect};
use osteon_model::{Placement, Predictor, Region};
use serde_json::{Value, json};

use crate::observer::Running;
use crate::{Coco, EvaluateError, Observer, Stage};

/// Heatmaps held at once: a map has some thousand cells, and a data set may have any number of images.
const AT_ONCE: usize = 256;
const SEED: u64 = 1;
const REPLICATES: usize = 1000;
const CONFIDENCE: f64 = 0.95;

/// What the boxes are worth, and the boxes themselves, image by image.
pub struct Found {
    pub summary: DetectionSummary,
    pub regions: Vec<Vec<Region>>,
}

/// Boxes of every image, with and without a fracture; `None` where no box is known, or where the network has no map of its own: heat that is relative to
/// its image's hottest place ranks no image against another. `images` are those of the data set, in its order, with the sizes of the whole images.
pub fn find(
    predictor: &Predictor,
    films: &Dataset,
    images: &[Entry],
    sizes: &[(u32, u32)],
    groups: Option<&[usize]>,
    observer: &dyn Observer,
) -> Result<Option<Found>, EvaluateError> {
    let info = predictor.info();
    if info.architecture.map_cell().is_none() || images.iter().all(|image| image.boxes.is_empty()) {
        return Ok(None);
    }
    let stage = Running::begin(observer, Stage::Locating, images.len());
    let all: Vec<usize> = (0..films.len()).collect();
    let mut regions = Vec::with_capacity(all.len());
    for some in all.chunks(AT_ONCE) {
        let heat = predictor.heatmaps(films, some, None, &stage.counter())?;
        regions.extend(some.iter().zip(&heat).map(|(&image, heat)| {
            let cells = (heat.width, heat.height);
            heat.regions(&Placement::new(sizes[image], &info.preprocess, cells))
        }));
    }
    drop(stage);
    let known: Vec<Vec<Rect>> = images
        .iter()
        .map(|image| image.boxes.iter().map(rect).collect())
        .collect();
    let found: Vec<Vec<Detection>> = regions
        .iter()
        .map(|regions| regions.iter().map(detection).collect())
        .collect();
    // Of a fractured image without boxes nobody knows which of the model's are right.
    let told: Vec<usize> = (0..images.len())
        .filter(|&image| !images[image].label.is_fractured() || !images[image].boxes.is_empty())
        .collect();
    let boxed: Vec<BoxedImage<'_>> = told
        .iter()
        .map(|&image| BoxedImage {
            // Edges are in widths and heights of the image: overlaps and shares of the area are those in pixels.
            area: 1.0,
            known: &known[image],
            found: &found[image],
        })
        .collect();
    let groups: Option<Vec<usize>> =
        groups.map(|groups| told.iter().map(|&image| groups[image]).collect());
    let summary = DetectionSummary::new(&boxed, groups.as_deref(), REPLICATES, CONFIDENCE, SEED)?;
    Ok(Some(Found { summary, regions }))
}

fn rect(known: &RelativeBox) -> Rect {
    let [cx, cy, w, h] = [known.cx, known.cy, known.w, known.h].map(f64::from);
    Rect {
        left: cx - w / 2.0,
        top: cy - h / 2.0,
        right: cx + w / 2.0,
        bottom: cy + h / 2.0,
    }
}

fn detection(region: &Region) -> Detection {
    Detection {
        area: Rect {
            left: region.left,
            top: region.top,
            right: region.right,
            bottom: region.bottom,
        },
        score: region.heat,
    }
}

/// Known boxes as a COCO data set, and found ones as COCO results, in pixels: what pycocotools and its like read.
pub fn coco(images: &[Entry], sizes: &[(u32, u32)], found: &[Vec<Region>]) -> (Value, Value) {
    let (mut known, mut results) = (Coco::default(), Vec::new());
    for ((image, &size), regions) in images.iter().zip(sizes).zip(found) {
        let (w, h) = (f64::from(size.0), f64::from(size.1));
        let bbox = |rect: &Rect| {
            let (left, top) = (rect.left * w, rect.top * h);
            let (width, height) = (rect.right - rect.left, rect.bottom - rect.top);
            [left, top, width * w, height * h]
        };
        let number = known.image(&image.id, size);
        for relative in &image.boxes {
            known.annotate(number, bbox(&rect(relative)), None);
        }
        results.extend(regions.iter().map(|region| {
            let found = detection(region);
            json!({"image_id": number, "category_id": 1, "bbox": bbox(&found.area), "score": found.score})
        }));
    }
    (known.to_json(), Value::Array(results))
}
