//! The crates that end up in the program, as cargo resolves them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, bail};
use cargo_metadata::{
    DependencyKind, Metadata, MetadataCommand, Node, Package, PackageId, TargetKind,
};

use crate::workspace;

/// What the package `cli` links, itself included.
pub struct Crates {
    metadata: Metadata,
    /// With their ids, so in one order for one `Cargo.lock`.
    linked: BTreeSet<PackageId>,
    /// SHA-256 of each published package, by name and version.
    checksums: BTreeMap<(String, String), String>,
    program: PackageId,
}

impl Crates {
    /// For this platform and these features of `cli`. Macros and build scripts run while building and are not counted.
    pub fn of_program(root: &Path, features: &[String]) -> Result<Self> {
        let mut cargo = workspace::cargo(root);
        cargo.args(["metadata", "--format-version", "1", "--locked", "--quiet"]);
        cargo.args(["--filter-platform", &workspace::host()?]);
        if !features.is_empty() {
            let named: Vec<_> = features.iter().map(|name| format!("cli/{name}")).collect();
            cargo.args(["--features", &named.join(",")]);
        }
        let output = cargo.output().context("could not start cargo")?;
        if !output.status.success() {
            bail!(
                "cargo metadata failed: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        let metadata = MetadataCommand::parse(String::from_utf8_lossy(&output.stdout))?;
        let program = metadata
            .workspace_packages()
            .into_iter()
            .find(|package| package.name.as_str() == "cli")
            .context("the workspace has no package cli")?;
        let program = program.id.clone();
        let mut crates = Self {
            linked: BTreeSet::new(),
            checksums: checksums(&root.join("Cargo.lock"))?,
            metadata,
            program,
        };
        let mut waiting = vec![crates.program.clone()];
        while let Some(id) = waiting.pop() {
            if !crates.linked.contains(&id) {
                waiting.extend(crates.needs(&id));
                crates.linked.insert(id);
            }
        }
        Ok(crates)
    }

    /// The program's own.
    pub fn version(&self) -> String {
        self.metadata[&self.program].version.to_string()
    }

    /// The package `cli`.
    pub fn program(&self) -> &Package {
        &self.metadata[&self.program]
    }

    /// All of them, by name and version.
    pub fn all(&self) -> Vec<&Package> {
        let mut all: Vec<_> = self.linked.iter().map(|id| &self.metadata[id]).collect();
        all.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
        all
    }

    /// Those that others wrote.
    pub fn others(&self) -> impl Iterator<Item = &Package> {
        self.all()
            .into_iter()
            .filter(|package| package.source.is_some())
    }

    /// What a package links of others.
    pub fn needs(&self, id: &PackageId) -> Vec<PackageId> {
        let node: Option<&Node> = self
            .metadata
            .resolve
            .as_ref()
            .and_then(|resolve| resolve.nodes.iter().find(|node| &node.id == id));
        let links = |kinds: &[cargo_metadata::DepKindInfo]| {
            kinds.iter().any(|info| info.kind == DependencyKind::Normal)
        };
        let mut needs: Vec<_> = node
            .into_iter()
            .flat_map(|node| &node.deps)
            .filter(|dependency| links(&dependency.dep_kinds))
            .map(|dependency| dependency.pkg.clone())
            .filter(|id| !is_macro(&self.metadata[id]))
            .collect();
        needs.sort();
        needs.dedup();
        needs
    }

    /// What crates.io says of the package's archive.
    pub fn sha256(&self, package: &Package) -> Option<&str> {
        let key = (package.name.to_string(), package.version.to_string());
        self.checksums.get(&key).map(String::as_str)
    }
}

fn is_macro(package: &Package) -> bool {
    package
        .targets
        .iter()
        .any(|target| target.kind.contains(&TargetKind::ProcMacro))
}

#[derive(serde::Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(serde::Deserialize)]
struct Locked {
    name: String,
    version: String,
    checksum: Option<String>,
}

fn checksums(lock: &Path) -> Result<BTreeMap<(String, String), String>> {
    let reading = || format!("could not read {}", lock.display());
    let text = std::fs::read_to_string(lock).with_context(reading)?;
    let lock: Lock = toml::from_str(&text).with_context(reading)?;
    let known = lock
        .package
        .into_iter()
        .filter_map(|package| Some(((package.name, package.version), package.checksum?)));
    Ok(known.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_program_links_is_known_and_macros_are_not_of_it() {
        let crates = Crates::of_program(&workspace::root(), &[]).unwrap();
        let names: Vec<_> = crates.all().iter().map(|p| p.name.to_string()).collect();
        for linked in [
            "cli",
            "data",
            "metrics",
            "model",
            "tch",
            "torch-sys",
            "clap",
        ] {
            assert!(names.iter().any(|name| name == linked), "{linked}");
        }
        for built_with in [
            "cc",
            "serde_derive",
            "syn",
            "criterion",
            "proptest",
            "xtask",
        ] {
            assert!(!names.iter().any(|name| name == built_with), "{built_with}");
        }
        assert!(
            crates
                .others()
                .all(|p| crates.sha256(p).is_some_and(|sum| sum.len() == 64))
        );
        assert!(crates.others().count() + 5 < names.len());
    }
}
