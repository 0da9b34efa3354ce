//! The same model by the Open Inference Protocol, version 2, as `KServe`, Triton and others speak it: for clients that there are already.
//!
//! Two inputs, of which a request has one: `image`, files as base64 text (BYTES, N), or `input`, what the network takes (FP32, N×1×side×side,
//! normalised as the model's `preprocess` says).

mod tensor;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use osteon_model::Prepared;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

pub(crate) use self::tensor::Data;
use super::predictions::{self, in_time};
use super::refusals::{Busy, Films, Guarded, Named};
use super::upload;
use crate::api::answer::VERSION;
use crate::engine::{Input, Refused};
use crate::problem::{Code, Problem};
use crate::service::App;

const IMAGE: &str = "image";
const TENSOR: &str = "input";

/// What a request brings.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct InferRequest {
    /// Comes back with the answer.
    #[serde(default)]
    id: Option<String>,
    /// One of the model's inputs.
    #[schema(min_items = 1, max_items = 1)]
    inputs: Vec<InferInput>,
    /// Which outputs to answer; all if none is named.
    #[serde(default)]
    outputs: Vec<Wanted>,
}

/// A tensor that comes in.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct InferInput {
    /// `image` or `input`.
    name: String,
    /// N, or N×1×side×side.
    shape: Vec<u32>,
    /// `BYTES` or `FP32`.
    datatype: String,
    /// Flat or nested: base64 texts, or numbers.
    #[schema(value_type = Vec<Value>)]
    data: Data,
}

/// An output that is asked for.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Wanted {
    /// `score` or `decision`.
    name: String,
}

/// What is answered.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InferAnswer {
    model_name: String,
    model_version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    id: Option<String>,
    outputs: Vec<InferOutput>,
}

/// A tensor that goes out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InferOutput {
    /// `score`: the calibrated probability of a fracture; `decision`: what follows from it.
    name: &'static str,
    /// N.
    shape: Vec<usize>,
    datatype: &'static str,
    #[schema(value_type = Vec<Value>)]
    data: Value,
}

/// Whether the process answers.
#[utoipa::path(get, path = "/v2/health/live", responses((status = 200, description = "It does", body = Value)), tag = "open inference protocol")]
pub(crate) async fn live() -> Json<Value> {
    Json(json!({"live": true}))
}

/// Whether films can be sent.
#[utoipa::path(
    get,
    path = "/v2/health/ready",
    responses(
        (status = 200, description = "They can", body = Value),
        Busy,
    ),
    tag = "open inference protocol",
)]
pub(crate) async fn ready(state: State<Arc<App>>) -> Result<Json<Value>, Problem> {
    super::health::ready(state).await?;
    Ok(Json(json!({"ready": true})))
}

/// What serves.
#[utoipa::path(
    get,
    path = "/v2",
    responses(
        (status = 200, description = "Name, version, extensions", body = Value),
        Guarded,
    ),
    security((), ("bearer" = [])),
    tag = "open inference protocol",
)]
pub(crate) async fn server() -> Json<Value> {
    Json(json!({"name": "osteon", "version": VERSION, "extensions": []}))
}

