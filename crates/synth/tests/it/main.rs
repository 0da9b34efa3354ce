//! Integration tests of `synth`.

mod set;
