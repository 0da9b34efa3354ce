//! GRAZPEDWRI-DX as published (Nagy et al., Scientific Data 9:222, 2022).

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::annotations::{BoxFiles, refuse};
use super::files::{Root, here_or_below, relative_id};
use super::table::{Row, Table};
use super::{Layout, Listing, Source};
use crate::{ClassNames, DataError, Entry, Label, RowError, Split};

/// `dataset.csv`, PNG files of 16 bits in any folder beside it (`images_part1` … `images_part4`, or `images`) and, if there, YOLO's labels in
/// `yolov5/labels` or `folder_structure/yolov5/labels` with their classes in `meta.yaml`; also one folder deeper.
///
/// An image is fractured where `fracture_visible` is 1. The group is the patient. Fields: `study` (patient and time), `region` (wrist), `view` (frontal, lateral,
/// oblique, from `projection`), and the table's other columns. Boxes are those of the class *fracture*, of fractured images. The set is not divided.
#[derive(Debug, Clone, Copy)]
pub struct GrazPedWri;

const REQUIRED: [&[&str]; 3] = [&["filestem"], &["patient_id"], &["fracture_visible"]];
const EXPECTED: &str = "dataset.csv with the columns filestem, patient_id and fracture_visible";

impl Source for GrazPedWri {
    fn layout(&self) -> Layout {
        Layout::GrazPedWri
    }

    fn recognises(&self, path: &Path, _: &ClassNames) -> Result<bool, DataError> {
        Ok(find_base(path)?.is_some())
    }

    fn read(&self, path: &Path, names: &ClassNames) -> Result<Listing, DataError> {
        let Some(base) = find_base(path)? else {
            return Err(DataError::NotThisLayout {
                path: path.to_owned(),
                layout: Layout::GrazPedWri,
                expected: EXPECTED,
            });
        };
        let root = Root::new(path)?;
        let files = root.files(&base)?;
        let mut by_stem: HashMap<String, PathBuf> = HashMap::new();
        for file in files.images {
            let stem = file
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            by_stem.insert(stem, file);
        }
        let labels = ["yolov5/labels", "folder_structure/yolov5/labels"].map(|p| base.join(p));
        let boxes = match labels.iter().find(|folder| folder.is_dir()) {
            Some(folder) => BoxFiles::read(folder, names)?,
            None => BoxFiles::default(),
        };
        refuse(&base, &boxes.faults)?;
        let mut listing = Listing {
            splits: vec![Split::Test],
            ..Listing::default()
        };
        let table = Table::open(&base.join("dataset.csv"), &REQUIRED)?;
        let columns = table.require_all(&REQUIRED)?;
        let mut lines: HashMap<String, u64> = HashMap::new();
        for row in table.rows() {
            let stem = row.text(columns[0])?.to_owned();
            let file = PathBuf::from(format!("{stem}.png"));
            if let Some(first) = lines.insert(stem.clone(), row.line()) {
                return Err(row.error(columns[0], RowError::Duplicate { file, first }));
            }
            let Some(place) = by_stem.get(&stem) else {
                return Err(row.error(columns[0], RowError::MissingFile { file }));
            };
            let mut entry = read_row(&row, &columns, path, place.clone())?;
            if entry.label.is_fractured() {
                entry.boxes = boxes.of(&stem).to_vec();
            }
            listing.entries.push(entry);
        }
        Ok(listing)
    }
}

fn read_row(
    row: &Row<'_>,
    columns: &[usize],
    root: &Path,
    place: PathBuf,
) -> Result<Entry, DataError> {
    // The table writes 1.0 for yes and nothing for no.
    let label = match row.text(columns[2])? {
        "1" | "1.0" => Label::Fractured,
        "" | "0" | "0.0" => Label::NotFractured,
        other => {
            let value = other.to_owned();
            return Err(row.error(columns[2], RowError::NotOneOrZero { value }));
        }
    };
    let patient = row.text(columns[1])?.to_owned();
    let id = relative_id(root, &place);
    let mut entry = Entry::new(place, id, label, Split::Test);
    let mut fields = row.fields(columns)?;
    fields.retain(|_, value| !value.is_empty());
    let view = fields
        .get("projection")
        .and_then(|value| match value.as_str() {
            "1" | "1.0" => Some("frontal"),
            "2" | "2.0" => Some("lateral"),
            "3" | "3.0" => Some("oblique"),
            _ => None,
        });
    if let Some(view) = view {
        fields.insert("view".to_owned(), view.to_owned());
    }
    if let Some(time) = fields.get("timehash") {
        fields.insert("study".to_owned(), format!("{patient}-{time}"));
    }
    fields.insert("region".to_owned(), "wrist".to_owned());
    entry.group = Some(patient);
    entry.fields = fields;
    Ok(entry)
}

fn find_base(path: &Path) -> Result<Option<PathBuf>, DataError> {
    here_or_below(path, |dir| {
        let table = dir.join("dataset.csv");
        table.is_file() && Table::has_columns(&table, &REQUIRED)
    })
}
