//! FracAtlas as published (Abedeen et al., Scientific Data 10:521, 2023).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::annotations::BoxFiles;
use super::class_folders::Classes;
use super::files::{Root, here_or_below, name_of};
use super::rows::unknown_label;
use super::table::{Row, Table};
use super::{Layout, Listing, Source};
use crate::{ClassNames, DataError, RowError, Split};

/// `images/Fractured`, `images/Non_fractured`, `dataset.csv` and, if there, `Annotations`; also one folder deeper.
///
/// The class is the folder's, and `dataset.csv` must agree. Its other columns become fields, with two more: `region` (hand, leg,
/// hip, shoulder) and `view` (frontal, lateral, oblique), or mixed where several are marked. Boxes come from COCO, PASCAL VOC or YOLO, whichever is there, in this order. The set is not
/// divided: its authors' own division covers the fractured images alone.
#[derive(Debug, Clone, Copy)]
pub struct FracAtlas;

const REQUIRED: [&[&str]; 2] = [&["image_id"], &["fractured"]];
/// What columns of 0 and 1 say together, by the name it gets.
pub(crate) const MARKED: [(&str, &[&str]); 2] = [
    ("region", &["hand", "leg", "hip", "shoulder"]),
    ("view", &["frontal", "lateral", "oblique"]),
];

impl Source for FracAtlas {
    fn layout(&self) -> Layout {
        Layout::FracAtlas
    }

    fn recognises(&self, path: &Path, _: &ClassNames) -> Result<bool, DataError> {
        Ok(find_base(path)?.is_some())
    }

    fn read(&self, path: &Path, names: &ClassNames) -> Result<Listing, DataError> {
        let Some(base) = find_base(path)? else {
            return Err(DataError::NotThisLayout {
                path: path.to_owned(),
                layout: Layout::FracAtlas,
                expected: "images/Fractured, images/Non_fractured and dataset.csv",
            });
        };
        let root = Root::new(path)?;
        let mut listing = Listing {
            splits: vec![Split::Test],
            ..Listing::default()
        };
        let mut classes = Classes {
            root: &root,
            top: path,
            names,
            listing: &mut listing,
        };
        classes.read(&base.join("images"), Split::Test)?;
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, entry) in listing.entries.iter().enumerate() {
            by_name.entry(name_of(&entry.path)).or_default().push(index);
        }
        let boxes = BoxFiles::of_fracatlas(&base.join("Annotations"), names)?;
        for (name, films) in &by_name {
            for &film in films {
                listing.entries[film].boxes = boxes.of(name).to_vec();
            }
        }
        let table = Table::open(&base.join("dataset.csv"), &REQUIRED)?;
        let columns = table.require_all(&REQUIRED)?;
        let mut seen = HashSet::new();
        let aside: HashSet<String> = listing.aside.iter().map(|a| name_of(&a.path)).collect();
        for row in table.rows() {
            let name = row.text(columns[0])?;
            if aside.contains(name) && !by_name.contains_key(name) {
                continue;
            }
            let film = film_of(&row, &columns, (names, &by_name), &mut seen, &listing)?;
            let mut fields = row.fields(&columns)?;
            name_marked(&mut fields);
            listing.entries[film].fields = fields;
        }
        Ok(listing)
    }
}

/// Adds `region` and `view`, where they are not there: the one column of 0 and 1 that is 1, or `mixed` where several are.
pub(crate) fn name_marked(fields: &mut BTreeMap<String, String>) {
    for (name, columns) in MARKED {
        let mut marked = columns
            .iter()
            .filter(|&&column| fields.get(column).is_some_and(|v| v == "1"));
        let value = match (marked.next(), marked.next()) {
            (None, _) => continue,
            (Some(one), None) => *one,
            _ => "mixed",
        };
        fields
            .entry(name.to_owned())
            .or_insert_with(|| value.to_owned());
    }
}

/// The image a row speaks of: by its name, and by its class where both folders hold the name.
fn film_of(
    row: &Row<'_>,
    columns: &[usize],
    (names, by_name): (&ClassNames, &HashMap<String, Vec<usize>>),
    seen: &mut HashSet<usize>,
    listing: &Listing,
) -> Result<usize, DataError> {
    let name = row.text(columns[0])?;
    let value = row.text(columns[1])?;
    let Some(label) = names.of_cell(value) else {
        return Err(row.error(columns[1], unknown_label(value, names)));
    };
    let file = PathBuf::from(name);
    let Some(films) = by_name.get(name) else {
        return Err(row.error(columns[0], RowError::MissingFile { file }));
    };
    let Some(&film) = films.iter().find(|f| listing.entries[**f].label == label) else {
        return Err(row.error(columns[1], RowError::OtherFolder { file, label }));
    };
    if seen.insert(film) {
        Ok(film)
    } else {
        Err(row.error(columns[0], RowError::Again { file }))
    }
}

fn find_base(path: &Path) -> Result<Option<PathBuf>, DataError> {
    here_or_below(path, |dir| {
        dir.join("dataset.csv").is_file() && dir.join("images").is_dir()
    })
}
