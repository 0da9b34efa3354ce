//! Boxes as COCO's tools read them.

use serde_json::{Value, json};

/// A COCO data set of one category, *fractured*.
#[derive(Debug, Default)]
pub struct Coco {
    images: Vec<Value>,
    annotations: Vec<Value>,
}

impl Coco {
    /// Adds an image of this size (width, height); gives its number.
    pub fn image(&mut self, name: &str, (width, height): (u32, u32)) -> usize {
        let number = self.images.len();
        self.images
            .push(json!({"id": number, "file_name": name, "width": width, "height": height}));
        number
    }

    /// Adds a box on an image, left, top, width and height in its pixels; one that was found has a score.
    pub fn annotate(&mut self, image: usize, bbox: [f64; 4], score: Option<f64>) {
        let mut annotation = json!({
            "id": self.annotations.len() + 1, "image_id": image, "category_id": 1,
            "bbox": bbox, "area": bbox[2] * bbox[3], "iscrowd": 0,
        });
        if let Some(score) = score {
            annotation["score"] = score.into();
        }
        self.annotations.push(annotation);
    }

    /// The data set as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "images": self.images, "annotations": self.annotations,
            "categories": [{"id": 1, "name": "fractured"}],
        })
    }
}
