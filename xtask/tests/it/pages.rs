//! The pages in `docs/` and the READMEs: what they point at is there.

use std::collections::BTreeSet;

use pulldown_cmark::{Event, Options, Parser, Tag};

use crate::{crates, files, root};

/// Where links and pictures of a page lead.
fn targets(text: &str) -> Vec<String> {
    let parser = Parser::new_ext(text, Options::ENABLE_TABLES);
    let targets = parser.filter_map(|event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
            Some(dest_url.to_string())
        }
        _ => None,
    });
    targets.collect()
}

/// The names that mdBook and forges give to headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    let mut heading: Option<String> = None;
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(pulldown_cmark::TagEnd::Heading(_)) => {
                anchors.extend(heading.take().map(|text| anchor(&text)));
            }
            Event::Text(part) | Event::Code(part) => {
                if let Some(text) = &mut heading {
                    text.push_str(&part);
                }
            }
            _ => {}
        }
    }
    anchors
}

fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn links_between_pages_lead_somewhere() {
    let mut pages = files("docs", &["md"]);
    let others = [
        "README.md",
        "data/README.md",
        "packaging/README.md",
        "xtask/README.md",
    ];
    let of_crates = crates()
        .into_iter()
        .map(|name| format!("crates/{name}/README.md"));
    for path in others.map(str::to_owned).into_iter().chain(of_crates) {
        pages.push((
            path.clone(),
            std::fs::read_to_string(root().join(&path)).unwrap(),
        ));
    }
    let mut seen = 0;
    for (path, text) in &pages {
        for target in targets(text) {
            let elsewhere = ["https://", "http://", "mailto:"]
                .iter()
                .any(|start| target.starts_with(start));
            if elsewhere {
                continue;
            }
            seen += 1;
            let (file, place) = target.split_once('#').unwrap_or((&target, ""));
            let found = if file.is_empty() {
                root().join(path)
            } else {
                root().join(path).parent().unwrap().join(file)
            };
            assert!(
                found.exists(),
                "{path} points at {target}, which is not there"
            );
            if !place.is_empty() {
                let text = std::fs::read_to_string(&found).unwrap();
                assert!(
                    anchors(&text).contains(place),
                    "{path} points at {target}: no such heading"
                );
            }
        }
    }
    assert!(seen > 40, "{seen} links");
}

#[test]
fn the_book_has_every_page_and_no_page_that_is_not_there() {
    let summary = std::fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
    let listed: BTreeSet<String> = targets(&summary).into_iter().collect();
    let pages = files("docs", &["md"]).into_iter().map(|(path, _)| path);
    let pages = pages.filter_map(|path| Some(path.strip_prefix("docs/")?.to_owned()));
    let pages: BTreeSet<String> = pages.filter(|page| page != "SUMMARY.md").collect();
    assert_eq!(listed, pages, "docs/SUMMARY.md beside the pages");
}

/// A person who follows a page's commands must not meet one that does not exist.
#[test]
fn chores_that_pages_name_exist() {
    let program = std::fs::read_to_string(root().join("xtask/src/main.rs")).unwrap();
    let mut pages = files("docs", &["md"]);
    pages.push((
        "README.md".to_owned(),
        std::fs::read_to_string(root().join("README.md")).unwrap(),
    ));
    let mut seen = BTreeSet::new();
    for (path, text) in pages {
        for part in text.split("cargo xtask ").skip(1) {
            let word: String = part
                .chars()
                .take_while(|c| c.is_ascii_lowercase() || *c == '-')
                .collect();
            let words = word.split('-').map(|word| {
                let (first, rest) = word.split_at(word.len().min(1));
                first.to_uppercase() + rest
            });
            let variant: String = words.collect();
            if word.is_empty() {
                continue;
            }
            assert!(
                program.contains(&format!("\n    {variant}")),
                "{path}: cargo xtask {word}"
            );
            seen.insert(word);
        }
    }
    assert!(seen.len() > 5, "{seen:?}");
}

#[test]
fn headings_become_anchors_as_forges_make_them() {
    let page = "# An example: a published `99.8 %`, that misses\n\ntext\n\n## Two words\n";
    let expected = ["an-example-a-published-998--that-misses", "two-words"];
    assert_eq!(anchors(page), expected.map(str::to_owned).into());
}
