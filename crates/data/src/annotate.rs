//! What a table says of images that are catalogued already: subgroups, groups and boxes beside a data set of plain class folders.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use crate::source::{
    BoxFiles, GROUP, MARKED, Row, Table, name_marked, refuse, relative_id, unknown_label,
};
use crate::{BoxFault, BoxProblem, Catalog, DataError, Entry, Label, RelativeBox, RowError, Split};

const PATH: &[&str] = &["path"];
const FILE: &[&str] = &["path", "file", "filename", "image", "image_id"];
const LABEL: &[&str] = &["label", "class", "fractured"];
const SPLIT: &[&str] = &["split"];
/// What else keeps images together, where nothing names a patient: a patient's images include the copies of each.
const COPIES: &[&str] = &["study", "cluster"];
const BOXES: &[&str] = &["boxes", "boxes_cx_cy_w_h"];
/// Images named in a message.
const NAMED: usize = 3;
/// Columns that say how large a picture is, not whose or what it is.
const SIZES: &[&str] = &[
    "w", "h", "width", "height", "orig_w", "orig_h", "rows", "columns",
];
/// Values that a column of subgroups may have.
const VALUES: std::ops::RangeInclusive<usize> = 2..=12;

impl Catalog {
    /// The same images with what a table beside them says, one row an image.
    ///
    /// A column `path` names an image by its [`Entry::id`]; else `file` (`filename`, `image`, `image_id`) by the end of its id, with `split`
    /// and `class` (`label`, `fractured`) where the name alone is not enough. The split is the one whose folder the image lies in, so
    /// that a published table fits after the images were divided anew. `group`, `patient`, `patient_id`, `study` or `cluster`, the first that is
    /// there, becomes the group; `boxes` or `boxes_cx_cy_w_h` the boxes; every other column a field, as do `region` and `view` from columns of 0 and
    /// 1 as `FracAtlas` has them. What the data set itself says of an image is never overwritten.
    ///
    /// In place of a table it may be a file of COCO (`.json`), or a folder with files of PASCAL VOC or YOLO: see [`Catalog::with_boxes`]. A box that cannot be
    /// right is an error then.
    ///
    /// Errors name the row: no such image, more than one, an image a second time, another class than the data set's. So is an image without
    /// a row; [`Catalog::annotated_partly`] lets that pass.
    pub fn annotated(&self, table: &Path) -> Result<Self, DataError> {
        let (annotated, without) = self.annotated_partly(table)?;
        if without.is_empty() {
            return Ok(annotated);
        }
        Err(DataError::NotAnnotated {
            path: table.to_owned(),
            films: self.entries().len(),
            without: without.len(),
            first: without.into_iter().take(NAMED).collect(),
        })
    }

    /// As [`Catalog::annotated`], with the names of the images that have no row instead of an error.
    pub fn annotated_partly(&self, table: &Path) -> Result<(Self, Vec<String>), DataError> {
        if BoxFiles::are_meant(table) {
            let (annotated, faults) = self.with_boxes(table)?;
            refuse(table, &faults)?;
            // An image without a box has none: that is all that such files say.
            return Ok((annotated, Vec::new()));
        }
        let table = Table::open(table, &[FILE])?;
        let columns = Columns::of(&table)?;
        let names = Names::new(self);
        let mut entries = self.entries().to_vec();
        let mut lines: HashMap<usize, u64> = HashMap::new();
        for row in table.rows() {
            let film = columns.film(&row, &names, self)?;
            if let Some(first) = lines.insert(film, row.line()) {
                let file = row.path(columns.name)?;
                return Err(row.error(columns.name, RowError::Duplicate { file, first }));
            }
            columns.add(&row, &mut entries[film])?;
        }
        let without = (0..entries.len())
            .filter(|film| !lines.contains_key(film))
            .map(|film| entries[film].id.clone())
            .collect();
        Ok((self.with_entries(entries), without))
    }

    /// The same images with the boxes of a COCO file, or of a folder with files of PASCAL VOC or YOLO; and every box that cannot be right, in the files'
    /// order: outside its image or without area, in pixels where fractions are due, of an image that is not there or is labelled *not fractured*.
    ///
    /// An image is found by the end of its name, as `a/b.jpg` names `train/a/b.jpg`; VOC and YOLO leave its ending out. Where one name is that of several
    /// images the folders tell them apart. Boxes that the data set itself has are never overwritten.
    pub fn with_boxes(&self, path: &Path) -> Result<(Self, Vec<BoxFault>), DataError> {
        let found = BoxFiles::read(path, self.class_names())?;
        let mut faults = found.faults;
        let names = FileNames::new(self, found.endings);
        let mut entries = self.entries().to_vec();
        for (image, boxes) in found.images {
            let problem = match names.of(&image)[..] {
                [film] if boxes.is_empty() || entries[film].label.is_fractured() => {
                    if entries[film].boxes.is_empty() {
                        entries[film].boxes = boxes;
                    }
                    continue;
                }
                [_] => BoxProblem::NotFractured,
                // A file of a whole data set may name images of splits that are elsewhere, as long as it marks nothing on them.
                [] if boxes.is_empty() => continue,
                [] => BoxProblem::NoImage,
                [..] => BoxProblem::SeveralImages,
            };
            faults.push(BoxFault {
                file: path
                    .file_name()
                    .map_or_else(String::new, |n| n.to_string_lossy().into()),
                line: None,
                image,
                problem,
            });
        }
        Ok((self.with_entries(entries), faults))
    }
}

