//! Files out of a request: a form, or a body that is an image. Every byte is counted before it is kept.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::{FromRequest, Request};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use axum::http::{HeaderMap, StatusCode};

use crate::problem::{Code, Problem};
use crate::room::{Receiving, Sent};
use crate::service::App;

/// A file of a request.
pub(super) struct Upload {
    /// Its last path component, as the form names it.
    pub name: Option<String>,
    pub sent: Arc<Sent>,
}

/// Parts of a form that are no files, at most.
const OTHER_PARTS: usize = 16;
/// Longer names are cut.
const NAME: usize = 200;
/// What is read of a body that is refused, so that the client gets to read the refusal rather than a broken connection.
const DRAIN: usize = 32 << 20;
/// For so long at most, where the refusal has gone out already.
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// Reads all files of a request.
pub(super) async fn read(app: &App, request: Request) -> Result<Vec<Upload>, Problem> {
    let kind = request.headers().get(CONTENT_TYPE);
    let kind = kind.map(|value| value.to_str().unwrap_or("?"));
    let essence = kind.map(|kind| {
        let essence = kind.split(';').next().unwrap_or_default();
        essence.trim().to_ascii_lowercase()
    });
    let limits = &app.options.limits;
    match essence.as_deref() {
        Some("multipart/form-data") => {
            let most = limits.file_bytes.saturating_mul(limits.files);
            form(app, head_allows(request, most)?).await
        }
        None | Some("application/octet-stream" | "application/dicom") => image(app, request).await,
        Some(image_kind) if image_kind.starts_with("image/") => image(app, request).await,
        Some(_) => {
            let detail = "send multipart/form-data with files, or one image as the body with its own type (image/jpeg, image/png, \
                          application/dicom, …)";
            Err(Problem::new(Code::UnsupportedMediaType, detail))
        }
    }
}

async fn image(app: &App, request: Request) -> Result<Vec<Upload>, Problem> {
    let most = app.options.limits.file_bytes;
    let request = head_allows(request, most)?;
    let sent = whole(request, app.uploads.receive(most)).await?;
    if sent.bytes.is_empty() {
        return Err(Problem::new(Code::NoImage, "the body is empty"));
    }
    Ok(vec![Upload { name: None, sent }])
}

/// A body of JSON, or of JSON and tensors; it may be twice as large as a file, for base64 is a third larger than what it stands for.
pub(super) async fn tensors(app: &App, request: Request) -> Result<Arc<Sent>, Problem> {
    let taken = request.headers().get(CONTENT_TYPE).is_none_or(|kind| {
        let essence = kind.as_bytes().split(|&byte| byte == b';').next();
        let essence = essence.unwrap_or_default().trim_ascii();
        // Triton's client calls what is JSON alone octets, too.
        [&b"application/json"[..], b"application/octet-stream"]
            .iter()
            .any(|kind| essence.eq_ignore_ascii_case(kind))
    });
    if !taken {
        let detail = "send application/json, or application/octet-stream with Inference-Header-Content-Length";
        return Err(Problem::new(Code::UnsupportedMediaType, detail));
    }
    let most = 2 * app.options.limits.file_bytes;
    let request = head_allows(request, most)?;
    whole(request, app.uploads.receive(most)).await
}

/// Refuses by its head alone a request whose body would be refused: nothing is read, and a client that waits to be told to go on
/// (`Expect: 100-continue`) sends nothing.
fn head_allows(request: Request, most: usize) -> Result<Request, Problem> {
    let Some(problem) = refusal(request.headers(), most) else {
        return Ok(request);
    };
    // Reading would tell a client that waits to go on. One that does not wait is sending: a connection closed in its face would lose it
    // the refusal, so what comes is read beside.
    if !request.headers().contains_key(EXPECT) {
        let rest = drain(request.into_body());
        tokio::spawn(tokio::time::timeout(DRAIN_TIME, rest));
    }
    Err(problem)
}

