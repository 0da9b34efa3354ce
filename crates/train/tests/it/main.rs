//! Integration tests of `train`.

mod configs;
mod kill;
mod looks;
mod maps;
mod optimizer;
mod parity;
mod processes;
mod resume;
mod runs;
mod seeds;
mod vanish;