/// Images by the ends of their names, with or without the file's own ending.
struct FileNames<'a> {
    ids: Vec<&'a str>,
    by_last: HashMap<&'a str, Vec<usize>>,
}

impl<'a> FileNames<'a> {
    fn new(catalog: &'a Catalog, endings: bool) -> Self {
        let bare = |id: &'a str| match id.rsplit_once('.') {
            Some((stem, ending)) if !endings && !ending.contains('/') => stem,
            _ => id,
        };
        let ids: Vec<&str> = catalog.entries().iter().map(|e| bare(&e.id)).collect();
        let mut by_last: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, id) in ids.iter().enumerate() {
            by_last
                .entry(id.rsplit('/').next().unwrap_or(id))
                .or_default()
                .push(index);
        }
        Self { ids, by_last }
    }

    /// Those with the last part of a name; of several, those that share most folders with it.
    fn of(&self, name: &str) -> Vec<usize> {
        let last = name.rsplit('/').next().unwrap_or(name);
        let found = self.by_last.get(last).map_or(&[][..], Vec::as_slice);
        let shared = |&i: &usize| {
            let folders: BTreeSet<&str> = self.ids[i].split('/').collect();
            name.split('/')
                .filter(|part| folders.contains(part))
                .count()
        };
        let most = found.iter().map(shared).max();
        found
            .iter()
            .copied()
            .filter(|i| Some(shared(i)) == most)
            .collect()
    }
}

/// Where in a table what is told of an image stands.
struct Columns {
    name: usize,
    by_path: bool,
    label: Option<usize>,
    split: Option<usize>,
    group: Option<usize>,
    boxes: Option<usize>,
    /// What is no field.
    known: Vec<usize>,
}

impl Columns {
    fn of(table: &Table) -> Result<Self, DataError> {
        let name = table.require_all(&[FILE])?[0];
        let (label, split) = (table.column(LABEL), table.column(SPLIT));
        let boxes = table.column(BOXES);
        Ok(Self {
            name,
            by_path: table.column(PATH) == Some(name),
            label,
            split,
            group: table.column(GROUP).or_else(|| table.column(COPIES)),
            boxes,
            known: [Some(name), label, split, boxes]
                .into_iter()
                .flatten()
                .collect(),
        })
    }

    /// The one image a row speaks of.
    fn film(&self, row: &Row<'_>, names: &Names, catalog: &Catalog) -> Result<usize, DataError> {
        let file = row.path(self.name)?;
        let said = |column: Option<usize>| column.map(|c| row.text(c).map(|t| (c, t))).transpose();
        let split = match said(self.split)? {
            Some((column, value)) if !value.is_empty() => {
                Some(Split::from_folder(value).ok_or_else(|| {
                    row.error(
                        column,
                        RowError::UnknownSplit {
                            value: value.into(),
                        },
                    )
                })?)
            }
            _ => None,
        };
        let label = match said(self.label)? {
            Some((column, value)) if !value.is_empty() => {
                let known = catalog.class_names();
                let label = known
                    .of_cell(value)
                    .ok_or_else(|| row.error(column, unknown_label(value, known)))?;
                Some((column, label))
            }
            _ => None,
        };
        let mut films = if self.by_path {
            names.by_path(&file)
        } else {
            names.by_end(&file)
        };
        if !self.by_path {
            films.retain(|&i| split.is_none() || names.splits[i].is_none_or(|s| Some(s) == split));
            if films.len() > 1 {
                films.retain(|&i| label.is_none_or(|(_, l)| l == catalog.entries()[i].label));
            }
        }
        let film = match films[..] {
            [film] => film,
            [] => return Err(row.error(self.name, RowError::NoFilm { file })),
            [..] => {
                let films = films.len();
                return Err(row.error(self.name, RowError::SeveralFilms { file, films }));
            }
        };
        let is = catalog.entries()[film].label;
        match label {
            Some((column, label)) if label != is => {
                Err(row.error(column, RowError::OtherClass { file, label, is }))
            }
            _ => Ok(film),
        }
    }

