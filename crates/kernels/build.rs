//! Compiles the shim against libtorch's headers, as torch-sys compiles its own, and links as every crate on libtorch does.

#![allow(clippy::print_stdout, reason = "how a build script talks to cargo")]

#[path = "../../build/link_libtorch.rs"]
mod link_libtorch;

use std::path::{Path, PathBuf};

fn main() {
    link_libtorch::main();
    for file in [
        "src/shim.cpp",
        "src/script.cpp",
        "../../build/guard.h",
        "../../build/link_libtorch.rs",
    ] {
        println!("cargo:rerun-if-changed={file}");
    }
    for name in ["LIBTORCH_INCLUDE", "LIBTORCH_CXX11_ABI"] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    // Absent under the `doc-only` feature: there is nothing to compile against then.
    let Ok(lib) = std::env::var("DEP_TCH_LIBTORCH_LIB") else {
        return;
    };
    let root = std::env::var_os("LIBTORCH_INCLUDE").map_or_else(
        || {
            Path::new(&lib)
                .parent()
                .unwrap_or(Path::new("/"))
                .to_owned()
        },
        PathBuf::from,
    );
    let include = root.join("include");
    let abi = std::env::var("LIBTORCH_CXX11_ABI").unwrap_or_else(|_| "1".to_owned());
    let mut build = cc::Build::new();
    build
        .cpp(true)
        .pic(true)
        .warnings(false)
        .std("c++17")
        .include("../../build")
        .include(&include)
        .include(include.join("torch/csrc/api/include"))
        .define("_GLIBCXX_USE_CXX11_ABI", abi.as_str())
        .define("GLOG_USE_GLOG_EXPORT", None)
        .file("src/shim.cpp")
        .file("src/script.cpp");
    // libtorch's own thread team, which `at::parallel_for` reaches through a header, is OpenMP's on Linux.
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        build.flag("-fopenmp");
    }
    build.compile("osteon_kernels_shim");
}