/// The model's inputs and outputs.
#[utoipa::path(
    get,
    path = "/v2/models/{name}",
    params(("name" = String, Path, description = "The network's name, such as fracture_map")),
    responses(
        (status = 200, description = "Its inputs and outputs", body = Value),
        Named,
        Guarded,
    ),
    security((), ("bearer" = [])),
    tag = "open inference protocol",
)]
pub(crate) async fn metadata(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<Value>, Problem> {
    let name = known(&app, &name)?;
    let side = app.info.preprocess.side();
    Ok(Json(json!({
        "name": name,
        "versions": [version(&app)],
        "platform": "osteon_libtorch",
        "inputs": [
            {"name": IMAGE, "datatype": "BYTES", "shape": [-1]},
            {"name": TENSOR, "datatype": "FP32", "shape": [-1, 1, side, side]},
        ],
        "outputs": [
            {"name": "score", "datatype": "FP64", "shape": [-1]},
            {"name": "decision", "datatype": "BYTES", "shape": [-1]},
        ],
    })))
}

/// Whether the model can be asked.
#[utoipa::path(
    get,
    path = "/v2/models/{name}/ready",
    params(("name" = String, Path, description = "The network's name, such as fracture_map")),
    responses(
        (status = 200, description = "It can", body = Value),
        Named,
        Guarded,
        Busy,
    ),
    security((), ("bearer" = [])),
    tag = "open inference protocol",
)]
pub(crate) async fn model_ready(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<Value>, Problem> {
    let name = known(&app, &name)?;
    super::health::ready(State(Arc::clone(&app))).await?;
    Ok(Json(json!({"name": name, "ready": true})))
}

/// Judge films.
#[utoipa::path(
    post,
    path = "/v2/models/{name}/infer",
    params(("name" = String, Path, description = "The network's name, such as fracture_map")),
    request_body(content = InferRequest),
    responses(
        (status = 200, description = "The outputs for all films", body = InferAnswer),
        Films,
        Named,
        Guarded,
        Busy,
    ),
    security((), ("bearer" = [])),
    tag = "open inference protocol",
)]
pub(crate) async fn infer(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Json<InferAnswer>, Problem> {
    let name = known(&app, &name)?;
    in_time(&app, answer(&app, name, request)).await.map(Json)
}

async fn answer(app: &Arc<App>, name: String, request: Request) -> Result<InferAnswer, Problem> {
    let body = upload::json(app, request).await?;
    let asked: InferRequest = serde_json::from_slice(&body.bytes)
        .map_err(|error| Problem::new(Code::MalformedRequest, error.to_string()))?;
    let outputs: Vec<&str> = asked.outputs.iter().map(|out| out.name.as_str()).collect();
    if let Some(unknown) = outputs
        .iter()
        .find(|name| !["score", "decision"].contains(name))
    {
        let unknown: String = unknown.chars().take(40).collect();
        let detail = format!("there is no output {unknown:?}; there are score and decision");
        return Err(Problem::new(Code::InvalidInput, detail));
    }
    let films = films(app, asked.inputs)?;
    let count = films.len();
    let digests: Vec<String> = films.iter().map(Input::sha256).collect();
    let verdicts = app
        .engine
        .submit(films, false)
        .ok_or_else(predictions::full)?;
    let (mut scores, mut decisions) = (Vec::new(), Vec::new());
    for (verdict, sha256) in verdicts.into_iter().zip(digests) {
        let verdict = verdict.await.unwrap_or(Err(Refused::Network));
        let prediction = verdict.map_err(predictions::problem)?.prediction;
        let ledger = Arc::clone(&app.ledger);
        let recorded = app
            .engine
            .aside(move || ledger.record(&sha256, &prediction));
        recorded
            .await
            .ok_or_else(|| predictions::problem(Refused::Network))??;
        app.telemetry.decided(prediction.decision);
        scores.push(prediction.score);
        decisions.push(prediction.decision.to_string());
    }
    drop(body);
    let all = [
        ("score", "FP64", json!(scores)),
        ("decision", "BYTES", json!(decisions)),
    ];
    let wanted = |name: &str| outputs.is_empty() || outputs.contains(&name);
    Ok(InferAnswer {
        model_name: name,
        model_version: version(app),
        id: asked.id,
        outputs: all
            .into_iter()
            .filter(|(name, ..)| wanted(name))
            .map(|(name, datatype, data)| InferOutput {
                name,
                shape: vec![count],
                datatype,
                data,
            })
            .collect(),
    })
}

/// The films of a request's one input.
fn films(app: &App, inputs: Vec<InferInput>) -> Result<Vec<Input>, Problem> {
    let invalid = |detail: String| Problem::new(Code::InvalidInput, detail);
    let [input] = <[InferInput; 1]>::try_from(inputs)
        .map_err(|inputs| invalid(format!("one input is taken, not {}", inputs.len())))?;
    let side = app.info.preprocess.side();
    let most = app.options.limits.files;
    let count = input.shape.first().map_or(0, |&count| count as usize);
    if count > most {
        return Err(invalid(format!("at most {most} films a request")));
    }
    match (input.name.as_str(), input.datatype.as_str()) {
        (IMAGE, "BYTES") => {
            let texts = input.data.texts;
            if input.shape.len() != 1
                || count != texts.len()
                || count == 0
                || !input.data.numbers.is_empty()
            {
                return Err(invalid(
                    "shape must be the number of texts in data".to_owned(),
                ));
            }
            let limit = app.options.limits.file_bytes;
            let files = texts.iter().map(|text| {
                let bytes = STANDARD.decode(text);
                let bytes = bytes.map_err(|error| invalid(format!("not base64: {error}")))?;
                let mut file = app.uploads.receive(limit);
                file.add(&bytes)?;
                Ok(Input::File(file.done()))
            });
            files.collect()
        }
        (TENSOR, "FP32") => {
            let right = [count as u32, 1, side as u32, side as u32];
            let numbers = input.data.numbers;
            let fits = input.shape == right && numbers.len() == count * side * side && count > 0;
            if !fits || !input.data.texts.is_empty() {
                let detail =
                    format!("shape must be N×1×{side}×{side}, with as many numbers in data");
                return Err(invalid(detail));
            }
            let films = numbers.chunks_exact(side * side).map(|pixels| {
                Prepared::of_pixels(pixels.to_vec(), side)
                    .map(|film| Input::Prepared(Box::new(film)))
                    .ok_or_else(|| invalid("numbers must be finite".to_owned()))
            });
            films.collect()
        }
        _ => Err(invalid(
            "inputs are `image` (BYTES, base64 texts) and `input` (FP32)".to_owned(),
        )),
    }
}

/// The model's own name, if that was asked for.
fn known(app: &App, name: &str) -> Result<String, Problem> {
    let own = app.info.architecture.name.to_string();
    if own == name {
        return Ok(own);
    }
    let detail = format!("there is no such model; there is {own}");
    Err(Problem::new(Code::NotFound, detail))
}

/// The first digits of the weights' checksum.
fn version(app: &App) -> String {
    app.info.weights_sha256.chars().take(12).collect()
}
