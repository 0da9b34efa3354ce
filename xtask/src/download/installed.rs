//! What a folder holds that is said to be a libtorch.

use std::fs;
use std::path::{Path, PathBuf};

/// The only version that the `tch` of this workspace works with.
pub const VERSION: &str = "2.11.0";

/// A libtorch that a build can use.
#[derive(Debug)]
pub struct Libtorch {
    /// The folder with `include` and `lib`.
    pub folder: PathBuf,
    /// As the folder states it, e.g. `2.11.0+cpu`.
    pub version: String,
    /// Whether it holds the CUDA half.
    pub cuda: bool,
}

/// What makes a folder no libtorch that a build can use.
#[derive(Debug, PartialEq, Eq)]
pub enum Unusable {
    /// There is no such folder.
    Absent,
    /// This file is not in it.
    Lacks(PathBuf),
    /// It is of this version.
    Version(String),
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Absent => write!(formatter, "there is no such folder"),
            Self::Lacks(path) => write!(formatter, "it lacks {}", path.display()),
            Self::Version(version) => write!(
                formatter,
                "it is version {version}, and {VERSION} is needed"
            ),
        }
    }
}

/// Looks at any libtorch folder.
pub fn inspect(folder: &Path) -> Result<Libtorch, Unusable> {
    if !folder.is_dir() {
        return Err(Unusable::Absent);
    }
    let library = if cfg!(windows) {
        "lib/torch_cpu.lib"
    } else if cfg!(target_os = "macos") {
        "lib/libtorch_cpu.dylib"
    } else {
        "lib/libtorch_cpu.so"
    };
    for needed in [HEADER, library] {
        if !folder.join(needed).is_file() {
            return Err(Unusable::Lacks(needed.into()));
        }
    }
    let version = version(folder).ok_or_else(|| Unusable::Lacks(BUILD_VERSION.into()))?;
    if version.split('+').next() != Some(VERSION) {
        return Err(Unusable::Version(version));
    }
    let cuda = ["libtorch_cuda.so", "torch_cuda.lib"]
        .iter()
        .any(|name| folder.join("lib").join(name).is_file());
    Ok(Libtorch {
        folder: folder.to_owned(),
        version,
        cuda,
    })
}

/// Looks at this checkout's own libtorch, which may come from a wheel and then needs NVIDIA's run time beside it.
pub fn inspect_own(folder: &Path) -> Result<Libtorch, Unusable> {
    let libtorch = inspect(folder)?;
    // PyTorch's zip says `2.11.0+cpu` or `2.11.0+cu130` and holds all it needs; the Linux wheel says `2.11.0`.
    if cfg!(target_os = "linux") && !libtorch.version.contains('+') {
        for name in ["libcudart.so.13", "libcupti.so.13"] {
            let relative = Path::new("../nvidia/cu13/lib").join(name);
            if !folder.join(&relative).is_file() {
                return Err(Unusable::Lacks(relative));
            }
        }
    }
    Ok(libtorch)
}

/// Names the version; torch-sys reads it too.
pub const BUILD_VERSION: &str = "build-version";
const HEADER: &str = "include/torch/csrc/api/include/torch/torch.h";

fn version(folder: &Path) -> Option<String> {
    if let Ok(text) = fs::read_to_string(folder.join(BUILD_VERSION)) {
        return Some(text.trim().to_owned());
    }
    // A libtorch out of a Python installation has no such file, but states its version in a header.
    let header = fs::read_to_string(folder.join("include/torch/headeronly/version.h")).ok()?;
    let number = |part: &str| {
        let name = format!("#define TORCH_VERSION_{part} ");
        header
            .lines()
            .find_map(|line| line.strip_prefix(&name))
            .map(str::trim)
    };
    Some(format!(
        "{}.{}.{}",
        number("MAJOR")?,
        number("MINOR")?,
        number("PATCH")?
    ))
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A folder that looks like a libtorch of this version.
    pub fn fake(folder: &Path, version: &str) {
        for name in [
            HEADER,
            "lib/libtorch_cpu.so",
            "lib/libtorch_cpu.dylib",
            "lib/torch_cpu.lib",
        ] {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        fs::write(folder.join(BUILD_VERSION), version).unwrap();
    }

    #[test]
    fn a_whole_one() {
        let folder = tempfile::tempdir().unwrap();
        fake(folder.path(), "2.11.0+cpu\n");
        let libtorch = inspect_own(folder.path()).unwrap();
        assert_eq!(
            (libtorch.version.as_str(), libtorch.cuda),
            ("2.11.0+cpu", false)
        );
        fs::write(folder.path().join("lib/libtorch_cuda.so"), "").unwrap();
        assert!(inspect(folder.path()).unwrap().cuda);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(
            inspect(&folder.path().join("no")).unwrap_err(),
            Unusable::Absent
        );
        assert_eq!(
            inspect(folder.path()).unwrap_err(),
            Unusable::Lacks(HEADER.into())
        );
        fake(folder.path(), "2.7.0");
        assert_eq!(
            inspect(folder.path()).unwrap_err(),
            Unusable::Version("2.7.0".into())
        );
        fake(folder.path(), "2.11.0");
        fs::remove_dir_all(folder.path().join("lib")).unwrap();
        assert!(matches!(
            inspect(folder.path()).unwrap_err(),
            Unusable::Lacks(_)
        ));
    }

    #[test]
    fn the_version_is_read_from_the_header_where_no_file_names_it() {
        let folder = tempfile::tempdir().unwrap();
        fake(folder.path(), "");
        fs::remove_file(folder.path().join(BUILD_VERSION)).unwrap();
        assert!(inspect(folder.path()).is_err());
        fs::create_dir_all(folder.path().join("include/torch/headeronly")).unwrap();
        let header = "#define TORCH_VERSION_MAJOR 2\n#define TORCH_VERSION_MINOR 11\n#define TORCH_VERSION_PATCH 0\n";
        fs::write(
            folder.path().join("include/torch/headeronly/version.h"),
            header,
        )
        .unwrap();
        assert_eq!(inspect(folder.path()).unwrap().version, "2.11.0");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_wheels_libtorch_needs_its_neighbours() {
        let folder = tempfile::tempdir().unwrap();
        let torch = folder.path().join("torch");
        fake(&torch, "2.11.0");
        assert!(
            inspect_own(&torch)
                .unwrap_err()
                .to_string()
                .contains("libcudart.so.13")
        );
        let nvidia = folder.path().join("nvidia/cu13/lib");
        fs::create_dir_all(&nvidia).unwrap();
        fs::write(nvidia.join("libcudart.so.13"), "").unwrap();
        fs::write(nvidia.join("libcupti.so.13"), "").unwrap();
        inspect_own(&torch).unwrap();
    }
}
