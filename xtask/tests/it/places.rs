//! The files that pages speak of are there: a map that is wrong is worse than none.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::{crates, files, root};

/// Code in the running text of a page, paragraph by paragraph, with the paragraph's first bold words.
fn paragraphs(text: &str) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    let (mut bold, mut inside) = (false, false);
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Paragraph | Tag::Item | Tag::TableCell) => {
                found.push(Default::default());
                inside = true;
            }
            Event::End(TagEnd::Paragraph | TagEnd::Item | TagEnd::TableCell) => inside = false,
            Event::Start(Tag::Strong) => bold = true,
            Event::End(TagEnd::Strong) => bold = false,
            Event::Text(words) if bold && inside => {
                let (name, _) = found.last_mut().unwrap();
                if name.is_empty() {
                    *name = words.to_string();
                }
            }
            Event::Code(code) if inside => found.last_mut().unwrap().1.push(code.to_string()),
            _ => {}
        }
    }
    found
}

/// `a/{b,c}.rs` and `a*.rs` stand for several files: what comes before is looked for.
fn is_plain(code: &str) -> bool {
    !code.contains(['*', '{', '<', '…', ' ', '$'])
}

#[test]
fn the_code_map_is_true() {
    let page = std::fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    let map = page.split("## Code map").nth(1).unwrap();
    let map = map.split("\n## ").next().unwrap();
    let members = crates();
    let mut current = String::new();
    let mut seen = 0;
    for (name, code) in paragraphs(map) {
        if members.contains(&name) || name == "xtask" {
            current = name;
        }
        let below = if current == "xtask" {
            "xtask".to_owned()
        } else {
            format!("crates/{current}")
        };
        let there: Vec<String> = walkdir::WalkDir::new(root().join(&below))
            .into_iter()
            .filter_entry(|entry| entry.file_name() != "node_modules")
            .map(|entry| {
                let entry = entry.unwrap();
                let folder = if entry.file_type().is_dir() { "/" } else { "" };
                format!("{}{folder}", entry.path().display())
            })
            .collect();
        for code in code {
            let is_file = [".rs", ".cpp", "/"].iter().any(|end| code.ends_with(end));
            // What several crates share is no part of one.
            let shared = code.starts_with("build/") || code == "xtask/testing/";
            if !is_file || !is_plain(&code) || shared {
                continue;
            }
            seen += 1;
            // A path from the crate's own name, such as `train/device_images/`, is meant from `src`.
            let short = code.strip_prefix(&format!("{current}/")).unwrap_or(&code);
            assert!(
                there
                    .iter()
                    .any(|path| path.ends_with(&format!("/{short}"))),
                "docs/ARCHITECTURE.md: **{current}** has no {code}"
            );
        }
    }
    assert!(seen > 100, "{seen} names");
}

#[test]
fn files_that_pages_name_are_there() {
    let mut pages = files("docs", &["md"]);
    for page in ["README.md", "CHANGELOG.md", "xtask/README.md"] {
        let text = std::fs::read_to_string(root().join(page)).unwrap();
        pages.push((page.to_owned(), text));
    }
    let tracked = [
        "crates/",
        "xtask/",
        "configs/",
        "docs/",
        "packaging/",
        "build/",
        "fuzz/",
    ];
    let mut seen = 0;
    for (page, text) in pages {
        for code in paragraphs(&text).into_iter().flat_map(|(_, code)| code) {
            if !tracked.iter().any(|start| code.starts_with(start)) || !is_plain(&code) {
                continue;
            }
            seen += 1;
            let path = code.split(':').next().unwrap();
            assert!(root().join(path).exists(), "{page} names {code}");
        }
    }
    assert!(seen > 20, "{seen} names");
}
