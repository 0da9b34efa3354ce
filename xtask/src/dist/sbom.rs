//! The bill of materials: what the program is made of, in CycloneDX's words.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use cargo_metadata::Package;
use cyclonedx_bom::external_models::normalized_string::NormalizedString;
use cyclonedx_bom::external_models::spdx::SpdxExpression;
use cyclonedx_bom::external_models::uri::Purl;
use cyclonedx_bom::models::bom::{Bom, SpecVersion};
use cyclonedx_bom::models::component::{Classification, Component, Components, Scope};
use cyclonedx_bom::models::dependency::{Dependencies, Dependency};
use cyclonedx_bom::models::hash::{Hash, HashAlgorithm, HashValue, Hashes};
use cyclonedx_bom::models::license::{LicenseChoice, Licenses};
use cyclonedx_bom::models::metadata::Metadata;
use cyclonedx_bom::validation::Validate;

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

/// CycloneDX 1.5 as JSON. Without time or serial number, so the same program has the same bill.
pub fn json(crates: &Crates, parts: &[Part]) -> Result<String> {
    let program = component(crates, crates.program(), Classification::Application)?;
    let own = crates.program().id.clone();
    let all: BTreeMap<_, _> = crates.all().into_iter().map(|p| (&p.id, p)).collect();
    let mut components = Vec::new();
    let mut dependencies = Vec::new();
    for package in crates.all() {
        if package.id != own {
            components.push(component(crates, package, Classification::Library)?);
        }
        let needs = crates.needs(&package.id);
        let mut needed: Vec<String> = needs.iter().map(|id| reference(all[id])).collect();
        if package.id == own {
            needed.extend(parts.iter().map(|part| part.name.clone()));
        }
        dependencies.push(Dependency {
            dependency_ref: reference(package),
            dependencies: needed,
        });
    }
    for part in parts {
        components.push(part_component(part)?);
        dependencies.push(Dependency {
            dependency_ref: part.name.clone(),
            dependencies: Vec::new(),
        });
    }
    let bom = Bom {
        spec_version: SpecVersion::V1_5,
        serial_number: None,
        metadata: Some(Metadata {
            component: Some(program),
            ..Metadata::default()
        }),
        components: Some(Components(components)),
        dependencies: Some(Dependencies(dependencies)),
        ..Bom::default()
    };
    let checked = bom.validate_version(SpecVersion::V1_5);
    if !checked.passed() {
        bail!("the bill of materials is not as CycloneDX wants it: {checked:?}");
    }
    let mut json = Vec::new();
    bom.output_as_json_v1_5(&mut json)?;
    Ok(String::from_utf8(json)? + "\n")
}

/// How the bill calls a crate: its package URL, which does not say on which machine it was built.
fn reference(package: &Package) -> String {
    format!("pkg:cargo/{}@{}", package.name, package.version)
}

fn component(crates: &Crates, package: &Package, kind: Classification) -> Result<Component> {
    let version = package.version.to_string();
    let mut component = Component::new(
        kind,
        package.name.as_str(),
        &version,
        Some(reference(package)),
    );
    component.description = package.description.as_deref().map(NormalizedString::new);
    component.scope = Some(Scope::Required);
    component.purl = Some(Purl::new("cargo", package.name.as_str(), &version)?);
    component.licenses = Some(licence(&licences::expression(package)?)?);
    component.hashes = crates.sha256(package).map(sha256);
    Ok(component)
}

fn part_component(part: &Part) -> Result<Component> {
    let kind = match part.kind {
        PartKind::Library => Classification::Library,
        PartKind::Model => Classification::MachineLearningModel,
    };
    let mut component = Component::new(kind, &part.name, &part.version, Some(part.name.clone()));
    component.scope = Some(Scope::Required);
    component.hashes = Some(sha256(&part.sha256));
    component.licenses = part.licence.as_deref().map(licence).transpose()?;
    Ok(component)
}

fn sha256(sum: &str) -> Hashes {
    Hashes(vec![Hash {
        alg: HashAlgorithm::SHA_256,
        content: HashValue(sum.to_owned()),
    }])
}

fn licence(expression: &str) -> Result<Licenses> {
    let expression = SpdxExpression::parse_lax(expression.to_owned())?;
    Ok(Licenses(vec![LicenseChoice::Expression(expression)]))
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
