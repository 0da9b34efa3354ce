//! Errors as clients see them: `application/problem+json` (RFC 9457) with a code that does not change.

use axum::Json;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What went wrong, as a word that programs may rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The request is not what it says, such as a broken multipart body.
    MalformedRequest,
    /// A token is needed, or another one.
    Unauthorized,
    /// The `Host` header names another machine.
    ForbiddenHost,
    /// Sent by a web page of another origin.
    CrossOrigin,
    /// There is no such path.
    NotFound,
    /// The path knows other methods.
    MethodNotAllowed,
    /// A file is larger than allowed.
    TooLarge,
    /// More files than allowed in one request.
    TooManyFiles,
    /// Neither a form with files nor an image.
    UnsupportedMediaType,
    /// A file that is no image, or a damaged one.
    UnreadableImage,
    /// The image has more pixels than allowed.
    TooManyPixels,
    /// DICOM was asked for, and the image is none or belongs to no study.
    NoStudy,
    /// The request holds no file.
    NoImage,
    /// Values that this model does not take.
    InvalidInput,
    /// This address has asked too often.
    RateLimited,
    /// As much work is waiting as is allowed to.
    Overloaded,
    /// The answer was not there in time.
    Timeout,
    /// The service is starting or stopping.
    Unavailable,
    /// The program failed.
    Internal,
}

impl Code {
    /// The HTTP status that goes with it.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::MalformedRequest => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::ForbiddenHost | Self::CrossOrigin => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge | Self::TooManyFiles => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::UnreadableImage
            | Self::TooManyPixels
            | Self::NoStudy
            | Self::NoImage
            | Self::InvalidInput => StatusCode::UNPROCESSABLE_ENTITY,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::Overloaded | Self::Timeout | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// In a few words.
    fn title(self) -> &'static str {
        match self {
            Self::MalformedRequest => "The request is malformed",
            Self::Unauthorized => "A valid token is needed",
            Self::ForbiddenHost => "This host name is not served",
            Self::CrossOrigin => "Web pages of other origins may not ask",
            Self::NotFound => "There is nothing here",
            Self::MethodNotAllowed => "This method is not allowed here",
            Self::TooLarge => "The upload is too large",
            Self::TooManyFiles => "Too many files in one request",
            Self::UnsupportedMediaType => "This kind of content is not taken",
            Self::UnreadableImage => "The image does not read",
            Self::TooManyPixels => "The image has too many pixels",
            Self::NoStudy => "There is no study that the answer could be part of",
            Self::NoImage => "The request holds no image",
            Self::InvalidInput => "The input is not what the model takes",
            Self::RateLimited => "Too many requests from this address",
            Self::Overloaded => "The service is busy",
            Self::Timeout => "The answer took too long",
            Self::Unavailable => "The service is not ready",
            Self::Internal => "The service failed",
        }
    }

    /// What a status that axum itself gave stands for.
    pub(crate) fn of(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::UnsupportedMediaType,
            StatusCode::FORBIDDEN => Self::CrossOrigin,
            status if status.is_client_error() => Self::MalformedRequest,
            _ => Self::Internal,
        }
    }
}

/// An error as it is sent (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProblemBody {
    /// Always `about:blank`: the code says what it is.
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    pub kind: String,
    /// In a few words.
    pub title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What programs may rely on.
    pub code: Code,
    /// What it was in this case.
    pub detail: String,
    /// The request, as the log names it; absent in the errors of single images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub request_id: Option<String>,
    /// The same as `detail`, under `/v2/` only: the Open Inference Protocol's name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error: Option<String>,
}

/// An error on its way out.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub code: Code,
    pub detail: String,
}

/// What a client is told to wait when the service is busy, in seconds.
const RETRY_SECONDS: HeaderValue = HeaderValue::from_static("1");

impl Problem {
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
        }
    }

    /// As the error of a single image.
    pub fn body(&self) -> ProblemBody {
        ProblemBody {
            kind: "about:blank".to_owned(),
            title: self.code.title().to_owned(),
            status: self.code.status().as_u16(),
            code: self.code,
            detail: self.detail.clone(),
            request_id: None,
            error: None,
        }
    }

    /// As the answer to a request, by the Open Inference Protocol or not.
    pub fn response(self, request_id: &str, protocol: bool) -> Response {
        let body = ProblemBody {
            request_id: Some(request_id.to_owned()),
            error: protocol.then(|| self.detail.clone()),
            ..self.body()
        };
        let mut response = (self.code.status(), Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        match self.code {
            Code::Overloaded | Code::Timeout | Code::Unavailable | Code::RateLimited => {
                headers.insert(RETRY_AFTER, RETRY_SECONDS);
            }
            Code::Unauthorized => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
        response
    }
}

impl IntoResponse for Problem {
    /// Without a body: [`crate::watch`], which knows the request's id, writes it.
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}
