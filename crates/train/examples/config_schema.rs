//! Prints the JSON schema of the configuration: `cargo run -p train --example config_schema > configs/schema.json`.
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

fn main() -> serde_json::Result<()> {
    let schema = schemars::schema_for!(osteon_train::Config);
    println!("{}", serde_json::to_string_pretty(&schema)?);
    Ok(())
}
