//! `cargo xtask config-reference`: `docs/CONFIG.md`, made from `configs/schema.json`.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde_json::{Map, Value};

use crate::workspace;

const SCHEMA: &str = "configs/schema.json";
const PAGE: &str = "docs/CONFIG.md";

/// Writes the page.
pub fn run() -> Result<ExitCode> {
    let root = workspace::root();
    let page = root.join(PAGE);
    fs::write(&page, made(&root)?)
        .with_context(|| format!("could not write {}", page.display()))?;
    println!("{PAGE}");
    Ok(ExitCode::SUCCESS)
}

fn made(root: &Path) -> Result<String> {
    let path = root.join(SCHEMA);
    let text = fs::read_to_string(&path).with_context(|| format!("could not read {SCHEMA}"))?;
    let schema: Value =
        serde_json::from_str(&text).with_context(|| format!("{SCHEMA} is no JSON"))?;
    Ok(page(&schema))
}

fn page(schema: &Value) -> String {
    let mut out = String::from(
        "# Configuration\n\n\
         <!-- Made by `cargo xtask config-reference` from configs/schema.json. Not to be edited. -->\n\n\
         Every key of a TOML file in `configs/`, or after `--set`. Order: the built-in values, then `--config FILE`, then each\n\
         `--set section.key=value`, then flags such as `--data`. An unknown key or a bad value ends the command with the file, the\n\
         line and the nearest key. A run folder's `config.toml` holds all keys as they were used.\n",
    );
    section(&mut out, schema, "", schema);
    out
}

/// The plain keys of one object as a table, then its parts, each with a heading of its own.
fn section(out: &mut String, schema: &Value, name: &str, object: &Value) {
    let Some(properties) = object["properties"].as_object() else {
        return;
    };
    let is_section = |property: &&Value| resolved(schema, property)["properties"].is_object();
    if properties.values().any(|property| !is_section(&property)) {
        table(out, schema, properties);
    }
    for (key, property) in properties
        .iter()
        .filter(|(_, property)| is_section(property))
    {
        let path = if name.is_empty() {
            key.clone()
        } else {
            format!("{name}.{key}")
        };
        // Writing to a String does not fail.
        _ = write!(out, "\n## `[{path}]`\n\n{}\n", flat(property));
        section(out, schema, &path, resolved(schema, property));
    }
}

fn table(out: &mut String, schema: &Value, properties: &Map<String, Value>) {
    out.push_str("\n| key | built in | takes | what it does |\n|---|---|---|---|\n");
    for (key, property) in properties {
        let kind = resolved(schema, property);
        if kind["properties"].is_object() {
            continue;
        }
        let built_in = shown(&property["default"]);
        _ = writeln!(
            out,
            "| `{key}` | `{built_in}` | {} | {} |",
            takes(kind),
            flat(property)
        );
    }
    for (key, property) in properties {
        let words = words(resolved(schema, property));
        if words.iter().any(|(_, what)| !what.is_empty()) {
            _ = writeln!(out, "\n`{key}`:\n");
            for (word, what) in words {
                _ = writeln!(out, "- `\"{word}\"` {what}");
            }
        }
    }
}

/// What a `$ref` points at, or the value itself.
fn resolved<'a>(schema: &'a Value, property: &'a Value) -> &'a Value {
    let reference = property["$ref"].as_str();
    let target = reference.and_then(|path| schema.pointer(path.trim_start_matches('#')));
    target.unwrap_or(property)
}

fn takes(kind: &Value) -> String {
    let words = words(kind);
    if !words.is_empty() {
        let quoted: Vec<_> = words
            .iter()
            .map(|(word, _)| format!("`\"{word}\"`"))
            .collect();
        return quoted.join(", ");
    }
    let name = match kind["type"].as_str() {
        Some("integer") => "whole number",
        Some("number") => "number",
        Some("boolean") => "true or false",
        Some("string") => "text",
        Some("array") if kind["items"]["type"] == "string" => "list of texts",
        Some("array") => "list of whole numbers",
        _ => "value",
    };
    let bound = |key: &str| kind.get(key).map(shown);
    match (bound("minimum"), bound("maximum")) {
        (Some(low), Some(high)) => format!("{name}, {low} to {high}"),
        (Some(low), None) => format!("{name}, at least {low}"),
        (None, Some(high)) => format!("{name}, at most {high}"),
        (None, None) => name.to_owned(),
    }
}

/// The words of a choice, each with what it means.
fn words(kind: &Value) -> Vec<(String, String)> {
    let plain = kind["enum"].as_array().into_iter().flatten();
    let plain = plain.filter_map(|word| Some((word.as_str()?.to_owned(), String::new())));
    let told = kind["oneOf"].as_array().into_iter().flatten();
    let told = told.flat_map(|choice| {
        let listed = choice["enum"].as_array().into_iter().flatten();
        let words = choice.get("const").into_iter().chain(listed);
        words.filter_map(|word| Some((word.as_str()?.to_owned(), flat(choice))))
    });
    plain.chain(told).collect()
}

/// A value as TOML has it. Numbers of 32 bits come out of the schema with the digits of 64: the shortest that gives the same 32 is meant.
fn shown(value: &Value) -> String {
    let Some(number) = value.as_f64().filter(|_| value.is_f64()) else {
        return value.to_string();
    };
    let single = number as f32;
    if f64::from(single).to_bits() == number.to_bits() {
        format!("{single:?}")
    } else {
        format!("{number:?}")
    }
}

fn flat(value: &Value) -> String {
    let text = value["description"].as_str().unwrap_or_default();
    let lines: Vec<_> = text.split_whitespace().collect();
    lines.join(" ").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_page_is_that_of_the_schema() {
        let root = workspace::root();
        let committed = fs::read_to_string(root.join(PAGE)).unwrap();
        assert!(
            committed == made(&root).unwrap(),
            "run `cargo xtask config-reference`"
        );
    }

    fn keys(page: &str, path: &str, table: &toml::Table) {
        for (key, value) in table {
            if let toml::Value::Table(inner) = value {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                keys(page, &path, inner);
            } else {
                let (_, section) = page.split_once(&format!("## `[{path}]`")).unwrap();
                let section = section.split("\n## ").next().unwrap();
                assert!(section.contains(&format!("\n| `{key}` |")), "{path}.{key}");
            }
        }
    }

    /// Every key that `default.toml` writes out has a row, in its section.
    #[test]
    fn no_key_is_left_out() {
        let root = workspace::root();
        let text = fs::read_to_string(root.join("configs/default.toml")).unwrap();
        let defaults: toml::Table = toml::from_str(&text).unwrap();
        let page = made(&root).unwrap();
        keys(&page, "", &defaults);
    }

    #[test]
    fn numbers_are_as_they_were_written() {
        let schema: Value =
            serde_json::from_str("[0.20000000298023224, 0.95, 1e-8, 3, true, \"x\", 10.0]")
                .unwrap();
        let all: Vec<_> = schema.as_array().unwrap().iter().map(shown).collect();
        assert_eq!(all, ["0.2", "0.95", "1e-8", "3", "true", "\"x\"", "10.0"]);
    }
}
