//! Integration tests: what stands in the figures and in the report, read back from their markup.

mod figures;
mod page;
mod report;
mod sample;
mod svg;
mod tables;
