//! Integration tests: what stands in the figures, read back from their XML.

mod figures;
mod svg;
