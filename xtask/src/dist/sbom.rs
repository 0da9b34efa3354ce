//! The bill of materials: what the program is made of, in CycloneDX's words (1.5, ECMA-424).
//!
//! Written by serde alone: the crate for CycloneDX takes longer to compile than all else that `cargo xtask` waits for on a new machine.
//! CI holds what comes out against CycloneDX's own schema.

use std::collections::BTreeMap;

use anyhow::Result;
use cargo_metadata::Package;
use serde::Serialize;

use super::crates::Crates;
use super::licences;

/// A file of the bundle that is no crate.
pub struct Part {
    /// What it is called, such as `libtorch_cpu.so`.
    pub name: String,
    /// Whose.
    pub version: String,
    /// What it is.
    pub kind: PartKind,
    /// Of its bytes.
    pub sha256: String,
    /// SPDX.
    pub licence: Option<String>,
}

/// What a part is.
#[derive(Clone, Copy)]
pub enum PartKind {
    /// A shared library.
    Library,
    /// The weights of a network.
    Model,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bill {
    bom_format: &'static str,
    spec_version: &'static str,
    version: u32,
    metadata: Metadata,
    components: Vec<Component>,
    dependencies: Vec<Dependency>,
}

#[derive(Serialize)]
struct Metadata {
    component: Component,
}

#[derive(Serialize)]
struct Component {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "bom-ref")]
    reference: String,
    name: String,
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    scope: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<Licence>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<String>,
}

#[derive(Serialize)]
struct Hash {
    alg: &'static str,
    content: String,
}

#[derive(Serialize)]
struct Licence {
    expression: String,
}

#[derive(Serialize)]
struct Dependency {
    #[serde(rename = "ref")]
    reference: String,
    #[serde(rename = "dependsOn")]
    on: Vec<String>,
}

/// As JSON. Without time or serial number, so the same program has the same bill.
pub fn json(crates: &Crates, parts: &[Part]) -> Result<String> {
    let own = &crates.program().id;
    let all: BTreeMap<_, _> = crates.all().into_iter().map(|p| (&p.id, p)).collect();
    let mut components = Vec::new();
    let mut dependencies = Vec::new();
    for package in crates.all() {
        if &package.id != own {
            components.push(component(crates, package, "library")?);
        }
        let needs = crates.needs(&package.id);
        let mut on: Vec<String> = needs.iter().map(|id| reference(all[id])).collect();
        if &package.id == own {
            on.extend(parts.iter().map(|part| part.name.clone()));
        }
        let reference = reference(package);
        dependencies.push(Dependency { reference, on });
    }
    for part in parts {
        components.push(part.component());
        dependencies.push(Dependency {
            reference: part.name.clone(),
            on: Vec::new(),
        });
    }
    let bill = Bill {
        bom_format: "CycloneDX",
        spec_version: "1.5",
        version: 1,
        metadata: Metadata {
            component: component(crates, crates.program(), "application")?,
        },
        components,
        dependencies,
    };
    Ok(serde_json::to_string_pretty(&bill)? + "\n")
}

/// How the bill calls a crate: its package URL, which does not say on which machine it was built.
fn reference(package: &Package) -> String {
    // Crates' names and versions hold nothing that a URL would have to escape but the `+` of build metadata.
    let version = package.version.to_string().replace('+', "%2B");
    format!("pkg:cargo/{}@{version}", package.name)
}

fn component(crates: &Crates, package: &Package, kind: &'static str) -> Result<Component> {
    Ok(Component {
        kind,
        reference: reference(package),
        name: package.name.to_string(),
        version: package.version.to_string(),
        description: package.description.clone(),
        scope: "required",
        hashes: crates.sha256(package).map(sha256).into_iter().collect(),
        licenses: vec![Licence {
            expression: licences::expression(package)?,
        }],
        purl: Some(reference(package)),
    })
}

impl Part {
    fn component(&self) -> Component {
        Component {
            kind: match self.kind {
                PartKind::Library => "library",
                PartKind::Model => "machine-learning-model",
            },
            reference: self.name.clone(),
            name: self.name.clone(),
            version: self.version.clone(),
            description: None,
            scope: "required",
            hashes: vec![sha256(&self.sha256)],
            licenses: self
                .licence
                .iter()
                .map(|licence| Licence {
                    expression: licence.clone(),
                })
                .collect(),
            purl: None,
        }
    }
}

fn sha256(sum: &str) -> Hash {
    Hash {
        alg: "SHA-256",
        content: sum.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace;

    #[test]
    fn the_bill_names_every_crate_and_part_once_and_is_the_same_each_time() {
        let crates = Crates::of_program(&workspace::root(), &[]).unwrap();
        let part = || Part {
            name: "libtorch_cpu.so".to_owned(),
            version: "2.11.0".to_owned(),
            kind: PartKind::Library,
            sha256: "0".repeat(64),
            licence: Some("BSD-3-Clause".to_owned()),
        };
        let text = json(&crates, &[part()]).unwrap();
        assert_eq!(text, json(&crates, &[part()]).unwrap());
        let bill: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(bill["specVersion"], "1.5");
        let components = bill["components"].as_array().unwrap();
        // All but the program itself, and the part.
        assert_eq!(components.len(), crates.all().len());
        let mut references: Vec<_> = components
            .iter()
            .map(|c| c["bom-ref"].as_str().unwrap())
            .collect();
        references.sort_unstable();
        references.dedup();
        assert_eq!(references.len(), components.len());
        // Who depends on whom points at what is there.
        for dependency in bill["dependencies"].as_array().unwrap() {
            for needed in dependency["dependsOn"].as_array().into_iter().flatten() {
                assert!(
                    references.binary_search(&needed.as_str().unwrap()).is_ok(),
                    "{needed}"
                );
            }
        }
        assert!(
            !text.contains(env!("CARGO_MANIFEST_DIR")),
            "no path of this machine"
        );
    }
}
