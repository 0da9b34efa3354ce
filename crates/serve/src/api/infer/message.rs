//! Requests and answers of the protocol.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::tensor::Data;

/// What a request brings.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct InferRequest {
    /// Comes back with the answer.
    #[serde(default)]
    pub id: Option<String>,
    /// One of the model's inputs.
    #[schema(min_items = 1, max_items = 1)]
    pub inputs: Vec<InferInput>,
    /// Which outputs to answer; all if none is named.
    #[serde(default)]
    pub outputs: Vec<Wanted>,
    #[serde(default)]
    pub parameters: RequestParameters,
}

/// What holds for a whole request.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct RequestParameters {
    /// Outputs come as bytes behind the JSON, unless one says otherwise.
    #[serde(default)]
    pub binary_data_output: bool,
}

/// A tensor that comes in.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct InferInput {
    /// `image` or `input`.
    pub name: String,
    /// N, or N×1×side×side.
    pub shape: Vec<u32>,
    /// `BYTES` or `FP32`.
    pub datatype: String,
    /// Flat or nested: base64 texts, or numbers; absent where the bytes follow the JSON.
    #[serde(default)]
    #[schema(value_type = Vec<Value>)]
    pub data: Data,
    #[serde(default)]
    pub parameters: InputParameters,
}

/// How an input comes.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct InputParameters {
    /// Its bytes behind the JSON.
    #[schema(nullable = false)]
    pub binary_data_size: Option<u32>,
}

/// An output that is asked for.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Wanted {
    /// `score` or `decision`.
    pub name: String,
    #[serde(default)]
    pub parameters: OutputParameters,
}

/// How an output is to come.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct OutputParameters {
    /// As bytes behind the JSON.
    #[schema(nullable = false)]
    pub binary_data: Option<bool>,
}

/// What is answered.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InferAnswer {
    pub model_name: String,
    pub model_version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub id: Option<String>,
    pub outputs: Vec<InferOutput>,
}

/// A tensor that goes out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InferOutput {
    /// `score`: the calibrated probability of a fracture; `decision`: what follows from it.
    pub name: &'static str,
    /// N.
    pub shape: Vec<usize>,
    pub datatype: &'static str,
    /// Absent where the bytes follow the JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Value>>, nullable = false)]
    pub data: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub parameters: Option<BinarySize>,
}

/// Where an output is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BinarySize {
    /// Its bytes behind the JSON, after those of the outputs before it.
    pub binary_data_size: usize,
}
