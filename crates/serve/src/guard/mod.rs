//! Who may ask, from where and how often.

mod auth;
mod headers;
mod host;
mod rate;

pub use auth::Token;
pub(crate) use auth::authorised;
pub(crate) use headers::harden;
pub(crate) use host::known_host;
pub(crate) use rate::{Rates, within_rate};
