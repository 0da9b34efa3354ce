//! The licences of all that others wrote and the program brings along.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use cargo_metadata::Package;
use spdx::{Expression, ParseMode};

use super::crates::Crates;

/// How the names of files begin that hold a licence, or what one asks to be passed on.
const NAMES: &[&str] = &["licen", "copying", "copyright", "notice", "unlicense"];

/// One page: a line a crate, then each text once with the crates that it comes with. `libraries` are names with texts of what is no crate.
pub fn page(crates: &Crates, libraries: &[(String, String)]) -> Result<String> {
    let mut page = String::from(
        "Osteon holds work of others, under the licences below.\n\
         This software is based in part on the work of the Independent JPEG Group.\n\n",
    );
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in crates.others() {
        let name = format!("{} {}", package.name, package.version);
        // Writing to a String does not fail.
        _ = writeln!(page, "{name:<44} {}", expression(package)?);
        for text in texts_of(package)? {
            texts.entry(text).or_default().push(name.clone());
        }
    }
    for (name, text) in libraries {
        _ = writeln!(page, "{name:<44} see below");
        texts.entry(text.clone()).or_default().push(name.clone());
    }
    let mut texts: Vec<_> = texts.into_iter().collect();
    texts.sort_by(|a, b| a.1.cmp(&b.1));
    for (text, names) in texts {
        _ = write!(
            page,
            "\n{}\n{}\n\n{}\n",
            "=".repeat(80),
            names.join(", "),
            text.trim_end()
        );
    }
    Ok(page)
}

/// A package's licence in SPDX's present words: old ones say `MIT/Apache-2.0`.
pub fn expression(package: &Package) -> Result<String> {
    let name = || format!("{} {}", package.name, package.version);
    let Some(stated) = &package.license else {
        bail!("{} states no licence", name());
    };
    let canonical = Expression::canonicalize(stated);
    let canonical = canonical.with_context(|| format!("the licence of {}", name()))?;
    Ok(canonical.unwrap_or_else(|| stated.clone()))
}

/// What lies in the package; where nothing does, the standard texts of the licences it names.
fn texts_of(package: &Package) -> Result<Vec<String>> {
    let folder = package.manifest_path.parent();
    let folder = folder.with_context(|| format!("{} lies nowhere", package.name))?;
    let mut texts = files(folder.as_std_path())?;
    if texts.is_empty() {
        let stated = expression(package)?;
        let parsed = Expression::parse_mode(&stated, ParseMode::LAX)?;
        for needed in parsed.requirements() {
            let Some(id) = needed.req.license.id() else {
                bail!("{} brings no text of its licence {stated}", package.name);
            };
            texts.push(format!(
                "(The standard text of {}.)\n\n{}",
                id.name,
                id.text()
            ));
        }
    }
    Ok(texts)
}

fn files(folder: &Path) -> Result<Vec<String>> {
    let reading = || format!("could not read {}", folder.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).with_context(reading)? {
        let entry = entry.with_context(reading)?;
        let name = entry.file_name().to_string_lossy().to_lowercase();
        let is_code = Path::new(&name).extension().is_some_and(|end| end == "rs");
        if entry.file_type()?.is_file() && !is_code && NAMES.iter().any(|n| name.starts_with(n)) {
            paths.push(entry.path());
        }
    }
    paths.sort();
    // Some names are in Latin-1.
    let read = |path| Ok(String::from_utf8_lossy(&fs::read(path)?).replace("\r\n", "\n"));
    paths.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace;

    #[test]
    fn every_crate_is_on_the_page_with_a_text() {
        let crates = Crates::of_program(&workspace::root(), &[]).unwrap();
        let extra = [("libtorch 2.11.0".to_owned(), "From PyTorch: …".to_owned())];
        let page = page(&crates, &extra).unwrap();
        let (list, texts) = page.split_once("\n====").unwrap();
        for package in crates.others() {
            let name = format!("{} {}", package.name, package.version);
            assert!(list.contains(&name), "{name} is listed");
            assert!(texts.contains(&name), "{name} has a text");
        }
        assert!(texts.contains("libtorch 2.11.0\n\nFrom PyTorch"));
        assert!(!list.contains('/'), "SPDX's present words");
    }
}