/// Why a body is not taken, as far as its headers tell.
fn refusal(headers: &HeaderMap, most: usize) -> Option<Problem> {
    let codings = headers.get_all(CONTENT_ENCODING).iter();
    let coded = codings
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
        .map(<[u8]>::trim_ascii)
        .any(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity"));
    if coded {
        let detail = "Content-Encoding is not taken: send the file as it is";
        return Some(Problem::new(Code::UnsupportedMediaType, detail));
    }
    // One that is no number was refused before it came here.
    let length = headers.get(CONTENT_LENGTH)?.to_str().ok()?;
    let length: u64 = length.parse().ok()?;
    (length > most as u64).then(|| {
        let detail = format!("at most {most} bytes are taken, and Content-Length says {length}");
        Problem::new(Code::TooLarge, detail)
    })
}

/// The whole body.
async fn whole(request: Request, mut file: Receiving) -> Result<Arc<Sent>, Problem> {
    let mut body = request.into_body();
    while let Some(chunk) = next_chunk(&mut body).await? {
        if let Err(problem) = file.add(&chunk) {
            drain(body).await;
            return Err(problem);
        }
    }
    Ok(file.done())
}

async fn form(app: &App, request: Request) -> Result<Vec<Upload>, Problem> {
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|rejection| Problem::new(Code::MalformedRequest, rejection.body_text()))?;
    let mut files = Vec::new();
    let mut others = 0;
    let read = async {
        while let Some(field) = form.next_field().await.map_err(|e| broken(&e))? {
            // A part named `file` is one even where a client leaves its name out.
            let is_file = field.file_name().is_some() || field.name() == Some("file");
            if is_file {
                if files.len() == app.options.limits.files {
                    let most = app.options.limits.files;
                    let detail = format!("at most {most} files a request");
                    return Err(Problem::new(Code::TooManyFiles, detail));
                }
                files.push(part(app, field).await?);
            } else {
                others += 1;
                if others > OTHER_PARTS {
                    let detail = format!("more than {OTHER_PARTS} parts that are no files");
                    return Err(Problem::new(Code::MalformedRequest, detail));
                }
                part(app, field).await?;
            }
        }
        Ok::<(), Problem>(())
    };
    if let Err(problem) = read.await {
        if problem.code != Code::MalformedRequest {
            drain_form(form).await;
        }
        return Err(problem);
    }
    if files.is_empty() {
        let detail = "the form holds no file: every part with a file name is one";
        return Err(Problem::new(Code::NoImage, detail));
    }
    Ok(files)
}

async fn part(app: &App, mut field: Field<'_>) -> Result<Upload, Problem> {
    let name = field.file_name().and_then(plain_name);
    let mut file = app.uploads.receive(app.options.limits.file_bytes);
    while let Some(chunk) = field.chunk().await.map_err(|e| broken(&e))? {
        file.add(&chunk)?;
    }
    let sent = file.done();
    Ok(Upload { name, sent })
}

/// The last component of a path of any system, without what a terminal or a page might take for more than a letter.
fn plain_name(given: &str) -> Option<String> {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let letters = last.chars().filter(|letter| !letter.is_control());
    let name: String = letters.take(NAME).collect();
    (!name.is_empty()).then_some(name)
}

fn broken(error: &MultipartError) -> Problem {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Problem::new(Code::TooLarge, error.body_text());
    }
    Problem::new(Code::MalformedRequest, error.body_text())
}

async fn next_chunk(body: &mut Body) -> Result<Option<Bytes>, Problem> {
    loop {
        let frame =
            std::future::poll_fn(|context| std::pin::Pin::new(&mut *body).poll_frame(context));
        match frame.await {
            None => return Ok(None),
            Some(Ok(frame)) => {
                // Trailers are passed over.
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
            Some(Err(_)) => {
                let detail = "the body broke off";
                return Err(Problem::new(Code::MalformedRequest, detail));
            }
        }
    }
}

async fn drain(mut body: Body) {
    let mut read = 0;
    while read < DRAIN {
        match next_chunk(&mut body).await {
            Ok(Some(chunk)) => read += chunk.len(),
            _ => return,
        }
    }
}

async fn drain_form(mut form: Multipart) {
    let mut read = 0;
    while let Ok(Some(mut field)) = form.next_field().await {
        while let Ok(Some(chunk)) = field.chunk().await {
            read += chunk.len();
            if read > DRAIN {
                return;
            }
        }
    }
}
