//! Tests of the crate as its users see it.

mod conv;
mod node;
mod optim;
