//! Answers read back by others, and the node with real peers.

mod answer;
mod film;
mod listen;
mod node;
mod python;
