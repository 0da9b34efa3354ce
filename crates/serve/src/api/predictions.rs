//! `POST /api/v1/predictions`.
#![allow(
    unused_qualifications,
    reason = "what utoipa's macro writes for `params`"
)]

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use osteon_data::DecodeError;
use osteon_dicom::{DicomError, Source};
use osteon_files::hex;
use osteon_model::{Explained, Rule};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};

use super::answer::{
    DicomAnswer, FilmAnswer, Heat, JudgedFilm, Picture, Predictions, RefusedFilm, Stamp,
};
use super::refusals::{Busy, Dataset, Guarded};
use super::upload::{self, Upload};
use crate::engine::{Input, Judged, Refused, Verdict};
use crate::picture;
use crate::problem::{Code, Problem};
use crate::service::App;

/// What an answer holds besides the score.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Extras {
    /// Where the answer comes from, as a picture to be laid over the image, and as boxes.
    #[param(inline, nullable = false)]
    heatmap: Option<PictureKind>,
    /// The image as decoded.
    #[param(inline, nullable = false)]
    picture: Option<PictureKind>,
    /// The answer as DICOM, for images that are DICOM: an overlay and a structured report in the image's study.
    #[param(inline, nullable = false)]
    dicom: Option<FileKind>,
    /// The operating point to decide at, as `GET /api/v1/model` names them; by default the one that the service was started with.
    #[param(nullable = false)]
    operating_point: Option<String>,
    /// Whether images that the input gate takes for no radiograph are decided anyway.
    #[param(nullable = false)]
    judge_anyway: Option<bool>,
}

impl Extras {
    /// How images are to be decided.
    fn rule(&self, app: &App) -> Result<Rule, Problem> {
        let rule = match &self.operating_point {
            Some(name) => app
                .info
                .rule(Some(name))
                .map_err(|error| Problem::new(Code::MalformedRequest, error.to_string()))?,
            None => app.rule,
        };
        Ok(Rule {
            judge_anyway: self.judge_anyway.unwrap_or(app.rule.judge_anyway),
            ..rule
        })
    }
}

/// How pictures are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PictureKind {
    /// PNG, in base64.
    Png,
}

/// How files are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FileKind {
    /// In base64.
    Base64,
}

/// A file: JPEG, PNG, GIF, BMP, TIFF, WebP or DICOM.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[allow(dead_code, reason = "stands for a file in the schema")]
pub(crate) struct Film(Vec<u8>);

/// A form with images.
#[derive(ToSchema)]
#[allow(dead_code, reason = "stands for the form in the schema")]
pub(crate) struct FilmForm {
    /// One or more images; every part with a file name is taken for one, whatever it is called.
    #[schema(min_items = 1)]
    file: Vec<Film>,
}

