//! The errors that paths have in common, for the API's description.
#![allow(
    dead_code,
    reason = "the variants stand for what Problem answers: utoipa reads them"
)]

use utoipa::IntoResponses;

use crate::problem::ProblemBody;

/// Of every path that may need a token.
#[derive(IntoResponses)]
pub(crate) enum Guarded {
    /// A token is needed
    #[response(status = 401, content_type = "application/problem+json")]
    Token(ProblemBody),
    /// Too many requests from this address
    #[response(status = 429, content_type = "application/problem+json")]
    Rate(ProblemBody),
}

/// Of paths that name the model.
#[derive(IntoResponses)]
pub(crate) enum Named {
    /// Malformed request
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(ProblemBody),
    /// There is no such model
    #[response(status = 404, content_type = "application/problem+json")]
    Unknown(ProblemBody),
}

/// Of paths that answer while there is room.
#[derive(IntoResponses)]
pub(crate) enum Busy {
    /// Too much is waiting, or it took too long; Retry-After says when to ask again
    #[response(status = 503, content_type = "application/problem+json")]
    Later(ProblemBody),
}

/// Of paths that take images.
#[derive(IntoResponses)]
pub(crate) enum Dataset {
    /// Malformed request
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(ProblemBody),
    /// Another host or origin
    #[response(status = 403, content_type = "application/problem+json")]
    Foreign(ProblemBody),
    /// The body or a file is too large, or there are too many
    #[response(status = 413, content_type = "application/problem+json")]
    Large(ProblemBody),
    /// A kind of content that is not taken
    #[response(status = 415, content_type = "application/problem+json")]
    Kind(ProblemBody),
    /// No image, one that does not read or has too many pixels, or other inputs than the model's
    #[response(status = 422, content_type = "application/problem+json")]
    Film(ProblemBody),
}
