//! Integration tests of `train`.

mod configs;
mod kill;
mod optimizer;
mod parity;
mod processes;
mod resume;
mod runs;
