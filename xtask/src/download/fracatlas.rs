//! FracAtlas, from figshare.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::dataset::{Arguments, Dataset, Source};
use super::http::Client;

const SET: Dataset = Dataset {
    folder: "fracatlas",
    title: "FracAtlas (Abedeen et al., Scientific Data 10, 521, 2023)",
    licence: "Licence: CC BY 4.0, https://doi.org/10.6084/m9.figshare.22363012",
    archive: "fracatlas.zip",
    page: "https://doi.org/10.6084/m9.figshare.22363012",
    place,
    expected: &["images/Fractured", "images/Non_fractured"],
};

/// figshare's description of the article: names, sizes and MD5s of its files.
const ARTICLE: &str = "https://api.figshare.com/v2/articles/22363012";

#[derive(Deserialize)]
struct Article {
    files: Vec<Published>,
}

#[derive(Deserialize)]
struct Published {
    name: String,
    size: u64,
    download_url: String,
    /// What figshare found; `supplied_md5` is what the uploader claimed.
    computed_md5: Option<String>,
}

/// Fetches the set into `data/fracatlas`, as published: it comes undivided.
pub fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    SET.obtain(root, arguments, &Client::patient(), |client| {
        source(client, ARTICLE)
    })?;
    eprintln!(
        "It comes undivided (images/Fractured, images/Non_fractured): divide it by patient before training on it"
    );
    Ok(())
}

fn source(client: &Client, article: &str) -> Result<Source> {
    let article: Article = serde_json::from_str(&client.text(article)?)
        .with_context(|| format!("{article} did not answer with the article's description"))?;
    // The article may list more than the images; they are by far the largest zip.
    let zips = article
        .files
        .into_iter()
        .filter(|file| file.name.to_ascii_lowercase().ends_with(".zip"));
    let file = zips
        .max_by_key(|file| file.size)
        .context("figshare's article lists no zip file any more")?;
    Ok(Source {
        url: file.download_url,
        size: Some(file.size),
        md5: file.computed_md5.filter(|md5| !md5.is_empty()),
    })
}

fn place(entry: &Path) -> Option<PathBuf> {
    if entry.starts_with("__MACOSX") {
        return None;
    }
    Some(entry.strip_prefix("FracAtlas").unwrap_or(entry).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::download::loopback::{Answer, Server};

    #[test]
    fn the_largest_zip_of_the_article_is_chosen() {
        let article = r#"{"id": 1, "files": [
            {"id": 1, "name": "notes.pdf", "size": 9000, "download_url": "pdf", "computed_md5": "a"},
            {"id": 2, "name": "small.zip", "size": 10, "download_url": "small", "computed_md5": "b"},
            {"id": 3, "name": "FracAtlas.zip", "size": 300, "download_url": "large", "computed_md5": "c"}]}"#;
        let server = Server::new(article.into(), vec![Answer::File]);
        let source = source(&Client::for_loopback(), &server.url).unwrap();
        assert_eq!(
            (source.url.as_str(), source.size, source.md5.as_deref()),
            ("large", Some(300), Some("c"))
        );
    }

    #[test]
    fn an_answer_that_is_no_article_is_said() {
        for answer in ["<html>", r#"{"files": []}"#] {
            let server = Server::new(answer.into(), vec![Answer::File]);
            assert!(source(&Client::for_loopback(), &server.url).is_err());
        }
    }

    #[test]
    fn the_wrapping_folder_is_left_out() {
        let inside = place(Path::new("FracAtlas/images/Fractured/1.jpg"));
        assert_eq!(inside, Some("images/Fractured/1.jpg".into()));
    }
}
