//! Compiles `src/shim.cpp` against the headers of the libtorch that torch-sys found.
//!
//! - Without libtorch (`doc-only`) nothing is compiled.
//! - Elsewhere than on Linux, or where libtorch comes without c10d's headers, the crate is built without its engine:
//!   `Group::connect` then says so.
//! - With the feature `nccl`: `CUDA_HOME` and `NCCL_HOME` say where `include/cuda_runtime_api.h` and `include/nccl.h` lie, unless
//!   they lie in the `nvidia` folder beside a pip-installed libtorch.

#![allow(clippy::print_stdout, reason = "how a build script talks to cargo")]

#[path = "../../build/link_libtorch.rs"]
mod link_libtorch;

use std::path::{Path, PathBuf};

const C10D: &str = "torch/csrc/distributed/c10d/ProcessGroupGloo.hpp";

fn main() {
    link_libtorch::main();
    println!("cargo:rustc-check-cfg=cfg(without_c10d)");
    for name in ["LIBTORCH_CXX11_ABI", "CUDA_HOME", "NCCL_HOME"] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src/shim.cpp");
    println!("cargo:rerun-if-changed=src/include");
    println!("cargo:rerun-if-changed=../../build/guard.h");
    let linux = std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux");
    let lib = std::env::var_os("DEP_TCH_LIBTORCH_LIB").map(PathBuf::from);
    let Some(lib) = lib.filter(|_| linux) else {
        if !linux {
            println!("cargo:rustc-cfg=without_c10d");
        }
        return;
    };
    let include = lib.with_file_name("include");
    if !include.join(C10D).exists() {
        println!("cargo:rustc-cfg=without_c10d");
        println!(
            "cargo:warning=libtorch has no {C10D}: built without communication between processes"
        );
        return;
    }
    let abi = std::env::var("LIBTORCH_CXX11_ABI").unwrap_or_else(|_| "1".to_owned());
    let mut build = cc::Build::new();
    build
        .cpp(true)
        .pic(true)
        .std("c++17")
        .flag("-isystem")
        .flag(&include)
        .flag("-isystem")
        .flag(include.join("torch/csrc/api/include"))
        .include("src/include")
        .include("../../build")
        .define("_GLIBCXX_USE_CXX11_ABI", abi.as_str())
        .define("GLOG_USE_GLOG_EXPORT", None)
        .define("USE_C10D_GLOO", None)
        .file("src/shim.cpp");
    if std::env::var_os("CARGO_FEATURE_NCCL").is_some() {
        if lib.join("libtorch_cuda.so").exists() {
            build
                .define("USE_C10D_NCCL", None)
                .includes(cuda_includes(&lib));
        } else {
            println!(
                "cargo:warning=feature nccl: {} has no libtorch_cuda.so, so NCCL is left out",
                lib.display()
            );
        }
    }
    build.compile("osteon_collective_shim");
}

/// Where the headers of CUDA and NCCL may lie.
fn cuda_includes(lib: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = ["CUDA_HOME", "NCCL_HOME"]
        .iter()
        .filter_map(std::env::var_os)
        .map(|home| PathBuf::from(home).join("include"))
        .collect();
    // site-packages/torch/lib → site-packages/nvidia/*/include
    if let Some(packages) = lib.parent().and_then(Path::parent)
        && let Ok(entries) = packages.join("nvidia").read_dir()
    {
        folders.extend(entries.flatten().map(|entry| entry.path().join("include")));
    }
    folders.retain(|folder| folder.is_dir());
    folders.sort();
    folders
}