    /// Adds what a row says to an image.
    fn add(&self, row: &Row<'_>, entry: &mut Entry) -> Result<(), DataError> {
        let mut fields = row.fields(&self.known)?;
        name_marked(&mut fields);
        for (name, value) in fields {
            entry.fields.entry(name).or_insert(value);
        }
        if let Some(column) = self.group.filter(|_| entry.group.is_none()) {
            let name = row.text(column)?;
            entry.group = (!name.is_empty()).then(|| name.to_owned());
        }
        if let Some(column) = self.boxes.filter(|_| entry.boxes.is_empty()) {
            entry.boxes =
                RelativeBox::parse_list(row.text(column)?).map_err(|e| row.error(column, e))?;
        }
        Ok(())
    }
}

/// Images by the names that a table may use.
struct Names<'a> {
    catalog: &'a Catalog,
    /// By the last part of the id.
    films: HashMap<&'a str, Vec<usize>>,
    /// The split whose folder each image lies in, or else the one it was catalogued in; `None` in an undivided set.
    splits: Vec<Option<Split>>,
}

impl<'a> Names<'a> {
    fn new(catalog: &'a Catalog) -> Self {
        let mut films: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut splits = Vec::new();
        for (index, entry) in catalog.entries().iter().enumerate() {
            let (folders, name) = entry.id.rsplit_once('/').unwrap_or(("", &entry.id));
            films.entry(name).or_default().push(index);
            let folder = folders.split('/').find_map(Split::from_folder);
            splits.push(folder.or(catalog.is_divided().then_some(entry.split)));
        }
        Self {
            catalog,
            films,
            splits,
        }
    }

    fn by_path(&self, path: &Path) -> Vec<usize> {
        let root = match self.catalog.root() {
            table if table.is_file() => table.parent().unwrap_or(Path::new("")),
            folder => folder,
        };
        let id = relative_id(root, &root.join(path));
        self.of(&id).filter(|&i| self.id(i) == id).collect()
    }

    fn by_end(&self, file: &Path) -> Vec<usize> {
        let end = relative_id(Path::new(""), file);
        let ends = |id: &str| {
            id.strip_suffix(end.as_str())
                .is_some_and(|before| before.is_empty() || before.ends_with('/'))
        };
        self.of(&end).filter(|&i| ends(self.id(i))).collect()
    }

    fn of(&self, id: &str) -> impl Iterator<Item = usize> {
        let name = id.rsplit('/').next().unwrap_or(id);
        self.films.get(name).into_iter().flatten().copied()
    }

    fn id(&self, film: usize) -> &str {
        &self.catalog.entries()[film].id
    }
}

/// The fields that divide these images into subgroups worth figures of their own, by name, each with its values in order (numbers by size).
///
/// 2 to 12 values, at least twice as many images as values, and one value at least with images of both classes: a column that gives the class away
/// (how many fractures) has nothing to be judged on. Nor is the size of a picture, or a column of 0 and 1 that `region` or `view` names already.
#[must_use]
pub fn subgroup_columns(entries: &[Entry]) -> Vec<(String, Vec<String>)> {
    let mut columns: BTreeMap<&str, BTreeMap<&str, (usize, BTreeSet<Label>)>> = BTreeMap::new();
    for entry in entries {
        for (name, value) in &entry.fields {
            let values = columns.entry(name).or_default();
            let (films, classes) = values.entry(value).or_default();
            *films += 1;
            classes.insert(entry.label);
        }
    }
    let fits = |values: &BTreeMap<&str, (usize, BTreeSet<Label>)>| {
        let films: usize = values.values().map(|(films, _)| films).sum();
        VALUES.contains(&values.len())
            && films >= 2 * values.len()
            && values.values().any(|(_, classes)| classes.len() > 1)
    };
    let named: Vec<&str> = MARKED
        .into_iter()
        .filter(|(name, _)| columns.contains_key(name))
        .flat_map(|(_, parts)| parts.iter().copied())
        .collect();
    columns
        .into_iter()
        .filter(|(name, _)| !SIZES.contains(name) && !named.contains(name))
        .filter(|(_, values)| fits(values))
        .map(|(name, values)| (name.to_owned(), in_order(values.into_keys())))
        .collect()
}

fn in_order<'a>(values: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut values: Vec<String> = values.map(str::to_owned).collect();
    let numbers: Option<Vec<f64>> = values.iter().map(|v| v.parse().ok()).collect();
    if let Some(numbers) = numbers {
        let mut both: Vec<_> = numbers.into_iter().zip(values).collect();
        both.sort_by(|a, b| a.0.total_cmp(&b.0));
        values = both.into_iter().map(|(_, value)| value).collect();
    }
    values
}
