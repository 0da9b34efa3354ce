//! `POST /api/v1/predictions`.
#![allow(
    unused_qualifications,
    reason = "what utoipa's macro writes for `params`"
)]

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use osteon_data::{DecodeError, hex};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};

use super::answer::{FilmAnswer, JudgedFilm, Predictions, RefusedFilm, Stamp};
use super::upload::{self, Upload};
use crate::engine::{Input, Judged, Refused, Verdict};
use crate::picture;
use crate::problem::{Code, Problem, ProblemBody};
use crate::service::App;

/// What an answer holds besides the score.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Extras {
    /// Where the answer comes from, as a picture to be laid over the film, and as boxes.
    #[param(inline, nullable = false)]
    heatmap: Option<PictureKind>,
    /// The film as decoded.
    #[param(inline, nullable = false)]
    picture: Option<PictureKind>,
}

/// How pictures are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PictureKind {
    /// PNG, in base64.
    Png,
}

/// A file: JPEG, PNG, GIF, BMP, TIFF, WebP or DICOM.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[allow(dead_code, reason = "stands for a file in the schema")]
pub(crate) struct Film(Vec<u8>);

/// A form with films.
#[derive(ToSchema)]
#[allow(dead_code, reason = "stands for the form in the schema")]
pub(crate) struct FilmForm {
    /// One or more films; every part with a file name is taken for one, whatever it is called.
    #[schema(min_items = 1)]
    file: Vec<Film>,
}

/// Judge films.
///
/// A form with any number of files, or one image as the body. A form with several files is answered 200, and each file that does not read has
/// its own `error`; a single file that does not read is answered 422.
#[utoipa::path(
    post,
    path = "/api/v1/predictions",
    params(Extras),
    request_body(
        description = "Films: JPEG, PNG, GIF, BMP, TIFF, WebP or DICOM",
        content(
            (FilmForm = "multipart/form-data"),
            (inline(Film) = "image/jpeg"),
            (inline(Film) = "image/png"),
            (inline(Film) = "application/dicom"),
            (inline(Film) = "application/octet-stream"),
        )
    ),
    responses(
        (status = 200, description = "The answer for each film", body = Predictions),
        (status = 400, description = "Malformed request", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "A token is needed", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "Another host or origin", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "A file is too large, or there are too many", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "Neither a form nor an image", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "No image, an image that does not read, or one with too many pixels", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests from this address", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Too much is waiting, or it took too long; Retry-After says when to ask again", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security((), ("bearer" = [])),
    tag = "predictions",
)]
pub(crate) async fn predict(
    State(app): State<Arc<App>>,
    extras: Result<Query<Extras>, QueryRejection>,
    request: Request,
) -> Result<Json<Predictions>, Problem> {
    let Query(extras) =
        extras.map_err(|bad| Problem::new(Code::MalformedRequest, bad.body_text()))?;
    in_time(&app, answer(&app, extras, request)).await.map(Json)
}

/// Runs what answers a request, if there is room for one more and for as long as is allowed. What is dropped is not computed.
pub(super) async fn in_time<T>(
    app: &App,
    answer: impl Future<Output = Result<T, Problem>>,
) -> Result<T, Problem> {
    let Ok(_permit) = app.requests.try_acquire() else {
        let detail = "as many requests as allowed are in flight; try again later";
        return Err(Problem::new(Code::Overloaded, detail));
    };
    let limit = app.options.limits.timeout;
    tokio::time::timeout(limit, answer)
        .await
        .unwrap_or_else(|_| {
            let detail = format!("no answer within {} s", limit.as_secs_f64());
            Err(Problem::new(Code::Timeout, detail))
        })
}

/// No room for the films of a request.
pub(super) fn full() -> Problem {
    Problem::new(
        Code::Overloaded,
        "too many films are waiting; try again later",
    )
}

async fn answer(app: &Arc<App>, extras: Extras, request: Request) -> Result<Predictions, Problem> {
    let files = upload::read(app, request).await?;
    let inputs = files.iter().map(|file| Input::File(Arc::clone(&file.sent)));
    let verdicts = app
        .engine
        .submit(inputs.collect(), extras.heatmap.is_some())
        .ok_or_else(full)?;
    let alone = files.len() == 1;
    let mut predictions = Vec::with_capacity(files.len());
    for (index, (file, verdict)) in files.into_iter().zip(verdicts).enumerate() {
        let verdict = verdict.await.unwrap_or(Err(Refused::Network));
        let name = file.name.clone();
        match describe(app, index, file, verdict, extras).await {
            Ok(film) => predictions.push(FilmAnswer::Judged(Box::new(film))),
            // With one film the request's fate is that of the film.
            Err(problem) if alone => return Err(problem),
            Err(problem) => predictions.push(FilmAnswer::Refused(RefusedFilm {
                index,
                name,
                error: problem.body(),
            })),
        }
    }
    Ok(Predictions {
        model: Stamp::of(app),
        predictions,
    })
}

/// What is told of a film; pictures are drawn beside the decoding.
async fn describe(
    app: &Arc<App>,
    index: usize,
    file: Upload,
    verdict: Verdict,
    extras: Extras,
) -> Result<JudgedFilm, Problem> {
    let Judged {
        prediction,
        explained,
        size: (width, height),
    } = verdict.map_err(problem)?;
    app.telemetry.decided(prediction.decision);
    let Upload { name, sent } = file;
    let decoder = app.decoder.clone();
    let ledger = Arc::clone(&app.ledger);
    let drawn = app.engine.aside(move || {
        let sha256 = hex(&Sha256::digest(&sent.bytes));
        let recorded = ledger.record(&sha256, &prediction);
        let heatmap = explained.map(|explained| picture::heat(&explained));
        let picture = extras.picture.map(|_| picture::film(&sent.bytes, &decoder));
        recorded.map(|()| (sha256, heatmap, picture.transpose()))
    });
    let drawn = drawn.await.ok_or_else(|| problem(Refused::Network))?;
    let (sha256, heatmap, picture) = drawn?;
    let picture = picture.map_err(|error| problem(Refused::Decode(error)))?;
    Ok(JudgedFilm {
        index,
        name,
        width,
        height,
        sha256,
        score: prediction.score,
        decision: prediction.decision,
        xray_score: prediction.xray_score,
        flags: prediction.flags.iter().collect(),
        milliseconds: prediction.milliseconds,
        heatmap,
        picture,
    })
}

pub(super) fn problem(refused: Refused) -> Problem {
    match refused {
        Refused::Decode(error @ (DecodeError::TooLarge { .. } | DecodeError::TooLong { .. })) => {
            Problem::new(Code::TooManyPixels, error.to_string())
        }
        Refused::Decode(error) => Problem::new(Code::UnreadableImage, error.to_string()),
        Refused::DecoderPanic => {
            Problem::new(Code::UnreadableImage, "the decoder stumbled over this file")
        }
        Refused::Network => Problem::new(
            Code::Internal,
            "the network failed; the service's log says more",
        ),
    }
}
