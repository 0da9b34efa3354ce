//! The same model by the Open Inference Protocol, version 2, as `KServe`, Triton and others speak it: for clients that there are already.
//!
//! Two inputs, of which a request has one: `image`, files (BYTES, N; base64 text in JSON, as they are in binary), or `input`, what the
//! network takes (FP32, N×1×side×side, normalised as the model's `preprocess` says).

mod binary;
mod message;
mod tensor;

use std::borrow::Cow;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use osteon_model::Prepared;
use serde_json::{Value, json};

use self::message::{BinarySize, InferAnswer, InferInput, InferOutput, InferRequest, Wanted};
use self::tensor::Data;
use super::predictions::{self, Film, in_time};
use super::refusals::{Busy, Dataset, Guarded, Named};
use super::upload;
use crate::api::answer::VERSION;
use crate::engine::{Input, Refused};
use crate::problem::{Code, Problem};
use crate::service::App;

const IMAGE: &str = "image";
const TENSOR: &str = "input";
const SCORE: &str = "score";
const OUTPUTS: [&str; 2] = [SCORE, "decision"];

/// Whether the process answers.
#[utoipa::path(get, path = "/v2/health/live", responses((status = 200, description = "The process answers", body = Value)), tag = "open inference protocol")]
pub(crate) async fn live() -> Json<Value> {
    Json(json!({"live": true}))
}

/// Whether images can be sent.
#[utoipa::path(
    get,
    path = "/v2/health/ready",
    responses(
        (status = 200, description = "Images can be sent", body = Value),
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
    Json(json!({"name": "osteon", "version": VERSION, "extensions": ["binary_tensor_data"]}))
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

/// Judge images.
#[utoipa::path(
    post,
    path = "/v2/models/{name}/infer",
    params(("name" = String, Path, description = "The network's name, such as fracture_map")),
    request_body(content = InferRequest),
    responses(
        (status = 200, description = "The outputs for all images; as bytes behind the JSON where that was asked for", content(
            (InferAnswer = "application/json"),
            (inline(Film) = "application/octet-stream"),
        )),
        Dataset,
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
) -> Result<Response, Problem> {
    let name = known(&app, &name)?;
    in_time(&app, answer(&app, name, request)).await
}

async fn answer(app: &Arc<App>, name: String, request: Request) -> Result<Response, Problem> {
    let header = binary::header_length(request.headers())?;
    let body = upload::tensors(app, request).await?;
    let (head, tensors) = body
        .bytes
        .split_at_checked(header.unwrap_or(body.bytes.len()))
        .ok_or_else(|| binary::malformed("the JSON is longer than the body"))?;
    let asked: InferRequest = serde_json::from_slice(head)
        .map_err(|error| Problem::new(Code::MalformedRequest, error.to_string()))?;
    let wanted = wanted(&asked)?;
    let films = films(app, asked.inputs, tensors)?;
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
        let (ledger, rule) = (Arc::clone(&app.ledger), app.rule);
        let recorded = app
            .engine
            .aside(move || ledger.record(&sha256, &prediction, &rule));
        recorded
            .await
            .ok_or_else(|| predictions::problem(Refused::Network))??;
        app.telemetry.decided(prediction.decision);
        scores.push(prediction.score);
        decisions.push(prediction.decision.to_string());
    }
    drop(body);
    let mut behind = Vec::new();
    let outputs = wanted.into_iter().map(|(output, as_bytes)| {
        let (datatype, data) = match output {
            SCORE => ("FP64", json!(scores)),
            _ => ("BYTES", json!(decisions)),
        };
        let parameters = as_bytes.then(|| {
            let bytes = match output {
                SCORE => scores
                    .iter()
                    .flat_map(|score| score.to_le_bytes())
                    .collect(),
                _ => binary::of_texts(&decisions),
            };
            let binary_data_size = bytes.len();
            behind.push(bytes);
            BinarySize { binary_data_size }
        });
        InferOutput {
            name: output,
            shape: vec![count],
            datatype,
            data: (!as_bytes).then_some(data),
            parameters,
        }
    });
    let answer = InferAnswer {
        model_name: name,
        model_version: version(app),
        id: asked.id,
        outputs: outputs.collect(),
    };
    if behind.is_empty() {
        return Ok(Json(answer).into_response());
    }
    let head = serde_json::to_vec(&answer)
        .map_err(|error| Problem::new(Code::Internal, error.to_string()))?;
    Ok(binary::response(head, &behind))
}

