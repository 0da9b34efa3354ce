//! `cargo xtask parity`: exported models against the program, image by image, in `PyTorch` and ONNX Runtime.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::download::libtorch;
use crate::{python, workspace};

/// What `cargo xtask parity` takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// Model file [default: the model that ships with the program]
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Folder of images; synthetic ones are drawn where it is absent
    #[arg(
        long,
        value_name = "DIR",
        default_value = "../shared/xrays/fracatlas/val"
    )]
    films: PathBuf,
    /// How many of them
    #[arg(long, default_value_t = 20, value_name = "N")]
    count: usize,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// The versions that the figures in docs/EXPORT.md are of. `PyTorch` for Linux brings CUDA along: about 5 GB.
const PACKAGES: &[&str] = &[
    "torch==2.11.0",
    "onnx==1.23.2",
    "onnxruntime==1.32.0",
    "numpy==2.4.6",
    "pillow==13.0.0",
];

/// Exports the model both ways and runs the comparison; its exit code.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let root = workspace::root();
    libtorch::ensure(&root)?;
    workspace::must_succeed(workspace::cargo(&root).args(["build", "-p", "cli"]))?;
    let python = match std::env::var_os("OSTEON_PYTHON") {
        Some(python) => PathBuf::from(python),
        None => python::environment(&root.join("target/python/parity"), PACKAGES)?,
    };
    let osteon = root.join("target/debug/osteon");
    let folder = root.join("target/parity");
    std::fs::create_dir_all(&folder)?;
    let mut compare = Command::new(python);
    compare.arg(root.join("xtask/parity/parity.py"));
    for format in ["torchscript", "onnx"] {
        let file = folder.join(format!("model.{format}"));
        let mut export = Command::new(&osteon);
        export.args(["export", "--format", format]).arg(&file);
        if let Some(model) = &arguments.model {
            export.arg("--model").arg(model);
        }
        // stdout is for the comparison.
        workspace::must_succeed(export.stdout(std::io::stderr()))?;
        compare.arg(format!("--{format}")).arg(file);
    }
    compare.arg("--osteon").arg(&osteon);
    compare
        .arg("--films")
        .arg(films(&root, &osteon, arguments)?);
    compare.args(["--count", &arguments.count.to_string()]);
    if let Some(model) = &arguments.model {
        compare.arg("--model").arg(model);
    }
    if arguments.json {
        compare.arg("--json");
    }
    Ok(workspace::exit_code(workspace::status(&mut compare)?))
}

/// The images asked for, or synthetic ones.
fn films(root: &Path, osteon: &Path, arguments: &Arguments) -> Result<PathBuf> {
    let real = root.join(&arguments.films);
    if real.is_dir() {
        return Ok(real);
    }
    let drawn = root.join("target/parity/synthetic");
    eprintln!(
        "there is no {}: comparing on synthetic images",
        real.display()
    );
    if !drawn.is_dir() {
        let mut synth = Command::new(osteon);
        synth.args(["data", "synth"]).arg(&drawn);
        synth.args(["--images", &arguments.count.max(20).to_string()]);
        workspace::must_succeed(synth.stdout(std::io::stderr()))?;
    }
    Ok(drawn)
}
