//! The web page, within the program.

use std::fmt::Write as _;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::RustEmbed;

use crate::problem::{Code, Problem};

/// The folder `page`, as it was when the program was built.
#[derive(RustEmbed)]
#[folder = "page"]
struct Files;

/// `GET /`, and what lies under `/assets/`.
pub(crate) fn routes() -> Router {
    Router::new()
        .route("/", get(index))
        .route("/assets/{*path}", get(asset))
}

async fn index(asked: HeaderMap) -> Response {
    file("index.html", &asked)
}

async fn asset(Path(path): Path<String>, asked: HeaderMap) -> Response {
    file(&path, &asked)
}

/// A file of the page; browsers ask each time whether it has changed.
fn file(path: &str, asked: &HeaderMap) -> Response {
    let Some(file) = Files::get(path) else {
        return Problem::new(Code::NotFound, "the page has no such file").into_response();
    };
    let tag = tag(file.metadata.sha256_hash());
    let known = asked.get(IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    let unchanged = known.is_some_and(|tags| tags.split(',').any(|known| known.trim() == tag));
    let caching = [(CACHE_CONTROL, "no-cache".to_owned()), (ETAG, tag)];
    if unchanged {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    let kind = [(CONTENT_TYPE, file.metadata.mimetype().to_owned())];
    (caching, kind, Bytes::from(file.data.into_owned())).into_response()
}

fn tag(hash: [u8; 32]) -> String {
    let mut tag = "\"".to_owned();
    for byte in &hash[..16] {
        // Writing to a string does not fail.
        let _ = write!(tag, "{byte:02x}");
    }
    tag + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(path: &str) -> String {
        let file = Files::get(path).unwrap_or_else(|| panic!("no {path}"));
        String::from_utf8(file.data.into_owned()).expect("UTF-8")
    }

    /// What stands between `before` and the next `after`, each time.
    fn all_between<'a>(text: &'a str, before: &str, after: char) -> Vec<&'a str> {
        let found = text.split(before).skip(1);
        found.filter_map(|rest| rest.split(after).next()).collect()
    }

    #[test]
    fn nothing_that_the_page_names_is_missing() {
        let page = text("index.html");
        let named = all_between(&page, "=\"assets/", '"');
        assert!(named.len() > 4, "{named:?}");
        for path in named {
            assert!(Files::get(path).is_some(), "{path}");
        }
        for module in Files::iter().filter(|path| path.ends_with(".js")) {
            for path in all_between(&text(&module), "from './", '\'') {
                assert!(Files::get(path).is_some(), "{module} imports {path}");
            }
        }
        let examples = text("examples.js");
        for path in all_between(&examples, "file: '", '\'') {
            assert!(Files::get(&format!("examples/{path}")).is_some(), "{path}");
        }
    }

    #[test]
    fn the_page_asks_nothing_of_another_server_and_has_nothing_inline() {
        for path in Files::iter() {
            if !(path.ends_with(".js") || path.ends_with(".css") || path.ends_with(".html")) {
                continue;
            }
            let text = text(&path);
            let names = text.replace("http://www.w3.org/", "");
            assert!(
                !names.contains("http://") && !names.contains("https://"),
                "{path}"
            );
            assert!(
                !text.contains("innerHTML") && !text.contains("eval("),
                "{path}"
            );
            assert!(
                !text.contains(" style=") && !text.contains(" onclick="),
                "{path}"
            );
        }
    }

    #[test]
    fn files_have_their_types_and_are_sent_once() {
        let none = HeaderMap::new();
        for (path, kind) in [
            ("index.html", "text/html"),
            ("app.js", "text/javascript"),
            ("theme.css", "text/css"),
            ("mark.svg", "image/svg+xml"),
            ("examples/wrist-fractured.png", "image/png"),
        ] {
            let answer = file(path, &none);
            assert_eq!(answer.status(), StatusCode::OK);
            assert_eq!(answer.headers()[CONTENT_TYPE], kind, "{path}");
            let again = HeaderMap::from_iter([(IF_NONE_MATCH, answer.headers()[ETAG].clone())]);
            assert_eq!(file(path, &again).status(), StatusCode::NOT_MODIFIED);
        }
        assert_eq!(file("../Cargo.toml", &none).status(), StatusCode::NOT_FOUND);
    }
}
