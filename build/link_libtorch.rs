//! The one build script of every crate that links libtorch (named in their `Cargo.toml` as `build = "…"`).
//!
//! torch-sys tells where libtorch lies only to its direct dependents, so each such crate depends on `torch-sys` directly.
//! The run path goes into every binary, test, example and doctest: nothing needs `LD_LIBRARY_PATH`.

#![allow(clippy::print_stdout, reason = "how a build script talks to cargo")]

use std::path::Path;

/// Named by some crates as their whole build script, called by others from theirs.
pub fn main() {
    println!("cargo:rerun-if-env-changed=DEP_TCH_LIBTORCH_LIB");
    // Absent under the `doc-only` feature: there is nothing to link then.
    let Ok(lib) = std::env::var("DEP_TCH_LIBTORCH_LIB") else {
        return;
    };
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "windows") {
        return; // No run path on Windows: the DLLs are found beside the program or on PATH.
    }
    // A program that is to be moved looks for libtorch beside itself instead: `cargo xtask dist` says where. Only the program's own
    // script watches the variable, so that no library is built twice.
    let mut run_path = lib.clone();
    if std::env::var("CARGO_PKG_NAME").is_ok_and(|package| package == "cli") {
        println!("cargo:rerun-if-env-changed=OSTEON_RUN_PATH");
        run_path = std::env::var("OSTEON_RUN_PATH").unwrap_or(run_path);
    }
    println!("cargo:rustc-link-arg=-Wl,-rpath,{run_path}");
    // Without this the linker drops libtorch_cuda, since no symbol names it, and CUDA is silently "not available".
    let cuda = Path::new(&lib).join("libtorch_cuda.so");
    // The folder, since a file that is watched and not there makes every build run this again, and all that depends on it.
    println!("cargo:rerun-if-changed={lib}");
    if cuda.exists() {
        println!("cargo:rustc-link-arg=-Wl,--no-as-needed");
        println!("cargo:rustc-link-arg=-ltorch_cuda");
        println!("cargo:rustc-link-arg=-Wl,--as-needed");
    }
}
