//! Integration tests of `train`.

mod configs;
mod kill;
mod optimizer;
mod parity;
mod resume;
mod runs;
