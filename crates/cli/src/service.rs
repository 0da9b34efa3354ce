//! Errors of the HTTP service, in a build that has it.

use std::error::Error;

#[cfg(feature = "serve")]
pub use with::{advice, is_usage};

/// Whether an error of the service is a mistake of the call.
#[cfg(not(feature = "serve"))]
pub fn is_usage(_: &(dyn Error + 'static)) -> bool {
    false
}

/// What to do about an error of the service.
#[cfg(not(feature = "serve"))]
pub fn advice(_: &(dyn Error + 'static)) -> Option<String> {
    None
}

#[cfg(feature = "serve")]
mod with {
    use osteon_serve::{AuditError, ServeError};

    use super::Error;

    /// Whether an error of the service is a mistake of the call.
    pub fn is_usage(error: &(dyn Error + 'static)) -> bool {
        error.downcast_ref().is_some_and(ServeError::is_usage)
    }

    /// What to do about an error of the service.
    pub fn advice(error: &(dyn Error + 'static)) -> Option<String> {
        match error.downcast_ref() {
            Some(ServeError::Open { .. }) => Some(
                "give a token (--token-file, OSTEON_TOKEN), or say --no-auth if anyone may ask"
                    .to_owned(),
            ),
            Some(ServeError::Audit(error)) => of_log(error),
            _ => of_log(error.downcast_ref()?),
        }
    }

    fn of_log(error: &AuditError) -> Option<String> {
        matches!(error, AuditError::End { .. }).then(|| {
            "`osteon audit-log verify` says more; another file begins a new log".to_owned()
        })
    }
}