/// The outputs to answer, and whether as bytes.
fn wanted(asked: &InferRequest) -> Result<Vec<(&'static str, bool)>, Problem> {
    let as_bytes = asked.parameters.binary_data_output;
    if asked.outputs.is_empty() {
        return Ok(OUTPUTS.map(|name| (name, as_bytes)).to_vec());
    }
    let find = |output: &Wanted| {
        let known = OUTPUTS.into_iter().find(|name| *name == output.name);
        let known = known.ok_or_else(|| {
            let unknown: String = output.name.chars().take(40).collect();
            let detail = format!("there is no output {unknown:?}; there are score and decision");
            Problem::new(Code::InvalidInput, detail)
        });
        Ok((known?, output.parameters.binary_data.unwrap_or(as_bytes)))
    };
    asked.outputs.iter().map(find).collect()
}

/// The images of a request's one input; `behind` are the bytes after the JSON.
fn films(app: &App, inputs: Vec<InferInput>, mut behind: &[u8]) -> Result<Vec<Input>, Problem> {
    let invalid = |detail: String| Problem::new(Code::InvalidInput, detail);
    let [input] = <[InferInput; 1]>::try_from(inputs)
        .map_err(|inputs| invalid(format!("one input is taken, not {}", inputs.len())))?;
    let sent = match input.parameters.binary_data_size {
        Some(size) => Some(binary::take(&mut behind, size as usize)?),
        None => None,
    };
    if !behind.is_empty() {
        return Err(binary::malformed("the body holds more than its tensors"));
    }
    let side = app.info.preprocess.side();
    let most = app.options.limits.files;
    let count = input.shape.first().map_or(0, |&count| count as usize);
    if count > most {
        return Err(invalid(format!("at most {most} images a request")));
    }
    let Data { numbers, texts } = input.data;
    if sent.is_some() && !(numbers.is_empty() && texts.is_empty()) {
        return Err(invalid("data and bytes for one input".to_owned()));
    }
    match (input.name.as_str(), input.datatype.as_str()) {
        (IMAGE, "BYTES") => {
            let files: Option<Vec<Cow<'_, [u8]>>> = match sent {
                Some(bytes) => binary::elements(bytes)
                    .map(|files| files.into_iter().map(Cow::Borrowed).collect()),
                None if !numbers.is_empty() => None,
                None => {
                    let decoded = texts.iter().map(|text| STANDARD.decode(text));
                    let files = decoded.map(|file| file.map(Cow::Owned));
                    let files = files.collect::<Result<_, _>>();
                    Some(files.map_err(|error| invalid(format!("not base64: {error}")))?)
                }
            };
            let files = files.filter(|files| {
                input.shape.len() == 1 && count == files.len() && !files.is_empty()
            });
            let files = files.ok_or_else(|| {
                invalid("shape must be the number of files in the tensor".to_owned())
            })?;
            let limit = app.options.limits.file_bytes;
            let received = files.iter().map(|bytes| {
                let mut file = app.uploads.receive(limit);
                file.add(bytes)?;
                Ok(Input::File(file.done()))
            });
            received.collect()
        }
        (TENSOR, "FP32") => {
            let right = [count as u32, 1, side as u32, side as u32];
            let numbers = match sent {
                Some(bytes) => binary::numbers(bytes).unwrap_or_default(),
                None => numbers,
            };
            let fits = input.shape == right && numbers.len() == count * side * side && count > 0;
            if !fits || !texts.is_empty() {
                let detail =
                    format!("shape must be N×1×{side}×{side}, with as many numbers in the tensor");
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
            "inputs are `image` (BYTES, files) and `input` (FP32)".to_owned(),
        )),
    }
}

/// The model's own name, if that was asked for: what it is called, or its network.
fn known(app: &App, name: &str) -> Result<String, Problem> {
    let network = || app.info.architecture.name.to_string();
    let own = app.info.name.clone().unwrap_or_else(network);
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
