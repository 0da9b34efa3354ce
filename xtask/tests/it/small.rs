//! A small workspace with the places and packages of this one. Commands that would take hours on the whole run on it as they are, by the
//! real cargo; what takes its time in them (training, other programs, the program itself) is a few lines that answer at once.

use std::path::Path;
use std::process::{Command, Output};

use crate::{root, run};

/// What stands in for `osteon`.
const PROGRAM: &str = include_str!("../small/osteon.rs");
/// Of the real workspace, as they are.
const COPIED: &[&str] = &[
    "CHANGELOG.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "configs",
    "deny.toml",
    "docs",
    "packaging",
];

/// The workspace, gone when this is.
pub struct Small {
    folder: tempfile::TempDir,
}

impl Small {
    /// With a program and a libtorch, and no other package.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let small = Self { folder };
        small.write(
            "Cargo.toml",
            "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n",
        );
        small.package("cli", "doc-only = []\n");
        small.write("crates/cli/src/main.rs", PROGRAM);
        let manifest = small.read("crates/cli/Cargo.toml")
            + "[[bin]]\nname = \"osteon\"\npath = \"src/main.rs\"\n";
        small.write("crates/cli/Cargo.toml", &manifest);
        for name in COPIED {
            small.copy(name);
        }
        small.package("model", "doc-only = []\n");
        for name in ["accurate", "fast"] {
            small.write(
                &format!("crates/model/shipped/{name}.safetensors"),
                "weights",
            );
        }
        for part in [
            "include/torch/csrc/api/include/torch/torch.h",
            "lib/libtorch_cpu.so",
            "lib/libtorch_cpu.dylib",
            "lib/torch_cpu.lib",
            "licences/a licence",
        ] {
            small.write(&format!(".libtorch/torch/{part}"), "");
        }
        small.write(".libtorch/torch/build-version", "2.11.0+cpu\n");
        small
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.root().join(path))
            .unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn copy(&self, name: &str) {
        for entry in walkdir::WalkDir::new(root().join(name)) {
            let entry = entry.unwrap();
            let to = self.root().join(entry.path().strip_prefix(root()).unwrap());
            if entry.file_type().is_dir() {
                std::fs::create_dir_all(to).unwrap();
            } else {
                std::fs::copy(entry.path(), to).unwrap();
            }
        }
    }

    /// A package with these lines of `[features]`, and an empty library but for the program's.
    pub fn package(&self, name: &str, features: &str) {
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\nlicense = \"MIT\"\npublish = false\n\n[features]\n{features}\n"
        );
        self.write(&format!("crates/{name}/Cargo.toml"), &manifest);
        if name != "cli" {
            self.write(&format!("crates/{name}/src/lib.rs"), "//! Empty.\n");
        }
    }

    /// An example of a package that prints a line.
    pub fn example(&self, package: &str, name: &str, line: &str) {
        let manifest = format!("crates/{package}/Cargo.toml");
        if !self.root().join(manifest).is_file() {
            self.package(package, "");
        }
        let path = format!("crates/{package}/examples/{name}.rs");
        self.write(
            &path,
            &format!("//! Says so.\nfn main() {{\n    println!(\"{{}}\", {line:?});\n}}\n"),
        );
    }

    /// The file of versions, as the real workspace has one.
    pub fn lock(&self, folder: &str) {
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args(["generate-lockfile", "--offline"])
            .current_dir(self.root().join(folder));
        Ended::of(self.alone(&mut cargo)).passed();
    }

    /// This workspace's `xtask` on the small one.
    pub fn xtask(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command
            .current_dir(self.root())
            .args(arguments)
            .env("CARGO_MANIFEST_DIR", self.root().join("xtask"))
            .env("PIP_NO_INDEX", "1")
            .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
            .env("SOURCE_DATE_EPOCH", "1700000000");
        self.alone(&mut command);
        command
    }

    /// Takes out of the environment what says how the real workspace is built.
    fn alone<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        for name in [
            "CARGO_BUILD_TARGET_DIR",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_TARGET_DIR",
            "LIBTORCH",
            "RUSTC_WORKSPACE_WRAPPER",
            "RUSTC_WRAPPER",
            "RUSTFLAGS",
        ] {
            command.env_remove(name);
        }
        let tmp = self.root().join("tmp");
        std::fs::create_dir_all(&tmp).unwrap();
        command.env("TMPDIR", tmp)
    }
}

/// How a command ended, and all that it said.
pub struct Ended {
    pub output: Output,
    pub said: String,
}

impl Ended {
    pub fn of(command: &mut Command) -> Self {
        let (output, out, err) = run(command);
        let said = out + &err;
        Self { output, said }
    }

    /// It passed; what it said.
    #[track_caller]
    pub fn passed(self) -> String {
        assert!(self.output.status.success(), "{}", self.said);
        self.said
    }

    /// It failed as a command fails, not by a panic; what it said.
    #[track_caller]
    pub fn failed(self) -> String {
        assert_eq!(self.output.status.code(), Some(1), "{}", self.said);
        assert!(!self.said.contains("panicked at xtask"), "{}", self.said);
        self.said
    }
}
