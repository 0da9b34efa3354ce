//! Integration tests of `train`.

mod configs;
mod optimizer;
mod runs;
