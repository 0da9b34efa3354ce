//! Which images belong together.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use osteon_files::FileError;
use serde::Deserialize;
use serde_json::Value;

use crate::catalog::is_patient;
use crate::union::Union;
use crate::{DataError, Entry};

use super::unknown_field;

/// Images that belong together, from as many sources as there are: images that any of them joins are one group.
#[derive(Debug, Clone)]
pub struct Groups {
    films: usize,
    sets: Union,
}

impl Groups {
    /// Each image on its own.
    #[must_use]
    pub fn alone(films: usize) -> Self {
        Self {
            films,
            sets: Union::new(films),
        }
    }

    /// The groups that the data set itself knows of: [`Entry::group`], and the patients of a field that names them.
    #[must_use]
    pub fn known(entries: &[Entry]) -> Self {
        let mut groups = Self::alone(entries.len());
        groups.join(entries.iter().map(|e| e.group.as_deref()));
        let mut columns: Vec<&String> = entries.iter().flat_map(|e| e.fields.keys()).collect();
        columns.sort_unstable();
        columns.dedup();
        for column in columns.into_iter().filter(|column| is_patient(column)) {
            let values = entries.iter().map(|e| e.fields.get(column));
            groups.join(values.map(|v| v.map(String::as_str)));
        }
        groups
    }

    /// Joins images that have a name in common, in the images' order; `None` joins nothing.
    pub fn join<'a>(&mut self, names: impl IntoIterator<Item = Option<&'a str>>) {
        let mut first: HashMap<&str, usize> = HashMap::new();
        for (film, name) in names.into_iter().enumerate().take(self.films) {
            if let Some(name) = name {
                let other = *first.entry(name).or_insert(film);
                self.sets.join(film, other);
            }
        }
    }

    /// Joins images that have the same value of a field.
    pub fn join_field(&mut self, entries: &[Entry], name: &str) -> Result<(), DataError> {
        if !entries.iter().any(|e| e.fields.contains_key(name)) {
            return Err(unknown_field(entries, name));
        }
        self.join(
            entries
                .iter()
                .map(|e| e.fields.get(name).map(String::as_str)),
        );
        Ok(())
    }

    /// Joins images that an audit found to be copies: a JSON file with `files`, each with `path` and `cluster`, as
    /// `osteon data audit --json` prints it. Every image must be in it, by its name within the data set or its path.
    pub fn join_clusters(&mut self, entries: &[Entry], file: &Path) -> Result<(), DataError> {
        let text =
            std::fs::read_to_string(file).map_err(|source| FileError::new("read", file, source))?;
        let audit: Audit = serde_json::from_str(&text).map_err(|source| DataError::Json {
            path: file.to_owned(),
            source,
        })?;
        let cluster = |f: &AuditFile| (!f.cluster.is_null()).then(|| f.cluster.to_string());
        let by_path: HashMap<&str, Option<String>> = audit
            .files
            .iter()
            .map(|f| (f.path.as_str(), cluster(f)))
            .collect();
        let mut by_place: HashMap<PathBuf, &str> = HashMap::new();
        let mut names = Vec::new();
        for entry in entries {
            let mut found = by_path.get(entry.id.as_str());
            found = found.or_else(|| by_path.get(entry.path.to_str()?));
            if found.is_none() {
                // Written from another folder, or with another word for the same place.
                if by_place.is_empty() {
                    let place = |f: &AuditFile| std::fs::canonicalize(&f.path).ok();
                    by_place = audit
                        .files
                        .iter()
                        .filter_map(|f| Some((place(f)?, f.path.as_str())))
                        .collect();
                }
                let place = std::fs::canonicalize(&entry.path).ok();
                found = place.and_then(|p| by_path.get(by_place.get(&p)?));
            }
            names.push(found.ok_or_else(|| DataError::NoGroup {
                path: file.to_owned(),
                film: entry.id.clone(),
            })?);
        }
        self.join(names.into_iter().map(Option::as_deref));
        Ok(())
    }

    /// A number for each image, in the images' order, the same for images that belong together: the index of the first of them.
    #[must_use]
    pub fn numbers(&self) -> Vec<usize> {
        let mut sets = self.sets.clone();
        (0..self.films).map(|film| sets.find(film)).collect()
    }

    /// Writes the groups into the images, so that a manifest of them knows what belongs together. A group whose images all have one name
    /// already keeps it; any other is called by the first of its images' names; an image on its own keeps what it has.
    pub fn name(&self, entries: &mut [Entry]) {
        let mut members: HashMap<usize, Vec<usize>> = HashMap::new();
        for (film, group) in self.numbers().into_iter().enumerate().take(entries.len()) {
            members.entry(group).or_default().push(film);
        }
        for films in members.into_values().filter(|films| films.len() > 1) {
            let known = entries[films[0]].group.clone();
            if known.is_some() && films.iter().all(|&f| entries[f].group == known) {
                continue;
            }
            let name = films.iter().map(|&f| entries[f].id.clone()).min();
            for film in films {
                entries[film].group.clone_from(&name);
            }
        }
    }

    /// How many groups there are.
    #[must_use]
    pub fn count(&self) -> usize {
        let firsts = self.numbers().into_iter().enumerate();
        firsts.filter(|(film, first)| film == first).count()
    }
}

#[derive(Deserialize)]
struct Audit {
    files: Vec<AuditFile>,
}

#[derive(Deserialize)]
struct AuditFile {
    path: String,
    #[serde(default)]
    cluster: Value,
}
