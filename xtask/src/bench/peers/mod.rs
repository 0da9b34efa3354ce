//! The other programs: Python scripts outside this repository, in an environment of their own.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::python::environment;
use crate::workspace;

/// Where the scripts are, and a Python that has what they need.
pub struct Peers {
    /// The folder of the scripts.
    pub scripts: PathBuf,
    /// For most of them.
    pub python: PathBuf,
    /// For DALI's CPU backend, if it could be installed.
    pub dali: Option<PathBuf>,
}

impl Peers {
    /// Finds the scripts and makes their environment (several GB) where it is not yet.
    pub fn find(root: &Path, scripts: &Path) -> Result<Self> {
        let list = scripts.join("requirements.txt");
        if !list.is_file() {
            bail!(
                "there is no {}. Point --peers at the folder with the other programs' scripts",
                list.display()
            );
        }
        let envs = root.join("target").join("bench");
        let python = environment(&envs.join("venv"), &["-r", &list.to_string_lossy()])?;
        Ok(Self {
            scripts: std::path::absolute(scripts)?,
            python,
            dali: None,
        })
    }

    /// The same, with DALI where it can be installed.
    pub fn with_dali(root: &Path, scripts: &Path) -> Result<Self> {
        let mut peers = Self::find(root, scripts)?;
        let envs = root.join("target").join("bench");
        let dali = ["nvidia-dali-cuda130==2.4.0", "numpy==2.4.6"];
        match environment(&envs.join("venv-dali"), &dali) {
            Ok(python) => peers.dali = Some(python),
            Err(error) => eprintln!("without DALI: {error:#}"),
        }
        Ok(peers)
    }

    /// ONNX Runtime beside `PyTorch`, which exports the network for it.
    pub fn add_onnx(&self) -> Result<()> {
        if self.has("onnx") && self.has("onnxruntime") {
            return Ok(());
        }
        self.install(&["onnx==1.23.2", "onnxruntime==1.32.0"])
    }

    /// scikit-learn.
    pub fn add_sklearn(&self) -> Result<()> {
        if self.has("sklearn") {
            return Ok(());
        }
        self.install(&["scikit-learn==1.9.1"])
    }

    /// `FastAPI` with uvicorn, and what reads forms, images and weights.
    pub fn add_fastapi(&self) -> Result<()> {
        let needed = ["fastapi", "uvicorn", "multipart", "PIL", "safetensors"];
        if needed.iter().all(|module| self.has(module)) {
            return Ok(());
        }
        self.install(&[
            "fastapi==0.121.0",
            "uvicorn[standard]==0.38.0",
            "python-multipart==0.0.20",
            "pillow",
            "safetensors==0.6.2",
        ])
    }

    fn has(&self, module: &str) -> bool {
        let mut python = Command::new(&self.python);
        let found = python.args(["-c", &format!("import {module}")]).output();
        found.is_ok_and(|output| output.status.success())
    }

    fn install(&self, packages: &[&str]) -> Result<()> {
        let mut pip = Command::new(&self.python);
        pip.args(["-m", "pip", "install", "--quiet"]).args(packages);
        workspace::must_succeed(&mut pip)
    }
}
