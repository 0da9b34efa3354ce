//! The folder that is packed: what lies where in it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::crates::Crates;
use super::sbom::{Part, PartKind};
use super::{libraries, licences, sbom};
use crate::download::installed::VERSION;
use crate::download::{hash, libtorch};
use crate::workspace;

/// The models that ship; the program holds them too, but other programs can only read a file.
const MODELS: [&str; 2] = ["accurate.safetensors", "fast.safetensors"];
const SHIPPED: &str = "crates/model/shipped";
/// Pages that a person reads without the checkout.
const PAGES: &[(&str, &str)] = &[
    ("CHANGELOG.md", "CHANGELOG.md"),
    ("LICENSE-APACHE", "LICENSE-APACHE"),
    ("LICENSE-MIT", "LICENSE-MIT"),
    ("docs/DATA_CARD.md", "DATA_CARD.md"),
    ("docs/MODEL_CARD.md", "MODEL_CARD.md"),
    ("docs/MODEL_CARD_FAST.md", "MODEL_CARD_FAST.md"),
    ("docs/SECURITY.md", "SECURITY.md"),
    ("packaging/README.md", "README.md"),
];
const COMPLETIONS: &[(&str, &str)] = &[
    ("bash", "share/bash-completion/completions/osteon"),
    ("fish", "share/fish/vendor_completions.d/osteon.fish"),
    ("zsh", "share/zsh/site-functions/_osteon"),
];

/// A bundle in the making.
pub struct Bundle<'a> {
    pub root: &'a Path,
    pub crates: &'a Crates,
    /// As it was built, with the run path of a bundle.
    pub program: &'a Path,
    /// Where it is made: anew, whatever was there.
    pub folder: PathBuf,
}

impl Bundle<'_> {
    /// Writes it whole; says what it asks of the system.
    pub fn write(&self) -> Result<String> {
        if self.folder.exists() {
            let clearing = || format!("could not clear {}", self.folder.display());
            fs::remove_dir_all(&self.folder).with_context(clearing)?;
        }
        self.copy(self.program, "bin/osteon")?;
        let torch = libtorch::folder(self.root)?;
        let sources = [
            (torch.join("lib"), "torch/lib"),
            (torch.join("../nvidia/cu13/lib"), "nvidia/cu13/lib"),
        ];
        let lib = self.folder.join("lib");
        let libraries = libraries::gather(self.program, &sources, &lib)?;
        let newest = libraries::closed(&self.folder)?;
        let needs: Vec<_> = newest
            .iter()
            .map(|(kind, number)| format!("{kind} {number}"))
            .collect();
        let needs = format!("asks the system for {}", needs.join(", "));

        for name in MODELS {
            let file = self.root.join(SHIPPED).join(name);
            self.copy(&file, &format!("share/osteon/{name}"))?;
        }
        for entry in fs::read_dir(self.root.join("configs"))? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            self.copy(&path, &format!("share/osteon/configs/{name}"))?;
        }
        for (from, to) in PAGES {
            self.copy(&self.root.join(from), &format!("share/doc/osteon/{to}"))?;
        }
        let licences = licences::page(self.crates, &libtorch::licences(self.root)?)?;
        self.put("share/doc/osteon/THIRD-PARTY.txt", &licences)?;
        let bill = sbom::json(self.crates, &self.parts(&libraries)?)?;
        self.put("share/doc/osteon/osteon.cdx.json", &bill)?;
        self.copy(
            &self.root.join("packaging/osteon.service"),
            "lib/systemd/system/osteon.service",
        )?;
        for (shell, to) in COMPLETIONS {
            let script = self.osteon(&["completions".as_ref(), shell.as_ref()])?;
            self.put(to, &script)?;
        }
        let manual = self.folder.join("share/man/man1");
        fs::create_dir_all(&manual)?;
        self.osteon(&["man".as_ref(), manual.as_ref()])?;
        Ok(needs)
    }

    fn parts(&self, libraries: &[PathBuf]) -> Result<Vec<Part>> {
        let library = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let ours = name.starts_with("libtorch") || name.starts_with("libc10");
            Ok(Part {
                name: name.clone().into_owned(),
                version: if ours {
                    VERSION.to_owned()
                } else {
                    format!("as with libtorch {VERSION}")
                },
                kind: PartKind::Library,
                sha256: hash::sha256(&self.folder.join("lib").join(path))?,
                licence: ours.then(|| "BSD-3-Clause".to_owned()),
            })
        };
        let mut parts: Vec<Part> = libraries.iter().map(library).collect::<Result<_>>()?;
        for name in MODELS {
            parts.push(Part {
                name: name.to_owned(),
                version: self.crates.version(),
                kind: PartKind::Model,
                sha256: hash::sha256(&self.root.join(SHIPPED).join(name))?,
                licence: Some("CC-BY-4.0 AND ODC-By-1.0".to_owned()),
            });
        }
        Ok(parts)
    }

    /// What the bundle's own program prints, run as it will be: with nothing in its environment.
    fn osteon(&self, words: &[&OsStr]) -> Result<String> {
        let mut command = Command::new(self.folder.join("bin/osteon"));
        workspace::printed(command.args(words).env_clear())
    }

    fn copy(&self, from: &Path, to: &str) -> Result<()> {
        let target = self.target(to)?;
        fs::copy(from, &target)
            .map(|_| ())
            .with_context(|| format!("could not copy {} to {}", from.display(), target.display()))
    }

    fn put(&self, to: &str, text: &str) -> Result<()> {
        let target = self.target(to)?;
        fs::write(&target, text).with_context(|| format!("could not write {}", target.display()))
    }

    fn target(&self, to: &str) -> Result<PathBuf> {
        let target = self.folder.join(to);
        let parent = target.parent().unwrap_or(&self.folder);
        fs::create_dir_all(parent)
            .with_context(|| format!("could not make {}", parent.display()))?;
        Ok(target)
    }
}