/// Judge images.
///
/// A form with any number of files, or one image as the body. A form with several files is answered 200, and each file that does not read has
/// its own `error`; a single file that does not read is answered 422.
#[utoipa::path(
    post,
    path = "/api/v1/predictions",
    params(Extras),
    request_body(
        description = "Images: JPEG, PNG, GIF, BMP, TIFF, WebP or DICOM",
        content(
            (FilmForm = "multipart/form-data"),
            (inline(Film) = "image/jpeg"),
            (inline(Film) = "image/png"),
            (inline(Film) = "application/dicom"),
            (inline(Film) = "application/octet-stream"),
        )
    ),
    responses(
        (status = 200, description = "The answer for each image", body = Predictions),
        Dataset,
        Guarded,
        Busy,
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

/// No room for the images of a request.
pub(super) fn full() -> Problem {
    Problem::new(
        Code::Overloaded,
        "too many images are waiting; try again later",
    )
}

async fn answer(app: &Arc<App>, extras: Extras, request: Request) -> Result<Predictions, Problem> {
    let rule = extras.rule(app)?;
    let files = upload::read(app, request).await?;
    let inputs = files.iter().map(|file| Input::File(Arc::clone(&file.sent)));
    let verdicts = app
        .engine
        .submit(
            inputs.collect(),
            extras.heatmap.is_some() || extras.dicom.is_some(),
        )
        .ok_or_else(full)?;
    let alone = files.len() == 1;
    let mut predictions = Vec::with_capacity(files.len());
    for (index, (file, verdict)) in files.into_iter().zip(verdicts).enumerate() {
        let verdict = verdict.await.unwrap_or(Err(Refused::Network));
        let name = file.name.clone();
        match describe(app, index, file, verdict, (extras.clone(), rule)).await {
            Ok(film) => predictions.push(FilmAnswer::Judged(Box::new(film))),
            // With one image the request's fate is that of the image.
            Err(problem) if alone => return Err(problem),
            Err(problem) => predictions.push(FilmAnswer::Refused(RefusedFilm {
                index,
                name,
                error: problem.body(),
            })),
        }
    }
    Ok(Predictions {
        model: Stamp::of(app, &rule),
        predictions,
    })
}

/// What is told of an image; pictures are drawn beside the decoding.
async fn describe(
    app: &Arc<App>,
    index: usize,
    file: Upload,
    verdict: Verdict,
    (extras, rule): (Extras, Rule),
) -> Result<JudgedFilm, Problem> {
    let Judged {
        prediction,
        mut explained,
        size: (width, height),
        milliseconds,
    } = verdict.map_err(problem)?;
    let prediction = rule.apply(prediction);
    if let Some(explained) = &mut explained {
        explained.prediction = rule.apply(explained.prediction);
    }
    app.telemetry.decided(prediction.decision);
    let Upload { name, sent } = file;
    let asked = Arc::clone(app);
    let drawn = app.engine.aside(move || {
        let drawn = draw(&asked, &sent.bytes, explained.as_ref(), (&extras, rule))?;
        let sha256 = hex(&Sha256::digest(&sent.bytes));
        asked.ledger.record(&sha256, &prediction, &rule)?;
        Ok((sha256, drawn))
    });
    let drawn = drawn.await.ok_or_else(|| problem(Refused::Network))?;
    let (sha256, drawn) = drawn?;
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
        judged_anyway: prediction.judged_anyway,
        milliseconds,
        heatmap: drawn.heatmap,
        picture: drawn.picture,
        dicom: drawn.dicom,
    })
}

/// What is made of an image besides its score.
#[derive(Default)]
struct Drawn {
    heatmap: Option<Heat>,
    picture: Option<Picture>,
    dicom: Option<DicomAnswer>,
}

/// Draws what was asked for. The image is decoded anew: what the network was fed is a square.
fn draw(
    app: &App,
    bytes: &[u8],
    explained: Option<&Explained>,
    (extras, rule): (&Extras, Rule),
) -> Result<Drawn, Problem> {
    let mut drawn = Drawn {
        heatmap: extras.heatmap.and(explained).map(picture::heat),
        ..Drawn::default()
    };
    if extras.picture.is_none() && extras.dicom.is_none() {
        return Ok(drawn);
    }
    let no_study = |error: DicomError| Problem::new(Code::NoStudy, error.to_string());
    let source = match extras.dicom {
        Some(FileKind::Base64) => {
            let source = Source::read(bytes, app.decoder.limits).map_err(no_study)?;
            Some(source)
        }
        None => None,
    };
    let film = app.decoder.decode(bytes);
    let film = film.map_err(|error| problem(Refused::Decode(error)))?;
    if let (Some(source), Some(explained)) = (&source, explained) {
        let answer = osteon_dicom::answer(&osteon_dicom::Judged {
            source,
            explained,
            film: &film,
            model: &app.info,
            rule,
        });
        let answer = answer.map_err(|error| {
            tracing::error!(%error, "an answer could not be written as DICOM");
            Problem::new(Code::Internal, "the answer could not be written as DICOM")
        })?;
        drawn.dicom = Some(answer.into());
    }
    drawn.picture = extras.picture.map(|PictureKind::Png| picture::film(film));
    Ok(drawn)
}

pub(super) fn problem(refused: Refused) -> Problem {
    match refused {
        Refused::Decode(error @ (DecodeError::TooLarge { .. } | DecodeError::TooLong { .. })) => {
            Problem::new(Code::TooManyPixels, error.to_string())
        }
        Refused::Decode(error) => Problem::new(Code::UnreadableImage, error.to_string()),
        Refused::DecoderPanic => Problem::new(
            Code::UnreadableImage,
            "the decoder failed on malformed input",
        ),
        Refused::Network => Problem::new(
            Code::Internal,
            "the network failed; the service's log says more",
        ),
    }
}
