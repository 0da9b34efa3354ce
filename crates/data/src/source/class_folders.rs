//! train|val|test / fractured|not fractured, or the two classes alone: how the Kaggle set lies on disk.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::aside::{Aside, NoImage, named_as_image};
use super::files::{FolderFiles, Root, name_of, relative_id};
use super::table::Table;
use super::{Layout, Listing, Source};
use crate::{ClassNames, DataError, Entry, Label, RelativeBox, Split};

/// The class-folder layout, also one folder deeper, as archives unzip.
///
/// Two class folders without splits are taken as `test`: images to judge. A folder beside the classes that is no class and holds
/// images is an error, for they would be lost without a word. What is no image, by [`crate::folder_files`], is listed aside; so are a folder
/// beside the splits that is none, and images in no class's folder. A `boxes.csv` beside the splits (columns `file`, `cx`, `cy`, `w`, `h`, any others kept as
/// fields) adds boxes; the crate `synth` writes one.
#[derive(Debug, Clone, Copy)]
pub struct ClassFolders;

impl Source for ClassFolders {
    fn layout(&self) -> Layout {
        Layout::ClassFolders
    }

    fn recognises(&self, path: &Path, names: &ClassNames) -> Result<bool, DataError> {
        if !path.is_dir() {
            return Ok(false);
        }
        match find_base(&Root::new(path)?, path, names) {
            Ok(_) => Ok(true),
            Err(DataError::NoClasses { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn read(&self, path: &Path, names: &ClassNames) -> Result<Listing, DataError> {
        if !path.is_dir() {
            return Err(DataError::NoFolder {
                path: path.to_owned(),
            });
        }
        let root = Root::new(path)?;
        let base = find_base(&root, path, names)?;
        let mut listing = Listing::default();
        let mut classes = Classes {
            root: &root,
            top: path,
            names,
            listing: &mut listing,
        };
        let items = root.items(&base)?;
        let splits = items
            .folders
            .iter()
            .map(|f| Split::from_folder(&name_of(f)));
        let splits: Vec<Option<Split>> = splits.collect();
        if splits.iter().all(Option::is_none) {
            classes.read(&base, Split::Test)?;
            listing.splits.push(Split::Test);
        } else {
            for (folder, split) in items.folders.iter().zip(splits) {
                match split {
                    Some(split) => {
                        classes.read(folder, split)?;
                        classes.listing.splits.push(split);
                    }
                    None => classes.pass_over(folder),
                }
            }
            listing.divided = true;
            listing.aside.extend(items.aside);
            listing.aside.extend(loose(items.files));
        }
        let boxes = base.join("boxes.csv");
        if boxes.is_file() {
            add_boxes(&boxes, &base, &mut listing.entries)?;
        }
        Ok(listing)
    }
}

/// The folder that holds the splits or the classes: the root, or, as zips unpack, the one folder in it that does.
fn find_base(root: &Root, path: &Path, names: &ClassNames) -> Result<PathBuf, DataError> {
    let is_base = |dir: &Path| -> Result<bool, DataError> {
        Ok(root.folders(dir)?.iter().any(|f| {
            let name = name_of(f);
            Split::from_folder(&name).is_some() || names.of_folder(&name).is_some()
        }))
    };
    if is_base(path)? {
        return Ok(path.to_owned());
    }
    let inner = root.folders(path)?;
    let mut bases = Vec::new();
    for folder in &inner {
        if is_base(folder)? {
            bases.push(folder.clone());
        }
    }
    match bases.len() {
        1 => Ok(bases.remove(0)),
        _ => Err(no_classes(path, &inner, names)),
    }
}

fn no_classes(path: &Path, found: &[PathBuf], known: &ClassNames) -> DataError {
    DataError::NoClasses {
        path: path.to_owned(),
        found: found.iter().take(8).map(|f| name_of(f)).collect(),
        known: Box::new(known.clone()),
    }
}

/// Images that lie in no class's folder. Other files there (a licence, a table) belong to the set.
fn loose(files: Vec<PathBuf>) -> impl Iterator<Item = Aside> {
    let images = files.into_iter().filter(|file| named_as_image(file));
    images.map(|path| Aside {
        path,
        why: NoImage::NoClass,
    })
}

/// Lists class folders.
pub(super) struct Classes<'a> {
    pub root: &'a Root,
    /// What images' names are relative to.
    pub top: &'a Path,
    pub names: &'a ClassNames,
    pub listing: &'a mut Listing,
}

impl Classes<'_> {
    /// Lists the class folders of one split.
    pub(super) fn read(&mut self, dir: &Path, split: Split) -> Result<(), DataError> {
        let items = self.root.items(dir)?;
        let mut classes = 0;
        for folder in &items.folders {
            let FolderFiles { images, aside } = self.root.files(folder)?;
            let name = name_of(folder);
            let Some(label) = self.names.of_folder(&name) else {
                if images.is_empty() {
                    self.listing.aside.extend(aside);
                    continue;
                }
                return Err(DataError::UnknownClass {
                    path: folder.clone(),
                    name,
                    known: Box::new(self.names.clone()),
                });
            };
            classes += 1;
            for path in images {
                self.hold_class(folder, &path, label)?;
                let id = relative_id(self.top, &path);
                self.listing
                    .entries
                    .push(Entry::new(path, id, label, split));
            }
            self.listing.aside.extend(aside);
            self.listing.names.insert(name, label);
        }
        if classes == 0 {
            return Err(no_classes(dir, &items.folders, self.names));
        }
        self.listing.aside.extend(items.aside);
        self.listing.aside.extend(loose(items.files));
        Ok(())
    }

    /// Refuses an image in a folder of the other class's name within a class's folder: one of the two is wrong.
    fn hold_class(&self, folder: &Path, image: &Path, label: Label) -> Result<(), DataError> {
        let below = image.parent().and_then(|dir| dir.strip_prefix(folder).ok());
        let mut path = folder.to_owned();
        for part in below.into_iter().flat_map(Path::components) {
            path.push(part);
            match self.names.of_folder(&name_of(&path)) {
                Some(inner) if inner != label => {
                    return Err(DataError::ClassInClass {
                        path,
                        label: inner,
                        within: label,
                    });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Names a folder beside the splits, if there are images in it, or if it does not tell.
    fn pass_over(&mut self, folder: &Path) {
        let files = self.root.files(folder);
        if files.map_or(true, |files| !files.images.is_empty()) {
            self.listing.aside.push(Aside {
                path: folder.to_owned(),
                why: NoImage::NoSplit,
            });
        }
    }
}

/// Adds the boxes of `boxes.csv`, one a row, to the images they name. Images may have been taken out since it was written: their boxes
/// have nothing to be added to, and no image is lost.
fn add_boxes(path: &Path, base: &Path, entries: &mut [Entry]) -> Result<(), DataError> {
    let required: [&[&str]; 5] = [&["file", "path"], &["cx"], &["cy"], &["w"], &["h"]];
    let table = Table::open(path, &required)?;
    let columns = table.require_all(&required)?;
    let by_path: HashMap<PathBuf, usize> = entries
        .iter()
        .enumerate()
        .map(|(i, e)| (e.path.clone(), i))
        .collect();
    for row in table.rows() {
        let file = row.path(columns[0])?;
        let Some(&index) = by_path.get(&base.join(file)) else {
            continue;
        };
        let numbers: Vec<&str> = columns[1..]
            .iter()
            .map(|&c| row.text(c))
            .collect::<Result<_, _>>()?;
        let text = numbers.join(" ");
        let found: RelativeBox = text.parse().map_err(|e| row.error(columns[1], e))?;
        entries[index].boxes.push(found);
        entries[index].fields.extend(row.fields(&columns)?);
    }
    Ok(())
}
