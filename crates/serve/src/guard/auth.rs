//! The bearer token.

use std::fmt;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::Response;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::ServeError;
use crate::problem::{Code, Problem};
use crate::service::App;

/// Shorter ones could be guessed.
const LEAST: usize = 16;

/// What a client must send as `Authorization: Bearer …`. Kept as its SHA-256 alone, so that neither a log nor a dump of memory shows it.
#[derive(Clone)]
pub struct Token([u8; 32]);

impl Token {
    /// Of 16 or more visible ASCII characters; white space around them is not counted.
    ///
    /// # Errors
    /// [`ServeError::WeakToken`] if it is shorter, or holds other characters.
    pub fn new(text: &str) -> Result<Self, ServeError> {
        let text = text.trim();
        if text.len() < LEAST || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ServeError::WeakToken {
                found: text.chars().count(),
                least: LEAST,
            });
        }
        Ok(Self(Sha256::digest(text).into()))
    }

    /// In a time that does not depend on how much of it is right.
    fn is(&self, given: &[u8]) -> bool {
        let given: [u8; 32] = Sha256::digest(given).into();
        self.0.ct_eq(&given).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Lets requests through that bring the token, where one is asked for.
pub(crate) async fn authorised(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if let Some(token) = &app.options.access.token {
        let given = request.headers().get(AUTHORIZATION);
        let given = given.and_then(|value| {
            let (scheme, rest) = value.as_bytes().split_at_checked(7)?;
            scheme.eq_ignore_ascii_case(b"bearer ").then_some(rest)
        });
        match given {
            Some(given) if token.is(given.trim_ascii()) => {}
            Some(_) => {
                return Err(Problem::new(
                    Code::Unauthorized,
                    "the bearer token is another one",
                ));
            }
            None => {
                return Err(Problem::new(
                    Code::Unauthorized,
                    "send the header Authorization: Bearer <token>",
                ));
            }
        }
    }
    Ok(next.run(request).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_compared_whole_and_never_shown() {
        let token = Token::new(" 0123456789abcdef\n").expect("long enough");
        assert!(token.is(b"0123456789abcdef"));
        assert!(!token.is(b"0123456789abcde") && !token.is(b"0123456789abcdeF"));
        assert_eq!(format!("{token:?}"), "Token(…)");
        for weak in ["", "0123456789abcde", "0123456789 abcdef", "ééééééééé"] {
            assert!(Token::new(weak).is_err(), "{weak}");
        }
    }
}
