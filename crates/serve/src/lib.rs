//! A web service around a model.
#![doc = include_str!("../README.md")]

mod api;
mod audit;
mod engine;
mod error;
mod guard;
mod options;
mod page;
mod picture;
mod problem;
mod room;
mod server;
mod service;
mod telemetry;
mod watch;

pub use audit::{Chain, verify as verify_audit};
pub use engine::on_one_thread;
pub use error::{AuditError, LineProblem, ServeError};
pub use guard::Token;
pub use options::{Access, Batching, Limits, ServeOptions, Tls};
pub use problem::{Code, ProblemBody};
pub use server::{Server, Stop};
pub use service::{Service, openapi};
